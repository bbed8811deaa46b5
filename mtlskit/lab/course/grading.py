"""Whether two spellings mean the same: names, numbers, serial numbers, dates, choices.

Law of this file: it compares an answer with a value that it is given, forgives how it is written,
and forgives nothing else. It knows no lesson.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from mtlskit.lab.course.slip import Slip

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_DOTTED = re.compile(r"\b(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})\.?\s+([a-z]{3})[a-z]*\.?,?\s+(\d{4})\b")
_MONTH_FIRST = re.compile(r"\b([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b")


class Verdict(NamedTuple):
    """Whether an answer is right, and why; a wrong one is told without the right one."""

    right: bool
    because: str


def right(because: str) -> Verdict:
    """Rule an answer right."""
    return Verdict(right=True, because=because)


def wrong(because: str) -> Verdict:
    """Rule an answer wrong, for a reason that leaves the right one to be found."""
    return Verdict(right=False, because=because)


def bare(text: object) -> str:
    """Return what counts of a word or name: small letters and digits."""
    return re.sub(r"[^a-z0-9]", "", str(text).casefold())


def means(answer: object, *spellings: str) -> bool:
    """Say whether an answer is one of these, however it is written."""
    return bare(answer) in {bare(one) for one in spellings}


def names(answer: object, common_name: str) -> bool:
    """Say whether an answer is this common name, alone or within a distinguished name."""
    text = str(answer)
    found = re.search(r"CN\s*=\s*([^,/]+)", text, re.IGNORECASE)
    return means(found[1] if found else text, common_name)


def whole(answer: object) -> int | None:
    """Read a whole number, in digits or as a word up to ten; None if it is none."""
    text = str(answer).strip().casefold()
    if re.fullmatch(r"-?\d{1,9}", text):
        return int(text)
    if text in {"no", "zero"}:
        return 0
    return _NUMBERS.index(text) if text in _NUMBERS else None


def same_serial(answer: object, serial: int) -> bool:
    """Compare a serial number, hexadecimal (with or without colons) or decimal."""
    if isinstance(answer, int):
        return answer == serial
    text = re.sub(r"[\s:]", "", str(answer)).casefold()
    text = re.sub(r"^(serial(number)?=?)?(0x)?", "", text)
    if not re.fullmatch(r"[0-9a-f]{1,64}", text):
        return False
    return int(text, 16) == serial or (text.isdecimal() and int(text) == serial)


def day(answer: object) -> date | None:
    """Read a date as people and programs write it; None if there is none in the answer."""
    if isinstance(answer, date):
        return date(answer.year, answer.month, answer.day)
    text = str(answer).casefold()
    if found := _ISO.search(text):
        return _date(found[1], found[2], found[3])
    if found := _DOTTED.search(text):
        return _date(found[3], found[2], found[1])
    if found := _DAY_FIRST.search(text):
        return _date(found[3], _month(found[2]), found[1])
    if found := _MONTH_FIRST.search(text):
        return _date(found[3], _month(found[1]), found[2])
    return None


def chosen(answer: object, choices: Sequence[tuple[str, str]]) -> str:
    """Return the letter of the choice that is meant, by its letter or its words.

    Raises:
        Slip: none is.
    """
    text = bare(answer)
    for letter, words in choices:
        if text in {letter, bare(words), bare(letter + words)}:
            return letter
    within = [
        letter for letter, words in choices if len(text) > len("none") and text in bare(words)
    ]
    if len(within) == 1:
        return within[0]
    letters = ", ".join(letter for letter, _ in choices)
    raise Slip(f"That is none of the choices; answer with one of the letters {letters}.")


def _month(word: str) -> str:
    return str(_MONTHS.index(word) + 1) if word in _MONTHS else "0"


def _date(year: str, month: str, number: str) -> date | None:
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        return None
