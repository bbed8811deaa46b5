"""Exports written anew: what was read from a running instance, as files that can be read again.

Law of this room: only the columns of `tables.toml` are written, so no password field ever is.
Both forms are those of the instance itself: the Table API's JSON, and Export > XML.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from mtlskit.instance.rows import Cell, Export, Row


def as_json(export: Export) -> Mapping[str, bytes]:
    """Return one file for each table that the export speaks of, also where it holds nothing.

    The names end in ``.json``; by them a table without records is known again.
    """
    return {
        f"{table}.json": _document(_plain(row) for row in export.of(table))
        for table in sorted(export.looked)
    }


def _document(records: Iterable[Mapping[str, object]]) -> bytes:
    return (json.dumps({"result": list(records)}, indent=1, ensure_ascii=False) + "\n").encode(
        "utf-8",
        "backslashreplace",  # half of a surrogate pair stays what it was: JSON's own escape
    )


def _plain(row: Row) -> Mapping[str, object]:
    return {one.field: _value(one) for one in row.cells}


def _value(cell: Cell) -> object:
    if cell.display is None or cell.display == cell.value:
        return cell.value
    return {"display_value": cell.display, "value": cell.value}


def as_xml(exports: Iterable[Export], at: datetime) -> bytes:
    """Return one document of all tables, as Export > XML writes it.

    Args:
        exports: what is written. An empty table leaves no trace in this form.
        at: when it was read, aware UTC.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<unload unload_date="{at:%Y-%m-%d %H:%M:%S}">')
    for export in exports:
        lines += [_record(row) for row in export.rows]
    return "\n".join([*lines, "</unload>\n"]).encode("utf-8", "replace")


def _record(row: Row) -> str:
    fields = "\n".join(map(_field, row.cells))
    return f'<{row.table} action="INSERT_OR_UPDATE">\n{fields}\n</{row.table}>'


def _field(cell: Cell) -> str:
    name, value = cell.field, escape(_fit(cell.value), {"\r": "&#13;"})
    shown = ""
    if cell.display not in {None, cell.value}:
        shown = f" display_value={quoteattr(_fit(str(cell.display)))}"
    return f"<{name}{shown}>{value}</{name}>" if value else f"<{name}{shown}/>"


def _fit(text: str) -> str:
    """Leave out the characters that XML 1.0 cannot carry (2.2), which no setting holds."""
    return "".join(one for one in text if one in "\t\n\r" or " " <= one not in "\ufffe\uffff")
