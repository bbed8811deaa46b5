"""Key stores and chains to look at, made anew at each call, as bytes with a name.

Law of this room: nothing is written to disk, so that no key is left behind; a password of one call
is of no use in another. Whoever wants files writes `Blob.data` to one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography import x509

from mtlskit.lab.pki import Authority, Issued, now, pem
from mtlskit.material import Blob, Source

_CLIENT = "CN=Acme Integration Client, O=Acme Corporation"
_NAMES = ("integration.acme.example",)
_PUBLIC_POLICY = "2.23.140.1.2.1"
"""Domain validated (CA/Browser Forum, Baseline Requirements, 7.1.6.1)."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What a customer's folder looks like after some years.

    Attributes:
        old: the key store in use; its certificate ends in twelve days.
        new: its renewal: the same name, another key, and an alias that is hard to find.
        lone: a certificate that was sent without its private key.
        public: a certificate of a public CA, which a client cannot use.
        trust: the roots and an intermediate.
        password: of both key stores.
    """

    old: Blob
    new: Blob
    lone: Blob
    public: Blob
    trust: Blob
    password: str = field(repr=False)

    @property
    def files(self) -> tuple[Blob, ...]:
        """All of them."""
        return self.old, self.new, self.lone, self.public, self.trust


@dataclass(frozen=True, slots=True)
class Chains:
    """One client's certificate, with more or less of what belongs to it.

    Attributes:
        alone: the certificate and nothing else.
        whole: the certificate and its intermediate.
        tangled: an expired certificate with two intermediates of one name and key: one of them
            expired too, the other one beneath a root that nobody trusts.
        trust: the root that the server trusts.
        beside: the intermediate, in a file that lies beside.
    """

    alone: Blob
    whole: Blob
    tangled: Blob
    trust: Blob
    beside: Blob


def stores() -> Stores:
    """Make the stores of a customer's folder."""
    root = Authority.root("CN=Acme Root CA, O=Acme Corporation")
    issuing = root.intermediate("CN=Acme Issuing CA 2, O=Acme Corporation")
    partner = Authority.root("CN=Partner Root CA, O=Partner Example Ltd")
    today, password = now(), f"lab-{secrets.token_hex(5)}"
    ends = today + timedelta(days=12, hours=6)
    begun = ends - timedelta(days=365)
    old = issuing.client(_CLIENT, san=_NAMES, not_before=begun, not_after=ends)
    new = issuing.client(_CLIENT, san=_NAMES, not_after=today + timedelta(days=365))
    lone = issuing.client("CN=Acme Batch Client, O=Acme Corporation")
    trusted = (issuing.certificate, root.certificate, partner.certificate)
    return Stores(
        _blob("acme-2025.p12", old.p12(password, "acme-client", chain=False)),
        _blob("Acme-2026.p12", new.p12(password, "Acme Client")),
        _blob("batch-client.cer", lone.pem_chain(chain=False)),
        _blob("api-gateway.pem", _of_a_public_ca().pem_chain()),
        _blob("trusted.pem", pem(trusted)),
        password,
    )


def chains() -> Chains:
    """Make one client's certificate, whole, alone and in a tangle."""
    root = Authority.root("CN=Acme Root CA, O=Acme Corporation")
    issuing = root.intermediate("CN=Acme Issuing CA 2, O=Acme Corporation")
    client = issuing.client(_CLIENT, san=_NAMES)
    return Chains(
        _blob("alone.pem", client.pem_chain(chain=False)),
        _blob("whole.pem", client.pem_chain()),
        _blob("tangled.pem", _tangle(root)),
        _blob("root.pem", root.pem_chain(chain=False)),
        _blob("issuing.pem", issuing.pem_chain(chain=False)),
    )


def _blob(name: str, data: bytes) -> Blob:
    return Blob(Source(name), data)


def _tangle(root: Authority) -> bytes:
    """Everything that one root's clients met on the way to another one."""
    name, today = "CN=Acme Issuing CA 1, O=Acme Corporation", now()
    years, week = timedelta(days=900), timedelta(days=7)
    begun, over = today - years, today - week
    former = root.intermediate(name, not_before=begun, not_after=over)
    merged = Authority.root("CN=Merged Root CA, O=Merged Ltd")
    crossed = merged.intermediate(name, key=former.key)
    client = former.client(_CLIENT, san=_NAMES, not_before=begun, not_after=over)
    return pem((client.certificate, former.certificate, crossed.certificate, merged.certificate))


def _of_a_public_ca() -> Issued:
    """A certificate as public CAs issue them to servers; the lab only plays the CA."""
    root = Authority.root("CN=Lab root that plays a public one, O=Let's Encrypt, C=US")
    issuing = root.intermediate("CN=R0 (lab), O=Let's Encrypt, C=US")
    policy = x509.PolicyInformation(x509.ObjectIdentifier(_PUBLIC_POLICY), None)
    policies = (x509.CertificatePolicies([policy]), False)
    return issuing.server("CN=api-gateway.example", "api-gateway.example", extra=[policies])
