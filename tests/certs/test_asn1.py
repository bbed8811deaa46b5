"""The reader of DER: spans, limits, and BER made definite."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import asn1


def test_what_was_written_is_read() -> None:
    """Short and long lengths are read as `encode` writes them."""
    for size in (0, 1, 127, 128, 255, 256, 70_000):
        data = asn1.encode(asn1.OCTET_STRING, b"x" * size)
        tag, start, stop = asn1.element(data, 0, len(data))
        assert (tag, stop - start, stop) == (asn1.OCTET_STRING, size, len(data))


def test_an_error_says_where_and_what() -> None:
    """The byte, what was wanted and what was there are all in the sentence."""
    data = asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.INTEGER, b"\1"))
    with pytest.raises(asn1.Asn1Error) as caught:
        asn1.expect(data, 2, len(data), asn1.OCTET_STRING)
    assert str(caught.value) == "at byte 2: expected an OCTET STRING, found an INTEGER"


@given(st.integers(0, 2), st.lists(st.integers(0, 2**40), min_size=1, max_size=8))
def test_identifiers_are_written_with_dots(first: int, arcs: list[int]) -> None:
    """Every OBJECT IDENTIFIER comes out as cryptography reads it."""
    second = arcs[0] % 40 if first < 2 else arcs[0]

    def base128(value: int) -> bytes:
        octets = [value & 0x7F]
        while value := value >> 7:
            octets.append(value & 0x7F | 0x80)
        return bytes(reversed(octets))

    contents = b"".join(map(base128, [first * 40 + second, *arcs[1:]]))
    wanted = ".".join(map(str, [first, second, *arcs[1:]]))
    assert asn1.oid(contents) == wanted
    if all(arc < 2**32 for arc in (first * 40 + second, *arcs[1:])):
        assert x509.ObjectIdentifier(asn1.oid(contents)).dotted_string == wanted


@pytest.mark.parametrize("contents", [b"", b"\x80", b"\x2a\x86", b"\x81" * 4000])
def test_what_is_no_identifier_is_refused(contents: bytes) -> None:
    """An empty or unfinished OBJECT IDENTIFIER is an error, not a number."""
    with pytest.raises(asn1.Asn1Error):
        asn1.oid(contents)


def test_indefinite_lengths_become_definite() -> None:
    """Constructed elements without a length, and strings in pieces, come out as DER."""
    pieces = asn1.encode(asn1.OCTET_STRING, b"ab") + asn1.encode(asn1.OCTET_STRING, b"cd")
    number = asn1.encode(asn1.INTEGER, b"\5")
    ber = b"\x30\x80" + number + b"\x24\x80" + pieces + b"\0\0" + b"\0\0"
    assert asn1.definite(ber + b"trailing") == asn1.encode(
        asn1.SEQUENCE, number + asn1.encode(asn1.OCTET_STRING, b"abcd")
    )


def test_definite_data_comes_back_as_it_is() -> None:
    """DER is not touched."""
    der = asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.INTEGER, b"\5"))
    assert asn1.definite(der) is der


@pytest.mark.parametrize(
    "data", [b"\x30\x80" * 100_000, b"\x24\x80" * 70 + b"\0\0" * 70, b"\x30\x80\x02", b"\x04\x80"]
)
def test_endless_and_deep_nesting_is_refused(data: bytes) -> None:
    """What never ends, or is nested deeper than the limit, is an error and no recursion."""
    with pytest.raises(asn1.Asn1Error):
        asn1.definite(data)


def _children(data: bytes) -> list[asn1.Element] | asn1.Asn1Error:
    try:
        return asn1.children(data, 0, len(data))
    except asn1.Asn1Error as error:
        return error


@given(st.binary(max_size=200))
def test_any_bytes_are_spans_or_an_error(data: bytes) -> None:
    """Children lie within their parent, one behind the other, whatever the bytes are."""
    found = _children(data)
    if isinstance(found, asn1.Asn1Error):
        assert 0 <= found.at <= len(data)
        return
    at = 0
    for _, start, stop in found:
        assert at < start <= stop <= len(data)
        at = stop
    assert at == len(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_made_definite_or_refused(data: bytes) -> None:
    """The rewriter never fails otherwise than by its own error, and never grows what it reads."""
    with suppress(asn1.Asn1Error):
        assert len(asn1.definite(b"\x30\x80" + data)) <= len(data) + 200
