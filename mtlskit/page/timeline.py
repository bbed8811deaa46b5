"""Spans of time under each other, with a line for now.

Law of this file: it knows of spans, dates and tones, and nothing of what they mean. The window is
chosen so that the shortest span can still be seen; what goes on beyond it ends in an arrow. The
picture and its words say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from mtlskit.page.blocks import Picture, Tone
from mtlskit.page.drawing import (
    INK,
    LINE,
    MUTED,
    SOFT,
    TONE,
    drawing,
    fitted,
    sign,
    write,
)
from mtlskit.page.letters import padded, visible, wrap

_WIDE, _LEFT, _RIGHT = 780, 266, 766
_HEAD, _ROW, _FOOT = 46, 42, 10
_LABEL, _SMALL = 13.0, 11.0
_LEAST = 60.0
"""Days. No window is shorter."""
_TIMES_SHORTEST = 8
_BEFORE_NOW = 0.3
"""So much of the window lies before now, if there is something to show."""
_TICKS = 6
_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000, 24000)
"""Months from one tick to the next."""
_MONTH = 30.44
_YEAR = 12
_LAST_YEAR = 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARKS = {"bad": "!!", "warn": "! ", "good": "ok", "info": "  ", "plain": "  "}
_NAME, _BAR = 28, 20


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time.

    Attributes:
        start, end: aware; an end before its start is drawn as a point.
        said: how it stands, in a few words (``89 days left``), or nothing.
    """

    label: str
    start: datetime
    end: datetime
    said: str = ""
    tone: Tone = "plain"

    @property
    def dates(self) -> str:
        """From when until when, by day."""
        return f"{day(self.start)} to {day(self.end)}"


@dataclass(frozen=True, slots=True)
class Timeline:
    """The spans, in order; `now` is aware, or None: no line is drawn."""

    spans: tuple[Span, ...]
    now: datetime | None = None

    def picture(self, caption: str = "") -> Picture:
        """Return the drawing with the words that say the same."""
        return Picture(self.svg(), self.words(), caption)

    def svg(self) -> str:
        """Draw it, 780 wide and as high as it needs to be."""
        if not self.spans:
            nothing = write(_WIDE / 2, 28, ["There are no dates."], size=_LABEL, colour=MUTED)
            return drawing(_WIDE, 44, "There are no dates", [nothing])
        window = _Window(self.spans, self.now)
        height = _HEAD + _ROW * len(self.spans) + _FOOT
        rows = [
            _row(span, window, _HEAD + _ROW * at, first=at == 0)
            for at, span in enumerate(self.spans)
        ]
        label = "; ".join(_full(span) for span in self.spans[:12])
        parts = [*_grid(window, height), *rows, _now_line(window, height)]
        return drawing(_WIDE, height, label, parts)

    def words(self) -> str:
        """Say it, a span a line."""
        if not self.spans:
            return "There are no dates."
        window = _Window(self.spans, self.now)
        head = f"   from {window.first_day} to {window.last_day}"
        if self.now is not None:
            head += f"; | is now, {day(self.now)}"
        return "\n".join([head, "", *(_line(span, window) for span in self.spans)])


def day(moment: datetime) -> str:
    """Write the moment's day in UTC, ``2026-11-23``; years of fewer digits get leading zeros."""
    return _aware(moment).date().isoformat()


