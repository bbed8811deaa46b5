"""Chains that are broken in exactly one known way, by the hundred, and sound ones beside them.

Law of this room: each chain says which reason it stages and which certificate is at fault, so that
whoever explains chains can be held to it. What is broken, and where, is a row of `WAYS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_network
from typing import Literal

from cryptography import x509

from mtlskit.lab import forge
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued, Parts, PrivateKey, new_key, now

Place = Literal["leaf", "intermediate", "root"]
Role = Literal["client", "server"]
HOST = "server.example"
_DAY = timedelta(days=1)
_KEYS = 5
"""No chain has more certificates; each of a chain has its own key, all chains share them."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain, with what is to be said of it.

    Attributes:
        code: the reason that it stages; None: it is sound.
        at_fault: the DER of the certificate at fault; None: it is sound.
        leaf, others, anchors, crls: DER.
        name: the host name that a server's certificate must carry.
    """

    id: str
    role: Role
    leaf: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(repr=False)
    anchors: tuple[bytes, ...] = field(repr=False)
    at: datetime
    code: str | None = None
    at_fault: bytes | None = field(default=None, repr=False)
    name: str | None = None
    max_depth: int | None = None
    crls: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Plan:
    """What a chain is made from; a way of breaking changes it before or after it is made.

    Attributes:
        parts: by the certificate's number, the root being 0 and the leaf the last.
        forging: by number, what is done to a certificate that no builder makes.
        ders: the certificates in the same order, once they are made.
        issued: the same as the lab's own, with their keys.
    """

    role: Role
    intermediates: int
    kind: str
    parts: dict[int, Parts] = field(default_factory=dict)
    forging: dict[int, Callable[[x509.Certificate, PrivateKey], bytes]] = field(
        default_factory=dict
    )
    names: dict[int, str] = field(default_factory=dict)
    ders: list[bytes] = field(default_factory=list)
    issued: list[Issued] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    anchors: list[bytes] | None = None
    crls: list[bytes] = field(default_factory=list)
    max_depth: int | None = None
    at_fault: int = 0

    @property
    def last(self) -> int:
        """The leaf's number."""
        return self.intermediates + 1

    def number(self, place: Place) -> int:
        """Which certificate a place is; of several intermediates the last (RSA: the first)."""
        intermediate = 1 if self.kind.startswith("RSA") else self.intermediates
        return {"root": 0, "intermediate": intermediate, "leaf": self.last}[place]

    def authority(self, number: int) -> Authority:
        """The CA with this number."""
        one = self.issued[number]
        if not isinstance(one, Authority):
            raise TypeError(f"number {number} is the leaf, and no authority")
        return one


Before = Callable[[Plan, int], None]
"""Changes a plan so that the certificate with this number breaks in one way."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of breaking a chain.

    Attributes:
        code: the reason that it stages.
        places: where it can be staged.
        before: changes the plan before the certificates are made.
        after: changes what is sent, trusted or listed once they are made.
        roles: as what the leaf is used.
        fault: if another certificate than the one that was changed is at fault: how many further
            down (1) or up (-1) it stands.
    """

    code: str
    how: str
    places: tuple[Place, ...]
    before: Before | None = None
    after: Before | None = None
    roles: tuple[Role, ...] = ("client", "server")
    fault: int = 0


def chains(kinds: tuple[str, ...] = ("EC P-256", "RSA 2048")) -> Iterator[Chain]:
    """Make every chain: each way at each place, for both roles, with one to three intermediates."""
    for kind in kinds:
        for intermediates in (1, 2, 3) if kind == kinds[0] else (1, 2):
            for role in ("client", "server"):
                yield _made(Plan(role, intermediates, kind), None, "leaf")
                yield from _broken(role, intermediates, kind)


def _broken(role: Role, intermediates: int, kind: str) -> Iterator[Chain]:
    for way in WAYS:
        for place in way.places if role in way.roles else ():
            plan = Plan(role, intermediates, kind)
            if 0 <= plan.number(place) + way.fault <= plan.last:
                yield _made(plan, way, place)


