"""A TLS server for benchmarks, in a process of its own so that only the client's CPU is counted.

Law: it demands a client certificate, closes its side once the handshake is done, so that nobody
waits idly, and ends when its standard input does.
Usage: server.py CERTIFICATES KEY TRUST; it prints its port.
"""

import contextlib
import socket
import ssl
import sys
import threading


def main() -> None:
    """Serve until standard input ends."""
    chain, key, trust = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.load_verify_locations(trust)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(listener, context), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        sock, _ = listener.accept()
        with contextlib.suppress(OSError), context.wrap_socket(sock, server_side=True) as tls:
            tls.shutdown(socket.SHUT_WR)
            tls.recv(65536)


main()
