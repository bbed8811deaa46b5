"""The twelve lessons, by number.

Law of this file: what is asked stands in ``lessons.toml``; how a lesson is set up and graded stands
in its own room beside it.
"""

from __future__ import annotations

import secrets
import tomllib
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from mtlskit.lab.course.exercise import Exercise
from mtlskit.lab.course.lesson import Lesson, Told
from mtlskit.lab.course.scores import Scores

ROOMS = (
    "asking",
    "purposes",
    "chains",
    "keys",
    "versions",
    "refusals",
    "java_log",
    "captures",
    "settings",
    "method",
    "letter",
    "renewal",
)
"""The room of each lesson, in order."""
_SEEDS = 10_000


def lesson(number: int, *, seed: int | None = None, scores: Scores | None = None) -> Lesson:
    """Begin a lesson.

    Args:
        number: 1 to 12.
        seed: make it as another run was made; None: as chance will have it.
        scores: where marks are kept; None: nowhere.

    Raises:
        KeyError: there is no lesson of that number.
    """
    if number not in told():
        raise KeyError(f"There is no lesson {number}; the course has 1 to {len(ROOMS)}.")
    room = import_module(f"mtlskit.lab.course.{ROOMS[number - 1]}")
    thrown = secrets.randbelow(_SEEDS) if seed is None else seed
    begun: Lesson = room.Room(told()[number], thrown, scores)
    return begun


@cache
def told() -> dict[int, Told]:
    """Return what is told of each lesson."""
    text = files("mtlskit.lab.course").joinpath("lessons.toml").read_text("utf-8")
    return {one["number"]: _told(one) for one in tomllib.loads(text)["lesson"]}


def _told(row: dict[str, Any]) -> Told:
    exercises = tuple(
        _exercise(row["number"], number, one) for number, one in enumerate(row["exercise"], 1)
    )
    return Told(row["number"], row["title"], row["minutes"], row["story"], exercises)


def _exercise(lesson_number: int, number: int, row: dict[str, Any]) -> Exercise:
    letters = zip("abcdefgh", row.get("choices", ()), strict=False)
    return Exercise(
        lesson_number, number, row["question"], row["kind"], tuple(row["hints"]), tuple(letters)
    )
