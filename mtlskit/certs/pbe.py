"""Password-based encryption of keys and stores: which scheme, and the opening.

PBES2 (RFC 8018, 6.2), the schemes of PKCS#12 (RFC 7292, appendix C) and the old PBES1. Law of this
room: the work that a file may ask for is bounded (`Work`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mtlskit.certs import asn1, rc2
from mtlskit.certs.derivation import (
    IV,
    KEY,
    MAC,
    SCRYPT_MEMORY_LIMIT,
    Unsupported,
    algorithm_of,
    derivation_from,
    hashed_often,
    pbmac1,
    pkcs12_bytes,
    rounds_at,
    salt_and_rounds,
    two_parts,
)
from mtlskit.certs.work import PYTHON_ROUND, Password, TooMuchWork, Work, WrongPassword

__all__ = [
    "MAC",
    "PYTHON_ROUND",
    "SCRYPT_MEMORY_LIMIT",
    "Opener",
    "Password",
    "Scheme",
    "TooMuchWork",
    "Unsupported",
    "Work",
    "WrongPassword",
    "algorithm_of",
    "cbc",
    "encrypted_parts",
    "pbmac1",
    "pkcs12_bytes",
    "rounds_at",
    "salt_and_rounds",
    "scheme",
    "single_des",
    "unpadded",
]

_RC2_BYTE = 16
"""What one byte of RC2, which Python itself decrypts, costs in rounds."""

Opener = Callable[[bytes, Password, Work], bytes]


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to decrypt with a password.

    Attributes:
        name: for people, such as ``PBES2 (AES-256-CBC)``.
    """

    name: str
    opener: Opener = field(repr=False)

    def decrypt(self, data: bytes, password: Password, work: Work) -> bytes:
        """Decrypt and take the padding off.

        Raises:
            WrongPassword: the padding is wrong.
            TooMuchWork: it would take too many iterations.
        """
        try:
            return self.opener(data, password, work)
        except ValueError:  # no whole number of blocks, or a password that cannot be encoded
            raise WrongPassword from None


def encrypted_parts(der: bytes) -> tuple[bytes, bytes]:
    """Take an EncryptedPrivateKeyInfo (RFC 5958, 3) apart: AlgorithmIdentifier and octets.

    Raises:
        asn1.Asn1Error: it is none.
    """
    parts = asn1.sequence(der)
    if [tag for tag, _, _ in parts] != [asn1.SEQUENCE, asn1.OCTET_STRING]:
        raise asn1.Asn1Error(0, "an EncryptedPrivateKeyInfo", "another structure")
    whole = asn1.element(der, 0, len(der))[1]
    return der[whole : parts[0][2]], der[parts[1][1] : parts[1][2]]


def scheme(algorithm: bytes) -> Scheme:
    """Read a scheme from its AlgorithmIdentifier.

    Raises:
        asn1.Asn1Error: it is malformed.
        Unsupported: it is not known here.
    """
    oid, parameters = algorithm_of(algorithm)
    if oid == "1.2.840.113549.1.5.13":
        return _pbes2(parameters)
    if oid in _PKCS12:
        return _pkcs12(oid, parameters)
    if oid in _PBES1:
        return _pbes1(oid, parameters)
    raise Unsupported(_UNSUPPORTED.get(oid, f"the scheme {oid}"))


_UNSUPPORTED = {
    "1.2.840.113549.1.5.1": "PBE-MD2-DES",
    "1.2.840.113549.1.5.4": "PBE-MD2-RC2",
    "1.2.840.113549.1.5.6": "PBE-MD5-RC2",
    "1.2.840.113549.1.5.11": "PBE-SHA1-RC2",
}


# PBES2: a key derivation and a cipher, each named on its own (RFC 8018, 6.2).


def _pbes2(parameters: bytes) -> Scheme:
    derivation, cipher = two_parts(parameters, "a key derivation and a cipher")
    start = asn1.element(parameters, 0, len(parameters))[1]
    name, size, decrypt = _cipher(parameters[derivation[2] : cipher[2]])
    derive = derivation_from(parameters[start : derivation[2]], size)

    def opener(data: bytes, password: Password, work: Work) -> bytes:
        return unpadded(decrypt(derive((password or "").encode(), work), data))

    return Scheme(f"PBES2 ({name})", opener)


