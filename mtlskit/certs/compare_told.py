"""A comparison as a page and as JSON.

Law of this file: it shows what `compare` found, and finds nothing itself. What was looked for and
not found is said too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from mtlskit.certs.compare import Comparison, Difference, Held, Missing, Renewal

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
        blocks.append(Callout("Not everything could be read", (Items(tuple(said)),), "warn"))
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
    blocks.append(Section("What stands where", _where(found.held, names)))
    if without := [title.lower() for title, inner in sections.items() if not inner]:
        blocks.append(Paragraph(f"Looked for and not found: {'; '.join(without)}."))
    return Page(" and ".join(names) or "No store was given", tuple(blocks))


def plain(found: Comparison) -> dict[str, Plain]:
    """Everything for programs."""
    return {
        "stores": [str(store.source) for store in found.stores],
        "same": found.same,
        "certificates": [
            {**_named(one.certificate), "in": [[str(at) for at in place] for place in one.places]}
            for one in found.held
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
    if not every:
        return Callout("There is no certificate in any of them", tone="warn")
    if found.same:
        said = "every store holds the same certificate" + ("" if every == 1 else "s")
        return Callout(said[0].upper() + said[1:], (Paragraph(_count(every)),), "good")
    title = f"{common or 'No'} certificate{'' if common < 2 else 's'} of {every} "  # noqa: PLR2004 - the plural
    title += "stands in every store" if common <= 1 else "stand in every store"
    lacking = [one for one in found.missing if one.kind == "intermediate"]
    if not lacking:
        return Callout(title, tone="info")
    shown = Items(tuple(map(_missing, lacking[:3])))
    return Callout(f"{title}, and an intermediate is missing", (shown,), "warn")


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
        how = "same subject, same key" if one.same_key else "same subject, new key"
    else:
        how = f"same key, other subject (before: {one.older.subject})"
    newer, older = (f"{x.not_after:%Y-%m-%d} [{x.source}]" for x in (one.newer, one.older))
    return (Strong(one.newer.label), f" until {newer} came after the one until {older}: {how}.")


def _differences(found: Sequence[Difference]) -> list[Block]:
    sections: list[Block] = [
        Section(
            f"Same {one.alike} ({one.name}), other {', '.join(name for name, _, _ in one.fields)}",
            (Table(("What", str(one.first.source), str(one.second.source)), one.fields),),
            folded=True,
        )
        for one in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        sections.append(Paragraph(f"and {len(found) - SHOWN} more"))
    return sections


def _where(held: Sequence[Held], names: Sequence[str]) -> tuple[Block, ...]:
    if not held:
        return (Paragraph("Nothing stands anywhere."),)
    rows = tuple(
        (
            one.certificate.label,
            f"{one.certificate.not_after:%Y-%m-%d}",
            *(Badge("yes", "good") if place else "no" for place in one.places),
        )
        for one in held[:SHOWN]
    )
    table = Table(("Certificate", "Valid until", *names), rows)
    if len(held) <= SHOWN:
        return (table,)
    return (table, Paragraph(f"{len(held) - SHOWN} more certificates are in .frame()."))
