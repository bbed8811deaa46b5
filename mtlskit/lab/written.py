"""Made-up records written in every format that an instance gives.

Law of this room: each format as the instance's documentation describes it; where it is silent, as
its users report. What a list shows differs from what is stored, and so do these files.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from mtlskit.instance.rows import tables
from mtlskit.lab.records import STAMP, Link, Made, sys_id

HOST = "northwind-made-up.example.com"
_ACTION = ' action="INSERT_OR_UPDATE"'
_LABELS = MappingProxyType({"key_store": "Java Key Store", "trust_store": "Trust Store Cert"})


def as_unload(records: Iterable[Made], *, wrapper: str = "unload") -> bytes:
    """Write records as Export > XML does, all tables in one document."""
    attributes = f' unload_date="{STAMP}"' if wrapper == "unload" else ""
    action = _ACTION if wrapper == "unload" else ""
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{wrapper}{attributes}>']
    lines += [_element(record, action) for record in records]
    return "\n".join([*lines, f"</{wrapper}>\n"]).encode()


def _element(record: Made, action: str) -> str:
    lines = [f"<{record.table}{action}>"]
    for name, value in record.every_field():
        if isinstance(value, Link):
            shown = quoteattr(value.name)
            lines.append(f"<{name} display_value={shown}>{value.sys_id}</{name}>")
        else:
            lines.append(f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>")
    return "\n".join([*lines, f"</{record.table}>"])


def as_update_set(records: Iterable[Made], *, cdata: bool = False) -> bytes:
    """Write records as an update set does: each in a document of its own, within a payload."""
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<unload unload_date="{STAMP}">']
    for record in records:
        inner = (
            f'<?xml version="1.0" encoding="UTF-8"?><record_update table="{record.table}">'
            f"{_element(record, _ACTION)}</record_update>"
        )
        payload = f"<![CDATA[{inner}]]>" if cdata else escape(inner)
        name = f"{record.table}_{sys_id(record.table, record.key)}"
        lines.append(
            f'<sys_update_xml action="INSERT_OR_UPDATE"><name>{name}</name>'
            f"<payload>{payload}</payload></sys_update_xml>"
        )
    return "\n".join([*lines, "</unload>\n"]).encode()


def as_table_api(records: Iterable[Made], *, display: str = "false") -> bytes:
    """Write records of one table as the Table API does, with ``sysparm_display_value=display``."""
    write = {"false": _plain, "true": _shown, "all": _both}[display]
    result = [
        {name: write(name, value) for name, value in record.every_field()} for record in records
    ]
    return (json.dumps({"result": result}, indent=1, ensure_ascii=False) + "\n").encode()


def _address(link: Link) -> str:
    return f"https://{HOST}/api/now/table/{link.table}/{link.sys_id}"


def _plain(_name: str, value: str | Link) -> object:
    return {"link": _address(value), "value": value.sys_id} if isinstance(value, Link) else value


def _shown(name: str, value: str | Link) -> object:
    if isinstance(value, Link):
        return {"display_value": value.name, "link": _address(value)}
    return _label(name, value)


def _both(name: str, value: str | Link) -> object:
    if isinstance(value, Link):
        return {"display_value": value.name, "link": _address(value), "value": value.sys_id}
    return {"display_value": _label(name, value), "value": value}


def _label(name: str, value: str) -> str:
    """Return what a list shows for a value."""
    if name == "default_port" and value.isdigit():
        return f"{int(value):,}"
    return _LABELS.get(value, value) if name == "type" else value


def as_csv(records: Sequence[Made], *, labels: bool = False, encoding: str = "cp1252") -> bytes:
    """Write records of one table as a list's CSV export does: values as they are shown."""
    names = [name for name, _ in records[0].every_field() if name != "description"]
    columns = tables()[records[0].table].columns
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([columns.get(name, name) if labels else name for name in names])
    for record in records:
        fields = dict(record.every_field())
        writer.writerow([_in_list(name, fields[name]) for name in names])
    return out.getvalue().encode(encoding)


def _in_list(name: str, value: str | Link) -> str:
    return value.name if isinstance(value, Link) else _label(name, value)


def as_workbook(records: Sequence[Made], *, inline: bool = False) -> bytes:
    """Write records of one table as a list's Excel export does: labels, values as shown, dates.

    Args:
        records: of one table.
        inline: write texts into their cells instead of sharing them.
    """
    names = [name for name, _ in records[0].every_field() if name != "description"]
    columns = tables()[records[0].table].columns
    lines = [[columns.get(name, name) for name in names]]
    for record in records:
        fields = dict(record.every_field())
        lines.append([_in_list(name, fields[name]) for name in names])
    texts: dict[str, int] = {}
    rows = [
        f'<row r="{number}">'
        + "".join(_sheet_cell(column, number, text, texts, inline=inline)
                  for column, text in enumerate(line))
        + "</row>"
        for number, line in enumerate(lines, start=1)
    ]  # fmt: skip
    shared = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    parts = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_OPC}/content-types"/>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}"><sheets><sheet name="Page 1" '
        'sheetId="1"/></sheets></workbook>',
        "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt '
        'numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss"/></numFmts><cellXfs count="2"><xf '
        'numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'{_XML}<sst xmlns="{_MAIN}">{shared}</sst>',
        "xl/worksheets/sheet1.xml": f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'
        f"{''.join(rows)}</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _MADE), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OPC = "http://schemas.openxmlformats.org/package/2006"
_MADE = (2026, 1, 15, 9, 30, 0)
_A_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z")


def _sheet_cell(column: int, row: int, text: str, texts: dict[str, int], *, inline: bool) -> str:
    """Write one cell: a date as a number of days with a style, a text shared or in its place."""
    place = f'r="{chr(ord("A") + column)}{row}"'
    if not text:
        return ""
    if _A_TIME.match(text):
        since = datetime.fromisoformat(text) - datetime(1899, 12, 30)  # noqa: DTZ001 - as in Excel
        return f'<c {place} s="1"><v>{since.days + since.seconds / 86400!r}</v></c>'
    if inline:
        return f'<c {place} t="inlineStr"><is><t>{escape(text)}</t></is></c>'
    return f'<c {place} t="s"><v>{texts.setdefault(text, len(texts))}</v></c>'
