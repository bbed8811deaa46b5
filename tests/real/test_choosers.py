"""What real clients do with one identity and the server's request: as the table foretells."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from mtlskit.certs.choosers import choose
from mtlskit.certs.keystore import open_store
from mtlskit.collect.tap import relay
from mtlskit.lab.pki import Authority, Issued, pem
from mtlskit.lab.stacks import STACKS, Setup
from mtlskit.material import Blob, Source
from mtlskit.trace.handshake import follow


@dataclass
class Party:
    """The client's side: its identity in files, and the two CAs that a server may list."""

    folder: Path
    own: Issued
    ca: x509.Certificate
    stranger: x509.Certificate
    server: Issued

    def file(self, name: str) -> str:
        """The path of a file."""
        return str(self.folder / name)


@pytest.fixture(scope="module")
def party(tmp_path_factory: pytest.TempPathFactory) -> Party:
    """An EC identity with its chain, as PEM."""
    folder = tmp_path_factory.mktemp("party")
    root = Authority.root("CN=Own Root, O=Made up")
    stranger = Authority.root("CN=Strange Root, O=Made up")
    issuing = root.intermediate("CN=Own Issuing, O=Made up")
    own = issuing.client("CN=client")
    (folder / "chain.pem").write_bytes(own.pem_chain())
    (folder / "key.pem").write_bytes(own.pem_key())
    (folder / "ca.pem").write_bytes(pem((root.certificate,)))
    return Party(folder, own, root.certificate, stranger.certificate, root.server("CN=localhost"))


def commands(party: Party, port: int) -> dict[str, list[str]]:
    """How each client is told to use the identity."""
    chain, key = party.file("chain.pem"), party.file("key.pem")
    where = f"127.0.0.1:{port}"
    return {
        "openssl": [
            *("openssl", "s_client", "-connect", where, "-tls1_2", "-cert", chain),
            *("-cert_chain", chain, "-key", key),
        ],
        "curl": [
            "curl",
            "-sk",
            "--tls-max",
            "1.2",
            "--cert",
            chain,
            "--key",
            key,
            f"https://{where}/",
        ],
        "libgnutls": [sys.executable, "-c", PLAIN_GNUTLS, str(port), chain, key],
        "git": [
            *("git", "-c", "http.sslVerify=false", "-c", f"http.sslCert={chain}"),
            *("-c", f"http.sslKey={key}", "ls-remote", f"https://{where}/"),
        ],
    }


LIBRARIES = {"openssl": "openssl", "curl": "openssl", "git": "gnutls-forced", "libgnutls": "gnutls"}
REQUESTS = {"own": None, "stranger": None, "scheme": "rsa_pkcs1_sha256"}


PLAIN_GNUTLS = """
import ctypes, socket, sys
tls = ctypes.CDLL("libgnutls.so.30")
port, chain, key = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode()
identity, session = ctypes.c_void_p(), ctypes.c_void_p()
tls.gnutls_certificate_allocate_credentials(ctypes.byref(identity))
assert tls.gnutls_certificate_set_x509_key_file(identity, chain, key, 1) == 0
tls.gnutls_init(ctypes.byref(session), 2)
tls.gnutls_set_default_priority(session)
tls.gnutls_credentials_set(session, 1, identity)
sock = socket.create_connection(("127.0.0.1", port), 10)
tls.gnutls_transport_set_int2(session, sock.fileno(), sock.fileno())
while tls.gnutls_handshake(session) in (-28, -52):
    pass
"""
"""A client that sets no flag; there is no program that is one."""


@pytest.mark.needs("openssl", "curl", "git", "gnutls-cli")
@pytest.mark.parametrize("client", LIBRARIES)
@pytest.mark.parametrize("request_for", REQUESTS)
def test_a_client_sends_or_withholds_as_foretold(
    party: Party, client: str, request_for: str
) -> None:
    """One EC identity; the server lists its CA, another's, or takes RSA signatures only."""
    listed = party.stranger if request_for == "stranger" else party.ca
    setup = Setup(
        party.server,
        (party.ca, party.stranger),
        asks="optional",
        versions=("1.2", "1.2"),
        ca_list=(listed,),
        schemes="rsa_pkcs1_sha256:rsa_pkcs1_sha384" if request_for == "scheme" else None,
    )
    with STACKS["openssl-www"].start(setup) as running, relay(running.target) as tap:
        subprocess.run(
            commands(party, tap.target.port)[client],
            input=b"GET / HTTP/1.0\r\n\r\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
        trace = follow(tap.taps(1)[0].tap)
    assert trace.asked is not None, trace
    data = b"".join((party.folder / one).read_bytes() for one in ("chain.pem", "key.pem"))
    store = open_store(Blob(Source("client.pem"), data))
    choice = choose(
        LIBRARIES[client],
        store.identities,
        wanted=trace.asked.wanted(trace.tls),
        at=datetime.now(UTC),
        store=store,
    )
    if choice.chooser.gives_up and choice.chosen is None:
        assert trace.client_chain is None, str(trace)
        assert (trace.ended.outcome, trace.ended.refused_by) == ("refused", "client"), str(trace)
        return
    assert trace.client_chain is not None, str(trace)
    assert bool(trace.client_chain) == (choice.chosen is not None), (choice, str(trace))
