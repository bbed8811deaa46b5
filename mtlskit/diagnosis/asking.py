"""What to ask next: the questions that would settle most of what is open, for the least effort.

Law of this file: a question is worth what its answer would tell apart, weighed by how likely the
open causes are, over what it costs to get. It is a sentence that can be sent as it stands.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mtlskit.diagnosis.causes import Party

if TYPE_CHECKING:
    from mtlskit.case import Case
    from mtlskit.diagnosis.reason import Diagnosis, Opinion

MOST = 4
"""Questions that are asked at once; more would not be answered."""
_LITTLE = 0.02
"""A question that tells less than this part of what is open is not asked."""
_SHOWN = 3
"""Servers whose log line is shown where the server is not known."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        id: its name among the questions.
        whom: who can answer it.
        text: the sentence to send.
        settles: the open causes that the answer tells apart from the others, likeliest first.
        worth: the part of the doubt that the answer takes away, 0 to 1.
    """

    id: str
    whom: Party
    text: str
    settles: tuple[str, ...]
    worth: float


def questions(diagnosis: Diagnosis, case: Case) -> tuple[Question, ...]:
    """Return what to ask next, the best first; nothing where a cause is confirmed."""
    open_ones = [one for one in diagnosis.opinions if one.standing in ("LIKELY", "POSSIBLE")]
    open_ones = [one for one in open_ones if one.cause not in ("none", "unknown")]
    if any(one.standing == "CONFIRMED" for one in diagnosis.opinions) or not open_ones:
        return ()
    place = _Place(case, diagnosis.server_stack.measured_as)
    ranked = sorted(
        ((_worth(row, open_ones), row) for row in _rows() if not place.knows(row.get("moot_with"))),
        key=lambda one: (-one[0] / one[1]["effort"], one[1]["effort"]),
    )
    told = [_question(row, open_ones, worth, place) for worth, row in ranked if worth >= _LITTLE]
    return tuple(told[:MOST])


def line_of(stack: str | None) -> str:
    """Return what a refusal reads like in this server's log; empty where that is not known.

    Args:
        stack: begin of its name in the measured habits, as `StackGuess.measured_as` has it.
    """
    known = next((one for one in _lines() if stack and stack.startswith(one["stack"])), None)
    if known is None:
        return ""
    return f"{_begin(known['name'])} writes: {known['reads']} ({known['where']})"


def settling(cause: str) -> tuple[str, ...]:
    """Return the ids of the questions whose answer tells this cause from every other."""
    return tuple(row["id"] for row in _rows() if cause in row.get("apart", ()))


def _question(
    row: dict[str, Any], open_ones: Sequence[Opinion], worth: float, place: _Place
) -> Question:
    told = {*row.get("apart", ()), *(one for group in row.get("together", ()) for one in group)}
    settles = tuple(one.cause for one in open_ones if one.cause in told)
    return Question(row["id"], row["whom"], place.filled(row["ask"]), settles, worth)


def _worth(row: dict[str, Any], open_ones: Iterable[Opinion]) -> float:
    """Tell how likely it is that the answer sets two open causes apart, drawn by their weights.

    One cause alone is worth asking about, too: the answer confirms it or leaves it.
    """
    groups: dict[object, float] = {}
    for one in open_ones:
        key = _told_as(row, one.cause)
        groups[key] = groups.get(key, 0.0) + one.weight
    whole = sum(groups.values())
    if not whole:
        return 0.0
    if len(groups) == 1:
        return _LITTLE if None not in groups else 0.0
    return 1 - sum((part / whole) ** 2 for part in groups.values())


def _told_as(row: dict[str, Any], cause: str) -> object:
    """Return what an answer calls this cause: itself, one of a number, or None for the rest."""
    if cause in row.get("apart", ()):
        return cause
    return next(
        (number for number, group in enumerate(row.get("together", ())) if cause in group), None
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """What fills a sentence: when and where, and what the server's log reads like."""

    case: Case
    stack: str | None

    def knows(self, what: str | None) -> bool:
        """Tell whether the case holds already what a question would bring."""
        trace = self.case.trace
        held: dict[str, object] = {
            "asked": trace.asked if trace else None,
            "client-chain": trace.sent_certificate if trace else None,
            "server-chain": trace.server_chain if trace else None,
            "identities": self.case.identities,
            "trust": self.case.trust,
            "settings": self.case.settings,
        }
        return what is not None and held[what] is not None

    def filled(self, text: str) -> str:
        """Return the sentence for this case."""
        return text.format(
            time=self._time(), target=self._target(), sni=self._name(), line=self._line()
        )

    def _time(self) -> str:
        began = self.case.trace.began if self.case.trace else None
        return (
            f"{began:%Y-%m-%d %H:%M:%S} UTC"
            if began
            else "the time of the attempt (give it in UTC)"
        )

    def _target(self) -> str:
        target = self.case.target or (self.case.trace.target if self.case.trace else None)
        return str(target) if target else "HOST:PORT"

    def _name(self) -> str:
        trace = self.case.trace
        name = trace.server_name if trace else None
        if name is None and trace is not None and trace.target is not None:
            return ""
        return f" -servername {name or 'HOST'}"

    def _line(self) -> str:
        known = line_of(self.stack)
        if known:
            return f" {known}."
        shown = "; ".join(f"{one['name']}: {one['reads']}" for one in _lines()[:_SHOWN])
        return f" It reads like this: {shown}."


def _begin(name: str) -> str:
    return name[:1].upper() + name[1:]


@cache
def _data() -> dict[str, list[dict[str, Any]]]:
    text = files("mtlskit.diagnosis").joinpath("asking.toml").read_text("utf-8")
    return tomllib.loads(text)


def _rows() -> list[dict[str, Any]]:
    return _data()["question"]


def _lines() -> list[dict[str, Any]]:
    return _data()["line"]
