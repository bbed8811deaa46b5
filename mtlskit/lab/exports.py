"""Exports of made-up instances, in every format that an instance gives.

Law of this room: everything is invented, and made the same way each time; ids are derived from the
record's name. ``python -m mtlskit.lab.exports DIR`` writes the sample exports.
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from mtlskit.instance.protocols import FACTORY
from mtlskit.instance.rows import tables

HOST = "northwind-made-up.example.com"
_STAMP = "2026-01-15 09:30:00"
_ACTION = ' action="INSERT_OR_UPDATE"'
_CHUNK = 3736  # bytes of a piece of an attachment, as users of the instance report it
_LABELS = MappingProxyType({"key_store": "Java Key Store", "trust_store": "Trust Store Cert"})


@dataclass(frozen=True, slots=True)
class Link:
    """A reference field, pointing to a record by table and name."""

    table: str
    name: str

    @property
    def sys_id(self) -> str:
        """The id of the record that it points to."""
        return sys_id(self.table, self.name)


@dataclass(frozen=True, slots=True)
class Made:
    """One made-up record.

    Attributes:
        key: what its sys_id is derived from; two records with one name differ in it.
        fields: column names and values, without the ``sys_…`` columns that every record has.
    """

    table: str
    key: str
    fields: tuple[tuple[str, str | Link], ...]

    def every_field(self) -> tuple[tuple[str, str | Link], ...]:
        """Return the fields as exported, in the order of the alphabet."""
        more = {"sys_id": sys_id(self.table, self.key), "sys_updated_on": _STAMP}
        return tuple(sorted((dict(self.fields) | more).items()))


@dataclass(frozen=True, slots=True)
class World:
    """A made-up instance.

    Attributes:
        causes: the ``instance.…`` causes that are true of it, the main one first; () it is healthy.
        url: what its message calls.
    """

    id: str
    story: str
    causes: tuple[str, ...]
    url: str
    records: tuple[Made, ...]

    def tables(self) -> tuple[str, ...]:
        """Return the tables that it has records of, in order."""
        return tuple(dict.fromkeys(one.table for one in self.records))

    def of(self, table: str) -> tuple[Made, ...]:
        """Return its records of one table."""
        return tuple(one for one in self.records if one.table == table)

    def having(self, *more: Made) -> World:
        """Return this world with more records."""
        return replace(self, records=(*self.records, *more))


def sys_id(table: str, key: str) -> str:
    """Derive a record's id: 32 hex digits."""
    return hashlib.sha256(f"made-up {table} {key}".encode()).hexdigest()[:32]


def prop(name: str, value: str, kind: str = "string") -> Made:
    """Make a record of `sys_properties`."""
    fields = (("name", name), ("value", value), ("type", kind), ("description", "<made & up>"))
    return Made("sys_properties", name, fields)


def profile(protocol: str, port: str, store: str | None, key: str | None = None) -> Made:
    """Make a record of `sys_protocol_profile`, pointing to a key store by its name."""
    link = Link("sys_certificate", store) if store else ""
    fields = (("protocol", protocol), ("default_port", port), ("keystore", link))
    return Made("sys_protocol_profile", key or protocol, fields)


def stored(name: str, kind: str = "key_store", *, active: bool = True, pem: str = "") -> Made:
    """Make a record of `sys_certificate`. Its password is a mark that must never be kept."""
    fields = (
        ("name", name),
        ("type", kind),
        ("format", "pem"),
        ("active", "true" if active else "false"),
        ("pem_certificate", pem),
        ("key_store_password", "MADE-UP-PASSWORD-FIELD"),
        ("valid_from", "2024-01-01 00:00:00"),
        ("expires", "2044-01-01 00:00:00"),
    )
    return Made("sys_certificate", name, fields)


def message(name: str, url: str, protocol: str | None) -> Made:
    """Make a record of `sys_rest_message`, with mutual authentication if it names a protocol."""
    link = Link("sys_protocol_profile", protocol) if protocol else ""
    mutual = "true" if protocol else "false"
    fields = (
        ("name", name),
        ("rest_endpoint", url),
        ("use_mutual_auth", mutual),
        ("protocol_name", link),
    )
    return Made("sys_rest_message", name, fields)


