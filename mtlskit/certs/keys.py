"""Private keys from DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915).

Law of this room: an encrypted key that does not open says why: no password was given, none of
those given fits, the cipher is not supported, or the bytes are damaged.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mtlskit.certs import asn1, pbe
from mtlskit.certs.formats import der_kind
from mtlskit.certs.private_key import PrivateKey
from mtlskit.material import Problem, Source, Unreadable


def read_key(der: bytes, source: Source) -> PrivateKey:
    """Read an unencrypted private key.

    Raises:
        Unreadable: code ``damaged`` or ``unsupported``.
    """
    try:
        return PrivateKey(_loaded(der))
    except UnsupportedAlgorithm as error:
        text = f"The private key is of a kind that is not supported: {error}."
        raise Unreadable(Problem("unsupported", text, source)) from None
    except (ValueError, TypeError) as error:
        text = f"The private key is damaged: {_first_sentence(error)}."
        raise Unreadable(Problem("damaged", text, source)) from None


def _loaded(der: bytes) -> PrivateKeyTypes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is old about a key is not said on the screen
        # The full check takes some 40 ms for one RSA key, most of it for proving primes; ours
        # finds what damage can do.
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    _check(key)
    return key


def _check(key: PrivateKeyTypes) -> None:
    if not isinstance(key, RSAPrivateKey):
        return
    numbers = key.private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    p, q, d = numbers.p, numbers.q, numbers.d
    fits = p * q == n and d * e % (p - 1) == 1 and d * e % (q - 1) == 1
    if not fits or numbers.dmp1 != d % (p - 1) or numbers.dmq1 != d % (q - 1):
        raise ValueError("its numbers do not belong together")


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ")[0].rstrip(".") or "it cannot be parsed"


def open_key(
    der: bytes, passwords: Sequence[pbe.Password], source: Source, work: pbe.Work | None = None
) -> PrivateKey:
    """Read a PKCS#8 EncryptedPrivateKeyInfo with the first password that fits.

    Raises:
        Unreadable: code ``no-password``, ``key-password``, ``unsupported``, ``damaged`` or
            ``too-costly``.
    """
    try:
        algorithm, data = pbe.encrypted_parts(der)
        scheme = pbe.scheme(algorithm)
    except asn1.Asn1Error as error:
        text = f"The encrypted private key is damaged {error}."
        raise Unreadable(Problem("damaged", text, source)) from None
    except pbe.Unsupported as error:
        text = f"The private key is encrypted with {error}, which is not supported here."
        raise Unreadable(Problem("unsupported", text, source)) from None
    return first_that_opens(scheme, data, passwords, source, work or pbe.Work())


def first_that_opens(
    scheme: pbe.Scheme,
    data: bytes,
    passwords: Sequence[pbe.Password],
    source: Source,
    work: pbe.Work,
) -> PrivateKey:
    """Decrypt a key with the first password that fits.

    Raises:
        Unreadable: code ``no-password``, ``key-password``, ``unsupported`` or ``too-costly``.
    """
    if not passwords:
        text = "The private key is encrypted. Give its password."
        raise Unreadable(Problem("no-password", text, source))
    for password in passwords:
        try:
            plain = scheme.decrypt(data, work.trying(password), work)
        except pbe.TooMuchWork as error:
            raise Unreadable(Problem(error.code, f"The private key {error}.", source)) from None
        except pbe.WrongPassword:
            continue
        if der_kind(plain) == "key":
            return read_key(plain, source)
    text = "No given password opens the private key."
    raise Unreadable(Problem("key-password", text, source))
