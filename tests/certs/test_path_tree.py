"""The tree of a path search: what was tried, and each reason where it belongs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mtlskit.certs import path_tree
from mtlskit.certs.paths import search
from mtlskit.lab.pki import Authority

if TYPE_CHECKING:
    from conftest import Cast, Maker

NOW = datetime.now(UTC)


def test_a_whole_chain_is_one_branch(cast: Cast, make: Maker) -> None:
    """Leaf, issuer, root; the last one is trusted and all of them hold."""
    ours = [make.facts(one, name) for one, name in ((cast.client, "c"), (cast.issuing, "i"))]
    root = make.facts(cast.root, "trust")
    found = search(ours[0], ours[1:], [root], role="client", at=NOW)
    assert path_tree.tree(found).words().splitlines() == [
        "Acme Client: holds [c] [ok]",
        "`-- Acme Issuing CA: holds [i] [ok]",
        "    `-- Acme Root CA: trusted [trust] [ok]",
    ]


def test_two_ways_share_what_they_share(cast: Cast, make: Maker) -> None:
    """Two issuers of one name and key are two branches under one leaf; each has its own reason."""
    old = cast.root.intermediate(
        "CN=Twice",
        not_before=NOW - timedelta(99),
        not_after=NOW - timedelta(1),
    )
    other = Authority.root("CN=Other Root")
    new = other.intermediate("CN=Twice", key=old.key)
    leaf = make.facts(old.client("CN=leaf", eku=("serverAuth",)))
    at_hand = [make.facts(old, "old"), make.facts(new, "new"), make.facts(other, "other")]
    found = search(leaf, at_hand, [make.facts(cast.root, "trust")], role="client", at=NOW)
    words = path_tree.tree(found).words().splitlines()
    assert words[0] == "leaf: purpose [x.der] [!!]"
    assert [line.strip("|-` ")[:9] for line in words].count("Twice: ex") == 1
    assert any("Other Root: untrusted-root" in line for line in words)
    assert any("Acme Root CA: trusted" in line for line in words)


def test_each_node_folds_its_reasons_and_its_facts(cast: Cast, make: Maker) -> None:
    """The page has the picture, and beneath it a fold for each certificate."""
    late = cast.issuing.client(
        "CN=late", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2)
    )
    found = search(
        make.facts(late), [make.facts(cast.issuing)], [make.facts(cast.root)], role="client", at=NOW
    )
    section = path_tree.section(found)
    folds = section.blocks[1:]
    assert [one.title for one in folds] == [
        "late: expired",
        "Acme Issuing CA, issuer of late: nothing against it",
        "Acme Root CA, issuer of Acme Issuing CA: trusted",
    ]
    assert all(one.folded for one in folds)
    text = str(found)
    assert "late expired at" in text
    assert "Expected: valid at" in text
    assert found._repr_html_().count("<details") >= 4


def test_hostile_names_are_harmless(cast: Cast, make: Maker) -> None:
    """Markup in a name is text in the tree."""
    bad = cast.root.client(r"CN=\</svg\>\<script\>alert(1)\</script\>")
    found = search(make.facts(bad), [], [], role="client", at=NOW)
    assert "<script" not in path_tree.tree(found).svg()
    assert "<script" not in found._repr_html_()
