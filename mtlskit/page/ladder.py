"""Two parties, and what went between them, message by message.

Law of this file: it knows of two sides, arrows and notes, and nothing of what they mean. The
picture and its words say the same; a tone is a sign and a colour, never a colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Literal

from mtlskit.page.blocks import Picture, Tone
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
from mtlskit.page.letters import columns, padded, visible, wrap

Direction = Literal["right", "left", "note"]

_WIDE = 780
_LEFT = 84
_RIGHT = _WIDE - 84
_MIDDLE = _WIDE / 2
_ROOM = _RIGHT - _LEFT - 60
_HEAD = 64
_LABEL, _DETAIL, _SMALL = 13.5, 12.0, 11.0
_STEP = 15.0
_ARROW = 25.0
_MOST = 3
_BOLD = 1.1
_SEALED = "sealed"
_COLUMNS = 88
_MARKS = {"bad": "!!", "warn": "! ", "good": "ok", "info": "  ", "plain": "  "}


@dataclass(frozen=True, slots=True)
class Rung:
    """One message, or a note between two.

    Attributes:
        direction: ``right`` from the left party, ``left`` from the right one, ``note`` from nobody.
        label: what it is called.
        detail: one sentence more, or nothing.
        sealed: it travelled encrypted.
        size: how large it was, in words (``517 bytes``), or nothing.
        time: when it went, in words (``12 ms``), or nothing.
    """

    direction: Direction
    label: str
    detail: str = ""
    tone: Tone = "plain"
    sealed: bool = False
    size: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """What went between two parties, in order."""

    left: str
    right: str
    rungs: tuple[Rung, ...]

    def picture(self, caption: str = "") -> Picture:
        """Return the drawing with the words that say the same."""
        return Picture(self.svg(), self.words(), caption)

    def svg(self) -> str:
        """Draw it; as high as it needs to be, 780 wide."""
        heights = [_height(rung) for rung in self.rungs]
        tops = list(accumulate(heights, initial=_HEAD + 12.0))
        end = tops[-1] + 14
        rungs = [_rung(rung, top) for rung, top in zip(self.rungs, tops, strict=False)]
        nothing = write(_MIDDLE, end, ["Nothing was exchanged."], size=_LABEL, colour=MUTED)
        height = round(end + (0 if rungs else 20))
        parts = [*self._lines(height), *self._heads(), *(rungs or [nothing])]
        label = f"What went between {self.left} and {self.right}, in {len(rungs)} steps"
        return drawing(_WIDE, height, label, parts)

    def _lines(self, height: int) -> list[str]:
        look = f"stroke:{STRONG_LINE};stroke-width:1.5"
        return [
            f'<line x1="{x}" y1="{_HEAD}" x2="{x}" y2="{height - 6}" style="{look}"/>\n'
            for x in (_LEFT, _RIGHT)
        ]

    def _heads(self) -> list[str]:
        return [_head(self.left, _LEFT), _head(self.right, _RIGHT)]

    def words(self) -> str:
        """Say it in lines of at most 88 columns."""
        inner = _COLUMNS - 8
        room = inner // 2
        left, right = wrap(visible(self.left), room)[0], wrap(visible(self.right), room)[0]
        heads = "   " + padded(left, inner + 1 - columns(right)) + right
        said = [line for rung in self.rungs for line in _said(rung, inner)]
        said = said or [_between("Nothing was exchanged.", inner)]
        return "\n".join(line.rstrip() for line in [heads, *said, *self._legend()])

    def _legend(self) -> list[str]:
        used = {rung.tone for rung in self.rungs}
        signs = [
            *(["!! a refusal or a fault"] if "bad" in used else []),
            *(["! worth a look"] if "warn" in used else []),
            *(["- - sealed (encrypted)"] if any(rung.sealed for rung in self.rungs) else []),
        ]
        return ["", "   " + "     ".join(signs)] if signs else []


def _head(name: str, x: int) -> str:
    """Draw a party's name in its frame, centred on its line as far as the margin allows."""
    lines = fitted(name, _LABEL, 270, 2)
    wide = max(110.0, max(reach(line, _LABEL) for line in lines) * _BOLD + 34)
    at = min(max(x - wide / 2, 4.0), _WIDE - 4 - wide)
    first = 36 if len(lines) == 1 else 28
    return (
        f"<g><title>{escape(visible(name))}</title>"
        f'<rect x="{at:g}" y="10" width="{wide:g}" height="{_HEAD - 20}" rx="7" '
        f'style="fill:{SOFT["plain"]};stroke:{STRONG_LINE}"/>\n'
        f"{write(at + wide / 2, first, lines, size=_LABEL, weight=600, step=16)}</g>\n"
    )


def _height(rung: Rung) -> float:
    if rung.direction == "note":
        return 18 + 16 * len(_note_lines(rung)) + 8
    return _ARROW + 20 + _STEP * len(_detail_lines(rung))


def _detail_lines(rung: Rung) -> list[str]:
    return fitted(rung.detail, _DETAIL, _ROOM, _MOST) if rung.detail else []


def _note_lines(rung: Rung) -> list[str]:
    said = f"{rung.label}: {rung.detail}" if rung.detail else rung.label
    return fitted(said, _DETAIL, _ROOM - 40, _MOST)


