"""One identity held against what a server asked for (RFC 8446, 4.3.2; RFC 5246, 7.4.4).

Law of this file: each question is answered by itself, with what the server wants and what the
identity has. Which of the answers a client library cares about is the question of `choosers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import issuers_of
from mtlskit.certs.distinguished import name_from, normalised
from mtlskit.certs.entries import Identity
from mtlskit.certs.schemes import fitting, of_type
from mtlskit.material import Source

Answer = Literal["yes", "no", "unknown"]
Question = Literal["key", "issuer", "algorithm", "purpose", "dates", "chain"]
QUESTIONS: tuple[Question, ...] = ("key", "issuer", "algorithm", "purpose", "dates", "chain")

_LISTED = 3
"""So many names of a server's list are told; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a CertificateRequest asks for.

    Attributes:
        authorities: distinguished names of acceptable issuers, DER; () names no limit.
        schemes: names of signature schemes, in the server's order; () names no limit.
        types: certificate types of TLS 1.2; () in TLS 1.3.
        tls: ``1.2``, ``1.3``; None where it is not known.
    """

    authorities: tuple[bytes, ...] = field(default=(), repr=False)
    schemes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tls: str | None = None
    source: Source | None = None

    @property
    def named(self) -> str:
        """The list of names, the first few of them, for people."""
        names = [_told(one) for one in self.authorities[:_LISTED]]
        rest = len(self.authorities) - len(names)
        told = "; ".join(one or "an unreadable name" for one in names)
        return told + (f" and {rest} more" if rest > 0 else "")


@dataclass(frozen=True, slots=True)
class Check:
    """One answer, as a clause that tells both sides."""

    question: Question
    answer: Answer
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An identity and its answers, in the order of `QUESTIONS`.

    Attributes:
        listed: the certificate of its chain whose issuer the server's list names; None: none.
        to_the_letter: the list has that issuer's name byte for byte, as some libraries demand.
        schemes: the schemes by which its key can sign.
    """

    identity: Identity
    checks: tuple[Check, ...]
    listed: Certificate | None = None
    to_the_letter: bool = False
    schemes: tuple[str, ...] = ()

    def __getitem__(self, question: Question) -> Check:
        return self.checks[QUESTIONS.index(question)]

    @property
    def fits(self) -> bool:
        """Whether nothing that is known speaks against it."""
        return all(one.answer != "no" for one in self.checks)


def offer(
    identity: Identity,
    wanted: Wanted,
    at: datetime | None = None,
    material: Iterable[Certificate] = (),
) -> Offer:
    """Hold an identity against a request.

    Args:
        identity: a certificate with its chain and key.
        wanted: what the server asked for.
        at: when (UTC); None: the dates are not judged.
        material: further certificates at hand, to say what would mend a short chain.
    """
    chain = (identity.certificate, *identity.chain)
    via, exact = _listed(chain, wanted)
    schemes = fitting(identity.certificate.key, wanted.schemes, wanted.tls)
    checks = (
        _key(identity),
        _issuer(chain, wanted, via, tuple(material)),
        _algorithm(identity.certificate, wanted, schemes),
        _purpose(identity.certificate),
        _dates(identity.certificate, at),
        _complete(chain, via),
    )
    return Offer(identity, checks, via, exact, schemes)


def _listed(chain: tuple[Certificate, ...], wanted: Wanted) -> tuple[Certificate | None, bool]:
    """Find the certificate whose issuer is named, and tell whether it is named byte for byte."""
    letters = set(wanted.authorities)
    for one in chain:
        if one.issuer.der in letters:
            return one, True
    names = {normalised(der) for der in wanted.authorities if _told(der)}
    return next(((one, False) for one in chain if one.issuer.normal in names), (None, False))


def _told(der: bytes) -> str:
    """Tell a distinguished name; "" where a server's bytes are none."""
    try:
        return str(name_from(der))
    except ValueError:
        return ""


