"""An inventory as a page: what is wrong, what will be, when, and every entry.

Law of this file: it shows what `inventory` found, and finds nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.entries import Identity, Store
from mtlskit.certs.outlook import Caution
from mtlskit.page.blocks import (
    Badge,
    Block,
    Callout,
    Fields,
    Inline,
    Items,
    Page,
    Paragraph,
    Section,
    Strong,
    Table,
    Tone,
)
from mtlskit.page.timeline import Span, Timeline

if TYPE_CHECKING:
    from mtlskit.certs.inventory import Inventory, Row

FIRST = 12
"""So many problems or warnings are read at once; the others are folded."""
ROWS_SHOWN = 200
"""A page shows so many entries of one store; `frame` has them all."""
DETAILED = 24
"""Of so many certificates of a store that are nobody's own, every field is told."""
SPANS_SHOWN = 24
"""A timeline shows so many certificates, those that end first."""
_SECONDS_A_DAY = 86_400


def page(inventory: Inventory, rows: Sequence[tuple[Store, Sequence[Row]]]) -> Page:
    """Describe every store in a section of its own, what is wrong first."""
    problems = inventory.problems
    blocks: list[Block] = []
    said: list[Inline] = [(Strong(str(one.source)), f": {one.text}") for one in problems]
    blocks += _first_few(_counted(len(problems), "problem"), "problems", said)
    warned: list[Inline] = [(one.text, " ", f"[{one.source}]") for one in inventory.warnings]
    title = f"{_counted(len(warned), 'warning')}, before it hurts"
    blocks += _first_few(title, "warnings", warned)
    blocks += _noted(inventory.notes)
    blocks += _without_key(inventory.identities)
    blocks += _requested(inventory)
    blocks += _fitting(inventory.identities)
    blocks += _nothing_ends(inventory)
    blocks += _when(inventory)
    blocks += [_section(store, entries, inventory.within) for store, entries in rows]
    if not rows and not problems:
        blocks.append(Paragraph("No file was given."))
    return Page("Certificates and keys", tuple(blocks))


def _without_key(identities: Sequence[Identity]) -> list[Block]:
    """A client cannot use a certificate whose key is nowhere; the owner may have sent it so."""
    lone = [
        problem.text
        for identity in identities
        for problem in identity.problems
        if problem.code == "no-private-key"
    ]
    if not lone:
        return []
    names = ", ".join(identity.label for identity in identities[:8])
    return [Callout(f"No private key for {names}", (Paragraph(lone[0]),), "info")]


def _first_few(title: str, what: str, said: Sequence[Inline]) -> list[Block]:
    """A callout with the first few; all of them, if there are more, folded beneath it."""
    if not said:
        return []
    if len(said) <= FIRST:
        return [Callout(title, (Items(tuple(said)),), "warn")]
    shown = (*said[:FIRST], f"and {len(said) - FIRST} more, beneath this")
    every: list[Inline] = list(said[:ROWS_SHOWN])
    if len(said) > ROWS_SHOWN:
        every.append(f"and {len(said) - ROWS_SHOWN} more")
    more = Section(f"All {len(said)} {what}", (Items(tuple(every)),), folded=True)
    return [Callout(title, (Items(shown),), "warn"), more]


def _noted(notes: Sequence[Caution]) -> list[Block]:
    """The first one whole; of others like it, where they stand."""
    if not notes:
        return []
    first, *others = notes
    shown: list[Block] = [Paragraph((first.text, f" [{first.source}]"))]
    if others:
        more = f"; and {len(others) - _LIKE_IT} more" if len(others) > _LIKE_IT else ""
        names = "; ".join(f"{one.certificate.label} [{one.source}]" for one in others[:_LIKE_IT])
        shown.append(Paragraph(f"The same may hold of: {names}{more}."))
    return [Callout(f"No private key with {first.certificate.label}", tuple(shown), "info")]


_LIKE_IT = 5


def _requested(inventory: Inventory) -> list[Block]:
    """A request is often sent in place of the certificate that came of it."""
    asked = [entry.label for store in inventory.stores for entry in store.entries if entry.request]
    if not asked or inventory.certificates:
        return []
    text = (
        "It is what is sent to a CA, and nobody accepts it in place of a certificate. Ask the CA "
        "for the certificate that it issued for it, with its chain."
    )
    names = ", ".join(asked[:_LIKE_IT])
    return [Callout(f"A request (CSR) for {names}, no certificate", (Paragraph(text),), "info")]


def _fitting(identities: Sequence[Identity]) -> list[Block]:
    """Confirm what the eye cannot: a certificate and a key in two files belong together."""
    told: list[Inline] = [
        f"The private key in {one.key_source} belongs to {one.certificate.label} in {one.source}."
        for one in identities
        if one.key_matches and one.key_source and one.key_source.name != one.source.name
    ]
    return [Callout("The private key fits", (Items(tuple(told)),), "good")] if told else []


