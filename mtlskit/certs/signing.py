"""Did this key sign that certificate? Law of this room: a mathematical answer, no opinion.

RFC 5280, 4.1.1.3: the signature is over the encoded TBSCertificate.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from mtlskit.certs.certificate import Certificate


def signed_by(child: Certificate, issuer: Certificate) -> bool:
    """Tell whether the issuer's key made the child's signature; names are compared too.

    False also where the algorithm is not supported by `cryptography`, or the bytes are damaged.
    """
    return _verified(child.der, issuer.der)


@lru_cache(maxsize=4096)
def _verified(child: bytes, issuer: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            # An odd serial number is told by `certificate`; here it does not matter.
            warnings.simplefilter("ignore")
            loaded = x509.load_der_x509_certificate(child)
            loaded.verify_directly_issued_by(x509.load_der_x509_certificate(issuer))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
