"""What stands in a certificate's extensions (RFC 5280, 4.2).

Law of this room: each reader takes the extension's value alone and either gives the fact or raises
`Asn1Error`; one broken extension never hides the others.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache

from mtlskit.certs import asn1
from mtlskit.certs.distinguished import name_from, visible
from mtlskit.certs.oids import KEY_USAGES, PURPOSES

SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALT_NAME = "2.5.29.17"
ISSUER_ALT_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
NAME_CONSTRAINTS = "2.5.29.30"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXTENDED_KEY_USAGE = "2.5.29.37"


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its OID with dots, its name where there is one (else the OID), its value."""

    oid: str
    name: str
    critical: bool
    value: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One name of a subject (RFC 5280, 4.2.1.6).

    Attributes:
        kind: ``dns``, ``ip``, ``email``, ``uri``, ``dn``, ``rid`` or ``other``.
        value: as people write it, unseen characters escaped; an address as `ipaddress` prints it
            (in a name constraint with its prefix length), a DN as RFC 4514 text, an otherName
            behind its type and a colon.
    """

    kind: str
    value: str


_OLD_FORMS = {0xA3: "x400Address", 0xA5: "ediPartyName"}
_TEXTS = {0x81: "email", 0x82: "dns", 0x86: "uri"}


def general_name(data: bytes, tag: int, start: int, stop: int) -> GeneralName:
    """Read one GeneralName from its element."""
    contents = data[start:stop]
    if kind := _TEXTS.get(tag):
        return GeneralName(kind, visible(contents.decode("ascii", "backslashreplace")))
    if tag == asn1.CONTEXT + 7:
        return GeneralName("ip", _address(contents, start))
    if tag == asn1.EXPLICIT + 4:
        return GeneralName("dn", str(name_from(contents)))
    if tag == asn1.CONTEXT + 8:
        return GeneralName("rid", asn1.oid(contents))
    if tag == asn1.EXPLICIT:
        return GeneralName("other", _other(data, start, stop))
    if kind := _OLD_FORMS.get(tag):
        return GeneralName("other", f"{kind}:{contents.hex()}")
    raise asn1.Asn1Error(start, "a GeneralName", asn1.tag_name(tag))


def _address(octets: bytes, at: int) -> str:
    if len(octets) in {4, 16}:
        return str(ipaddress.ip_address(octets))
    if len(octets) in {8, 32}:  # a name constraint: address and mask
        half = len(octets) // 2
        prefix = int.from_bytes(octets[half:], "big").bit_count()
        if int.from_bytes(octets[half:], "big") != ((1 << prefix) - 1) << (8 * half - prefix):
            raise asn1.Asn1Error(at + half, "a mask of ones before zeros", octets[half:].hex())
        return f"{ipaddress.ip_address(octets[:half])}/{prefix}"
    raise asn1.Asn1Error(at, "an address of 4 or 16 bytes", f"{len(octets)} bytes")


def _other(data: bytes, start: int, stop: int) -> str:
    kind_start, kind_stop = asn1.expect(data, start, stop, asn1.OID)
    value = data[kind_stop:stop]
    return f"{asn1.oid(data[kind_start:kind_stop])}:{_other_text(value)}"


def _other_text(value: bytes) -> str:
    """The text of an explicitly tagged UTF8String (a user principal name), else hex."""
    inner = value[2:]
    if inner[:1] == bytes((asn1.UTF8,)):
        return visible(asn1.unwrapped(inner).decode("utf-8", "backslashreplace"))
    return value.hex()


def subject_alt_name(value: bytes) -> tuple[GeneralName, ...]:
    """SubjectAltName: the names, in order."""
    return tuple(general_name(value, *one) for one in asn1.sequence(value))


@lru_cache(maxsize=512)
def extended_key_usage(value: bytes) -> tuple[str, ...]:
    """ExtKeyUsage: the purposes by name (``clientAuth``), or by OID where they have none."""
    found = []
    for tag, start, stop in asn1.sequence(value):
        if tag != asn1.OID:
            raise asn1.Asn1Error(start, "a purpose's OBJECT IDENTIFIER", asn1.tag_name(tag))
        purpose = asn1.oid(value[start:stop])
        found.append(PURPOSES.get(purpose, purpose))
    return tuple(found)


@lru_cache(maxsize=512)
def key_usage(value: bytes) -> tuple[str, ...]:
    """KeyUsage: the names of the bits that are set, in their order."""
    start, stop = asn1.expect(value, 0, len(value), asn1.BIT_STRING)
    if stop == start:
        raise asn1.Asn1Error(start, "the bits of keyUsage", "no contents")
    bits = "".join(f"{octet:08b}" for octet in value[start + 1 : stop])
    return tuple(name for name, bit in zip(KEY_USAGES, bits, strict=False) if bit == "1")


_COUNT_OCTETS = 8
"""Bytes of a path length; an honest one has a single byte."""


@lru_cache(maxsize=512)
def basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """BasicConstraints: whether it is a CA, and how many CAs may follow it."""
    ca, length = False, None
    for tag, start, stop in asn1.sequence(value):
        if tag == asn1.BOOLEAN:
            ca = asn1.boolean(value, start, stop)
        elif tag == asn1.INTEGER:
            length = asn1.integer(value, start, stop, octets=_COUNT_OCTETS)
        else:
            raise asn1.Asn1Error(start, "cA or pathLenConstraint", asn1.tag_name(tag))
    return ca, length


def subject_key_identifier(value: bytes) -> bytes:
    """SubjectKeyIdentifier: the identifier."""
    start, stop = asn1.expect(value, 0, len(value), asn1.OCTET_STRING)
    return value[start:stop]


def authority_key_identifier(value: bytes) -> bytes | None:
    """AuthorityKeyIdentifier: the key identifier, None if it names its issuer otherwise."""
    for tag, start, stop in asn1.sequence(value):
        if tag == asn1.CONTEXT:
            return value[start:stop]
    return None
