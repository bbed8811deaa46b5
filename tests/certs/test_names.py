"""Host names against certificates, case by case after RFC 9525."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mtlskit.certs.names import dns_match, match

if TYPE_CHECKING:
    from conftest import Cast, Maker

SAN = "2.5.29.17"


@pytest.mark.parametrize(
    ("presented", "wanted", "matched"),
    [
        ("a.example", "a.example", True),
        ("A.Example", "a.eXAMPLE", True),
        ("a.example", "a.example.", True),
        ("a.example.", "a.example", True),
        ("a.example", "b.a.example", False),
        ("b.a.example", "a.example", False),
        ("*.a.example", "b.a.example", True),
        ("*.a.example", "a.example", False),
        ("*.a.example", "c.b.a.example", False),
        ("*.a.example", "xn--bcher-kva.a.example", True),
        ("b*.a.example", "bc.a.example", False),
        ("*b.a.example", "cb.a.example", False),
        ("a.*.example", "a.b.example", False),
        ("*.*.example", "a.b.example", False),
        ("*", "localhost", False),
        ("localhost", "localhost", True),
        ("*.a.example", ".a.example", False),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
    ],
)
def test_dns_names_match_label_by_label(presented: str, wanted: str, *, matched: bool) -> None:
    """A wildcard is the whole leftmost label and stands for exactly one (RFC 9525, 6.3)."""
    assert dns_match(presented, wanted) is matched


@pytest.mark.parametrize(
    ("san", "wanted", "matched"),
    [
        (["a.example"], "a.example", True),
        (["a.example"], "b.example", False),
        (["xn--bcher-kva.example"], "bücher.example", True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["2001:db8::1"], "[2001:DB8:0::1]", True),
        (["2001:db8::1"], "2001:db8::1", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["*.0.2.7"], "192.0.2.7", False),
        (["b.example", "c.example"], "c.example", True),
        (None, "a.example", False),
        (["x@a.example"], "a.example", False),
    ],
)
def test_hosts_and_addresses_match_their_own_kind(
    make: Maker, cast: Cast, san: list[str] | None, wanted: str, *, matched: bool
) -> None:
    """Names match DNS names, addresses match addresses exactly, and nothing else counts."""
    answer = match(make.facts(cast.root.issue("CN=a", san=san)), wanted)
    assert answer.matched is matched
    assert answer.because.endswith(".")


def test_a_common_name_never_matches_but_is_told(make: Maker, cast: Cast) -> None:
    """Only the common name would fit: refused, and the sentence says so."""
    answer = match(make.facts(cast.root.issue("CN=a.example", san=None)), "a.example")
    assert not answer.matched
    assert "no subjectAltName" in answer.because
    assert "Only its common name a.example would fit" in answer.because
    assert answer.presented == ()


def test_a_mismatch_tells_both_sides(make: Maker, cast: Cast) -> None:
    """The names presented and the name wanted both stand in the answer."""
    answer = match(make.facts(cast.client), "else.example")
    assert answer.presented == ("client.example", "192.0.2.7")
    assert "client.example" in answer.because
    assert "else.example" in answer.because


@pytest.mark.parametrize(
    ("san", "wanted", "hint"),
    [
        (["*.a.example"], "a.example", "exactly one label"),
        (["*.a.example"], "c.b.a.example", "exactly one label"),
        (["b*.a.example"], "bc.a.example", "whole leftmost label"),
    ],
)
def test_near_misses_are_explained(
    make: Maker, cast: Cast, san: list[str], wanted: str, hint: str
) -> None:
    """A wildcard that nearly fits says why it does not."""
    assert hint in match(make.facts(cast.root.issue("CN=x", san=san)), wanted).because


def test_an_address_as_dns_name_is_explained(make: Maker, cast: Cast) -> None:
    """An address that stands as a DNS name does not count, and that is said."""
    san = b"\x30\x0b\x82\x09192.0.2.7"
    one = make.facts(cast.root.issue("CN=x", san=None, **make.unknown(SAN, san)))
    answer = match(one, "192.0.2.7")
    assert not answer.matched
    assert "as a DNS name" in answer.because


def test_a_malformed_san_is_not_called_absent(make: Maker, cast: Cast) -> None:
    """What is there and cannot be read is called malformed."""
    one = make.facts(cast.root.issue("CN=x", san=None, **make.unknown(SAN, b"\x30\x09\x82")))
    assert "malformed" in match(one, "x").because


def test_long_lists_are_cut_in_the_sentence(make: Maker, cast: Cast) -> None:
    """A certificate for hundreds of names gives a sentence of a line, and all in `presented`."""
    san = [f"host{number}.example" for number in range(300)]
    answer = match(make.facts(cast.root.issue("CN=x", san=san)), "else.example")
    assert len(answer.because) < 300
    assert len(answer.presented) == 300


@pytest.mark.parametrize(
    "wanted", ["", ".", "a..b", "\0", "ü" * 70, "*.a.example", "[", "::1%eth0"]
)
def test_odd_names_are_answered_too(make: Maker, cast: Cast, wanted: str) -> None:
    """A name that cannot be one does not match, and nothing fails."""
    assert not match(make.facts(cast.client), wanted).matched
