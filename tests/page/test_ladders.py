from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st

from mtlskit.page.ladder import Rung
from mtlskit.page.ladders import Ladders, Level
from mtlskit.page.letters import columns, visible

TEXT = "{http://www.w3.org/2000/svg}text"
HELLO = Rung("right", "Hello", "offers two", size="517 bytes")
LEVELS = (
    Level(HELLO, HELLO),
    Level(Rung("left", "Welcome"), Rung("left", "Alert: no", "fatal", tone="bad"), "alone"),
    Level(Rung("right", "Data", sealed=True), None, "alone"),
)
rungs = st.none() | st.builds(
    Rung,
    direction=st.sampled_from(["left", "right", "note"]),
    label=st.text(max_size=100),
    detail=st.text(max_size=200),
    tone=st.sampled_from(["good", "bad", "warn", "info", "plain"]),
    sealed=st.booleans(),
    size=st.text(max_size=30),
)
levels = st.lists(st.builds(Level, rungs, rungs, st.sampled_from(["same", "differs", "alone"])))


def drawn(ladders: Ladders) -> list[Element]:
    return list(fromstring(ladders.svg()).iter(TEXT))  # noqa: S314 - our own drawing


def at(texts: list[Element], said: str) -> list[tuple[float, float]]:
    """Where a text stands."""
    return [
        (float(one.attrib["x"]), float(one.attrib["y"]))
        for one in texts
        if "".join(one.itertext()).startswith(said)
    ]


def test_the_same_step_stands_on_one_level() -> None:
    """Beside each other, on one height; a step of one side stands alone."""
    texts = drawn(Ladders(("works", "fails"), ("client", "server"), LEVELS, 1))
    (left, one), (right, other) = at(texts, "Hello")
    assert left < right
    assert one == other
    assert at(texts, "Welcome")[0][1] == at(texts, "Alert: no")[0][1]
    assert len(at(texts, "Data")) == 1


def test_the_first_difference_is_marked_where_it_is() -> None:
    """Between the last common step and the first other one, in the picture and in the words."""
    ladders = Ladders(("works", "fails"), ("client", "server"), LEVELS, 1)
    texts = drawn(ladders)
    mark = at(texts, "the first difference")[0][1]
    assert at(texts, "Hello")[0][1] < mark < at(texts, "Welcome")[0][1]
    words = ladders.words()
    assert words.index("Hello") < words.index("the first difference") < words.index("Welcome")
    assert "the first difference" not in Ladders(("a", "b"), ("c", "s"), LEVELS).words()


@given(levels, st.none() | st.integers(0, 5), st.text(max_size=60))
def test_anything_can_be_drawn_and_said(some: list[Level], first: int | None, title: str) -> None:
    """Well-formed SVG, and words of at most 88 columns, whatever the texts are."""
    ladders = Ladders((title, "other"), ("client", "server"), tuple(some), first)
    assert drawn(ladders)
    for line in ladders.words().splitlines():
        assert columns(line) <= 88
        assert visible(line) == line
