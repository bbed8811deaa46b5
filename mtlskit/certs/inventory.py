"""What a number of key stores hold: one row an entry, as a page, as a frame, as JSON.

Law of this room: it shows facts of the entries; of time it knows only what it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mtlskit.certs import inventory_told, replies
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.entries import Entry, Identity, Kind, Store
from mtlskit.certs.keystore import identities_of
from mtlskit.certs.outlook import EXPIRY, WITHIN, Caution, Outlook, short_chains
from mtlskit.certs.partners import Partners
from mtlskit.material import Problem
from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain, plain
from mtlskit.page.shown import Shown
from mtlskit.page.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd

FEW = 50
"""Of so many certificates without a key, each is asked for its chain; each costs a signature."""
_SECONDS_A_DAY = 86_400
_NO_PANDAS = "Frames need pandas. Install it with: pip install 'mtlskit[notebook]'"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of one store; what does not apply to its kind is None.

    Attributes:
        days_left: whole days until not_after; negative once it is over; None without a time.
        chain_to: the last issuer that the store holds above this certificate, or itself.
        chain_complete: whether that one is self-issued.
        has_key: whether its private key is at hand, in the entry or (`key_source`) elsewhere;
            ``locked``: the entry has one, and it was not opened.
        key_source: where the private key of a certificate stands, if that is another place.
        key_of: where the certificate of a private key stands, if that is another place.
        problems: in sentences: the entry's and its certificate's.
        warnings: in sentences: of its certificate and its chain, what will hurt soon.
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
    has_key: bool | Literal["locked"] = False
    key_matches: bool | None = None
    key_source: str | None = None
    key_of: str | None = None
    chain_to: str | None = None
    chain_complete: bool | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


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
        within: days; what ends within them is warned of.
    """

    def __init__(
        self,
        stores: tuple[Store, ...] = (),
        problems: tuple[Problem, ...] = (),
        at: datetime | None = None,
        within: int = WITHIN,
    ) -> None:
        self.stores = tuple(stores)
        self.at = at
        self.within = within
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
    def unread(self) -> tuple[str, ...]:
        """The files in which there may be more than was seen: locked, damaged, no key store."""
        closed = [store.source.name for store in self.stores if store.closed]
        return tuple(dict.fromkeys([*closed, *(one.source.name for one in self._more_problems)]))

    @cached_property
    def warnings(self) -> tuple[Caution, ...]:
        """What is not wrong yet and will be: dates, weak keys, public CAs, chains cut short.

        Judged at `at`; a certificate that stands in several places is warned of once.
        """
        found: dict[tuple[str, bytes], Caution] = {}
        for store in self.stores:
            for entry in store.entries:
                for one in self._judge.of_entry(entry):
                    found.setdefault((one.code, one.certificate.der), one)
        for der, one in self._short.items():
            found.setdefault((one.code, der), one)
        for one in replies.apart(self.stores):
            found.setdefault((one.code, one.certificate.der), one)
        return tuple(found.values())

    @cached_property
    def notes(self) -> tuple[Caution, ...]:
        """What may be meant so, and is worth a look: a client's certificate as a trusted one."""
        return tuple(replies.lone(self.stores))

    @property
    def expiring(self) -> tuple[Caution, ...]:
        """Those warnings that say: it is over, or will be within the days given."""
        return tuple(one for one in self.warnings if one.code in EXPIRY)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row an entry, store by store."""
        return tuple(row for store in self.stores for row in self._rows(store))

    def _rows(self, store: Store) -> list[Row]:
        pool = Pool(store.certificates)
        rows = [_row(one, store, pool, self.at, self._warned(one)) for one in store.entries]
        if not self._partners:
            return rows
        found = map(self._partners.of, store.entries)
        pairs = zip(rows, found, strict=True)
        return [replace(row, **more) if more else row for row, more in pairs]

    @cached_property
    def _partners(self) -> Partners:
        return Partners(self.stores, self.identities)

    def _warned(self, entry: Entry) -> tuple[str, ...]:
        said = tuple(one.text for one in self._judge.of_entry(entry))
        if entry.kind != "identity" or entry.certificate is None:
            return said
        short = self._short.get(entry.certificate.der)
        return (*said, short.text) if short else said

    @cached_property
    def _judge(self) -> Outlook:
        return Outlook(self.at, self.within)

    @cached_property
    def _short(self) -> dict[bytes, Caution]:
        """The identities whose chain is cut short, by their certificate."""
        own = [one for one in self.identities if one.key is not None]
        few = self.identities if len(self.identities) <= FEW else own
        found = short_chains(self.stores, few)
        return {one.certificate.der: one for one in found}

    def timeline(self) -> Timeline:
        """When each certificate is valid, the one that ends first on top."""
        ordered = sorted(self.certificates, key=lambda one: (one.not_after, one.label))
        return Timeline(
            tuple(inventory_told.span(one, self.at, self.within) for one in ordered), self.at
        )

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
            "warnings": [one.plain() for one in self.warnings],
            "notes": [one.plain() for one in self.notes],
            "within": self.within,
            "ends_within": len(self.expiring),
            "unread": list(self.unread),
        }

    def page(self) -> Page:
        """Describe every store in a section of its own, what is wrong first."""
        rows = [(store, self._rows(store)) for store in self.stores]
        return inventory_told.page(self, rows)


def _row(
    entry: Entry, store: Store, pool: Pool, at: datetime | None, warned: tuple[str, ...]
) -> Row:
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
        has_key=entry.key is not None or ("locked" if _is_locked(entry) else False),
        problems=tuple(problem.text for problem in wrong),
        warnings=warned,
        **facts,
    )


def _is_locked(entry: Entry) -> bool:
    """Whether it holds a private key that was not opened, for want of the password or otherwise."""
    return entry.kind in {"identity", "key"} and entry.key is None


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
