"""Sealed records to clear ones. Law: with secrets they are opened; without, nothing changes.

What is hidden says why: no secret for this connection, a secret that does not fit, a cipher suite
that is not opened here. A key log holds secrets, so no repr shows one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm

from mtlskit.material import Side
from mtlskit.wire import extensions as ext
from mtlskit.wire import names
from mtlskit.wire.hellos import ClientHello, HelloRetryRequest, ServerHello, Ssl2ClientHello
from mtlskit.wire.keys import HASHES, expand_label, prf
from mtlskit.wire.openers import (
    MISSING,
    WRONG,
    CbcOpener,
    NotOpened,
    Opener,
    Tls12AeadOpener,
    Tls13Opener,
)
from mtlskit.wire.records import Record

MASTER: Final = 48
"""Length of a master secret in bytes (RFC 5246, 8.1)."""

EARLY: Final = "Early data, sealed with a key of an earlier session."
LATE: Final = "The recording began after the hello."
UNKNOWN: Final = "The key log holds no secret of this connection."


class KeyLog:
    """Secrets by connection, from the lines of an NSS key log (SSLKEYLOGFILE)."""

    __slots__ = ("_randoms", "_secrets")

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._secrets: dict[tuple[str, str], str] = {}
        self._randoms: set[str] = set()
        for line in lines:
            parts = line.split()
            if len(parts) == 3:  # noqa: PLR2004 - label, client random, secret
                self._secrets[parts[0], parts[1].lower()] = parts[2]

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def __repr__(self) -> str:
        return f"<KeyLog: {len(self._secrets)} secrets, not shown>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key log stays in memory: it is never pickled or copied")

    def knows(self, client_random: bytes) -> bool:
        """Tell whether it holds any secret of that connection."""
        if not self._randoms:
            self._randoms = {random for _, random in self._secrets}
        return client_random.hex() in self._randoms

    def secret(self, label: str, client_random: bytes) -> bytes | None:
        """Return a secret; None if the log does not hold it."""
        try:
            return bytes.fromhex(self._secrets.get((label, client_random.hex()), "")) or None
        except ValueError:
            return None


class Lock(Opener):
    """What one sender's records are sealed with."""

    def skip(self, count: int, *, data: bool = False) -> None:
        """Pass over records that are not here; `data`: they are application data."""

    def update(self) -> None:
        """Go on to the next key, as a KeyUpdate says; up to TLS 1.2 there is none."""


class _Traffic:
    """A TLS 1.3 traffic secret, and the opener made of it when it is first needed."""

    __slots__ = ("_opener", "_secret", "_suite")

    def __init__(self, suite: names.CipherSuite, secret: bytes) -> None:
        self._suite, self._secret = suite, secret
        self._opener: Tls13Opener | None = None

    def open(self, record: Record) -> tuple[int, bytes]:
        if self._opener is None:
            self._opener = self._made()
        return self._opener.open(record)

    def _made(self) -> Tls13Opener:
        sizes = names.ciphers().get(self._suite.cipher)
        if sizes is None or self._suite.prf not in HASHES:
            raise NotOpened(f"{self._suite.name} is not opened here.")
        digest = HASHES[self._suite.prf]
        key = expand_label(digest, self._secret, "key", sizes.key_bytes)
        return Tls13Opener(sizes, key, expand_label(digest, self._secret, "iv", 12))

    def skip(self, count: int) -> None:
        try:
            self._opener = self._opener or self._made()
        except NotOpened:
            return
        self._opener.skip(count)

    def next(self) -> _Traffic:
        """The secret after a KeyUpdate (RFC 8446, 7.2)."""
        digest = HASHES[self._suite.prf]
        secret = expand_label(digest, self._secret, "traffic upd", digest.digest_size)
        return _Traffic(self._suite, secret)


class Tls13Lock(Lock):
    """The traffic secrets of one sender, in the order in which they are used.

    Which of them seals a record is told by the record itself: the one that opens it.
    """

    __slots__ = ("_here", "_traffic", "early", "why")

    def __init__(self, why: str = "", *, early: bool = False) -> None:
        self.early = early  # nothing but early data is known of so far
        self._traffic: list[_Traffic] = []
        self._here = 0
        self.why = why  # said where there is no secret at all

    def add(self, suite: names.CipherSuite, secret: bytes) -> None:
        """Add a secret that is used after those already here."""
        if suite.prf in HASHES and len(secret) == HASHES[suite.prf].digest_size:
            self._traffic.append(_Traffic(suite, secret))

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the inner content type and the content; raises `NotOpened`."""
        why = self.why
        for number in range(self._here, len(self._traffic)):
            try:
                opened = self._traffic[number].open(record)
            except NotOpened as error:
                why = str(error)
                continue
            self._here = number
            return opened
        raise NotOpened(why)

    def skip(self, count: int, *, data: bool = False) -> None:
        """Pass over records that are not here; `data`: of application data, so under its key."""
        if data and self._traffic:
            self._here = max(self._here, len(self._traffic) - 1)
        if self._here < len(self._traffic):
            self._traffic[self._here].skip(count)

    def update(self) -> None:
        """Go on to the next key (RFC 8446, 7.2)."""
        if self._here < len(self._traffic):
            self._traffic[self._here] = self._traffic[self._here].next()


class Tls12Lock(Lock):
    """The one key of one sender after its ChangeCipherSpec, or the reason why there is none."""

    __slots__ = ("_opener", "why")

    def __init__(self, opener: Opener | None, why: str = "") -> None:
        self._opener = opener
        self.why = why

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the content type and the content; raises `NotOpened`."""
        if self._opener is None:
            raise NotOpened(self.why)
        return self._opener.open(record)

    def skip(self, count: int, *, data: bool = False) -> None:
        """Pass over records that are not here; there is one key for all."""
        del data
        if self._opener is not None:
            self._opener.skip(count)


