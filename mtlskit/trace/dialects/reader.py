"""One door for every log: what wrote it is recognised by its content, and its reader is called.

Law of this file: no content raises. Lines are taken one at a time; a line longer than the limit is
cut, and that is said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import chain, islice
from typing import Protocol

from mtlskit.material import Problem, Side, Source
from mtlskit.trace.dialects.grouping import Group, Placed, groups, key_of, nested
from mtlskit.trace.dialects.line_heads import began, caller_of, clock_of
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.pem_blocks import PemBlocks
from mtlskit.trace.dialects.phrases import LINE, families, phrase, voice
from mtlskit.trace.dialects.sense import sense
from mtlskit.trace.events import Trace
from mtlskit.trace.said import Said

_TRANSCRIPTS = ("curl", "gnutls", "openssl")
"""The readers of a client's own transcript, in the order in which they are asked."""
_DEBUG = (
    *("javax.net.ssl|", "sun.security.ssl.SSLLogger", "*** ", " TLSv", " SSLv"),
    *(">>>", "<<<", "Sent Record", "Received Record", "TLS Record"),
)
"""What a single line of a debug log or transcript holds."""
_BEGIN = 400
"""Lines by which a transcript is recognised."""
_LONGEST = 1_000_000
"""Characters of one line that are read."""
_HEAD = 20_000
"""Lines by which a Java debug log is recognised; an application's own lines may come before."""
_MOST = 5000
"""Phrases of one log that are kept."""
_CONNECTIONS = 1000
"""Connections of one log that are kept."""
_FRAMES = ("at ", 'File "', "Caused by")
"""How a line of a stack trace begins, which may tell whose program it is."""
_AROUND = 60
"""Lines within which a line that names no side is that of its neighbours."""


class Dialect(Protocol):
    """A reader of one program's own format."""

    def fits(self, head: Sequence[str], /) -> bool:
        """Tell whether these lines are of it."""

    def read(self, lines: Iterable[str], source: Source, /) -> tuple[Trace, ...]:
        """Tell the connections of a log."""


def read_log(lines: Iterable[str], source: Source) -> Log:
    """Read a log of any kind.

    Args:
        lines: its lines, in order; they are taken one at a time.
        source: what it is called.
    """
    stream = iter(lines)
    head = list(islice(stream, _HEAD))
    gathered = _Gathered(chain(head, stream), source)
    name = _dialect_of(head)
    if name is None:
        return _phrases_in(gathered)
    traces, problems = _told(name, gathered)
    if not traces and len(head) < _HEAD:
        # One line of a debug log tells no connection, and may still say something.
        return replace(_phrases_in(_Gathered(head, source)), dialect=name)
    said = tuple(one for trace in traces for one in trace.said)
    certificates = tuple(gathered.pem.found.values())
    problems += _bounded(len(traces), _CONNECTIONS, "connections", source)
    problems += _bounded(len(said), _MOST, "recognised phrases", source)
    kept = traces[:_CONNECTIONS], said[:_MOST], certificates
    return Log(source, name, *kept, (*gathered.problems, *problems))


def _dialect_of(head: Sequence[str]) -> str | None:
    """Name the first dialect that these lines are of; a line counts as far as it is read."""
    looked_at = [line[:LINE] for line in head]
    if len(looked_at) == 1 and not any(mark in looked_at[0] for mark in _DEBUG):
        return None  # one pasted line; the readers of whole logs are not even loaded
    if _module("java").fits(looked_at):
        return "java"
    # A transcript begins as such; further down, others quote such lines.
    return next((one for one in _TRANSCRIPTS if _module(one).fits(looked_at[:_BEGIN])), None)


def _told(name: str, lines: _Gathered) -> tuple[tuple[Trace, ...], tuple[Problem, ...]]:
    """Tell the connections of a log by its own reader, and what that reader left out."""
    if name == "java":
        from mtlskit.trace.dialects import java  # noqa: PLC0415 - loaded for its logs alone

        told = java.read_all(lines, lines.source)
        return told.traces, told.problems
    return _module(name).read(lines, lines.source), ()


