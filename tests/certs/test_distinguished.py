"""Distinguished names: which are the same (RFC 5280, 7.1)."""

from __future__ import annotations

import pytest

from mtlskit.certs import asn1
from mtlskit.certs.distinguished import Name, name_from

_COMMON_NAME = bytes.fromhex("0603550403")


def _named(tag: int, value: bytes) -> Name:
    pair = asn1.encode(asn1.SEQUENCE, _COMMON_NAME + asn1.encode(tag, value))
    return name_from(asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.SET, pair)))


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (asn1.UTF8, b"\xff", rb"\xff"),
        (asn1.UTF8, b"a\xff", rb"a\xff"),
        (asn1.BMP, b"\xd8\x00", rb"\xd8\x00"),
        (asn1.INTEGER, b"\x05", b"#020105"),
    ],
)
def test_what_is_no_text_is_not_the_text_that_spells_it_out(
    tag: int, value: bytes, text: bytes
) -> None:
    """Two names that are shown alike are two names; each is the same as itself."""
    odd, spelled = _named(tag, value), _named(asn1.UTF8, text)
    assert odd.rdns == spelled.rdns
    assert not odd.same_as(spelled)
    assert odd.normal == _named(tag, value).normal


def test_texts_with_the_same_marks_are_still_compared_as_texts() -> None:
    """A backslash or a number sign in a readable text hides neither case nor its tag."""
    for text in (rb"A\B", b"#Ab"):
        assert _named(asn1.UTF8, text).same_as(_named(asn1.T61, text.lower()))


def test_the_same_bytes_of_another_type_are_another_value() -> None:
    """What cannot be read is compared by its tag, too."""
    assert not _named(asn1.UTF8, b"\xff").same_as(_named(asn1.BMP, b"\xff"))
