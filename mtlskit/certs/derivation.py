"""From a password to a key: PBKDF2 (RFC 8018), scrypt (RFC 7914), and PKCS#12's own way (RFC 7292).

Law of this room: what a derivation costs is taken from the store's `Work` before it begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mtlskit.certs import asn1
from mtlskit.certs.work import PYTHON_ROUND, Password, Work, told

SCRYPT_MEMORY_LIMIT = 256 * 1024 * 1024
"""Bytes of memory that scrypt may ask for."""
_SCRYPT_STEP = 2
"""What scrypt costs for each of its N times r times p."""
_WIDE_ROUND = 3
"""What a round costs with a hash of 64-bit words."""


class Unsupported(Exception):  # noqa: N818 - what it says of the scheme
    """The scheme is not one that is known here; the message names it."""


def algorithm_of(der: bytes) -> tuple[str, bytes]:
    """Split an AlgorithmIdentifier into its dotted OID and its parameters' bytes.

    Raises:
        asn1.Asn1Error: it is none.
    """
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    oid_start, oid_stop = asn1.expect(der, start, stop, asn1.OID)
    return asn1.oid(der[oid_start:oid_stop]), der[oid_stop:stop]


def salt_and_rounds(parameters: bytes) -> tuple[bytes, int, list[asn1.Element]]:
    """Read salt and iteration count, with which most parameters begin, and what follows them.

    Raises:
        asn1.Asn1Error: they are not there.
    """
    parts = asn1.sequence(parameters)
    if [tag for tag, _, _ in parts[:2]] != [asn1.OCTET_STRING, asn1.INTEGER]:
        raise asn1.Asn1Error(0, "salt and iteration count", "something else")
    _, start, stop = parts[0]
    return parameters[start:stop], rounds_at(parameters, parts[1]), parts[2:]


def rounds_at(data: bytes, part: asn1.Element) -> int:
    """Read a number of rounds, however large: `Work.spend` says that it is too much.

    Raises:
        asn1.Asn1Error: it has no contents.
    """
    return asn1.integer(data, *part[1:], octets=len(data))


def two_parts(parameters: bytes, what: str) -> list[asn1.Element]:
    """The first two fields, which must be there."""
    parts = asn1.sequence(parameters)[:2]
    if [tag for tag, _, _ in parts] != [asn1.SEQUENCE] * 2:
        raise asn1.Asn1Error(0, what, "something else")
    return parts


def derivation_from(algorithm: bytes, size: int) -> Callable[[bytes, Work], bytes]:
    """Read PBKDF2 or scrypt with its parameters; give the function from password to key.

    Raises:
        asn1.Asn1Error: it is malformed.
        Unsupported: it is another derivation.
    """
    oid, parameters = algorithm_of(algorithm)
    if oid == "1.2.840.113549.1.5.12":
        return _pbkdf2(parameters, size)
    if oid == "1.3.6.1.4.1.11591.4.11":
        return _scrypt(parameters, size)
    raise Unsupported(f"the key derivation {oid}")


_PRFS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
    "1.2.840.113549.2.12": "sha512_224",
    "1.2.840.113549.2.13": "sha512_256",
}


def _pbkdf2(parameters: bytes, size: int) -> Callable[[bytes, Work], bytes]:
    salt, rounds, rest = salt_and_rounds(parameters)
    prf = "sha1"
    for tag, start, stop in rest:
        if tag == asn1.SEQUENCE:
            oid, _ = algorithm_of(asn1.encode(asn1.SEQUENCE, parameters[start:stop]))
            if oid not in _PRFS:
                raise Unsupported(f"PBKDF2 with the function {oid}")
            prf = _PRFS[oid]

    def derive(password: bytes, work: Work) -> bytes:
        work.spend(rounds, _pbkdf2_cost(prf, size))
        return hashlib.pbkdf2_hmac(prf, password, salt, rounds, size)

    return derive


def _pbkdf2_cost(prf: str, size: int) -> int:
    """What one round costs: the hash runs for each block of the key."""
    hashed = hashlib.new(prf, usedforsecurity=False)
    wide = hashed.block_size > 64  # noqa: PLR2004 - bytes of a block of 32-bit words
    return -(-size // hashed.digest_size) * (_WIDE_ROUND if wide else 1)


def _scrypt(parameters: bytes, size: int) -> Callable[[bytes, Work], bytes]:
    parts = asn1.sequence(parameters)
    if [tag for tag, _, _ in parts[:4]] != [asn1.OCTET_STRING, *[asn1.INTEGER] * 3]:
        raise asn1.Asn1Error(0, "scrypt's salt, N, r and p", "something else")
    salt = parameters[parts[0][1] : parts[0][2]]
    cost, block, lanes = (rounds_at(parameters, one) for one in parts[1:4])
    if min(cost, block, lanes) < 1 or 128 * cost * block > SCRYPT_MEMORY_LIMIT:
        raise Unsupported(f"scrypt with N={told(cost)} and r={told(block)}")
    if cost & (cost - 1) or not 1 < cost < 1 << 16 * block:  # RFC 7914, 2
        raise Unsupported(f"scrypt with N={cost} and r={block}")

    def derive(password: bytes, work: Work) -> bytes:
        work.spend(cost * block * lanes, _SCRYPT_STEP)
        return Scrypt(salt=salt, length=size, n=cost, r=block, p=lanes).derive(password)

    return derive


def pbmac1(parameters: bytes) -> tuple[Callable[[bytes, Work], bytes], str, int]:
    """Read PBMAC1-params (RFC 8018, 7.1): key derivation, the HMAC's hash, the key's size.

    Raises:
        asn1.Asn1Error: it is malformed.
        Unsupported: it names something unknown.
    """
    derivation, message = two_parts(parameters, "a key derivation and a code")
    start = asn1.element(parameters, 0, len(parameters))[1]
    oid, _ = algorithm_of(parameters[derivation[2] : message[2]])
    if oid not in _PRFS:
        raise Unsupported(f"PBMAC1 with the function {oid}")
    size = _key_length(parameters[start : derivation[2]])
    return derivation_from(parameters[start : derivation[2]], size), _PRFS[oid], size


def _key_length(derivation: bytes) -> int:
    """RFC 9579, 5: PBKDF2's keyLength must be there."""
    _, parameters = algorithm_of(derivation)
    _, _, rest = salt_and_rounds(parameters)
    if not rest or rest[0][0] != asn1.INTEGER:
        raise Unsupported("PBMAC1 without a key length")
    size = asn1.integer(parameters, *rest[0][1:])
    if not 1 <= size <= 64:  # noqa: PLR2004 - the largest hash has 64 bytes
        raise Unsupported(f"PBMAC1 with a key of {size} bytes")
    return size


