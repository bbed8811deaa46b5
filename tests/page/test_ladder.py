"""Two parties, and what went between them."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlskit.page.ladder import Ladder, Rung
from mtlskit.page.letters import columns, visible

NAME = "{http://www.w3.org/2000/svg}"
SIX = (
    Rung("note", "connected"),
    Rung("right", "Hello", "offers two", size="517 bytes", time="12 ms"),
    Rung("left", "Answer", sealed=True),
    Rung("right", "Certificate", "empty", tone="warn", sealed=True),
    Rung("left", "Alert: no", "fatal", tone="bad", sealed=True, size="2 bytes"),
    Rung("left", "closed"),
)
rungs = st.builds(
    Rung,
    direction=st.sampled_from(["left", "right", "note"]),
    label=st.text(max_size=200),
    detail=st.text(max_size=400),
    tone=st.sampled_from(["good", "bad", "warn", "info", "plain"]),
    sealed=st.booleans(),
    size=st.text(max_size=30),
    time=st.text(max_size=30),
)


def drawn(ladder: Ladder) -> Element:
    return fromstring(ladder.svg())  # noqa: S314 - our own drawing


def texts(root: Element) -> list[tuple[float, str]]:
    return [(float(one.attrib["y"]), "".join(one.itertext())) for one in root.iter(f"{NAME}text")]


def test_messages_stand_in_the_order_in_which_they_came() -> None:
    """Each label stands beneath the one before it, the alert in its own place."""
    said = texts(drawn(Ladder("client", "server", SIX)))
    heights = [next(y for y, text in said if text.startswith(one.label)) for one in SIX]
    assert heights == sorted(heights)
    assert len(set(heights)) == len(SIX)


def test_size_and_time_stand_at_the_side_that_sent_it() -> None:
    """In the picture's margin, and in the words."""
    ladder = Ladder("client", "server", SIX)
    said = [text for _, text in texts(drawn(ladder))]
    assert "517 bytes" in said
    assert "12 ms" in said
    assert "Hello (517 bytes, 12 ms)" in ladder.words()


def test_a_sealed_message_is_dashed_and_says_so() -> None:
    """Encryption shows as a dashed arrow and as a word."""
    svg = Ladder("a", "b", SIX).svg()
    assert svg.count("stroke-dasharray") == 3
    assert len(re.findall(r">sealed</tspan>", svg)) == 3


def test_an_alert_has_a_sign_and_not_only_a_colour() -> None:
    """A bad rung has a cross at the side that sent it, a doubtful one a stroke."""
    svg = Ladder("a", "b", SIX).svg()
    assert re.findall(r"translate\((\d+),", svg) == ["84", "696"]


def test_a_long_text_is_cut_and_kept_whole_in_its_title() -> None:
    """What does not fit ends in three dots; the pointer shows all of it."""
    long = "word " * 200
    root = drawn(Ladder("a", "b", (Rung("right", "Hello", long.strip()),)))
    assert any(text.endswith("...") for _, text in texts(root))
    assert any(long.strip() in "".join(one.itertext()) for one in root.iter(f"{NAME}title"))


def test_nothing_exchanged_is_said() -> None:
    """A ladder without rungs says so, in the drawing and in words."""
    ladder = Ladder("client", "server", ())
    assert "Nothing was exchanged." in ladder.svg()
    assert "Nothing was exchanged." in ladder.words()


@given(st.text(max_size=80), st.text(max_size=80), st.lists(rungs, max_size=4).map(tuple))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_ladder_is_well_formed(left: str, right: str, some: tuple[Rung, ...]) -> None:
    """Foreign text cannot break the drawing, leave its frame or widen the words."""
    ladder = Ladder(left, right, some)
    root = drawn(ladder)
    height = float(root.attrib["height"])
    assert all(0 < y < height for y, _ in texts(root))
    assert {one.tag.removeprefix(NAME) for one in root.iter()} <= {
        *("svg", "rect", "line", "path", "circle", "g", "title", "text", "tspan")
    }
    assert all(columns(line) <= 88 for line in ladder.words().splitlines())
    assert ladder.svg() == ladder.svg()


@given(st.lists(rungs, min_size=1, max_size=4).map(tuple))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_the_words_say_what_the_drawing_says(some: tuple[Rung, ...]) -> None:
    """Every label and detail stands in the words, letter by letter."""
    said = re.sub(r"[\s|\-\[\]!<>]|ok", "", Ladder("a", "b", some).words())
    for rung in some:
        for part in (rung.label, rung.detail):
            for word in visible(part).split():
                assert re.sub(r"[\s|\-\[\]!<>]|ok", "", word) in said


def test_fifty_rungs_fit() -> None:
    """The drawing grows with what it tells."""
    some = tuple(Rung("left", f"message {number}") for number in range(50))
    assert len(texts(drawn(Ladder("a", "b", some)))) == 52


@pytest.mark.parametrize("name", ["a<b>&\"'", "\u202eb", "x" * 400])
def test_a_partys_name_is_harmless(name: str) -> None:
    """A hostile or endless name stays in its frame."""
    root = drawn(Ladder(name, name, SIX))
    frames = [one for one in root.iter(f"{NAME}rect") if one.attrib.get("rx") == "7"]
    for frame in frames:
        start, wide = float(frame.attrib["x"]), float(frame.attrib["width"])
        assert start >= 0
        assert start + wide <= 780
