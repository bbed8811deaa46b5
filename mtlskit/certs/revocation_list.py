"""What a revocation list says, and of which certificates it speaks (RFC 5280, 5).

Law of this room: facts, no opinions. What cannot be processed is named, so that nobody takes a list
for complete that is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from mtlskit.certs import asn1
from mtlskit.certs.certificate import time_from
from mtlskit.certs.distinguished import normalised
from mtlskit.certs.oids import EXTENSIONS

DISTRIBUTION_POINTS = "2.5.29.31"
_ISSUING_POINT = "2.5.29.28"
_DELTA = "2.5.29.27"
_REASON = "2.5.29.21"
_NUMBER = "2.5.29.20"
_CERTIFICATE_ISSUER = "2.5.29.29"
_PROCESSED = frozenset({_ISSUING_POINT, _DELTA, _NUMBER, "2.5.29.35", "2.5.29.18"})
"""Extensions of a list that may be critical: scope, number, authority key, issuer's other names."""
_PROCESSED_IN_ENTRY = frozenset({_REASON, _CERTIFICATE_ISSUER, "2.5.29.24"})
REASONS = (
    # RFC 5280, 5.3.1: by their numbers
    "unspecified",
    "key compromise",
    "CA compromise",
    "affiliation changed",
    "superseded",
    "cessation of operation",
    "certificate hold",
    "",
    "remove from CRL",
    "privilege withdrawn",
    "AA compromise",
)
REMOVED = REASONS[8]
"""In a list of changes: no longer revoked."""
ALL_REASONS = frozenset(range(1, 9))
"""The bits of ReasonFlags (RFC 5280, 4.2.1.13); bit 0 is not used."""

_Name = tuple[str, object]
"""A distribution point's name: its kind, and what is compared."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """One entry: since when a certificate is revoked, and why."""

    since: datetime
    reason: str

    def __str__(self) -> str:
        return f"since {self.since:%Y-%m-%d %H:%M:%S} UTC ({self.reason})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which certificates a list, or a distribution point in a certificate, speaks.

    Attributes:
        names: its distribution point; (): it names none.
        reasons: the reasons for revocation that it covers, as bits of ReasonFlags.
        issuers: in a certificate's distribution point, who else may issue the list.
    """

    names: frozenset[_Name] = frozenset()
    reasons: frozenset[int] = ALL_REASONS
    users_only: bool = False
    authorities_only: bool = False
    attributes_only: bool = False
    issuers: frozenset[_Name] = frozenset()


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list's contents.

    Attributes:
        entries: by the certificate's issuer (as names are compared) and its serial number.
        unusable: why it cannot be used here, a sentence's second half; (): it can.
        indirect: whether it may list certificates of other issuers (RFC 5280, 5.2.5).
        number: its own number; None: it has none.
        changes: for a delta CRL, the number of the list that it amends (RFC 5280, 5.2.4).
    """

    scope: Scope = field(default_factory=Scope)
    entries: Mapping[tuple[object, int], Revoked] = field(default_factory=dict, repr=False)
    unusable: tuple[str, ...] = ()
    indirect: bool = False
    number: int | None = None
    changes: int | None = None

    def entry(self, issuer: bytes, serial: int) -> Revoked | None:
        """What it says of one certificate, by its issuer's name (DER) and its number."""
        return self.entries.get((normalised(issuer), serial))


@lru_cache(maxsize=64)
def contents_of(der: bytes) -> RevocationList:
    """Read a CertificateList whose head was read before (`signed.read_crl`).

    A list with a malformed part is told as unusable, never as an error.
    """
    try:
        return _contents(der)
    except (ValueError, IndexError) as error:
        return RevocationList(unusable=(f"is malformed {error}",))


def _contents(der: bytes) -> RevocationList:
    outer, end = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    start, stop = asn1.expect(der, outer, len(der), asn1.SEQUENCE)
    parts = asn1.children(der, start, stop)
    algorithm, issuer, *rest = parts[parts[0][0] == asn1.INTEGER :]  # behind a version, if any
    if der[algorithm[1] : algorithm[2]] != der[slice(*asn1.expect(der, stop, end, asn1.SEQUENCE))]:
        raise asn1.Asn1Error(stop, "the signature algorithm within (RFC 5280, 5.1.1.2)", "another")
    extensions = dict[str, tuple[bool, bytes]]()
    entries, odd = _Entries(), set[str]()
    for tag, start, stop in rest:
        if tag == asn1.SEQUENCE:
            name = asn1.encode(asn1.SEQUENCE, der[issuer[1] : issuer[2]])
            entries, odd = _entries(der, (start, stop), name)
        elif tag == asn1.EXPLICIT:
            inner = asn1.expect(der, start, stop, asn1.SEQUENCE)
            extensions = dict(_extensions(der, *inner))
    scope, indirect = Scope(), False
    if point := extensions.get(_ISSUING_POINT):
        scope, indirect = _issuing_point(point[1])
    return RevocationList(
        scope,
        entries,
        tuple(_unusable(extensions, odd)),
        indirect,
        _number(extensions.get(_NUMBER)),
        _number(extensions.get(_DELTA)),
    )


def _number(extension: tuple[bool, bytes] | None) -> int | None:
    if extension is None:
        return None
    value = extension[1]
    return asn1.integer(value, *asn1.expect(value, 0, len(value), asn1.INTEGER))


