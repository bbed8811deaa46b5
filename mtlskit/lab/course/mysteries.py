"""A mystery: something is staged, the trainee finds out what, and the answer is marked.

Law of this file: an answer is graded by what was staged, never by what the kit thinks. What was
staged is shown once it was found, or given up; and it all ends with the kernel, whatever ends that.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from random import SystemRandom
from types import TracebackType
from typing import Self

from mtlskit.diagnosis.causes import causes as vocabulary
from mtlskit.lab.course.mark import Mark
from mtlskit.lab.course.mystery_marks import MOST, graded, hints, trail
from mtlskit.lab.course.mystery_pick import SEEDS, Pick, levels, pick
from mtlskit.lab.course.mystery_stage import staged
from mtlskit.lab.course.scores import Scores
from mtlskit.lab.stacks.process import private_folder
from mtlskit.page.blocks import Block, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown
from mtlskit.report import Report

LIFETIME = 4 * 3600.0
"""Seconds after which a mystery ends by itself."""


@dataclass(frozen=True, slots=True)
class Hint(Shown):
    """One hint, and how many are left."""

    text: str
    left: int

    def page(self) -> Page:
        """Say it."""
        more = f"{self.left} more can be opened." if self.left else "That was the last one."
        return Page("Hint", (Paragraph(self.text), Paragraph(more)))


@dataclass(frozen=True, slots=True)
class Marked(Mark):
    """A mark, and behind a right answer the reasoning with what would have shown it."""

    trail: tuple[Block, ...] = ()

    def page(self) -> Page:
        """Describe the mark; after a right answer, the trail too."""
        marked = Mark.page(self)
        if not self.trail:
            return marked
        return Page(marked.title, (*marked.blocks, Section("The trail", self.trail)))


def _not_a_cause(words: list[str]) -> str:
    """Say which word is no cause, and what it may have meant."""
    if not words:
        return "No cause was given; course.causes() lists them all."
    near = get_close_matches(words[0], list(vocabulary()), n=3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{words[0]!r} is no cause.{meant} course.causes() lists them all. It costs nothing."


class Mystery(Shown):
    """A mystery that runs. Made by `mystery`.

    Attributes:
        seed, level: by these two it can be had again.
        handed: everything that the trainee gets.
        over: it has ended; its files and its endpoint are gone.
    """

    def __init__(self, picked: Pick, scores: Scores) -> None:
        """Stage it."""
        self.seed, self.level = picked.seed, picked.level
        self._name = picked.name
        self._scores = scores
        self._opened = 0
        self._found = False
        with ExitStack() as leaving:
            folder = leaving.enter_context(private_folder())
            self.handed, self._answer = leaving.enter_context(staged(picked, folder))
            stack = leaving.pop_all()
        self._ending = weakref.finalize(self, stack.close)
        timer = threading.Timer(LIFETIME, self._ending)
        timer.daemon = True
        stack.callback(timer.cancel)
        timer.start()

    def answer(self, *causes: str) -> Marked:
        """Answer with the cause, such as ``client.chain-incomplete``; at level 4 there may be two.

        Part of the points is given for the right party, side or family. A word that is no cause
        is no answer: it is told, and costs nothing.

        Args:
            causes: ids of the vocabulary; several in one text are parted by commas.
        """
        causes = tuple(word for one in causes for word in one.replace(",", " ").split())
        unknown = [one for one in causes if one not in vocabulary()]
        if unknown or not causes:
            because = _not_a_cause(unknown)
            return Marked(self._name, right=False, points=0, because=because, most=MOST)
        mark = graded(self._name, causes, self._answer, self._opened, known=self._found)
        shown = self._shown() if mark.right else ()
        self._scores.add(mark, seed=self.seed, hints=self._opened)
        self._found = self._found or mark.right
        return Marked(mark.exercise, mark.right, mark.points, mark.because, mark.most, trail=shown)

    def hint(self) -> Hint:
        """Open the next hint. Each costs a point."""
        every = hints(self._answer, self.handed)
        self._opened = min(self._opened + 1, len(every))
        return Hint(every[self._opened - 1], len(every) - self._opened)

    def give_up(self) -> Solution:
        """Show what was staged. No answer brings points after that."""
        self._found = True
        return Solution(self._name, self._answer.causes, self._shown())

    def diagnosed(self) -> Report:
        """Let the kit say what is wrong, by what was handed out and nothing else."""
        return self.handed.diagnosed()

    def end(self) -> None:
        """End it: its endpoint and its files are gone."""
        self._ending()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return not self._ending.alive

    def page(self) -> Page:
        """Describe what is at hand, and how to answer."""
        at_hand = self.handed.page()
        more = "Name both causes. " if len(self._answer.causes) > 1 else ""
        how = f'{more}Answer with mystery.answer("…"); hints open with mystery.hint().'
        title = f"Mystery {self.seed}, level {self.level}: {levels()[self.level].title}"
        ended: tuple[Block, ...] = (Paragraph("It has ended."),) if self.over else ()
        return Page(title, (*at_hand.blocks, Paragraph(how), *ended))

    def _shown(self) -> tuple[Block, ...]:
        return trail(self._answer, self.handed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


@dataclass(frozen=True, slots=True)
class Solution(Shown):
    """What was staged, and what would have shown it."""

    mystery: str
    causes: tuple[str, ...]
    shown: tuple[Block, ...]

    def page(self) -> Page:
        """Describe it."""
        return Page(f"It was {' and '.join(self.causes)}", self.shown)


_running: weakref.ref[Mystery] | None = None


def mystery(seed: int | None = None, level: int = 1) -> Mystery:
    """Stage a random fault, to be found. The one that ran before is ended.

    Args:
        seed: the same seed and level are the same mystery; None: a new one.
        level: 1 common causes; 2 all of client and server; 3 the way, protocols and settings;
            4 two at once, misleading alerts, files alone.

    Raises:
        ValueError: there is no such level.
    """
    global _running  # noqa: PLW0603 - a notebook's cell is run again and again
    chosen = SystemRandom().randrange(SEEDS) if seed is None else seed
    picked = pick(chosen, level)
    before = _running() if _running is not None else None
    if before is not None:
        before.end()
    made = Mystery(picked, Scores())
    _running = weakref.ref(made)
    return made


def causes() -> Vocabulary:
    """List what can be answered: every cause, with its title."""
    return Vocabulary(tuple((name, one.title) for name, one in vocabulary().items()))


@dataclass(frozen=True, slots=True)
class Vocabulary(Shown):
    """Every cause with its title."""

    rows: tuple[tuple[str, str], ...]

    def page(self) -> Page:
        """List them."""
        return Page("Causes", (Table(("cause", "meaning"), self.rows),))
