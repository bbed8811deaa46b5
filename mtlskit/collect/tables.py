"""Whole tables over the Table API: page by page, and no record lost.

Law of this file: a page that did not come whole is asked for again; a table whose records do not
add up is read again, and what still does not add up is told. The wishes of a busy instance
(429, Retry-After) are obeyed. Everything ends at one deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from mtlskit.collect.https import LIMIT, Answer, Login, Lost, Server, get
from mtlskit.collect.table_answers import PASSING, Records, Refusal, understood
from mtlskit.instance.rows import MAX_ROWS
from mtlskit.material import Problem, Source, Unreadable

PAGE = 500
"""Records that are asked for at once."""
PATIENCE = 60.0
"""Seconds for one answer."""
TRIES = 6
"""How often one thing is asked for that does not come."""
_SMALLEST = 10
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0
_READINGS = 3

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is.

    Attributes:
        total: records of the table; None: the instance did not say.
        waiting: seconds that are waited now, because the instance wanted it or something failed.
    """

    table: str
    records: int
    total: int | None
    waiting: float | None = None

    def __str__(self) -> str:
        told = f"{self.table}: {self.records:,}"
        told += f" of {self.total:,} records" if self.total is not None else " records"
        return told + (f", waiting {self.waiting:.1f} s" if self.waiting is not None else "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table, its columns, and which of its records.

    Attributes:
        newest: only so many, those that were created last; None: all of them.
    """

    table: str
    columns: tuple[str, ...]
    query: str = ""
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A table as it was read; the records in the order of their sys_id, or the newest last.

    Attributes:
        total: how many the instance said there are; None: it did not say.
        steady: two readings gave the same records, or one gave as many as there are.
    """

    wanted: Wanted
    records: tuple[Record, ...] = field(repr=False)
    total: int | None
    steady: bool


class TableRefused(Exception):  # noqa: N818 - the table was refused; that is no error of ours
    """This table cannot be read; others perhaps can. Carries the `Refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def _ignore(_: Progress) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class _Read:
    """One reading of a table, page by page; `totals` is what each page said of the whole."""

    records: dict[str, Record] = field(default_factory=dict)
    totals: set[int | None] = field(default_factory=set)

    @property
    def total(self) -> int | None:
        """How many there are, as the instance said; None: it did not say."""
        return max((one for one in self.totals if one is not None), default=None)

    @property
    def moved(self) -> bool:
        """Whether the table changed between two pages, so that a record may have slipped by."""
        return len(self.totals) > 1

    @property
    def adds_up(self) -> bool:
        """Whether as many records came as there are."""
        return not self.moved and self.total in {None, len(self.records)}


class Instance:
    """An instance that is asked, within one deadline for everything.

    Attributes:
        requests: how many were sent.
    """

    def __init__(
        self,
        server: Server,
        login: Login,
        deadline: float,
        progress: Callable[[Progress], None] = _ignore,
    ) -> None:
        self.requests = 0
        self._server = server
        self._login = login
        self._deadline = deadline
        self._progress = progress
        self._page = PAGE

    def table(self, wanted: Wanted) -> Whole:
        """Read one table.

        Raises:
            TableRefused: it cannot be read by this user, or there is none of that name.
            Unreadable: the instance cannot be read at all.
        """
        read = self._reading(wanted)
        found, every = read.records, dict(read.records)
        if wanted.newest is not None:
            # As in an export, the newest come last.
            return Whole(wanted, tuple(found.values())[::-1], len(found), steady=True)
        for _ in range(_READINGS - 1):
            if read.adds_up:
                break
            # Either records came and went between two pages, or some are hidden from this user.
            read, before = self._reading(wanted), read
            found = read.records
            every |= found
            if found.keys() == before.records.keys() and not read.moved:
                return Whole(wanted, tuple(found.values()), read.total, steady=True)
        kept = found if read.adds_up else every
        return Whole(wanted, tuple(kept.values()), read.total, read.adds_up)

    def file(self, sys_id: str, limit: int) -> bytes:
        """Return the bytes of one attachment.

        Raises:
            TableRefused: it cannot be had.
            Unreadable: the instance cannot be read at all.
        """
        path = f"/api/now/attachment/{quote(sys_id, safe='')}/file"
        told = Progress(f"attachment {sys_id}", 0, None)

        def read(answer: Answer) -> bytes | Refusal:
            page = "html" in answer.headers.get("content-type", "")
            if answer.status == 200 and not page:  # noqa: PLR2004 - OK, RFC 9110, 15.3.1
                return answer.body
            refused = _understood(answer)
            gone = Refusal("no-such-table", "The instance holds no such file.")
            return refused if isinstance(refused, Refusal) else gone

        return self._ask(lambda: path, told, read, limit)  # type: ignore[no-any-return] # as `read` gives

    def _reading(self, wanted: Wanted) -> _Read:
        """Read every page once; a record that comes on two pages counts once."""
        read = _Read()
        offset, more = 0, True
        while more:
            told = Progress(wanted.table, len(read.records), read.total)
            self._progress(told)
            page = self._ask(partial(self._path, wanted, offset), told, _understood)
            for one in page.records:
                read.records.setdefault(_sys_id(one) or f"{offset} {len(read.records)}", one)
            read.totals.add(page.total)
            offset = _next(page, offset, self._page)
            more = wanted.newest is None and _more(page, offset)
            if offset > MAX_ROWS:
                self._stop("too-large", f"{wanted.table} has more than {MAX_ROWS:,} records.")
        self._progress(Progress(wanted.table, len(read.records), read.total))
        return read

    def _path(self, wanted: Wanted, offset: int) -> str:
        # Without an order of its own a page may repeat records of another, and lose some.
        order = "ORDERBYsys_id" if wanted.newest is None else "ORDERBYDESCsys_created_on"
        asked = {
            "sysparm_query": f"{wanted.query}^{order}".lstrip("^"),
            "sysparm_fields": ",".join(wanted.columns),
            "sysparm_display_value": "all",
            "sysparm_limit": str(min(self._page, wanted.newest or self._page)),
            "sysparm_offset": str(offset),
        }
        return f"/api/now/table/{wanted.table}?{urlencode(asked, quote_via=quote)}"

    def _ask(
        self,
        path: Callable[[], str],
        told: Progress,
        read: Callable[[Answer], Any],
        limit: int = LIMIT,
    ) -> Any:  # noqa: ANN401 - as `read` gives
        """Ask until there is an answer that counts, or no time or no hope is left."""
        failed = waited = 0
        while True:
            wished: float | None = None
            try:
                self.requests += 1
                given = read(self._get(path(), limit))
            except Lost as lost:
                why = f"{lost}".rstrip(".") + "."
            else:
                if not isinstance(given, Refusal):
                    return given
                why, wished = given.text, given.wait
                self._heed(given)
            # An instance that asks for patience has not failed: only the deadline ends that.
            failed += wished is None
            if failed == TRIES:
                self._stop("not-reached", f"It was asked {TRIES} times. {why}")
            self._wait(waited, wished, told, why)
            waited += 1

    def _get(self, path: str, limit: int) -> Answer:
        until = min(self._deadline, monotonic() + PATIENCE)
        return get(self._server, path, self._login, until, limit)

    def _heed(self, refusal: Refusal) -> None:
        """Go on only where asking again can help."""
        if refusal.kind in {"not-permitted", "no-such-table"}:
            raise TableRefused(refusal)
        if refusal.kind == "cut-short":
            self._page = max(_SMALLEST, self._page // 2)
        if refusal.kind not in PASSING:
            self._stop(refusal.kind, refusal.text)

    def _wait(self, attempt: int, wished: float | None, told: Progress, why: str) -> None:
        own = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt, 10))
        seconds = max(own, wished or 0.0)
        if monotonic() + seconds >= self._deadline:
            wish = f" It wants {wished:.0f} seconds of patience." if wished else ""
            self._stop("too-slow", f"The time that was given for it is up. {why}{wish}")
        self._progress(Progress(told.table, told.records, told.total, seconds))
        time.sleep(seconds)

    def _stop(self, code: str, says: str) -> NoReturn:
        raise Unreadable(Problem(code, says, Source(str(self._server))))


def _understood(answer: Answer) -> Records | Refusal:
    return understood(answer, datetime.now(UTC))


def _next(page: Records, offset: int, size: int) -> int:
    """Return where the next page begins; as near as can be where the instance does not say.

    A page may be short because some of its records are hidden, or because the instance gives fewer
    than were asked for. To begin too early costs a few records twice; too late would lose some.
    """
    if page.following is not None and page.following > offset:
        return page.following
    return offset + (len(page.records) or size)


def _more(page: Records, offset: int) -> bool:
    """Tell whether to go on. A short page is no end: records that may not be read leave gaps."""
    if page.following is not None:
        return True
    if page.total is not None:
        return offset < page.total
    return bool(page.records)


def _sys_id(record: Record) -> str:
    held = record.get("sys_id", "")
    value = held.get("value") if isinstance(held, dict) else held
    return value if isinstance(value, str) else ""
