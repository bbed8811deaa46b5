"""Certification requests (RFC 2986) and revocation lists (RFC 5280, 5): what stands at their head.

Law of this room: facts, no opinions, as for certificates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mtlskit.certs import asn1
from mtlskit.certs.certificate import signature_name, time_from
from mtlskit.certs.distinguished import Name, name_from
from mtlskit.certs.public_key import PublicKey, key_from
from mtlskit.material import Problem, Source, Unreadable


@dataclass(frozen=True, slots=True)
class Request:
    """A certification request (CSR): a name and a key that still want a certificate."""

    der: bytes = field(repr=False)
    source: Source
    subject: Name
    key: PublicKey
    signature_algorithm: str

    @property
    def label(self) -> str:
        """A short name for people."""
        return self.subject.common_name or str(self.subject) or "request without a name"


@dataclass(frozen=True, slots=True)
class Crl:
    """A certificate revocation list.

    Attributes:
        next_update: None: it does not say.
        revoked: how many certificates it lists.
    """

    der: bytes = field(repr=False)
    source: Source
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    revoked: int
    signature_algorithm: str

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"CRL of {self.issuer.common_name or self.issuer}"


def read_request(der: bytes, source: Source) -> Request:
    """Read a DER CertificationRequest.

    Raises:
        Unreadable: code ``damaged``.
    """
    try:
        info, algorithm = asn1.sequence(der)[:2]
        parts = asn1.children(der, info[1], info[2])
        subject = name_from(der[parts[0][2] : parts[1][2]])
        key = key_from(der[parts[1][2] : parts[2][2]])
        return Request(der, source, subject, key, signature_name(der[info[2] : algorithm[2]]))
    except (ValueError, IndexError) as error:
        text = f"The certification request is damaged: {error}."
        raise Unreadable(Problem("damaged", text, source)) from None


def read_crl(der: bytes, source: Source) -> Crl:
    """Read a DER CertificateList.

    Raises:
        Unreadable: code ``damaged``.
    """
    try:
        return _crl(der, source)
    except (ValueError, IndexError) as error:
        text = f"The revocation list is damaged: {error}."
        raise Unreadable(Problem("damaged", text, source)) from None


def _crl(der: bytes, source: Source) -> Crl:
    listed, algorithm = asn1.sequence(der)[:2]
    parts = asn1.children(der, listed[1], listed[2])
    if parts[0][0] == asn1.INTEGER:
        del parts[0]
    issuer = name_from(der[parts[0][2] : parts[1][2]])
    dates = [
        time_from(tag, der[start:stop])
        for tag, start, stop in parts[2:4]
        if tag in {asn1.UTC_TIME, asn1.GENERALIZED_TIME}
    ]
    revoked = next((one for one in parts[2:] if one[0] == asn1.SEQUENCE), None)
    return Crl(
        der,
        source,
        issuer,
        dates[0],
        dates[1] if len(dates) > 1 else None,
        len(asn1.children(der, revoked[1], revoked[2])) if revoked else 0,
        signature_name(der[listed[2] : algorithm[2]]),
    )
