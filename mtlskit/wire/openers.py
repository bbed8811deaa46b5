"""One key, one sender: takes records in order and opens them. Law: a wrong key is no crash.

An opener counts the records that it opened, since that number is part of what seals them
(RFC 8446, 5.3; RFC 5246, 6.2.3). Keys are held in memory only, and no repr shows them.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from mtlskit.wire.keys import hmac
from mtlskit.wire.names import Cipher as Sizes
from mtlskit.wire.records import Record

WRONG: Final = "The key log's secret does not open this record."
MISSING: Final = "The cryptographic library here does not offer what this suite needs."
_HEAD: Final = Struct(">BHH")
_NUMBERED: Final = Struct(">QBHH")
EXPLICIT: Final = 8
"""Bytes of the nonce that a TLS 1.2 record carries (RFC 5288, 3)."""


class NotOpened(Exception):  # noqa: N818 - it says what became of the record
    """A record stays sealed; the text says why, and is empty if there is no more to say."""


class Opener(Protocol):
    """Opens the records of one sender, sealed with one key."""

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the content type and the content; raises `NotOpened`."""

    def skip(self, count: int) -> None:
        """Take note that `count` records are not here: the numbers go on."""


class _Aead:
    """A cipher that authenticates what it seals."""

    __slots__ = ("_aead",)

    def __init__(self, sizes: Sizes, key: bytes) -> None:
        try:
            self._aead = _aead(sizes, key)
        except UnsupportedAlgorithm:
            raise NotOpened(MISSING) from None

    def decrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        try:
            return self._aead.decrypt(nonce, data, associated)
        except (InvalidTag, ValueError):
            raise NotOpened(WRONG) from None


def _aead(sizes: Sizes, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305:
    if sizes.kind == "gcm":
        return AESGCM(key)
    if sizes.kind == "ccm":
        return AESCCM(key, sizes.tag_bytes)
    return ChaCha20Poly1305(key)


def _mixed(iv: int, number: int) -> bytes:
    """Make the nonce of a record from the IV and the record's number (RFC 8446, 5.3)."""
    return (iv ^ number).to_bytes(12, "big")


class Tls13Opener:
    """TLS 1.3 (RFC 8446, 5.2)."""

    __slots__ = ("_aead", "_iv", "_opened")

    def __init__(self, sizes: Sizes, key: bytes, iv: bytes) -> None:
        self._aead = _Aead(sizes, key)
        self._iv = int.from_bytes(iv, "big")
        self._opened = 0

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the inner content type and the content without its padding."""
        sealed = record.fragment
        header = _HEAD.pack(record.content_type, record.version, len(sealed))
        inner = self._aead.decrypt(_mixed(self._iv, self._opened), sealed, header).rstrip(b"\0")
        self._opened += 1
        return (inner[-1], inner[:-1]) if inner else (0, b"")

    def skip(self, count: int) -> None:
        """Go on to a later record."""
        self._opened += count


class Tls12AeadOpener:
    """TLS 1.2 with GCM, CCM (RFC 5288; RFC 6655) or ChaCha20-Poly1305 (RFC 7905)."""

    __slots__ = ("_aead", "_explicit", "_iv", "_opened", "_tag")

    def __init__(self, sizes: Sizes, key: bytes, iv: bytes) -> None:
        self._aead = _Aead(sizes, key)
        self._iv, self._tag = iv, sizes.tag_bytes
        self._explicit = EXPLICIT if sizes.iv_bytes < 12 else 0  # noqa: PLR2004 - a whole nonce
        self._opened = 0

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the content type and the content."""
        sealed = record.fragment[self._explicit :]
        nonce = self._iv + record.fragment[: self._explicit]
        if not self._explicit:
            nonce = _mixed(int.from_bytes(self._iv, "big"), self._opened)
        if len(nonce) < 12 or len(sealed) < self._tag:  # noqa: PLR2004 - a whole nonce
            raise NotOpened(WRONG)
        associated = _header(self._opened, record, len(sealed) - self._tag)
        self._opened += 1
        return record.content_type, self._aead.decrypt(nonce, sealed, associated)

    def skip(self, count: int) -> None:
        """Go on to a later record."""
        self._opened += count


class CbcOpener:
    """TLS 1.0 to 1.2 with a block cipher and HMAC (RFC 5246, 6.2.3.2; RFC 7366).

    Args:
        iv: TLS 1.0 only, which chains the records; empty where each record carries its own.
        etm: the MAC is of the ciphertext (encrypt_then_mac).
    """

    __slots__ = ("_algorithm", "_block", "_chained", "_etm", "_hash", "_iv", "_mac_key", "_opened")

    def __init__(  # noqa: PLR0913 - the parts of a connection state
        self, sizes: Sizes, key: bytes, iv: bytes, mac: HashAlgorithm, mac_key: bytes, *, etm: bool
    ) -> None:
        self._algorithm = _BLOCKS[sizes.kind](key)
        self._block, self._iv, self._chained = sizes.iv_bytes, iv, bool(iv)
        self._hash, self._mac_key, self._etm = mac, mac_key, etm
        self._opened = 0

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the content type and the content."""
        number, self._opened = self._opened, self._opened + 1
        size = self._hash.digest_size
        if self._etm:
            sealed, mac = record.fragment[:-size], record.fragment[-size:]
            self._check(_header(number, record, len(sealed)) + sealed, mac)
            return record.content_type, _unpadded(self._decrypt(sealed))
        inner = _unpadded(self._decrypt(record.fragment))
        if len(inner) < size:
            raise NotOpened(WRONG)
        content, mac = inner[:-size], inner[-size:]
        self._check(_header(number, record, len(content)) + content, mac)
        return record.content_type, content

    def skip(self, count: int) -> None:
        """Go on to a later record; where records are chained the next one stays sealed."""
        self._opened += count

    def _check(self, data: bytes, mac: bytes) -> None:
        if not bytes_eq(hmac(self._hash, self._mac_key, data), mac):
            raise NotOpened(WRONG)

    def _decrypt(self, sealed: bytes) -> bytes:
        if not self._chained:
            self._iv, sealed = sealed[: self._block], sealed[self._block :]
        if not sealed or len(sealed) % self._block or len(self._iv) != self._block:
            raise NotOpened(WRONG)
        iv, self._iv = self._iv, sealed[-self._block :]
        try:
            decryptor = Cipher(self._algorithm, CBC(iv)).decryptor()
        except UnsupportedAlgorithm:
            raise NotOpened(MISSING) from None
        return decryptor.update(sealed) + decryptor.finalize()


_BLOCKS: Final[dict[str, type[AES | TripleDES | Camellia]]] = {
    "cbc-aes": AES,
    "cbc-3des": TripleDES,
    "cbc-camellia": Camellia,
}


def _unpadded(data: bytes) -> bytes:
    """Take the padding away (RFC 5246, 6.2.3.2)."""
    more = data[-1] + 1
    if more > len(data) or data[-more:] != data[-1:] * more:
        raise NotOpened(WRONG)
    return data[:-more]


def _header(number: int, record: Record, length: int) -> bytes:
    """What TLS 1.2 authenticates besides the content (RFC 5246, 6.2.3.1 and 6.2.3.3)."""
    return _NUMBERED.pack(number, record.content_type, record.version, length)
