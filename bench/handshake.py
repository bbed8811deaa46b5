"""What it costs to trace a live handshake: `connect` and `follow` together.

Peer: the shortest pyOpenSSL client over memory BIOs, with the same context options, identity,
chain and key log, against the same server process. It stops at the end of the handshake; ours
reads on for the server's next word, and parses and opens everything that was said.
Measured is the CPU time of this process alone.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

from OpenSSL import SSL
from table import Row, alternate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.certs.private_key import PrivateKey
from mtlskit.collect.live import Call, connect
from mtlskit.lab.pki import Authority, Issued, pem, write_private
from mtlskit.material import Source, Target
from mtlskit.trace.handshake import follow

ROUNDS = 301
BUDGET = 1.3
NAME = "localhost"
LINGER = 0.01  # seconds; waiting costs no CPU
SERVER = Path(__file__).with_name("server.py")
VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}


def measure() -> list[Row]:
    """Compare for TLS 1.2 and 1.3, with a client certificate of one intermediate."""
    root = Authority.root("CN=Bench Root")
    issuing = root.intermediate("CN=Bench Issuing")
    server, client = issuing.server("CN=Bench Server", NAME), issuing.client("CN=Bench Client")
    with _serving(root, server) as port:
        return [_row(version, port, client) for version in VERSIONS]


def _row(version: str, port: int, client: Issued) -> Row:
    call = Call(Target("127.0.0.1", port), NAME, _identity(client),
                versions=(version, version), linger=LINGER)  # fmt: skip
    trace = follow(connect(call))
    assert trace.ended.outcome == "accepted", trace.ended
    assert trace.client_chain is not None
    assert len(trace.client_chain) == 2  # noqa: PLR2004 - leaf and intermediate
    ours, peer = alternate(
        ROUNDS,
        _cpu(lambda: follow(connect(call))),
        _cpu(lambda: _bare(version, port, client)),
    )
    ratio = ours / peer
    return Row(f"traced handshake, TLS {version}", "bare pyOpenSSL", ours, peer, f"{ratio:.2f}x",
               f"at most {BUDGET}x", ratio <= BUDGET)  # fmt: skip


def _cpu(action: Callable[[], object]) -> Callable[[], float]:
    def probe() -> float:
        start = process_time()
        action()
        return process_time() - start

    return probe


def _bare(version: str, port: int, client: Issued) -> None:
    """Shake hands and close."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(VERSIONS[version])
    context.set_max_proto_version(VERSIONS[version])
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_mode(8)  # SSL_MODE_NO_AUTO_CHAIN
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    lines: list[bytes] = []
    context.set_keylog_callback(lambda _, line: lines.append(line))
    context.use_certificate(client.certificate)
    context.use_privatekey(client.key)
    for issuer in client.chain:
        context.add_extra_chain_cert(issuer)
    tls = SSL.Connection(context, None)
    tls.set_connect_state()
    tls.set_tlsext_host_name(NAME.encode())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        done = False
        while not done:
            try:
                tls.do_handshake()
                done = True
            except SSL.WantReadError:
                pass
            with contextlib.suppress(SSL.WantReadError):
                sock.sendall(tls.bio_read(65536))
            if not done:
                tls.bio_write(sock.recv(65536))


def _identity(client: Issued) -> Identity:
    source = Source("bench")
    chain = tuple(read_certificate(_der(one), source) for one in client.chain)
    leaf = read_certificate(client.der, source)
    return Identity(source, "bench", leaf, chain, PrivateKey(client.key))


def _der(certificate: object) -> bytes:
    return Issued(certificate, None).der  # type: ignore[arg-type]  # only its bytes are asked for


@contextlib.contextmanager
def _serving(root: Authority, server: Issued) -> Iterator[int]:
    """Run the server in a process of its own; give its port."""
    with tempfile.TemporaryDirectory() as folder:
        files = [
            write_private(Path(folder, "chain.pem"), server.pem_chain()),
            write_private(Path(folder, "key.pem"), server.pem_key()),
            write_private(Path(folder, "trust.pem"), pem([root.certificate])),
        ]
        command = [sys.executable, str(SERVER), *map(str, files)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            yield int(process.stdout.readline())
            process.stdin.close()
