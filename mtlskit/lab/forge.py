"""Certificates that no builder makes: fields of one are changed, and it is signed anew.

Law of this room: what comes out is broken on purpose, in the one way that was asked for, and the
signature over it is right.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from mtlskit.certs import asn1
from mtlskit.lab.pki import PrivateKey

Fields = list[bytes]
"""The elements of a TBSCertificate (RFC 5280, 4.1) in their order, each whole."""
Edit = Callable[[Fields], Fields]

_SHA1 = {
    # RFC 3279, 2.2: the AlgorithmIdentifiers of signatures with SHA-1
    "RSA": bytes.fromhex("300d06092a864886f70d0101050500"),
    "EC": bytes.fromhex("300906072a8648ce3d0401"),
}


def forged(certificate: x509.Certificate, signer: PrivateKey, edit: Edit) -> bytes:
    """Change the fields of a certificate and sign it with SHA-256 by the issuer's key; DER."""
    fields = edit(_fields(certificate.tbs_certificate_bytes))
    algorithm = fields[_first(fields) + 1]
    return _signed(fields, algorithm, signer, hashes.SHA256())


def with_sha1(certificate: x509.Certificate, signer: PrivateKey) -> bytes:
    """Sign a certificate anew with SHA-1; DER."""
    algorithm = _SHA1["RSA" if isinstance(signer, rsa.RSAPrivateKey) else "EC"]
    fields = _fields(certificate.tbs_certificate_bytes)
    fields[_first(fields) + 1] = algorithm
    return _signed(fields, algorithm, signer, hashes.SHA1())  # noqa: S303 - weak on purpose


def of_version_1(fields: Fields) -> Fields:
    """Neither version nor extensions."""
    return [one for one in fields if one[0] not in {asn1.EXPLICIT, asn1.EXPLICIT + 3}]


def of_version_2(fields: Fields) -> Fields:
    """The number of version 2 on what only version 3 has: extensions."""
    version = asn1.encode(asn1.EXPLICIT, asn1.encode(asn1.INTEGER, b"\x01"))
    return [version, *fields[1:]]


def key_usage_as_integer(fields: Fields) -> Fields:
    """A keyUsage whose value is an INTEGER where a BIT STRING belongs (RFC 5280, 4.2.1.3)."""
    head = bytes.fromhex("0603551d0f0101ff0404")
    return [*fields[:-1], fields[-1].replace(head + b"\x03", head + b"\x02")]


def with_serial(contents: bytes) -> Edit:
    """Another serial number, by the contents of its INTEGER."""

    def edit(fields: Fields) -> Fields:
        at = _first(fields)
        return [*fields[:at], asn1.encode(asn1.INTEGER, contents), *fields[at + 1 :]]

    return edit


def _first(fields: Fields) -> int:
    """Where the serial number stands: behind the version, if there is one."""
    return int(fields[0][0] == asn1.EXPLICIT)


def _fields(tbs: bytes) -> Fields:
    fields, at = [], asn1.expect(tbs, 0, len(tbs), asn1.SEQUENCE)[0]
    for _, _, stop in asn1.sequence(tbs):
        fields.append(tbs[at:stop])
        at = stop
    return fields


def _signed(
    fields: Fields, algorithm: bytes, signer: PrivateKey, hashed: hashes.HashAlgorithm
) -> bytes:
    tbs = asn1.encode(asn1.SEQUENCE, b"".join(fields))
    if isinstance(signer, rsa.RSAPrivateKey):
        signature = signer.sign(tbs, padding.PKCS1v15(), hashed)
    elif isinstance(signer, ec.EllipticCurvePrivateKey):
        signature = signer.sign(tbs, ec.ECDSA(hashed))
    else:
        raise TypeError("The lab forges with RSA and EC keys only.")
    bits = asn1.encode(asn1.BIT_STRING, b"\0" + signature)
    return asn1.encode(asn1.SEQUENCE, tbs + algorithm + bits)
