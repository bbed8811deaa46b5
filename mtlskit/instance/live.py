"""What was read from a running instance: its tables as exports, and what could not be read.

Law of this room: a table that was refused is not an empty one; who asked is named, and how is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mtlskit.certs.keystore import Store, open_store
from mtlskit.instance.overview import overview
from mtlskit.instance.protocols import Scheme, offered, schemes
from mtlskit.instance.rows import Export
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.material import Problem
from mtlskit.page.blocks import Block, Code, Fields, Inline, Page, Section, Table
from mtlskit.page.plain import Plain, plain
from mtlskit.page.shown import Shown

_FILES = "sys_attachment_doc"
NEWEST = {"sys_outbound_http_log": 500}
"""Tables that grow without end, and how many of their newest records are read."""


@dataclass(frozen=True, slots=True)
class Live(Shown):
    """The settings of one instance, as they were at a moment.

    Attributes:
        host: the instance's address.
        user: who asked; None: the owner of a token.
        at: when, aware UTC.
        exports: one for each table that could be read, as a file of it would have given.
        refused: tables that could not be read, each with the instance's reason.
        problems: what is missing in the tables that could be read.
        requests: how many questions it took.
    """

    host: str
    user: str | None
    at: datetime
    exports: tuple[Export, ...] = field(repr=False)
    refused: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    requests: int = 0

    @property
    def settings(self) -> Settings:
        """The tables joined, as from exported files."""
        read = settings_from(self.exports)
        return replace(read, problems=(*self.problems, *read.problems))

    def stores(self, passwords: Sequence[str] = ()) -> tuple[Store, ...]:
        """Open the key stores whose files were fetched."""
        return tuple(
            open_store(file.blob, passwords)
            for record in self.settings.key_stores or ()
            for file in record.attachments or ()
            if file.blob is not None
        )

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program: the protocol table, and what of the instance was read."""
        settings = self.settings
        return {
            "host": self.host,
            "user": self.user,
            "at": plain(self.at),
            "protocols": [_told(settings, one) for one in schemes(settings)],
            "tables": {
                table: len(export.of(table)) for export in self.exports for table in export.looked
            },
            "refused": dict(self.refused),
            "not_given": list(settings.not_given),
            "problems": [str(one) for one in settings.problems],
            "requests": self.requests,
        }

    def page(self) -> Page:
        """Describe the protocol table, what was read, and what was not."""
        about = Fields(
            (
                ("Read from", self.host),
                ("By", self.user or "the owner of a token"),
                ("At", f"{self.at:%Y-%m-%d %H:%M} UTC"),
                ("Changed", "nothing; it was only read"),
            )
        )
        found = overview(self.settings, at=self.at)
        return Page(found.page().title, (about, *found.blocks(), _tables(self)))


def _told(settings: Settings, scheme: Scheme) -> Plain:
    stores = offered(settings, scheme)
    return {
        "scheme": scheme.name,
        "by": scheme.by,
        "port": scheme.port.value if scheme.port else None,
        "offered": None if stores is None else [one.name for one in stores],
        "set_by": [str(one) for one in (scheme.factory, scheme.port, scheme.keystore) if one],
        "no_effect": [str(one) for one in scheme.overrides],
    }


def _tables(live: Live) -> Block:
    read = [
        (_named(table), _counted(table, len(export.of(table))))
        for export in live.exports
        for table in sorted(export.looked)
    ]
    refused = [(Code(table), f"not read: {why}") for table, why in live.refused]
    table = Table(("Table", "What came of it"), (*read, *refused))
    return Section("The tables that were read", (table,))


def _named(table: str) -> Inline:
    return Code(table) if table != _FILES else "the attached files"


def _counted(table: str, number: int) -> str:
    if number == NEWEST.get(table):
        return f"the newest {number:,} records; there may be more"
    return "1 record" if number == 1 else f"{number:,} records"