def _unread(line: int, source: Source) -> Problem:
    text = (
        f"only the first {_MOST} phrases about TLS are told; after line {line} this log was not "
        "read. Cut it to the time of the failure."
    )
    return Problem("many-phrases", text, source)


def _bounded(number: int, most: int, what: str, source: Source) -> tuple[Problem, ...]:
    if number <= most:
        return ()
    text = (
        f"{number - most} more {what} are in this log than are told. Cut the log to the time of "
        "the failure."
    )
    return (Problem(f"many-{what.partition(' ')[0]}", text, source),)


def _module(name: str) -> Dialect:
    return import_module(f"mtlskit.trace.dialects.{name}")


class _Gathered:
    """Lines on their way to a reader: cut to a bound, certificates in them are kept."""

    def __init__(self, lines: Iterable[str], source: Source) -> None:
        self._lines = lines
        self.source = source
        self.pem = PemBlocks()
        self.problems: list[Problem] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, 1):
            if len(line) > _LONGEST:
                self._cut(number)
                line = line[:_LONGEST]  # noqa: PLW2901 - the rest is never looked at
            if "-----" in line or self.pem.open:
                self.pem.take(line, self.source.at(f"line {number}"))
            yield line

    def _cut(self, number: int) -> None:
        if not self.problems:
            text = f"this line is longer than {_LONGEST} characters; the rest of it was not read"
            place = self.source.at(f"line {number}")
            self.problems.append(Problem("long-line", text, place))


def _phrases_in(lines: _Gathered) -> Log:
    source = lines.source
    frames: list[tuple[int, Side]] = []
    phrases = _placed(lines, frames)
    placed = _heard(list(islice(phrases, _MOST)), frames)
    problems = list(lines.problems)
    if next(phrases, None) is not None:
        problems.append(_unread(placed[-1].line, source))
    grouped = list(groups(placed))
    problems += _bounded(len(grouped), _CONNECTIONS, "connections", source)
    told = (_trace_of(one) for one in grouped)
    traces = tuple(one for one in islice(told, _CONNECTIONS) if one is not None)
    said = tuple(one.said for one in placed)
    certificates = tuple(lines.pem.found.values())
    return Log(source, _dialect(said), traces, said, certificates, tuple(problems))


def _trace_of(group: Group) -> Trace | None:
    trace = trace_of([sense(one) for one in group.said], group.said[0].source)
    if trace is None:
        return None
    return replace(trace, began=began(group.clock), clock=group.clock, caller=group.caller)


def _placed(lines: _Gathered, frames: list[tuple[int, Side]]) -> Iterator[Placed]:
    for number, line in enumerate(lines, 1):
        hits = list(said_in(line, lines.source.at(f"line {number}")))
        if not hits and line[:200].lstrip().startswith(_FRAMES) and len(frames) < _MOST:
            heard = voice(line[:200])
            frames += [(number, heard[1])] if heard else []
        for said in hits:
            heads = clock_of(line), caller_of(line)
            yield Placed(said, number, key_of(line), nested(line), *heads)


def _heard(placed: list[Placed], frames: list[tuple[int, Side]]) -> list[Placed]:
    """Take a line that names no side for that of the lines around it, where these agree."""
    told = [(one.line, one.said.speaker) for one in placed if _tells(one.said)]
    sides = sorted((line, side) for line, side in (*told, *frames) if side is not None)
    return [
        one if one.said.speaker else replace(one, said=_as_around(one, sides)) for one in placed
    ]


def _as_around(one: Placed, sides: list[tuple[int, Side]]) -> Said:
    begin = bisect_left(sides, (one.line - _AROUND, "client"))
    near = set()
    for line, side in sides[begin : begin + 2 * _AROUND]:
        if line > one.line + _AROUND:
            break
        near.add(side)
    return replace(one.said, speaker=near.pop()) if len(near) == 1 else one.said


def _tells(one: Said) -> bool:
    return one.speaker is not None and not phrase(one.phrase).quoted


def _dialect(said: Iterable[Said]) -> str | None:
    counted = Counter(one.phrase.partition(".")[0] for one in said)
    order = {name: place for place, name in enumerate(families())}
    ranked = sorted(counted, key=lambda name: (-counted[name], order[name]))
    return ranked[0] if ranked else None
