"""Distinguished names: from DER to attributes and to RFC 4514 text (X.501; RFC 5280, 4.1.2.4).

Law of this room: what is shown can be trusted to be what it looks like. Control characters and
marks that turn the direction of writing are shown as escapes, never as themselves.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from mtlskit.certs import asn1
from mtlskit.certs.oids import ATTRIBUTES

_CODECS = {
    asn1.UTF8: "utf-8",
    asn1.BMP: "utf-16-be",
    asn1.UNIVERSAL: "utf-32-be",
    asn1.PRINTABLE: "latin-1",
    asn1.IA5: "latin-1",
    asn1.T61: "latin-1",
    0x12: "latin-1",  # NumericString
    0x1A: "latin-1",  # VisibleString
    0x1B: "latin-1",  # GeneralString
}
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that do not show, or that change how their neighbours show."""


_Normal = tuple[frozenset[tuple[str, str]], ...]


@dataclass(frozen=True)  # without slots, so that `normal` can be kept
class Name:
    """A distinguished name.

    Attributes:
        rdns: relative names in the order of the encoding (country first, as a rule), each one or
            more ``(type, value)`` pairs; the type is RFC 4514's short name or a dotted OID, the
            value is as it stands in the certificate, unescaped.
        der: the encoded name.
    """

    rdns: tuple[tuple[tuple[str, str], ...], ...]
    der: bytes = field(repr=False)

    def __str__(self) -> str:
        return _rfc4514(self.rdns)

    def plain(self) -> str:
        """Tell it to a program as to a person: RFC 4514 text."""
        return str(self)

    @property
    def common_name(self) -> str | None:
        """The most specific CN with unseen characters escaped, or None."""
        return self.first("CN")

    def first(self, kind: str) -> str | None:
        """The most specific value of one attribute type with unseen characters escaped, or None."""
        for rdn in reversed(self.rdns):
            for name, value in rdn:
                if name == kind:
                    return visible(value)
        return None

    def same_as(self, other: Name) -> bool:
        """Whether both name the same entity by RFC 5280, 7.1: case and spacing do not count."""
        if self.der == other.der:
            return True
        return len(self.rdns) == len(other.rdns) and self.normal == other.normal

    @cached_property
    def normal(self) -> _Normal:
        """The name in the form in which RFC 5280, 7.1 compares: folded case, single spaces, NFKC.

        That of a name which cannot be read is like no other's.
        """
        if not self.rdns:
            return normalised(self.der)
        return _normal(self)


def visible(text: str) -> str:
    r"""Write characters that do not show, or that reverse the line, as ``\u{202E}``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    unseen = unicodedata.category(character) in _UNSEEN
    return f"\\u{{{ord(character):X}}}" if unseen else character


@lru_cache(maxsize=4096)
def name_from(der: bytes) -> Name:
    """Read a DER Name.

    Raises:
        asn1.Asn1Error: it is no RDNSequence.
    """
    rdns = []
    for tag, start, stop in asn1.sequence(der):
        if tag != asn1.SET:
            raise asn1.Asn1Error(start, "a SET of attributes", asn1.tag_name(tag))
        rdns.append(
            tuple(_attribute(der, *one)[::2] for one in asn1.children(der, start, stop)),
        )
    return Name(tuple(rdns), der)


def _attribute(der: bytes, tag: int, start: int, stop: int) -> tuple[str, str, str]:
    """Give short name, dotted OID and text of one AttributeTypeAndValue."""
    if tag != asn1.SEQUENCE:
        raise asn1.Asn1Error(start, "a SEQUENCE of type and value", asn1.tag_name(tag))
    type_start, type_stop = asn1.expect(der, start, stop, asn1.OID)
    kind = asn1.oid(der[type_start:type_stop])
    value_tag, value_start, value_stop = asn1.element(der, type_stop, stop)
    codec = _CODECS.get(value_tag)
    if codec is None:  # RFC 4514, 2.4: a value that is no string is written as its encoding
        return ATTRIBUTES.get(kind, kind), kind, "#" + der[type_stop:value_stop].hex()
    text = der[value_start:value_stop].decode(codec, "backslashreplace")
    return ATTRIBUTES.get(kind, kind), kind, text


def normalised(der: bytes) -> _Normal:
    """Give `Name.normal` of an encoded name."""
    try:
        name = name_from(der)
    except asn1.Asn1Error:
        return (frozenset({("", der.hex())}),)
    return name.normal if name.rdns else ()


def _normal(name: Name) -> _Normal:
    if not any(value[:1] == "#" or "\\" in value for rdn in name.rdns for _, value in rdn):
        return tuple(frozenset((kind, _prepared(text)) for kind, text in rdn) for rdn in name.rdns)
    return tuple(
        frozenset(_compared(name.der, *one) for one in asn1.children(name.der, start, stop))
        for _, start, stop in asn1.sequence(name.der)
    )


def _compared(der: bytes, tag: int, start: int, stop: int) -> tuple[str, str]:
    """One attribute as it is compared: what is no readable text, by its tag and its bytes.

    Shown, such a value looks like a text that spells it out; the mark before its type, which no
    type has, keeps the two apart.
    """
    kind, oid, text = _attribute(der, tag, start, stop)
    _, oid_stop = asn1.expect(der, start, stop, asn1.OID)
    value_tag, value_start, value_stop = asn1.element(der, oid_stop, stop)
    octets = der[value_start:value_stop]
    try:
        octets.decode(_CODECS[value_tag])
    except (KeyError, UnicodeDecodeError):
        return "#" + oid, f"{value_tag:02x}{octets.hex()}"
    return kind, _prepared(text)


def _prepared(value: str) -> str:
    whole = value if value.isascii() else unicodedata.normalize("NFKC", value)
    return " ".join(whole.casefold().split())


@lru_cache(maxsize=4096)
def _rfc4514(rdns: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    return ",".join(
        "+".join(f"{kind}={_escaped(value)}" for kind, value in rdn) for rdn in reversed(rdns)
    )


_PLAIN = re.compile(r"(?! )[A-Za-z0-9 ./:@_()*'=-]*(?<! )")
"""Values in which nothing is to be escaped, such as most are."""


def _escaped(value: str) -> str:
    """Escape by RFC 4514, 2.4; characters that do not show become pairs of hex digits."""
    if _PLAIN.fullmatch(value):
        return value
    shown = "".join(map(_escape, value))
    if shown.startswith("#") and not _is_hex(shown):
        shown = "\\" + shown
    if shown.startswith(" "):
        shown = "\\" + shown
    return shown[:-1] + "\\ " if shown.endswith(" ") and len(value) > 1 else shown


def _is_hex(shown: str) -> bool:
    return len(shown) % 2 == 1 and all(digit in "0123456789abcdef" for digit in shown[1:])


def _escape(character: str) -> str:
    if character in ',+"\\<>;':
        return "\\" + character
    if character.isascii() and character.isprintable():
        return character
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))
