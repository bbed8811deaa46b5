"""Java's TLS debug log (``-Djavax.net.debug``), in all of its dialects, told as traces.

Law of this file: it only chooses the reader. Up to 8u25x the log is free text; since then it is
entries with one head: their levels are FINE and SEVERE in Java 8, DEBUG and ERROR from 11 on, and
from 25 on an exception names its alert in brackets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice

from mtlskit.material import Source
from mtlskit.trace.dialects import java_lines, java_old
from mtlskit.trace.dialects.java_book import Book
from mtlskit.trace.events import Trace

_LOOKED_AT = 20_000
"""Lines by which the dialect is told; an application's own lines may come before."""


def fits(first_lines: Sequence[str]) -> bool:
    """Tell whether these lines are of a Java debug log, of whatever dialect."""
    return (
        java_lines.fits(first_lines)
        or java_old.fits(first_lines)
        or java_lines.fits_loosely(first_lines)
    )


def read(lines: Iterable[str], source: Source) -> tuple[Trace, ...]:
    """Tell the connections of a log, in the order of their beginnings; never fails for content.

    The lines are taken one at a time and may be without end; memory grows with the number of
    connections that are kept (`java_book.LIMIT`), not with the log.
    """
    stream = iter(lines)
    first = list(islice(stream, _LOOKED_AT))
    cut = java_lines.entries
    if not java_lines.fits(first):
        if java_old.fits(first):
            return java_old.read(chain(first, stream), source)
        cut = java_lines.loose_entries if java_lines.fits_loosely(first) else cut
    book = Book(source)
    for entry in cut(chain(first, stream)):
        book.take(entry)
    return book.told()
