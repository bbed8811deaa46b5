"""What the lab's authorities publish: their certificates and revocation lists, over plain HTTP.

Law of this file: as a real authority's, its addresses stand in what it issues (RFC 5280, 4.2.1.13
and 4.2.2.1), and whoever asks gets what is current. It is served on loopback alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from mtlskit.lab.endpoint import Line, Visit, serve
from mtlskit.lab.pki import Authority

_HEAD_LIMIT = 16384
_Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True, slots=True)
class Publisher:
    """A place where authorities publish.

    Attributes:
        address: of the place, such as ``http://127.0.0.1:8080``; "": nothing is published.
        pages: what is to be had there, by path; made when somebody asks.
    """

    address: str = ""
    pages: dict[str, Callable[[], bytes]] = field(default_factory=dict)

    def addresses(
        self, authority: Authority, listing: Callable[[], bytes]
    ) -> tuple[_Extension, ...]:
        """Publish an authority; return the extensions that say so in what it issues.

        Args:
            authority: whose certificate and list are published.
            listing: makes its revocation list, DER.
        """
        if not self.address:
            return ()
        name = f"/{authority.certificate.serial_number:x}"
        self.pages[f"{name}.crl"] = listing
        self.pages[f"{name}.cer"] = lambda: authority.der
        point = x509.DistributionPoint([self._uri(f"{name}.crl")], None, None, None)
        issuer = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, self._uri(f"{name}.cer")
        )
        return (
            (x509.CRLDistributionPoints([point]), False),
            (x509.AuthorityInformationAccess([issuer]), False),
        )

    def _uri(self, path: str) -> x509.UniformResourceIdentifier:
        return x509.UniformResourceIdentifier(self.address + path)

    def answer(self, line: Line) -> Visit:
        """Answer one GET."""
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_LIMIT:
            head += line.receive()
        _, _, rest = head.decode("latin-1").partition(" ")
        page = self.pages.get(rest.partition(" ")[0])
        status, body = (200, page()) if page else (404, b"")
        line.send(f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return Visit(status=status)


NOWHERE = Publisher()
"""Where nothing is published, as private authorities often have it."""


@contextmanager
def publishing() -> Iterator[Publisher]:
    """Run a place where authorities publish, on a free loopback port."""
    pages: dict[str, Callable[[], bytes]] = {}
    with serve(lambda line: Publisher("", pages).answer(line)) as endpoint:
        yield Publisher(f"http://{endpoint.target}", pages)
