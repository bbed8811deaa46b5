"""The phrases by which programs speak of TLS: rows of `families/*.toml`, found in a line.

Law of this file: a phrase is data, with a sample and where it was seen. A line of any length costs
time in proportion to what is looked at of it, which is bounded; a family's rows are loaded when one
of its literal marks (`families.toml`) is in the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from mtlskit.material import Side
from mtlskit.trace.events import Outcome, Stage

LINE = 8192
"""Characters of one line that are looked at."""

Who = Literal["self", "other", "client", "server", "between"]
"""Sides as a phrase names them: by role, or as the one who wrote it and the one at the far end."""


@dataclass(frozen=True, slots=True)
class Family:
    """One program or library that writes phrases.

    Attributes:
        name: as a person calls it.
        marks: literals in lower case; where none of them stands, no phrase of it does.
        client: literals in lower case that show that the writer is the client.
        server: literals in lower case that show that the writer is the server.
        stack: begin of the name under which the habits of this server were measured.
        fallback: its phrases are looked for only where nothing else is known.
    """

    id: str
    name: str
    marks: tuple[str, ...]
    client: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    stack: str | None = None
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase.

    Attributes:
        versions: of the program, as far as they matter; empty: any that was met.
        pattern: found anywhere in a line. Its groups: ``alert`` (a name as the family spells it),
            ``number`` (of the alert), ``verify`` (a reason of chain verification), ``status``
            (HTTP), ``tls``, ``connection`` (what tells connections apart) and others, kept as they
            are.
        sample: a line that holds it.
        seen: where that line was seen.
        speaker: whose program writes it, where the phrase itself tells.
        usual: whose log it is in nearly always, where nothing tells.
        quoted: these are the speaker's words, and the log they stand in may be the other's.
        means: what it says; ``{self}`` and ``{other}`` are the sides, groups are filled in.
        not_means: what it does not say, although it is often read so.
        misleads: it is often read as the opposite or as something else.
        refused: who refused; None: it tells of no refusal.
        about: whose certificate a ``verify`` reason speaks of.
        sent: whether the client sent a certificate, where the phrase tells.
        names: causes that the phrase itself states.
        suggests: causes that it makes likelier.
        excludes: causes that it rules out.
        collect: what to get next.
        rank: how much it tells; the highest of a connection decides how it ended.
    """

    id: str
    family: str
    pattern: str
    sample: str
    seen: str
    means: str
    versions: str = ""
    speaker: Side | None = None
    usual: Side | None = None
    quoted: bool = False
    not_means: str = ""
    misleads: bool = False
    outcome: Outcome | None = None
    refused: Who | None = None
    about: Who | None = None
    stage: Stage | None = None
    alert: int | None = None
    sent: Literal["none", "some"] | None = None
    tls: str | None = None
    tcp: str | None = None
    http: int | None = None
    names: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found in a line, with what stood at its variable places."""

    phrase: Phrase
    start: int
    end: int
    values: Mapping[str, str]


_PIECES = re.compile(r"\\x[0-9a-fA-F]{2}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|.", re.DOTALL)
"""What a pattern is made of: an escape, a set, a count, any other character."""


@cache
def families() -> Mapping[str, Family]:
    """Return every family by its id; programs first, then the libraries that they use."""
    rows = tomllib.loads(_read("families.toml"))
    return {name: Family(name, **_frozen(row)) for name, row in rows.items()}


@cache
def phrases_of(family: str) -> tuple[Phrase, ...]:
    """Return the rows of one family."""
    rows = tomllib.loads(_read("families", f"{family}.toml"))["phrase"]
    return tuple(Phrase(family=family, **_frozen(row)) for row in rows)


@cache
def phrase(name: str) -> Phrase:
    """Return one phrase by its id, which begins with its family."""
    rows = phrases_of(name.partition(".")[0])
    return next(one for one in rows if one.id == name)


def find(line: str, *, fallback: bool = False) -> list[Hit]:
    """Return the phrases in a line, in order; one that lies within another is left out.

    Args:
        line: a line of any length, of which `LINE` characters are looked at.
        fallback: look for words that say little, in place of the others.
    """
    line = line[:LINE]
    low = line.lower()
    hits = [hit for family in _marked(low, fallback=fallback) for hit in _hits(family, line)]
    hits.sort(key=lambda one: (one.start, -one.end))
    kept: list[Hit] = []
    for hit in hits:
        if not any(one.start <= hit.start and hit.end <= one.end for one in kept):
            kept.append(hit)
    return kept


def voice(text: str) -> tuple[Family, Side] | None:
    """Tell whose program wrote this text, where a literal of a family shows it."""
    low = text.lower()
    for family in families().values():
        for side, literals in (("client", family.client), ("server", family.server)):
            if any(one in low for one in literals):
                return family, side  # type: ignore[return-value] # one of the two literals above
    return None


def _marked(low: str, *, fallback: bool) -> Iterator[str]:
    if not low.strip():
        return
    holds = low.__contains__  # a log has millions of lines: this is where the time goes
    for name, family in families().items():
        if family.fallback == fallback and any(map(holds, family.marks)):
            yield name


def _hits(family: str, line: str) -> Iterator[Hit]:
    low = line.lower()
    for row in phrases_of(family):
        if not any(one in low for one in _literals(row.pattern)):
            continue
        match = _compiled(row.pattern).search(line)
        if match is not None:
            values = {key: value for key, value in match.groupdict().items() if value}
            yield Hit(row, match.start(), match.end(), values)


@cache
def _literals(pattern: str) -> tuple[str, ...]:
    """Return texts, in lower case, of which every match of the pattern holds at least one.

    To look for a text in a line costs less than to compile a pattern. Groups and sets are passed
    over, and so is a character that may be left out.
    """
    alternatives, depth = [[""]], 0
    for piece in _PIECES.findall(pattern):
        if piece in ("(", ")"):
            depth += 1 if piece == "(" else -1
            alternatives[-1].append("")
        elif piece == "|" and not depth:
            alternatives.append([""])
        elif not depth:
            _lengthen(alternatives[-1], piece)
    return tuple(max(runs, key=len).lower() for runs in alternatives)


def _lengthen(runs: list[str], piece: str) -> None:
    """Add a piece of a pattern to the last text, or begin another."""
    escaped = piece[0] == "\\"
    if (escaped and not piece[1].isalnum()) or (len(piece) == 1 and piece not in "?*+.^$"):
        runs[-1] += piece[-1]
        return
    if piece[0] in "?*{":
        runs[-1] = runs[-1][:-1]
    runs.append("")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _read(*name: str) -> str:
    return files("mtlskit.trace.dialects").joinpath(*name).read_text("utf-8")


def _frozen(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
