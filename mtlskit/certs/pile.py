"""Loose certificates, keys, requests and CRLs, put together into entries.

Law of this room: a key belongs to the certificate that names its public half, wherever the two
lie; what belongs to nothing is shown as it is, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mtlskit.certs import keys, pbe
from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.entries import Entry
from mtlskit.certs.formats import der_kind
from mtlskit.certs.private_key import PrivateKey
from mtlskit.certs.signed import read_crl, read_request
from mtlskit.material import Problem, Source, Unreadable


@dataclass(slots=True)
class Pile:
    """What was found in one file without an order of its own.

    Attributes:
        passwords: tried on each encrypted key.
        entries: in the order of the file; certificates and keys are not paired yet.
        problems: what could not be read.
    """

    passwords: Sequence[str] = field(default=(), repr=False)
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    work: pbe.Work = field(default_factory=pbe.Work)

    def add(self, der: bytes, source: Source, alias: str | None = None) -> bool:
        """Read one DER object and keep it, or the problem with it; False: it is no such object."""
        kind = der_kind(der)
        reader = _READERS.get(kind or "")
        if reader is None:
            return False
        try:
            entry = reader(self, der, source)
            self.entries.append(entry if alias is None else replace(entry, alias=alias))
        except Unreadable as error:
            self.fail(error.problem, alias, locked=kind == "encrypted-key")
        return True

    def fail(self, problem: Problem, alias: str | None = None, *, locked: bool = False) -> None:
        """Keep a problem; a key that stays locked is an entry all the same."""
        self.problems.append(problem)
        if locked:
            self.entries.append(Entry(problem.source, alias, "key", problems=(problem,)))

    def add_key(self, key: PrivateKey, source: Source, alias: str | None = None) -> None:
        """Keep a key that is open already."""
        self.entries.append(Entry(source, alias, "key", key=key))


def _certificate(_: Pile, der: bytes, source: Source) -> Entry:
    return Entry(source, None, "certificate", certificate=read_certificate(der, source))


def _request(_: Pile, der: bytes, source: Source) -> Entry:
    return Entry(source, None, "request", request=read_request(der, source))


def _crl(_: Pile, der: bytes, source: Source) -> Entry:
    return Entry(source, None, "crl", crl=read_crl(der, source))


def _key(_: Pile, der: bytes, source: Source) -> Entry:
    return Entry(source, None, "key", key=keys.read_key(der, source))


def _locked_key(pile: Pile, der: bytes, source: Source) -> Entry:
    key = keys.open_key(der, pile.passwords, source, pile.work)
    return Entry(source, None, "key", key=key)


_READERS = {
    "certificate": _certificate,
    "request": _request,
    "crl": _crl,
    "key": _key,
    "encrypted-key": _locked_key,
}


def paired(entries: Sequence[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Join keys with their certificates; give the entries and what was amiss.

    An identity stands where its certificate stood, its chain picked from all certificates. A key
    that fits no certificate stays; if exactly one certificate looks like its leaf, the two are
    joined all the same and the mismatch is said.
    """
    if not any(one.kind == "key" for one in entries):
        return list(entries), []  # nothing to join, of ten thousand certificates maybe
    pool = Pool(one.certificate for one in entries if one.certificate)
    loose = {one.key.spki: one for one in entries if one.kind == "key" and one.key}
    used: set[bytes] = set()
    joined: list[Entry] = []
    for one in entries:
        spki = one.certificate.key.spki if one.certificate and _lacks_key(one) else b""
        if spki in loose:
            used.add(spki)
        joined.append(_identity(one, loose[spki], pool) if spki in loose else one)
    rest = [one for one in joined if one.kind != "key" or not one.key or one.key.spki not in used]
    return _with_misfit(rest, pool)


def _lacks_key(entry: Entry) -> bool:
    return entry.key is None and entry.kind in {"certificate", "identity"}


def _identity(leaf: Entry, key: Entry, pool: Pool) -> Entry:
    return replace(
        leaf,
        kind="identity",
        chain=leaf.chain or (pool.issuers_of(leaf.certificate) if leaf.certificate else ()),
        key=key.key,
        key_source=key.source,
        alias=leaf.alias or key.alias,
        problems=leaf.problems + key.problems,
    )


def _with_misfit(entries: list[Entry], pool: Pool) -> tuple[list[Entry], list[Problem]]:
    """Join the one key that is left with the one leaf that is left, and say that they misfit."""
    spare = [one for one in entries if one.kind == "key"]
    lone = leaves(entries) if len(spare) == 1 else []
    if len(lone) != 1:
        return entries, []
    key, leaf = spare[0], _identity(lone[0], spare[0], pool)
    problems: list[Problem] = []
    if key.key is not None:
        problem = mismatch(leaf.source, key.source)
        leaf, problems = replace(leaf, problems=(*leaf.problems, problem)), [problem]
    return [leaf if one is lone[0] else one for one in entries if one is not key], problems


def leaves(entries: Sequence[Entry]) -> list[Entry]:
    """The certificates without a key that are no CA and issued none of the others."""
    every = [one.certificate for one in entries if one.certificate]
    parents = {one.issuer.normal for one in every if not one.self_issued}
    return [
        entry
        for entry in entries
        if entry.kind == "certificate"
        and (one := entry.certificate)
        and not one.ca
        and "keyCertSign" not in (one.ku or ())
        and one.subject.normal not in parents
    ]


def said_once(problems: Sequence[Problem], store: Source) -> list[Problem]:
    """Where the store as a whole has no right password, its keys need not say so again."""
    said = {one.code for one in problems if one.source == store}
    again = said & {"wrong-password", "no-password"}
    return [one for one in problems if one.source == store or one.code not in again]


def mismatch(certificate: Source, key: Source) -> Problem:
    """Say that a private key does not belong to a certificate."""
    text = (
        f"The private key ({key}) does not belong to this certificate: their public keys differ. "
        "Find the key that the certificate was requested with."
    )
    return Problem("key-mismatch", text, certificate)