def _unusable(extensions: Mapping[str, tuple[bool, bytes]], odd: set[str]) -> Iterator[str]:
    unknown = {oid for oid, (critical, _) in extensions.items() if critical}
    for oid in sorted((unknown - _PROCESSED) | odd):
        yield f"has the critical extension {EXTENSIONS.get(oid, oid)}, which is not known"


_Entries = dict[tuple[object, int], Revoked]


def _entries(der: bytes, span: tuple[int, int], issuer: bytes) -> tuple[_Entries, set[str]]:
    """The entries, and the critical extensions in them that are not known.

    Each is of the issuer that the last entry before it named, the first of the list's own
    (RFC 5280, 5.3.3).
    """
    found, odd = _Entries(), set[str]()
    whose: object = normalised(issuer)
    for _, at, end in asn1.children(der, *span):
        number, date, *more = asn1.children(der, at, end)
        reason = REASONS[0]
        if more:
            given = dict(_extensions(der, *more[0][1:]))
            odd |= {oid for oid, (critical, _) in given.items() if critical}
            reason = _reason(given.get(_REASON))
            whose = _whose(given.get(_CERTIFICATE_ISSUER), whose)
        since = time_from(date[0], der[date[1] : date[2]])
        found[whose, asn1.integer(der, *number[1:])] = Revoked(since, reason)
    return found, odd - _PROCESSED_IN_ENTRY


def _whose(extension: tuple[bool, bytes] | None, before: object) -> object:
    """CertificateIssuer: the directory name in it."""
    if extension is None:
        return before
    value = extension[1]
    names = _general(value, asn1.element(value, 0, len(value)))
    return next((name for kind, name in names if kind == "dn"), before)


def _reason(extension: tuple[bool, bytes] | None) -> str:
    if extension is None:
        return REASONS[0]
    number = int.from_bytes(asn1.unwrapped(extension[1]), "big")
    return REASONS[number] if number < len(REASONS) else f"reason {number}"


def _extensions(der: bytes, start: int, stop: int) -> Iterator[tuple[str, tuple[bool, bytes]]]:
    """Each extension's OID, whether it is critical, and its value."""
    for _, at, end in asn1.children(der, start, stop):
        oid, *flag, value = asn1.children(der, at, end)
        critical = bool(flag) and asn1.boolean(der, *flag[0][1:])
        yield asn1.oid(der[oid[1] : oid[2]]), (critical, der[value[1] : value[2]])


def _issuing_point(value: bytes) -> tuple[Scope, bool]:
    """IssuingDistributionPoint (RFC 5280, 5.2.5), and whether the list is an indirect one."""
    part = {tag & 0x1F: (tag, start, stop) for tag, start, stop in asn1.sequence(value)}

    def flag(number: int) -> bool:
        return number in part and asn1.boolean(value, *part[number][1:])

    names = _point_names(value, part.get(0))
    reasons = _reasons(value, part.get(3))
    return Scope(names, reasons, flag(1), flag(2), flag(5)), flag(4)


def distribution_points(value: bytes) -> tuple[Scope, ...]:
    """CRLDistributionPoints (RFC 5280, 4.2.1.13): the points of a certificate.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    found = []
    for _, start, stop in asn1.sequence(value):
        part = {tag & 0x1F: (tag, at, end) for tag, at, end in asn1.children(value, start, stop)}
        names = _point_names(value, part.get(0))
        issuers = frozenset(_general(value, part[2])) if 2 in part else frozenset[_Name]()  # noqa: PLR2004 - cRLIssuer [2]
        found.append(Scope(names, _reasons(value, part.get(1)), issuers=issuers))
    return tuple(found)


def _point_names(value: bytes, part: asn1.Element | None) -> frozenset[_Name]:
    """DistributionPointName: full names [0], or a name relative to the list's issuer [1]."""
    if part is None:
        return frozenset()
    inner = asn1.element(value, part[1], part[2])
    if inner[0] & 0x1F == 0:
        return frozenset(_general(value, inner))
    name = asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.SET, value[inner[1] : inner[2]]))
    return frozenset({("relative", normalised(name))})


def _general(value: bytes, part: asn1.Element) -> Iterator[_Name]:
    for tag, start, stop in asn1.children(value, part[1], part[2]):
        if tag == asn1.EXPLICIT + 4:
            yield "dn", normalised(value[start:stop])
        else:
            yield str(tag), value[start:stop]


def directory_name(der: bytes) -> _Name:
    """A Name as it stands among a distribution point's names."""
    return "dn", normalised(der)


def relative_to(issuer: bytes, names: frozenset[_Name]) -> frozenset[_Name]:
    """Names with those relative to an issuer made whole (RFC 5280, 4.2.1.13)."""
    whole = normalised(issuer)
    return frozenset(
        ("dn", (*whole, *name)) if kind == "relative" and isinstance(name, tuple) else (kind, name)
        for kind, name in names
    )


def _reasons(value: bytes, part: asn1.Element | None) -> frozenset[int]:
    if part is None:
        return ALL_REASONS
    bits = "".join(f"{octet:08b}" for octet in value[part[1] + 1 : part[2]])
    return frozenset(at for at, bit in enumerate(bits) if bit == "1") & ALL_REASONS