def _aware(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or last day there is, in another zone
        return moment.replace(tzinfo=UTC)


def _days(moment: datetime) -> float:
    return (_aware(moment) - _EPOCH).total_seconds() / 86400


class _Window:
    """The stretch that is drawn; places in it run from 0 to 1."""

    def __init__(self, spans: Sequence[Span], now: datetime | None) -> None:
        self.now = now
        starts = [_days(span.start) for span in spans]
        ends = [max(_days(span.end), start) for span, start in zip(spans, starts, strict=True)]
        known = [] if now is None else [_days(now)]
        low, high = min(starts + known), max(ends + known)
        shortest = min(end - start for start, end in zip(starts, ends, strict=True))
        self.length = max(1.0, min(high - low, max(shortest * _TIMES_SHORTEST, _LEAST)))
        wanted = (known or starts)[0] - _BEFORE_NOW * self.length
        self.left = max(low, min(wanted, high - self.length))

    def place(self, moment: datetime) -> float:
        """Where the moment is; below 0 or above 1, it is outside."""
        return (_days(moment) - self.left) / self.length

    @property
    def first_day(self) -> str:
        return _date(self.left)

    @property
    def last_day(self) -> str:
        return _date(self.left + self.length)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Give the first days of months or years, as places with their names."""
        step = next((one for one in _STEPS if self.length / (one * _MONTH) <= _TICKS), _STEPS[-1])
        begin, end = (_month_number(at) for at in (self.left, self.left + self.length))
        for number in range(-(-begin // step) * step, end + 1, step):
            year, month = divmod(number, _YEAR)
            if not 1 <= year <= _LAST_YEAR:
                continue
            place = self.place(datetime(year, month + 1, 1, tzinfo=UTC))
            if 0 <= place <= 1:
                yield place, f"{year:04}" if step % _YEAR == 0 else f"{year:04}-{month + 1:02}"


def _moment(days: float) -> datetime:
    first, last = _days(datetime.min.replace(tzinfo=UTC)), _days(datetime.max.replace(tzinfo=UTC))
    held = min(max(days, first), last - 1)
    return datetime.fromordinal(int(held - first) + 1).replace(tzinfo=UTC)


def _date(days: float) -> str:
    return _moment(days).date().isoformat()


def _month_number(days: float) -> int:
    moment = _moment(days)
    return moment.year * _YEAR + moment.month - 1


def _full(span: Span) -> str:
    return visible(f"{span.label}: {', '.join(filter(None, (span.dates, span.said)))}")


# The drawing.


def _x(place: float) -> float:
    return _LEFT + min(max(place, 0.0), 1.0) * (_RIGHT - _LEFT)


def _grid(window: _Window, height: int) -> list[str]:
    return [
        f'<line x1="{_x(place):.1f}" y1="{_HEAD - 8}" x2="{_x(place):.1f}" y2="{height - _FOOT}" '
        f'style="stroke:{LINE}"/>\n'
        + write(min(_x(place), _RIGHT - 14.0), _HEAD - 13, [name], size=_SMALL, colour=MUTED)
        for place, name in window.ticks()
    ]


def _row(span: Span, window: _Window, top: float, *, first: bool) -> str:
    loud = span.tone in ("bad", "warn")
    said = ", ".join(filter(None, (f"to {day(span.end)}", span.said)))
    rule = "" if first else f'<path d="M8,{top:g}H{_RIGHT}" style="stroke:{LINE}"/>\n'
    room = _LEFT - 46.0
    return (
        f"<g><title>{escape(_full(span))}</title>\n{rule}{sign(18, top + 21, span.tone)}"
        + write(
            34, top + 18, fitted(span.label, _LABEL, room, 1),
            size=_LABEL, anchor="start", weight=600 if loud else 500, colour=INK,
        )
        + write(
            34, top + 33, fitted(said, _SMALL, room, 1),
            size=_SMALL, anchor="start", colour=TONE[span.tone] if loud else MUTED,
        )
        + _bar(span, window, top + 14)
        + "</g>\n"
    )  # fmt: skip


def _bar(span: Span, window: _Window, top: float) -> str:
    start, end = window.place(span.start), window.place(max(span.start, span.end))
    colour = TONE[span.tone]
    before, after = start < 0, end > 1
    look = f"fill:{SOFT[span.tone]};stroke:{colour};stroke-width:1.3"
    wide = max(3.0, _x(end) - _x(start))
    x = min(_x(start), _RIGHT - wide)
    body = f'<rect x="{x:.1f}" y="{top:g}" width="{wide:.1f}" height="14" rx="3" style="{look}"/>\n'
    return (
        ("" if end < 0 or start > 1 else body)
        + (_arrow(_LEFT, top + 7, -1, colour) if before else "")
        + (_arrow(_RIGHT, top + 7, 1, colour) if after else "")
    )


def _arrow(x: float, y: float, way: int, colour: str) -> str:
    """Draw the point that says: it goes on there."""
    return f'<path d="M{x + way * 7:g},{y:g}l{-way * 8},-6v12z" style="fill:{colour}"/>\n'


def _now_line(window: _Window, height: int) -> str:
    if window.now is None:
        return ""
    x = _x(window.place(window.now))
    look = f"stroke:{TONE['info']};stroke-width:1.6;stroke-dasharray:5 3"
    said = f"now, {day(window.now)}"
    return (
        f'<line x1="{x:.1f}" y1="20" x2="{x:.1f}" y2="{height - _FOOT}" style="{look}"/>\n'
        + write(
            min(max(x, _LEFT + 44.0), _RIGHT - 44.0), 15, [said],
            size=_SMALL, weight=600, colour=TONE["info"],
        )
    )  # fmt: skip


# The words.


def _line(span: Span, window: _Window) -> str:
    name, *more = wrap(visible(span.label), _NAME)
    whole = f"{name[: _NAME - 3]}..." if more else name
    row = f"{_MARKS[span.tone]} {padded(whole, _NAME)}  {span.dates}  [{_drawn(span, window)}]"
    return f"{row}  {visible(span.said)}".rstrip()


def _drawn(span: Span, window: _Window) -> str:
    start, end = window.place(span.start), window.place(max(span.start, span.end))
    cells = ["=" if start < (at + 1) / _BAR and at / _BAR <= end else "." for at in range(_BAR)]
    if start < 0:
        cells[0] = "<"
    if end > 1:
        cells[-1] = ">"
    if window.now is not None:
        cells[min(_BAR - 1, max(0, int(window.place(window.now) * _BAR)))] = "|"
    return "".join(cells)
