"""What stands in one certificate (RFC 5280).

Law of this room: facts, no opinions. "Expired" is an opinion: it needs a clock. What is malformed
in one place becomes a `Problem` on the certificate, and everything else is still told.

Our own reader is used and not that of `cryptography`, because that one refuses a certificate as a
whole for one odd part, and the odd ones are those that people ask about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

from mtlskit.certs import asn1, extensions
from mtlskit.certs.distinguished import Name, name_from
from mtlskit.certs.extensions import Extension, GeneralName
from mtlskit.certs.oids import EXTENSIONS, HASHES, SIGNATURES
from mtlskit.certs.public_key import PublicKey, key_from
from mtlskit.material import Problem, Source, Unreadable
from mtlskit.page.plain import Plain, by_fields

__all__ = ["Certificate", "Extension", "GeneralName", "Name", "PublicKey", "read_certificate"]

SIZE_LIMIT = 4 * 1024 * 1024
"""A certificate of more bytes is refused; those with post-quantum keys have some 20 kB."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)

REMEMBERED = 1 << 16
"""Certificates of at most so many bytes are remembered: the same few are met again and again."""

_T = TypeVar("_T")
_Facts = dict[str, Any]
_Trouble = tuple[str, str]
"""The code and the text of a problem, before it is known where the certificate was found."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The facts in one certificate. Two are equal if they are the same bytes from the same place.

    Attributes:
        der: exactly the certificate's bytes.
        version: 1, 2 or 3 as people count.
        not_before, not_after: aware UTC; a date that cannot be read is a problem and counts as
            the earliest or latest date there is.
        signature_algorithm: as OpenSSL writes it, such as ``ecdsa-with-SHA256``.
        san: names; None: no such extension (or a malformed one, then there is a problem).
        eku: purposes such as ``clientAuth``; None: no such extension.
        ku: usages such as ``digitalSignature``; None: no such extension.
        ca: None: no basicConstraints.
        path_length: how many CAs may follow; None: unlimited, or no CA.
        ski, aki: key identifiers of the subject's and of the issuer's key.
    """

    der: bytes = field(repr=False)
    source: Source
    version: int = field(compare=False)
    serial: int = field(compare=False)
    subject: Name = field(compare=False)
    issuer: Name = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    key: PublicKey = field(compare=False)
    signature_algorithm: str = field(compare=False)
    san: tuple[GeneralName, ...] | None = field(default=None, compare=False)
    eku: tuple[str, ...] | None = field(default=None, compare=False)
    ku: tuple[str, ...] | None = field(default=None, compare=False)
    ca: bool | None = field(default=None, compare=False)
    path_length: int | None = field(default=None, compare=False)
    ski: bytes | None = field(default=None, compare=False)
    aki: bytes | None = field(default=None, compare=False)
    extensions: tuple[Extension, ...] = field(default=(), compare=False, repr=False)
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 fingerprint, 64 lower-case hex digits."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name (RFC 5280, 3.2), whoever signed it."""
        return bool(self.subject.rdns) and self.subject.same_as(self.issuer)

    @property
    def label(self) -> str:
        """A short name for people: the CN, else a SAN, else the subject, else the serial number."""
        if name := self.subject.common_name:
            return name
        if self.san:
            return self.san[0].value
        return str(self.subject) or f"certificate with serial number {self.serial:x}"

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program: its fields, the serial number in hex, and the fingerprint."""
        return by_fields(self) | {"serial": f"{self.serial:x}", "sha256": self.sha256}

    def extension(self, oid: str) -> Extension | None:
        """The first extension with this OID, or None."""
        return next((one for one in self.extensions if one.oid == oid), None)


def read_certificate(der: bytes, source: Source) -> Certificate:
    """Read the facts from DER.

    Bytes behind the certificate are a problem on it, not an error.

    Raises:
        Unreadable: code ``damaged``, ``not-recognised`` or ``too-large``; no certificate is there.
    """
    if len(der) > SIZE_LIMIT:
        text = f"{len(der)} bytes are too many for one certificate (the limit is {SIZE_LIMIT})."
        raise Unreadable(Problem("too-large", text, source))
    try:
        facts, troubles = (_remembered if len(der) <= REMEMBERED else _facts)(der)
    except asn1.Asn1Error as error:
        raise Unreadable(
            Problem("damaged", f"The certificate is damaged {error}.", source)
        ) from None
    problems = tuple(Problem(code, text, source) for code, text in troubles)
    return Certificate(source=source, problems=problems, **facts)


def _facts(der: bytes) -> tuple[_Facts, tuple[_Trouble, ...]]:
    """Give what stands in a certificate and what is wrong with it, wherever it was found."""
    reading = _Reading(der)
    return reading.facts(), tuple(reading.troubles)


_remembered = lru_cache(maxsize=512)(_facts)


_TBS_TAGS = [asn1.INTEGER, *[asn1.SEQUENCE] * 5]
"""Serial number, signature, issuer, validity, subject, key: what a TBSCertificate must have."""


class _Reading:
    """One pass over one certificate, collecting problems on the way."""

    __slots__ = ("der", "troubles")

    def __init__(self, der: bytes) -> None:
        self.troubles: list[_Trouble] = []
        end = asn1.expect(der, 0, len(der), asn1.SEQUENCE)[1]
        self.der = der[:end]
        if end != len(der):
            self.problem("trailing-bytes", f"{len(der) - end} bytes follow the certificate.")

    def problem(self, code: str, text: str) -> None:
        self.troubles.append((code, text))

    def tolerant(self, what: str, read: Callable[[bytes], _T], part: bytes, otherwise: _T) -> _T:
        """Read a part; if it is malformed, note that and go on with `otherwise`."""
        try:
            return read(part)
        except ValueError as error:
            self.problem("malformed", f"The {what} is malformed: {error}.")
            return otherwise

    def facts(self) -> _Facts:
        der = self.der
        outer = asn1.sequence(der)
        if [tag for tag, _, _ in outer] != [asn1.SEQUENCE, asn1.SEQUENCE, asn1.BIT_STRING]:
            raise asn1.Asn1Error(0, "a certificate (RFC 5280, 4.1)", "another structure")
        _, start, stop = outer[0]
        parts = asn1.children(der, start, stop)
        version = 1
        if parts and parts[0][0] == asn1.EXPLICIT:  # version [0], absent in version 1
            first = parts.pop(0)
            version = self.tolerant("version", _version, der[first[1] : first[2]], 0)
        if [tag for tag, _, _ in parts[:6]] != _TBS_TAGS:
            raise asn1.Asn1Error(start, "a TBSCertificate (RFC 5280, 4.1)", "other fields")
        inner = der[parts[0][2] : parts[1][2]]
        if inner != der[outer[0][2] : outer[1][2]]:
            self.problem("malformed", "Its two signature algorithms differ (RFC 5280, 4.1.1.2).")
        return self._filled(version, parts)

    def _filled(self, version: int, parts: list[asn1.Element]) -> _Facts:
        der, tolerant = self.der, self.tolerant
        algorithm, issuer, _, subject, key = (
            der[one[2] : after[2]] for one, after in pairwise(parts[:6])
        )
        no_key = PublicKey("unknown", None, None, key)
        not_before, not_after = self._validity(parts[3])
        facts = {
            "der": der,
            "version": version,
            "serial": tolerant("serial number", _integer, der[parts[0][1] : parts[0][2]], 0),
            "subject": tolerant("subject", name_from, subject, Name((), subject)),
            "issuer": tolerant("issuer", name_from, issuer, Name((), issuer)),
            "not_before": not_before,
            "not_after": not_after,
            "key": tolerant("public key", key_from, key, no_key),
            "signature_algorithm": tolerant(
                "signature algorithm", signature_name, algorithm, "unknown"
            ),
        }
        return facts | self._extensions(parts[6:])

    def _validity(self, part: asn1.Element) -> tuple[datetime, datetime]:
        dates = asn1.children(self.der, part[1], part[2])
        if len(dates) != 2:  # noqa: PLR2004 - RFC 5280, 4.1.2.5: notBefore and notAfter
            raise asn1.Asn1Error(part[1], "two dates", f"{len(dates)} elements")
        return self._date("notBefore", dates[0], _EARLIEST), self._date(
            "notAfter", dates[1], _LATEST
        )

    def _date(self, what: str, part: asn1.Element, otherwise: datetime) -> datetime:
        tag, start, stop = part
        return self.tolerant(
            f"date {what}", lambda text: time_from(tag, text), self.der[start:stop], otherwise
        )

    def _extensions(self, rest: list[asn1.Element]) -> _Facts:
        """Read the extensions' frame, and the values of those that are known."""
        span = next((part for part in rest if part[0] == asn1.EXPLICIT + 3), None)
        if span is None:
            return {}
        facts: _Facts = {}
        found: dict[str, Extension] = {}
        for one in self._frames(span):
            if one.oid in found:
                self.problem("malformed", f"It has the extension {one.name} twice.")
                continue
            found[one.oid] = one
            if reader := _READERS.get(one.oid):
                nothing: _Facts = {}
                facts |= self.tolerant(f"extension {one.name}", reader, one.value, nothing)
        return {**facts, "extensions": tuple(found.values())}

    def _frames(self, span: asn1.Element) -> list[Extension]:
        found = []
        try:
            start, stop = asn1.expect(self.der, span[1], span[2], asn1.SEQUENCE)
            for one in asn1.children(self.der, start, stop):
                found.append(_frame(self.der, one))  # noqa: PERF401 - those before a bad one count
        except asn1.Asn1Error as error:
            self.problem("malformed", f"The extensions are malformed: {error}.")
        return found


