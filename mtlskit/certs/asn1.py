"""A small reader for DER, with just enough BER for old key stores (X.690).

Law of this room: nothing is trusted. Every length is held against the bytes that are there, depth
and size have limits, and an error says at which byte what was wanted and what was there.

The functions work on spans of one buffer instead of copies of it: an element is a plain tuple
``(tag, start, stop)``, so that one certificate is read in a few dozen microseconds and an error's
byte number is the place in the file.
"""

from __future__ import annotations

from functools import lru_cache

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8, PRINTABLE, T61, IA5 = 0x0C, 0x13, 0x14, 0x16
UTC_TIME, GENERALIZED_TIME, BMP, UNIVERSAL = 0x17, 0x18, 0x1E, 0x1C
SEQUENCE, SET = 0x30, 0x31
CONTEXT, EXPLICIT = 0x80, 0xA0
"""Context tag [0], primitive and constructed; add the number for the others."""

DEPTH_LIMIT = 64
"""Deeper nesting than this is refused: no honest certificate or store comes near it."""

INTEGER_LIMIT = 1024
"""Bytes of an INTEGER; Python itself refuses to print one of 1,800 (4,300 digits)."""

Element = tuple[int, int, int]
"""The tag (its first octet; more octets follow for tags above 30), where contents begin and end."""

_TAG_NAMES = {
    BOOLEAN: "a BOOLEAN",
    INTEGER: "an INTEGER",
    BIT_STRING: "a BIT STRING",
    OCTET_STRING: "an OCTET STRING",
    NULL: "NULL",
    OID: "an OBJECT IDENTIFIER",
    UTF8: "a UTF8String",
    PRINTABLE: "a PrintableString",
    IA5: "an IA5String",
    UTC_TIME: "a UTCTime",
    GENERALIZED_TIME: "a GeneralizedTime",
    SEQUENCE: "a SEQUENCE",
    SET: "a SET",
}


class Asn1Error(ValueError):
    """Bytes that are not the wanted structure; says where, what was wanted and what was there.

    Attributes:
        at: the offset of the offending byte in the buffer that was read.
        wanted: what should have been there, as a noun phrase.
        found: what was there.
    """

    def __init__(self, at: int, wanted: str, found: str) -> None:
        super().__init__(f"at byte {at}: expected {wanted}, found {found}")
        self.at = at
        self.wanted = wanted
        self.found = found


def tag_name(tag: int) -> str:
    """Name a tag for people."""
    if tag & 0xC0 == 0x80:  # noqa: PLR2004 - X.690 8.1.2.2: bits 8 and 7 are the class
        return f"context tag [{tag & 0x1F}]"
    return _TAG_NAMES.get(tag, f"tag 0x{tag:02x}")


def element(data: bytes, at: int, stop: int) -> Element:
    """Read the identifier and length octets at `at`; contents end at or before `stop`.

    Raises:
        Asn1Error: the element does not fit, or its length is not definite.
    """
    if stop - at < 2:  # noqa: PLR2004 - one identifier octet and one length octet
        raise Asn1Error(at, "another element", "the end of the data")
    tag = data[at]
    if tag & 0x1F == 0x1F:  # noqa: PLR2004 - X.690 8.1.2.4: the tag's number follows
        return _high_tag(data, at, stop)
    length = data[at + 1]
    start = at + 2
    if length & 0x80:
        start, length = _long_length(data, start, stop)
    if start + length > stop:
        raise Asn1Error(at, f"{tag_name(tag)} of {length} bytes", f"{stop - start} bytes")
    return tag, start, start + length


def _long_length(data: bytes, at: int, stop: int) -> tuple[int, int]:
    octets = data[at - 1] & 0x7F
    if not octets:
        raise Asn1Error(at - 1, "a definite length", "an indefinite length")
    if octets > 8 or at + octets > stop:  # noqa: PLR2004 - 2^64 bytes are more than any file
        raise Asn1Error(at - 1, "a length that fits", f"a length of {octets} octets")
    return at + octets, int.from_bytes(data[at : at + octets], "big")


def _high_tag(data: bytes, at: int, stop: int) -> Element:
    position = at + 1
    while position < stop and data[position] & 0x80:
        position += 1
        if position - at > 6:  # noqa: PLR2004 - tags of more than 35 bits do not occur
            break
    if stop - position < 2 or data[position] & 0x80:  # noqa: PLR2004 - a length must follow
        raise Asn1Error(at, "a tag and a length", "a tag without end")
    length = data[position + 1]
    start = position + 2
    if length & 0x80:
        start, length = _long_length(data, start, stop)
    if start + length > stop:
        raise Asn1Error(at, f"an element of {length} bytes", f"{stop - start} bytes")
    return data[at], start, start + length


