"""Made-up parties for the tests of live attempts, and readers of what an attempt recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.certs.private_key import PrivateKey
from mtlskit.lab.pki import Authority, Issued
from mtlskit.lab.servers import Tls
from mtlskit.material import Source, Tap
from mtlskit.wire.conversation import Conversation, Seen

SOURCE = Source("test")


def facts(certificate: x509.Certificate) -> Certificate:
    """Reads what cryptography made."""
    return read_certificate(certificate.public_bytes(Encoding.DER), SOURCE)


@dataclass(frozen=True)
class Parties:
    """A client and a server, each beneath its own root and one intermediate."""

    root: Authority
    issuing: Authority
    server: Issued
    client_root: Authority
    client_issuing: Authority
    client: Issued

    def identity(self, issued: Issued | None = None) -> Identity:
        """The client's certificate, chain and key, or those of another."""
        issued = issued or self.client
        chain = tuple(facts(one) for one in issued.chain)
        return Identity(SOURCE, "client", facts(issued.certificate), chain, PrivateKey(issued.key))

    def demanding(self, version: str, **settings: object) -> Tls:
        """A server of this one TLS version that demands a client certificate."""
        tls = Tls(self.server, trust=(self.client_root.certificate,), versions=(version, version))
        return replace(tls, **settings)


@pytest.fixture(scope="session")
def parties() -> Parties:
    root, client_root = Authority.root("Server Root"), Authority.root("Client Root")
    issuing, client_issuing = root.intermediate("Server CA"), client_root.intermediate("Client CA")
    return Parties(
        root=root,
        issuing=issuing,
        server=issuing.server("Server", "localhost", "127.0.0.1", "::1"),
        client_root=client_root,
        client_issuing=client_issuing,
        client=client_issuing.client("Client"),
    )


@pytest.fixture(scope="session")
def told() -> Callable[[Tap], list[Seen]]:
    """Opens and reads a tap with its own key log."""

    def read(tap: Tap) -> list[Seen]:
        conversation = Conversation(tap.secrets.lines)
        seen = [one for chunk in tap.chunks for one in conversation.feed(chunk.sender, chunk.data)]
        return seen + list(conversation.end())

    return read
