"""Java's TLS debug log (``-Djavax.net.debug``), in all of its dialects, told as traces.

Law of this file: it only chooses the reader. Up to 8u25x the log is free text; since then it is
entries with one head: their levels are FINE and SEVERE in Java 8, DEBUG and ERROR from 11 on, and
from 25 on an exception names its alert in brackets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from mtlskit.material import Problem, Source
from mtlskit.trace.dialects import java_lines, java_old, java_raw
from mtlskit.trace.dialects.java_answer import Answers, answered
from mtlskit.trace.dialects.java_book import Book
from mtlskit.trace.dialects.java_lines import Entry
from mtlskit.trace.events import Trace

_LOOKED_AT = 20_000
"""Lines by which the dialect is told; an application's own lines may come before."""


def fits(first_lines: Sequence[str]) -> bool:
    """Tell whether these lines are of a Java debug log, of whatever dialect."""
    return (
        java_lines.fits(first_lines)
        or java_old.fits(first_lines)
        or java_lines.fits_loosely(first_lines)
        or java_raw.fits(first_lines)
    )


@dataclass(frozen=True, slots=True)
class Told:
    """The connections of a log, in the order of their beginnings, and what could not be told."""

    traces: tuple[Trace, ...]
    problems: tuple[Problem, ...] = ()


def read(lines: Iterable[str], source: Source) -> tuple[Trace, ...]:
    """Tell the connections of a log; see `read_all`."""
    return read_all(lines, source).traces


def read_all(lines: Iterable[str], source: Source) -> Told:
    """Tell the connections of a log, and what was left out; never fails for content.

    The lines are taken one at a time and may be without end; memory grows with the number of
    connections that are kept (`java_book.LIMIT`), not with the log.
    """
    stream = iter(lines)
    first = list(islice(stream, _LOOKED_AT))
    whole = Answers(chain(first, stream), source)
    told = _read(first, whole, source)
    return replace(told, traces=answered(told.traces, whole))


def _read(first: Sequence[str], whole: Iterable[str], source: Source) -> Told:
    """Choose the reader by the first lines."""
    if java_raw.fits(first):
        return _counted(*java_raw.read(whole, source), source)
    if java_lines.fits(first):
        return _told(java_lines.entries(whole), source)
    if java_old.fits(first):
        return _counted(*java_old.read(whole, source), source)
    loose = java_lines.fits_loosely(first)
    return _told(java_lines.loose_entries(whole) if loose else java_lines.entries(whole), source)


def _told(entries: Iterable[Entry], source: Source) -> Told:
    book = Book(source)
    for entry in entries:
        book.take(entry)
    return _counted(book.told(), book.left_out, source)


def _counted(traces: tuple[Trace, ...], left_out: int, source: Source) -> Told:
    if not left_out:
        return Told(traces)
    text = (
        f"{left_out} more connections are in this log than are told. Cut the log to the time of "
        "the failure."
    )
    return Told(traces, (Problem("many-connections", text, source),))
