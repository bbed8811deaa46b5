"""Saved reports among the files that were given.

Law of this file: reports are opened by themselves; among evidence they are named and not judged.
"""

from __future__ import annotations

from collections.abc import Iterable

from mtlskit.collect.files import read_blob
from mtlskit.collect.sorting import Given, sort_of
from mtlskit.material import Blob, Unreadable
from mtlskit.report.reopened import Reopened, reopened


def reopen(given: Given) -> Reopened:
    """Open a saved report, ``NAME.json``; it shows itself and is compared with others.

    Raises:
        Unreadable: there is no such file, it is no report, or its schema is not known.
    """
    return reopened(given if isinstance(given, Blob) else read_blob(given))


def saved_among(files: Iterable[Given]) -> tuple[Reopened, ...]:
    """Open the reports if nothing but reports was given, one or two; else return ().

    Raises:
        Unreadable: a report's schema is not known, or it is damaged.
    """
    every = tuple(files)
    if not 1 <= len(every) <= 2 or not all(map(_is_report, every)):  # noqa: PLR2004 - a pair
        return ()
    return tuple(map(reopen, every))


def _is_report(given: Given) -> bool:
    try:
        return sort_of(given)[0] == "report-json"
    except Unreadable:
        return False
