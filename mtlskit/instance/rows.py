"""Records as an export carries them, whatever its format.

Law of this room: of a record only the columns in `tables.toml` are kept, and no column that holds
a password stands there; a record of any other table is counted and let go. A row says where it
stood. Nothing is interpreted: a value and the label shown for it are kept side by side.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Literal

from mtlskit.material import Problem, Source, Unreadable

Format = Literal["xml", "json", "csv", "xlsx"]
Mention = tuple[Literal["host", "uri", "name"], str]
"""An instance as an export names it: a link's host, `glide.servlet.uri` or `instance_name`."""

MAX_BYTES = 512 * 1024 * 1024
"""A longer file is refused: exports of these tables are far smaller."""
MAX_FIELD = 16 * 1024 * 1024
"""A longer value is let go, and told: no setting and no part of an attachment is that long."""
MAX_DEPTH = 32
"""Elements or objects nested deeper than this are no export."""
MAX_ROWS = 1_000_000
"""More records of the kept tables than this are refused."""


@dataclass(frozen=True, slots=True)
class Table:
    """What `tables.toml` says of a table."""

    name: str
    label: str
    columns: Mapping[str, str]
    tells: tuple[frozenset[str], ...]
    keep: tuple[str, ...]


@cache
def tables() -> Mapping[str, Table]:
    """Return the tables whose records are kept, by name."""
    text = files("mtlskit.instance").joinpath("tables.toml").read_text(encoding="utf-8")
    return {
        name: Table(
            name,
            one["label"],
            one["columns"],
            tuple(frozenset(names) for names in one["tells"]),
            tuple(one.get("keep", ())),
        )
        for name, one in tomllib.loads(text).items()
    }


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a record: its value as stored, and the label shown for it where both came."""

    field: str
    value: str
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record.

    Attributes:
        action: what importing it would do: ``INSERT_OR_UPDATE`` or ``DELETE``; "" if not said.
    """

    table: str
    action: str
    cells: tuple[Cell, ...] = field(repr=False)
    source: Source

    def cell(self, name: str) -> Cell | None:
        """Return a field; None if the export does not carry it."""
        return next((one for one in self.cells if one.field == name), None)

    def text(self, name: str) -> str:
        """Return a field's value without surrounding space; "" if empty or not carried."""
        cell = self.cell(name)
        return cell.value.strip() if cell else ""

    @property
    def named(self) -> str:
        """What a person calls the record: the first column of its table."""
        return self.text(next(iter(tables()[self.table].columns)))


@dataclass(frozen=True, slots=True)
class Export:
    """One file of records.

    Attributes:
        looked: tables that the file speaks of, also where none of their records was kept.
        skipped: how many records of which other tables were let go, by table.
        mentions: instances that the file names.
    """

    source: Source
    format: Format
    rows: tuple[Row, ...] = field(repr=False)
    looked: frozenset[str]
    skipped: tuple[tuple[str, int], ...] = ()
    mentions: tuple[Mention, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of(self, table: str) -> tuple[Row, ...]:
        """Return the rows of one table, in the order of the file."""
        return tuple(row for row in self.rows if row.table == table)


class Gatherer:
    """Collects rows as a reader finds them; keeps what `tables.toml` says, counts the rest."""

    def __init__(self, source: Source, kind: Format) -> None:
        self.source = source
        self._format = kind
        self._rows: list[Row] = []
        self._looked: set[str] = set()
        self._skipped: Counter[str] = Counter()
        self._mentions: dict[Mention, None] = {}
        self._problems: list[Problem] = []
        self._seen = 0

    @property
    def seen(self) -> int:
        """How many records were met, kept or not."""
        return self._seen

    def looks(self, table: str) -> None:
        """Note that the file speaks of this table."""
        if table in tables():
            self._looked.add(table)

    def mention(self, mention: Mention) -> None:
        """Note an instance that the file names."""
        self._mentions[mention] = None

    def problem(self, code: str, text: str, *place: str) -> None:
        """Note something wrong that does not stop the reading."""
        self._problems.append(Problem(code, text, self.source.at(*place)))

    def record(self, table: str | None, action: str, cells: Mapping[str, Cell], *at: str) -> None:
        """Take one record; where the file does not name its table (None), its columns tell it."""
        self._seen += 1
        table = table or table_by_columns(cells, self.source.name)
        if table is None or table not in tables():
            self._skipped[table or "(a table that the file does not name)"] += 1
            return
        self._looked.add(table)
        if not self._keeps(tables()[table], cells):
            self._skipped[f"{table} (not about outbound connections)"] += 1
            return
        self._rows.append(self._row(tables()[table], action, cells, at))
        if len(self._rows) > MAX_ROWS:
            raise refused(self.source, "too-large", f"holds more than {MAX_ROWS:,} records.")

    def _row(
        self, table: Table, action: str, cells: Mapping[str, Cell], at: tuple[str, ...]
    ) -> Row:
        kept = tuple(one for name, one in cells.items() if name in table.columns)
        number = cells["sys_id"].value if "sys_id" in cells else ""
        place = f"record {number}" if number else f"record no. {self._seen}"
        return Row(table.name, action, kept, self.source.at(*at, f"{table.name} {place}"))

    def _keeps(self, table: Table, cells: Mapping[str, Cell]) -> bool:
        """Tell whether a property or parameter is about outbound connections, and no password."""
        if not table.keep:
            return True
        named = cells.get(next(iter(table.columns)))
        name = named.value.strip() if named else ""
        if name in ("instance_name", "glide.servlet.uri") and "value" in cells:
            kind: Literal["name", "uri"] = "name" if name == "instance_name" else "uri"
            self.mention((kind, cells["value"].value.strip().lower().rstrip("/")))
        secret = "type" in cells and cells["type"].value.lower().startswith("password")
        secret = secret or name.lower().endswith("password")
        return name.startswith(table.keep) and not secret

    def export(self) -> Export:
        """Return everything gathered."""
        return Export(
            self.source,
            self._format,
            tuple(self._rows),
            frozenset(self._looked),
            tuple(sorted(self._skipped.items())),
            tuple(self._mentions),
            tuple(self._problems),
        )


def table_by_columns(columns: Iterable[str], file_name: str = "") -> str | None:
    """Tell a table by a record's columns, else by the file's name; None if neither tells."""
    have = set(columns)
    fitting = [one for one in tables().values() if any(names <= have for names in one.tells)]
    if fitting:
        return max(fitting, key=lambda one: len(one.columns.keys() & have)).name
    return table_by_name(file_name)


def table_by_name(file_name: str) -> str | None:
    """Tell a table by the name that the instance gives an export: ``sys_certificate (3).xml``."""
    stem = PurePath(file_name.replace("\\", "/")).name.lower()
    fitting = [name for name in tables() if stem.startswith(name)]
    return max(fitting, key=len) if fitting else None


def refused(source: Source, code: str, says: str) -> Unreadable:
    """Make the error that says why a file, or an update set's payload in it, cannot be read."""
    within = any(place.startswith("sys_update_xml") for place in source.place)
    subject = "The payload" if within else "The file"
    return Unreadable(Problem(code, f"{subject} {says}", source))
