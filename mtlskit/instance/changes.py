"""Changes of settings, tried on paper: the settings as they would be, and nothing else.

Law of this room: the instance is never touched. A change names a record that is there; one that
names none is refused, since a change of nothing would look like a cure.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from mtlskit.instance.reading import port_number, truth
from mtlskit.instance.records import Message, Profile, Property, Reference, StoredCertificate
from mtlskit.instance.settings import Settings
from mtlskit.material import Problem, Source, Unreadable

Kind = Literal["set", "remove", "add"]

_AS_PLANNED = Source("the change plan")
_PORT_FIELD, _STORE_FIELD, _NAME_FIELD = "default_port", "keystore", "protocol"
_URL_FIELDS = {
    "rest-message": ("sys_rest_message", "rest_endpoint"),
    "rest-method": ("sys_rest_message_fn", "rest_endpoint"),
    "soap-message": ("sys_soap_message", "soap_endpoint"),
    "soap-function": ("sys_soap_message_function", "soap_endpoint"),
    "http-connection": ("http_connection", "connection_url"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one record set to a value; or a record removed or added.

    Attributes:
        table: ``sys_properties``, ``sys_protocol_profile``, ``sys_certificate``, ``sys_attachment``
            or a table of messages.
        record: what a person calls it: the property's name, the profile's protocol.
        field: the column; "" if the record is removed.
        value: what is to stand there; of a reference the name of the record that it points to.
        sys_id: which of two records of that name; None: the only one.
    """

    table: str
    record: str
    field: str = "value"
    value: str = ""
    kind: Kind = "set"
    sys_id: str | None = None

    def __str__(self) -> str:
        if self.kind == "remove":
            return f"{self.table} {self.record}: removed"
        made = "added, " if self.kind == "add" else ""
        return f"{self.table} {self.record}: {made}{self.field} = {self.value or 'empty'}"


def emptied(name: str) -> Change:
    """Empty the value of a property."""
    return Change("sys_properties", name)


def valued(name: str, value: str) -> Change:
    """Set the value of a property."""
    return Change("sys_properties", name, "value", value)


def repointed(protocol: str, store: str, sys_id: str | None = None) -> Change:
    """Point a protocol profile to another key store, by the name of its record."""
    return Change("sys_protocol_profile", protocol, _STORE_FIELD, store, "set", sys_id)


def ported(protocol: str, port: int, sys_id: str | None = None) -> Change:
    """Set the default port of a protocol profile."""
    return Change("sys_protocol_profile", protocol, _PORT_FIELD, str(port), "set", sys_id)


def renamed(protocol: str, plain: str, sys_id: str | None = None) -> Change:
    """Rename the protocol of a profile."""
    return Change("sys_protocol_profile", protocol, _NAME_FIELD, plain, "set", sys_id)


def added(protocol: str) -> Change:
    """Add a protocol profile; its port and key store are set by further changes."""
    return Change("sys_protocol_profile", protocol, _NAME_FIELD, protocol, "add")


def removed(protocol: str, sys_id: str | None = None) -> Change:
    """Remove a protocol profile."""
    return Change("sys_protocol_profile", protocol, "", "", "remove", sys_id)


def activated(store: str, *, active: bool, sys_id: str | None = None) -> Change:
    """Set a key-store record active or inactive."""
    return Change("sys_certificate", store, "active", str(active).lower(), "set", sys_id)


def addressed(message: Message, url: str) -> Change:
    """Give a message another URL."""
    table, field = _URL_FIELDS[message.kind]
    return Change(table, message.name, field, url, "set", message.sys_id)


