"""What a number of key stores hold: one row an entry, as a page, as a frame, as JSON.

Law of this room: it shows facts of the entries; of time it knows only what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.entries import Entry, Identity, Kind, Store
from mtlskit.certs.keystore import identities_of
from mtlskit.material import Problem
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
)
from mtlskit.page.plain import Plain, plain
from mtlskit.page.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

ROWS_SHOWN = 200
"""A page shows so many entries of one store; `frame` has them all."""
_SOON = 30
"""Days. A certificate that ends within them is marked."""
_SECONDS_A_DAY = 86_400
_NO_PANDAS = "Frames need pandas. Install it with: pip install 'mtlskit[notebook]'"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of one store; what does not apply to its kind is None.

    Attributes:
        days_left: whole days until not_after; negative once it is over; None without a time.
        chain_to: the last issuer that the store holds above this certificate, or itself.
        chain_complete: whether that one is self-issued.
        problems: in sentences: the entry's and its certificate's.
    """

    source: str
    format: str
    alias: str | None
    kind: Kind
    subject: str | None = None
    issuer: str | None = None
    san: tuple[str, ...] | None = None
    serial: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    days_left: int | None = None
    key: str | None = None
    signature_algorithm: str | None = None
    eku: tuple[str, ...] | None = None
    ku: tuple[str, ...] | None = None
    ca: bool | None = None
    sha256: str | None = None
    has_key: bool = False
    key_matches: bool | None = None
    chain_to: str | None = None
    chain_complete: bool | None = None
    problems: tuple[str, ...] = ()


