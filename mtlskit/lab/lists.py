"""Revocation lists of the lab's authorities (RFC 5280, 5), good or broken.

Law of this room: as in `pki`, every part has a right default.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.lab.pki import Authority, PrivateKey, now

_LIFE = timedelta(days=7)


def revocation_list(  # noqa: PLR0913 - the parts of a list, all by name
    authority: Authority,
    *revoked: x509.Certificate,
    number: int = 1,
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    signer: PrivateKey | None = None,
    extra: Iterable[tuple[x509.ExtensionType, bool]] = (),
    of_entries: Iterable[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """Make a list, DER, of an hour ago and for a week.

    Args:
        authority: whose list it is.
        revoked: the certificates that it lists.
        number: the list's own number (RFC 5280, 5.2.3).
        reason: why they are revoked.
        this_update: when it was made, aware.
        next_update: when the next one is due, aware.
        signer: the key that signs in place of the authority's, so that the signature is wrong.
        extra: further extensions, each with its critical flag.
        of_entries: further extensions of each entry.
    """
    since = this_update or now() - timedelta(hours=1)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(since)
        .next_update(next_update or since + _LIFE)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    further = tuple(of_entries)
    for one in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(one.serial_number)
            .revocation_date(since)
            .add_extension(x509.CRLReason(reason), critical=False)
        )
        for extension, critical in further:
            entry = entry.add_extension(extension, critical)
        builder = builder.add_revoked_certificate(entry.build())
    made = builder.sign(signer or authority.key, hashes.SHA256())
    return made.public_bytes(Encoding.DER)
