"""A comparison as a page and as JSON.

Law of this file: it shows what `compare` found, and finds nothing itself. What was looked for and
not found is said too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from mtlskit.certs.certificate import Certificate
from mtlskit.page.blocks import (
    Badge,
    Block,
    Callout,
    Code,
    Inline,
    Items,
    Page,
    Paragraph,
    Section,
    Strong,
    Table,
)
from mtlskit.page.plain import Plain
from mtlskit.page.plain import plain as tell

if TYPE_CHECKING:
    from mtlskit.certs.compare import Comparison, Difference, Missing, Renewal
    from mtlskit.certs.compare_keys import HeldKey
    from mtlskit.material import Source

_T = TypeVar("_T")

SHOWN = 100
"""A page shows so many lines of each kind; the values have all."""


def page(found: Comparison) -> Page:
    """Describe what is alike, then everything that is not."""
    from mtlskit.certs.compare import names_of  # noqa: PLC0415 - each of the two needs the other

    names = names_of(found.stores)
    blocks: list[Block] = [_headline(found)]
    if found.problems:
        said: list[Inline] = [(Strong(str(one.source)), f": {one.text}") for one in found.problems]
        whole = all(found.known)
        title = "Noticed in the files" if whole else "Not everything could be read"
        blocks.append(Callout(title, (Items(tuple(said)),), "warn"))
    sections = {
        "What is missing where": _list(found.missing, _missing),
        "What renews what": _list(found.renewals, _renewal),
        "What differs": _differences(found.differences),
        "More than once in one store": _list(
            found.duplicates,
            lambda one: (
                Strong(one.certificate.label),
                f" stands at {'; '.join(map(str, one.sources))}.",
            ),
        ),
        "Names that may not be found": _list(
            found.odd_names,
            lambda one: (f"{one.what} ", Code(one.name), f" [{one.source}]: {one.because}"),
        ),
    }
    blocks += [Section(title, tuple(inner)) for title, inner in sections.items() if inner]
    blocks.append(Section("What stands where", _where(found, names)))
    without = [title.lower() for title, inner in sections.items() if not inner]
    if without and (found.held or all(found.known)):
        where = "" if all(found.known) else " in what could be read"
        blocks.append(Paragraph(f"Looked for{where} and not found: {'; '.join(without)}."))
    return Page(" and ".join(names) or "No store was given", tuple(blocks))


def plain(found: Comparison) -> dict[str, Plain]:
    """Everything for programs."""
    return {
        "stores": [str(store.source) for store in found.stores],
        "same": found.same,
        "certificates": [
            {**_named(one.certificate), "in": _plain_places(one.places, found.known)}
            for one in found.held
        ],
        "read": list(found.known),
        "same_keys": found.same_keys,
        "keys": [
            {
                "sha256": one.sha256,
                "key": one.key,
                "of": [_named(each) for each in one.certificates],
                "in": _plain_places(one.places, found.known),
                "locked_in": [[str(at) for at in place] for place in one.locked],
            }
            for one in found.keys
        ],
        "differences": list(map(_plain_difference, found.differences)),
        "renewals": list(map(_plain_renewal, found.renewals)),
        "missing": list(map(_plain_missing, found.missing)),
        "duplicates": [
            {**_named(one.certificate), "sources": [str(at) for at in one.sources]}
            for one in found.duplicates
        ],
        "odd_names": [tell(one) for one in found.odd_names],
        "problems": [tell(one) for one in found.problems],
    }


def _plain_places(places: Sequence[Sequence[Source]], known: Sequence[bool]) -> list[Plain]:
    """The entries of each store; None where the store could not be read."""
    return [
        [str(at) for at in place] if place or read else None
        for place, read in zip(places, known, strict=True)
    ]


def _plain_difference(one: Difference) -> Plain:
    return {
        "alike": one.alike,
        "name": one.name,
        "first": _named(one.first),
        "second": _named(one.second),
        "fields": {name: [mine, theirs] for name, mine, theirs in one.fields},
    }


def _plain_renewal(one: Renewal) -> Plain:
    return {
        "older": _named(one.older),
        "newer": _named(one.newer),
        "same_key": one.same_key,
        "same_subject": one.same_subject,
        "same_issuer": one.same_issuer,
    }


def _plain_missing(one: Missing) -> Plain:
    return {
        "kind": one.kind,
        "issuer": _named(one.issuer),
        "lacking": str(one.lacking),
        "needed_by": _named(one.needed_by),
    }


def _named(one: Certificate) -> dict[str, Plain]:
    return {"subject": str(one.subject), "sha256": one.sha256, "source": str(one.source)}


def _headline(found: Comparison) -> Block:
    every, common = len(found.held), len(found.common)
    if not all(found.known):
        return _partial(found)
    if not every:
        return Callout("There is no certificate in any of them", tone="warn")
    if found.same:
        said = "Every store holds the same certificate" + ("" if every == 1 else "s")
        keys: tuple[Block, ...] = (Paragraph(_count(every)),)
        if found.same_keys:
            return Callout(said, keys, "good")
        return Callout(said, (*keys, Paragraph("Their private keys differ; see below.")), "info")
    title = f"{common or 'No'} certificate{'' if common < 2 else 's'} of {every} "  # noqa: PLR2004 - the plural
    title += "stands in every store" if common <= 1 else "stand in every store"
    lacking = [one for one in found.missing if one.kind == "intermediate"]
    if not lacking:
        return Callout(title, tone="info")
    return Callout(f"{title}, and an intermediate is missing", tone="warn")


def _partial(found: Comparison) -> Block:
    """Of a store that was not read, nothing is known, and nothing is said."""
    read = zip(found.stores, found.known, strict=True)
    closed = [store.source.name for store, known in read if not known]
    said = (
        f"What stands in {' and '.join(closed)} is not known: it could not be opened. Compared is "
        "what could be read; mend what is told below, and compare again."
    )
    return Callout("Not every store could be opened", (Paragraph(said),), "warn")


def _count(number: int) -> str:
    return "1 certificate" if number == 1 else f"{number} certificates"


def _list(found: Sequence[_T], tell: Callable[[_T], Inline]) -> list[Block]:
    said: list[Inline] = [tell(one) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        said.append(f"and {len(found) - SHOWN} more")
    return [Items(tuple(said))] if said else []


def _missing(one: Missing) -> Inline:
    return (
        Strong(f"{one.lacking}"),
        f" lacks the {one.kind} ",
        Strong(one.issuer.label),
        f", which issued {one.needed_by.label}. It stands in {one.issuer.source}.",
    )


def _renewal(one: Renewal) -> Inline:
    if one.same_subject:
        issuer = "same subject and issuer" if one.same_issuer else "same subject, other issuer"
        how = f"{issuer}, {'same' if one.same_key else 'new'} key"
    else:
        how = f"same key, other subject (before: {one.older.subject})"
    newer, older = (f"{x.not_after:%Y-%m-%d} [{x.source}]" for x in (one.newer, one.older))
    return (Strong(one.newer.label), f" until {newer} came after the one until {older}: {how}.")


def _differences(found: Sequence[Difference]) -> list[Block]:
    if not found:
        return []
    tables: list[Block] = [
        Section(
            f"Same {one.alike} ({one.name})",
            (Table(("What", str(one.first.source), str(one.second.source)), one.fields),),
        )
        for one in found[:SHOWN]
    ]
    return [*_list(found, _difference), Section("Both sides", tuple(tables), folded=True)]


def _difference(one: Difference) -> Inline:
    fields = ", ".join(_field(*each) for each in one.fields)
    sides = f" [{one.first.source}; {one.second.source}]"
    return (f"Same {one.alike} ", Strong(one.name), f", other {fields}{sides}.")


def _field(name: str, mine: str, theirs: str) -> str:
    """Name a field that differs; with both values where these are words and not numbers."""
    return f"{name} ({mine} against {theirs})" if name in _WORDED else name


_WORDED = frozenset({"key", "signature", "extended key usage", "key usage"})
"""Fields whose values say more than that they differ."""


def _where(found: Comparison, names: Sequence[str]) -> tuple[Block, ...]:
    held, known = found.held, found.known
    if not held and not found.keys:
        none = "Nothing" if all(known) else "Not known"
        return (Paragraph(f"{none}."),)
    rows = tuple(
        (
            one.certificate.label,
            f"{one.certificate.not_after:%Y-%m-%d}",
            *(_holds(*each) for each in zip(one.places, known, strict=True)),
        )
        for one in held[:SHOWN]
    )
    keys = tuple(
        (f"private key of {one.label}", _key_name(one), *_key_cells(one, known))
        for one in found.keys[:SHOWN]
    )
    table = Table(("What", "Valid until, or kind", *names), rows + keys)
    closed = [name for name, read in zip(names, known, strict=True) if not read]
    told: list[Block] = [Paragraph(f"not known: {one} could not be opened.") for one in closed]
    if len(held) > SHOWN:
        told.append(Paragraph(f"{len(held) - SHOWN} more certificates are in .frame()."))
    return (table, *told)


def _holds(place: Sequence[Source], read: bool) -> Inline:  # noqa: FBT001 - a cell's two facts
    if place:
        return Badge("yes", "good")
    return "no" if read else Badge("not known", "warn")


def _key_name(one: HeldKey) -> str:
    """Its kind, and enough of its public half's hash to tell it from another."""
    return f"{one.key}, {one.sha256[:8]}…"


def _key_cells(one: HeldKey, known: Sequence[bool]) -> Iterator[Inline]:
    for place, locked, read in zip(one.places, one.locked, known, strict=True):
        yield Badge("locked", "warn") if locked and not place else _holds(place, read)
