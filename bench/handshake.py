"""What it costs to trace a live handshake: to record it (`connect`), and to tell it (`follow`).

Peer: the shortest pyOpenSSL client over memory BIOs, with the same context options, identity,
chain and key log, against the same server process, reading like ours until the server has closed:
in TLS 1.3 the session tickets come after the client's last flight. Measured is the CPU time of
this process alone, in batches, so that each client runs with its own code at hand.

Two more ways to look at it: traces told one after another, as where many recordings are read, and
the very first attempt of a process, with nothing at hand yet.
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

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from table import Row, alternate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.certs.private_key import PrivateKey
from mtlskit.collect.live import Call, connect
from mtlskit.lab.pki import Authority, Issued, pem, write_private
from mtlskit.material import Source, Tap, Target
from mtlskit.trace.handshake import follow

ROUNDS = 31
FIRST_ROUNDS = 7
BATCH = 10
BUDGET = 1.3
NAME = "localhost"
KINDS = ("RSA 2048", "EC P-256")
SERVER = Path(__file__).with_name("server.py")
_ORDER = (
    "`connect`",
    "`connect` and `follow`",
    "`connect`, and `follow` of ten in a row",
    "the first attempt of a process",
)
VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}


def measure() -> list[Row]:
    """Compare for both kinds of key in TLS 1.2 and 1.3, with one intermediate on each side."""
    rows = []
    for kind in KINDS:
        root = Authority.root("CN=Bench Root", key=kind)
        issuing = root.intermediate("CN=Bench Issuing", key=kind)
        server = issuing.server("CN=Bench Server", NAME, key=kind)
        client = issuing.client("CN=Bench Client", key=kind)
        with _serving(root, server) as port:
            for version in VERSIONS:
                rows += _rows(kind, version, port, client)
                rows += [_first(kind, version, port, client)]
    return sorted(rows, key=lambda row: _ORDER.index(row.what.partition(", TLS")[0]))


def _rows(kind: str, version: str, port: int, client: Issued) -> list[Row]:
    call = Call(Target("127.0.0.1", port), NAME, _identity(client), versions=(version, version))
    trace = follow(connect(call))
    assert trace.ended.outcome == "accepted", trace.ended
    assert len(trace.client_chain or ()) == 2  # noqa: PLR2004 - leaf and intermediate
    recorded, told, alone, peer = alternate(
        ROUNDS,
        _cpu(lambda: connect(call)),
        _cpu(lambda: follow(connect(call))),
        lambda: _one_after_another([connect(call) for _ in range(BATCH)]),
        _cpu(lambda: _bare(version, port, client)),
    )
    what = f"TLS {version}, {kind}"
    return [
        _row(f"{_ORDER[0]}, {what}", recorded, peer),
        _row(f"{_ORDER[1]}, {what}", told, peer),
        _row(f"{_ORDER[2]}, {what}", recorded + alone, peer),
    ]


def _one_after_another(taps: list[Tap]) -> float:
    start = process_time()
    for tap in taps:
        follow(tap)
    return (process_time() - start) / len(taps)


def _first(kind: str, version: str, port: int, client: Issued) -> Row:
    """Measure the first attempt of a process, in as many processes as there are rounds."""
    with tempfile.TemporaryDirectory() as folder:
        write_private(Path(folder, "chain.pem"), client.pem_chain())
        write_private(Path(folder, "key.pem"), client.pem_key())
        ours, peer = alternate(
            FIRST_ROUNDS,
            *(
                lambda who=who: _process(who, version, str(port), folder)
                for who in ("ours", "bare")
            ),
        )
    return Row(f"{_ORDER[3]}, TLS {version}, {kind}", "bare pyOpenSSL", ours, peer,
               f"{ours / peer:.2f}x", "none", held=True)  # fmt: skip


def _process(*arguments: str) -> float:
    command = [sys.executable, __file__, *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _once(who: str, version: str, port: str, folder: str) -> None:
    """Make one attempt in this process and print what it took; what was loaded before is free."""
    leaf, *issuers = x509.load_pem_x509_certificates(Path(folder, "chain.pem").read_bytes())
    key = load_pem_private_key(Path(folder, "key.pem").read_bytes(), None)
    client = Issued(leaf, key, tuple(issuers))  # type: ignore[arg-type]  # it is one of ours
    target = Target("127.0.0.1", int(port))
    call = Call(target, NAME, _identity(client), versions=(version, version))
    start = process_time()
    if who == "ours":
        follow(connect(call))
    else:
        _bare(version, int(port), client)
    print(process_time() - start)


def _row(what: str, ours: float, peer: float) -> Row:
    ratio = ours / peer
    return Row(what, "bare pyOpenSSL", ours, peer, f"{ratio:.2f}x",
               f"at most {BUDGET}x", ratio <= BUDGET)  # fmt: skip


def _cpu(action: Callable[[], object]) -> Callable[[], float]:
    """Measure a batch; its first run only brings the code back to the processor's caches."""

    def probe() -> float:
        action()
        start = process_time()
        for _ in range(BATCH):
            action()
        return (process_time() - start) / BATCH

    return probe


def _bare(version: str, port: int, client: Issued) -> None:
    """Shake hands, and read until the server closes."""
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
        while data := sock.recv(65536):
            tls.bio_write(data)
            with contextlib.suppress(SSL.WantReadError):
                tls.recv(65536)


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


if __name__ == "__main__":
    _once(*sys.argv[1:])
