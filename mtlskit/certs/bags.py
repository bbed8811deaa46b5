"""The bags of a PKCS#12 file: its structure alone, without any password (RFC 7292, 4).

Law of this room: each part is taken as it is; opening the sealed ones is the caller's part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mtlskit.certs import asn1, pbe
from mtlskit.certs.distinguished import visible
from mtlskit.material import Source

DATA = "1.2.840.113549.1.7.1"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"

KEY, SHROUDED_KEY, CERTIFICATE, CRL, SECRET, NESTED = (
    f"1.2.840.113549.1.12.10.1.{number}" for number in range(1, 7)
)
_FRIENDLY_NAME = "1.2.840.113549.1.9.20"
_LOCAL_KEY_ID = "1.2.840.113549.1.9.21"
_TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1"
"""Java marks the certificates that it trusts with this attribute, and trusts no others."""
_DEPTH_LIMIT = 8
LIMIT = 100_000
"""More bags than this are refused."""


@dataclass(frozen=True, slots=True)
class Bag:
    """A SafeBag (RFC 7292, 4.2).

    Attributes:
        kind: its OID.
        value: what stands in its explicit tag.
        trusted: it bears Java's mark of a trusted certificate.
    """

    kind: str
    value: bytes = field(repr=False)
    friendly_name: str | None = None
    local_key_id: bytes | None = None
    trusted: bool = False

    def source(self, store: Source, number: int) -> Source:
        """Where it stands, for people."""
        return store.at(f'alias "{self.friendly_name}"' if self.friendly_name else f"bag {number}")


@dataclass(frozen=True, slots=True)
class Pfx:
    """The outer structure.

    Attributes:
        kind: the OID of the integrity mode: `DATA` for a password, another for a signature.
        safe: the bytes that the integrity check is over.
        mac: the MacData in DER; None: the file has no integrity check.
    """

    kind: str
    safe: bytes = field(repr=False)
    mac: bytes | None = field(repr=False)


def pfx(data: bytes) -> Pfx:
    """Read the outer structure (RFC 7292, 4).

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    der = asn1.definite(data)
    parts = asn1.children(der, *asn1.expect(der, 0, len(der), asn1.SEQUENCE))
    if [tag for tag, _, _ in parts[:2]] != [asn1.INTEGER, asn1.SEQUENCE]:
        raise asn1.Asn1Error(0, "a PFX (RFC 7292, 4)", "another structure")
    kind, content = content_info(der[parts[0][2] : parts[1][2]])
    mac = der[parts[1][2] : parts[2][2]] if len(parts) > 2 else None  # noqa: PLR2004 - optional
    safe = asn1.unwrapped(asn1.definite(content)) if kind == DATA else content
    return Pfx(kind, safe, mac)


def content_info(der: bytes) -> tuple[str, bytes]:
    """Read a ContentInfo (RFC 2315, 7): its type, and what stands in its explicit tag.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    oid_start, oid_stop = asn1.expect(der, start, stop, asn1.OID)
    inner, end = asn1.expect(der, oid_stop, stop, asn1.EXPLICIT)
    return asn1.oid(der[oid_start:oid_stop]), der[inner:end]


def safes(authenticated: bytes) -> list[tuple[str, bytes]]:
    """Read the AuthenticatedSafe: each part's type and content.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    der = asn1.definite(authenticated)
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    found = []
    for _, _, end in asn1.children(der, start, stop):
        found.append(content_info(der[start:end]))
        start = end
    return found


