"""Key stores beside each other: what is in both, what differs, what renews what, what is missing.

Law of this room: certificates are the same if their bytes are. Everything else that looks alike (an
alias, a subject, a key) is said to be alike in just that, with both sides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, product
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.compare_keys import HeldKey, keys_of
from mtlskit.certs.distinguished import normalised
from mtlskit.certs.entries import Entry, Store
from mtlskit.certs.odd_names import OddName, odd_names
from mtlskit.certs.signing import verified
from mtlskit.material import Problem, Source
from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 2000
"""So many differing pairs are looked for; more would be read by nobody."""
_SHOWN = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Held:
    """One certificate and where it stands.

    Attributes:
        places: for each store compared, in their order, the entries that hold it; (): it lacks it.
    """

    certificate: Certificate
    places: tuple[tuple[Source, ...], ...]

    @property
    def everywhere(self) -> bool:
        """Whether every store holds it."""
        return all(self.places)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two certificates of different stores that share an alias or a subject.

    Attributes:
        alike: what they share; Java's aliases are alike without regard to case.
        name: the alias or the subject.
        fields: what differs: its name, and how either side has it.
    """

    alike: Literal["alias", "subject"]
    name: str
    first: Certificate
    second: Certificate
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Renewal:
    """A newer certificate in place of an older one.

    Attributes:
        same_key, same_subject, same_issuer: what they share: the key, or subject and issuer.
    """

    older: Certificate
    newer: Certificate
    same_key: bool
    same_subject: bool
    same_issuer: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """A root or intermediate that one store needs and another one holds.

    Attributes:
        issuer: the certificate that is missing, where it stands.
        lacking: the store that lacks it.
        needed_by: a certificate in that store that it issued.
    """

    issuer: Certificate
    lacking: Source
    needed_by: Certificate

    @property
    def kind(self) -> Literal["root", "intermediate"]:
        """What it is."""
        return "root" if self.issuer.self_issued else "intermediate"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One certificate that stands more than once in one store."""

    certificate: Certificate
    sources: tuple[Source, ...]


class Comparison(Shown):
    """Some key stores beside each other; each answer is worked out when it is asked for.

    Attributes:
        stores: in the order in which they were given.
        problems: what could not be read.
    """

    def __init__(self, stores: Iterable[Store], problems: Iterable[Problem] = ()) -> None:
        self.stores = tuple(stores)
        self.problems = tuple(problems)

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """Every certificate, those that most stores hold first."""
        found: dict[bytes, list[list[Source]]] = {}
        first: dict[bytes, Certificate] = {}
        for at, store in enumerate(self.stores):
            for one in _all_of(store):
                first.setdefault(one.der, one)
                found.setdefault(one.der, [[] for _ in self.stores])[at].append(one.source)
        held = [Held(first[der], tuple(map(tuple, places))) for der, places in found.items()]
        return tuple(sorted(held, key=lambda one: -sum(map(bool, one.places))))

    @cached_property
    def known(self) -> tuple[bool, ...]:
        """For each store, whether all its certificates could be read; else nothing is missing."""
        return tuple(not store.closed for store in self.stores)

    @cached_property
    def keys(self) -> tuple[HeldKey, ...]:
        """Every private key, those that most stores hold first."""
        return keys_of(self.stores)

    @property
    def same_keys(self) -> bool:
        """Whether every store holds the same private keys, and each of them could be opened."""
        return all(all(one.places) for one in self.keys)

    @property
    def common(self) -> tuple[Certificate, ...]:
        """What every store holds."""
        return tuple(one.certificate for one in self.held if one.everywhere)

    @property
    def same(self) -> bool:
        """Whether all was read, and all stores hold the same certificates under any aliases."""
        return all(self.known) and all(one.everywhere for one in self.held)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """What differs between stores under the same alias, then under the same subject."""
        by_alias = list(_differing(self.stores, "alias", _alias))
        seen = {(one.first.der, one.second.der) for one in by_alias}
        by_subject = _differing(self.stores, "subject", _subject)
        return (*by_alias, *(one for one in by_subject if _pair(one) not in seen))

    @cached_property
    def renewals(self) -> tuple[Renewal, ...]:
        """Which certificate (no CA's) renews which, within a store or across them."""
        leaves = [one.certificate for one in self.held if not one.certificate.ca]
        by_subject = _renewals(
            leaves, lambda one: (normalised(one.subject.der), normalised(one.issuer.der))
        )
        by_key = _renewals(leaves, lambda one: one.key.spki)
        return tuple(
            {(one.older.der, one.newer.der): one for one in (*by_subject, *by_key)}.values()
        )

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """Issuers that a store needs, lacks, and could take from another one."""
        every = Pool(one.certificate for one in self.held)
        stores = zip(self.stores, self.known, strict=True)
        return tuple(one for store, known in stores if known for one in _missing(store, every))

    @cached_property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """Entries of one store that hold the same certificate."""
        return tuple(one for store in self.stores for one in _duplicates(store))

    @cached_property
    def odd_names(self) -> tuple[OddName, ...]:
        """Aliases and file names with upper case or odd characters, or alike but for case."""
        return tuple(one for store in self.stores for one in odd_names(store))

    def frame(self) -> pd.DataFrame:
        """One row a certificate: subject, serial, end, SHA-256, and a column for each store.

        Raises:
            ImportError: pandas is not installed; the message says how to get it.
        """
        from mtlskit.certs.inventory import frame_of  # noqa: PLC0415 - it brings a room along

        ones = [held.certificate for held in self.held]
        columns: dict[str, list[object]] = {
            "subject": [str(one.subject) for one in ones],
            "serial": [f"{one.serial:x}" for one in ones],
            "not_after": [one.not_after for one in ones],
            "sha256": [one.sha256 for one in ones],
        }
        for at, name in enumerate(names_of(self.stores)):
            unseen = False if self.known[at] else None
            columns[name] = [bool(held.places[at]) or unseen for held in self.held]
        return frame_of(columns)

    def plain(self) -> dict[str, Plain]:
        """Everything for programs."""
        from mtlskit.certs import compare_told  # noqa: PLC0415 - only when it is told

        return compare_told.plain(self)

    def page(self) -> Page:
        """Describe what is alike, then everything that is not."""
        from mtlskit.certs import compare_told  # noqa: PLC0415 - only when it is told

        return compare_told.page(self)


def compare(stores: Iterable[Store], problems: Iterable[Problem] = ()) -> Comparison:
    """Put key stores beside each other; two at least make sense, any number may be given."""
    return Comparison(stores, problems)


def names_of(stores: Sequence[Store]) -> tuple[str, ...]:
    """Give each store a short name that tells it from the others: the file's, if that does."""
    short = [PurePath(store.source.name).name or store.source.name for store in stores]
    long = [
        name if short.count(name) == 1 else store.source.name
        for name, store in zip(short, stores, strict=True)
    ]
    return tuple(
        name if long.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(long, 1)
    )


def _all_of(store: Store) -> Iterator[Certificate]:
    """Every certificate of a store; one that an entry names and a chain repeats comes once."""
    seen = set()
    for entry in store.entries:
        if entry.certificate is not None:
            seen.add(entry.certificate.der)
            yield entry.certificate
    for entry in store.entries:
        for one in entry.chain:
            if one.der not in seen:
                seen.add(one.der)
                yield one


# What differs.


def _alias(entry: Entry) -> object:
    return None if entry.alias is None else entry.alias.casefold()


def _subject(entry: Entry) -> object:
    one = entry.certificate
    return None if one is None or not one.subject.rdns else normalised(one.subject.der)


def _differing(
    stores: Sequence[Store],
    alike: Literal["alias", "subject"],
    sign: Callable[[Entry], object],
) -> Iterator[Difference]:
    """Compare entries of the same sign, store by store; a certificate in both is no difference."""
    signed = [_by_sign(store, sign) for store in stores]
    left = PAIRS
    for here, there in combinations(signed, 2):
        for name in (one for one in here if one in there):
            for first, second in _unlike(here[name], there[name]):
                if left == 0:
                    return
                left -= 1
                yield _difference(alike, first, second)


def _by_sign(store: Store, sign: Callable[[Entry], object]) -> dict[object, list[Entry]]:
    found: dict[object, list[Entry]] = {}
    for entry in store.entries:
        if entry.certificate is not None and (name := sign(entry)) is not None:
            found.setdefault(name, []).append(entry)
    return found


def _unlike(here: Sequence[Entry], there: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Pair what only one side has with what only the other side has."""
    mine = {entry.certificate.der for entry in here if entry.certificate}
    theirs = {entry.certificate.der for entry in there if entry.certificate}
    first = [one for one in here if one.certificate and one.certificate.der not in theirs]
    second = [one for one in there if one.certificate and one.certificate.der not in mine]
    return product(first, second)


def _difference(alike: Literal["alias", "subject"], first: Entry, second: Entry) -> Difference:
    one, other = first.certificate, second.certificate
    assert one is not None  # noqa: S101 - for mypy; `_by_sign` took only such
    assert other is not None  # noqa: S101 - as above
    name = first.alias or "" if alike == "alias" else str(one.subject)
    return Difference(alike, name, one, other, tuple(fields(one, other)))


def fields(one: Certificate, other: Certificate) -> Iterator[tuple[str, str, str]]:
    """Give what differs between two certificates: the field, and what each of them has."""
    sides = zip(_facts(one), _facts(other), strict=True)
    return ((name, mine, theirs) for (name, mine), (_, theirs) in sides if mine != theirs)


def _facts(one: Certificate) -> tuple[tuple[str, str], ...]:
    return (
        ("subject", str(one.subject)),
        ("issuer", str(one.issuer)),
        ("serial number", f"{one.serial:x}"),
        ("valid from", f"{one.not_before:{_SHOWN}} UTC"),
        ("valid until", f"{one.not_after:{_SHOWN}} UTC"),
        ("key", str(one.key)),
        ("public key's SHA-256", hashlib.sha256(one.key.spki).hexdigest()),
        ("signature", one.signature_algorithm),
        ("alternative names", ", ".join(name.value for name in one.san or ())),
        ("extended key usage", "none" if one.eku is None else ", ".join(one.eku)),
        ("key usage", "none" if one.ku is None else ", ".join(one.ku)),
    )


def _pair(one: Difference) -> tuple[bytes, bytes]:
    return one.first.der, one.second.der


# What renews what.


def _renewals(
    leaves: Iterable[Certificate], sign: Callable[[Certificate], object]
) -> Iterator[Renewal]:
    groups: dict[object, list[Certificate]] = {}
    for one in leaves:
        groups.setdefault(sign(one), []).append(one)
    for group in groups.values():
        ordered = sorted(group, key=lambda one: (one.not_before, one.not_after))
        yield from (_renewal(*pair) for pair in pairwise(ordered))


def _renewal(older: Certificate, newer: Certificate) -> Renewal:
    return Renewal(
        older,
        newer,
        same_key=older.key.spki == newer.key.spki,
        same_subject=older.subject.same_as(newer.subject),
        same_issuer=older.issuer.same_as(newer.issuer),
    )


# What is missing where.


def _missing(store: Store, every: Pool) -> Iterator[Missing]:
    """Walk up from each certificate; a way that was walked before is not walked again."""
    own = {one.der for one in _all_of(store)}
    walked: set[bytes] = set()
    for one in _all_of(store):
        current: Certificate | None = one
        while current and not current.self_issued and current.der not in walked:
            walked.add(current.der)
            issuer = _issuer(current, every, own)
            if issuer and issuer.der not in own | walked:
                yield Missing(issuer, store.source, current)
            current = issuer


def _issuer(child: Certificate, every: Pool, own: set[bytes]) -> Certificate | None:
    """Find who issued it; the store's own certificates come before any other."""
    named = sorted(every.named(child.issuer.der), key=lambda one: one.der not in own)
    return next((one for one in named if _issued(child, one)), None)


def _issued(child: Certificate, issuer: Certificate) -> bool:
    """Whether it did: by the key identifiers where both have them, else by the signature."""
    if child.aki and issuer.ski:
        return child.aki == issuer.ski
    return verified(child, issuer.key.spki) is True


# Duplicates.


def _duplicates(store: Store) -> Iterator[Duplicate]:
    places: dict[bytes, list[Certificate]] = {}
    for entry in store.entries:
        if entry.certificate is not None:
            places.setdefault(entry.certificate.der, []).append(entry.certificate)
    for same in places.values():
        if len(same) > 1:
            yield Duplicate(same[0], tuple(one.source for one in same))
