"""A tree in a picture and in words."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from mtlskit.page.letters import columns
from mtlskit.page.tree import NODES_DRAWN, Node, Tree

LEAVES = (Node("Root", "trusted", "good"), Node("Root <2>", "unknown", "bad"))
TREE = Tree(
    Node("Client", "", "plain", (Node("CA 2", children=LEAVES), Node("CA 1", "old", "warn")))
)
TEXTS = st.one_of(st.sampled_from(["</svg><script>", "\u202egpj", "x" * 300, "\ud800"]), st.text())
TONES = st.sampled_from(["good", "bad", "warn", "info", "plain"])
NODES = st.recursive(
    st.builds(Node, TEXTS, TEXTS, TONES),
    lambda inner: st.builds(Node, TEXTS, TEXTS, TONES, st.lists(inner, max_size=4).map(tuple)),
    max_leaves=80,
)


def count(node: Node) -> int:
    """How many nodes there are."""
    return 1 + sum(map(count, node.children))


def test_the_words_show_what_hangs_on_what() -> None:
    """Branches go on or end, and each node says how it stands."""
    assert TREE.words().splitlines() == [
        "Client",
        "|-- CA 2",
        "|   |-- Root: trusted [ok]",
        "|   `-- Root <2>: unknown [!!]",
        "`-- CA 1: old [!]",
    ]


def test_the_drawing_says_the_same() -> None:
    """Every name and standing is there, and a line to each node but the first."""
    root = fromstring(TREE.svg())  # noqa: S314 - our own drawing
    said = " ".join(root.itertext())
    assert all(word in said for word in ("Client", "CA 2", "Root <2>", "unknown", "old"))
    lines = [
        one
        for one in root.iter()
        if one.get("style", "").startswith("fill:none;stroke:var(--mk-plain")
    ]
    assert len(lines) == 4


def test_a_large_tree_is_cut_and_says_so() -> None:
    """The last line counts what is left out, in both."""
    wide = Tree(Node("x", children=tuple(Node(str(at)) for at in range(NODES_DRAWN + 4))))
    assert wide.words().endswith("\nand 5 more")
    assert "and 5 more" in wide.svg()


def test_a_deep_tree_stays_on_the_page() -> None:
    """A path of a thousand needs neither recursion nor width."""
    node = Node("end")
    for _ in range(1000):
        node = Node("step", children=(node,))
    tree = Tree(node)
    assert max(map(columns, tree.words().splitlines())) <= 92
    rects = [one for one in fromstring(tree.svg()).iter() if one.tag.endswith("}rect")]  # noqa: S314 - our own drawing
    assert all(float(one.get("x", 0)) + float(one.get("width", 0)) <= 780 for one in rects)


@given(NODES)
def test_anything_is_drawn_harmless(root: Node) -> None:
    """Whole SVG with our elements alone; each node has a line of its own."""
    tree = Tree(root)
    drawn = fromstring(tree.svg())  # noqa: S314 - our own drawing
    kinds = {one.tag.rpartition("}")[2] for one in drawn.iter()}
    assert kinds <= {"svg", "rect", "g", "title", "text", "path", "circle"}
    assert len(tree.words().split("\n")) >= min(count(root), NODES_DRAWN)
