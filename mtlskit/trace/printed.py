"""Certificates and names as a log prints them: some of their fields, never their bytes.

Law of this file: what was printed is kept as it was printed, and is never passed off as the
certificate itself. It becomes the real one only where that one is at hand: same serial number,
issuer and subject. A name is encoded anew so that it can be compared; such an encoding may differ
from the original in its string types, so it is replaced by that of a certificate at hand, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.distinguished import Name
from mtlskit.certs.extensions import GeneralName
from mtlskit.certs.oids import ATTRIBUTES
from mtlskit.material import Source

_PART = re.compile(
    r"""\s*(?:OID\.)?(?P<kind>[A-Za-z][\w.-]*|\d+(?:\.\d+)+)\s*=
    (?P<value>\s*"(?:[^"\\]|\\.)*"\s*|(?:[^,+"\\]|\\.)*)(?P<then>[,+]|$)""",
    re.VERBOSE,
)
_OIDS = {name.upper(): oid for oid, name in ATTRIBUTES.items()} | {
    # As Java's X500Name prints them
    "S": "2.5.4.8",
    "T": "2.5.4.12",
    "SURNAME": "2.5.4.4",
    "GIVENNAME": "2.5.4.42",
    "GENERATION": "2.5.4.44",
    "DNQ": "2.5.4.46",
    "EMAIL": "1.2.840.113549.1.9.1",
}
_COUNTRY = "2.5.4.6"
_IA5 = frozenset({"0.9.2342.19200300.100.1.25", "1.2.840.113549.1.9.1"})
_PRINTABLE = frozenset({_COUNTRY, "2.5.4.5", "2.5.4.46"})
_PRINTABLE_STRING, _IA5_STRING, _UTF8_STRING, _SET, _OID = 0x13, 0x16, 0x0C, 0x31, 0x06
_LONGEST_NAME = 20_000
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.\d+)? "
    r"(?:(?:UTC|GMT|Z|UCT)(?P<offset>[+-]\d\d:?\d\d)?)$"
)
_HOUR_24 = re.compile(r"(?<=\d-\d\d )24(?=:\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class PrintedCertificate:
    """What a log prints of one certificate. None: that field was not printed.

    Attributes:
        serial: the serial number; None if it was not printed or cannot be read.
        not_before, not_after: as they were printed, with the zone of the machine that printed.
        key: the kind of key, such as ``RSA``.
        san, eku, ku, ca, path_length, ski, aki: as in `Certificate`; None if not printed.
    """

    source: Source
    subject: Name | None
    issuer: Name | None
    serial: int | None
    not_before: str | None = None
    not_after: str | None = None
    key: str | None = None
    signature_algorithm: str | None = None
    san: tuple[GeneralName, ...] | None = None
    eku: tuple[str, ...] | None = None
    ku: tuple[str, ...] | None = None
    ca: bool | None = None
    path_length: int | None = None
    ski: bytes | None = None
    aki: bytes | None = None

    @property
    def label(self) -> str:
        """A short name for people."""
        if self.subject is not None and str(self.subject):
            return self.subject.common_name or str(self.subject)
        return "a certificate" if self.serial is None else f"serial number {self.serial:x}"

    def is_of(self, certificate: Certificate) -> bool:
        """Tell whether this is that certificate, printed; one field too few is not enough."""
        if None in (self.serial, self.issuer, self.subject):
            return False
        same_key = self.ski is None or certificate.ski is None or self.ski == certificate.ski
        return (
            self.serial == certificate.serial
            and same_key
            and certificate.issuer.same_as(self.issuer or certificate.issuer)
            and certificate.subject.same_as(self.subject or certificate.subject)
        )


def midnight_as_zero(printed: str) -> str:
    """Write the hour 24 as 0. Java counts a day's hours from 1 to 24 (``kk``), midnight first.

    ``2026-08-01 24:00:00`` is the beginning of that day, as is each minute of its hour 24.
    """
    return _HOUR_24.sub("00", printed)


def moment(printed: str) -> datetime | None:
    """Read a printed time; None where its zone is an abbreviation that names no one offset."""
    found = _TIME.match(midnight_as_zero(" ".join(printed.split())))
    if found is None:
        return None
    zone: timezone = UTC
    if offset := found["offset"]:
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    try:
        when = datetime(*(int(one) for one in found.groups()[:6]), tzinfo=zone)  # type: ignore[arg-type, misc]  # six numbers
        return when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=2048)
def printed_name(text: str) -> Name | None:
    """Read a name as Java and OpenSSL print it, most specific part first; None: it is none.

    RFC 4514, RFC 1779 and Java's own keywords are understood.
    """
    text = text.strip()
    if len(text) > _LONGEST_NAME:
        return None
    rdns: list[list[tuple[str, str]]] = [[]]
    at, then = 0, ","
    while then:
        found = _PART.match(text, at)
        if found is None:
            return None
        rdns[-1].append((found["kind"], _value(found["value"])))
        at, then = found.end(), found["then"]
        if then == ",":
            rdns.append([])
    if at != len(text):
        return None
    return _named(tuple(tuple(one) for one in reversed(rdns)))


def _value(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return re.sub(r"\\(.)", r"\1", text)


def _named(rdns: tuple[tuple[tuple[str, str], ...], ...]) -> Name | None:
    try:
        der = b"".join(
            asn1.encode(_SET, b"".join(sorted(_attribute(*one) for one in rdn))) for rdn in rdns
        )
    except ValueError:
        return None
    shown = tuple(tuple((_shown(kind), value) for kind, value in rdn) for rdn in rdns)
    return Name(shown, asn1.encode(asn1.SEQUENCE, der))


def _oid_of(kind: str) -> str:
    oid = kind if kind[0].isdigit() else _OIDS.get(kind.upper())
    if oid is None:
        raise ValueError(kind)
    return oid


def _shown(kind: str) -> str:
    oid = _oid_of(kind)
    return ATTRIBUTES.get(oid, oid)


def _attribute(kind: str, value: str) -> bytes:
    oid = _oid_of(kind)
    tag = _UTF8_STRING
    if value.isascii():
        tag = _IA5_STRING if oid in _IA5 else _PRINTABLE_STRING if oid in _PRINTABLE else tag
    text = asn1.encode(tag, value.encode("utf-8", "replace"))
    return asn1.encode(asn1.SEQUENCE, asn1.encode(_OID, _arcs(oid)) + text)


def _arcs(oid: str) -> bytes:
    first, second, *others = (int(one) for one in oid.split(".", 40))
    out = bytearray()
    for number in (first * 40 + second, *others):
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return bytes(out)
