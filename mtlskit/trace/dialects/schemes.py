"""Signature schemes as OpenSSL and GnuTLS print them. Law: a name that is not known stays as it is.

OpenSSL writes the key and the hash (``ECDSA+SHA256``), which in TLS 1.2 name no curve.
"""

from __future__ import annotations

_PSS = {"RSA-PSS": "rsa_pss_rsae", "rsa_pss_rsae": "rsa_pss_rsae"}
_CURVES = {"sha256": "secp256r1", "sha384": "secp384r1", "sha512": "secp521r1"}


def openssl_scheme(text: str) -> str:
    """Return the RFC's name of ``RSA-PSS+SHA256``: ``rsa_pss_rsae_sha256`` (RFC 8446, 4.2.3)."""
    key, plus, digest = text.strip().partition("+")
    if not plus:
        return key.lower()
    digest = digest.lower()
    if key in _PSS:
        return f"{_PSS[key]}_{digest}"
    if key == "ECDSA" and digest in _CURVES:
        return f"ecdsa_{_CURVES[digest]}_{digest}"
    if key == "RSA" and digest != "sha224":
        return f"rsa_pkcs1_{digest}"
    return f"{key.lower()}_{digest}"