def _key(identity: Identity) -> Check:
    if identity.key_matches:
        return Check("key", "yes", "its private key is there and belongs to it")
    if identity.key_matches is False:
        return Check("key", "no", "the private key beside it belongs to another certificate")
    if identity.problems:
        return Check("key", "no", f"its private key cannot be used: {identity.problems[0].text}")
    return Check("key", "no", "no private key is with it")


def _issuer(
    chain: tuple[Certificate, ...],
    wanted: Wanted,
    via: Certificate | None,
    material: tuple[Certificate, ...],
) -> Check:
    if not wanted.authorities:
        return Check("issuer", "yes", "the server's list of authorities is empty: no limit")
    if via is not None:
        through = "" if via is chain[0] else f", through {via.label}"
        return Check("issuer", "yes", f"the server lists its issuer {via.issuer}{through}")
    ends = f"its chain leads to {_top(chain).issuer}; the server lists {wanted.named}"
    longer = issuers_of(chain[0], (*chain[1:], *material))
    bridge, _ = _listed((chain[0], *longer), wanted)
    if bridge is None:
        return Check("issuer", "no", ends)
    missing = next((one for one in longer if one.der not in {own.der for own in chain}), bridge)
    more = f"; with {missing.label} ({missing.source}) added, it would lead into the list"
    return Check("issuer", "no", ends + more)


def _top(chain: tuple[Certificate, ...]) -> Certificate:
    return (chain[0], *issuers_of(chain[0], chain[1:]))[-1]


def _algorithm(leaf: Certificate, wanted: Wanted, schemes: tuple[str, ...]) -> Check:
    types = of_type(leaf.key, wanted.types)
    if wanted.types and not types:
        listed = ", ".join(wanted.types)
        return Check("algorithm", "no", f"its key is {leaf.key}; the server takes {listed}")
    if wanted.schemes and not schemes:
        listed = ", ".join(wanted.schemes)
        return Check("algorithm", "no", f"its key is {leaf.key}; the server takes {listed}")
    by = f", by {schemes[0]}" if schemes else ""
    return Check("algorithm", "yes", f"its key {leaf.key} can sign{by}")


def _purpose(leaf: Certificate) -> Check:
    if leaf.eku is not None and not {"clientAuth", "anyExtendedKeyUsage"} & set(leaf.eku):
        return Check("purpose", "no", f"it is for {', '.join(leaf.eku)}, not for clientAuth")
    if leaf.ku is not None and "digitalSignature" not in leaf.ku:
        usages = ", ".join(leaf.ku)
        return Check("purpose", "no", f"its key may be used for {usages}, not digitalSignature")
    if leaf.eku is None:
        return Check("purpose", "yes", "it names no purpose, which allows every one")
    return Check("purpose", "yes", "its purposes allow client authentication")


def _dates(leaf: Certificate, at: datetime | None) -> Check:
    start, end = f"{leaf.not_before:%Y-%m-%d %H:%M} UTC", f"{leaf.not_after:%Y-%m-%d %H:%M} UTC"
    if at is None:
        return Check("dates", "unknown", f"valid from {start} to {end}; no time was given")
    if at > leaf.not_after:
        return Check("dates", "no", f"it ended on {end}")
    if at < leaf.not_before:
        return Check("dates", "no", f"it begins on {start}")
    return Check("dates", "yes", f"valid until {end}")


def _complete(chain: tuple[Certificate, ...], via: Certificate | None) -> Check:
    top = _top(chain)
    if top.self_issued and len(chain) == 1:
        return Check("chain", "yes", "it is its own issuer")
    if top.self_issued:
        return Check("chain", "yes", f"its chain is complete to {top.label}")
    if via is not None and via.der == top.der:
        return Check("chain", "yes", f"its chain leads to {top.issuer}, which the server lists")
    reach = "alone" if len(chain) == 1 else f"complete up to {top.label}"
    return Check("chain", "unknown", f"it stands {reach}; its issuer {top.issuer} is not with it")
