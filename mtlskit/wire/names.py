"""What the numbers of TLS are called. Law: a number that no table knows is told as a number.

The tables are the CSV files beside this module: one row a number, each with its source. Names are
those of the IANA registries (https://www.iana.org/assignments/tls-parameters), handshake messages
those of the RFCs. A table is read when it is first asked.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

TLS10: Final = 0x0301
TLS12: Final = 0x0303
TLS13: Final = 0x0304

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class CipherSuite:
    """What a cipher suite is made of (RFC 5246, appendix A.5; RFC 8446, appendix B.4).

    Attributes:
        key_exchange: ``ECDHE_RSA``; empty in TLS 1.3, where the suite does not say.
        cipher: bulk cipher with its mode, ``AES_128_GCM``; empty for signalling values.
        mac: hash of the record MAC (``SHA1``); empty where the cipher authenticates.
        prf: hash of the TLS 1.2 PRF or of the TLS 1.3 HKDF.
    """

    code: int
    name: str
    key_exchange: str
    cipher: str
    mac: str
    prf: str


@dataclass(frozen=True, slots=True)
class Cipher:
    """Sizes of a bulk cipher that can be opened, in bytes.

    Attributes:
        kind: how it is opened: ``gcm``, ``ccm``, ``chacha20-poly1305`` or ``cbc-…``.
        iv_bytes: fixed part of the nonce in TLS 1.2, or the block of a CBC cipher.
        tag_bytes: length of the authentication tag; 0 for CBC.
    """

    name: str
    kind: str
    key_bytes: int
    iv_bytes: int
    tag_bytes: int


def _rows(table: str) -> list[dict[str, str]]:
    with (_HERE / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def table(name: str) -> Mapping[int, str]:
    """Return the numbers and names of one table, by the name of its file."""
    return {int(row["code"], 0): row["name"] for row in _rows(name)}


@cache
def cipher_suites() -> Mapping[int, CipherSuite]:
    """Return every cipher suite that is known, by number."""
    parts = ("name", "key_exchange", "cipher", "mac", "prf")
    rows = ((int(row["code"], 0), row) for row in _rows("cipher_suites"))
    return {code: CipherSuite(code, *(row[part] for part in parts)) for code, row in rows}


@cache
def ciphers() -> Mapping[str, Cipher]:
    """Return every bulk cipher that `unseal` can open, by name."""
    sizes = ("key_bytes", "iv_bytes", "tag_bytes")
    return {
        row["name"]: Cipher(row["name"], row["kind"], *(int(row[size]) for size in sizes))
        for row in _rows("ciphers")
    }


def is_grease(code: int) -> bool:
    """Tell whether a two-byte number is one of those that mean nothing on purpose (RFC 8701)."""
    high, low = divmod(code, 256)
    return high == low and low & 0x0F == 0x0A  # noqa: PLR2004 - the nibble that marks them


@cache
def _wide(name: str, code: int) -> str:
    """Name a two-byte number."""
    found = table(name).get(code)
    if found is None:
        found = f"{'GREASE' if is_grease(code) else 'unknown'} (0x{code:04x})"
    return found


@cache
def _narrow(name: str, code: int) -> str:
    """Name a one-byte number."""
    return table(name).get(code) or f"unknown (0x{code:02x})"


def version_name(code: int) -> str:
    """Name a protocol version: ``1.2`` for 0x0303, ``SSL 3.0`` for 0x0300."""
    return _wide("versions", code)


def cipher_name(code: int) -> str:
    """Name a cipher suite: ``TLS_AES_128_GCM_SHA256`` for 0x1301."""
    return _wide("cipher_suites", code)


def scheme_name(code: int) -> str:
    """Name a signature scheme, or the TLS 1.2 pair of hash and signature algorithm."""
    return _wide("signature_schemes", code)


def group_name(code: int) -> str:
    """Name a group for key exchange (in TLS 1.2: a named curve)."""
    return _wide("groups", code)


def extension_name(code: int) -> str:
    """Name an extension: ``server_name`` for 0."""
    return _wide("extensions", code)


def alert_name(code: int) -> str:
    """Name an alert's description: ``bad_certificate`` for 42."""
    return _narrow("alerts", code)


def content_type_name(code: int) -> str:
    """Name a record's content type: ``handshake`` for 22."""
    return _narrow("content_types", code)


def handshake_name(code: int) -> str:
    """Name a handshake message: ``ClientHello`` for 1."""
    return _narrow("handshake_types", code)


def client_certificate_type_name(code: int) -> str:
    """Name a certificate type of a TLS 1.2 CertificateRequest: ``rsa_sign`` for 1."""
    return _narrow("client_certificate_types", code)


def compression_name(code: int) -> str:
    """Name an algorithm that a certificate is compressed with: ``zlib`` for 1."""
    return _wide("compression_algorithms", code)
