"""A road of a few steps, and how far one came on it.

Law of this file: each step says in a word how it stands; the sign and the colour only repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from mtlskit.page.blocks import Picture, Tone
from mtlskit.page.drawing import (
    CARD,
    INK,
    MUTED,
    STRONG_LINE,
    TONE,
    drawing,
    fitted,
    sign,
    write,
)
from mtlskit.page.letters import columns, padded, visible

State = Literal["done", "failed", "doubtful", "not reached", "unknown"]

_TONES: dict[State, Tone] = {"done": "good", "failed": "bad", "doubtful": "warn"}
_WIDE, _HIGH, _Y = 780, 104, 30
_NAME, _WORD = 13.0, 12.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the road; `word` says how it stands, in place of the state's own name."""

    name: str
    state: State
    word: str = ""

    @property
    def said(self) -> str:
        """How it stands, in words."""
        return self.word or self.state


@dataclass(frozen=True, slots=True)
class Track:
    """The steps, in order; two at least."""

    steps: tuple[Step, ...]

    def picture(self, caption: str = "") -> Picture:
        """Return the drawing with the words that say the same."""
        return Picture(self.svg(), self.words(), caption)

    def svg(self) -> str:
        """Draw it, 780 wide."""
        places = self._places()
        drawn = [_drawn(step, x, self._room()) for step, x in zip(self.steps, places, strict=True)]
        label = "; ".join(f"{step.name}: {step.said}" for step in self.steps)
        return drawing(_WIDE, _HIGH, label, [*_links(self.steps, places), *drawn])

    def words(self) -> str:
        """Say it, a step a line."""
        names = [f"{number} {visible(step.name)}" for number, step in enumerate(self.steps, 1)]
        widest = max(map(columns, names), default=0)
        lines = zip(names, self.steps, strict=True)
        return "\n".join(f"{padded(name, widest)}  {visible(step.said)}" for name, step in lines)

    def _room(self) -> float:
        return _WIDE / max(1, len(self.steps))

    def _places(self) -> list[float]:
        return [self._room() * (at + 0.5) for at in range(len(self.steps))]


def _links(steps: Sequence[Step], places: Sequence[float]) -> list[str]:
    """Draw the road: firm where it was walked, dotted where it was not."""
    return [
        f'<line x1="{start + 15:g}" y1="{_Y}" x2="{end - 15:g}" y2="{_Y}" style="{_road(step)}"/>\n'
        for start, end, step in zip(places, places[1:], steps[1:], strict=False)
    ]


def _road(step: Step) -> str:
    if step.state in _TONES:
        return f"stroke:{STRONG_LINE};stroke-width:2"
    return f"stroke:{STRONG_LINE};stroke-width:2;stroke-dasharray:2 5;stroke-linecap:round"


def _drawn(step: Step, x: float, room: float) -> str:
    tone = _TONES.get(step.state, "plain")
    colour = TONE[tone] if step.state in _TONES else MUTED
    names = fitted(step.name, _NAME, room - 14, 2)
    words = fitted(step.said, _WORD, room - 14, 1)
    first = _Y + 28
    loud = 650 if step.state == "failed" else 500
    return (
        f"<g><title>{escape(visible(f'{step.name}: {step.said}'))}</title>\n{_disc(step, x, tone)}"
        f"{write(x, first, names, size=_NAME, weight=loud, colour=INK, step=16)}"
        f"{write(x, first + 16 * len(names), words, size=_WORD, colour=colour, weight=loud)}</g>\n"
    )


def _disc(step: Step, x: float, tone: Tone) -> str:
    if step.state in _TONES:
        return sign(x, _Y, tone, 1.35)
    look = f"fill:{CARD};stroke:{STRONG_LINE};stroke-width:2"
    return f'<circle cx="{x:g}" cy="{_Y}" r="9" style="{look}"/>\n'
