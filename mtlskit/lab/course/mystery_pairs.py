"""Two faults at once: the one that is refused first, and the one that comes to light after it.

Law of this file: as in `mtlskit.lab.plots`, but two things are wrong. The decisive cause is named
first; the other is there to be seen in what the client holds, and would be the next refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mtlskit.lab.cast import CLIENT, Cast, Plan, certificates, text
from mtlskit.lab.pki import Authority, Issued, new_key


@dataclass(frozen=True, slots=True)
class Pair:
    """Two faults at once.

    Attributes:
        causes: the decisive one first.
        story: what a support engineer would hear.
        broken: what is wrong, exactly.
        mend: what to do about both.
        plot: how it is set up.
    """

    causes: tuple[str, str]
    story: str
    broken: str
    mend: str
    plot: Callable[[Cast], Plan]

    @property
    def id(self) -> str:
        """The two causes as one name."""
        return " + ".join(self.causes)


def _late(cast: Cast) -> Issued:
    return cast.issuing.client(CLIENT, not_before=cast.ago(days=368), not_after=cast.ago(days=3))


def _alone_and_late(cast: Cast) -> Plan:
    plan = cast.holding(cast.p12(_late(cast), chain=False))
    beside = certificates("acme-issuing-ca-2.pem", cast.issuing.certificate)
    return replace(plan, hand=replace(plan.hand, material_files=(beside,)))


def _alone_for_servers(cast: Cast) -> Plan:
    issued = cast.issuing.client(CLIENT, eku=("serverAuth",))
    plan = cast.holding(cast.p12(issued, chain=False))
    beside = certificates("acme-issuing-ca-2.pem", cast.issuing.certificate)
    return replace(plan, hand=replace(plan.hand, material_files=(beside,)))


def _strange_for_servers(cast: Cast) -> Plan:
    other = Authority.root("CN=Acme Test Root CA, O=Acme Corporation")
    issuing = other.intermediate("CN=Acme Test Issuing CA, O=Acme Corporation")
    return cast.holding(issuing.client(CLIENT, eku=("serverAuth",)))


def _strange_and_late(cast: Cast) -> Plan:
    other = Authority.root("CN=Acme Test Root CA, O=Acme Corporation")
    issuing = other.intermediate("CN=Acme Test Issuing CA, O=Acme Corporation")
    late = issuing.client(CLIENT, not_before=cast.ago(days=400), not_after=cast.ago(days=9))
    return cast.holding(late)


def _foreign_key_and_late(cast: Cast) -> Plan:
    mixed = Issued(_late(cast).certificate, new_key())
    return cast.holding(text("acme-client.pem", [mixed.pem_chain(), mixed.pem_key()]))


def _alone_and_early(cast: Cast) -> Plan:
    issued = cast.issuing.client(
        CLIENT, not_before=cast.ahead(days=2), not_after=cast.ahead(days=367)
    )
    plan = cast.holding(cast.p12(issued, chain=False))
    beside = certificates("acme-issuing-ca-2.pem", cast.issuing.certificate)
    return replace(plan, hand=replace(plan.hand, material_files=(beside,)))


def _alone_and_short(cast: Cast) -> Plan:
    plan = cast.holding(cast.p12(cast.issuing.client(CLIENT, key="RSA 1024"), chain=False))
    beside = certificates("acme-issuing-ca-2.pem", cast.issuing.certificate)
    return replace(plan, hand=replace(plan.hand, material_files=(beside,)))


_ALL = (
    Pair(
        ("client.chain-incomplete", "client.expired"),
        "The partner answers unknown_ca since the client was moved to a new server. The key store "
        "is the old one, copied over.",
        "The store holds the leaf alone, so the server finds no path; and the leaf expired three "
        "days ago, which the server would say next.",
        "The client's owner renews the certificate and installs it with its issuing CA.",
        _alone_and_late,
    ),
    Pair(
        ("client.chain-incomplete", "client.purpose"),
        "The partner answers unknown_ca to a new certificate. The CA says that all is in order.",
        "The store holds the leaf alone, so the server finds no path; and the leaf is for servers, "
        "which the server would say next.",
        "The client's owner has one issued for clients and installs it with its issuing CA.",
        _alone_for_servers,
    ),
    Pair(
        ("client.untrusted-issuer", "client.purpose"),
        "A certificate of the test environment was taken to production for a demonstration. The "
        "partner answers unknown_ca.",
        "The chain ends in the test root, which the server does not hold; and the leaf is for "
        "servers only.",
        "The client's owner has one issued by the production CA, for clients.",
        _strange_for_servers,
    ),
    Pair(
        ("client.untrusted-issuer", "client.expired"),
        "A test that was set up last year was started again. The partner answers unknown_ca.",
        "The chain ends in the test root, which the server does not hold; and the leaf expired "
        "nine days ago.",
        "The client's owner has one issued by the production CA.",
        _strange_and_late,
    ),
    Pair(
        ("client.key-mismatch", "client.expired"),
        "The PEM file was put together by hand during a holiday. The partner says that no "
        "certificate arrives.",
        "The private key does not belong to the certificate, so nothing is sent; and the "
        "certificate is last year's, which expired three days ago.",
        "The client's owner puts the renewed certificate beside the key of its request.",
        _foreign_key_and_late,
    ),
    Pair(
        ("client.chain-incomplete", "client.not-yet-valid"),
        "The renewed certificate came by mail and was installed at once. The partner answers "
        "unknown_ca, which it never did before.",
        "The store holds the leaf alone, so the server finds no path; and the leaf is valid from "
        "the day after tomorrow only.",
        "The client's owner adds the issuing CA, and keeps the old certificate until then.",
        _alone_and_early,
    ),
    Pair(
        ("client.chain-incomplete", "client.weak"),
        "The certificate of an old device was exported for the new gateway. The partner answers "
        "unknown_ca.",
        "The store holds the leaf alone, so the server finds no path; and its RSA key has 1024 "
        "bits, which the server would refuse next.",
        "The client's owner has one issued for a longer key and installs it with its issuing CA.",
        _alone_and_short,
    ),
)

PAIRS: Mapping[str, Pair] = MappingProxyType({one.id: one for one in _ALL})
"""Every pair, by its name."""
