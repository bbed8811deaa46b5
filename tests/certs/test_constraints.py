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
from mtlskit.certs.dns_constraints import WAYS
from mtlskit.certs.extensions import GeneralName
from mtlskit.certs.stacks import STACKS, predict
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
    assert "The extension nameConstraints is malformed" in found.reasons[0].because


@pytest.mark.parametrize("stack", STACKS)
def test_malformed_constraints_of_an_intermediate_are_refused_by_every_stack(
    make: Maker, stack: str
) -> None:
    """A limit that nobody can read limits nothing, so that each stack refuses it when critical."""
    root = Authority.root("CN=root")
    sound = root.intermediate("CN=Issuing")
    limits = make.unknown("2.5.29.30", b"\x30\x04\xa0\x02\x30\x09", critical=True)
    broken = root.intermediate("CN=Issuing", key=sound.key, **limits)
    leaf = make.facts(sound.client("CN=x", san=["x.example"]))
    now = datetime.now(UTC)
    found = predict(leaf, [make.facts(broken)], [make.facts(root)], stack, now)
    assert (found.accepted, found.reason and found.reason.code) == (False, "malformed")


def test_each_type_of_other_name_is_a_form_of_its_own() -> None:
    """A limit on user principal names says nothing of chat addresses (RFC 5280, 4.2.1.6)."""
    upn = (Subtree(GeneralName("other", "1.3.6.1.4.1.311.20.2.3:acme.example")),)
    chat = GeneralName("other", "1.3.6.1.5.5.7.8.5:me@acme.example")
    post = GeneralName("other", "x400Address:3000")
    for name in (chat, post):
        assert list(broken_by(Constraints(permitted=upn), name)) == []
        assert list(broken_by(Constraints(excluded=upn), name)) == []


@pytest.mark.parametrize(
    ("way", "inside", "outside", "open_"),
    [
        ("rfc", ["c.a.example.", "a.example"], ["ca.example"], ["*.example"]),
        ("without-wildcards", ["c.a.example.", "*.a.example"], ["*.example"], []),
        ("text", [".a.example", "*.a.example"], ["c.a.example.", "*.example"], []),
        ("names", ["c.a.example.", "a.example"], ["c.a.example..", "*x.example"], ["*.example"]),
        ("labels", ["c*.a.example"], ["a.*"], [".a.example", "a.example.", "*.example"]),
        ("host-names", ["C.a.example", "*.a.example"], ["b.example"], ["c*.a.example", "*"]),
    ],
)
def test_the_ways_to_compare_dns_names_differ_in_wildcards_and_dots(
    way: str, inside: list[str], outside: list[str], open_: list[str]
) -> None:
    """Each way says inside, outside, or that it cannot be told."""
    within = WAYS[way]
    assert {within(name, "a.example") for name in inside} == {True}
    assert {within(name, "a.example") for name in outside} == {False}
    assert {within(name, "a.example") for name in open_} <= {None}


@given(st.sampled_from(sorted(WAYS)), st.text("a.*-", max_size=8), st.text("a.*-", max_size=8))
def test_any_texts_are_compared(way: str, name: str, base: str) -> None:
    """No name and no base, however odd, makes a comparison fail."""
    assert WAYS[way](name, base) in {True, False, None}


RID = GeneralName("rid", "1.2.3")
OTHER = GeneralName("other", "1.3.6.1.4.1.311.20.2.3:me@a.example")


@pytest.mark.parametrize("name", [RID, OTHER, GeneralName("email", "nobody")])
def test_what_cannot_be_compared_breaks_both_lists(name: GeneralName) -> None:
    """RFC 5280, 4.2.1.10: what cannot be processed is refused, be it permitted or excluded."""
    base = "1.3.6.1.4.1.311.20.2.3:you" if name.kind == "other" else "1.2.4"
    tree = (Subtree(GeneralName(name.kind, base)),)
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