def _nothing_ends(inventory: Inventory) -> list[Block]:
    """An answer too: who asks what ends soon wants to hear that nothing does."""
    if inventory.at is None or not inventory.certificates or inventory.expiring:
        return []
    where = "Of what could be read, nothing" if inventory.unread else "Nothing"
    return [Paragraph(f"{where} ends within {_counted(inventory.within, 'day')}.")]


def _when(inventory: Inventory) -> list[Block]:
    """Draw when the certificates are valid, where there is anything to draw."""
    line = inventory.timeline()
    if not line.spans:
        return []
    more = len(line.spans) - SPANS_SHOWN
    cut = Timeline(line.spans[:SPANS_SHOWN], line.now)
    caption = "When the certificates are valid, the first to end on top"
    said = f"{caption}; {more} more end later" if more > 0 else caption
    return [Section("Validity", (cut.picture(said),))]


def span(one: Certificate, at: datetime | None, within: int) -> Span:
    """Say of one certificate when it is valid, and how that stands at the time."""
    said, tone = _standing(one, at, within)
    return Span(one.label, one.not_before, one.not_after, said, tone)


def _standing(one: Certificate, at: datetime | None, within: int) -> tuple[str, Tone]:
    if at is None:
        return "", "plain"
    left = int((one.not_after - at).total_seconds() // _SECONDS_A_DAY)
    if one.not_after < at:
        return f"expired {_counted((at - one.not_after).days, 'day')} ago", "bad"
    if one.not_before > at:
        return "not yet valid", "bad"
    return f"{_counted(left, 'day')} left", "warn" if left < within else "good"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_COLUMNS = ("Entry", "Kind", "Subject", "Valid until", "Key", "Private key", "Chain")


def _section(store: Store, rows: Sequence[Row], within: int) -> Section:
    count = "1 entry" if len(rows) == 1 else f"{len(rows)} entries"
    title = f"{store.source} ({store.format}, {count})"
    if not rows:
        return Section(title, (Paragraph("Nothing could be read from it."),))
    table = Table(_COLUMNS, tuple(_cells(row, store, within) for row in rows[:ROWS_SHOWN]))
    blocks: list[Block] = [table]
    if len(rows) > ROWS_SHOWN:
        blocks.append(Paragraph(f"{len(rows) - ROWS_SHOWN} more entries are in .frame()."))
    blocks += [_details(row) for row in _told_whole(rows[:ROWS_SHOWN])]
    return Section(title, tuple(blocks))


def _told_whole(rows: Sequence[Row]) -> list[Row]:
    """Return the identities, and as many other certificates as somebody may want to read."""
    others = [row for row in rows if row.kind != "identity" and row.sha256]
    kept = {id(row) for row in others[:DETAILED]}
    return [row for row in rows if row.kind == "identity" or id(row) in kept]


def _cells(row: Row, store: Store, within: int) -> tuple[Inline, ...]:
    place = row.alias or row.source.removeprefix(f"{store.source}").strip(", ") or "whole file"
    return (
        place,
        row.kind,
        row.subject or row.issuer or (f"key of {row.key_of}" if row.key_of else ""),
        _until(row, within),
        row.key or "",
        _private_key(row),
        _chain(row),
    )


def _until(row: Row, within: int) -> Inline:
    if row.not_after is None:
        return ""
    day = f"{row.not_after:%Y-%m-%d}"
    if row.days_left is None or row.days_left >= within:
        return day
    if row.days_left < 0:
        return (day, " ", Badge("expired", "bad"))
    return (day, " ", Badge(f"{_counted(row.days_left, 'day')} left", "warn"))


def _private_key(row: Row) -> Inline:
    if row.has_key == "locked":
        return Badge("locked", "warn")
    fits = row.key_matches is not False
    if fits and not row.has_key:
        return ""
    said = Badge("yes", "good") if fits else Badge("does not match", "bad")
    return (said, f" in {row.key_source}") if row.key_source else said


def _chain(row: Row) -> Inline:
    if row.chain_complete is None or row.chain_to is None:
        return ""
    if row.chain_complete:
        return f"complete to {row.chain_to}"
    return f"up to {row.chain_to}, no further"


def _details(row: Row) -> Section:
    """What the table has no room for, folded."""
    facts: list[tuple[str, Inline]] = [
        ("Issuer", row.issuer or ""),
        ("Alternative names", _listed(row.san)),
        ("Extended key usage", _listed(row.eku)),
        ("Key usage", _listed(row.ku)),
        ("Signature", row.signature_algorithm or ""),
        ("Serial number", row.serial or ""),
        ("Valid from", f"{row.not_before:%Y-%m-%d %H:%M:%S} UTC" if row.not_before else ""),
        ("Valid until", f"{row.not_after:%Y-%m-%d %H:%M:%S} UTC" if row.not_after else ""),
        ("SHA-256", row.sha256 or ""),
        *(("Problem", text) for text in row.problems),
        *(("Warning", text) for text in row.warnings),
    ]
    return Section(f"{row.alias or row.subject}: details", (Fields(tuple(facts)),), folded=True)


def _listed(values: tuple[str, ...] | None) -> str:
    if values is None:
        return "not present"
    return ", ".join(values) or "present and empty"
