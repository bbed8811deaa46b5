"""What a chain's own addresses have: missing issuers, OCSP responses, revocation lists.

Law of this file: nothing is fetched unless somebody asked for it; each kind has to be named. What
could not be fetched is a problem beside what could, and nothing is concluded from either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from mtlskit.certs import paths, pem, pkcs7
from mtlskit.certs.access import Access, access_of
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.formats import der_kind, format_of
from mtlskit.certs.ocsp import Response, read_response
from mtlskit.certs.pile import Pile
from mtlskit.certs.rulings import Question
from mtlskit.certs.signed import Crl
from mtlskit.collect.fetch import Request, fetch, until
from mtlskit.material import Blob, Problem, Source, Unreadable

Kind = Literal["issuers", "ocsp", "crls"]
KINDS: tuple[Kind, ...] = ("issuers", "ocsp", "crls")
_HOPS = 4
"""Issuers of issuers that are fetched."""
_ADDRESSES = 2
"""Of several addresses for one thing, so many are tried."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched, and what could not be."""

    issuers: tuple[Certificate, ...] = ()
    responses: tuple[Response, ...] = ()
    crls: tuple[Crl, ...] = ()
    problems: tuple[Problem, ...] = ()

    def added_to(self, question: Question) -> Question:
        """The same question with what was fetched at hand."""
        return replace(
            question,
            others=(*question.others, *self.issuers),
            responses=(*question.responses, *self.responses),
            crls=(*question.crls, *self.crls),
        )


def fetched(question: Question, kinds: Collection[Kind], *, timeout: float = 15.0) -> Fetched:
    """Fetch what the certificates on the best path say where it is to be had.

    Args:
        question: the chain, and what is at hand already.
        kinds: ``issuers`` that are missing (RFC 5280, 4.2.2.1), an ``ocsp`` response for each
            certificate (RFC 6960), the ``crls`` (RFC 5280, 4.2.1.13).
        timeout: seconds for everything together.
    """
    run = _Run(question, until(timeout))
    if "issuers" in kinds:
        run.climb()
    chain = paths.answer(run.found.added_to(question)).paths[0].certificates
    for one, issuer in pairwise(chain):
        access = access_of(one)
        if "ocsp" in kinds and access.ocsp:
            run.ask(one, issuer, access)
        if "crls" in kinds and access.crls:
            run.list_of(access)
    return run.found


class _Run:
    """One round of fetching, with one deadline; every address is asked once."""

    def __init__(self, question: Question, deadline: float) -> None:
        self.question = question
        self.deadline = deadline
        self.found = Fetched()
        self.seen: set[tuple[str, bytes | None]] = set()

    def climb(self) -> None:
        """Fetch the issuer that is missing, and its own, as long as one is."""
        for _ in range(_HOPS):
            refused = paths.answer(self.found.added_to(self.question)).reasons
            lost = next((one for one in refused if one.code == "missing-issuer"), None)
            if lost is None:
                return
            asked = [Request(url) for url in access_of(lost.certificate).issuers]
            got = self._first(asked, _certificates)
            if not got:
                return
            self.found = replace(self.found, issuers=(*self.found.issuers, *got))

    def ask(self, one: Certificate, issuer: Certificate, access: Access) -> None:
        """Ask a responder for one certificate."""
        body = _request(one, issuer)
        if body is None:
            return
        asked = [Request(url, body, "application/ocsp-request") for url in access.ocsp]
        got = self._first(asked, lambda blob: (read_response(blob.data, blob.source),))
        self.found = replace(self.found, responses=(*self.found.responses, *got))

    def list_of(self, access: Access) -> None:
        """Fetch the list that a certificate names."""
        got = self._first([Request(url) for url in access.crls], _lists)
        self.found = replace(self.found, crls=(*self.found.crls, *got))

    def _first(
        self, requests: Iterable[Request], read: Callable[[Blob], tuple[_T, ...]]
    ) -> tuple[_T, ...]:
        """What the first address has that answers with something that can be read."""
        for request in list(requests)[:_ADDRESSES]:
            if (request.url, request.body) in self.seen:
                return ()
            self.seen.add((request.url, request.body))
            try:
                return read(fetch(request, self.deadline))
            except Unreadable as error:
                self.found = replace(self.found, problems=(*self.found.problems, error.problem))
        return ()


def _certificates(blob: Blob) -> tuple[Certificate, ...]:
    """DER, PEM or PKCS #7, as they come."""
    pile = _pile(blob)
    found = tuple(one.certificate for one in pile.entries if one.certificate is not None)
    if not found:
        raise Unreadable(_none(pile, blob, "certificate"))
    return found


def _lists(blob: Blob) -> tuple[Crl, ...]:
    pile = _pile(blob)
    found = tuple(one.crl for one in pile.entries if one.crl is not None)
    if not found:
        raise Unreadable(_none(pile, blob, "revocation list"))
    return found


_EXPECTED = {"certificate", "crl"}


def _pile(blob: Blob) -> Pile:
    """Read certificates and lists, and nothing else: what is fetched is no key and no store."""
    pile = Pile()
    if format_of(blob.data) != "pem":
        _put(pile, blob.data, blob.source)
        return pile
    for block in pem.blocks(blob.data):
        try:
            _put(pile, block.der, blob.source.at(f"block {block.number}"))
        except ValueError:  # no base64: the other blocks may be
            continue
    return pile


def _put(pile: Pile, der: bytes, source: Source) -> None:
    kind = der_kind(der)
    if kind == "pkcs7":
        pkcs7.add_all(pile, der, source)
    elif kind in _EXPECTED:
        pile.add(der, source)


def _none(pile: Pile, blob: Blob, what: str) -> Problem:
    """Why nothing of what was wanted is there."""
    text = f"There is no {what} in the answer."
    return next(iter(pile.problems), Problem("empty", text, blob.source))


def _request(one: Certificate, issuer: Certificate) -> bytes | None:
    """An OCSPRequest (RFC 6960, 4.1.1); None: `cryptography` does not read the certificates."""
    try:
        first, second = (x509.load_der_x509_certificate(each.der) for each in (one, issuer))
        builder = ocsp.OCSPRequestBuilder().add_certificate(first, second, hashes.SHA1())  # noqa: S303 - RFC 5019, 2.1.1: it only names the issuer
        return builder.build().public_bytes(Encoding.DER)
    except (ValueError, TypeError, x509.InvalidVersion):
        return None
