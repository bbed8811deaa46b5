"""What separates causes that look alike: the server's software, since each answers in its own way.

Law of this file: it is read from the measured habits alone. A software of which nothing like it was
measured is not named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlskit.diagnosis.causes import causes
from mtlskit.diagnosis.habits import share
from mtlskit.trace.events import Ended

if TYPE_CHECKING:
    from mtlskit.diagnosis.reason import Opinion

STACKS = {
    "openssl": "OpenSSL's own server",
    "nginx": "nginx",
    "apache": "Apache",
    "haproxy": "HAProxy",
    "stunnel": "stunnel",
    "java": "Java",
    "go1": "Go",
    "node": "Node",
    "python": "Python",
    "gnutls": "GnuTLS",
}
"""Begin of a stack's name in the habits, and what people call it."""
_CLEAR = 0.5
"""A second cause is named where it weighs at least this part of the first."""
_OFTEN = 0.2
"""A cause is named where this part of what was measured of it shows so, at least."""
_NAMED = 3
"""Causes that are named of one server at most."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Servers that answer so, and the causes that they answer so, likeliest first."""

    servers: tuple[str, ...]
    causes: tuple[str, ...]


def by_server(ended: Ended, opinions: Sequence[Opinion]) -> tuple[Apart, ...]:
    """Return which open causes remain if the server is this or that; servers alike are joined."""
    open_ones = [one.cause for one in opinions if one.standing == "POSSIBLE"]
    found: dict[tuple[str, ...], list[str]] = {}
    for begin, name in STACKS.items():
        told = _left(ended, open_ones, begin)
        if told:
            found.setdefault(told, []).append(name)
    return tuple(Apart(tuple(names), told) for told, names in found.items())


def _left(ended: Ended, open_ones: Sequence[str], stack: str) -> tuple[str, ...]:
    """Return the causes that this server answers so, each with its like told once."""
    weights: dict[str, float] = {}
    for cause in open_ones:
        row = causes()[cause]
        habit = share(row.like or cause, ended, stack)
        if habit is not None and habit.stacks and habit.likelihood >= _OFTEN:
            weights[cause] = row.prior * habit.likelihood
    if not weights:
        return ()
    most = max(weights.values())
    ranked = sorted(weights, key=lambda one: -weights[one])
    return tuple(one for one in ranked if weights[one] >= _CLEAR * most)[:_NAMED]
