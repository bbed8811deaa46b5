"""Java's own key stores, JKS and JCEKS.

The format is described nowhere but in the sources of the JDK: a magic number, entries, and a SHA-1
digest over the password and all that. Law of this room: certificates are not encrypted in it, so
they are shown whatever the password; a key that does not open says whether the store's own
password was right.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

from mtlskit.certs import java_object, keys, pbe
from mtlskit.certs.asn1 import Asn1Error
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.distinguished import visible
from mtlskit.certs.entries import Entry, Store
from mtlskit.certs.pile import mismatch, said_once
from mtlskit.certs.private_key import PrivateKey
from mtlskit.material import Blob, Problem, Source, Unreadable

_NAMES = {0xFEEDFEED: "jks", 0xCECECECE: "jceks"}
_DIGEST_SIZE = 20
_WHITENER = b"Mighty Aphrodite"
"""What the JDK mixes into the digest."""
_PRIVATE_KEY, _TRUSTED, _SECRET_KEY = 1, 2, 3


def read(blob: Blob, passwords: Sequence[str] = ()) -> Store:
    """Read every entry; the store's password is checked, each key is tried with all passwords."""
    opening = _Opening(blob.source, blob.data, passwords)
    opening.store()
    problems = said_once(opening.problems, blob.source)
    return Store(blob.source, opening.format, tuple(opening.entries), tuple(problems))


@dataclass(slots=True)
class _Cursor:
    """A place in big-endian data that never moves past the end."""

    data: bytes = field(repr=False)
    stop: int
    at: int = 0

    def take(self, count: int, what: str) -> bytes:
        if count > self.stop - self.at:
            raise Asn1Error(self.at, f"{what} of {count} bytes", f"{self.stop - self.at} bytes")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, what: str) -> int:
        return int.from_bytes(self.take(size, what), "big")

    def text(self, what: str) -> str:
        """Java's modified UTF-8: NUL in two bytes, astral characters as two surrogates."""
        octets = self.take(self.number(2, what), what).replace(b"\xc0\x80", b"\0")
        wide = octets.decode("utf-8", "surrogatepass").encode("utf-16-be", "surrogatepass")
        return visible(wide.decode("utf-16-be", "replace"))


@dataclass(slots=True)
class _Opening:
    """One pass over one store, with what it found so far."""

    source: Source
    data: bytes = field(repr=False)
    given: Sequence[str] = field(repr=False)
    format: str = "jks"
    right: bool = False
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    work: pbe.Work = field(default_factory=pbe.Work)
    version: int = 2

    def problem(self, code: str, text: str, source: Source | None = None) -> Problem:
        one = Problem(code, text, source or self.source)
        self.problems.append(one)
        return one

    def store(self) -> None:
        """Read the whole."""
        cursor = _Cursor(self.data, max(len(self.data) - _DIGEST_SIZE, 0))
        fitting = [one for one in self.given if self._is_right(one)]
        self.right = bool(fitting)
        self.given = tuple(dict.fromkeys((*fitting, *self.given)))  # most keys have the store's
        try:
            self.format = _NAMES[cursor.number(4, "the magic number")]
            self.version = cursor.number(4, "the version")
            for number in range(1, cursor.number(4, "the number of entries") + 1):
                self._entry(cursor, number)
            self._judge(cursor)
        except (Asn1Error, UnicodeDecodeError) as error:
            where = f"at byte {cursor.at}: {error}" if "byte" not in str(error) else str(error)
            self.problem("damaged", f"The {self.format.upper()} store is damaged {where}.")

    def _judge(self, cursor: _Cursor) -> None:
        """All entries were read; say what the digest says."""
        if cursor.at != cursor.stop:
            self.problem(
                "damaged",
                f"The {self.format.upper()} store is damaged at byte {cursor.at}: "
                f"expected the digest, found {cursor.stop - cursor.at} bytes before it.",
            )
        elif self.given and not self.right:
            self.problem(*self._unfit())

    def _unfit(self) -> tuple[str, str]:
        """Say why no password passes the integrity check, judged by the keys that it opens.

        A store whose other keys stay locked may well have another password, and be sound.
        """
        mine = [one for one in self.entries if one.kind in {"identity", "key"}]
        opened = next((one for one in mine if one.key), None)
        if opened is None:
            text = (
                "No given password is the store's (or the file was changed after it was written)."
            )
            return "wrong-password", text
        entry = f'entry "{opened.alias}"'
        if all(one.key for one in mine):
            return "damaged", (
                "The store is damaged: its integrity check fails, though the password opens the "
                f"private key of {entry}, so that the file was changed after it was written. Get "
                "it again, unaltered. (Or the store has another password than that key.)"
            )
        return "wrong-password", (
            "No given password is the store's, and not every key opens. One opens the private key "
            f"of {entry}: give the others too; if that one is the store's, the file was changed "
            "after it was written."
        )

    def _is_right(self, password: str) -> bool:
        try:
            secret = password.encode("utf-16-be")
        except UnicodeEncodeError:
            return False
        digest = hashlib.sha1(secret + _WHITENER, usedforsecurity=False)
        digest.update(self.data[:-_DIGEST_SIZE])
        return hmac.compare_digest(digest.digest(), self.data[-_DIGEST_SIZE:])

    def _entry(self, cursor: _Cursor, number: int) -> None:
        at = cursor.at
        kind = cursor.number(4, "an entry's kind")
        if kind not in {_PRIVATE_KEY, _TRUSTED, _SECRET_KEY}:
            raise Asn1Error(at, "an entry of kind 1, 2 or 3", str(kind))
        alias = cursor.text("an alias")
        source = self.source.at(f'alias "{alias}"' if alias else f"entry {number}")
        cursor.take(8, "a date")
        if kind == _SECRET_KEY:
            cursor.at = java_object.end_of(self.data, cursor.at, cursor.stop)
            text = "This is a secret key, which plays no part in TLS here; it was left aside."
            self.problem("unsupported", text, source)
        elif kind == _TRUSTED:
            if one := self._certificate(cursor, source):
                self.entries.append(Entry(source, alias, "trusted", one))
        else:
            self._private_key(cursor, alias, source)

    def _certificate(self, cursor: _Cursor, source: Source) -> Certificate | None:
        kind = "X.509" if self.version == 1 else cursor.text("a certificate's type")
        der = cursor.take(cursor.number(4, "a certificate's size"), "a certificate")
        if kind not in {"X.509", "X509"}:
            self.problem("unsupported", f"This certificate is of the type {kind[:40]}.", source)
            return None
        try:
            return read_certificate(der, source)
        except Unreadable as error:
            self.problems.append(error.problem)
            return None

    def _private_key(self, cursor: _Cursor, alias: str, source: Source) -> None:
        sealed = cursor.take(cursor.number(4, "a key's size"), "a key")
        certificates = list(self._chain(cursor, source))
        key, problems = self._opened(sealed, source)
        if not certificates:
            self.entries.append(Entry(source, alias, "key", key=key, problems=problems))
            return
        leaf, *chain = certificates
        if key and key.spki != leaf.key.spki:
            problems = (*problems, mismatch(source, source))
            self.problems.append(problems[-1])
        self.entries.append(
            Entry(source, alias, "identity", leaf, tuple(chain), key, problems=problems)
        )

    def _chain(self, cursor: _Cursor, source: Source) -> Iterator[Certificate]:
        for place in range(cursor.number(4, "a chain's length")):
            if one := self._certificate(cursor, source.at(f"chain[{place}]")):
                yield one

    def _opened(
        self, sealed: bytes, source: Source
    ) -> tuple[PrivateKey | None, tuple[Problem, ...]]:
        try:
            return _key(sealed, self.given, source, self.work), ()
        except Unreadable as error:
            problem = self._locked(error.problem)
            self.problems.append(problem)
            return None, (problem,)

    def _locked(self, problem: Problem) -> Problem:
        if problem.code != "key-password":
            return problem
        if not self.right:
            return Problem("wrong-password", problem.text, problem.source)
        text = (
            "The store's password is right, but this private key has another password. "
            "Give that one too, or set both alike with: keytool -keypasswd"
        )
        return Problem("key-password", text, problem.source)


