"""JSON exports of records: Table API answers and the list's JSON export.

Law of this room: a field may come as a plain text, as a link, or as value and label together, and
each way gives the same cell. What is no JSON, or is an error message of the instance, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mtlskit.instance.rows import MAX_FIELD, Cell, Export, Gatherer, refused, table_by_name
from mtlskit.material import Blob, Source


def read_table_api(blob: Blob) -> Export:
    """Read a JSON export: ``{"result": […]}``, ``{"result": {…}}`` or ``{"records": […]}``.

    Raises:
        Unreadable: it is cut short, damaged, an error message, or no export of records.
    """
    gather = Gatherer(blob.source, "json")
    document = _load(blob)
    named = table_by_name(blob.source.name)
    if named:
        gather.looks(named)
    for record in _records(document, blob.source):
        gather.record(_class(record), "", dict(_cells(record, gather)))
    return gather.export()


def _load(blob: Blob) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(blob.data.decode(json.detect_encoding(blob.data)))
    except UnicodeDecodeError:
        says = "begins like JSON, but is not text in UTF-8. Export it again."
    except json.JSONDecodeError as error:
        return _refuse_cut_or_damaged(error, blob)
    except (RecursionError, ValueError):
        says = "is JSON, but nested deeper or with longer numbers than any export has."
    raise refused(blob.source, "damaged", says)


def _refuse_cut_or_damaged(error: json.JSONDecodeError, blob: Blob) -> Any:  # noqa: ANN401 - raises
    rest = error.doc[error.pos :].strip()
    if not rest or error.msg.startswith("Unterminated string"):
        says = (
            f"is cut short: it ends in line {error.doc.count(chr(10)) + 1}. "
            "Export it again, and let the download finish."
        )
        raise refused(blob.source, "truncated", says) from None
    says = (
        f"is damaged: line {error.lineno}, column {error.colno} is not JSON ({error.msg}). "
        "Export it again."
    )
    raise refused(blob.source.at(f"line {error.lineno}"), "damaged", says) from None


def _records(document: Any, source: Source) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    """Yield the records of an answer; an error message is told in its own words."""
    if isinstance(document, dict) and isinstance(document.get("error"), dict | str):
        error = document["error"]
        words = error.get("message") or "" if isinstance(error, dict) else error
        says = f"is an error message of the instance, not an export: “{str(words)[:200]}”."
        raise refused(source, "error-message", says)
    held = document
    if isinstance(document, dict):
        held = document.get("result", document.get("records"))
    held = [held] if isinstance(held, dict) else held
    if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        says = (
            'is JSON, but no export of records: an object with "result" was expected, as the '
            "Table API answers."
        )
        raise refused(source, "not-an-export", says)
    yield from held


def _class(record: Mapping[str, Any]) -> str | None:
    """Return the table that a record names itself, if it does."""
    name = record.get("sys_class_name") or record.get("__table")
    value = name.get("value") if isinstance(name, dict) else name
    return value if isinstance(value, str) and value.startswith(("sys_", "http_")) else None


def _cells(record: Mapping[str, Any], gather: Gatherer) -> Iterator[tuple[str, Cell]]:
    for name, field in record.items():
        cell = _cell(name, field, gather)
        if len(cell.value) <= MAX_FIELD:
            yield name, cell
        else:
            says = f"The field {name} is longer than {MAX_FIELD:,} characters; it was left out."
            gather.problem("too-large", says, f"record no. {gather.seen + 1}")


def _cell(name: str, field: Any, gather: Gatherer) -> Cell:  # noqa: ANN401 - any JSON value
    if not isinstance(field, dict):
        return Cell(name, _text(field))
    display = field.get("display_value")
    link = field.get("link")
    if isinstance(link, str):
        _mention(link, gather)
    value = field.get("value")
    if value is None:
        # display_value=true: the link's last segment is the sys_id, which the label hides.
        value = link.rpartition("/")[2] if isinstance(link, str) else display
    return Cell(name, _text(value), None if display is None else _text(display))


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _mention(link: str, gather: Gatherer) -> None:
    try:
        host = urlsplit(link).hostname
    except ValueError:
        return
    if host:
        gather.mention(("host", host))
