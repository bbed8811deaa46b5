"""OCSP responses of the lab's authorities (RFC 6960), good or broken.

Law of this room: as in `pki`, every part has a right default.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from mtlskit.lab.pki import Authority, Issued, now

_LIFE = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Responder:
    """Who answers: the authority itself, or somebody whom it charged with it."""

    authority: Authority
    own: Issued | None = None

    def response(  # noqa: PLR0913 - the parts of an answer, all by name
        self,
        one: x509.Certificate,
        *,
        revoked: x509.ReasonFlags | None = None,
        unknown: bool = False,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
        hashed: hashes.HashAlgorithm | None = None,
    ) -> bytes:
        """Answer for one certificate, DER.

        Args:
            one: the certificate.
            revoked: why it is revoked, an hour ago; None: it is good.
            unknown: the responder does not know it.
            this_update: when the answer was made, aware; an hour ago by default.
            next_update: until when it holds, aware; four days by default.
            hashed: by which hash the issuer is named; SHA-1 by default.
        """
        since = this_update or now() - timedelta(hours=1)
        status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        signer = self.own or self.authority
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=one,
            issuer=self.authority.certificate,
            algorithm=hashed or hashes.SHA1(),  # noqa: S303 - RFC 5019, 2.1.1: it only names the issuer
            cert_status=ocsp.OCSPCertStatus.UNKNOWN if unknown else status,
            this_update=since,
            next_update=next_update or since + _LIFE,
            revocation_time=since if revoked else None,
            revocation_reason=revoked,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        if self.own:
            builder = builder.certificates([self.own.certificate])
        made = builder.sign(signer.key, hashes.SHA256())
        return made.public_bytes(Encoding.DER)


def refusal() -> bytes:
    """Make the response of a responder that does not answer."""
    made = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    return made.public_bytes(Encoding.DER)
