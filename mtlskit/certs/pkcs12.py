"""PKCS#12 key stores (RFC 7292): several identities, trusted entries, old and new ciphers mixed.

Law of this room: every bag is tried on its own. A store whose integrity check fails is still opened
as far as the passwords go, so that a changed file and a wrong password are told apart.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mtlskit.certs import asn1, bags, keys, pbe
from mtlskit.certs.bags import Bag
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.entries import Entry, Kind, Store
from mtlskit.certs.pile import mismatch, said_once
from mtlskit.certs.private_key import PrivateKey
from mtlskit.certs.signed import read_crl
from mtlskit.material import Blob, Problem, Source, Unreadable


def read(blob: Blob, passwords: Sequence[str] = ()) -> Store:
    """Read every bag of a store, each sealed part with the first password that opens it."""
    opening = _Opening(blob.source, passwords)
    opening.store(blob.data)
    entries = _entries(opening)
    return Store(blob.source, "pkcs12", tuple(entries), tuple(opening.problems))


@dataclass(slots=True)
class _Found:
    """One key or certificate with its bag."""

    bag: Bag
    source: Source
    key: PrivateKey | None = None
    certificate: Certificate | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Opening:
    """One pass over one store, with what it found so far."""

    source: Source
    given: Sequence[str] = field(repr=False)
    passwords: list[pbe.Password] = field(default_factory=list, repr=False)
    right: bool = False
    keys: list[_Found] = field(default_factory=list)
    certificates: list[_Found] = field(default_factory=list)
    crls: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    work: pbe.Work = field(default_factory=pbe.Work)
    count: int = 0

    def problem(self, code: str, text: str) -> None:
        """Note what is wrong with the store, once."""
        one = Problem(code, text, self.source)
        if one not in self.problems:
            self.problems.append(one)

    def store(self, data: bytes) -> None:
        """Read the whole."""
        self.passwords = [*self.given, *_unsaid(self.given)]
        self.work = pbe.Work.for_passwords(self.given)
        try:
            self._pfx(bags.pfx(data))
        except asn1.Asn1Error as error:
            self.problem("damaged", f"The PKCS#12 store is damaged {error}.")
        except pbe.TooMuchWork as error:
            self.problem(error.code, f"The store {error}.")
        self.problems = said_once(self.problems, self.source)

    def _pfx(self, pfx: bags.Pfx) -> None:
        if pfx.kind != bags.DATA:
            self.problem(
                "unsupported",
                "The store is protected with a signature instead of a password, which is not "
                "supported here. Export it again with a password.",
            )
            return
        parts = bags.safes(pfx.safe)
        checked = self._check(pfx) if pfx.mac else None
        for kind, content in parts:
            self._safe(kind, content)
        if checked is False and self.right:
            self.problem(
                "damaged",
                "The password opens the store, but its integrity check fails: "
                "the file was changed or damaged after it was written.",
            )
        elif checked is False:
            self._wrong_password()

    def _wrong_password(self) -> None:
        if self.given:
            self.problem("wrong-password", "No given password opens the store.")
        else:
            self.problem("no-password", "The store is protected. Give its password.")

    def _check(self, pfx: bags.Pfx) -> bool | None:
        """Try the passwords on the integrity check; the right one is tried first from then on."""
        try:
            mac = bags.mac(pfx.mac or b"")
            for password in self.passwords:
                if _fits(mac, pfx.safe, self.work.trying(password), self.work):
                    self._opened_by(password)
                    return True
        except pbe.Unsupported as error:
            self.problem("unsupported", f"The store has {error}, which is not supported here.")
            return None
        return False

    def _opened_by(self, password: pbe.Password) -> None:
        """Note the right password: it is tried first from now on."""
        self.passwords.remove(password)
        self.passwords.insert(0, password)
        self.work.opened_by(password)
        self.right = True

    def _safe(self, kind: str, content: bytes) -> None:
        try:
            opened = self._opened(kind, content)
            for bag in bags.bags(opened) if opened is not None else ():
                self.count += 1
                if self.count > bags.LIMIT:
                    self.problem("too-large", f"The store holds more than {bags.LIMIT} bags.")
                    return
                self._bag(bag, bag.source(self.source, self.count))
        except asn1.Asn1Error as error:
            self.problem("damaged", f"A part of the store is damaged {error}.")

    def _opened(self, kind: str, content: bytes) -> bytes | None:
        """The SafeContents in one part; None: it stays closed, and a problem says why."""
        if kind == bags.DATA:
            return asn1.unwrapped(asn1.definite(content))
        if kind != bags.ENCRYPTED_DATA:
            self.problem("unsupported", f"A part of the store is of the kind {kind}.")
            return None
        algorithm, sealed = bags.encrypted_content(content)
        try:
            scheme = pbe.scheme(algorithm)
        except pbe.Unsupported as error:
            self.problem("unsupported", f"A part is encrypted with {error}.")
            return None
        opened = self._first_that_opens(scheme, sealed)
        if opened is None:
            self._wrong_password()
        return opened

    def _first_that_opens(self, scheme: pbe.Scheme, sealed: bytes) -> bytes | None:
        for password in self.passwords:
            try:
                opened = scheme.decrypt(sealed, self.work.trying(password), self.work)
                asn1.children(asn1.definite(opened), 0, len(asn1.definite(opened)))
            except (pbe.WrongPassword, asn1.Asn1Error):
                continue
            if opened[:1] == bytes((asn1.SEQUENCE,)):
                self._opened_by(password)
                return opened
        return None

    def _bag(self, bag: Bag, source: Source) -> None:
        try:
            self._kept(bag, source)
        except asn1.Asn1Error as error:
            self.problems.append(Problem("damaged", f"The bag is damaged {error}.", source))
        except Unreadable as error:
            self.problems.append(error.problem)

    def _kept(self, bag: Bag, source: Source) -> None:
        if bag.kind in {bags.KEY, bags.SHROUDED_KEY}:
            self.keys.append(self._key(bag, source))
        elif bag.kind == bags.CERTIFICATE and (der := bags.certificate_in(bag.value)):
            found = read_certificate(der, source)
            self.certificates.append(_Found(bag, source, certificate=found))
        elif bag.kind == bags.CRL:
            crl = read_crl(bags.crl_in(bag.value), source)
            self.crls.append(Entry(source, bag.friendly_name, "crl", crl=crl))
        else:
            what = "a secret key" if bag.kind == bags.SECRET else f"an entry of the kind {bag.kind}"
            text = f"This is {what}, which plays no part in TLS here; it was left aside."
            self.problems.append(Problem("unsupported", text, source))

    def _key(self, bag: Bag, source: Source) -> _Found:
        try:
            if bag.kind == bags.KEY:
                return _Found(bag, source, key=keys.read_key(bag.value, source))
            key = keys.open_key(bag.value, self.passwords, source, self.work)
            return _Found(bag, source, key=key)
        except Unreadable as error:
            problem = self._locked(error.problem)
            self.problems.append(problem)
            return _Found(bag, source, problems=(problem,))

    def _locked(self, problem: Problem) -> Problem:
        if problem.code != "key-password":
            return problem
        if not self.right:
            code = "wrong-password" if self.given else "no-password"
            return Problem(code, problem.text, problem.source)
        text = (
            "The store's password opens the store, but not this private key: "
            "the key has another password. Give that one too, or set both alike."
        )
        return Problem("key-password", text, problem.source)


def _unsaid(given: Sequence[str]) -> Iterator[pbe.Password]:
    """The passwords that a store may have without anyone knowing: the empty one, and none."""
    if "" not in given:
        yield ""
    yield None


def _fits(mac: bags.Mac, safe: bytes, password: pbe.Password, work: pbe.Work) -> bool:
    """Whether this password makes the integrity check come out (RFC 7292, 4; RFC 9579, 4)."""
    try:
        if not mac.hash:
            derive, name, size = pbe.pbmac1(mac.parameters)
            key = derive((password or "").encode(), work)
        else:
            name, size = mac.hash, hashlib.new(mac.hash, usedforsecurity=False).digest_size
            key = pbe.pkcs12_bytes(password, mac.salt, mac.rounds, pbe.MAC, size, work, name)
    except (UnicodeEncodeError, pbe.WrongPassword):
        return False
    return hmac.compare_digest(hmac.digest(key, safe, name), mac.digest)


def _entries(found: _Opening) -> list[Entry]:
    """Join keys with certificates; chains are picked from all certificates of the store."""
    pool = Pool(one.certificate for one in found.certificates if one.certificate)
    entries, used = [], set[int]()
    for key in found.keys:
        leaf = _leaf_of(key, found.certificates)
        if leaf:
            used.add(id(leaf))
        entries.append(_with_key(key, leaf, pool, found.problems))
    for one in found.certificates:
        if id(one) not in used:
            kind: Kind = "trusted" if one.bag.trusted else "certificate"
            entries.append(
                Entry(one.source, one.bag.friendly_name, kind, certificate=one.certificate)
            )
    return entries + found.crls


def _leaf_of(key: _Found, certificates: Sequence[_Found]) -> _Found | None:
    """The certificate with the key's public half, else with its local key id, else its name.

    Of several with its public half, the one with its local key id: a CA's reply may stand beside.
    """
    for fits in (_same_in_both, _same_public_key, _same_id, _same_name):
        for one in certificates:
            if fits(key.key, key.bag, one):
                return one
    return None


def _same_in_both(key: PrivateKey | None, bag: Bag, one: _Found) -> bool:
    return _same_public_key(key, bag, one) and _same_id(key, bag, one)


def _same_public_key(key: PrivateKey | None, _: Bag, one: _Found) -> bool:
    return bool(key and one.certificate and one.certificate.key.spki == key.spki)


def _same_id(_: PrivateKey | None, bag: Bag, one: _Found) -> bool:
    return bag.local_key_id is not None and one.bag.local_key_id == bag.local_key_id


def _same_name(_: PrivateKey | None, bag: Bag, one: _Found) -> bool:
    return bag.friendly_name is not None and one.bag.friendly_name == bag.friendly_name


def _with_key(key: _Found, leaf: _Found | None, pool: Pool, problems: list[Problem]) -> Entry:
    alias = key.bag.friendly_name or (leaf.bag.friendly_name if leaf else None)
    if leaf is None or leaf.certificate is None:
        return Entry(key.source, alias, "key", key=key.key, problems=key.problems)
    wrong = key.problems
    if key.key and key.key.spki != leaf.certificate.key.spki:
        problems.append(mismatch(leaf.source, key.source))
        wrong = (*wrong, problems[-1])
    chain = pool.issuers_of(leaf.certificate)
    return Entry(leaf.source, alias, "identity", leaf.certificate, chain, key.key, problems=wrong)