def encrypted_content(content: bytes) -> tuple[bytes, bytes]:
    """Read EncryptedData (RFC 2315, 13): the AlgorithmIdentifier and the sealed bytes.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    start, stop = asn1.expect(content, 0, len(content), asn1.SEQUENCE)
    _, at = asn1.expect(content, start, stop, asn1.INTEGER)
    start, stop = asn1.expect(content, at, stop, asn1.SEQUENCE)
    _, at = asn1.expect(content, start, stop, asn1.OID)
    _, algorithm_stop = asn1.expect(content, at, stop, asn1.SEQUENCE)
    tag, start, stop = asn1.element(content, algorithm_stop, stop)
    if tag == asn1.EXPLICIT:  # BER: the implicit OCTET STRING in pieces
        pieces = [content[from_:to] for _, from_, to in asn1.children(content, start, stop)]
        return content[at:algorithm_stop], b"".join(pieces)
    if tag != asn1.CONTEXT:
        raise asn1.Asn1Error(algorithm_stop, "encrypted content", asn1.tag_name(tag))
    return content[at:algorithm_stop], content[start:stop]


def bags(contents: bytes, depth: int = 0) -> Iterator[Bag]:
    """Read SafeContents, nested ones too.

    Raises:
        asn1.Asn1Error: it is malformed or nested too deeply.
    """
    if depth > _DEPTH_LIMIT:
        raise asn1.Asn1Error(0, f"at most {_DEPTH_LIMIT} nested bags", "more")
    der = asn1.definite(contents)
    for tag, start, stop in asn1.children(der, *asn1.expect(der, 0, len(der), asn1.SEQUENCE)):
        if tag != asn1.SEQUENCE:
            raise asn1.Asn1Error(start, "a bag", asn1.tag_name(tag))
        bag = _bag(der, start, stop)
        if bag.kind == NESTED:
            yield from bags(bag.value, depth + 1)
        else:
            yield bag


def _bag(der: bytes, start: int, stop: int) -> Bag:
    oid_start, oid_stop = asn1.expect(der, start, stop, asn1.OID)
    inner, end = asn1.expect(der, oid_stop, stop, asn1.EXPLICIT)
    attributes = _attributes(der, end, stop) if end < stop else {}
    name = attributes.get(_FRIENDLY_NAME)
    local = attributes.get(_LOCAL_KEY_ID)
    return Bag(
        asn1.oid(der[oid_start:oid_stop]),
        der[inner:end],
        visible(asn1.unwrapped(name).decode("utf-16-be", "replace")) if name else None,
        asn1.unwrapped(local) if local else None,
        _TRUSTED_KEY_USAGE in attributes,
    )


def _attributes(der: bytes, at: int, stop: int) -> dict[str, bytes]:
    """The attributes' first values, by OID."""
    found: dict[str, bytes] = {}
    for _, start, end in asn1.children(der, *asn1.expect(der, at, stop, asn1.SET)):
        oid_start, oid_stop = asn1.expect(der, start, end, asn1.OID)
        value_start, value_stop = asn1.expect(der, oid_stop, end, asn1.SET)
        if value_start < value_stop:
            first = asn1.element(der, value_start, value_stop)
            found.setdefault(asn1.oid(der[oid_start:oid_stop]), der[value_start : first[2]])
    return found


def certificate_in(value: bytes) -> bytes | None:
    """The DER certificate in a CertBag (RFC 7292, 4.2.3); None: an SDSI certificate.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    kind, content = content_info(value)
    return asn1.unwrapped(content) if kind == "1.2.840.113549.1.9.22.1" else None


def crl_in(value: bytes) -> bytes:
    """The DER list in a CRLBag (RFC 7292, 4.2.4).

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    return asn1.unwrapped(content_info(value)[1])


@dataclass(frozen=True, slots=True)
class Mac:
    """The integrity check with a password (RFC 7292, 4; RFC 9579).

    Attributes:
        hash: the hash of the older form; "" for PBMAC1.
        scheme: the AlgorithmIdentifier's parameters, which say all of PBMAC1.
    """

    hash: str
    digest: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    rounds: int
    parameters: bytes = field(default=b"", repr=False)


def mac(der: bytes) -> Mac:
    """Read MacData.

    Raises:
        asn1.Asn1Error: it is malformed.
        pbe.Unsupported: its hash is not known.
    """
    parts = asn1.sequence(der)
    if [tag for tag, _, _ in parts[:2]] != [asn1.SEQUENCE, asn1.OCTET_STRING]:
        raise asn1.Asn1Error(0, "MacData (RFC 7292, 4)", "other fields")
    info = asn1.children(der, parts[0][1], parts[0][2])
    if [tag for tag, _, _ in info] != [asn1.SEQUENCE, asn1.OCTET_STRING]:
        raise asn1.Asn1Error(parts[0][1], "a DigestInfo (RFC 2315, 9.4)", "other fields")
    oid, parameters = pbe.algorithm_of(der[parts[0][1] : info[0][2]])
    rounds = pbe.rounds_at(der, parts[2]) if len(parts) > 2 else 1  # noqa: PLR2004 - DEFAULT 1
    digest, salt = der[info[1][1] : info[1][2]], der[parts[1][1] : parts[1][2]]
    return Mac(_hash(oid), digest, salt, rounds, parameters)


def _hash(oid: str) -> str:
    if oid == "1.2.840.113549.1.5.14":
        return ""
    if oid not in _HASHES:
        raise pbe.Unsupported(f"an integrity check with the hash {oid}")
    return _HASHES[oid]


_HASHES = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