def _frame(der: bytes, part: asn1.Element) -> Extension:
    tag, start, stop = part
    if tag != asn1.SEQUENCE:
        raise asn1.Asn1Error(start, "an extension", asn1.tag_name(tag))
    parts = asn1.children(der, start, stop)
    if not 2 <= len(parts) <= 3 or parts[0][0] != asn1.OID or parts[-1][0] != asn1.OCTET_STRING:  # noqa: PLR2004 - RFC 5280, 4.1: extnID, critical by default FALSE, extnValue
        raise asn1.Asn1Error(start, "an extension's OID and value", "other fields")
    oid = asn1.oid(der[parts[0][1] : parts[0][2]])
    critical = any(asn1.boolean(der, one[1], one[2]) for one in parts[1:-1])
    return Extension(oid, EXTENSIONS.get(oid, oid), critical, der[parts[-1][1] : parts[-1][2]])


def _basic(value: bytes) -> dict[str, Any]:
    ca, length = extensions.basic_constraints(value)
    return {"ca": ca, "path_length": length}


_READERS: dict[str, Callable[[bytes], _Facts]] = {
    extensions.SUBJECT_ALT_NAME: lambda value: {"san": extensions.subject_alt_name(value)},
    extensions.EXTENDED_KEY_USAGE: lambda value: {"eku": extensions.extended_key_usage(value)},
    extensions.KEY_USAGE: lambda value: {"ku": extensions.key_usage(value)},
    extensions.BASIC_CONSTRAINTS: _basic,
    extensions.SUBJECT_KEY_IDENTIFIER: lambda v: {"ski": extensions.subject_key_identifier(v)},
    extensions.AUTHORITY_KEY_IDENTIFIER: lambda v: {"aki": extensions.authority_key_identifier(v)},
}


