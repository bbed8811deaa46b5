"""What one call could offer: its road, the key stores on it, and the certificate JSSE would send.

Law of this room: where more than one key store may be offered, the answer is all of them, for which
of them wins is decided by the order of the records in a database that nobody here has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from mtlskit.certs.choosers import Choice, choose
from mtlskit.certs.keystore import Identity, Store, open_store
from mtlskit.certs.offers import Wanted
from mtlskit.instance.records import StoredCertificate
from mtlskit.instance.routes import Route, route
from mtlskit.instance.settings import Settings
from mtlskit.material import Blob
from mtlskit.page.blocks import Block, Fields, Inline, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown

LIBRARY = "jsse-sunx509"
"""The key manager of the instance's JVM, as far as is known the default one."""
_LOCKED = ("wrong-password", "no-password")
_OPENED: ContextVar[dict[tuple[Blob, tuple[str, ...]], Store] | None] = ContextVar(
    "opened", default=None
)


@dataclass(frozen=True, slots=True)
class StoreOffer:
    """One key store on the road of a call.

    Attributes:
        opened: its file; None if the exports do not carry it and it was not given beside them.
        choice: what JSSE would send of it; None if the file was not opened.
    """

    record: StoredCertificate
    opened: Store | None
    choice: Choice | None

    @property
    def sends(self) -> Identity | None:
        """The identity that JSSE would send, if this store is the one that is asked."""
        return self.choice.chosen.identity if self.choice and self.choice.chosen else None

    @property
    def known(self) -> bool:
        """Whether it is known what this store holds."""
        return self.opened is not None and not self.opened.closed

    @property
    def outcome(self) -> str:
        """Tell in a few words what would be sent of it, with the store's name."""
        if self.sends is not None:
            return f"{self.sends.label} of {self.record.name}"
        return "none" if self.known else f"something not known of {self.record.name}"

    @property
    def says(self) -> str:
        """Tell what would be sent of it, or why that is not known."""
        if self.opened is None:
            return "its file was not given, so what it holds is not known"
        if any(one.code in _LOCKED for one in self.opened.problems):
            return "its file is locked: the record's own password field is encrypted, so give it"
        if not self.opened.identities and self.opened.problems:
            return self.opened.problems[0].text
        if self.sends is not None:
            return f"{self.sends.label}: {self.sends.certificate.subject}"
        return f"no certificate: {self._withheld()}"

    def _withheld(self) -> str:
        held = self.choice.withheld if self.choice else ()
        if not held:
            return "it holds no private key"
        return "; ".join(f"{one.identity.label}: {check.text}" for one, check in held)


