"""A road of a few steps, and how far one came."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

from mtlskit.page.track import Step, Track

ROAD = Track(
    (
        Step("Reach", "done"),
        Step("Agree <on> it", "doubtful", "none sent"),
        Step("After", "failed", "server refused"),
        Step("Talk", "not reached"),
    )
)


def test_each_step_says_how_it_stands() -> None:
    """The words name each step with its state."""
    assert ROAD.words().splitlines() == [
        "1 Reach          done",
        "2 Agree <on> it  none sent",
        "3 After          server refused",
        "4 Talk           not reached",
    ]


def test_the_drawing_says_the_same() -> None:
    """Every step's name and state stand in the drawing, and in its label."""
    root = fromstring(ROAD.svg())  # noqa: S314 - our own drawing
    said = " ".join(root.itertext())
    assert all(step.name in said and step.said in said for step in ROAD.steps)
    assert "After: server refused" in root.attrib["aria-label"]


def test_the_road_beyond_the_failure_is_dotted() -> None:
    """What was not reached is drawn so."""
    assert ROAD.svg().count("stroke-dasharray") == 1
