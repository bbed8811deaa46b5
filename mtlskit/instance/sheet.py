"""Sheets of records, with field names or labels as the header: CSV, and the lines of a workbook.

Law of this room: cells are text and stay text; a cell that begins like a formula is a value like
any other. Values are those that the list showed, so a reference is a name and not a sys_id.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from mtlskit.instance.rows import Cell, Export, Gatherer, refused, table_by_name, tables
from mtlskit.instance.rows import table_by_columns as by_columns
from mtlskit.material import Blob, Source

_SEPARATORS = ",;\t|"
_TOLD = re.compile(r"sep=(?P<sign>[,;\t|])\s*\Z")
"""A first line by which a spreadsheet is told the separator."""


def read_sheet(blob: Blob) -> Export:
    """Read a CSV export; the separator is told by its header line.

    Raises:
        Unreadable: no table of the instance has columns like these, or a row does not fit them.
    """
    gather = Gatherer(blob.source, "csv")
    take_lines(gather, enumerate(_rows(_decode(blob.data), blob), start=1))
    return gather.export()


def take_lines(gather: Gatherer, lines: Iterable[tuple[int, list[str]]], *at: str) -> None:
    """Take the lines of a sheet, each with its number; the first names the columns.

    Raises:
        Unreadable: no table of the instance has columns like these, or a row does not fit them.
    """
    source = gather.source.at(*at)
    rows = iter(lines)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    table, columns = _columns(header, source)
    gather.looks(table)
    for number, line in rows:
        if not any(line):
            continue
        if len(line) != len(columns):
            why = " Its lines may be separated by another sign." if len(line) == 1 else ""
            says = (
                f"does not fit its header: row {number} has {len(line)} columns, and the header "
                f"has {len(columns)}.{why} Export it again, and do not edit it in a spreadsheet."
            )
            raise refused(source.at(f"row {number}"), "damaged", says)
        named = zip(columns, line, strict=True)
        cells = {name: Cell(name, value) for name, value in named}
        gather.record(table, "", cells, *at, f"row {number}")


def _decode(data: bytes) -> str:
    """Decode UTF-8, and what is not UTF-8 as Windows-1252, the instance's own default.

    A spreadsheet that saves as Unicode text writes UTF-16, with a mark.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _rows(text: str, blob: Blob) -> Iterator[list[str]]:
    first, _, rest = text.partition("\n")
    told = _TOLD.match(first)
    if told:
        text, first = rest, rest.partition("\n")[0]
    separator = told["sign"] if told else max(_SEPARATORS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except csv.Error as error:
        says = f"is not CSV that can be read ({error}). Export it again, as XML or JSON."
        raise refused(blob.source, "damaged", says) from None


def _columns(header: Sequence[str], source: Source) -> tuple[str, list[str]]:
    """Return the table and its column names, from a header of names or of labels."""
    table = table_of(header) or (table_by_name(source.name) if len(header) > 1 else None)
    if table is None:
        says = (
            "is no export that is known: neither XML nor JSON, and its first line does not name "
            "the columns of sys_properties, sys_protocol_profile or sys_certificate."
        )
        raise refused(source, "not-an-export", says)
    _must_be_named(table, header, source)
    names = {label.lower(): name for name, label in tables()[table].columns.items()}
    return table, [names.get(label.lower(), label.lower()) for label in header]


def table_of(header: Sequence[str]) -> str | None:
    """Tell a table by a header of column names or of labels; None if neither tells."""
    return by_columns([name.lower() for name in header]) or _by_labels(header)


def header_of(text: str) -> list[str]:
    """Return the cells of a CSV file's header line, as `read_sheet` would read it."""
    first, _, rest = text.partition("\n")
    told = _TOLD.match(first)
    first = rest.partition("\n")[0] if told else first
    separator = told["sign"] if told else max(_SEPARATORS, key=first.count)
    return [one.strip(' "\r') for one in first.split(separator)]


def _must_be_named(table: str, header: Sequence[str], source: Source) -> None:
    """Refuse a header in words that are not known, whatever the file's name promises."""
    known = {word.lower() for pair in tables()[table].columns.items() for word in pair}
    if known & {name.lower() for name in header}:
        return
    says = (
        f"is called like an export of {table}, but none of its columns is known "
        f"({', '.join(header)[:80]}). Labels in another language are not; export it as XML or JSON."
    )
    raise refused(source, "not-an-export", says)


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
