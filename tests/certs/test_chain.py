"""The chain that goes with a leaf, when several certificates might be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mtlskit.certs.chain import LENGTH_LIMIT, in_order, issuers_of
from mtlskit.lab.pki import Authority, new_key

if TYPE_CHECKING:
    from conftest import Cast, Maker

NOW = datetime.now(UTC)


def test_the_key_identifier_decides_between_namesakes(make: Maker) -> None:
    """Of two CAs of one name, the one with the key that the leaf names is taken."""
    right = Authority.root("CN=Same")
    wrong = Authority.root("CN=Same", not_after=NOW + timedelta(days=9000))
    leaf = make.facts(right.client("CN=leaf"))
    for pool in ([right, wrong], [wrong, right]):
        assert [one.der for one in issuers_of(leaf, map(make.facts, pool))] == [right.der]


def test_of_two_issues_the_one_valid_longer_is_taken(make: Maker) -> None:
    """A renewed CA with the same key goes before the old one."""
    key = new_key()
    old = Authority.root("CN=Same", key=key, not_after=NOW + timedelta(days=5))
    new = Authority.root("CN=Same", key=key, not_after=NOW + timedelta(days=500))
    leaf = make.facts(old.client("CN=leaf"))
    for pool in ([old, new], [new, old]):
        assert [one.der for one in issuers_of(leaf, map(make.facts, pool))] == [new.der]


def test_a_chain_ends_where_the_pool_does(make: Maker, cast: Cast) -> None:
    """At a root, at a missing issuer, and never in a circle."""
    leaf, issuing, root = map(make.facts, (cast.client, cast.issuing, cast.root))
    assert issuers_of(leaf, [root, leaf, issuing]) == (issuing, root)
    assert issuers_of(leaf, [root]) == ()
    assert issuers_of(root, [root, issuing]) == ()
    first, second = Authority.root("CN=A"), Authority.root("CN=B")
    circle = [
        make.facts(first.intermediate("CN=B", key=second.key)),
        make.facts(second.intermediate("CN=A", key=first.key)),
    ]
    assert len(issuers_of(make.facts(first.client("CN=x")), circle)) == 2


def test_a_chain_has_a_longest_length(make: Maker) -> None:
    """Forty intermediates are not put together."""
    authority = Authority.root("CN=root")
    pool = []
    for number in range(LENGTH_LIMIT + 8):
        authority = authority.intermediate(f"CN=ca {number}")
        pool.append(make.facts(authority))
    assert len(issuers_of(make.facts(authority.client("CN=leaf")), pool)) == LENGTH_LIMIT


def test_order_is_leaf_first_then_each_issuer(make: Maker, cast: Cast) -> None:
    """What follows the chain does not matter, what stands in between does."""
    leaf, issuing, root = map(make.facts, (cast.client, cast.issuing, cast.root))
    other = make.facts(Authority.root("CN=other"))
    assert in_order(leaf, [issuing, root, other])
    assert in_order(leaf, [])
    assert not in_order(leaf, [root, issuing])
    assert not in_order(leaf, [other, issuing])