# PKCS#12's own derivation (RFC 7292, B).

KEY, IV, MAC = 1, 2, 3
"""What the derived bytes are for (RFC 7292, B.3)."""


def pkcs12_bytes(  # noqa: PLR0913, PLR0917 - the parameters that RFC 7292, B.2 names
    password: Password,
    salt: bytes,
    rounds: int,
    purpose: int,
    size: int,
    work: Work,
    algorithm: str = "sha1",
) -> bytes:
    """Derive bytes as RFC 7292, B.2 does.

    Raises:
        TooMuchWork: too many rounds.
        ValueError: the password cannot be written in UTF-16.
    """
    block = hashlib.new(algorithm, usedforsecurity=False).block_size
    secret = b"" if password is None else password.encode("utf-16-be") + b"\0\0"
    mixed = _repeated(salt, block) + _repeated(secret, block)
    derived = b""
    while len(derived) < size:
        work.spend(rounds, PYTHON_ROUND)
        digest = hashed_often(algorithm, bytes((purpose,)) * block + mixed, rounds)
        derived += digest
        mixed = _stirred(mixed, _repeated(digest, block)[:block], block)
    return derived[:size]


def hashed_often(algorithm: str, data: bytes, rounds: int) -> bytes:
    """The hash of the hash of the data, and so on; the caller has paid for the rounds."""
    make = getattr(hashlib, algorithm, None) or partial(hashlib.new, algorithm)
    for _ in range(rounds):
        data = make(data, usedforsecurity=False).digest()
    return data


def _repeated(data: bytes, block: int) -> bytes:
    """Repeat up to a whole number of blocks."""
    if not data:
        return b""
    size = -(-len(data) // block) * block
    return (data * -(-size // len(data)))[:size]


def _stirred(mixed: bytes, by: bytes, block: int) -> bytes:
    """RFC 7292, B.2, step 6C: add B + 1 to each block of I."""
    addend = int.from_bytes(by, "big") + 1
    modulus = 1 << 8 * block
    return b"".join(
        ((int.from_bytes(mixed[at : at + block], "big") + addend) % modulus).to_bytes(block, "big")
        for at in range(0, len(mixed), block)
    )
