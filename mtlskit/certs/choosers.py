"""Which of the identities at hand a client library would send, and why it withholds the others.

Law of this file: what is known of a library stands in `choosers.toml`, with its source; here it is
only carried out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

from mtlskit.certs import java_order
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.entries import Identity, Store
from mtlskit.certs.offers import QUESTIONS, Check, Offer, Question, Wanted, offer

_HASHTABLES = ("jks", "jceks")
"""Formats whose store is a Hashtable in the JVM; any other keeps the order of the file."""


@dataclass(frozen=True, slots=True)
class Chooser:
    """How one library chooses; the fields are those of the table.

    Attributes:
        filters: questions of which a "no" means that the identity is not sent.
        preferences: questions of which a "no" means that any other is sent rather; gravest first.
    """

    id: str
    title: str
    reads: Literal["store", "list", "one"]
    filters: tuple[Question, ...]
    preferences: tuple[Question, ...]
    letters: bool
    order: Literal["given", "store", "hash-map"]
    key_types: bool
    gives_up: bool
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What a library would do.

    Attributes:
        chosen: what it would send; None: an empty Certificate message, or nothing more at all if
            the library gives up.
        withheld: what it would not send, each with the first answer that speaks against it.
        rivals: what would have been sent in the absence of the one chosen.
    """

    chooser: Chooser
    chosen: Offer | None
    withheld: tuple[tuple[Offer, Check], ...] = ()
    rivals: tuple[Offer, ...] = field(default=())


@cache
def choosers() -> Mapping[str, Chooser]:
    """Return every library of the table, by its id."""
    text = files("mtlskit.certs").joinpath("choosers.toml").read_text("utf-8")
    return {name: _chooser(name, row) for name, row in tomllib.loads(text).items()}


def _chooser(name: str, row: dict[str, object]) -> Chooser:
    def questions(how: str) -> tuple[Question, ...]:
        return tuple(one for one in QUESTIONS if row.get(one) == how)

    return Chooser(
        name,
        str(row["title"]),
        row["reads"],  # type: ignore[arg-type]  # the table's own words, held by a test
        questions("filter"),
        questions("preference"),
        bool(row.get("letters")),
        row["order"],  # type: ignore[arg-type]  # the same
        bool(row.get("key_types")),
        bool(row.get("gives_up")),
        str(row["says"]),
        str(row["source"]),
    )


def choose(  # noqa: PLR0913 - the parts of the question, all but two by name
    library: str,
    identities: Sequence[Identity],
    *,
    wanted: Wanted,
    at: datetime | None = None,
    material: Iterable[Certificate] = (),
    store: Store | None = None,
) -> Choice:
    """Say what a library would send of one key store or list of certificates.

    Args:
        library: an id of the table, such as ``jsse-sunx509``.
        identities: in the order of the store, or as the program configured them.
        wanted: what the server asked for.
        at: when (UTC).
        material: further certificates, to say what would mend a short chain.
        store: where they all stand; it decides the order in a JVM.

    Raises:
        KeyError: no such library.
    """
    chooser = choosers()[library]
    others = tuple(material)
    offers = [offer(one, wanted, at, others) for one in _ordered(chooser, identities, store)]
    withheld, left = [], []
    for one in offers:
        against = _against(chooser, one, wanted)
        if against is None:
            left.append(one)
        else:
            withheld.append((one, against))
    ranked = _ranked(chooser, left, wanted)
    return Choice(chooser, ranked[0] if ranked else None, tuple(withheld), tuple(ranked[1:]))


def _against(chooser: Chooser, one: Offer, wanted: Wanted) -> Check | None:
    """Return the first answer because of which this library keeps the identity to itself."""
    if first := next((one[asked] for asked in chooser.filters if one[asked].answer == "no"), None):
        return first
    if chooser.letters and wanted.authorities and not one.to_the_letter:
        return Check("issuer", "no", "the server's list writes its issuer in other bytes")
    return None


def _ranked(chooser: Chooser, offers: list[Offer], wanted: Wanted) -> list[Offer]:
    """Put what is left in the library's order, the one it sends first."""
    types = _key_types(wanted)

    def rank(one: Offer) -> tuple[int, int]:
        # The gravest fault counts: a wrong purpose is worse than a wrong date.
        faults = (n for n, asked in enumerate(chooser.preferences) if one[asked].answer == "no")
        worst = len(chooser.preferences) - min(faults, default=len(chooser.preferences))
        return worst, _place(one, types) if chooser.key_types else 0

    return sorted(offers, key=rank)


def _ordered(
    chooser: Chooser, identities: Sequence[Identity], store: Store | None
) -> Sequence[Identity]:
    """Order by alias as the JVM's maps do; where one has no alias, all keep their places."""
    if chooser.order == "given" or any(one.alias is None for one in identities):
        return identities
    own = [str(one.alias).lower() for one in identities]
    names = own
    if store is not None and store.format in _HASHTABLES:
        # Whatever else stands in the store makes its table grow.
        every = [str(one.alias).lower() for one in store.entries if one.alias is not None]
        names = [one for one in java_order.in_hashtable(every or own) if one in set(own)]
    if chooser.order == "hash-map":
        names = list(java_order.in_hash_map(names))
    place = {name: number for number, name in enumerate(names)}
    return sorted(identities, key=lambda one: place.get(str(one.alias).lower(), len(place)))


def _key_types(wanted: Wanted) -> tuple[str, ...]:
    """The kinds of key in the order in which the server's schemes first name them."""
    kinds = (_KIND_OF[family] for one in wanted.schemes if (family := _family(one)) in _KIND_OF)
    return tuple(dict.fromkeys(kinds))


_KIND_OF = {"ecdsa": "EC", "ed25519": "Ed", "ed448": "Ed", "rsa_pss_pss": "RSA-PSS", "rsa": "RSA"}


def _family(scheme: str) -> str:
    return "rsa_pss_pss" if scheme.startswith("rsa_pss_pss") else scheme.partition("_")[0]


def _place(one: Offer, types: tuple[str, ...]) -> int:
    kind = one.identity.certificate.key.kind
    kind = "Ed" if kind.startswith("Ed") else kind
    return types.index(kind) if kind in types else len(types)