def _rung(rung: Rung, top: float) -> str:
    full = visible(": ".join(filter(None, (rung.label, rung.detail, rung.size, rung.time))))
    drawn = _note(rung, top) if rung.direction == "note" else _message(rung, top)
    return f"<g><title>{escape(full)}</title>\n{drawn}</g>\n"


def _note(rung: Rung, top: float) -> str:
    lines = _note_lines(rung)
    wide = max(reach(line, _DETAIL) for line in lines) + 30
    high = 16 * len(lines) + 10
    return (
        f'<rect x="{_MIDDLE - wide / 2:g}" y="{top + 2:g}" width="{wide:g}" height="{high}" rx="6" '
        f'style="fill:{SOFT[rung.tone]};stroke:{TONE[rung.tone]};stroke-opacity:.45"/>\n'
        f"{write(_MIDDLE, top + 19, lines, size=_DETAIL, colour=TONE[rung.tone], step=16)}"
    )


def _message(rung: Rung, top: float) -> str:
    loud = rung.tone in ("bad", "warn")
    colour = TONE[rung.tone]
    y = top + _ARROW
    parts = [
        _band(rung, top) if loud else "",
        _label(rung, top + 16),
        _arrow(rung, y),
        sign(_LEFT if rung.direction == "right" else _RIGHT, y, rung.tone),
        write(
            _MIDDLE,
            y + 17,
            _detail_lines(rung),
            size=_DETAIL,
            step=_STEP,
            colour=colour if loud else MUTED,
        ),
        _margin(rung, y),
    ]
    return "".join(parts)


def _band(rung: Rung, top: float) -> str:
    return (
        f'<rect x="{_LEFT + 10}" y="{top - 3:g}" width="{_RIGHT - _LEFT - 20}" '
        f'height="{_height(rung) - 6:g}" rx="6" style="fill:{SOFT[rung.tone]}"/>\n'
    )


def _label(rung: Rung, y: float) -> str:
    room = _ROOM - (reach(_SEALED, _SMALL) + 12 if rung.sealed else 0)
    said = fitted(rung.label, _LABEL, room, 1)[0]
    colour = INK if rung.tone == "plain" else TONE[rung.tone]
    seal = (
        f'<tspan dx="8" style="fill:{MUTED};font-size:{_SMALL}px;font-weight:400;'
        f'font-style:italic">{_SEALED}</tspan>'
        if rung.sealed
        else ""
    )
    look = f"fill:{colour};font-size:{_LABEL}px;font-weight:600;text-anchor:middle"
    return f'<text x="{_MIDDLE:g}" y="{y:g}" style="{look}">{escape(said)}{seal}</text>\n'


def _arrow(rung: Rung, y: float) -> str:
    start, end = (_LEFT, _RIGHT) if rung.direction == "right" else (_RIGHT, _LEFT)
    back = -1 if rung.direction == "right" else 1
    dash = ";stroke-dasharray:6 4" if rung.sealed else ""
    thick = 2.2 if rung.tone == "bad" else 1.5
    colour = TONE[rung.tone]
    return (
        f'<line x1="{start}" y1="{y:g}" x2="{end + back * 8}" y2="{y:g}" '
        f'style="stroke:{colour};stroke-width:{thick}{dash}"/>\n'
        f'<path d="M{end + back},{y:g}l{back * 10},-5v10z" style="fill:{colour}"/>\n'
    )


def _margin(rung: Rung, y: float) -> str:
    """Write how large it was and when it went, in the margin of the side that sent it."""
    right = rung.direction == "left"
    said = [
        line
        for text in (rung.size, rung.time)
        for line in fitted(text, _SMALL, _LEFT - 18, 1)
        if line
    ]
    x = _RIGHT + 13 if right else _LEFT - 13
    anchor = "start" if right else "end"
    top = y + 4 if len(said) < 2 else y - 2  # noqa: PLR2004 - one line, or two around the arrow
    return write(x, top, said, size=_SMALL, colour=MUTED, anchor=anchor, step=13)


def _said(rung: Rung, inner: int) -> list[str]:
    if rung.direction == "note":
        return [_between("", inner), *_said_note(rung, inner)]
    extra = ", ".join(filter(None, (_SEALED if rung.sealed else "", rung.size, rung.time)))
    label = visible(rung.label) + (f" ({extra})" if extra else "")
    first, *more = wrap(label, inner - 14)
    details = [line for text in (more, wrap(visible(rung.detail), inner - 8)) for line in text]
    shaft = _shaft(rung, first, inner)
    return [
        _between("", inner),
        f"{_MARKS[rung.tone]} |{shaft}|",
        *(_between("    " + line, inner) for line in details if line),
    ]


def _said_note(rung: Rung, inner: int) -> list[str]:
    said = ": ".join(visible(part) for part in (rung.label, rung.detail) if part)
    return [
        f"{_MARKS[rung.tone] if at == 0 else '  '} |" + padded(f"    [{line}]", inner) + "|"
        for at, line in enumerate(wrap(said, inner - 10))
    ]


def _between(said: str, inner: int) -> str:
    return "   |" + padded(said, inner) + "|"


def _shaft(rung: Rung, label: str, inner: int) -> str:
    """Return the arrow with its label in it, as wide as the space between the two lines."""
    right = rung.direction == "right"
    left = inner - columns(label) - (6 if right else 5)
    line = ("- " * inner if rung.sealed else "-" * inner)[:left]
    return f"--- {label} {line}>" if right else f"<-- {label} {line}"