def written(text: str) -> Change:
    """Read a change as people write it: ``TABLE RECORD FIELD=VALUE``, ``TABLE RECORD removed``.

    A record's name with spaces stands in quotation marks; an empty value empties the field.

    Raises:
        Unreadable: it is neither.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if len(words) == 3:  # noqa: PLR2004 - table, record, and what becomes of it
        table, record, last = words
        field, equals, value = last.partition("=")
        if last == "removed":
            return Change(table, record, "", "", "remove")
        if field and equals:
            return Change(table, record, field, value)
    says = (
        f"“{text[:80]}” is no change that can be tried; TABLE RECORD FIELD=VALUE or TABLE RECORD "
        "removed was expected, a name with spaces in quotation marks."
    )
    raise Unreadable(Problem("not-a-change", says, Source("the change")))


def changed(settings: Settings, changes: Iterable[Change]) -> Settings:
    """Return the settings as they would be after the changes, in order.

    Raises:
        Unreadable: a change names a record that the exports do not hold, or a field that is
            none of those that can be tried.
    """
    for change in changes:
        settings = _APPLY[_room(change)](settings, change)
    return settings


def present(settings: Settings, change: Change) -> str:
    """Return what stands in the field now: "" if it is empty or the record is to be added.

    Raises:
        Unreadable: the exports do not hold the record.
    """
    if change.kind == "add":
        return ""
    record = _named(_records(settings, change), change)
    if change.kind == "remove":
        return _described(settings, record)
    return _value(record, change)


def _described(settings: Settings, record: object) -> str:
    """Tell a record that is to go by what stands in it, since two can have one name."""
    if not isinstance(record, Profile):
        return "a record"
    store = settings.certificate_of(record.keystore)
    named = store.name if store else str(record.keystore or "empty")
    return f"default port {record.port or 'empty'}, key store {named}"


def url_after(settings: Settings, changes: Iterable[Change], url: str) -> str:
    """Return the URL that is called after the changes, where one of them gives it anew."""
    for change in changes:
        if _room(change) == "messages" and change.kind == "set":
            message = _named(settings.messages or (), change)
            if isinstance(message, Message) and message.url == url:
                url = change.value
    return url


def call_readdressed(settings: Settings, url: str, wanted: str) -> tuple[Change, ...]:
    """Give another URL to the messages that call this one."""
    return tuple(addressed(one, wanted) for one in settings.messages or () if one.url == url)


_Record = Property | Profile | StoredCertificate | Message


def _room(change: Change) -> str:
    rooms = {
        "sys_properties": "properties",
        "sys_protocol_profile": "profiles",
        "sys_certificate": "certificates",
        "sys_attachment": "files",
        **{table: "messages" for table, _ in _URL_FIELDS.values()},
    }
    room = rooms.get(change.table)
    if room is None:
        raise _refused(change, f"no change of {change.table} can be tried on paper")
    return room


def _records(settings: Settings, change: Change) -> tuple[_Record, ...]:
    if change.table == "sys_properties":
        return settings.properties or ()
    if change.table == "sys_protocol_profile":
        return settings.profiles or ()
    if change.table in ("sys_certificate", "sys_attachment"):
        return settings.certificates or ()
    return settings.messages or ()


def _called(record: _Record) -> str:
    return record.protocol if isinstance(record, Profile) else record.name


def _named(records: Iterable[_Record], change: Change) -> _Record:
    """Return the one record that a change names."""
    if change.table == "sys_attachment":
        same = [one for one in records if _holds(one, change.record)]
    else:
        same = [
            one
            for one in records
            if _called(one) == change.record and change.sys_id in (None, one.sys_id)
        ]
    if not same:
        raise _refused(change, f"the exports hold no {change.table} {change.record}")
    if len(same) > 1 and change.table != "sys_properties":
        raise _refused(change, f"there are {len(same)} records {change.record}; say which")
    return same[0]


def _holds(record: _Record, file_name: str) -> bool:
    files = record.attachments or () if isinstance(record, StoredCertificate) else ()
    return any(one.file_name == file_name for one in files)


def _value(record: _Record, change: Change) -> str:
    if change.table == "sys_attachment":
        return change.record
    if isinstance(record, Property):
        return record.value
    if isinstance(record, Profile):
        held = {
            _PORT_FIELD: record.port,
            _STORE_FIELD: record.keystore,
            _NAME_FIELD: record.protocol,
        }
        return str(held[change.field] or "") if change.field in held else _unknown(change)
    if isinstance(record, StoredCertificate):
        known = {True: "true", False: "false", None: ""}
        return known[record.active] if change.field == "active" else _unknown(change)
    return record.url


def _unknown(change: Change) -> str:
    raise _refused(change, f"the field {change.field} is none that can be tried on paper")


def _refused(change: Change, why: str) -> Unreadable:
    text = f"The change “{change}” cannot be tried: {why}."
    return Unreadable(Problem("no-such-record", text, Source("the change")))


def _property(settings: Settings, change: Change) -> Settings:
    _named(settings.properties or (), change)
    if change.kind == "set" and change.field != "value":
        _unknown(change)
    held = settings.properties or ()
    if change.kind == "remove":
        return replace(settings, properties=tuple(one for one in held if one.name != change.record))
    made = (replace(one, value=change.value) if one.name == change.record else one for one in held)
    return replace(settings, properties=tuple(made))


def _profile(settings: Settings, change: Change) -> Settings:
    held = settings.profiles or ()
    if change.kind == "add":
        new = Profile(change.value, None, None, None, _AS_PLANNED)
        return replace(settings, profiles=(*held, new))
    one = _named(held, change)
    if change.kind == "remove":
        return replace(settings, profiles=tuple(other for other in held if other is not one))
    made = tuple(_profile_with(other, change) if other is one else other for other in held)
    return replace(settings, profiles=made)


_PORTS = range(1, 65536)


def _profile_with(profile: Profile, change: Change) -> Profile:
    if change.field == _PORT_FIELD:
        port = port_number(change.value)
        if change.value and (port is None or port not in _PORTS):
            raise _refused(change, f"{change.value} is no port; expected 1 to 65535")
        return replace(profile, port=port)
    if change.field == _STORE_FIELD:
        return replace(profile, keystore=Reference(None, change.value) if change.value else None)
    if change.field == _NAME_FIELD:
        return replace(profile, protocol=change.value)
    raise _refused(change, f"the field {change.field} is none that can be tried on paper")


def _certificate(settings: Settings, change: Change) -> Settings:
    held = settings.certificates or ()
    one = _named(held, change)
    if change.kind == "remove":
        return replace(settings, certificates=tuple(other for other in held if other is not one))
    if change.field != "active":
        _unknown(change)
    made = tuple(
        replace(other, active=truth(change.value)) if other is one else other for other in held
    )
    return replace(settings, certificates=made)


def _file(settings: Settings, change: Change) -> Settings:
    """Give an attached file another name, as uploading it again would."""
    one = _named(settings.certificates or (), change)
    made = []
    for other in settings.certificates or ():
        if other is one:
            files = tuple(
                replace(file, file_name=change.value) if file.file_name == change.record else file
                for file in other.attachments or ()
            )
            made.append(replace(other, attachments=files))
        else:
            made.append(other)
    return replace(settings, certificates=tuple(made))


def _message(settings: Settings, change: Change) -> Settings:
    held = settings.messages or ()
    one = _named(held, change)
    made = tuple(replace(other, url=change.value) if other is one else other for other in held)
    return replace(settings, messages=made)


_APPLY = {
    "properties": _property,
    "profiles": _profile,
    "certificates": _certificate,
    "files": _file,
    "messages": _message,
}
