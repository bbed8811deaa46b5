"""Two ladders side by side, step by step: the same steps on one level, the first difference marked.

Law of this file: it knows of two exchanges, their steps and which of them are alike, and nothing of
what they mean. The picture and its words say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Literal

from mtlskit.page.blocks import Picture
from mtlskit.page.drawing import (
    INK,
    MUTED,
    SOFT,
    STRONG_LINE,
    TONE,
    drawing,
    fitted,
    reach,
    sign,
    write,
)
from mtlskit.page.ladder import Rung
from mtlskit.page.letters import columns, padded, visible, wrap

Likeness = Literal["same", "differs", "alone"]

_WIDE = 780
_HALVES = (28.0, 424.0)  # where the left party's line of each half stands
_SPAN = 328.0
_HEAD = 74
_LABEL, _DETAIL, _SMALL = 12.5, 11.0, 10.5
_ARROW, _STEP = 22.0, 13.0
_COLUMNS = 88
_MOST = 2


@dataclass(frozen=True, slots=True)
class Level:
    """One step of one exchange or of both.

    Attributes:
        left, right: the step; None where this exchange has none here.
        likeness: ``same``, ``differs`` (the same step with other content), ``alone``.
    """

    left: Rung | None
    right: Rung | None
    likeness: Likeness = "same"


@dataclass(frozen=True, slots=True)
class Ladders:
    """Two exchanges.

    Attributes:
        titles: what each of them is called.
        parties: the two parties, the same in both.
        first: the level of the first difference; None if there is none.
    """

    titles: tuple[str, str]
    parties: tuple[str, str]
    levels: tuple[Level, ...]
    first: int | None = None

    def picture(self, caption: str = "") -> Picture:
        """Return the drawing with the words that say the same."""
        return Picture(self.svg(), self.words(), caption)

    def svg(self) -> str:
        """Draw it; as high as it needs to be, 780 wide."""
        heights = [_height(one, number == self.first) for number, one in enumerate(self.levels)]
        tops = list(accumulate(heights, initial=_HEAD + 8.0))
        height = round(tops[-1] + 16)
        levels = [
            _level(one, top, high, first=number == self.first)
            for number, (one, top, high) in enumerate(zip(self.levels, tops, heights, strict=False))
        ]
        label = f"{self.titles[0]} beside {self.titles[1]}, in {len(levels)} steps"
        return drawing(_WIDE, height, label, [*self._lines(height), *self._heads(), *levels])

    def _lines(self, height: int) -> list[str]:
        look = f"stroke:{STRONG_LINE};stroke-width:1.5"
        return [
            f'<line x1="{x:g}" y1="{_HEAD}" x2="{x:g}" y2="{height - 6}" style="{look}"/>\n'
            for half in _HALVES
            for x in (half, half + _SPAN)
        ]

    def _heads(self) -> list[str]:
        heads = []
        for half, title in zip(_HALVES, self.titles, strict=True):
            said = fitted(title, 14.5, _SPAN, 1)
            heads.append(write(half + _SPAN / 2, 30, said, size=14.5, weight=700))
            for x, party, anchor in (
                (half - 10, self.parties[0], "start"),
                (half + _SPAN + 10, self.parties[1], "end"),
            ):
                name = fitted(party, _DETAIL, _SPAN / 2, 1)
                heads.append(write(x, 58, name, size=_DETAIL, colour=MUTED, anchor=anchor))
        return heads

    def words(self) -> str:
        """Say it in two columns of at most 88 together."""
        room = (_COLUMNS - 7) // 2
        heads = visible(self.titles[0]), visible(self.titles[1])
        lines = [_row("    ", heads, room), _row("    ", ("-" * room, "-" * room), room)]
        for number, one in enumerate(self.levels):
            if number == self.first:
                lines.append("--- the first difference ".ljust(_COLUMNS, "-"))
            lines += _said(one, room)
        return "\n".join(line.rstrip() for line in lines)


def _height(level: Level, first: bool) -> float:  # noqa: FBT001 - a property of the level
    most = max((len(_details(one)) for one in (level.left, level.right) if one), default=0)
    return _ARROW + 14 + _STEP * most + (22 if first else 0)


def _details(rung: Rung) -> list[str]:
    return fitted(rung.detail, _DETAIL, _SPAN - 40, _MOST) if rung.detail else []


def _level(level: Level, top: float, high: float, *, first: bool) -> str:
    parts = []
    if first:
        parts.append(_mark(top))
        top, high = top + 22, high - 22
    for half, rung in zip(_HALVES, (level.left, level.right), strict=True):
        if rung is not None:
            parts.append(_step(rung, half, top, high, loud=level.likeness != "same"))
    return "".join(parts)


def _mark(top: float) -> str:
    said = "the first difference"
    wide = reach(said, _SMALL) + 34
    middle = _WIDE / 2
    return (
        f'<line x1="6" y1="{top + 9:g}" x2="{_WIDE - 6}" y2="{top + 9:g}" '
        f'style="stroke:{TONE["warn"]};stroke-width:1.2;stroke-dasharray:2 3"/>\n'
        f'<rect x="{middle - wide / 2:g}" y="{top:g}" width="{wide:g}" height="18" rx="9" '
        f'style="fill:{SOFT["warn"]};stroke:{TONE["warn"]};stroke-opacity:.5"/>\n'
        f"{write(middle, top + 13, [said], size=_SMALL, colour=TONE['warn'], weight=600)}"
    )


def _step(rung: Rung, half: float, top: float, high: float, *, loud: bool) -> str:
    full = visible(": ".join(filter(None, (rung.label, rung.detail, rung.size, rung.time))))
    middle = half + _SPAN / 2
    parts = [f"<g><title>{escape(full)}</title>\n"]
    if loud:
        tone = rung.tone if rung.tone in ("bad", "good") else "warn"
        parts.append(
            f'<rect x="{half + 6:g}" y="{top - 2:g}" width="{_SPAN - 12:g}" '
            f'height="{high - 3:g}" rx="5" style="fill:{SOFT[tone]}"/>\n'
        )
    if rung.direction != "note":
        parts.append(_arrow(rung, half, top + _ARROW))
    parts += [
        _label(rung, middle, top + 15),
        write(middle, top + _ARROW + 14, _details(rung), size=_DETAIL, colour=MUTED, step=_STEP),
        "</g>\n",
    ]
    return "".join(parts)


def _label(rung: Rung, x: float, y: float) -> str:
    more = " ".join(filter(None, ("sealed" if rung.sealed else "", rung.size)))
    room = _SPAN - 30 - (reach(more, _SMALL) + 8 if more else 0)
    said = fitted(rung.label, _LABEL, room, 1)[0]
    colour = INK if rung.tone == "plain" else TONE[rung.tone]
    extra = (
        f'<tspan dx="7" style="fill:{MUTED};font-size:{_SMALL}px;font-weight:400">'
        f"{escape(visible(more))}</tspan>"
        if more
        else ""
    )
    look = f"fill:{colour};font-size:{_LABEL}px;font-weight:600;text-anchor:middle"
    return f'<text x="{x:g}" y="{y:g}" style="{look}">{escape(said)}{extra}</text>\n'


def _arrow(rung: Rung, half: float, y: float) -> str:
    right = rung.direction == "right"
    start, end = (half, half + _SPAN) if right else (half + _SPAN, half)
    back = -1 if right else 1
    dash = ";stroke-dasharray:6 4" if rung.sealed else ""
    colour = TONE[rung.tone]
    return (
        f'<line x1="{start:g}" y1="{y:g}" x2="{end + back * 7:g}" y2="{y:g}" '
        f'style="stroke:{colour};stroke-width:1.4{dash}"/>\n'
        f'<path d="M{end + back:g},{y:g}l{back * 8},-4v8z" style="fill:{colour}"/>\n'
        f"{sign(start, y, rung.tone, 0.85)}"
    )


def _said(level: Level, room: int) -> list[str]:
    mark = {"same": "    ", "differs": " ~  ", "alone": " !  "}[level.likeness]
    left, right = (_lines(one, room) for one in (level.left, level.right))
    many = max(len(left), len(right))
    pairs = zip(left + [""] * (many - len(left)), right + [""] * (many - len(right)), strict=True)
    return [_row(mark if at == 0 else "    ", pair, room) for at, pair in enumerate(pairs)]


def _lines(rung: Rung | None, room: int) -> list[str]:
    if rung is None:
        return [""]
    way = {"right": "--> ", "left": "<-- ", "note": ""}[rung.direction]
    more = ", ".join(filter(None, ("sealed" if rung.sealed else "", rung.size)))
    head = f"{way}{visible(rung.label)}" + (f" ({visible(more)})" if more else "")
    details = wrap(visible(rung.detail), room - 6) if rung.detail else []
    return [*wrap(head, room), *(f"      {line}" for line in details)]


def _row(mark: str, cells: tuple[str, str], room: int) -> str:
    left, right = (wrap(visible(one), room)[0] if columns(one) > room else one for one in cells)
    return f"{mark}{padded(left, room)} | {right}"
