"""The step of identities and trust: key stores, trust files and other certificates.

Law of this file: a password is used in the callback that takes it and then forgotten. Of a file
only what was read from it is kept; its bytes stay in memory only while it is locked.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import ipywidgets as widgets

from mtlskit.certs.compare import Comparison
from mtlskit.certs.inventory import Inventory
from mtlskit.certs.keystore import Identity, Store
from mtlskit.collect.evidence import Evidence
from mtlskit.desk import fields, rail, step
from mtlskit.desk.held import Held, Role
from mtlskit.desk.session import Session
from mtlskit.desk.wording import by_fields
from mtlskit.material import Blob
from mtlskit.page.blocks import Block, Page, Section, Tone
from mtlskit.page.html import fragment
from mtlskit.report.redaction import clean_page

ROLES: dict[Role, str] = {
    "identity": "the client's key store",
    "trust": "trusted by the client",
    "material": "also at hand",
}
ADD: dict[Role, str] = {
    "identity": "Add the key store",
    "trust": "Add trust files",
    "material": "Add other certificates",
}
LAB = (
    f"A failure of the lab is chosen in {rail.where(rail.BEGIN)}. It brings its own files: "
    "nothing is needed here."
)
ABSENT = (
    "Of {} the saved case holds what is public, and no private key. That is enough to read on; "
    "to call again, add the key store once more."
)
KEPT = " The files below are kept for your own endpoint; the lab does not use them."
TABLE = "Everything in these files, and until when it is valid"
COMPARED = "These files compared: what they share, what differs, what renews what"
MOST_NAMED = 4


class Keys:
    """Hand in key stores, trust files and passwords, and see what is in them."""

    name = rail.KEYS

    def __init__(self, session: Session) -> None:
        self._session = session
        self.held: list[Held] = []
        self.uploads = {
            role: fields.files(label, partial(self.receive, role)) for role, label in ADD.items()
        }
        self.password = fields.password("Password")
        fields.entered(self.password, self.unlock)
        self.open = fields.action("Open with this password", self.unlock)
        self.forget = fields.action("Remove all files", self.clear)
        self.chosen = fields.choice("Certificate to show", [])
        self.message, self.table = fields.words(), fields.words()
        self.files = widgets.VBox().add_class("mtls-files")
        self._drawn: list[Held] = []
        self.box = step.page(
            self.name,
            "Who is calling, and whom does it trust?",
            "The client's key store holds the certificate that the server is to be shown. Files "
            "are read here in memory; nothing of them is written anywhere.",
            step.pair(self._first(), self._more()),
            self.message,
            self.files,
            step.row(self.chosen, self.forget),
            self.table,
        )
        step.when_changed(self.chosen, self._give)
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    def _first(self) -> widgets.VBox:
        return step.cell(
            self.uploads["identity"],
            fields.hint(
                "What the client uses to show who it is: .p12, .pfx, .jks, or PEM files with the "
                "certificate and its key. Without one, the call is made without a certificate."
            ),
            self.password,
            fields.hint("For whatever is locked. The field is emptied as soon as it was read."),
            self.open,
        )

    def _more(self) -> widgets.VBox:
        return step.cell(
            self.uploads["trust"],
            fields.hint(
                "The authorities by which the client believes the server. Without any, the "
                "server's own certificate is not examined."
            ),
            self.uploads["material"],
            fields.hint(
                "Whatever else you have: intermediates, older certificates, other identities. "
                "They are compared and tried."
            ),
        )

    @property
    def state(self) -> step.State:
        """Done when a key could be opened; the lab brings its own."""
        if self._session.plan.scene:
            return "optional"
        calls = not self._session.plan.recorded
        if any(one.blob or (calls and one.absent) for one in self.held) or self._keyless():
            return "needs"
        return "done" if self.held else "optional"

    def receive(self, role: Role, blobs: tuple[Blob, ...]) -> None:
        """Read files as far as they can be read, with the password that stands in the field."""
        password = fields.taken(self.password)
        with step.told(self.message):
            self._take([Held.opened(role, blob, password) for blob in blobs])
        self._hand_over()

    def _take(self, new: list[Held]) -> None:
        """Add files; one that a saved case named without its key makes room for the real one."""
        old = [one for one in self.held if not any(map(one.replaced_by, new))]
        self.held = [*old, *new]

    def restore(self, held: Iterable[Held]) -> None:
        """Show the files of a saved case; none of them holds a key."""
        self.held = list(held)
        fields.taken(self.password)
        self._hand_over()

    def unlock(self) -> None:
        """Try the password on every file that is still locked."""
        password = fields.taken(self.password)
        if password is None:
            self.message.value = fields.notice("Type the password first.", "warn")
            return
        with step.told(self.message):
            self.held = [
                Held.opened(one.role, one.blob, password) if one.blob else one for one in self.held
            ]
        self._hand_over()

    def clear(self) -> None:
        """Forget every file."""
        self.held = []
        fields.taken(self.password)
        self._hand_over()

    def remove(self, held: Held) -> None:
        """Forget one file."""
        self.held = [one for one in self.held if one is not held]
        self._hand_over()

    def refresh(self) -> None:
        """Show what was read, what is locked, and which certificate will be shown."""
        self.message.value = "".join(fields.notice(*said) for said in self._said())
        self._list()
        several = len(self._session.given.identities or ()) > 1
        self.chosen.layout.display = "" if several else "none"
        self.forget.layout.display = "" if len(self.held) > 1 else "none"

    def _list(self) -> None:
        """Draw the files anew if they are others than those that are shown."""
        if list(map(id, self._drawn)) == list(map(id, self.held)):
            return
        old, self._drawn = self.files.children, list(self.held)
        self.table.value = by_fields(fragment(clean_page(_told(self.held))))
        self.files.children = [_row(one, partial(self.remove, one)) for one in self.held]
        for row in old:
            for part in row.children:
                part.close()
            row.close()

    def _said(self) -> Iterator[tuple[str, Tone]]:
        """Say what stands in the way, and what the engineer can do about it."""
        if self._session.plan.scene:
            yield LAB + (KEPT if self.held else ""), "warn" if self.held else "info"
        locked = [one for one in self.held if one.blob]
        if refused := ", ".join(one.name for one in locked if one.tried):
            yield f"This password does not open {refused}. Type the right one, then open.", "bad"
        if waiting := ", ".join(one.name for one in locked if not one.tried):
            yield f"Still locked: {waiting}. Type the password, then open.", "warn"
        if absent := ", ".join(one.name for one in self.held if one.absent):
            yield ABSENT.format(absent), "info"
        if keyless := self._keyless():
            yield keyless, "warn"

    def _keyless(self) -> str:
        """Say that the client's files do not make an identity; empty if they do, or are locked."""
        own = [one for one in self.held if one.role == "identity"]
        if any(one.blob for one in own) or any(one.key_matches for one in self._identities):
            return ""
        certified = ", ".join(one.name for one in own if one.certified)
        keyed = ", ".join(one.name for one in own if one.keyed)
        if certified and keyed:
            return f"The private key in {keyed} does not belong to a certificate in {certified}."
        if certified:
            return (
                f"{certified} holds no private key; add the key file, or the .p12 that holds both."
            )
        return (
            f"{keyed} holds no certificate; add the one that belongs to its key." if keyed else ""
        )

    def _hand_over(self) -> None:
        """Offer the identities that were read for choice, and hand everything in."""
        labels = [(f"{one.label} ({one.source})", n) for n, one in enumerate(self._identities)]
        if list(self.chosen.options) != labels:
            self.chosen.options, self.chosen.index = labels, 0 if labels else None
        self._give()

    def _give(self) -> None:
        """Hand in what was read, the chosen identity first."""
        own, trust, other = (self._of(role) for role in ROLES)
        first = self.chosen.value or 0
        identities = self._identities[first : first + 1] + tuple(
            one for n, one in enumerate(self._identities) if n != first
        )
        self._session.give(
            identities=identities if self._any("identity") else None,
            trust=trust.certificates if self._any("trust") else None,
            material=(*own.certificates, *other.certificates),
            problems=tuple(p for one in self.held for p in one.evidence.problems),
        )

    @property
    def _identities(self) -> tuple[Identity, ...]:
        return self._of("identity").identities

    def _any(self, role: Role) -> bool:
        return any(one.role == role for one in self.held)

    def _of(self, role: Role) -> Evidence:
        stores = (s for one in self.held if one.role == role for s in one.evidence.stores)
        return Evidence(stores=tuple(stores))


