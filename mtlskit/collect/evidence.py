"""Files of any kind become evidence. Law of this file: each file lands in one place, or is named.

What a file is, is told by its content. Nothing is concluded here: stores, exports and problems are
handed on as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity, Store, identities_of, open_store
from mtlskit.collect.files import kind_of, read_blob
from mtlskit.instance.exports import Export, read_export
from mtlskit.material import Blob, Problem, Unreadable

Given = str | PathLike[str] | Blob
"""A file's path, or its bytes with a name."""

_EXPORTS = ("instance-xml", "instance-json", "instance-csv", "html")
_LATER = {
    "pcap": "a capture",
    "pcapng": "a capture",
    "keylog": "a key log",
    "text": "a text or log",
    "zip": "a zip archive",
    "gzip": "a compressed file",
}
"""Kinds that are recognised and not read by this version."""


NO_FILE = ("missing", "directory", "not-a-file", "unreadable", "empty", "too-large")
"""Problems of a file as such: what was meant is not what was named, so nobody is called."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a number of files held.

    Attributes:
        problems: everything that could not be read, in the stores too.
    """

    stores: tuple[Store, ...] = ()
    exports: tuple[Export, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Certificates with their chain and key, also where these stand in different files."""
        return identities_of(self.stores)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate, once."""
        every = (one for store in self.stores for one in store.certificates)
        return tuple({one.der: one for one in every}.values())


def gather(given: Iterable[Given], passwords: Sequence[str] = ()) -> Evidence:
    """Read every file; never fails for what a file holds.

    Args:
        given: paths, or bytes with a name.
        passwords: tried in turn on whatever is locked.
    """
    evidence = Evidence()
    for one in given:
        evidence = _with(evidence, one, passwords)
    return evidence


def _with(evidence: Evidence, given: Given, passwords: Sequence[str]) -> Evidence:
    try:
        blob = given if isinstance(given, Blob) else read_blob(given)
        kind = kind_of(blob)
        if kind in _EXPORTS:
            return replace(evidence, exports=(*evidence.exports, read_export(blob)))
    except Unreadable as error:
        return replace(evidence, problems=(*evidence.problems, error.problem))
    if kind in _LATER:
        text = (
            f"This is {_LATER[kind]}, which this version does not read; "
            "give certificates, key stores or exports of the instance's settings."
        )
        problem = Problem("not-read", text, blob.source)
        return replace(evidence, problems=(*evidence.problems, problem))
    store = open_store(blob, passwords)
    return replace(
        evidence,
        stores=(*evidence.stores, store),
        problems=(*evidence.problems, *store.problems),
    )
