"""Spans of time, and where now is among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from mtlskit.page.letters import columns
from mtlskit.page.timeline import Span, Timeline

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIFE = timedelta(days=90)
LINE = Timeline(
    (
        Span("Client", NOW - LIFE, NOW + timedelta(10), "10 days left", "warn"),
        Span("Old <b>client</b>", NOW - 9 * LIFE, NOW - 8 * LIFE, "expired", "bad"),
        Span("Root", NOW - 40 * LIFE, NOW + 40 * LIFE, "", "good"),
    ),
    NOW,
)
MOMENTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.one_of(st.sampled_from(["</svg><script>", "\u202egpj", "x" * 300, "\ud800"]), st.text())
SPANS = st.builds(
    Span,
    TEXTS,
    MOMENTS,
    MOMENTS,
    TEXTS,
    st.sampled_from(["good", "bad", "warn", "info", "plain"]),
)


def test_the_words_place_each_span_around_now() -> None:
    """A bar before now, one that goes on at both ends, and one that is over."""
    head, _, client, old, root = LINE.words().splitlines()
    assert "| is now, 2026-11-23" in head
    assert client.startswith("!  Client")
    assert "2026-08-25 to 2026-12-03" in client
    assert client.endswith("10 days left")
    assert client.index("=") < client.index("|")
    assert "[<" in root
    assert ">]" in root
    assert "=" not in old


def test_the_drawing_says_the_same() -> None:
    """Every span's name, dates and standing are in the drawing, and now is."""
    said = " ".join(fromstring(LINE.svg()).itertext())  # noqa: S314 - our own drawing
    for span in LINE.spans:
        assert span.label in said
        assert span.dates in said
        assert span.said in said
    assert "now, 2026-11-23" in said


def test_a_short_span_is_not_squeezed_by_a_long_one() -> None:
    """Ninety days beside twenty years still take a twentieth of the width and more."""
    assert LINE.words().splitlines()[2].count("=") >= 2


def test_without_now_there_is_no_line() -> None:
    """Neither in words nor in the drawing."""
    still = Timeline(LINE.spans)
    assert "now" not in still.words()
    assert "now" not in still.svg()


def test_nothing_is_said_too() -> None:
    """No span, no window, one sentence."""
    assert Timeline(()).words() == "There are no dates."
    assert "There are no dates." in Timeline((), NOW).svg()


@given(st.lists(SPANS, min_size=1, max_size=5), st.none() | MOMENTS)
def test_any_dates_and_names_are_drawn(spans: list[Span], now: datetime | None) -> None:
    """From year 1 to 9999, ended before begun: whole SVG, no foreign element, no endless line."""
    line = Timeline(tuple(spans), now)
    root = fromstring(line.svg())  # noqa: S314 - our own drawing
    kinds = {one.tag.rpartition("}")[2] for one in root.iter()}
    assert kinds <= {"svg", "rect", "g", "title", "text", "path", "line", "circle"}
    assert len(line.words().splitlines()) == len(spans) + 2
    assert len(list(root.iter())) < 40 * (len(spans) + 1)


@given(MOMENTS, st.integers(15, 4000))
def test_the_window_holds_now_and_the_shortest_span(start: datetime, days: int) -> None:
    """Whatever else is drawn, a span around now can be seen in the words."""
    try:
        end, now = start + timedelta(days), start + timedelta(days / 2)
        root = Span("root", start - timedelta(5000), end + timedelta(5000))
    except OverflowError:
        return
    line = Timeline((Span("x", start, end), root), now)
    bar = line.words().splitlines()[2]
    assert "=" in bar
    assert "|" in bar
    assert columns(bar) <= 96
