"""Many certificates, made quickly: what the benchmarks of reading read.

Law: they differ in subject, alternative names and serial number, as those of one company do, and
share a few keys. A few are signed; in their copies name and number are replaced, so that the
signatures do not hold, which no reader here looks at.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.lab.pki import Authority

KINDS = ("RSA 2048", "EC P-256")
_MARK = "7310527"
_SERIAL = int.from_bytes(f"Z{_MARK}numberZ".encode(), "big")


def ders(count: int) -> Iterator[bytes]:
    """Give `count` certificates in DER, issuing CAs first."""
    roots = [Authority.root(f"CN=Bench Root {kind},O=Bench", key=kind) for kind in KINDS]
    issuing = [
        root.intermediate(f"CN=Bench Issuing {kind},O=Bench", key=kind)
        for root, kind in zip(roots, KINDS, strict=True)
    ]
    for authority in (*roots, *issuing):
        yield authority.certificate.public_bytes(Encoding.DER)
    patterns = [_pattern(one, kind) for one, kind in zip(issuing, KINDS, strict=True)]
    for number in range(count - 2 * len(KINDS)):
        digits = f"{number:0{len(_MARK)}}".encode()
        yield patterns[number % len(patterns)].replace(_MARK.encode(), digits)


def _pattern(issuer: Authority, kind: str) -> bytes:
    name = f"client-{_MARK}.example"
    subject = f"CN={name},OU=Integration,O=Example GmbH,L=Berlin,C=DE"
    return issuer.client(subject, san=(name,), serial=_SERIAL, key=kind).der


def pem(count: int) -> bytes:
    """Give `count` certificates as one PEM text."""
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(der)
        for der in ders(count)
    )
