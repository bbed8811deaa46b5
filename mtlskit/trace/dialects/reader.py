"""One door for every log: what wrote it is recognised by its content, and its reader is called.

Law of this file: no content raises. Lines are taken one at a time; a line longer than the limit is
cut, and that is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from mtlskit.material import Problem, Side, Source
from mtlskit.trace.dialects.grouping import Placed, groups, key_of, nested
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.phrases import LINE, families, find, phrase, voice
from mtlskit.trace.dialects.sense import sense
from mtlskit.trace.said import Said

_HEAD = 400
"""Lines by which a dialect is recognised."""
_TEXT = 400
"""Characters of a recognised line that are kept."""
_MOST = 5000
"""Phrases of one log that are kept."""
_CONNECTIONS = 1000
"""Connections of one log that are kept."""
_AROUND = 60
"""Lines within which a line that names no side is that of its neighbours."""


def read_log(lines: Iterable[str], source: Source) -> Log:
    """Read a log of any kind."""
    stream = iter(lines)
    head = list(islice(stream, _HEAD))
    return _phrases_in(chain(head, stream), source)


def _phrases_in(lines: Iterable[str], source: Source) -> Log:
    problems: list[Problem] = []
    placed = _heard(list(islice(_placed(lines, source, problems), _MOST)))
    traces = []
    for group in islice(groups(placed), _CONNECTIONS):
        trace = trace_of([sense(one) for one in group], group[0].source)
        traces += [trace] if trace is not None else []
    said = tuple(one.said for one in placed)
    return Log(source, _dialect(said), tuple(traces), said, problems=tuple(problems))


def _placed(lines: Iterable[str], source: Source, problems: list[Problem]) -> Iterator[Placed]:
    for number, line in enumerate(lines, 1):
        place = source.at(f"line {number}")
        if len(line) > LINE and not problems:
            text = f"this line is longer than {LINE} characters; the rest of it was not looked at"
            problems.append(Problem("long-line", text, place))
        for said in said_in(line, place):
            yield Placed(said, number, key_of(line), nested(line))


def _heard(placed: list[Placed]) -> list[Placed]:
    """Take a line that names no side for that of the lines around it, where these agree."""
    told = [(one.line, one.said.speaker) for one in placed if _tells(one.said)]
    if len({side for _, side in told}) != 1:
        return placed
    side = told[0][1]
    near = [line for line, _ in told]
    return [
        replace(one, said=replace(one.said, speaker=side))
        if one.said.speaker is None and any(abs(one.line - line) <= _AROUND for line in near)
        else one
        for one in placed
    ]


def _tells(one: Said) -> bool:
    return one.speaker is not None and not phrase(one.phrase).quoted


def said_in(line: str, place: Source) -> Iterator[Said]:
    """Give the phrases in one line."""
    hits = find(line)
    if not hits:
        return
    heard = voice(line[:LINE])
    side: Side | None = heard[1] if heard else None
    for hit in hits:
        text = line[hit.start : min(hit.end, hit.start + _TEXT)].strip()
        yield Said(hit.phrase.id, hit.phrase.speaker or side, text, place, hit.values)


def _dialect(said: Iterable[Said]) -> str | None:
    counted = Counter(one.phrase.partition(".")[0] for one in said)
    order = {name: place for place, name in enumerate(families())}
    ranked = sorted(counted, key=lambda name: (-counted[name], order[name]))
    return ranked[0] if ranked else None
