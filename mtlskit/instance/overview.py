"""What an instance is set to do, at a glance: protocols, key stores, risks, calls, what is missing.

Law of this room: it is told, not judged. A risk is a setting that weakens TLS by documentation; it
is never named as the cause of a failure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from mtlskit.certs.keystore import Store
from mtlskit.instance.offering import file_of
from mtlskit.instance.protocols import Scheme, offered, scheme_named, schemes
from mtlskit.instance.records import Message, Property, StoredCertificate
from mtlskit.instance.routes import bare
from mtlskit.instance.settings import Settings
from mtlskit.instance.usable import flaws
from mtlskit.page.blocks import Badge, Block, Code, Inline, Items, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown

_PLAIN = re.compile(r"[a-z0-9]+\Z")
_LAST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Risk:
    """A property that weakens outbound TLS."""

    record: Property
    says: str
    do: str


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """One key-store record, and what is known of its file.

    Attributes:
        opened: its file, opened; None if it was not given.
        expires: when the first of its client certificates expires, by its file or its record.
        remarks: what speaks against its use, in words.
        used_by: the protocols whose profile names it and counts.
    """

    record: StoredCertificate
    opened: Store | None
    expires: datetime | None
    remarks: tuple[str, ...]
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview(Shown):
    """The settings of one instance, ready to be looked at."""

    settings: Settings
    protocols: tuple[Scheme, ...]
    stores: tuple[StoreFacts, ...]
    risks: tuple[Risk, ...]

    def page(self) -> Page:
        """Tell it, table by table."""
        return Page("The instance's settings for outbound TLS", self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """The same without a title, for a larger page."""
        told: list[Block] = [Section("Protocols", _protocols(self.settings, self.protocols))]
        if self.stores:
            columns = ("Key store", "State", "File", "Expires", "Used by", "Remarks")
            rows = tuple(_store_row(one) for one in self.stores)
            told.append(Section("Key stores", (Table(columns, rows),)))
        if self.risks:
            told.append(Section("Risks", (Items(tuple(_risk(one) for one in self.risks)),)))
        told += [*_messages(self.settings), *_of_mid(self.settings), *_calls(self.settings)]
        return (*told, *_missing(self.settings))


@cache
def _known_risks() -> Mapping[str, Mapping[str, str]]:
    text = files("mtlskit.instance").joinpath("risks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def risks(settings: Settings) -> tuple[Risk, ...]:
    """Return the properties that weaken outbound TLS as they are set."""
    known = _known_risks()
    return tuple(
        Risk(one, known[one.name]["says"], known[one.name]["do"])
        for one in settings.properties or ()
        if one.name in known and one.value.lower() == known[one.name]["value"]
    )


def overview(
    settings: Settings,
    *,
    at: datetime | None = None,
    passwords: Sequence[str] = (),
    stores: Sequence[Store] = (),
) -> Overview:
    """Put together what is known of an instance.

    Args:
        settings: its exports, joined.
        at: when dates are judged (UTC); None: they are not.
        passwords: tried on the attached key stores.
        stores: key stores given as files beside the exports.
    """
    table = schemes(settings)
    held = tuple(
        store_facts(settings, one, table, at=at, passwords=passwords, stores=stores)
        for one in settings.key_stores or ()
    )
    return Overview(settings, table, held, risks(settings))


def store_facts(  # noqa: PLR0913 - the parts of the question, by name
    settings: Settings,
    record: StoredCertificate,
    table: Sequence[Scheme],
    *,
    at: datetime | None = None,
    passwords: Sequence[str] = (),
    stores: Sequence[Store] = (),
) -> StoreFacts:
    """Look at one key-store record and its file."""
    opened = file_of(record, passwords, stores)
    ends = [one.certificate.not_after for one in opened.identities] if opened else []
    expires = min(ends) if ends else record.expires
    used = tuple(
        scheme.name
        for scheme in table
        if scheme.by == "profile" and record in (offered(settings, scheme) or ())
    )
    return StoreFacts(record, opened, expires, _remarks(record, opened, at), used)


def _remarks(
    record: StoredCertificate, opened: Store | None, at: datetime | None
) -> tuple[str, ...]:
    told = [one.text for one in flaws(record, opened, at)]
    if opened and any(one.code in {"wrong-password", "no-password"} for one in opened.problems):
        told.append("its file is locked; the record's own password field is encrypted, so give it")
    return tuple(told)


def _protocols(settings: Settings, table: Sequence[Scheme]) -> tuple[Block, ...]:
    columns = ("Scheme", "Decided by", "Port", "Key stores that may be offered", "Remarks")
    rows = tuple(
        (
            Code(one.name),
            one.factory.record if one.factory else "built-in",
            one.port.value if one.port else "none",
            _offered(settings, one),
            "; ".join(remarks_on(one)),
        )
        for one in table
    )
    return (Table(columns, rows),)


def remarks_on(scheme: Scheme) -> tuple[str, ...]:
    """Say what is odd about a protocol: two ways at once, two profiles, capitals, https itself."""
    told = [f"{each} has no effect" for each in scheme.overrides]
    if scheme.era == "both":
        told.insert(0, "registered both ways, by properties and by a profile: the property wins")
    if len(scheme.profiles) > 1:
        told.append(f"{len(scheme.profiles)} profiles register it")
    odd = [one.protocol for one in scheme.profiles if not _PLAIN.match(one.protocol)]
    told += [f"written {name}, where small letters and digits are expected" for name in odd]
    if scheme.name == "https" and scheme.era != "built-in":
        told.append("the default scheme itself, so every outbound https call is affected")
    return tuple(told)


def _offered(settings: Settings, scheme: Scheme) -> str:
    if not scheme.offers_certificate:
        return "none: it offers no certificate"
    stores = offered(settings, scheme)
    if stores is None:
        return "not known"
    return ", ".join(one.name for one in stores) or "none"


def _store_row(one: StoreFacts) -> tuple[Inline, ...]:
    state: Inline = "not told"
    if one.record.active is not None:
        on = one.record.active
        state = Badge("active", "good") if on else Badge("not active", "bad")
    names = ", ".join(each.file_name for each in one.record.attachments or ())
    return (
        one.record.name,
        state,
        names or "not given",
        one.expires.strftime("%Y-%m-%d") if one.expires else "not told",
        ", ".join(one.used_by),
        "; ".join(one.remarks),
    )


def _risk(one: Risk) -> Inline:
    return (Code(one.record.name), f" is {one.record.value}: {one.says}. Remedy: {one.do}.")


def _messages(settings: Settings) -> tuple[Block, ...]:
    """Tell which records make outbound calls; of a URL no user, password or query."""
    if not settings.messages:
        return ()
    rows = tuple(
        (one.name, one.kind, bare(one.url) or "none", _offers(settings, one))
        for one in settings.messages
    )
    columns = ("Message or connection", "Kind", "Endpoint", "Client certificate")
    return (Section("Calls that are set up", (Table(columns, rows),)),)


def _offers(settings: Settings, message: Message) -> str:
    """Say whether a call of this message can offer a client certificate, by its URL's scheme."""
    if message.mid is not None:
        return "by the MID Server, with a key store of its own"
    name = message.url.partition("://")[0]
    scheme = scheme_named(settings, name)
    if scheme is None:
        return f"none: nothing registers {name}" if "://" in message.url else "not known"
    if scheme.offers_certificate:
        return f"may be offered, by {scheme.name}"
    ticked = ", though mutual authentication is ticked" if message.mutual else ""
    return f"none: {scheme.name} offers none{ticked}"


