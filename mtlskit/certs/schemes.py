"""Which key can sign by which TLS signature scheme (RFC 8446, 4.2.3; RFC 5246, 7.4.1.4.1).

Law of this file: the answer follows from the key and the scheme's registered name alone. A scheme
whose name tells nothing of keys fits none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mtlskit.certs.public_key import PublicKey

_CURVES = {
    "secp256r1": "P-256",
    "secp384r1": "P-384",
    "secp521r1": "P-521",
    "brainpoolP256r1tls13": "brainpoolP256r1",
    "brainpoolP384r1tls13": "brainpoolP384r1",
    "brainpoolP512r1tls13": "brainpoolP512r1",
}
_HASH_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}
_ONLY_BEFORE_13 = ("rsa_pkcs1_", "dsa_", "ecdsa_sha1", "ecdsa_sha224", "rsa_md5", "dsa_md5")
_PLAIN = {
    "ed25519": "Ed25519",
    "ed448": "Ed448",
    "mldsa44": "ML-DSA-44",
    "mldsa65": "ML-DSA-65",
    "mldsa87": "ML-DSA-87",
}
_KEYS_OF_TYPES = {
    "rsa_sign": ("RSA", "RSA-PSS"),
    "dss_sign": ("DSA",),
    "ecdsa_sign": ("EC", "Ed25519", "Ed448"),
}
"""RFC 5246, 7.4.4; RFC 8422, 5.5; RFC 8422 lets EdDSA keys go by ``ecdsa_sign``."""


def fitting(key: PublicKey, schemes: Iterable[str], tls: str | None) -> tuple[str, ...]:
    """Return the schemes, in their order, by which this key can sign in a CertificateVerify.

    Args:
        key: the leaf's public key.
        schemes: registered names, such as ``rsa_pss_rsae_sha256``.
        tls: ``1.3`` binds curves and leaves out PKCS #1 v1.5; any other version does not.
    """
    return tuple(one for one in schemes if _signs(key, one, tls))


def of_type(key: PublicKey, types: Iterable[str]) -> tuple[str, ...]:
    """Return the TLS 1.2 certificate types that a certificate with this key has."""
    return tuple(one for one in types if key.kind in _KEYS_OF_TYPES.get(one, ()))


def _signs(key: PublicKey, scheme: str, tls: str | None) -> bool:
    if tls == "1.3" and scheme.startswith(_ONLY_BEFORE_13):
        return False
    if scheme in _PLAIN:
        return key.kind == _PLAIN[scheme]
    family, _, rest = scheme.partition("_")
    if family == "ecdsa":
        return key.kind == "EC" and _curve_fits(key, rest, tls)
    if scheme.startswith("rsa_pss_"):
        wanted = "RSA-PSS" if "_pss_pss_" in scheme else "RSA"
        return key.kind == wanted and _large_enough(key, scheme)
    return key.kind == {"rsa": "RSA", "dsa": "DSA"}.get(family)


def _curve_fits(key: PublicKey, rest: str, tls: str | None) -> bool:
    """Before TLS 1.3 the scheme names the hash alone (RFC 8446, 4.2.3)."""
    curve = _CURVES.get(rest.partition("_")[0])
    return tls != "1.3" or (curve is not None and key.curve in {None, curve})


def _large_enough(key: PublicKey, scheme: str) -> bool:
    """PSS needs a modulus of twice the hash and two bytes (RFC 8017, 9.1.1)."""
    size = _HASH_BYTES.get(scheme.rpartition("_")[2], 0)
    return key.bits is None or key.bits >= 8 * (2 * size + 2)


_HASHES = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
_FEW = 6


def grouped(schemes: Sequence[str]) -> str:
    """Write a list of schemes for people: a long one with its count, and hashes side by side.

    ``rsa_pkcs1_sha256, rsa_pkcs1_sha384`` becomes ``rsa_pkcs1_sha256/384``; nothing is left out.
    """
    if len(schemes) <= _FEW:
        return ", ".join(schemes)
    groups: dict[str, list[str]] = {}
    for one in schemes:
        head, _, tail = one.rpartition("_")
        several = tail in _HASHES and head
        groups.setdefault(head if several else one, []).extend([tail] if several else [])
    return f"{len(schemes)}: " + ", ".join(_of_group(head, tails) for head, tails in groups.items())


def _of_group(head: str, tails: Sequence[str]) -> str:
    if not tails:
        return head
    return f"{head}_{tails[0]}" + "".join(f"/{one.removeprefix('sha')}" for one in tails[1:])