@dataclass(frozen=True, slots=True)
class Offering(Shown):
    """What a call would use and could send.

    Attributes:
        stores: those that may be offered; None if `sys_certificate` was not exported.
        wanted: what the server asked for; None if that is not known.
    """

    url: str
    route: Route
    stores: tuple[StoreOffer, ...] | None
    wanted: Wanted | None = None

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Every identity in the key stores that may be offered, as far as they were opened."""
        return tuple(
            each for one in self.stores or () if one.opened for each in one.opened.identities
        )

    @property
    def certain(self) -> bool:
        """Whether it is known what would be sent: one store at most, and that one opened."""
        if self.stores is None or len(self.stores) > 1:
            return False
        return all(one.known for one in self.stores)

    @property
    def sends(self) -> tuple[Identity, ...]:
        """What JSSE would send: one of these; () if nothing, or nothing that is known."""
        return tuple(one.sends for one in self.stores or () if one.sends is not None)

    @property
    def answer(self) -> str:
        """Say in a sentence what would be sent."""
        if self.stores is None:
            return "Which key stores there are is not known: sys_certificate was not given."
        if not self.stores:
            return "No certificate would be sent: no key store can be offered."
        if len(self.stores) > 1:
            names = ", ".join(one.record.name for one in self.stores)
            return (
                f"It depends on the order in which the instance loads them: {len(self.stores)} "
                f"key stores may be offered ({names})."
            )
        (only,) = self.stores
        if not self.certain or only.sends is None:
            return f"From the key store {only.record.name}: {only.says}."
        return f"The certificate {only.sends.label} of {only.record.name} would be sent."

    def page(self) -> Page:
        """Tell it: the answer, the road, the key stores."""
        return Page(f"What a call of {self.route.address} would send", self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """The same without a title, for a larger page."""
        steps = tuple((one.text, str(one.source or "")) for one in self.route.because)
        told: list[Block] = [Paragraph(self.answer), Fields(self.facts())]
        if steps:
            told.append(Section("Why", (Table(("Step", "Where it is set"), steps),)))
        if self.stores:
            rows = tuple((one.record.name, one.says) for one in self.stores)
            told.append(Section("The key stores", (Table(("Key store", "JSSE would send"), rows),)))
        return tuple(told)

    def facts(self) -> tuple[tuple[str, Inline], ...]:
        """Name what the call would use, pair by pair."""
        scheme = self.route.scheme
        factory = scheme.factory.value.rpartition(".")[2] if scheme and scheme.factory else ""
        stores = [one.record.name for one in self.stores or ()]
        unknown = "cannot be told"
        offered = unknown if self.stores is None else ", ".join(stores) or "none"
        return (
            ("Address", str(self.route.address)),
            ("Scheme", scheme.name if scheme else f"{self.route.address.scheme}, not registered"),
            ("Decided by", scheme.by if scheme else "nothing"),
            ("Socket factory", factory or ("the built-in one" if scheme else "none")),
            ("Registered port", scheme.port.value if scheme and scheme.port else "none"),
            ("Port that is called", unknown if self.route.port is None else str(self.route.port)),
            ("Key store of the profile", named_in(self.route)),
            ("Key stores that may be offered", offered),
            ("Certificate sent", self._sent()),
        )

    def _sent(self) -> str:
        """Tell every outcome there can be, for with several stores the order decides."""
        if self.stores is None:
            return "not known: sys_certificate was not given"
        if self.stores and not any(one.known for one in self.stores):
            return "not known: no key store's file was given that opens"
        outcomes = dict.fromkeys(one.outcome for one in self.stores)
        told = ", or ".join(sorted(outcomes, key=_none_last)) or "none"
        return f"{told}: it depends on the order" if len(outcomes) > 1 else told


def _none_last(outcome: str) -> bool:
    return outcome == "none"


def named_in(road: Route) -> str:
    """Name the key store of the profile, and say if it is bypassed."""
    if road.key_store is None:
        return "none"
    used = road.scheme is not None and road.scheme.by == "profile"
    return road.key_store.name + ("" if used else ", bypassed")


def offering(  # noqa: PLR0913 - the parts of the question, all but two by name
    settings: Settings,
    url: str,
    *,
    wanted: Wanted | None = None,
    at: datetime | None = None,
    passwords: Sequence[str] = (),
    stores: Sequence[Store] = (),
) -> Offering:
    """Say what a call of this URL would use, and what JSSE would send on it.

    Args:
        settings: the instance's settings.
        url: as it stands in the message's Endpoint field.
        wanted: what the server asked for, or is thought to; None: it is not known.
        at: when (UTC).
        passwords: tried on the attached key stores.
        stores: key stores given as files; one counts as an attachment of the same file name.

    Raises:
        Unreadable: it is no URL.
    """
    road = route(settings, url)
    if road.offered is None:
        return Offering(url, road, None, wanted)
    offers = []
    for record in road.offered:
        opened = file_of(record, passwords, stores)
        choice = _choice(opened, wanted, at) if opened else None
        offers.append(StoreOffer(record, opened, choice))
    return Offering(url, road, tuple(offers), wanted)


def file_of(
    record: StoredCertificate, passwords: Sequence[str] = (), stores: Sequence[Store] = ()
) -> Store | None:
    """Open a record's key store: its attachment, or a file of that name given beside it."""
    for attached in record.attachments or ():
        if attached.blob is not None:
            return _open(attached.blob, tuple(passwords))
    names = {one.file_name.lower() for one in record.attachments or ()}
    return next((one for one in stores if one.source.name.lower() in names), None)


@contextmanager
def opened_once() -> Iterator[None]:
    """Open each attached key store once for all questions asked within; nothing is kept after."""
    token = _OPENED.set({})
    try:
        yield
    finally:
        _OPENED.reset(token)


def _open(blob: Blob, passwords: tuple[str, ...]) -> Store:
    held = _OPENED.get()
    if held is None:
        return open_store(blob, passwords)
    if (blob, passwords) not in held:
        held[blob, passwords] = open_store(blob, passwords)
    return held[blob, passwords]


def _choice(opened: Store, wanted: Wanted | None, at: datetime | None) -> Choice:
    return choose(LIBRARY, opened.identities, wanted=wanted or Wanted(), at=at, store=opened)