def frame_of(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Make a pandas frame, for which alone pandas is imported.

    Raises:
        ImportError: pandas is not installed; the message says how to get it.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError(_NO_PANDAS) from None
    return pd.DataFrame(columns)


class Inventory(Shown):
    """Every entry of some key stores.

    Attributes:
        stores: as they were read.
        at: the time that `days_left` is counted from; None: it is not counted.
    """

    def __init__(
        self,
        stores: tuple[Store, ...] = (),
        problems: tuple[Problem, ...] = (),
        at: datetime | None = None,
    ) -> None:
        self.stores = tuple(stores)
        self.at = at
        self._more_problems = tuple(problems)

    @cached_property
    def identities(self) -> tuple[Identity, ...]:
        """Every identity, also those whose key stands in another file."""
        return identities_of(self.stores)

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate, each once."""
        every = (one for store in self.stores for one in store.certificates)
        found: dict[bytes, Certificate] = {}
        for one in every:
            found.setdefault(one.der, one)
        return tuple(found.values())

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong: with files, stores, entries, certificates and identities.

        A certificate whose key is nowhere is not wrong by itself: it may be someone else's.
        """
        found = [*self._more_problems]
        for store in self.stores:
            found += store.problems
        for certificate in self.certificates:
            found += certificate.problems
        for identity in self.identities:
            found += [one for one in identity.problems if one.code != "no-private-key"]
        return tuple(dict.fromkeys(found))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row an entry, store by store."""
        return tuple(row for store in self.stores for row in _rows(store, self.at))

    def frame(self) -> pd.DataFrame:
        """The rows as a pandas frame.

        Raises:
            ImportError: pandas is not installed; the message says how to get it.
        """
        names = [one.name for one in fields(Row)]
        return frame_of({name: [getattr(row, name) for row in self.rows] for name in names})

    def plain(self) -> dict[str, Plain]:
        """The rows and problems for programs."""
        return {
            "entries": [plain(row) for row in self.rows],
            "problems": [
                {"code": one.code, "text": one.text, "source": str(one.source)}
                for one in self.problems
            ],
        }

    def page(self) -> Page:
        """Describe every store in a section of its own, what is wrong first."""
        blocks: list[Block] = []
        if self.problems:
            blocks.append(
                Callout(_counted(len(self.problems), "problem"), _told(self.problems), "warn")
            )
        blocks += _without_key(self.identities)
        blocks += [_section(store, self.at) for store in self.stores]
        if not self.stores and not self.problems:
            blocks.append(Paragraph("No file was given."))
        return Page("Certificates and keys", tuple(blocks))


def _rows(store: Store, at: datetime | None) -> list[Row]:
    pool = Pool(store.certificates)
    return [_row(entry, store, pool, at) for entry in store.entries]


def _row(entry: Entry, store: Store, pool: Pool, at: datetime | None) -> Row:
    one = entry.certificate
    wrong = (*entry.problems, *(one.problems if one else ()))
    facts = _of_other(entry)
    if one is not None:
        facts = {**_of_certificate(one, at), **_of_chain(entry, one, pool)}
    return Row(
        str(entry.source),
        store.format,
        entry.alias,
        entry.kind,
        has_key=entry.key is not None,
        problems=tuple(problem.text for problem in wrong),
        **facts,
    )


def _of_certificate(one: Certificate, at: datetime | None) -> dict[str, Any]:
    left = None if at is None else int((one.not_after - at).total_seconds() // _SECONDS_A_DAY)
    return {
        "subject": str(one.subject),
        "issuer": str(one.issuer),
        "san": None if one.san is None else tuple(f"{name.kind}:{name.value}" for name in one.san),
        "serial": f"{one.serial:x}",
        "not_before": one.not_before,
        "not_after": one.not_after,
        "days_left": left,
        "key": str(one.key),
        "signature_algorithm": one.signature_algorithm,
        "eku": one.eku,
        "ku": one.ku,
        "ca": one.ca,
        "sha256": one.sha256,
    }


def _of_chain(entry: Entry, one: Certificate, pool: Pool) -> dict[str, Any]:
    top = (entry.chain or pool.issuers_of(one) or (one,))[-1]
    return {
        "key_matches": entry.identity.key_matches if entry.identity else None,
        "chain_to": top.label,
        "chain_complete": top.self_issued,
    }


def _of_other(entry: Entry) -> dict[str, Any]:
    if entry.request:
        return {
            "subject": str(entry.request.subject),
            "key": str(entry.request.key),
            "signature_algorithm": entry.request.signature_algorithm,
        }
    if entry.crl:
        return {
            "issuer": str(entry.crl.issuer),
            "not_before": entry.crl.this_update,
            "not_after": entry.crl.next_update,
            "signature_algorithm": entry.crl.signature_algorithm,
        }
    return {"key": str(entry.key.public) if entry.key else None}


# The page.


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


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _told(problems: Sequence[Problem]) -> tuple[Block, ...]:
    shown: list[Inline] = [
        (Strong(str(one.source)), f": {one.text}") for one in problems[:ROWS_SHOWN]
    ]
    if len(problems) > ROWS_SHOWN:
        shown.append(f"and {len(problems) - ROWS_SHOWN} more")
    return (Items(tuple(shown)),)


_COLUMNS = ("Entry", "Kind", "Subject", "Valid until", "Key", "Private key", "Chain")


def _section(store: Store, at: datetime | None) -> Section:
    rows = _rows(store, at)
    count = "1 entry" if len(rows) == 1 else f"{len(rows)} entries"
    title = f"{store.source} ({store.format}, {count})"
    if not rows:
        return Section(title, (Paragraph("Nothing could be read from it."),))
    table = Table(_COLUMNS, tuple(_cells(row, store) for row in rows[:ROWS_SHOWN]))
    blocks: list[Block] = [table]
    if len(rows) > ROWS_SHOWN:
        blocks.append(Paragraph(f"{len(rows) - ROWS_SHOWN} more entries are in .frame()."))
    blocks += [_details(row) for row in rows[:ROWS_SHOWN] if row.kind == "identity"]
    return Section(title, tuple(blocks))


def _cells(row: Row, store: Store) -> tuple[Inline, ...]:
    place = row.alias or row.source.removeprefix(f"{store.source}").strip(", ") or "whole file"
    return (
        place,
        row.kind,
        row.subject or row.issuer or "",
        _until(row),
        row.key or "",
        _private_key(row),
        _chain(row),
    )


def _until(row: Row) -> Inline:
    if row.not_after is None:
        return ""
    day = f"{row.not_after:%Y-%m-%d}"
    if row.days_left is None or row.days_left >= _SOON:
        return day
    if row.days_left < 0:
        return (day, " ", Badge("expired", "bad"))
    return (day, " ", Badge(f"{_counted(row.days_left, 'day')} left", "warn"))


def _private_key(row: Row) -> Inline:
    if row.key_matches is False:
        return Badge("does not match", "bad")
    if row.has_key:
        return Badge("yes", "good")
    return Badge("locked", "warn") if row.kind in {"identity", "key"} else ""


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
    ]
    return Section(f"{row.alias or row.subject}: details", (Fields(tuple(facts)),), folded=True)


def _listed(values: tuple[str, ...] | None) -> str:
    if values is None:
        return "not present"
    return ", ".join(values) or "present and empty"
