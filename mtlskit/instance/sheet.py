"""CSV exports of records, with field names or labels as the header.

Law of this room: cells are text and stay text; a cell that begins like a formula is a value like
any other. Values are those that the list showed, so a reference is a name and not a sys_id.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from mtlskit.instance.rows import Cell, Export, Gatherer, refused, table_by_name, tables
from mtlskit.instance.rows import table_by_columns as by_columns
from mtlskit.material import Blob

_SEPARATORS = ",;\t|"


def read_sheet(blob: Blob) -> Export:
    """Read a CSV export; the separator is told by its header line.

    Raises:
        Unreadable: no table of the instance has columns like these, or a row does not fit them.
    """
    lines = _rows(_decode(blob.data), blob)
    header = [name.strip() for name in next(lines, [])]
    table, columns = _columns(header, blob)
    gather = Gatherer(blob.source, "csv")
    gather.looks(table)
    for number, line in enumerate(lines, start=2):
        if not any(line):
            continue
        if len(line) != len(columns):
            says = (
                f"does not fit its header: row {number} has {len(line)} columns, and the header "
                f"has {len(columns)}. Export it again, and do not edit it in a spreadsheet."
            )
            raise refused(blob.source.at(f"row {number}"), "damaged", says)
        named = zip(columns, line, strict=True)
        gather.record(
            table, "", {name: Cell(name, value) for name, value in named}, f"row {number}"
        )
    return gather.export()


def _decode(data: bytes) -> str:
    """Decode UTF-8, and what is not UTF-8 as Windows-1252, the instance's own default."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _rows(text: str, blob: Blob) -> Iterator[list[str]]:
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except csv.Error as error:
        says = f"is not CSV that can be read ({error}). Export it again, as XML or JSON."
        raise refused(blob.source, "damaged", says) from None


def _columns(header: Sequence[str], blob: Blob) -> tuple[str, list[str]]:
    """Return the table and its column names, from a header of names or of labels."""
    table = by_columns([name.lower() for name in header]) or _by_labels(header)
    table = table or (table_by_name(blob.source.name) if len(header) > 1 else None)
    if table is None:
        says = (
            "is no export that is known: neither XML nor JSON, and its first line does not name "
            "the columns of sys_properties, sys_protocol_profile or sys_certificate."
        )
        raise refused(blob.source, "not-an-export", says)
    names = {label.lower(): name for name, label in tables()[table].columns.items()}
    return table, [names.get(label.lower(), label.lower()) for label in header]


def _by_labels(header: Sequence[str]) -> str | None:
    have = {label.lower() for label in header}
    fitting = {
        table.name: len(have & {label.lower() for label in table.columns.values()})
        for table in tables().values()
        if any(
            {table.columns.get(name, name).lower() for name in names} <= have
            for names in table.tells
        )
    }
    return max(fitting, key=lambda name: fitting[name]) if fitting else None
