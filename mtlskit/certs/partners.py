"""Certificates and private keys that belong together and stand in different places.

Law of this file: they belong together if the key's public half is the certificate's; that they do
not is said only where the two were meant for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mtlskit.certs.entries import Entry, Identity, Store
from mtlskit.material import Source


class Partners:
    """Says of an entry where its other half stands."""

    def __init__(self, stores: Iterable[Store], identities: Iterable[Identity]) -> None:
        entries = [entry for store in stores for entry in store.entries]
        if not any(one.key for one in entries):
            entries = []  # a list of certificates, perhaps a long one: there is nothing to find
        self._keys: dict[bytes, Source] = {}
        self._certificates: dict[bytes, Source] = {}
        for one in entries:
            if one.key is not None:
                self._keys.setdefault(one.key.spki, one.key_source or one.source)
            if one.certificate is not None:
                self._certificates.setdefault(one.certificate.key.spki, one.source)
        self._misfits = {
            (one.source, one.certificate.der): one.key_source
            for one in identities
            if one.key_matches is False and one.key_source is not None
        }

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self._keys or self._misfits)

    def of(self, entry: Entry) -> dict[str, Any]:
        """What a row of the inventory says more for it."""
        if entry.kind == "key" and entry.key is not None:
            place = self._certificates.get(entry.key.spki)
            return {} if place is None else {"key_matches": True, "key_of": str(place)}
        one = entry.certificate
        if entry.kind != "certificate" or one is None:
            return {}
        if place := self._keys.get(one.key.spki):
            return {"has_key": True, "key_matches": True, "key_source": str(place)}
        if place := self._misfits.get((entry.source, one.der)):
            return {"has_key": True, "key_matches": False, "key_source": str(place)}
        return {}
