"""Before and after: the same call with some settings changed, side by side.

Law of this room: both sides are worked out by the same functions from the same exports. Nothing is
written to an instance, and no call is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mtlskit.certs.keystore import Store
from mtlskit.certs.offers import Wanted
from mtlskit.instance.changes import Change, changed, present, url_after
from mtlskit.instance.offering import Offering, offering
from mtlskit.instance.protocols import Scheme, offered, schemes
from mtlskit.instance.routes import bare
from mtlskit.instance.settings import Settings
from mtlskit.page.blocks import Block, Inline, Items, Page, Paragraph, Section, Strong, Table
from mtlskit.page.shown import Shown


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing, as it is and as it would be."""

    what: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether the changes make a difference here."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class WhatIf(Shown):
    """What some changes would do.

    Attributes:
        settings: as they are.
        then: as they would be.
        values: of each change, the value that stands there now.
        before: what the call would do as things are; None if no URL was given.
        after: what it would do then.
        mended: faults of the settings that would be gone; None: they were not looked for.
        left: faults that would still be there, or would be new; None: not looked for.
    """

    changes: tuple[Change, ...]
    settings: Settings
    then: Settings
    values: tuple[str, ...]
    before: Offering | None = None
    after: Offering | None = None
    mended: tuple[str, ...] | None = None
    left: tuple[str, ...] | None = None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Everything that was compared: of the call if there is one, else of every scheme."""
        if self.before is None or self.after is None:
            return _of_schemes(self.settings, self.then)
        then = dict(self.after.facts())
        return tuple(
            Difference(what, str(now), str(then[what])) for what, now in self.before.facts()
        )

    @property
    def nothing(self) -> bool:
        """Whether the changes make no difference to what was compared."""
        return not any(one.differs for one in self.differences)

    def page(self) -> Page:
        """Tell it: the changes, then before and after."""
        return Page("What would change", self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """The same without a title, for a larger page."""
        rows = tuple(
            (f"{one.table} {one.record}", _field(one), bare(now) or "empty", _wanted(one))
            for one, now in zip(self.changes, self.values, strict=True)
        )
        said = "Worked out from the exports; the instance was not touched."
        if self.nothing:
            said += " The changes would make no difference to this call."
        told: list[Block] = [Paragraph(said)]
        if rows:
            columns = ("Record", "Field", "Now", "Then")
            told.append(Section("The changes", (Table(columns, rows),)))
        told.append(Section("Before and after", (self.table(),)))
        if self.mended:
            told.append(Section("What would be mended", (Items(self.mended),)))
        if self.left:
            told.append(Section("What would still be wrong", (Items(self.left),)))
        elif self.left is not None:
            told.append(Paragraph("No fault of the settings would be left."))
        return tuple(told)

    def table(self) -> Table:
        """Put before and after side by side; what differs is marked."""
        rows: tuple[tuple[Inline, ...], ...] = tuple(
            (one.what, one.before, Strong(one.after) if one.differs else one.after)
            for one in self.differences
        )
        return Table(("", "Now", "Then"), rows)


def _field(change: Change) -> str:
    return change.field or "the record"


def _wanted(change: Change) -> str:
    if change.kind == "remove":
        return "removed"
    return bare(change.value) or "empty"


def what_if(  # noqa: PLR0913 - the parts of the question, all but two by name
    settings: Settings,
    changes: Sequence[Change],
    url: str | None = None,
    *,
    url_then: str | None = None,
    wanted: Wanted | None = None,
    at: datetime | None = None,
    passwords: Sequence[str] = (),
    stores: Sequence[Store] = (),
) -> WhatIf:
    """Work out what the changes would do; the instance is not touched.

    Args:
        settings: as they are.
        changes: in the order in which they would be made.
        url: the URL that is called; None: every scheme of the protocol table is compared.
        url_then: the URL that would be called then, where no record holds it.
        wanted: see `offering`.
        at: see `offering`.
        passwords: see `offering`.
        stores: see `offering`.

    Raises:
        Unreadable: a change names no record of the exports, or the URL is none.
    """
    values, held = [], settings
    for one in changes:
        values.append(present(held, one))
        held = changed(held, (one,))
    if url is None:
        return WhatIf(tuple(changes), settings, held, tuple(values))
    later = url_then or url_after(settings, changes, url)
    now, then = (
        offering(each, called, wanted=wanted, at=at, passwords=passwords, stores=stores)
        for each, called in ((settings, url), (held, later))
    )
    return WhatIf(tuple(changes), settings, held, tuple(values), now, then)


def _of_schemes(now: Settings, then: Settings) -> tuple[Difference, ...]:
    before = {one.name: _told(now, one) for one in schemes(now)}
    after = {one.name: _told(then, one) for one in schemes(then)}
    names = dict.fromkeys((*before, *after))
    none = "not registered"
    return tuple(Difference(name, before.get(name, none), after.get(name, none)) for name in names)


def _told(settings: Settings, scheme: Scheme) -> str:
    """Tell a scheme in one line: what decides it, its port, its key stores."""
    port = f"port {scheme.port.value}" if scheme.port else "no port"
    stores = offered(settings, scheme)
    if not scheme.offers_certificate:
        return f"{scheme.by}, {port}, no certificate"
    names = (
        "key stores not known" if stores is None else ", ".join(s.name for s in stores) or "none"
    )
    return f"{scheme.by}, {port}, key stores: {names}"
