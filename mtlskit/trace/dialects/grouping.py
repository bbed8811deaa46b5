"""Which phrases of a log belong to one connection.

Law of this file: what the program prints to tell connections apart decides; where it prints
nothing of the kind, lines that stand close together and do not repeat an end belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mtlskit.trace.dialects.phrases import phrase
from mtlskit.trace.said import Said

_KEYS = (
    re.compile(r"\b\d{1,10}#\d{1,10}: (\*\d{1,12}) "),  # nginx
    re.compile(r"\[pid (\d{1,10}:tid \d{1,20})\]"),  # Apache
    re.compile(r"\bLOG\d\[(\d{1,10})\]"),  # stunnel
    re.compile(r"TLS handshake error from ([^ ]{3,64}):"),  # Go
    re.compile(r"\bcid:(\d{1,12})\b"),  # NATS
    re.compile(r'"ConnectionId":"(\d{1,12})"'),  # Envoy
    re.compile(r"^([0-9a-fA-F.:\[\]]{3,48}:\d{1,5}) \["),  # HAProxy
    re.compile(r"\btxid=([0-9a-f]{6,32})\b"),  # an instance's node
)
_NEAR = 40
"""Lines without a phrase after which another connection is told, where nothing tells them apart."""
_AN_END = 4
"""Rank from which a phrase tells of an end, which one connection has once."""


@dataclass(slots=True)
class _Open:
    said: list[Said] = field(default_factory=list)
    last: int = 0
    ends: set[str] = field(default_factory=set)
    clock: str | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A phrase with its line's number and what tells its connection apart; "" where nothing.

    Attributes:
        clock, caller: what the line's head tells; see `line_heads`.
    """

    said: Said
    line: int
    key: str
    nested: bool
    clock: str | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The phrases of one connection, when the first was written, and from where it came."""

    said: tuple[Said, ...]
    clock: str | None
    caller: str | None


def key_of(line: str) -> str:
    """Return what a line tells its connection apart by; empty where it does not."""
    for form in _KEYS:
        match = form.search(line[:400])
        if match is not None:
            return match[1]
    return ""


def nested(line: str) -> bool:
    """Tell whether a line repeats what a line before it said: a cause within a stack trace."""
    begin = line[:200].lstrip()
    return begin.startswith(("Caused by", "at ", "--->", "cause:", "Suppressed")) or (
        "---> " in begin
    )


def groups(placed: Iterable[Placed]) -> Iterator[Group]:
    """Give the phrases of one connection after another, in the order in which they begin."""
    done: list[_Open] = []
    running: dict[str, _Open] = {}
    for one in placed:
        here = running.get(one.key)
        if here is None or _begins(one, here):
            here = running[one.key] = _Open()
            done.append(here)
        here.said.append(one.said)
        here.clock, here.caller = here.clock or one.clock, here.caller or one.caller
        here.last = one.line
        if phrase(one.said.phrase).rank >= _AN_END:
            here.ends.add(one.said.phrase)
    yield from (Group(tuple(one.said), one.clock, one.caller) for one in done)


def _begins(one: Placed, here: _Open) -> bool:
    if one.key and not one.key.startswith("*"):
        # A port or thread is used again later; nginx numbers each connection anew.
        return one.line - here.last > 50 * _NEAR or _repeats(one, here)
    if one.key:
        return False
    return one.line - here.last > _NEAR or _repeats(one, here) or _differs(one, here)


def _differs(one: Placed, here: _Open) -> bool:
    """Tell whether this is an end that cannot be the same connection's: one sent none, one some."""
    row = phrase(one.said.phrase)
    if row.rank < _AN_END or not here.ends or one.nested or one.line == here.last:
        return False
    return (row.sent == "none") != any(phrase(end).sent == "none" for end in here.ends)


def _repeats(one: Placed, here: _Open) -> bool:
    return not one.nested and one.line != here.last and one.said.phrase in here.ends