def _told(held: Iterable[Held]) -> Page:
    """Tell all that the files hold, and what differs between those that hold certificates."""
    stores = tuple(store for one in held for store in one.evidence.stores)
    several = tuple(one for one in stores if one.certificates)
    blocks: list[Block] = []
    if several:
        whole = Inventory(stores, at=datetime.now(UTC)).page().blocks
        blocks.append(Section(TABLE, whole, folded=True))
    if len(several) > 1:
        blocks.append(Section(COMPARED, Comparison(several).page().blocks, folded=True))
    return Page("", tuple(blocks))


def _row(held: Held, remove: Callable[[], None]) -> widgets.HBox:
    """Describe a file that was handed in, and its troubles, with a button that takes it away."""
    name, said = html.escape(held.name), html.escape(_content(held))
    role = html.escape(ROLES[held.role])
    told = fields.words(f"<p><code>{name}</code>, {role}</p><p>{said}</p>")
    button = fields.lead("Remove", remove)
    button.tooltip = f"Remove {held.name}"
    return widgets.HBox([told, button]).add_class("mtls-file")


def _content(held: Held) -> str:
    said = [_store(store) for store in held.evidence.stores]
    said += [problem.text for problem in held.evidence.problems]
    return " ".join(filter(None, said)) or "Nothing that belongs here."


def _store(store: Store) -> str:
    """Say in a sentence what a store holds."""
    if store.identities:
        return " ".join(_identity(one) for one in store.identities)
    if not store.certificates:
        return "A private key." if store.keys else ""
    names = ", ".join(one.label for one in store.certificates[:MOST_NAMED])
    more = len(store.certificates) - MOST_NAMED
    return f"Certificates: {names}{f' and {more} more' if more > 0 else ''}."


def _identity(one: Identity) -> str:
    key = "with its private key" if one.key_matches else "without a private key that fits"
    issuers = ", ".join(issuer.label for issuer in one.chain) or "no issuers"
    until = one.certificate.not_after.strftime("%Y-%m-%d")
    return f"{one.label}: a certificate {key}, with {issuers}, valid until {until}."
