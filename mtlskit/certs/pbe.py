"""Password-based encryption of keys and stores: which scheme, how much work, and the opening.

PBES2 (RFC 8018) with PBKDF2 or scrypt (RFC 7914), the schemes of PKCS#12 (RFC 7292, appendix C)
and the old PBES1. Law of this room: the work that a file may ask for is bounded (`Work`), because
a file of 100 bytes can name two thousand million iterations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mtlskit.certs import asn1, rc2

ITERATION_LIMIT = 30_000_000
"""Rounds of hashing that one store may ask for; OpenSSL and Java write 2,000 to 600,000 a key."""
GUESS_LIMIT = 5_000_000
"""The same for trying only the passwords that nobody gave: the empty one, and none."""
SCRYPT_MEMORY_LIMIT = 256 * 1024 * 1024
"""Bytes of memory that scrypt may ask for."""
PYTHON_ROUND = 2
"""A round of hashing that Python itself loops over costs as much as so many rounds within C."""
_RC2_BYTE = 16
"""The same for one byte of RC2."""

Password = str | None
"""None is PKCS#12's "no password", which is not the empty one."""
Opener = Callable[[bytes, Password, "Work"], bytes]


class Unsupported(Exception):  # noqa: N818 - what it says of the scheme
    """The scheme is not one that is known here; the message names it."""


class WrongPassword(Exception):  # noqa: N818 - what it says of the password
    """What came out is certainly not what went in."""


class TooMuchWork(Exception):  # noqa: N818 - what it says of the file
    """The file asks for more iterations or memory than its limit; the message says how many."""


@dataclass(slots=True)
class Work:
    """How many rounds of hashing may still be spent on one store.

    Attributes:
        left: so many.
        guessing: no password was given; what is too much for a guess counts as a wrong one.
    """

    left: int = ITERATION_LIMIT
    guessing: bool = False

    @classmethod
    def for_passwords(cls, given: Sequence[str]) -> Work:
        """What may be spent with the passwords given; far less if there are none."""
        return cls() if given else cls(GUESS_LIMIT, guessing=True)

    def spend(self, rounds: int, each: int = 1) -> None:
        """Take from what is left.

        Raises:
            TooMuchWork: so many are not left.
            WrongPassword: so many are not left for a guess.
        """
        if rounds < 1:
            raise TooMuchWork("asks for less than one round of hashing, and one is the least")
        if self.guessing and self.left < rounds * each <= ITERATION_LIMIT:
            raise WrongPassword
        if rounds * each > self.left:
            raise TooMuchWork(
                f"asks for {_told(rounds)} rounds of hashing, more than are allowed for one file. "
                "Export it again with fewer rounds"
            )
        self.left -= rounds * each


def _told(number: int) -> str:
    """A number for people; one that fills pages is only bounded."""
    return str(number) if abs(number) < 1 << 63 else "more than 2^63"


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


def algorithm_of(der: bytes) -> tuple[str, bytes]:
    """Split an AlgorithmIdentifier into its dotted OID and its parameters' bytes.

    Raises:
        asn1.Asn1Error: it is none.
    """
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    oid_start, oid_stop = asn1.expect(der, start, stop, asn1.OID)
    return asn1.oid(der[oid_start:oid_stop]), der[oid_stop:stop]


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


def _two(parameters: bytes, what: str) -> list[asn1.Element]:
    """The first two fields, which must be there."""
    parts = asn1.sequence(parameters)[:2]
    if [tag for tag, _, _ in parts] != [asn1.SEQUENCE] * 2:
        raise asn1.Asn1Error(0, what, "something else")
    return parts


# PBES2: a key derivation and a cipher, each named on its own (RFC 8018, 6.2).


def _pbes2(parameters: bytes) -> Scheme:
    derivation, cipher = _two(parameters, "a key derivation and a cipher")
    start = asn1.element(parameters, 0, len(parameters))[1]
    name, size, decrypt = _cipher(parameters[derivation[2] : cipher[2]])
    derive = derivation_from(parameters[start : derivation[2]], size)

    def opener(data: bytes, password: Password, work: Work) -> bytes:
        return unpadded(decrypt(derive((password or "").encode(), work), data))

    return Scheme(f"PBES2 ({name})", opener)


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
        work.spend(rounds)
        return hashlib.pbkdf2_hmac(prf, password, salt, rounds, size)

    return derive