def _made(plan: Plan, way: Way | None, place: Place) -> Chain:
    number = plan.number(place)
    plan.at_fault = number + (way.fault if way else 0)
    if way and way.before:
        way.before(plan, number)
    _make(plan)
    plan.sent = list(range(plan.last - 1, 0, -1))
    if way and way.after:
        way.after(plan, number)
    named = (plan.role, str(plan.intermediates), plan.kind)
    return Chain(
        "/".join((way.code, way.how, place, *named) if way else ("sound", *named)),
        plan.role,
        plan.ders[-1],
        tuple(plan.ders[at] for at in plan.sent),
        tuple(plan.ders[:1] if plan.anchors is None else plan.anchors),
        now(),
        way.code if way else None,
        plan.ders[plan.at_fault] if way else None,
        HOST if plan.role == "server" else None,
        plan.max_depth,
        tuple(plan.crls),
    )


def _make(plan: Plan) -> None:
    """Make the certificates from the root down."""
    for number in range(plan.last + 1):
        name = plan.names.get(number) or _name(plan, number)
        parts: Parts = {"key": _keys(plan.kind)[number], **plan.parts.get(number, {})}
        if number == 0:
            made: Issued = Authority.root(name, **parts)
        elif number < plan.last:
            made = plan.authority(number - 1).intermediate(name, **parts)
        else:
            made = _leaf(plan, name, parts)
        plan.issued.append(made)
        forging = plan.forging.get(number)
        signer = plan.issued[max(number - 1, 0)].key
        plan.ders.append(forging(made.certificate, signer) if forging else made.der)


def _leaf(plan: Plan, name: str, parts: Parts) -> Issued:
    eku = "clientAuth" if plan.role == "client" else "serverAuth"
    host = "client.example" if plan.role == "client" else HOST
    whole: Parts = {"eku": (eku,), "san": (host,), **parts}
    return plan.authority(plan.last - 1).issue(name, **whole)


def _name(plan: Plan, number: int) -> str:
    what = "Lab Root" if number == 0 else f"Lab CA {number}"
    return f"CN={what if number < plan.last else f'Lab {plan.role}'}, O=Lab, C=DE"


@cache
def _keys(kind: str) -> tuple[PrivateKey, ...]:
    return tuple(new_key(kind) for _ in range(_KEYS))


# The ways. Each is told what to change in the certificate with this number.


def _with(**parts: object) -> Before:
    """Give the certificate these parts; what is callable is asked for its value."""

    def before(plan: Plan, number: int) -> None:
        given = {name: part() if callable(part) else part for name, part in parts.items()}
        plan.parts.setdefault(number, {}).update(given)  # type: ignore[typeddict-item]  # as Parts

    return before


def _forged(edit: forge.Edit) -> Before:
    def before(plan: Plan, number: int) -> None:
        plan.forging[number] = lambda made, signer: forge.forged(made, signer, edit)

    return before


def _sha1(plan: Plan, number: int) -> None:
    plan.forging[number] = forge.with_sha1


def _extra(oid: str, value: str, *, critical: bool, **parts: object) -> Before:
    """Add an extension by its bytes in hex, in place of the usual one if `parts` removes that."""
    one = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value))
    return _with(extra=((one, critical),), **parts)


def _limited(**constraints: list[x509.GeneralName]) -> Before:
    limits = x509.NameConstraints(
        constraints.get("permitted") or None, constraints.get("excluded") or None
    )
    return _with(extra=((limits, True),))


def _both(*several: Before) -> Before:
    def before(plan: Plan, number: int) -> None:
        for one in several:
            one(plan, number)

    return before


def _leaf_at_fault(san: list[str]) -> Before:
    """The leaf has these names, and one of them is what is wrong."""

    def before(plan: Plan, _: int) -> None:
        _with(san=san)(plan, plan.last)
        plan.at_fault = plan.last

    return before


def _without_issuer(plan: Plan, number: int) -> None:
    """The issuer of this certificate is nowhere."""
    if number == 1:
        plan.anchors = [_stranger().der]
    else:
        plan.sent.remove(number - 1)


