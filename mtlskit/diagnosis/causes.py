"""The causes of the vocabulary, read from `causes.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from mtlskit.trace.events import RefusedBy, Stage

Party = Literal["client-owner", "endpoint-owner", "instance-admin", "network"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a connection can fail.

    Attributes:
        party: who must act.
        settle: how to find out, cheapest first.
        prior: how often it is met, as a weight against the others.
        shows: the stages at which it can show itself; empty: at any.
        refused_by: the only side that can refuse for it; None: not bound to one.
        like: the cause whose measured habits it shares.
    """

    id: str
    title: str
    party: Party
    remedy: str
    settle: tuple[str, ...]
    prior: float
    shows: tuple[Stage, ...] = ()
    refused_by: RefusedBy | None = None
    like: str | None = None


@cache
def causes() -> dict[str, Cause]:
    """Return every cause by its id, in the order of the file."""
    text = files("mtlskit.diagnosis").joinpath("causes.toml").read_text("utf-8")
    return {name: _cause(name, row) for name, row in tomllib.loads(text).items()}


def _cause(name: str, row: dict[str, Any]) -> Cause:
    return Cause(
        name,
        title=row["title"],
        party=row["party"],
        remedy=row["remedy"],
        settle=tuple(row["settle"]),
        prior=row["prior"],
        shows=tuple(row["shows"]) if "shows" in row else (),
        refused_by=row.get("refused_by"),
        like=row.get("like"),
    )
