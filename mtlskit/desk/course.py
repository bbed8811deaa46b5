"""The course's front door: ``from mtlskit import course``.

Law of this file: it names what stands in other rooms, and loads it when it is used. Only `ask`
loads widgets; everything else does as well in a script.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlskit.desk.lesson import Asked
    from mtlskit.lab.course.lesson import Lesson
    from mtlskit.lab.course.mysteries import Mystery, Vocabulary
    from mtlskit.lab.course.scores import Scores

__all__ = ["ask", "call_me", "causes", "lesson", "mystery", "results", "scores"]


def lesson(number: int, *, seed: int | None = None) -> Lesson:
    """Begin a lesson; its parties, certificates and endpoint are made anew.

    Args:
        number: 1 to 12.
        seed: make it as another run was made; None: as chance will have it.

    Raises:
        KeyError: there is no lesson of that number.
    """
    from mtlskit.lab.course import lessons  # noqa: PLC0415 - loaded when it is used

    return lessons.lesson(number, seed=seed, scores=scores())


def mystery(seed: int | None = None, level: int = 1) -> Mystery:
    """Stage a failure that is not named, to be found; see `mtlskit.lab.course.mysteries`."""
    from mtlskit.lab.course import mysteries  # noqa: PLC0415 - loaded when it is used

    return mysteries.mystery(seed, level)


def causes() -> Vocabulary:
    """List the causes with which a mystery can be answered."""
    from mtlskit.lab.course import mysteries  # noqa: PLC0415 - loaded when it is used

    return mysteries.causes()


def ask(begun: Lesson, exercise: int, answer: Any = None) -> Asked:  # noqa: ANN401 - as `check`
    """Ask an exercise in a form, with a button to check the answer and one for the next hint.

    Args:
        begun: the lesson.
        exercise: 1 to 3.
        answer: what is handed in, where the answer is a thing that was made in a cell.

    Raises:
        ModuleNotFoundError: the notebook parts are not installed. `Lesson.check` does without.
    """
    from mtlskit.desk.lesson import asked  # noqa: PLC0415 - loads widgets, so only when wanted

    return asked(begun, exercise, answer)


def scores() -> Scores:
    """Return what was scored on this machine by this user."""
    from mtlskit.lab.course.scores import Scores  # noqa: PLC0415 - loaded when it is used

    return Scores()


def call_me(name: str) -> None:
    """Give the name under which results are handed in. None has to be given."""
    scores().call_me(name)


def results(path: str | PathLike[str]) -> Path:
    """Write every answer into a file to hand in, ``.csv`` or ``.json``."""
    return scores().collect(path)
