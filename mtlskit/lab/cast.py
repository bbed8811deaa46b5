"""The made-up parties of the lab's scenes, and what each of them holds.

Law of this room: everything is made anew for each staging, so nothing of it ever expires, and a
password or key of one staging is of no use in another.

Acme Corporation is the client. Partner Example Ltd owns the endpoint and trusts Acme's root.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from mtlskit.lab.endpoint import Behaviour
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued, now, pem
from mtlskit.lab.servers import Tls
from mtlskit.material import Blob, Source, Target

HOST = "partner-api.example"
CLIENT = "CN=Acme Integration Client, O=Acme Corporation"
_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Hand:
    """What the client holds, and how it calls.

    Attributes:
        identity_files: its key stores, the one in use first.
        trust_files: the authorities by which it trusts servers.
        material_files: whatever else lies about.
        password: the password that it has for its key stores.
        server_name: the name by which it calls.
        versions: the TLS versions that it is set to speak, lowest and highest.
        manner: what else is out of the ordinary in its calls; see `mtlskit.collect.calling`.
    """

    identity_files: tuple[Blob, ...]
    trust_files: tuple[Blob, ...]
    material_files: tuple[Blob, ...] = ()
    password: str | None = field(default=None, repr=False)
    server_name: str = HOST
    versions: tuple[str, str] = ("1.2", "1.3")
    manner: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a scene is set up.

    Attributes:
        hand: what the client holds.
        endpoint: what the partner's endpoint does; None: nobody listens on its port.
        mended: what the client would hold if it were put right; None if only others can mend it.
        host: the host to call, where it is not the lab's own.
        proxy: given the endpoint's address, what the proxy does by which the client calls; None:
            it calls directly.
    """

    hand: Hand
    endpoint: Tls | Behaviour | None
    mended: Hand | None = None
    host: str | None = None
    proxy: Callable[[Target], Behaviour] | None = None


class Cast:
    """The parties, made anew, with their certificates and files.

    Attributes:
        tls: the TLS version of this staging, ``1.2`` or ``1.3``.
        host: the name by which the partner's endpoint is called.
        root: Acme's root, which the partner trusts.
        issuing: Acme's issuing authority beneath it.
        good: an identity with which everything works.
        partner: the partner's root, which Acme trusts.
        partner_issuing: the partner's issuing authority beneath it.
    """

    def __init__(self, tls: str, host: str = HOST) -> None:
        self.tls = tls
        self.host = host
        self.password = f"lab-{secrets.token_hex(5)}"
        self.root = Authority.root("CN=Acme Root CA, O=Acme Corporation")
        self.issuing = self.root.intermediate("CN=Acme Issuing CA 2, O=Acme Corporation")
        self.good = self.issuing.client(CLIENT)
        self.partner = Authority.root("CN=Partner Example Root CA, O=Partner Example Ltd")
        self.partner_issuing = self.partner.intermediate(
            "CN=Partner Example TLS CA 1, O=Partner Example Ltd"
        )

    def ago(self, **span: float) -> datetime:
        """Name a moment in the past, as ``ago(days=3)``."""
        return now() - timedelta(**span)

    def ahead(self, **span: float) -> datetime:
        """Name a moment in the future."""
        return now() + timedelta(**span)

    def partner_identity(self) -> Issued:
        """Issue the identity of the partner's endpoint."""
        return self.partner_issuing.server(
            f"CN={self.host}, O=Partner Example Ltd", self.host, _ADDRESS
        )

    def lists(
        self, *revoked: Issued, late: bool = False
    ) -> tuple[x509.CertificateRevocationList, ...]:
        """Make the lists of Acme's authorities; `late`: those whose successors are overdue."""
        since, due = (self.ago(days=9), self.ago(days=2)) if late else (None, None)
        told = ((self.root, ()), (self.issuing, tuple(one.certificate for one in revoked)))
        return tuple(
            x509.load_der_x509_crl(
                revocation_list(authority, *listed, this_update=since, next_update=due)
            )
            for authority, listed in told
        )

    def endpoint(self, **settings: object) -> Tls:
        """Describe the partner's endpoint: it trusts Acme's root and demands a certificate."""
        usual: dict[str, object] = {
            "identity": self.partner_identity(),
            "trust": (self.root.certificate,),
            "versions": (self.tls, self.tls),
        }
        return Tls(**(usual | settings))  # type: ignore[arg-type]  # Tls itself names the fields

    def hand(self, *identities: Issued | Blob, **parts: object) -> Hand:
        """Describe what the client holds: these identities, and trust in the partner's root."""
        usual: dict[str, object] = {
            "identity_files": tuple(
                one if isinstance(one, Blob) else self.p12(one) for one in identities
            ),
            "trust_files": (certificates("partner-root-ca.pem", self.partner.certificate),),
            "password": self.password if identities else None,
            "server_name": self.host,
            "versions": (self.tls, self.tls),
        }
        return Hand(**(usual | parts))  # type: ignore[arg-type]  # Hand itself names the fields

    def p12(self, issued: Issued, name: str = "acme-client.p12", *, chain: bool = True) -> Blob:
        """Write an identity as a PKCS#12 file, sealed with this staging's password."""
        return Blob(Source(name), issued.p12(self.password, "acme-client", chain=chain))

    def pem(self, issued: Issued, name: str = "acme-client.pem") -> Blob:
        """Write an identity as a PEM file, its issuers in the order in which they are held."""
        return text(name, [issued.pem_chain(), issued.pem_key(self.password)])

    def holding(self, *identities: Issued | Blob, **settings: object) -> Plan:
        """Plan a scene in which these identities are at fault, and the good one is the cure."""
        return Plan(self.hand(*identities), self.endpoint(**settings), self.hand(self.good))


def certificates(name: str, *shown: x509.Certificate) -> Blob:
    """Write certificates as a PEM file of that name."""
    return Blob(Source(name), pem(shown))


def text(name: str, parts: Iterable[bytes]) -> Blob:
    """Put PEM blocks into one file of that name."""
    return Blob(Source(name), b"".join(parts))
