"""The parties and servers of the measuring: a world in which all is well, made anew for each run.

Law of this file: a fault changes one thing in it; which, is told in `faults`. Faults of one variant
meet the same server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued, Parts, now, pem
from mtlskit.lab.publisher import NOWHERE, Publisher
from mtlskit.lab.stacks.setup import Setup

HOST = "server.lab.example"
CLIENT = "CN=Lab Client, O=mtlskit lab"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Play:
    """What the client holds and does in one fault.

    Attributes:
        identity: certificate, key, and the issuers that are sent with it; None: it has none.
        material: certificates that lie beside it.
        trust: by what the client trusts servers; None: by the lab's server root.
        call: the parts of a `Call` that are out of the ordinary.
        server_name: the name that it calls.
    """

    identity: Issued | None = None
    material: tuple[x509.Certificate, ...] = ()
    trust: tuple[x509.Certificate, ...] | None = None
    call: Mapping[str, Any] = field(default_factory=dict)
    server_name: str = HOST


class World:
    """The parties of the measuring, made anew once for each run."""

    def __init__(self, publisher: Publisher = NOWHERE) -> None:
        """Make them; what the clients' authorities publish is to be had from `publisher`."""
        self._publisher = publisher
        self.root = Authority.root("CN=Lab Client Root A, O=mtlskit lab")
        self.issuing = self._intermediate(self.root, "CN=Lab Client Intermediate A, O=mtlskit lab")
        self.good = self.client()
        self.revoked = self.client()
        self.server_root = Authority.root("CN=Lab Server Root, O=mtlskit lab")
        beneath = self.server_root.intermediate("CN=Lab Server Intermediate, O=mtlskit lab")
        self.server = beneath.server(f"CN={HOST}", HOST, "127.0.0.1")

    @cached_property
    def elsewhere(self) -> Authority:
        """An authority that no server here knows."""
        other = Authority.root("CN=Unrelated Root, O=somebody else")
        return self._intermediate(other, "CN=Unrelated Intermediate, O=somebody else")

    @cached_property
    def recreated(self) -> Authority:
        """An authority beneath a root of the right name with another key."""
        name = "CN=Lab Client Intermediate A, O=mtlskit lab"
        return self._intermediate(self.root.recreated(), name)

    @cached_property
    def rsa_issuing(self) -> Authority:
        """An authority with an RSA key beneath the root."""
        name = "CN=Lab Client Intermediate A RSA, O=mtlskit lab"
        return self._intermediate(self.root, name, key="RSA 2048")

    def setup(self, variant: str) -> Setup:
        """Describe the server of a variant."""
        base = Setup(self.server, (self.root.certificate,))
        return replace(base, **_VARIANTS[variant](self))

    def crl(self, authority: Authority, *, late: bool = False) -> x509.CertificateRevocationList:
        """Make an authority's revocation list; `late`: one whose successor is overdue."""
        made, due = (now() - 9 * DAY, now() - 2 * DAY) if late else (None, None)
        listed = (self.revoked.certificate,) if authority is self.issuing else ()
        der = revocation_list(authority, *listed, this_update=made, next_update=due)
        return x509.load_der_x509_crl(der)

    def client(self, by: Authority | None = None, **parts: Unpack[Parts]) -> Issued:
        """Issue a client's certificate, by the usual authority unless another one is named."""
        by = by or self.issuing
        return by.client(CLIENT, **self._published(by, parts))

    def _intermediate(self, by: Authority, name: str, **parts: Unpack[Parts]) -> Authority:
        return by.intermediate(name, **self._published(by, parts))

    def _published(self, by: Authority, parts: Parts) -> Parts:
        """Say in what an authority issues where its list and certificate are to be had."""
        listing = self._publisher.addresses(by, lambda: self.crl(by).public_bytes(Encoding.DER))
        extra = (*parts.get("extra", ()), *listing)
        return {**parts, "extra": extra} if extra else parts


_VARIANTS: Mapping[str, Callable[[World], dict[str, Any]]] = {
    "base": lambda _: {},
    "crl": lambda world: {"crls": (world.crl(world.root), world.crl(world.issuing))},
    "crl_expired": lambda world: {
        "crls": (world.crl(world.root, late=True), world.crl(world.issuing, late=True))
    },
    "crl_incomplete": lambda world: {"crls": (world.crl(world.root),)},
    "int_anchor": lambda world: {"trust": (world.issuing.certificate,)},
    "tls12": lambda _: {"versions": ("1.2", "1.2")},
    "tls13": lambda _: {"versions": ("1.3", "1.3")},
    "sigalg_rsa": lambda _: {"schemes": "rsa_pss_rsae_sha256:RSA+SHA256"},
    "sni": lambda _: {"names": (HOST,)},
    "plain": lambda _: {"plain": True},
}


def client_pem(play: Play) -> bytes:
    """Write what the client holds as PEM: its chain in the order sent, and its key."""
    if play.identity is None:
        return b""
    return play.identity.pem_chain() + play.identity.pem_key()


def beside_pem(play: Play) -> bytes:
    """Write what lies beside it as PEM."""
    return pem(play.material)


VARIANTS: tuple[str, ...] = tuple(_VARIANTS)