def expect(data: bytes, at: int, stop: int, tag: int) -> tuple[int, int]:
    """Read the element at `at`, which must have this tag; give where its contents begin and end."""
    found, start, end = element(data, at, stop)
    if found != tag:
        raise Asn1Error(at, tag_name(tag), tag_name(found))
    return start, end


def children(data: bytes, start: int, stop: int) -> list[Element]:
    """Read the elements that follow each other from `start` to exactly `stop`."""
    found = []
    while start < stop:
        one = element(data, start, stop)
        found.append(one)
        start = one[2]
    return found


def sequence(data: bytes, tag: int = SEQUENCE) -> list[Element]:
    """Read a buffer that is one constructed element and nothing else; give its children."""
    start, stop = expect(data, 0, len(data), tag)
    if stop != len(data):
        raise Asn1Error(stop, "the end of the data", f"{len(data) - stop} more bytes")
    return children(data, start, stop)


def integer(data: bytes, start: int, stop: int, octets: int = INTEGER_LIMIT) -> int:
    """The value of an INTEGER's contents, two's complement; more than `octets` are refused."""
    if start == stop:
        raise Asn1Error(start, "an INTEGER's value", "no contents")
    if stop - start > octets:
        raise Asn1Error(start, f"an INTEGER of at most {octets} bytes", f"{stop - start} bytes")
    return int.from_bytes(data[start:stop], "big", signed=True)


def boolean(data: bytes, start: int, stop: int) -> bool:
    """The value of a BOOLEAN's contents; any octet but zero is true, as in BER."""
    if stop - start != 1:
        raise Asn1Error(start, "a BOOLEAN of one byte", f"{stop - start} bytes")
    return data[start] != 0


def oid(contents: bytes) -> str:
    """Write an OBJECT IDENTIFIER's contents with dots.

    Raises:
        Asn1Error: the contents are empty or stop within an arc.
    """
    try:
        return _dotted(contents)
    except IndexError:
        raise Asn1Error(0, "an OBJECT IDENTIFIER", contents[:16].hex() or "no contents") from None


@lru_cache(maxsize=1024)
def _dotted(contents: bytes) -> str:
    if contents[-1] & 0x80 or len(contents) > 128:  # noqa: PLR2004 - X.690 8.19; longer is no OID
        raise IndexError
    arcs = [0]
    for octet in contents:
        arcs[-1] = arcs[-1] << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(0)
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:-1])))


def definite(data: bytes) -> bytes:
    """Rewrite BER with indefinite lengths and strings in pieces as definite, primitive elements.

    Only the first element is read; what follows it is dropped. Data without an indefinite length
    at its beginning comes back as it is.

    Raises:
        Asn1Error: it ends early or is nested deeper than `DEPTH_LIMIT`.
    """
    if len(data) < 2 or data[1] != 0x80:  # noqa: PLR2004 - the length octet of an indefinite one
        return data
    return _rewritten(data, 0, len(data), 0)[0]


def _rewritten(data: bytes, at: int, stop: int, depth: int) -> tuple[bytes, int]:
    if depth > DEPTH_LIMIT:
        raise Asn1Error(at, f"at most {DEPTH_LIMIT} levels", "deeper nesting")
    endless = stop - at >= 2 and data[at + 1] == 0x80  # noqa: PLR2004 - two octets of a header
    tag, start, end = (data[at], at + 2, stop) if endless else element(data, at, stop)
    if not tag & 0x20:
        if endless:
            raise Asn1Error(at, "a definite length", "an indefinite one on a primitive element")
        return data[at:end], end
    pieces, end = _pieces(data, start, end, depth, endless=endless)
    return _joined(tag, pieces), end


def _pieces(
    data: bytes, at: int, stop: int, depth: int, *, endless: bool
) -> tuple[list[bytes], int]:
    pieces: list[bytes] = []
    while endless or at < stop:
        if endless and data[at : at + 2] == b"\0\0":
            return pieces, at + 2
        piece, at = _rewritten(data, at, stop, depth + 1)
        pieces.append(piece)
    return pieces, at


def _joined(tag: int, pieces: list[bytes]) -> bytes:
    if tag != OCTET_STRING | 0x20:
        return encode(tag, b"".join(pieces))
    return encode(OCTET_STRING, b"".join(map(unwrapped, pieces)))


def unwrapped(data: bytes) -> bytes:
    """The contents of the one element that a buffer begins with."""
    _, start, stop = element(data, 0, len(data))
    return data[start:stop]


def encode(tag: int, contents: bytes) -> bytes:
    """Write one element with a definite length."""
    size = len(contents)
    if size < 0x80:  # noqa: PLR2004 - X.690 8.1.3: the short form of a length
        return bytes((tag, size)) + contents
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + contents
