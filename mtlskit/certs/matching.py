"""Every identity at hand against what a server asked for, and what each client library would send.

Law of this file: it puts the answers of `offers` and `choosers` side by side, and adds none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.choosers import Choice, choose, choosers
from mtlskit.certs.entries import Identity, Store
from mtlskit.certs.offers import Check, Offer, Wanted, offer
from mtlskit.certs.schemes import grouped
from mtlskit.material import Source
from mtlskit.page.blocks import (
    Badge,
    Block,
    Fields,
    Inline,
    Items,
    Page,
    Paragraph,
    Section,
    Table,
    Tone,
)
from mtlskit.page.shown import Shown

_COLUMNS = ("Identity", "Private key", "Issuer listed", "Key fits", "Purpose", "In date", "Chain")
_TONES: dict[str, Tone] = {"yes": "good", "no": "bad", "unknown": "warn"}


@dataclass(frozen=True, slots=True)
class Sending:
    """What one library would do with one key store, or with all that was given.

    Attributes:
        store: the key store's name; None where the library does not read one.
    """

    store: str | None
    choice: Choice


@dataclass(frozen=True, slots=True)
class Matching(Shown):
    """The identities held against one CertificateRequest."""

    wanted: Wanted
    offers: tuple[Offer, ...]
    sendings: tuple[Sending, ...]

    @property
    def fitting(self) -> tuple[Offer, ...]:
        """The identities against which nothing speaks."""
        return tuple(one for one in self.offers if one.fits)

    def page(self) -> Page:
        """Describe it: the answer, the table, why, and what each library would send."""
        return Page("Which identity fits what the server asks for", self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """The same without a title, for a larger page."""
        if not self.offers:
            return (Paragraph("There is no identity at hand to be matched."),)
        return (
            Paragraph(self._answer()),
            Fields(_asked(self.wanted)),
            Table(_COLUMNS, tuple(_row(one) for one in self.offers)),
            *_details(self.offers, self._names()),
            *_libraries(self.sendings, self._names()),
        )

    def _names(self) -> dict[Source, str]:
        """What each identity is called: with its file where two have the same label."""
        labels = Counter(one.identity.label for one in self.offers)
        return {
            one.identity.source: f"{one.identity.label} in {one.identity.source.name}"
            if labels[one.identity.label] > 1
            else one.identity.label
            for one in self.offers
        }

    def _answer(self) -> str:
        names = self._names()
        fit = [names[one.identity.source] for one in self.fitting]
        if not fit:
            if len(self.offers) == 1:
                return f"{names[self.offers[0].identity.source]} does not fit in every way."
            return f"None of the {len(self.offers)} identities at hand fits in every way."
        if len(fit) == 1:
            return f"{fit[0]} fits what the server asks for."
        return f"{len(fit)} identities fit what the server asks for: {', '.join(fit)}."


def match(
    identities: Sequence[Identity],
    wanted: Wanted,
    *,
    at: datetime | None = None,
    material: Iterable[Certificate] = (),
    stores: Sequence[Store] = (),
) -> Matching:
    """Hold every identity against the request, and let each library choose.

    Args:
        identities: those at hand, the one in use first.
        wanted: what the server asked for.
        at: when (UTC); None: dates are not judged.
        material: further certificates at hand, to say what would mend a short chain.
        stores: the key stores in which they stand, for the libraries that read a store.
    """
    others = tuple(material)
    offers = tuple(offer(one, wanted, at, others) for one in identities)
    sendings = [
        Sending(name, choose(library, held, wanted=wanted, at=at, material=others, store=store))
        for library, chooser in choosers().items()
        for name, held, store in _piles(chooser.reads, identities, stores)
    ]
    return Matching(wanted, offers, tuple(sendings))


def _piles(
    reads: str, identities: Sequence[Identity], stores: Sequence[Store]
) -> list[tuple[str | None, Sequence[Identity], Store | None]]:
    """What a library chooses from: a store each, the first identity, or all in their order."""
    if reads == "one":
        return [(None, identities[:1], None)]
    if reads == "list":
        return [(None, identities, None)]
    of_store = {store.source: store for store in stores}
    names = dict.fromkeys(one.source.name for one in identities)
    return [
        (
            name,
            [one for one in identities if one.source.name == name],
            next((store for source, store in of_store.items() if source.name == name), None),
        )
        for name in names
    ]


def _asked(wanted: Wanted) -> tuple[tuple[str, Inline], ...]:
    rows = [
        ("Authorities listed", wanted.named or "none, which names no limit"),
        ("Signature schemes", grouped(wanted.schemes) or "none named"),
    ]
    if wanted.types:
        rows.append(("Certificate types", ", ".join(wanted.types)))
    return tuple(rows)


def _row(one: Offer) -> tuple[Inline, ...]:
    where = f"{one.identity.label} ({one.identity.source})"
    return (where, *(_badge(check) for check in one.checks))


def _badge(check: Check) -> Badge:
    words = {"yes": "yes", "no": "no", "unknown": "not known"}
    return Badge(words[check.answer], _TONES[check.answer])


def _details(offers: tuple[Offer, ...], names: dict[Source, str]) -> tuple[Block, ...]:
    """Say why, for each answer that is not yes."""
    lines = [
        f"{names[one.identity.source]}: {check.text}."
        for one in offers
        for check in one.checks
        if check.answer != "yes"
    ]
    return (Items(tuple(lines)),) if lines else ()


def _libraries(sendings: tuple[Sending, ...], names: dict[Source, str]) -> tuple[Block, ...]:
    rows = tuple(_sending(one, names) for one in sendings)
    table = Table(("Client", "Would send", "Why"), rows)
    choosers_told = {one.choice.chooser.id: one.choice.chooser for one in sendings}.values()
    sources = tuple(f"{one.title}: {one.source}." for one in choosers_told)
    known = (Paragraph("Where this is known from:"), Items(sources))
    return (Section("What each client library would send of these", (table, *known), folded=True),)


def _sending(one: Sending, names: dict[Source, str]) -> tuple[Inline, ...]:
    chooser, chosen = one.choice.chooser, one.choice.chosen
    client = f"{chooser.title}, {one.store}" if one.store else chooser.title
    if chosen is None:
        does = "breaks off" if chooser.gives_up else "no certificate"
        return client, Badge(does, "bad"), _why_nothing(one.choice, names)
    return client, names[chosen.identity.source], f"It {chooser.says}."


def _why_nothing(choice: Choice, names: dict[Source, str]) -> str:
    told = (f"{names[held.identity.source]}: {check.text}" for held, check in choice.withheld[:2])
    rest = len(choice.withheld) - 2
    return "; ".join(told) + (f"; and {rest} more" if rest > 0 else "") + "."
