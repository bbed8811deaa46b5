"""OCSP responses at hand: what they say of a certificate, and whether that counts (RFC 6960).

Law of this room: an answer counts only if it is about this certificate of this issuer, of the time
in question, and signed by the issuer or by whom the issuer charged with it; a responder's own
certificate has to hold. Of each that does not count it is said why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.signing import made_by, signed_by
from mtlskit.material import Problem, Source, Unreadable

if TYPE_CHECKING:
    from cryptography.x509 import ocsp

SIZE_LIMIT = 1024 * 1024
"""A response has a few kilobytes."""
_LIFE = timedelta(days=7)
"""So long an answer is used that does not say when the next one is due: as public CAs limit it.

RFC 6960, 4.2.2.1: without nextUpdate there is newer information at any time.
"""
_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"
_PROCESSED = frozenset(
    # basicConstraints, keyUsage, extKeyUsage, both key identifiers, subjectAltName, nocheck
    {"2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.35", "2.5.29.17", _NO_CHECK}
)
"""Extensions of a responder's certificate that may be critical."""
_SIGNING = frozenset({"digitalSignature", "nonRepudiation"})
_HASHES = ("sha1", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response says of one certificate.

    Attributes:
        issuer_name, issuer_key: hashes by which the issuer is named.
        reason: why it is revoked, if that is said.
    """

    serial: int
    issuer_name: bytes
    issuer_key: bytes
    hash: str
    status: Literal["good", "revoked", "unknown"]
    this_update: datetime
    next_update: datetime | None
    since: datetime | None
    reason: str

    def about(self, one: Certificate, issuer: Certificate) -> bool:
        """Whether this is the certificate that is meant (RFC 6960, 4.1.1)."""
        if self.serial != one.serial or self.hash not in _HASHES:
            return False
        name = hashlib.new(self.hash, issuer.subject.der).digest()
        key = hashlib.new(self.hash, _key_bits(issuer.key.spki)).digest()
        return (name, key) == (self.issuer_name, self.issuer_key)


@dataclass(frozen=True, slots=True)
class Response:
    """One OCSP response.

    Attributes:
        answers: (): the responder refused to answer; `refusal` says how.
        certificates: those that came with it; the responder's may be among them.
        basic: the signed structure within it, DER.
    """

    der: bytes = field(repr=False)
    source: Source
    refusal: str | None
    answers: tuple[Answer, ...]
    certificates: tuple[Certificate, ...] = ()
    basic: bytes = field(default=b"", repr=False)


Status = Callable[[Certificate], Literal["good", "revoked", "unknown"]]
"""What is known of a responder's own certificate."""


@dataclass(frozen=True, slots=True)
class Word:
    """What the responses say of a certificate; `notes`: why those that say nothing do not count."""

    answer: Answer | None
    source: Source | None
    notes: tuple[str, ...]


def read_response(der: bytes, source: Source) -> Response:
    """Read a DER OCSPResponse.

    Raises:
        Unreadable: code ``too-large`` or ``damaged``.
    """
    from cryptography.x509 import InvalidVersion  # noqa: PLC0415 - loaded when one is read

    if len(der) > SIZE_LIMIT:
        text = f"{len(der)} bytes are too many for an OCSP response (the limit is {SIZE_LIMIT})."
        raise Unreadable(Problem("too-large", text, source))
    try:
        return _read(der, source)
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm, InvalidVersion) as error:
        text = f"The OCSP response is damaged: {error}."
        raise Unreadable(Problem("damaged", text, source)) from None


def _read(der: bytes, source: Source) -> Response:
    from cryptography.x509 import ocsp  # noqa: PLC0415 - loaded when one is read

    found = ocsp.load_der_ocsp_response(der)
    if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        refusal = found.response_status.name.lower().replace("_", " ")
        return Response(der, source, refusal, ())
    certificates = tuple(
        read_certificate(one.public_bytes(Encoding.DER), source.at(f"certificate {at}"))
        for at, one in enumerate(found.certificates, 1)
    )
    answers = tuple(_answer(one) for one in found.responses)
    return Response(der, source, None, answers, certificates, _basic(der))


def _answer(one: ocsp.OCSPSingleResponse) -> Answer:
    reason = one.revocation_reason
    return Answer(
        one.serial_number,
        one.issuer_name_hash,
        one.issuer_key_hash,
        one.hash_algorithm.name,
        _STATUS[one.certificate_status.name],
        one.this_update_utc,
        one.next_update_utc,
        one.revocation_time_utc,
        reason.value if reason is not None else "unspecified",
    )


_STATUS: dict[str, Literal["good", "revoked", "unknown"]] = {
    "GOOD": "good",
    "REVOKED": "revoked",
    "UNKNOWN": "unknown",
}