def _scrypt(parameters: bytes, size: int) -> Callable[[bytes, Work], bytes]:
    parts = asn1.sequence(parameters)
    if [tag for tag, _, _ in parts[:4]] != [asn1.OCTET_STRING, *[asn1.INTEGER] * 3]:
        raise asn1.Asn1Error(0, "scrypt's salt, N, r and p", "something else")
    salt = parameters[parts[0][1] : parts[0][2]]
    cost, block, lanes = (rounds_at(parameters, one) for one in parts[1:4])
    if min(cost, block, lanes) < 1 or 128 * cost * block > SCRYPT_MEMORY_LIMIT:
        raise Unsupported(f"scrypt with N={_told(cost)} and r={_told(block)}")
    if cost & (cost - 1) or not 1 < cost < 1 << 16 * block:  # RFC 7914, 2
        raise Unsupported(f"scrypt with N={cost} and r={block}")

    def derive(password: bytes, work: Work) -> bytes:
        work.spend(cost * block * lanes)
        return Scrypt(salt=salt, length=size, n=cost, r=block, p=lanes).derive(password)

    return derive


def single_des(key: bytes) -> TripleDES:
    """DES with one key or two, as the triple DES that it equals."""
    return TripleDES((key * 3)[:24])


def pbmac1(parameters: bytes) -> tuple[Callable[[bytes, Work], bytes], str, int]:
    """Read PBMAC1-params (RFC 8018, 7.1): key derivation, the HMAC's hash, the key's size.

    Raises:
        asn1.Asn1Error: it is malformed.
        Unsupported: it names something unknown.
    """
    derivation, message = _two(parameters, "a key derivation and a code")
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
_KEY, _IV, MAC = 1, 2, 3
"""What the derived bytes are for (RFC 7292, B.3)."""


def _pkcs12(oid: str, parameters: bytes) -> Scheme:
    name, size = _PKCS12[oid]
    salt, rounds, _ = salt_and_rounds(parameters)

    def opener(data: bytes, password: Password, work: Work) -> bytes:
        key = pkcs12_bytes(password, salt, rounds, _KEY, size, work)
        if name.startswith("RC4"):
            return Cipher(ARC4(key), None).decryptor().update(data)
        iv = pkcs12_bytes(password, salt, rounds, _IV, 8, work)
        if name.startswith("RC2"):
            work.spend(len(data) or 1, _RC2_BYTE)
            return unpadded(rc2.decrypt_cbc(key, iv, data))
        return unpadded(cbc(single_des(key), iv, data))

    return Scheme(f"PBE-SHA1-{name}", opener)


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
        digest = bytes((purpose,)) * block + mixed
        for _ in range(rounds):
            digest = hashlib.new(algorithm, digest, usedforsecurity=False).digest()
        derived += digest
        mixed = _stirred(mixed, _repeated(digest, block)[:block], block)
    return derived[:size]


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


# PBES1 with DES (RFC 8018, 6.1), which old OpenSSL wrote into PKCS#8.

_PBES1 = {"1.2.840.113549.1.5.3": "md5", "1.2.840.113549.1.5.10": "sha1"}


def _pbes1(oid: str, parameters: bytes) -> Scheme:
    algorithm = _PBES1[oid]
    salt, rounds, _ = salt_and_rounds(parameters)

    def opener(data: bytes, password: Password, work: Work) -> bytes:
        work.spend(rounds, PYTHON_ROUND)
        digest = (password or "").encode() + salt
        for _ in range(rounds):
            digest = hashlib.new(algorithm, digest, usedforsecurity=False).digest()
        return unpadded(cbc(single_des(digest[:8]), digest[8:16], data))

    return Scheme(f"PBE-{algorithm.upper()}-DES", opener)
