"""The old encryption of PEM keys: ``Proc-Type: 4,ENCRYPTED`` with a ``DEK-Info`` line (RFC 1421).

Law of this room: as OpenSSL writes it, with its own key derivation (one round of MD5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import algorithms

from mtlskit.certs import pbe

_CIPHERS: dict[str, tuple[int, Any]] = {
    "DES-CBC": (8, pbe.single_des),
    "DES-EDE3-CBC": (24, TripleDES),
    "AES-128-CBC": (16, algorithms.AES),
    "AES-192-CBC": (24, algorithms.AES),
    "AES-256-CBC": (32, algorithms.AES),
}


def scheme(headers: Mapping[str, str]) -> pbe.Scheme | None:
    """Read the scheme from a PEM block's headers; None: the block is not encrypted.

    Raises:
        pbe.Unsupported: the cipher is not known here.
        ValueError: the initialisation vector is malformed.
    """
    if "DEK-Info" not in headers:
        return None
    name, _, digits = headers["DEK-Info"].partition(",")
    if name.strip() not in _CIPHERS:
        raise pbe.Unsupported(name.strip()[:40] or "an unnamed cipher")
    size, cipher = _CIPHERS[name.strip()]
    vector = bytes.fromhex(digits)

    def opener(data: bytes, password: pbe.Password, _: pbe.Work) -> bytes:
        key = _derived((password or "").encode() + vector[:8], size)
        return pbe.unpadded(pbe.cbc(cipher(key), vector, data))

    return pbe.Scheme(f"{name.strip()} with a key from MD5", opener)


def _derived(mixed: bytes, size: int) -> bytes:
    key = digest = b""
    while len(key) < size:
        digest = hashlib.md5(digest + mixed, usedforsecurity=False).digest()
        key += digest
    return key[:size]
