"""What recognised phrases say about causes: a log that names the reason is evidence of its own.

Law of this file: a phrase that states a cause supports it, one that fits several makes each of them
likelier, and one that excludes a cause rules it out; each is told with the line that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mtlskit.material import Because
from mtlskit.trace.dialects.sense import Sense, sense
from mtlskit.trace.events import Trace

Weight = Literal["states", "one of", "suggests", "excludes"]
_OF_BOTH = ("network.", "protocol.")
_ORDER: dict[Weight, int] = {"states": 3, "excludes": 2, "one of": 1, "suggests": 0}


@dataclass(frozen=True, slots=True)
class Word:
    """What the phrases say about one cause.

    Attributes:
        assumed: nothing tells whose log it is, and this holds only of the usual side's.
    """

    weight: Weight
    because: Because
    assumed: bool = False


def words_about(trace: Trace | None) -> dict[str, Word]:
    """Return what the phrases of a trace say, by cause; the stronger word stands."""
    told: dict[str, Word] = {}
    for one in trace.said if trace is not None else ():
        understood = sense(one, trace.seen_by if trace else None, assume=True)
        for weight, causes in _by_weight(understood):
            for cause in causes:
                # What the two have in common, or not, is the same in either one's log.
                assumed = understood.assumed and not cause.startswith(_OF_BOTH)
                _keep(told, cause, Word(weight, _because(understood), assumed))
    return told


def _by_weight(one: Sense) -> tuple[tuple[Weight, tuple[str, ...]], ...]:
    return (
        ("states", one.names),
        ("excludes", one.phrase.excludes),
        # A reason of verification leaves no other causes than those that it stands for.
        ("one of" if one.reason is not None else "suggests", one.suggests),
    )


def _keep(told: dict[str, Word], cause: str, word: Word) -> None:
    known = told.get(cause)
    if known is None or _ORDER[word.weight] > _ORDER[known.weight]:
        told[cause] = word


def _because(one: Sense) -> Because:
    return Because(f"the log says {one.said.text!r}", one.said.source)
