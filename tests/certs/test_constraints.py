"""Name constraints in every form of name (RFC 5280, 4.2.1.10)."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import paths
from mtlskit.certs.asn1 import Asn1Error
from mtlskit.certs.constraints import Constraints, Subtree, broken_by, constraints_from
from mtlskit.certs.extensions import GeneralName
from mtlskit.lab.pki import Authority

if TYPE_CHECKING:
    from conftest import Maker

DNS, MAIL, URI = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier


def _net(text: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_network(text))


def _dn(text: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name.from_rfc4514_string(text))


@pytest.mark.parametrize(
    ("permitted", "excluded", "subject", "san", "accepted"),
    [
        ([DNS("a.example")], None, "CN=x", ["a.example"], True),
        ([DNS("a.example")], None, "CN=x", ["b.A.Example"], True),
        ([DNS("a.example")], None, "CN=x", ["ba.example"], False),
        ([DNS("a.example")], None, "CN=x", ["192.0.2.1"], True),
        ([DNS("a.example"), DNS("b.example")], None, "CN=x", ["b.example"], True),
        (None, [DNS("a.example")], "CN=x", ["b.a.example"], False),
        (None, [DNS("a.example")], "CN=x", ["b.example"], True),
        ([_net("192.0.2.0/24")], None, "CN=x", ["192.0.2.9"], True),
        ([_net("192.0.2.0/24")], None, "CN=x", ["192.0.3.9"], False),
        ([_net("192.0.2.0/24")], None, "CN=x", ["2001:db8::1"], False),
        (None, [_net("2001:db8::/32")], "CN=x", ["2001:db8::1"], False),
        ([MAIL("a.example")], None, "CN=x", ["me@a.example"], True),
        ([MAIL("a.example")], None, "CN=x", ["me@b.a.example"], False),
        ([MAIL("me@a.example")], None, "CN=x", ["you@a.example"], False),
        ([URI(".a.example")], None, "CN=x", ["spiffe://b.a.example/x"], True),
        ([URI("a.example")], None, "CN=x", ["spiffe://b.a.example/x"], False),
        ([_dn("O=Acme,C=DE")], None, "CN=x,O=acme,C=DE", None, True),
        ([_dn("O=Acme,C=DE")], None, "CN=x,O=Other,C=DE", None, False),
        (None, [_dn("O=Acme,C=DE")], "CN=x,O=Acme,C=DE", None, False),
        (None, [URI("a.example")], "CN=x", ["spiffe://a.example./x"], False),
        (None, [URI("a.example")], "CN=x", ["spiffe://b.example/x"], True),
        (None, [URI("a.example")], "CN=x", ["urn://"], False),
        (None, [URI("a.example")], "CN=x", ["spiffe://192.0.2.1/x"], False),
        (None, [URI("a.example")], "CN=x", ["spiffe://%61.example/x"], False),
        (None, [MAIL("a.example")], "CN=x", ["me@a.example."], False),
        (None, [MAIL("a.example")], "CN=x", ["me@b.example"], True),
        (None, [DNS("a.example")], "CN=x", ["b.a.example.."], False),
        (None, [DNS("sub.a.example")], "CN=x", ["*.a.example"], False),
        (None, [DNS("sub.a.example")], "CN=x", ["s*b.a.example"], False),
        (None, [DNS("sub.a.example")], "CN=x", ["t*.a.example"], True),
        (None, [DNS(".sub.a.example")], "CN=x", ["*.a.example"], True),
        (None, [DNS("x.sub.a.example")], "CN=x", ["*.a.example"], True),
        ([DNS("sub.a.example")], None, "CN=x", ["*.a.example"], False),
        ([DNS("a.example")], None, "CN=x", ["*.a.example"], True),
    ],
)
def test_names_are_held_to_the_subtrees(  # noqa: PLR0913 - one row of a table
    make: Maker,
    permitted: list[x509.GeneralName] | None,
    excluded: list[x509.GeneralName] | None,
    subject: str,
    san: list[str] | None,
    *,
    accepted: bool,
) -> None:
    """A name of a constrained form must be within a permitted subtree and in no excluded one."""
    limits = x509.NameConstraints(permitted, excluded)
    root = Authority.root("CN=root", extra=[(limits, True)])
    leaf = root.client(subject, san=san)
    found = paths.search(
        make.facts(leaf), [], [make.facts(root)], role="client", at=datetime.now(UTC)
    )
    assert [reason.code for reason in found.reasons] == ([] if accepted else ["name-constraint"])
    if not accepted:
        assert found.reasons[0].certificate.label == "x"
        assert found.reasons[0].expected


def test_malformed_constraints_are_told(make: Maker) -> None:
    """Constraints that cannot be read refuse the path, on the CA that has them."""
    sound = Authority.root("CN=root")
    limits = make.unknown("2.5.29.30", b"\x30\x04\xa0\x02\x30\x09")
    root, leaf = Authority.root("CN=root", key=sound.key, **limits), sound.client("CN=x")
    found = paths.search(
        make.facts(leaf), [], [make.facts(root)], role="client", at=datetime.now(UTC)
    )
    assert [(one.code, one.certificate.label) for one in found.reasons] == [("malformed", "root")]


RID = GeneralName("rid", "1.2.3")
OTHER = GeneralName("other", "1.3.6.1.4.1.311.20.2.3:me@a.example")


@pytest.mark.parametrize("name", [RID, OTHER, GeneralName("email", "nobody")])
def test_what_cannot_be_compared_breaks_both_lists(name: GeneralName) -> None:
    """RFC 5280, 4.2.1.10: what cannot be processed is refused, be it permitted or excluded."""
    tree = (Subtree(GeneralName(name.kind, "1.2.4")),)
    assert list(broken_by(Constraints(permitted=tree), name))
    assert "cannot be told" in next(broken_by(Constraints(excluded=tree), name)).because


@pytest.mark.parametrize(
    "value",
    [
        "3000",
        "3002a000",
        "3010a106300482026162a106300482026162",
        "300ba109300782026162800101",
        "300ba109300782026162810105",
    ],
)
def test_constraints_that_are_empty_repeated_or_of_a_depth_are_malformed(value: str) -> None:
    """One list of each kind, of subtrees from the base downwards (RFC 5280, 4.2.1.10)."""
    assert _read(bytes.fromhex(value)) is None


def test_a_minimum_of_zero_is_the_usual_one() -> None:
    """The default value may be written out."""
    found = _read(bytes.fromhex("300ba109300782026162800100"))
    assert found == Constraints(excluded=(Subtree(GeneralName("dns", "ab")),))


def _read(value: bytes) -> Constraints | None:
    try:
        return constraints_from(value)
    except Asn1Error:
        return None


@given(st.binary(max_size=80))
def test_any_bytes_are_constraints_or_refused(value: bytes) -> None:
    """The reader never fails otherwise than by its own error."""
    found = _read(value)
    assert found is None or isinstance(found, Constraints)