def _another_trusted(plan: Plan, number: int) -> None:
    plan.sent.append(number)
    plan.anchors = [_stranger().der]


def _rekeyed(plan: Plan, _: int) -> None:
    """The verifier holds a root of the same name with another key."""
    again = plan.authority(0).recreated(key=_keys("EC P-384")[0])
    plan.anchors = [again.der]
    plan.at_fault = 1


@cache
def _stranger() -> Authority:
    return Authority.root("CN=Stranger Root, O=Elsewhere, C=FR")


def _lists(plan: Plan, *, revoked: int | None = None, without: int | None = None) -> list[bytes]:
    """The lists of all CAs, with one certificate revoked, or without the list for one."""
    found = []
    for number in range(plan.last):
        listed = [plan.issued[number + 1].certificate] if revoked == number + 1 else []
        if without != number + 1:
            found.append(revocation_list(plan.authority(number), *listed))
    return found


def _revoked(plan: Plan, number: int) -> None:
    plan.crls = _lists(plan, revoked=number)


def _without_list(plan: Plan, number: int) -> None:
    plan.crls = _lists(plan, without=number)


def _bad_list(**parts: object) -> Before:
    """All lists are there, but the one for this certificate is made with these parts."""

    def after(plan: Plan, number: int) -> None:
        given = {name: part() if callable(part) else part for name, part in parts.items()}
        made = revocation_list(plan.authority(number - 1), **given)  # type: ignore[arg-type]  # by name
        plan.crls = [*_lists(plan, without=number), made]

    return after


def _deep(plan: Plan, _: int) -> None:
    """The verifier's own limit leaves no room for the topmost intermediate."""
    plan.max_depth = plan.intermediates - 1
    plan.at_fault = 1 if plan.intermediates else 0


def _scoped(**scope: bool) -> x509.IssuingDistributionPoint:
    flags = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(None, None, only_some_reasons=None, **{**flags, **scope})


def _demand(number: int = 0) -> x509.PolicyConstraints:
    return x509.PolicyConstraints(number, None)


_POLICY = x509.CertificatePolicies(
    [x509.PolicyInformation(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), None)]
)
_LEAF: tuple[Place, ...] = ("leaf",)
_CA: tuple[Place, ...] = ("intermediate",)
_ISSUERS: tuple[Place, ...] = ("intermediate", "root")
_BELOW: tuple[Place, ...] = ("leaf", "intermediate")
_ALL: tuple[Place, ...] = ("leaf", "intermediate", "root")
_SERVER: tuple[Role, ...] = ("server",)
_UNKNOWN = "1.3.6.1.4.1.55555.9"
_RSA_1024 = cache(lambda: new_key("RSA 1024"))
_OTHER = cache(lambda: new_key("EC P-256"))


def _name_ways() -> Iterator[Way]:
    """Name constraints of every form, kept out by what is excluded and by what is permitted."""
    forms: Mapping[str, tuple[x509.GeneralName, x509.GeneralName, list[str]]] = {
        "dns": (x509.DNSName("else.example"), x509.DNSName("example"), [HOST]),
        "ip": (
            x509.IPAddress(ip_network("198.51.100.0/24")),
            x509.IPAddress(ip_network("192.0.2.0/24")),
            [HOST, "192.0.2.7"],
        ),
        "email": (x509.RFC822Name("else.test"), x509.RFC822Name("lab.test"), [HOST, "a@lab.test"]),
        "uri": (
            x509.UniformResourceIdentifier("else.test"),
            x509.UniformResourceIdentifier("lab.test"),
            [HOST, "https://lab.test/a"],
        ),
        "dn": (
            x509.DirectoryName(x509.Name.from_rfc4514_string("O=Else,C=DE")),
            x509.DirectoryName(x509.Name.from_rfc4514_string("O=Lab,C=DE")),
            [HOST],
        ),
    }
    for form, (elsewhere, here, san) in forms.items():
        named = _leaf_at_fault(san)
        for how, limit in (("permitted", elsewhere), ("excluded", here)):
            changed = _both(_limited(**{how: [limit]}), named)
            yield Way("name-constraint", f"{form} {how}", _CA, changed)


