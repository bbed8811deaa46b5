"""An exercise: its question, how it is answered, and the hints that open one by one.

Law of this file: an exercise knows its question and not its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mtlskit.page.blocks import Block, Items, Page, Paragraph
from mtlskit.page.shown import Shown

Kind = Literal["choice", "line", "text", "file", "thing"]
"""How it is answered: by one of several, a line, several lines, a file, or a thing from a cell."""


@dataclass(frozen=True, slots=True)
class Exercise(Shown):
    """One question of a lesson.

    Attributes:
        lesson: the number of its lesson.
        number: 1 to 3.
        choices: what can be chosen, each after its letter; () where nothing is.
        hints: from the first nudge to the last one, which all but gives it away.
    """

    lesson: int
    number: int
    question: str
    kind: Kind
    hints: tuple[str, ...]
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Its name in a mark and in the results."""
        return f"lesson {self.lesson}, exercise {self.number}"

    @property
    def title(self) -> str:
        """Its heading."""
        return f"Exercise {self.lesson}.{self.number}"

    def page(self) -> Page:
        """Describe the question, and what can be chosen."""
        blocks: list[Block] = [Paragraph(self.question)]
        if self.choices:
            blocks.append(Items(tuple(f"{letter}: {text}" for letter, text in self.choices)))
        return Page(self.title, tuple(blocks))
