"""Secrets to keys. Law: nothing here keeps a secret, and nothing here is a primitive of its own.

HKDF-Expand-Label (RFC 8446, 7.1) and the PRF of TLS 1.0 to 1.2 (RFC 5246, 5; RFC 2246, 5), written
over the HMAC of `cryptography`.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

from mtlskit.wire.names import TLS12

HASHES: Final[dict[str, HashAlgorithm]] = {
    "MD5": MD5(),  # noqa: S303 - the PRF of TLS 1.0 is made of it
    "SHA1": SHA1(),  # noqa: S303 - the MAC of many TLS 1.2 suites is made of it
    "SHA256": SHA256(),
    "SHA384": SHA384(),
}
"""Hashes by their names in the table of cipher suites."""


def hmac(algorithm: HashAlgorithm, key: bytes, data: bytes) -> bytes:
    """Authenticate `data`."""
    made = HMAC(key, algorithm)
    made.update(data)
    return made.finalize()


def expand_label(algorithm: HashAlgorithm, secret: bytes, label: str, length: int) -> bytes:
    """Derive `length` bytes with an empty context (RFC 8446, 7.1).

    TLS needs one block of the hash at most, so HKDF-Expand is one HMAC (RFC 5869, 2.3).
    """
    full = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    if length > algorithm.digest_size:
        raise ValueError(f"{length} bytes are more than one block of {algorithm.name}")
    return hmac(algorithm, secret, info + b"\1")[:length]


def prf(version: int, algorithm: HashAlgorithm, secret: bytes, seed: bytes, length: int) -> bytes:
    """Derive `length` bytes from label and seed (RFC 5246, 5; up to TLS 1.1: RFC 2246, 5)."""
    if version >= TLS12:
        return _p_hash(algorithm, secret, seed, length)
    half = (len(secret) + 1) // 2
    left = _p_hash(HASHES["MD5"], secret[:half], seed, length)
    right = _p_hash(HASHES["SHA1"], secret[-half:], seed, length)
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def _p_hash(algorithm: HashAlgorithm, secret: bytes, seed: bytes, length: int) -> bytes:
    found, a = b"", seed
    while len(found) < length:
        a = hmac(algorithm, secret, a)
        found += hmac(algorithm, secret, a + seed)
    return found[:length]