def single_des(key: bytes) -> TripleDES:
    """DES with one key or two, as the triple DES that it equals."""
    return TripleDES((key * 3)[:24])


_CIPHERS: dict[str, tuple[str, int, Any]] = {
    "2.16.840.1.101.3.4.1.2": ("AES-128-CBC", 16, algorithms.AES),
    "2.16.840.1.101.3.4.1.22": ("AES-192-CBC", 24, algorithms.AES),
    "2.16.840.1.101.3.4.1.42": ("AES-256-CBC", 32, algorithms.AES),
    "1.2.840.113549.3.7": ("3DES-CBC", 24, TripleDES),
    "1.3.14.3.2.7": ("DES-CBC", 8, single_des),
}


def _cipher(algorithm: bytes) -> tuple[str, int, Callable[[bytes, bytes], bytes]]:
    """Name, key size in bytes, and the function from key and data to padded text."""
    oid, parameters = algorithm_of(algorithm)
    if oid not in _CIPHERS:
        raise Unsupported(f"PBES2 with the cipher {oid}")
    name, size, cipher = _CIPHERS[oid]
    start, stop = asn1.expect(parameters, 0, len(parameters), asn1.OCTET_STRING)
    block = 16 if cipher is algorithms.AES else 8
    if stop - start != block:
        raise asn1.Asn1Error(start, f"a vector of {block} bytes", f"{stop - start} bytes")
    return name, size, lambda key, data: cbc(cipher(key), parameters[start:stop], data)


def cbc(cipher: Any, iv: bytes, data: bytes) -> bytes:  # noqa: ANN401 - any block cipher
    """Decrypt in CBC mode; the padding is left on.

    Raises:
        ValueError: no whole number of blocks.
    """
    decryptor = Cipher(cipher, modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def unpadded(text: bytes) -> bytes:
    """Take the padding of RFC 8018, 6.1.1 off.

    Raises:
        WrongPassword: there is none, which is how a wrong key shows.
    """
    count = text[-1] if text else 0
    if not 1 <= count <= 16 or text[-count:] != bytes((count,)) * count:  # noqa: PLR2004 - the largest block
        raise WrongPassword
    return text[:-count]


# The schemes of PKCS#12 (RFC 7292, appendices B and C).

_PKCS12 = {
    "1.2.840.113549.1.12.1.1": ("RC4-128", 16),
    "1.2.840.113549.1.12.1.2": ("RC4-40", 5),
    "1.2.840.113549.1.12.1.3": ("3DES", 24),
    "1.2.840.113549.1.12.1.4": ("3DES-2KEY", 16),
    "1.2.840.113549.1.12.1.5": ("RC2-128", 16),
    "1.2.840.113549.1.12.1.6": ("RC2-40", 5),
}


def _pkcs12(oid: str, parameters: bytes) -> Scheme:
    name, size = _PKCS12[oid]
    salt, rounds, _ = salt_and_rounds(parameters)

    def opener(data: bytes, password: Password, work: Work) -> bytes:
        key = pkcs12_bytes(password, salt, rounds, KEY, size, work)
        if name.startswith("RC4"):
            return Cipher(ARC4(key), None).decryptor().update(data)
        iv = pkcs12_bytes(password, salt, rounds, IV, 8, work)
        if name.startswith("RC2"):
            work.spend(len(data) or 1, _RC2_BYTE)
            return unpadded(rc2.decrypt_cbc(key, iv, data))
        return unpadded(cbc(single_des(key), iv, data))

    return Scheme(f"PBE-SHA1-{name}", opener)


# PBES1 with DES (RFC 8018, 6.1), which old OpenSSL wrote into PKCS#8.

_PBES1 = {"1.2.840.113549.1.5.3": "md5", "1.2.840.113549.1.5.10": "sha1"}


def _pbes1(oid: str, parameters: bytes) -> Scheme:
    algorithm = _PBES1[oid]
    salt, rounds, _ = salt_and_rounds(parameters)

    def opener(data: bytes, password: Password, work: Work) -> bytes:
        work.spend(rounds, PYTHON_ROUND)
        digest = hashed_often(algorithm, (password or "").encode() + salt, rounds)
        return unpadded(cbc(single_des(digest[:8]), digest[8:16], data))

    return Scheme(f"PBE-{algorithm.upper()}-DES", opener)