def _key(sealed: bytes, passwords: Sequence[str], source: Source, work: pbe.Work) -> PrivateKey:
    """Open a key with the first password that fits.

    Raises:
        Unreadable: see `keys.open_key`.
    """
    try:
        algorithm, data = pbe.encrypted_parts(sealed)
        oid, parameters = pbe.algorithm_of(algorithm)
        scheme = _scheme(oid, parameters)
    except Asn1Error as error:
        text = f"The private key is damaged {error}."
        raise Unreadable(Problem("damaged", text, source)) from None
    if scheme is None:
        return keys.open_key(sealed, passwords, source, work)
    return keys.first_that_opens(scheme, data, passwords, source, work)


def _scheme(oid: str, parameters: bytes) -> pbe.Scheme | None:
    if oid == "1.3.6.1.4.1.42.2.17.1.1":
        return pbe.Scheme("the JKS key protector", _jks_opener)
    if oid == "1.3.6.1.4.1.42.2.19.1":
        salt, rounds, _ = pbe.salt_and_rounds(parameters)
        return pbe.Scheme("PBEWithMD5AndTripleDES", _jceks_opener(salt, rounds))
    return None


def _jks_opener(data: bytes, password: pbe.Password, work: pbe.Work) -> bytes:
    """JKS: the key is XORed with a chain of SHA-1 digests, and its own digest follows it."""
    secret = (password or "").encode("utf-16-be")
    last, sealed, check = data[:20], data[20:-20], data[-20:]
    work.spend(len(sealed) // 20 + 1, pbe.PYTHON_ROUND)
    stream = bytearray()
    while len(stream) < len(sealed):
        last = hashlib.sha1(secret + last, usedforsecurity=False).digest()
        stream += last
    plain = bytes(one ^ other for one, other in zip(sealed, stream, strict=False))
    if hashlib.sha1(secret + plain, usedforsecurity=False).digest() != check:
        raise pbe.WrongPassword
    return plain


def _jceks_opener(salt: bytes, rounds: int) -> pbe.Opener:
    """JCEKS: two chains of MD5, one from each half of the salt, make the key and the vector."""

    def opener(data: bytes, password: pbe.Password, work: pbe.Work) -> bytes:
        secret = (password or "").encode("ascii")
        derived = b""
        for half in _halves(salt):
            work.spend(rounds, pbe.PYTHON_ROUND)
            digest = half
            for _ in range(rounds):
                digest = hashlib.md5(digest + secret, usedforsecurity=False).digest()
            derived += digest
        return pbe.unpadded(pbe.cbc(TripleDES(derived[:24]), derived[24:32], data))

    return opener


def _halves(salt: bytes) -> tuple[bytes, bytes]:
    """Equal halves are made unequal as the JDK does it, its slip of the pen included."""
    first, second = salt[:4], salt[4:8]
    if first == second and len(first) == 4:  # noqa: PLR2004 - a salt of eight bytes
        first = bytes((first[3], first[0], first[1], first[3]))
    return first, second
