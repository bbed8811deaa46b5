"""What a file of certificates or keys is, told by its content.

Law of this room: the name of a file counts for nothing, and a file that is cut short is still
recognised by its beginning, so that it can be called damaged and not unknown.
"""

from __future__ import annotations

from mtlskit.certs import asn1, bare64

_MAGICS = (
    (b"\xfe\xed\xfe\xed", "jks"),
    (b"\xce\xce\xce\xce", "jceks"),
    (b"-----BEGIN OPENSSH", "openssh"),
    (b"PuTTY-User-Key-File", "ppk"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
)
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_PEM_MARK = "-----BEGIN "

_PKCS7 = "1.2.840.113549.1.7."


def format_of(data: bytes) -> str | None:
    """Name the format by content: ``pem``, ``der``, ``pkcs12``, ``pkcs7``, ``jks``, ... or None.

    ``base64`` is one of them without the lines that PEM has.

    A DER certificate, request, CRL or key is ``der``; `der_kind` says which.
    """
    head = data.removeprefix(_UTF8_MARK)[:64]
    for magic, name in _MAGICS:
        if head.startswith(magic):
            return name
    if _is_bks(data):
        return "bks"
    if data[:1] == bytes((asn1.SEQUENCE,)) and (kind := der_kind(data)):
        return kind if kind in {"pkcs12", "pkcs7", "bcfks"} else "der"
    if is_pem(data):
        return "pem"
    bare = bare64.head(data)
    return "base64" if bare and format_of(bare) else None


def is_pem(data: bytes) -> bool:
    """Whether an encapsulation boundary of RFC 7468 stands anywhere in the text."""
    if data[:2] in UTF16_MARKS:
        codec = "utf-16-le" if data[:2] == UTF16_MARKS[0] else "utf-16-be"
        return _PEM_MARK.encode(codec) in data
    return _PEM_MARK.encode() in data


def _is_bks(data: bytes) -> bool:
    """Bouncy Castle's BKS: version 1 or 2, a salt of 20 bytes, a plausible iteration count."""
    if data[:4] not in {b"\0\0\0\1", b"\0\0\0\2"} or data[4:8] != b"\0\0\0\x14":
        return False
    return 0 < int.from_bytes(data[28:32], "big") < 1 << 20


def der_kind(data: bytes) -> str | None:
    """Tell what a SEQUENCE is by the tags at its beginning.

    Returns ``certificate``, ``request``, ``crl``, ``key``, ``encrypted-key``, ``pkcs12``,
    ``pkcs7``, ``bcfks`` or None. Only the beginning is looked at, and lengths may run past the end.
    """
    tags = _tags(data, 0, limit=1)
    if not tags or tags[0][0] != asn1.SEQUENCE:
        return None
    inner = _tags(data, tags[0][1], limit=5)
    kind: str | None = None
    match [tag for tag, _ in inner]:
        case [asn1.INTEGER, asn1.SEQUENCE, *_]:
            kind = _with_version(data, inner)
        case [asn1.INTEGER, asn1.OCTET_STRING, *_]:
            kind = "key"
        case [asn1.INTEGER, asn1.INTEGER, asn1.INTEGER, asn1.INTEGER, asn1.INTEGER]:
            kind = "key"  # PKCS#1; with fewer numbers it is a public key
        case [asn1.SEQUENCE, asn1.OCTET_STRING, *_]:
            kind = "encrypted-key"
        case [asn1.OID, *_]:
            kind = _content_info(data, inner[0][1])
        case [asn1.SEQUENCE, *_]:
            kind = _signed([tag for tag, _ in _tags(data, inner[0][1], limit=4)])
    return kind


def _with_version(data: bytes, inner: list[tuple[int, int]]) -> str:
    """PFX (RFC 7292, 4) and PrivateKeyInfo both begin with a version and a SEQUENCE."""
    return "pkcs12" if data[inner[0][1] : inner[0][1] + 1] == b"\3" else "key"


def _content_info(data: bytes, at: int) -> str | None:
    size = data[at - 1] if at <= len(data) else 0  # its length may be cut off
    try:
        return "pkcs7" if asn1.oid(data[at : at + size]).startswith(_PKCS7) else None
    except asn1.Asn1Error:
        return None


_TIMES = frozenset({asn1.UTC_TIME, asn1.GENERALIZED_TIME})


def _signed(tags: list[int]) -> str | None:
    """The parts of what is signed: certificate, request or revocation list; or a BCFKS store."""
    match tags:
        case [asn1.EXPLICIT, *_] | [asn1.INTEGER, asn1.SEQUENCE, asn1.SEQUENCE, asn1.SEQUENCE]:
            return "certificate"
        case [asn1.INTEGER, asn1.SEQUENCE, asn1.SEQUENCE, time] if time in _TIMES:
            return "crl"
        case [asn1.SEQUENCE, asn1.SEQUENCE, time, *_] if time in _TIMES:
            return "crl"
        case [asn1.INTEGER, asn1.SEQUENCE, *_]:
            return "request"
        case [asn1.SEQUENCE, asn1.OCTET_STRING, *_]:
            return "bcfks"
    return None


def _tags(data: bytes, at: int, limit: int) -> list[tuple[int, int]]:
    """Tags of elements that follow each other, each with where its contents begin."""
    found: list[tuple[int, int]] = []
    while len(found) < limit and at + 2 <= len(data):
        length, start = data[at + 1], at + 2
        if length > 0x80:  # noqa: PLR2004 - X.690 8.1.3.5: so many octets of length follow
            octets = length & 0x7F
            length, start = int.from_bytes(data[start : start + octets], "big"), start + octets
        found.append((data[at], start))
        if data[at + 1] == 0x80:  # noqa: PLR2004 - an indefinite length: what follows is within
            break
        at = start + length
    return found
