"""Made-up records of an instance, and made-up instances of such records.

Law of this room: everything is invented, and made the same way each time; ids are derived from the
record's name. No record of a real instance was looked at.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

STAMP = "2026-01-15 09:30:00"
_CHUNK = 3736  # bytes of a piece of an attachment, as users of the instance report it


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
        more = {"sys_id": sys_id(self.table, self.key), "sys_updated_on": STAMP}
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

    def carrying(self, files: Mapping[str, bytes]) -> World:
        """Return this world with the bytes of attached files, by file name."""
        named = {str(dict(one.fields)["file_name"]) for one in self.of("sys_attachment")}
        held = (pieces(name, data) for name, data in files.items() if name in named)
        return self.having(*(each for one in held for each in one))

    def without(self, table: str) -> World:
        """Return this world as exports without one of its tables show it."""
        return replace(self, records=tuple(one for one in self.records if one.table != table))

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
    return (file,) if data is None else (file, *pieces(file_name, data))


def pieces(file_name: str, data: bytes) -> tuple[Made, ...]:
    """Make the records that carry the bytes of an attached file: packed, cut, in base64."""
    packed = gzip.compress(data, mtime=0)
    cut = (packed[begin : begin + _CHUNK] for begin in range(0, len(packed), _CHUNK))
    return tuple(_piece(file_name, number, piece) for number, piece in enumerate(cut))


def _piece(file_name: str, number: int, piece: bytes) -> Made:
    fields = (
        ("sys_attachment", Link("sys_attachment", file_name)),
        ("position", str(number)),
        ("length", str(len(piece))),
        ("data", base64.b64encode(piece).decode()),
    )
    return Made("sys_attachment_doc", f"{file_name} {number}", fields)
