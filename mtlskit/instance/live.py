"""What was read from a running instance: its tables as exports, and what could not be read.

Law of this room: a table that was refused is not an empty one; who asked is named, and how is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mtlskit.certs.keystore import Store, open_store
from mtlskit.instance.protocols import Scheme, offered, schemes
from mtlskit.instance.rows import Export
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.material import Problem
from mtlskit.page.blocks import Block, Code, Fields, Inline, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown


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

    def page(self) -> Page:
        """Describe the protocol table, what was read, and what was not."""
        settings = self.settings
        blocks: list[Block] = [
            Fields(
                (
                    ("Read from", self.host),
                    ("By", self.user or "the owner of a token"),
                    ("At", f"{self.at:%Y-%m-%d %H:%M} UTC"),
                    ("Changed", "nothing; it was only read"),
                )
            ),
            *_protocols(settings),
            _tables(self),
            *_missing(self.problems, settings),
        ]
        return Page("The instance's outbound TLS settings", tuple(blocks))


def _protocols(settings: Settings) -> tuple[Block, ...]:
    rows = tuple(_row(settings, one) for one in schemes(settings))
    columns = ("Scheme", "Port", "Client certificate from", "Set by", "Set in vain")
    return (Section("Which protocol uses what", (Table(columns, rows),)),)


def _row(settings: Settings, scheme: Scheme) -> tuple[Inline, ...]:
    by = scheme.factory or scheme.port
    return (
        Code(scheme.name),
        scheme.port.value if scheme.port else "not registered",
        _stores(settings, scheme),
        by.record if by and by.source else "built in",
        "; ".join(map(str, scheme.overrides)) or "nothing",
    )


def _stores(settings: Settings, scheme: Scheme) -> str:
    if not scheme.offers_certificate:
        return "none is offered"
    if scheme.keystore and settings.certificates is None:
        return f"{scheme.keystore} (sys_certificate was not read)"
    stores = offered(settings, scheme)
    if stores is None:
        return "cannot be told: sys_certificate was not read"
    return ", ".join(one.name for one in stores) or "no active key store is there"


def _tables(live: Live) -> Block:
    read = [
        (Code(table), _counted(len(export.of(table))))
        for export in live.exports
        for table in sorted(export.looked)
    ]
    refused = [(Code(table), f"not read: {why}") for table, why in live.refused]
    return Section("The tables", (Table(("Table", "What came of it"), (*read, *refused)),))


def _counted(number: int) -> str:
    return "1 record" if number == 1 else f"{number:,} records"


def _missing(problems: Sequence[Problem], settings: Settings) -> tuple[Block, ...]:
    told: list[Block] = []
    every = tuple(dict.fromkeys((*problems, *settings.problems)))
    if every:
        rows = tuple((str(one.source), one.text) for one in every)
        told.append(Table(("Where", "What is wrong"), rows))
    if settings.not_given:
        names = ", ".join(settings.not_given)
        told.append(Paragraph(f"Not read, so not judged: {names}."))
    return (Section("What is missing", tuple(told)),) if told else ()
