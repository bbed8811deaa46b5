"""What the rules look at, told from a case. Law of this room: no verdicts, only what is there.

The chain that counts is the one that was sent; where nothing shows what was sent, the one that the
identity in use would send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import issuers_of
from mtlskit.certs.signing import signed_by
from mtlskit.material import Because, Source
from mtlskit.trace.events import Asked, Trace

if TYPE_CHECKING:
    from mtlskit.certs.keystore import Identity
    from mtlskit.certs.matching import Matching


@dataclass(frozen=True, slots=True)
class Offered:
    """The client's chain, leaf first, and whether it was seen to be sent."""

    chain: tuple[Certificate, ...]
    sent: bool

    @property
    def leaf(self) -> Certificate:
        """The certificate that the client speaks for."""
        return self.chain[0]

    @property
    def top(self) -> Certificate:
        """The last certificate reached when each one is followed to its issuer in the chain."""
        return (self.leaf, *issuers_of(self.leaf, self.chain[1:]))[-1]

    @property
    def verb(self) -> str:
        """How to speak of it: what was seen, or what would happen."""
        return "was sent" if self.sent else "is configured"


def offered(case: Case) -> Offered:
    """Return the chain that was sent, or that the identity in use would send."""
    trace = case.trace
    if trace is not None and trace.client_chain:
        return Offered(trace.client_chain, sent=True)
    identity = case.chosen or _only(case.identities)
    if identity is not None:
        return Offered((identity.certificate, *identity.chain), sent=False)
    if trace is not None and trace.client_chain is None and trace.asked is not None:
        raise Missing(
            "what the client sent",
            "Give the client's key store (--identity), or a key log with the capture.",
        )
    raise Missing("the client's certificate", "Give the client's key store (--identity).")


def _only(identities: tuple[Identity, ...] | None) -> Identity | None:
    return identities[0] if identities is not None and len(identities) == 1 else None


def clause(sentence: str, source: Source | None) -> Because:
    """Return a sentence of another room as evidence, which carries no full stop."""
    return Because(sentence.rstrip("."), source)


def sent_nothing(trace: Trace) -> bool | None:
    """Tell whether the client's Certificate message was empty; None if that was not seen."""
    sent = trace.sent_certificate
    return None if sent is None else not sent


def asked(case: Case) -> Asked:
    """Return what the server asked for, or say how it could be seen."""
    trace = case.need_trace()
    if trace.asked is None:
        raise Missing(
            "the server's CertificateRequest",
            "Run the diagnosis against the live endpoint, or give a capture with its key log.",
        )
    return trace.asked


def at_hand(case: Case) -> Iterator[Certificate]:
    """Give every certificate at hand, whatever it was handed in as."""
    yield from case.material
    yield from case.trust or ()
    yield from case.server_trust or ()
    for identity in case.identities or ():
        yield identity.certificate
        yield from identity.chain


def listed(case: Case, chain: tuple[Certificate, ...]) -> Certificate | None:
    """Return the first certificate of the chain whose issuer the server's CA list names."""
    names = set(asked(case).authorities_der)
    return next((one for one in chain if one.issuer.der in names), None)


def sent_in_spite(case: Case) -> bool:
    """Tell whether a certificate was shown already to this server, whatever its CA list says."""
    seen = (case.trace, *case.traces)
    live = (one.trace for one in case.attempts if not one.stand_in)
    target = case.trace.target if case.trace is not None else None
    return any(
        one is not None and bool(one.sent_certificate) and one.target == target
        for one in (*seen, *live)
    )


def held_by_server(case: Case, chain: tuple[Certificate, ...]) -> Certificate | None:
    """Return the CA, of those that the endpoint's owner named, to which the chain leads.

    One that is its own issuer goes before an intermediate; None: it leads to none of them.
    """
    held = case.server_trust or ()
    way = (chain[0], *issuers_of(chain[0], chain[1:]))
    met = [
        anchor for one in way for anchor in held if anchor.der == one.der or signed_by(one, anchor)
    ]
    return next((one for one in met if one.self_issued), met[0] if met else None)


def added(missing: tuple[Certificate, ...]) -> str:
    """Say what is to be done with the intermediates that are missing; without a full stop."""
    names = ", then ".join(f"{one.label} ({one.source})" for one in missing)
    return f"Add {names} to the client's key store, in the chain of the key's entry"


def at_hand_and_listed(case: Case, missing: tuple[Certificate, ...]) -> tuple[Because, ...]:
    """Tell where the missing intermediates lie, and to which CA of the list they lead."""
    first = missing[0]
    text = f"{first.label} is at hand, and it issued the last certificate of the chain"
    because = [Because(text, first.source)]
    request = case.trace.asked if case.trace is not None else None
    if request is not None and missing[-1].issuer.der in request.authorities_der:
        text = f"its issuer {missing[-1].issuer} is in the server's CA list"
        because.append(Because(text, request.source))
    return tuple(because)


def bridge(case: Case, top: Certificate) -> tuple[Certificate, ...]:
    """Return the intermediates at hand that lead from `top` towards what the server trusts."""
    if case.server_trust is not None:
        return _bridge_to_held(case, top)
    trace = case.trace
    names = set(trace.asked.authorities_der) if trace is not None and trace.asked else set()
    found: list[Certificate] = []
    while not (found and found[-1].issuer.der in names):
        issuer = issuer_at_hand(case, top)
        if issuer is None or issuer.self_issued or issuer in found:
            break
        found.append(issuer)
        top = issuer
    reaches = not names or (found and found[-1].issuer.der in names)
    return tuple(found) if reaches else ()


def _bridge_to_held(case: Case, top: Certificate) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    while held_by_server(case, (top,)) is None:
        issuer = issuer_at_hand(case, top)
        if issuer is None or issuer.self_issued or issuer in found:
            return ()
        found.append(issuer)
        top = issuer
    return tuple(found)


def issuer_at_hand(case: Case, child: Certificate) -> Certificate | None:
    """Return the certificate at hand that signed `child`; None: it is not at hand."""
    return next(
        (
            one
            for one in at_hand(case)
            if one.subject.same_as(child.issuer) and signed_by(child, one)
        ),
        None,
    )


def matched(case: Case) -> Matching | None:
    """Hold every identity at hand against the request; None where one of the two is not known."""
    trace = case.trace
    if trace is None or trace.asked is None or not case.identities:
        return None
    from mtlskit.certs.matching import match  # noqa: PLC0415 - of no use to a pasted line

    return match(
        case.identities,
        trace.asked.wanted(trace.tls),
        at=case.at,
        material=tuple(at_hand(case)),
        stores=case.stores,
    )


def refused_by_server(trace: Trace) -> bool:
    """Tell whether the server refused, or may have: nothing says that the client did."""
    return trace.ended.outcome in ("refused", "undecided") and trace.ended.refused_by != "client"
