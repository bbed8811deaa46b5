"""An instance's settings, read from the instance itself over the Table API.

Law of this file: it only reads (GET, as `https` has nothing else), and asks for no column that
holds a password. What comes is handed to the reader of exported files, so that both ways give the
same values. A table that may not be read is named; it is never taken for an empty one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from mtlskit.certs.certificate import Certificate
from mtlskit.collect.evidence import Given, gather
from mtlskit.collect.given import several
from mtlskit.collect.https import Login, Server, until
from mtlskit.collect.tables import (
    Instance,
    Progress,
    Record,
    TableRefused,
    Wanted,
    Whole,
)
from mtlskit.collect.via import Proxy, proxy_from
from mtlskit.instance.attachments import MAX_FILE
from mtlskit.instance.live import NEWEST, Live
from mtlskit.instance.rows import Export, Table, tables
from mtlskit.instance.tableapi import read_table_api
from mtlskit.material import Blob, Problem, Source, Target, Unreadable

__all__ = ["Live", "Login", "Progress", "read_instance"]

DOMAIN = "service-now.com"
"""Where an instance is looked for that is named by one word."""
TIMEOUT = 300.0
"""Seconds for everything."""
_FILES, _PIECES = "sys_attachment", "sys_attachment_doc"
_STORES = "sys_certificate"
_HTTPS = 443
_PORTS = range(1, 65536)
_FILE_LIMIT = MAX_FILE * 3 // 4 - 3
"""Bytes of an attachment: as base64 it has to fit into what `attachments` takes."""


def read_instance(  # noqa: PLR0913 - each is a wish of its own
    name: str,
    login: Login,
    *,
    only: Iterable[str] | None = None,
    attachments: bool = False,
    trust: Given | Iterable[Given | Certificate] | None = None,
    via: Proxy | str | None = None,
    timeout: float = TIMEOUT,
    progress: Callable[[Progress], None] | None = None,
) -> Live:
    """Read the tables that decide how an instance makes outbound TLS calls.

    Args:
        name: ``acme`` (then ``https://acme.service-now.com``), a host, or an https URL.
        login: who asks; a user needs the right to read these tables (as a rule the role `admin`).
        only: these tables, instead of all in `instance.rows.tables`.
        attachments: fetch the files of `sys_certificate` too, so that the key stores open.
        trust: certificates, or files of them, by which the instance's own is verified; None: what
            the machine trusts.
        via: a proxy that stands between, such as ``http://proxy.example:3128``.
        timeout: seconds for everything together.
        progress: told how far it is, and when something is waited for.

    Raises:
        Unreadable: the instance could not be read at all; the error's problem says why.
        ValueError: there is no such table.
    """
    proxy = proxy_from(via) if isinstance(via, str) else via
    server = Server(target_of(name), _anchors(trust), proxy)
    asked = Instance(server, login, until(timeout), *([progress] if progress else []))
    reading = _Reading(asked, server)
    for wanted in _wanted(only):
        reading.table(wanted)
    if attachments and not (only and _FILES not in only):
        reading.files()
    return Live(
        host=str(server),
        user=login.user,
        at=datetime.now(UTC),
        exports=tuple(reading.exports),
        refused=tuple(reading.refused),
        problems=tuple(reading.problems),
        requests=asked.requests,
    )


def _anchors(trust: object) -> tuple[Certificate, ...] | None:
    """Return what the instance is verified by; a file that holds none would refuse every server."""
    if trust is None:
        return None
    given = several(trust)
    ready = tuple(one for one in given if isinstance(one, Certificate))
    if ready or not given:
        return ready
    found = gather(given)
    if not found.certificates:
        says = "There is no certificate in what was given as trust; expected CA certificates."
        problem = Problem("empty", says, Source("trust"))
        raise Unreadable(next(iter(found.problems), problem))
    return found.certificates


def target_of(name: str) -> Target:
    """Return the host and port of an instance.

    Raises:
        Unreadable: code ``not-recognised``; it is no instance's address, or not one of https.
    """
    url = name.strip() if "://" in name else f"https://{name.strip()}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _HTTPS
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if "@" in parts.netloc:
        says = "An address carries no user and no password here; give the user with --user."
    elif parts.scheme != "https":
        says = "The address of an instance begins with https://, or is its name alone."
    elif not host or not host.isascii() or port not in _PORTS or " " in host:
        says = f"This names no instance; a name such as acme was expected, or acme.{DOMAIN}."
    else:
        return Target(host if "." in host or ":" in host or _local(host) else _full(host), port)
    raise Unreadable(Problem("not-recognised", says, Source("the instance")))


def _local(host: str) -> bool:
    return host == "localhost"


def _full(host: str) -> str:
    return f"{host}.{DOMAIN}"


def _wanted(only: Iterable[str] | None) -> list[Wanted]:
    """Return what to ask for; pieces of attachments come as files, where they are asked for."""
    known = {name: table for name, table in tables().items() if name != _PIECES}
    chosen = tuple(known) if only is None else tuple(dict.fromkeys(only))
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(f"No table {unknown[0]!r} is read; known are {', '.join(known)}.")
    return [
        Wanted(name, tuple(known[name].columns), _query(known[name]), NEWEST.get(name))
        for name in chosen
    ]


def _query(table: Table) -> str:
    """Return an encoded query for the records that are wanted of a table; "" for all of them."""
    if table.name == _FILES:
        return f"table_name={_STORES}"
    named = next(iter(table.columns))
    return "^OR".join(f"{named}STARTSWITH{beginning}" for beginning in table.keep)


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    asked: Instance
    server: Server
    exports: list[Export] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def table(self, wanted: Wanted) -> None:
        """Read one table, or note why it cannot be read."""
        try:
            whole = self.asked.table(wanted)
        except TableRefused as error:
            self.refused.append((wanted.table, error.refusal.text))
            return
        self.problems += _told(whole, self._source(wanted.table))
        self._keep(wanted.table, whole.records)

    def files(self) -> None:
        """Fetch the attachments that were listed."""
        listed = [row for export in self.exports for row in export.of(_FILES)]
        pieces: list[Record] = []
        for row in listed:
            number = row.text("sys_id")
            try:
                data = self.asked.file(number, _FILE_LIMIT)
            except TableRefused as error:
                self._without(row.text("file_name"), error.refusal.text)
            except Unreadable as error:
                if error.problem.code != "too-large":
                    raise
                self._without(row.text("file_name"), error.problem.text)
            else:
                pieces.append(_piece(number, data))
        self._keep(_PIECES, pieces)

    def _without(self, name: str, why: str) -> None:
        says = f"The attachment {name} could not be fetched: {why}"
        self.problems.append(Problem("attachment", says, self._source(_FILES)))

    def _source(self, table: str) -> Source:
        return Source(f"{self.server}/{table}")

    def _keep(self, table: str, records: Iterable[Record]) -> None:
        """Hand the records to the reader of exported files, each with its table's name."""
        result = [{**one, "__table": table} for one in records]
        blob = Blob(self._source(table), json.dumps({"result": result}).encode())
        self.exports.append(read_table_api(blob))


def _piece(number: str, data: bytes) -> Record:
    """Write a file as the one piece of an attachment, as an export would carry it."""
    return {
        "sys_attachment": number,
        "position": "0",
        "data": base64.b64encode(data).decode("ascii"),
        "sys_id": f"{number}-0",
    }


def _told(whole: Whole, source: Source) -> Iterable[Problem]:
    """Tell what of a table is not there, though it should be."""
    read, total = len(whole.records), whole.total
    if total is not None and total > read and whole.steady:
        says = (
            f"The table has {total:,} records, and {read:,} of them were given: the others may "
            "not be read by this user. Read it as a user who may read all."
        )
        yield Problem("hidden-records", says, source)
    elif total is not None and total != read:
        says = (
            f"Records were added or deleted while the table was read: {read:,} were given, and "
            f"the instance counts {total:,}. Read it again."
        )
        yield Problem("changed", says, source)
    given = {name for record in whole.records for name in record}
    absent = [name for name in whole.wanted.columns if name not in given]
    if whole.records and absent:
        says = (
            f"The fields {', '.join(absent)} were not given: this user may not read them, or "
            "this release has none of that name."
        )
        yield Problem("fields-missing", says, source)
