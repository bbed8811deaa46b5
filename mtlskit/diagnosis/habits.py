"""How real servers answer each fault, as measured: `habits.csv`.

Law of this room: a habit is a count, and is told as one. Columns of the file: `stack`, `version`
and `variant` of the server; `tls`; the `fault` that was staged and the `cause` that it is; then
what the client saw: `outcome`, `stage`, `alert` (number), `http` status, `tcp` (``closed`` or
``deadline`` where there was neither), `tickets`; and the day of the measurement.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files

from mtlskit.trace.events import Ended

_DOUBT = 0.01
"""How often any server may do what none was seen to do: unlikely is not impossible."""
_OTHERS = 0.5
"""As how many stacks all of them together count beside those that are the nearest."""

_SEALED = ("client-certificate", "after-handshake", "application")
"""Stages at which a refusal travels sealed in TLS 1.3."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What a client sees of a refusal, reduced to what can be compared across servers."""

    outcome: str
    stage: str
    alert: str
    http: str
    silent: bool

    @property
    def but_for_stage(self) -> tuple[object, ...]:
        """All of it but the stage, where that cannot be told."""
        return self.outcome, self.alert, self.http, self.silent


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the measured server stacks answer a fault so."""

    stacks: int
    of: int
    likelihood: float


@dataclass(frozen=True, slots=True)
class _Row:
    stack: str
    tls: str
    sign: Sign


def sign_of(ended: Ended) -> Sign:
    """Reduce an ending to its sign."""
    symptom = ended.symptom
    text = {"alert": symptom.alert, "http": symptom.http}
    seen = {key: "" if value is None else str(value) for key, value in text.items()}
    if ended.outcome == "accepted":
        return Sign("accepted", "", "", "", silent=False)
    silent = not any(seen.values()) and ended.refused_by != "client"
    return Sign("refused", ended.stage or "", seen["alert"], seen["http"], silent)


def share(cause: str, ended: Ended, stack: str | tuple[str, ...] | None = None) -> Share | None:
    """Return how often `cause` shows as it ended here; None if it was never measured.

    Args:
        cause: id of the cause, or of the one whose habits it shares.
        ended: what was seen, with its TLS version.
        stack: begin of a stack's name, such as ``nginx``, or several; None for all alike.
    """
    rows = [row for row in _rows().get(cause, ()) if _speaks_of(row, ended, stack)]
    if not rows:
        return None
    wanted = sign_of(ended)
    # How a sealed refusal was told is not seen.
    sealed = ended.outcome == "undecided" and ended.symptom.tls is not None
    anywhere = ended.stage is None and ended.outcome == "refused"
    by_stack: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        alike = row.sign.but_for_stage == wanted.but_for_stage if anywhere else row.sign == wanted
        by_stack[row.stack].append((sealed and row.sign.stage in _SEALED) or alike)
    # Each stack counts once, however many faults of this cause were staged on it.
    seen, of = sum(sum(hits) / len(hits) for hits in by_stack.values()), len(by_stack)
    every = share(cause, ended) if stack is not None else None
    likelihood = (
        (seen + _OTHERS * every.likelihood) / (of + _OTHERS)
        if every is not None
        else _DOUBT + (1 - 2 * _DOUBT) * seen / of
    )
    return Share(sum(any(hits) for hits in by_stack.values()), of, likelihood)


def usual(ended: Ended, stack: str | tuple[str, ...] | None = None) -> float | None:
    """Return how often a refusal of any measured kind shows as it ended here.

    It is what can be said of a cause whose own habits nobody has measured.
    """
    return _usual(replace(ended, because=()), stack)


@lru_cache(maxsize=64)
def _usual(ended: Ended, stack: str | tuple[str, ...] | None) -> float | None:
    """Count it once: every cause that was not measured asks for it."""
    shares = [
        one.likelihood
        for cause in _rows()
        if cause != "none" and (one := share(cause, ended, stack)) is not None
    ]
    return sum(shares) / len(shares) if shares else None


def measured_stacks() -> tuple[str, ...]:
    """Return the names of the stacks that were measured."""
    return tuple(sorted({row.stack for rows in _rows().values() for row in rows}))


def _speaks_of(row: _Row, ended: Ended, stack: str | tuple[str, ...] | None) -> bool:
    tls = ended.symptom.tls
    return (tls is None or row.tls in ("", tls)) and (stack is None or row.stack.startswith(stack))


@cache
def _rows() -> dict[str, list[_Row]]:
    text = files("mtlskit.diagnosis").joinpath("habits.csv").read_text("utf-8")
    rows: dict[str, list[_Row]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        sign = Sign(
            row["outcome"], row["stage"], row["alert"], row["http"], silent=bool(row["tcp"])
        )
        rows[row["cause"]].append(_Row(row["stack"], row["tls"], sign))
    return rows
