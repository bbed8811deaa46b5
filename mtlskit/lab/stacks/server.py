"""The lab's server on Python's own `ssl`, as ``setup.json`` says: threads or asyncio."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path

SETUP = json.loads(Path("setup.json").read_text("utf-8"))
_BODY = SETUP["page"].encode()
ANSWER = (
    f"HTTP/1.1 {SETUP['status']} Lab\r\nContent-Type: text/html\r\n"
    f"Content-Length: {len(_BODY)}\r\nConnection: close\r\n\r\n"
).encode() + _BODY
_ASKS = {"require": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "no": ssl.CERT_NONE}
_PATIENCE = 10.0
_LIMIT = 65536


def context() -> ssl.SSLContext:
    """Make the context that the setup describes."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if (SETUP["low"], SETUP["high"]) != ("1.2", "1.3"):  # else it is as the system says
        made.minimum_version = ssl.TLSVersion[f"TLSv{SETUP['low'].replace('.', '_')}"]
        made.maximum_version = ssl.TLSVersion[f"TLSv{SETUP['high'].replace('.', '_')}"]
    made.load_cert_chain("chain.pem", "key.pem")
    made.verify_mode = _ASKS[SETUP["asks"]]
    if SETUP["asks"] != "no":
        made.load_verify_locations("trust.pem")
    if SETUP["crl"]:
        made.load_verify_locations("crl.pem")
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    return made


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program


def threads() -> None:
    """Serve each connection in a thread of its own, blocking."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    tls = context()
    _say(f"listening on 127.0.0.1:{listener.getsockname()[1]}")
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_answer, args=(sock, tls), daemon=True).start()


def _answer(sock: socket.socket, tls: ssl.SSLContext) -> None:
    sock.settimeout(_PATIENCE)
    try:
        with sock, tls.wrap_socket(sock, server_side=True) as line:
            request = b""
            while b"\r\n\r\n" not in request and len(request) < _LIMIT:
                if not (more := line.recv(4096)):
                    return
                request += more
            line.sendall(ANSWER)
    except OSError as error:
        _say(f"{type(error).__name__}: {error}")


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
    writer.close()


async def serve() -> None:
    """Serve by asyncio's streams."""
    server = await asyncio.start_server(_talk, "127.0.0.1", 0, ssl=context())
    _say(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "asyncio":
        asyncio.run(serve())
    else:
        threads()
