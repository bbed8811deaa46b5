"""Values of extensions: every form of name, and any bytes at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import asn1, extensions
from mtlskit.certs.extensions import GeneralName, general_name, subject_alt_name
from mtlskit.certs.signed import read_crl, read_request
from mtlskit.material import Source, Unreadable

if TYPE_CHECKING:
    from conftest import Cast, Maker

UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
BARE = x509.ObjectIdentifier("1.2.3.4")


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        (x509.DNSName("a.example"), "dns", "a.example"),
        (x509.RFC822Name("me@a.example"), "email", "me@a.example"),
        (x509.UniformResourceIdentifier("urn:x"), "uri", "urn:x"),
        (x509.IPAddress(ipaddress.ip_address("192.0.2.1")), "ip", "192.0.2.1"),
        (x509.IPAddress(ipaddress.ip_network("192.0.2.0/25")), "ip", "192.0.2.0/25"),
        (x509.IPAddress(ipaddress.ip_network("2001:db8::/33")), "ip", "2001:db8::/33"),
        (x509.RegisteredID(BARE), "rid", "1.2.3.4"),
        (x509.OtherName(UPN, b"\x0c\x04me@x"), "other", f"{UPN.dotted_string}:me@x"),
        (x509.OtherName(BARE, b"\x02\x01\x05"), "other", "1.2.3.4:a003020105"),
        (
            x509.DirectoryName(x509.Name.from_rfc4514_string("CN=a,O=b")),
            "dn",
            "CN=a,O=b",
        ),
    ],
)
def test_every_form_of_name_is_told(name: x509.GeneralName, kind: str, value: str) -> None:
    """Each kind of GeneralName comes out as people write it."""
    if isinstance(name.value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        encoded = x509.NameConstraints([name], None).public_bytes()
        tag, start, stop = asn1.element(encoded, 6, len(encoded))
        assert general_name(encoded, tag, start, stop) == GeneralName(kind, value)
        return
    encoded = x509.SubjectAlternativeName([name]).public_bytes()
    assert subject_alt_name(encoded) == (GeneralName(kind, value),)


@pytest.mark.parametrize("value", [b"\x30\x05\x87\x03abc", b"\x30\x02\x99\0", b"\x30\x02\xa0\0"])
def test_what_is_no_name_is_refused(value: bytes) -> None:
    """An address of three bytes, an unknown tag and an empty otherName are errors."""
    with pytest.raises(asn1.Asn1Error):
        subject_alt_name(value)


def test_hidden_characters_in_a_name_are_escaped() -> None:
    """A NUL or a line feed in a DNS name is shown as an escape, never as itself."""
    value = asn1.encode(asn1.SEQUENCE, asn1.encode(0x82, b"a\0b\n\xff"))
    assert subject_alt_name(value) == (GeneralName("dns", "a\\u{0}b\\u{A}\\xff"),)


READERS = (
    extensions.subject_alt_name,
    extensions.extended_key_usage,
    extensions.key_usage,
    extensions.basic_constraints,
    extensions.subject_key_identifier,
    extensions.authority_key_identifier,
)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@given(st.binary(max_size=60), st.sampled_from([b"", b"\x30", b"\x03", b"\x04"]))
def test_any_bytes_are_a_fact_or_an_error(
    reader: Callable[[bytes], Any], data: bytes, tag: bytes
) -> None:
    """No reader fails otherwise than by a ValueError, which becomes a problem."""
    framed = asn1.encode(tag[0], data) if tag else data
    try:
        assert reader(framed) is not NotImplemented
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both ends of the try are right


@pytest.mark.parametrize("read", [read_request, read_crl], ids=["request", "crl"])
@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_list_or_damaged(
    read: Callable[[bytes, Source], object], data: bytes
) -> None:
    """What is neither is called damaged."""
    with pytest.raises(Unreadable) as caught:
        read(asn1.encode(asn1.SEQUENCE, data), Source("x"))
    assert caught.value.problem.code == "damaged"


def test_an_unknown_algorithm_has_no_ruling_but_a_fact(make: Maker, cast: Cast) -> None:
    """A certificate whose signature algorithm nobody knows is read, and named by its OID."""
    ecdsa, made_up = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d04037f")
    one = make.facts(cast.client.der.replace(ecdsa, made_up))
    assert one.signature_algorithm == "1.2.840.10045.4.3.127"
    assert one.problems == ()


@pytest.mark.parametrize("mask", ["ff00ff00", "00ffffff", "ffffff01"])
def test_a_mask_with_holes_is_no_prefix(mask: str) -> None:
    """RFC 5280, 4.2.1.10: a mask is written as in RFC 4632; one with holes limits nothing known."""
    octets = bytes.fromhex("0a000000" + mask)
    with pytest.raises(asn1.Asn1Error, match="a mask of ones before zeros"):
        general_name(octets, asn1.CONTEXT + 7, 0, len(octets))


@pytest.mark.parametrize("size", [9, 2000])
def test_a_path_length_that_cannot_be_is_malformed(size: int) -> None:
    """A path length of more than eight bytes is refused: nobody could print one of 2,000."""
    number = asn1.encode(asn1.INTEGER, b"\x7f" * size)
    with pytest.raises(asn1.Asn1Error, match="at most 8 bytes"):
        extensions.basic_constraints(asn1.encode(asn1.SEQUENCE, b"\x01\x01\xff" + number))