def _of_mid(settings: Settings) -> tuple[Block, ...]:
    if not settings.mid:
        return ()
    rows = tuple(
        (Code(one.protocol), one.agent or "not told", one.path, str(one.port or "none"))
        for one in settings.mid
    )
    said = Paragraph(
        "A call that goes through a MID Server uses these, and no key store of the instance."
    )
    columns = ("Protocol", "MID Server", "Key store on its disk", "Port")
    return (Section("MID Server protocols", (said, Table(columns, rows))),)


def _calls(settings: Settings) -> tuple[Block, ...]:
    """Tell the last calls; of a URL no more than scheme, host and port."""
    if not settings.calls:
        return ()
    rows = tuple(
        (
            one.at.strftime("%Y-%m-%d %H:%M:%S") if one.at else "not told",
            one.where,
            "no answer" if not one.answered else str(one.status),
        )
        for one in settings.calls[-_LAST_CALLS:]
    )
    left = len(settings.calls) - len(rows)
    more = (Paragraph(f"{left} earlier calls are left out here."),) if left else ()
    table = Table(("When (UTC)", "Address", "Answer"), rows)
    return (Section("Outbound calls", (table, *more), folded=True),)


def _missing(settings: Settings) -> tuple[Block, ...]:
    told: list[Block] = []
    if settings.problems:
        rows = tuple((str(one.source), one.text) for one in settings.problems)
        told.append(Section("Problems", (Table(("Where", "What"), rows),)))
    if settings.not_given:
        names = ", ".join(settings.not_given)
        told.append(Paragraph(f"Not given, so not looked at: {names}."))
    return tuple(told)
