"""Did this key sign that certificate? Law of this room: a mathematical answer, no opinion.

RFC 5280, 4.1.1.3: the signature is over the encoded TBSCertificate. The bytes are taken as they
are, so that a certificate that `cryptography` refuses for another oddity is still checked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate, signature_name
from mtlskit.certs.oids import HASHES
from mtlskit.certs.pbe import algorithm_of

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "MD5": hashes.MD5,
    "SHA1": hashes.SHA1,
    "SHA224": hashes.SHA224,
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def signed_by(child: Certificate, issuer: Certificate) -> bool:
    """Tell whether the issuer's key made the child's signature; names are compared too.

    False also where the algorithm is not supported by `cryptography`, or the bytes are damaged.
    """
    return child.issuer.same_as(issuer.subject) and verified(child, issuer.key.spki) is True


def verified(child: Certificate, spki: bytes) -> bool | None:
    """Tell whether this public key made the child's signature.

    Returns None where it cannot be told: the algorithm or key is not supported by `cryptography`.
    """
    return _verified(child.der, spki)


def made_by(der: bytes, spki: bytes) -> bool:
    """Tell whether this public key signed a structure made like a certificate, such as a CRL."""
    try:
        return _verified(der, spki) is True
    except ValueError:
        return False  # it is not made like that


@lru_cache(maxsize=8192)
def _verified(der: bytes, spki: bytes) -> bool | None:
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    (_, _, tbs_stop), (_, _, algorithm_stop), (_, at, end) = asn1.children(der, start, stop)
    check = _check_for(der[tbs_stop:algorithm_stop])
    if check is None:
        return None
    try:
        check(_public_key(spki), der[at + 1 : end], der[start:tbs_stop])
    except InvalidSignature:
        return False
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        return None
    return True


@lru_cache(maxsize=1024)
def _public_key(spki: bytes) -> Any:  # noqa: ANN401 - any kind of key
    return load_der_public_key(spki)


_Check = Callable[[Any, bytes, bytes], object]


@lru_cache(maxsize=256)
def _check_for(algorithm: bytes) -> _Check | None:
    """The function that verifies with a key, a signature and the signed bytes; None: unknown."""
    try:
        name = signature_name(algorithm)
        if name.startswith("rsassaPss"):
            return _pss(algorithm)
    except ValueError:  # malformed, or no scheme can be made of it
        return None
    if name.startswith(("Ed", "ML-DSA")):
        return lambda key, signature, data: key.verify(signature, data)
    hashed = _HASHES.get(_hash_in(name))
    if hashed is None:
        return None
    return _plain(hashed())


def _hash_in(name: str) -> str:
    """The hash within a name such as ``sha256WithRSAEncryption`` or ``ecdsa-with-SHA256``."""
    return name.rpartition("with-")[2].partition("With")[0].upper()


def _plain(hashed: hashes.HashAlgorithm) -> _Check:
    def check(key: Any, signature: bytes, data: bytes) -> None:  # noqa: ANN401 - any kind of key
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashed))
        elif isinstance(key, dsa.DSAPublicKey):
            key.verify(signature, data, hashed)
        else:
            raise InvalidSignature  # the signature is of another kind than the key

    return check


def _pss(algorithm: bytes) -> _Check | None:
    """RSASSA-PSS-params (RFC 4055, 3.1), whose every field has a default.

    Raises:
        ValueError: they are malformed.
    """
    _, parameters = algorithm_of(algorithm)
    given = {
        tag & 0x1F: parameters[start:stop]
        for tag, start, stop in (asn1.sequence(parameters) if parameters else ())
    }
    hashed = _named_hash(given.get(0))
    masked = _named_hash(algorithm_of(given[1])[1] if 1 in given else None)
    salt = _salt_length(given.get(2))
    if hashed is None or masked is None:
        return None
    scheme = padding.PSS(padding.MGF1(masked), salt)
    return lambda key, signature, data: key.verify(signature, data, scheme, hashed)


_SALT_LIMIT = 2048
"""Bytes of a salt: no more than a signature of 16,384 bits has room for."""


def _salt_length(integer: bytes | None) -> int:
    if integer is None:
        return 20
    start, stop = asn1.expect(integer, 0, len(integer), asn1.INTEGER)
    salt = asn1.integer(integer, start, stop)
    if not 0 <= salt <= _SALT_LIMIT:
        raise asn1.Asn1Error(start, f"a salt of at most {_SALT_LIMIT} bytes", "another length")
    return salt


def _named_hash(algorithm: bytes | None) -> hashes.HashAlgorithm | None:
    name = "SHA1" if algorithm is None else HASHES.get(algorithm_of(algorithm)[0], "")
    found = _HASHES.get(name)
    return found() if found else None
