"""What an instance is set to do about outbound TLS: its exports, in any number, joined.

Law of this room: a table that no export carried is None, a table that was exported and holds
nothing is (). The same record in two files counts once, the newer one; a deletion in an export
deletes. No opinion is given: what is wrong with a setting is for the rules to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mtlskit.instance.attachments import attachments_of
from mtlskit.instance.reading import (
    MESSAGES,
    call_of,
    message_of,
    mid_of,
    profile_of,
    property_of,
    stored_of,
)
from mtlskit.instance.records import (
    Attachment,
    Message,
    MidProtocol,
    OutboundCall,
    Profile,
    Property,
    Reference,
    StoredCertificate,
)
from mtlskit.instance.rows import Export, Row
from mtlskit.material import Problem, Source

__all__ = [
    "Attachment",
    "Message",
    "MidProtocol",
    "OutboundCall",
    "Profile",
    "Property",
    "Reference",
    "Settings",
    "StoredCertificate",
    "settings_from",
]


_OF_MID = frozenset({"ecc_agent_config", "ecc_agent_property"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about outbound TLS that the exports of one instance say.

    Attributes:
        properties: only those about outbound connections; None if `sys_properties` was not given.
        profiles: `sys_protocol_profile`, in the order of the export.
        certificates: `sys_certificate`, in the order of the export.
        messages: `sys_rest_message`, `sys_rest_message_fn`, `sys_soap_message`,
            `sys_soap_message_function`, `http_connection`.
        calls: `sys_outbound_http_log`, in the order of the export.
        mid: protocols of MID Servers, from their records or their config.xml.
        instances: names or hosts of instances that the exports mention; more than one is told
            as a problem.
        sources: the files that were read.
        problems: what could not be read or does not fit together.
    """

    properties: tuple[Property, ...] | None = None
    profiles: tuple[Profile, ...] | None = None
    certificates: tuple[StoredCertificate, ...] | None = None
    messages: tuple[Message, ...] | None = None
    calls: tuple[OutboundCall, ...] | None = None
    mid: tuple[MidProtocol, ...] | None = None
    instances: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def not_given(self) -> tuple[str, ...]:
        """Tables that decide which key store is used, and that no export carried."""
        held = {
            "sys_properties": self.properties,
            "sys_protocol_profile": self.profiles,
            "sys_certificate": self.certificates,
        }
        return tuple(name for name, records in held.items() if records is None)

    @property
    def key_stores(self) -> tuple[StoredCertificate, ...] | None:
        """Records that hold a key store, active or not; None if `sys_certificate` was not given."""
        if self.certificates is None:
            return None
        return tuple(one for one in self.certificates if one.is_key_store)

    def property_named(self, name: str) -> Property | None:
        """Return a property that has a value; None if it is unset, empty or not exported."""
        found = (one for one in self.properties or () if one.name == name and one.value)
        return next(found, None)

    def certificate_of(self, reference: Reference | None) -> StoredCertificate | None:
        """Return the record that a reference points to, by sys_id, else by its name."""
        if reference is None:
            return None
        held = self.certificates or ()
        same = [one for one in held if reference.sys_id and one.sys_id == reference.sys_id]
        same = same or [one for one in held if reference.name and one.name == reference.name]
        return same[0] if len(same) == 1 else None


def settings_from(exports: Iterable[Export]) -> Settings:
    """Join exports of one instance, in any number and order.

    Exports of two instances are joined too, since nothing may be lost; that is then a problem
    with the code ``mixed-instances``.
    """
    return _Joining(tuple(exports)).settings()


