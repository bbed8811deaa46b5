"""The settings of an instance at a glance: protocols, key stores, and who calls with them.

Law of this room: the table is the effective one, each row with the record that decides it. No
opinion is given, and what was not given is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mtlskit.instance.protocols import Scheme, offered, schemes
from mtlskit.instance.records import Message, StoredCertificate
from mtlskit.instance.settings import Settings
from mtlskit.page.blocks import Block, Code, Inline, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown

_KINDS = {"java-key-store": "Java key store", "pkcs12-key-store": "PKCS12 key store"}
_NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Overview(Shown):
    """What an instance is set to do about outbound TLS."""

    settings: Settings

    def page(self) -> Page:
        """Tell it: protocols, key stores, messages, and what is missing."""
        return Page("The instance's outbound TLS settings", self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """The same without a title, for a larger page."""
        parts = (_protocols, _stores, _messages, _missing)
        return tuple(one for part in parts if (one := part(self.settings)) is not None)


def overview(settings: Settings) -> Overview:
    """Show settings at a glance."""
    return Overview(settings)


def _protocols(settings: Settings) -> Section:
    rows = tuple(_scheme(settings, one) for one in schemes(settings))
    columns = ("Scheme", "Port", "Client certificate from", "Set by", "Set in vain")
    return Section("Which protocol uses what", (Table(columns, rows),))


def _scheme(settings: Settings, scheme: Scheme) -> tuple[Inline, ...]:
    by = scheme.factory or scheme.port
    return (
        Code(scheme.name),
        scheme.port.value if scheme.port else "not registered",
        _offered(settings, scheme),
        by.record if by and by.source else "built in",
        "; ".join(map(str, scheme.overrides)) or "nothing",
    )


def _offered(settings: Settings, scheme: Scheme) -> str:
    if not scheme.offers_certificate:
        return "none is offered"
    if scheme.keystore and settings.certificates is None:
        return f"{scheme.keystore.value} (sys_certificate was not given)"
    stores = offered(settings, scheme)
    if stores is None:
        return "cannot be told: sys_certificate was not given"
    names = [one.name for one in stores]
    if not names:
        return "no active key store is there"
    return names[0] if len(names) == 1 else f"any of {', '.join(names)}"


def _stores(settings: Settings) -> Section | None:
    if settings.key_stores is None:
        return None
    rows = tuple(_store(one) for one in settings.key_stores)
    columns = ("Key store", "Type", "Active", "Expires", "File")
    others = len(settings.certificates or ()) - len(rows)
    told = f"Trusted certificates and others, which are never sent: {others:,}."
    return Section("The key stores", (Table(columns, rows), Paragraph(told)))


def _store(one: StoredCertificate) -> tuple[Inline, ...]:
    attached = one.attachments
    files = ", ".join(each.file_name for each in attached or ())
    return (
        one.name,
        _KINDS.get(one.kind, one.type),
        _NOT_KNOWN if one.active is None else "yes" if one.active else "no",
        _day(one.expires),
        files or (_NOT_KNOWN if attached is None else "none"),
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else _NOT_KNOWN


def _messages(settings: Settings) -> Section | None:
    """Name the messages that use a protocol of their own or mutual authentication."""
    chosen = [one for one in settings.messages or () if one.mutual or _own_scheme(one)]
    if not chosen:
        return None
    rows = tuple(
        (one.name, Code(one.url), str(one.profile or "none"), _ticked(one)) for one in chosen
    )
    columns = ("Message", "Calls", "Protocol profile", "Mutual authentication")
    return Section("Who calls with them", (Table(columns, rows),))


def _own_scheme(message: Message) -> bool:
    scheme, found, _ = message.url.partition("://")
    return bool(found) and scheme.lower() not in {"http", "https"} and scheme.isalnum()


def _ticked(message: Message) -> str:
    return _NOT_KNOWN if message.mutual is None else "ticked" if message.mutual else "not ticked"


def _missing(settings: Settings) -> Section | None:
    told: list[Block] = []
    if settings.problems:
        rows = tuple(dict.fromkeys((str(one.source), one.text) for one in settings.problems))
        told.append(Table(("Where", "What is wrong"), rows))
    if settings.not_given:
        names = ", ".join(settings.not_given)
        told.append(Paragraph(f"Not given, so not looked at: {names}."))
    return Section("What is missing", tuple(told)) if told else None