WAYS: tuple[Way, ...] = (
    Way("malformed", "key usage is a number", _ALL, _forged(forge.key_usage_as_integer)),
    Way("untrusted-root", "another root is trusted", ("root",), after=_another_trusted),
    Way("missing-issuer", "not sent", _BELOW, after=_without_issuer),
    Way("missing-issuer", "re-keyed root", ("intermediate",), after=_rekeyed),
    Way("bad-signature", "by another key", _BELOW, _with(signer=_OTHER)),
    Way("revoked", "listed", _BELOW, after=_revoked),
    Way("revocation-unknown", "no list", _BELOW, after=_without_list),
    Way("revocation-unknown", "list ran out", _BELOW, after=_bad_list(
        this_update=lambda: now() - 9 * _DAY, next_update=lambda: now() - 2 * _DAY)),
    Way("revocation-unknown", "list to come", _BELOW, after=_bad_list(
        this_update=lambda: now() + _DAY, next_update=lambda: now() + 2 * _DAY)),
    Way("revocation-unknown", "list by another key", _BELOW, after=_bad_list(signer=_OTHER)),
    Way("revocation-unknown", "delta list", _BELOW, after=_bad_list(
        extra=((x509.DeltaCRLIndicator(1), True),))),
    Way("revocation-unknown", "list for attributes", _BELOW, after=_bad_list(
        extra=((_scoped(only_contains_attribute_certs=True), True),))),
    Way("expired", "yesterday", _ALL, _with(not_after=lambda: now() - _DAY,
        not_before=lambda: now() - 9 * _DAY)),
    Way("not-yet-valid", "tomorrow", _ALL, _with(not_before=lambda: now() + _DAY)),
    Way("version", "1", _BELOW, _forged(forge.of_version_1)),
    Way("version", "2", _BELOW, _forged(forge.of_version_2)),
    Way("not-a-ca", "flag not set", _ISSUERS, _with(ca=False)),
    Way("basic-constraints", "left out", _ISSUERS, _with(ca=None)),
    Way("basic-constraints", "length without flag", _LEAF,
        _extra("2.5.29.19", "3003020100", critical=True, ca=None)),
    Way("key-usage", "no keyCertSign", _ISSUERS, _with(ku=("cRLSign", "digitalSignature"))),
    Way("key-usage", "no digitalSignature", _LEAF, _with(ku=("dataEncipherment",))),
    Way("path-length", "of an issuer", ("root",), _with(path_length=0)),
    Way("path-length", "of the verifier", ("leaf",), after=_deep),
    Way("critical-extension", "unknown", _ALL, _extra(_UNKNOWN, "0500", critical=True)),
    *_name_ways(),
    Way("policy", "none below", _CA, _with(extra=((_demand(), True), (_POLICY, False))), fault=1),
    Way("purpose", "code signing", _ALL, _with(eku=("codeSigning",))),
    Way("purpose", "any other", _ALL, _with(eku=("1.3.6.1.4.1.55555.7",))),
    Way("san", "malformed", _LEAF, _extra("2.5.29.17", "3003820161ff", critical=False, san=None)),
    Way("san", "empty", _LEAF, _extra("2.5.29.17", "3000", critical=False, san=None)),
    Way("san", "missing", _LEAF, _with(san=None), roles=_SERVER),
    Way("name-mismatch", "other host", _LEAF, _with(san=("else.example",)), roles=_SERVER),
    Way("name-mismatch", "wildcard", _LEAF, _with(san=("*.else.example",)), roles=_SERVER),
    Way("weak-key", "RSA 1024", _ALL, _with(key=_RSA_1024)),
    Way("weak-signature", "SHA-1", _BELOW, _sha1),
    Way("serial", "negative", _BELOW, _forged(forge.with_serial(b"\xff\x01"))),
    Way("serial", "zero", _BELOW, _forged(forge.with_serial(b"\0"))),
    Way("serial", "too long", _BELOW, _forged(forge.with_serial(b"\x01" * 21))),
)  # fmt: skip
