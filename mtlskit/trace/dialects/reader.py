"""One door for every log: what wrote it is recognised by its content, and its reader is called.

Law of this file: no content raises. Lines are taken one at a time; a line longer than the limit is
cut, and that is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from mtlskit.material import Problem, Side, Source
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.phrases import LINE, families, find, voice
from mtlskit.trace.dialects.sense import sense
from mtlskit.trace.said import Said

_HEAD = 400
"""Lines by which a dialect is recognised."""
_TEXT = 400
"""Characters of a recognised line that are kept."""
_MOST = 5000
"""Phrases of one log that are kept."""


def read_log(lines: Iterable[str], source: Source) -> Log:
    """Read a log of any kind."""
    stream = iter(lines)
    head = list(islice(stream, _HEAD))
    return _phrases_in(chain(head, stream), source)


def _phrases_in(lines: Iterable[str], source: Source) -> Log:
    problems: list[Problem] = []
    said = tuple(islice(_said(lines, source, problems), _MOST))
    trace = trace_of([sense(one) for one in said], source) if said else None
    return Log(
        source,
        _dialect(said),
        traces=() if trace is None else (trace,),
        said=said,
        problems=tuple(problems),
    )


def _said(lines: Iterable[str], source: Source, problems: list[Problem]) -> Iterator[Said]:
    for number, line in enumerate(lines, 1):
        place = source.at(f"line {number}")
        if len(line) > LINE and not problems:
            text = f"this line is longer than {LINE} characters; the rest of it was not looked at"
            problems.append(Problem("long-line", text, place))
        yield from said_in(line, place)


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