@dataclass(slots=True)
class _Joining:
    exports: tuple[Export, ...]
    problems: list[Problem] = field(default_factory=list)

    def settings(self) -> Settings:
        """Make the settings."""
        looked = frozenset[str]().union(*(export.looked for export in self.exports))
        rows = newest_rows(self.exports)
        read = Settings(
            instances=tuple(dict.fromkeys(value for _, value in self._mentions())),
            sources=tuple(export.source for export in self.exports),
        )
        if "sys_properties" in looked:
            read = replace(read, properties=tuple(map(property_of, rows["sys_properties"])))
        if "sys_protocol_profile" in looked:
            profiles = (profile_of(row, self.problems) for row in rows["sys_protocol_profile"])
            read = replace(read, profiles=tuple(profiles))
        if "sys_certificate" in looked:
            read = replace(
                read, certificates=self._stored(rows, files_given="sys_attachment" in looked)
            )
        if looked & MESSAGES.keys():
            messages = (message_of(row) for table in MESSAGES for row in rows[table])
            read = replace(read, messages=tuple(messages))
        if "sys_outbound_http_log" in looked:
            calls = (call_of(row, self.problems) for row in rows["sys_outbound_http_log"])
            read = replace(read, calls=tuple(calls))
        if looked & _OF_MID:
            read = replace(read, mid=mid_of(row for table in _OF_MID for row in rows[table]))
        self._check_instances(read)
        gathered = (problem for export in self.exports for problem in export.problems)
        return replace(read, problems=(*gathered, *self.problems))

    def _stored(
        self, rows: Mapping[str, Sequence[Row]], *, files_given: bool
    ) -> tuple[StoredCertificate, ...]:
        files, problems = attachments_of(
            rows["sys_attachment"], rows["sys_attachment_doc"], "sys_certificate"
        )
        self.problems += problems
        none: tuple[Attachment, ...] | None = () if files_given else None
        return tuple(
            stored_of(row, files.get(row.text("sys_id"), none), self.problems)
            for row in rows["sys_certificate"]
        )

    def _mentions(self) -> tuple[tuple[str, str], ...]:
        return tuple(mention for export in self.exports for mention in export.mentions)

    def _check_instances(self, read: Settings) -> None:
        """Note signs that the files come from more than one instance."""
        for kind in ("host", "uri", "name"):
            names = sorted({value for which, value in self._mentions() if which == kind})
            if len(names) > 1:
                self._mixed(f"they name {' and '.join(names[:4])}")
                return
        first: dict[str, Property] = {}
        for one in read.properties or ():
            other = first.setdefault(one.name, one)
            if other.sys_id != one.sys_id and other.source.name != one.source.name:
                self._mixed(f"the property {one.name} has another record in each of them")
                return

    def _mixed(self, sign: str) -> None:
        text = (
            f"The files seem to come from different instances: {sign}. "
            "Give the exports of one instance at a time."
        )
        names = ", ".join(dict.fromkeys(export.source.name for export in self.exports))
        self.problems.append(Problem("mixed-instances", text, Source(names)))


def newest_rows(exports: Iterable[Export]) -> Mapping[str, Sequence[Row]]:
    """Return the rows by table: of each record the newest, and no deleted ones.

    A row without a sys_id, as a list export may have it, is let go if another file holds a record
    of the same name.
    """
    every = [row for export in exports for row in export.rows]
    newest: dict[tuple[str, ...], Row] = {}
    for row in every:
        key = (row.table, row.text("sys_id"))
        if key[1] and _is_newer(row, newest.get(key)):
            newest[key] = row
    files: dict[tuple[str, str], str] = {}
    for row in newest.values():
        files.setdefault((row.table, row.named), row.source.name)
    for number, row in enumerate(every):
        file = files.setdefault((row.table, row.named), row.source.name)
        if not row.text("sys_id") and file == row.source.name:
            newest[row.table, "", str(number)] = row
    by_table: dict[str, list[Row]] = defaultdict(list)
    for row in newest.values():
        if row.action.upper() != "DELETE":
            by_table[row.table].append(row)
    return by_table


def _is_newer(row: Row, held: Row | None) -> bool:
    return held is None or row.text("sys_updated_on") >= held.text("sys_updated_on")
