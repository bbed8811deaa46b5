"""A mark: whether an answer is right, what it is worth, and why.

Law of this file: a mark says what is wrong with a wrong answer, and never what the right one is.
"""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.page.blocks import Block, Callout, Page, Paragraph, Tone
from mtlskit.page.shown import Shown

MOST = 3
"""Points of an exercise that is answered without a hint."""


@dataclass(frozen=True, slots=True)
class Mark(Shown):
    """What an answer was worth.

    Attributes:
        exercise: what was answered: ``lesson 3, exercise 2``, ``mystery 17, level 4``.
        points: 0 for a wrong answer.
        because: the reason, in one or two sentences.
        most: the points that could be had.
        hint: the next hint, which a wrong answer opens; None if there is none left.
    """

    exercise: str
    right: bool
    points: int
    because: str
    most: int = MOST
    hint: str | None = None

    @property
    def title(self) -> str:
        """The mark in one line."""
        if self.right:
            return f"Right: {self.points} of {self.most} points"
        return "Not yet: you can answer again"

    def page(self) -> Page:
        """Describe the mark, with its reason and the hint that it opened."""
        said: list[Block] = [Paragraph(self.because)]
        if self.hint:
            said.append(Paragraph(f"Hint: {self.hint}"))
        tone: Tone = "good" if self.right else "warn"
        name = self.exercise[:1].upper() + self.exercise[1:]
        return Page(name, (Callout(self.title, tuple(said), tone),))