class Agreed:
    """What the hellos settled, as far as keys are made of it."""

    __slots__ = ("_client_random", "_etm", "_log", "_offered", "_server_random", "suite", "version")

    def __init__(self, log: KeyLog) -> None:
        self._log = log
        self._client_random: bytes | None = None
        self._server_random = b""
        self._offered: tuple[int, ...] = ()
        self._etm = False
        self.version: int | None = None
        self.suite: names.CipherSuite | None = None

    @property
    def hello_seen(self) -> bool:
        """Tell whether the client's hello was seen."""
        return self._client_random is not None

    def offered(self, hello: ClientHello | Ssl2ClientHello) -> Tls13Lock | None:
        """Take the client's hello; give the lock of its early data, if it sends any."""
        self._client_random, self._offered = hello.random, hello.cipher_suites
        if isinstance(hello, Ssl2ClientHello) or not hello.extension(ext.EARLY_DATA):
            return None
        lock = Tls13Lock(EARLY, early=True)
        secret = self._log.secret("CLIENT_EARLY_TRAFFIC_SECRET", hello.random)
        for code in self._offered if secret else ():
            suite = names.cipher_suites().get(code)
            if suite and secret and not suite.key_exchange:
                lock.add(suite, secret)
        return lock

    def chosen(self, hello: ServerHello | HelloRetryRequest) -> int:
        """Take the server's hello; give the version that it chose."""
        self.version = version = hello.version
        self.suite = names.cipher_suites().get(hello.cipher_suite)
        self._server_random = hello.random
        self._etm = hello.extension(ext.ENCRYPT_THEN_MAC) is not None
        return version

    def tls13_lock(self, sender: Side, before: Tls13Lock | None = None) -> Tls13Lock:
        """Make the lock of one side after a TLS 1.3 ServerHello; `before` holds its early data."""
        lock = before or Tls13Lock()
        lock.why, lock.early = self._why(), False
        for label in ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0"):
            secret = self._secret(f"{sender.upper()}_{label}")
            if secret and self.suite:
                lock.add(self.suite, secret)
        return lock

    def tls12_lock(self, sender: Side) -> Tls12Lock:
        """Make the lock of one side after its ChangeCipherSpec, up to TLS 1.2."""
        master = self._secret("CLIENT_RANDOM")
        if master is None or self.suite is None or self.version is None:
            return Tls12Lock(None, self._why())
        try:
            return Tls12Lock(self._opener(sender, self.suite, self.version, master))
        except NotOpened as why:
            return Tls12Lock(None, str(why))
        except UnsupportedAlgorithm:
            return Tls12Lock(None, MISSING)

    def why_hidden(self) -> str:
        """Say why a record that nothing can open is hidden; empty: no key log was given."""
        return self._why() if self.hello_seen else LATE

    def _secret(self, label: str) -> bytes | None:
        return self._log.secret(label, self._client_random) if self._client_random else None

    def _why(self) -> str:
        if not self._log:
            return ""
        return UNKNOWN if self.hello_seen else LATE

    def _opener(
        self, sender: Side, suite: names.CipherSuite, version: int, master: bytes
    ) -> Opener:
        sizes = names.ciphers().get(suite.cipher)
        if sizes is None or suite.prf not in HASHES or (suite.mac and suite.mac not in HASHES):
            raise NotOpened(f"{suite.name} is not opened here.")
        if len(master) != MASTER:
            raise NotOpened(WRONG)
        mac_bytes = HASHES[suite.mac].digest_size if suite.mac else 0
        iv_bytes = 0 if suite.mac and version > names.TLS10 else sizes.iv_bytes
        mac_key, key, iv = self._key_block(
            sender, (mac_bytes, sizes.key_bytes, iv_bytes), version, suite, master
        )
        if suite.mac:
            return CbcOpener(sizes, key, iv, HASHES[suite.mac], mac_key, etm=self._etm)
        return Tls12AeadOpener(sizes, key, iv)

    def _key_block(
        self,
        sender: Side,
        lengths: tuple[int, int, int],
        version: int,
        suite: names.CipherSuite,
        master: bytes,
    ) -> tuple[bytes, bytes, bytes]:
        """Cut this side's parts from the key block (RFC 5246, 6.3): client first, each time."""
        seed = b"key expansion" + self._server_random + (self._client_random or b"")
        block = prf(version, HASHES[suite.prf], master, seed, 2 * sum(lengths))
        found, at = [], 0
        for length in lengths:
            start = at + (length if sender == "server" else 0)
            found.append(block[start : start + length])
            at += 2 * length
        return found[0], found[1], found[2]