def attachment(store: str, file_name: str, data: bytes | None = None) -> tuple[Made, ...]:
    """Make the records of a file attached to a key store; without `data`, its name alone."""
    file = Made(
        "sys_attachment",
        file_name,
        (
            ("file_name", file_name),
            ("table_name", "sys_certificate"),
            ("table_sys_id", sys_id("sys_certificate", store)),
            ("compressed", "true"),
        ),
    )
    if data is None:
        return (file,)
    packed = gzip.compress(data, mtime=0)
    pieces = [packed[begin : begin + _CHUNK] for begin in range(0, len(packed), _CHUNK)]
    return (file, *(_piece(file_name, number, piece) for number, piece in enumerate(pieces)))


def _piece(file_name: str, number: int, piece: bytes) -> Made:
    fields = (
        ("sys_attachment", Link("sys_attachment", file_name)),
        ("position", str(number)),
        ("length", str(len(piece))),
        ("data", base64.b64encode(piece).decode()),
    )
    return Made("sys_attachment_doc", f"{file_name} {number}", fields)


def _common() -> tuple[Made, ...]:
    """Records that every instance has, and that have nothing to do with the fault."""
    return (
        prop("instance_name", "northwind-made-up"),
        prop("glide.ui.theme", "polaris"),
        prop("com.glide.communications.httpclient.verify_hostname", "true", "boolean"),
        prop("glide.smtp.password", "MADE-UP-PASSWORD-FIELD", "password2"),
        stored("SAML 2.0 SP Keystore"),
        *attachment("SAML 2.0 SP Keystore", "samlKeystore.jks"),
        stored("Partner Root CA", "trust_store"),
        stored("Partner Client Keystore"),
        *attachment("Partner Client Keystore", "partner.jks"),
    )


def worlds(host: str = "partner.example.com", port: int = 8443) -> Iterable[World]:
    """Make the instances for an endpoint of that host and port."""
    url = f"myhttps://{host}:{port}/orders"
    common = (*_common(), message("Partner Orders", url, "myhttps"))
    right = profile("myhttps", str(port), "Partner Client Keystore")
    yield World(
        "healthy",
        "One profile, with the endpoint's port and one key store; no properties.",
        (),
        url,
        (*common, right),
    )
    yield World(
        "broken",
        "Properties register myhttps on port 4433, where the endpoint listens on another; they "
        "bypass the profile's key store; a second profile was made for tests.",
        ("instance.port", "instance.property-overrides-profile", "instance.duplicate-profile"),
        url,
        (
            *common,
            prop("glide.httpclient.protocol.myhttps.class", FACTORY),
            prop("glide.httpclient.protocol.myhttps.port", "4433", "integer"),
            stored("Partner Test Keystore"),
            *attachment("Partner Test Keystore", "partnertest.jks"),
            right,
            profile("myhttpstest", str(port), "Partner Test Keystore"),
        ),
    )


WORLDS: Mapping[str, World] = MappingProxyType({world.id: world for world in worlds()})


def as_unload(records: Iterable[Made], *, wrapper: str = "unload") -> bytes:
    """Write records as Export > XML does, all tables in one document."""
    attributes = f' unload_date="{_STAMP}"' if wrapper == "unload" else ""
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
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<unload unload_date="{_STAMP}">']
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


def files_of(world: World) -> Mapping[str, bytes]:
    """Return the sample files of a world by path: one XML of all tables, one JSON for each."""
    per_table = {
        f"{world.id}/{table}.json": as_table_api(world.of(table)) for table in world.tables()
    }
    return {f"{world.id}/instance.xml": as_unload(world.records), **per_table}


def main(arguments: Sequence[str]) -> None:
    """Write the sample exports of every world beneath the directory that is named."""
    root = Path(arguments[0]) if arguments else Path("data/exports")
    for world in WORLDS.values():
        for name, data in files_of(world).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