def _basic(der: bytes) -> bytes:
    """The first three parts of BasicOCSPResponse, which are what a signature goes with."""
    _, (_, start, stop) = asn1.sequence(der)
    inner, inner_stop = asn1.expect(der, start, stop, asn1.SEQUENCE)
    _, (_, start, stop) = asn1.children(der, inner, inner_stop)
    outer, outer_stop = asn1.expect(der, start, stop, asn1.SEQUENCE)
    parts = asn1.children(der, outer, outer_stop)
    return asn1.encode(asn1.SEQUENCE, der[outer : parts[2][2]])


def _key_bits(spki: bytes) -> bytes:
    """The subjectPublicKey without the octet that counts unused bits."""
    _, (_, start, stop) = asn1.sequence(spki)
    return spki[start + 1 : stop]


def word_on(
    one: Certificate,
    issuer: Certificate,
    responses: tuple[Response, ...],
    at: datetime,
    status: Status | None = None,
) -> Word:
    """Ask the responses for a certificate: the answer that decides, and why some do not count.

    That it is revoked comes before that it is good, and of the same the newest.

    Args:
        one: the certificate.
        issuer: its issuer, whose answers count.
        responses: those at hand.
        at: the time in question, aware.
        status: what the revocation lists at hand say of a responder's own certificate.
    """
    notes: list[str] = []
    usable: list[tuple[Response, Answer]] = []
    for response, answer in _meant(one, issuer, responses):
        note = _why_not(response, answer, issuer, at, status or _not_known)
        if note is None:
            usable.append((response, answer))
        else:
            notes.append(f"the OCSP response {response.source} {note}")
    if not usable:
        return Word(None, None, tuple(notes))
    by, said = max(usable, key=lambda one: (one[1].status == "revoked", one[1].this_update))
    return Word(said, by.source, tuple(notes))


def _not_known(_: Certificate) -> Literal["unknown"]:
    return "unknown"


def _meant(
    one: Certificate, issuer: Certificate, responses: tuple[Response, ...]
) -> Iterator[tuple[Response, Answer]]:
    for response in responses:
        for answer in response.answers:
            if answer.about(one, issuer):
                yield response, answer


def _why_not(
    response: Response, answer: Answer, issuer: Certificate, at: datetime, status: Status
) -> str | None:
    if untimely := _untimely(answer, at):
        return untimely
    if answer.status == "unknown":
        return "says that the responder does not know the certificate"
    if made_by(response.basic, issuer.key.spki):
        return None
    signers = [one for one in response.certificates if made_by(response.basic, one.key.spki)]
    if not signers:
        return "is not signed by the issuer, nor by a certificate that came with it"
    found = [next(_against(one, issuer, at, status), None) for one in signers]
    return None if None in found else f"is signed by {signers[0].label}, {found[0]}"


def _untimely(answer: Answer, at: datetime) -> str | None:
    if answer.this_update > at:
        return f"is of {answer.this_update:%Y-%m-%d %H:%M} UTC, which is later"
    if answer.next_update is not None and answer.next_update < at:
        return f"ran out at {answer.next_update:%Y-%m-%d %H:%M} UTC"
    if answer.status == "good" and answer.next_update is None and at - answer.this_update > _LIFE:
        return (
            f"is of {answer.this_update:%Y-%m-%d %H:%M} UTC, more than {_LIFE.days} days old, and "
            "does not say when the next one is due"
        )
    return None


def _against(
    signer: Certificate, issuer: Certificate, at: datetime, status: Status
) -> Iterator[str]:
    """Yield why a responder's certificate does not count, relative clauses.

    RFC 6960, 4.2.2.2: the issuer itself issued it, for this purpose. Like any certificate it is
    read whole, valid at that time, and allowed to sign (RFC 5280, 4.2.1.3 and 4.2.1.12).
    """
    if not signed_by(signer, issuer):
        yield "whom the issuer did not charge with it"
        return  # whatever else is wrong with a stranger does not matter
    if "OCSPSigning" not in (signer.eku or ()):
        yield "whose purposes do not include OCSPSigning"
    if signer.ku is not None and not _SIGNING & set(signer.ku):
        yield "whose key usage does not include digitalSignature"
    if not signer.not_before <= at.astimezone(UTC) <= signer.not_after:
        yield "which is not valid at that time"
    for problem in signer.problems:
        yield f"which is malformed: {problem.text.rstrip('.')}"
    for one in signer.extensions:
        if one.critical and one.oid not in _PROCESSED:
            yield f"which has the critical extension {one.name}, which is not known"
    if own := _own_status(signer, status):
        yield own


def _own_status(signer: Certificate, status: Status) -> str | None:
    """RFC 6960, 4.2.2.2.1: with id-pkix-ocsp-nocheck nobody asks; else somebody has to know."""
    if signer.extension(_NO_CHECK) is not None:
        return None
    known = status(signer)
    if known == "revoked":
        return "which is revoked itself"
    if known == "good":
        return None
    return (
        "of which it is not known whether it is revoked itself: it does not have "
        "id-pkix-ocsp-nocheck, and no revocation list at hand covers it"
    )