def _integer(contents: bytes) -> int:
    return asn1.integer(contents, 0, len(contents))


_SMALL = 8
"""Bytes of a version; an honest one has a single byte."""


def _version(contents: bytes) -> int:
    start, stop = asn1.expect(contents, 0, len(contents), asn1.INTEGER)
    return asn1.integer(contents, start, stop, octets=_SMALL) + 1


@lru_cache(maxsize=256)
def signature_name(algorithm: bytes) -> str:
    """Name a signature's AlgorithmIdentifier as OpenSSL does; RSASSA-PSS with its hash.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    parts = asn1.sequence(algorithm)
    if not parts or parts[0][0] != asn1.OID:
        raise asn1.Asn1Error(0, "an algorithm's OBJECT IDENTIFIER", "something else")
    oid = asn1.oid(algorithm[parts[0][1] : parts[0][2]])
    name = SIGNATURES.get(oid, oid)
    if name == "rsassaPss":
        return f"{name} with {_pss_hash(algorithm, parts)}"
    return name


def _pss_hash(algorithm: bytes, parts: list[asn1.Element]) -> str:
    """RFC 4055, 3.1: hashAlgorithm [0] defaults to SHA-1."""
    for tag, start, stop in asn1.children(algorithm, *parts[1][1:]) if len(parts) > 1 else ():
        if tag == asn1.EXPLICIT:
            inner, _ = asn1.expect(algorithm, start, stop, asn1.SEQUENCE)
            oid = asn1.oid(algorithm[slice(*asn1.expect(algorithm, inner, stop, asn1.OID))])
            return HASHES.get(oid, oid)
    return "SHA1"


def time_from(tag: int, contents: bytes) -> datetime:
    """Read a UTCTime or GeneralizedTime of RFC 5280, 4.1.2.5; older forms are read as well.

    Raises:
        ValueError: it is no such time.
    """
    text = contents.decode("ascii")
    if tag == asn1.UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != asn1.GENERALIZED_TIME:
        raise asn1.Asn1Error(0, "a time", asn1.tag_name(tag))
    if len(text) == 15 and text[14] == "Z" and text[:14].isdigit():  # noqa: PLR2004 - YYYYMMDDhhmmssZ
        return datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]),
            int(text[8:10]), int(text[10:12]), int(text[12:14]), tzinfo=UTC,
        )  # fmt: skip
    return _old_time(text)


def _old_time(text: str) -> datetime:
    """X.680 allows times without seconds and with an offset (%z reads ``Z`` too)."""
    for form in ("%Y%m%d%H%M%S%z", "%Y%m%d%H%M%z"):
        try:
            return datetime.strptime(text, form).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise ValueError(f"expected a date such as 20261231235959Z, found {text[:32]!r}")
