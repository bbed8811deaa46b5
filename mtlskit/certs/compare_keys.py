"""Private keys of several stores beside each other: which store holds whose.

Law of this file: keys are the same if their public halves are. No private key is compared, copied
or shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.entries import Entry, Store
from mtlskit.certs.public_key import PublicKey
from mtlskit.material import Source


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One private key and where it stands, known by its public half.

    Attributes:
        sha256: of the public key (SubjectPublicKeyInfo), hex.
        key: its kind and size.
        certificates: those that name it, in whatever store, each once.
        places: for each store, the entries that hold the private key.
        locked: for each store, the entries that hold it and were not opened: that it is this key
            is what their certificate says.
    """

    sha256: str
    key: str
    certificates: tuple[Certificate, ...]
    places: tuple[tuple[Source, ...], ...]
    locked: tuple[tuple[Source, ...], ...]

    @property
    def label(self) -> str:
        """Whose it is, for people."""
        return self.certificates[0].label if self.certificates else f"a key, {self.key}"


def keys_of(stores: Sequence[Store]) -> tuple[HeldKey, ...]:
    """Every private key of some stores, those that most stores hold first.

    A locked key has the public half of its entry's certificate.
    """
    publics: dict[bytes, PublicKey] = {}
    places: dict[tuple[bytes, int, bool], list[Source]] = {}
    for at, store in enumerate(stores):
        for entry in store.entries:
            if public := _public_half(entry):
                publics.setdefault(public.spki, public)
                sign = (public.spki, at, entry.key is not None)
                places.setdefault(sign, []).append(entry.key_source or entry.source)

    def held(public: PublicKey, *, opened: bool) -> tuple[tuple[Source, ...], ...]:
        signs = ((public.spki, at, opened) for at in range(len(stores)))
        return tuple(tuple(places.get(sign, ())) for sign in signs)

    found = (
        HeldKey(
            hashlib.sha256(one.spki).hexdigest(),
            str(one),
            _naming(one.spki, stores),
            held(one, opened=True),
            held(one, opened=False),
        )
        for one in publics.values()
    )
    return tuple(sorted(found, key=lambda one: -sum(map(bool, one.places))))


def _public_half(entry: Entry) -> PublicKey | None:
    if entry.key is not None:
        return entry.key.public
    if entry.kind == "identity" and entry.certificate is not None:
        return entry.certificate.key
    return None


def _naming(spki: bytes, stores: Iterable[Store]) -> tuple[Certificate, ...]:
    every = (one for store in stores for one in store.certificates if one.key.spki == spki)
    return tuple({one.der: one for one in every}.values())
