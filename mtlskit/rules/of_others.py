"""Rules about what the other side alone knows: revocation, sessions, the size of its CA list.

Law of this room: an alert is a hint here, never the proof; what would prove it is asked for.
"""

from __future__ import annotations

from mtlskit.case import Case, Missing
from mtlskit.certs.chain import issuers_of
from mtlskit.material import Because, Source
from mtlskit.rules.evidence import (
    Offered,
    at_hand,
    clause,
    offered,
    refused_by_server,
    sent_nothing,
)
from mtlskit.rules.rule import Answer, Clear, Doubtful, Found, Inapplicable, rule
from mtlskit.trace.events import Trace

_REVOKED, _EXPIRED = 44, 45
_PRE_SHARED_KEY, _SESSION_TICKET = 41, 35
"""Extensions by which a session is offered (RFC 8446, 4.2.11; RFC 5077, 3.2)."""
_LARGE = 16_384
"""Bytes of names: Schannel cuts its list off at this size, one record (RFC 8446, 5.1)."""


@rule(
    "client.revoked",
    title="Is the client's certificate revoked, by its issuer's word or the server's?",
    cites="RFC 5280, 6.3; RFC 6960, 2.2; RFC 8446, 6.2",
)
def revoked(case: Case) -> Answer:
    """Look it up in the lists and responses at hand, else look for certificate_revoked."""
    trace = case.need_trace()
    if sent_nothing(trace) or not refused_by_server(trace):
        return Inapplicable((Because("the server refused no certificate", trace.source),))
    told = _by_its_issuer(case)
    if told is not None:
        return told
    if trace.ended.symptom.alert == _REVOKED:
        return Found(trace.ended.because)
    raise Missing(
        "the revocation list of the certificate's issuer",
        "Look the certificate's serial number up in its issuer's revocation list: --fetch crls "
        "ocsp asks the addresses that stand in the certificate, or give the list as further "
        "material (--material).",
    )


def _by_its_issuer(case: Case) -> Answer | None:
    """Ask the lists and responses at hand; None: they say nothing of the client's certificate."""
    if not case.crls and not case.responses:
        return None
    from mtlskit.certs import revocation  # noqa: PLC0415 - of no use to a pasted line

    ours, at = offered(case), case.need_time()
    path = (ours.leaf, *issuers_of(ours.leaf, (*ours.chain[1:], *at_hand(case))))
    lists = revocation.Lists(case.crls, path, ours.chain[1:], at, responses=case.responses)
    faults = tuple(revocation.faults(lists))
    listed = [one for one in faults if one.code == "revoked"]
    if listed:
        return Found(tuple(clause(one.because, one.certificate.source) for one in listed))
    if len(path) == 1 or any(one.certificate is ours.leaf for one in faults):
        return None
    good = Because(f"{ours.leaf.label} is not revoked, by what its issuer says", _said(case, ours))
    if case.need_trace().ended.symptom.alert == _REVOKED:
        return Found((*case.need_trace().ended.because, good))
    if faults or not case.crls or not path[-1].self_issued:
        raise Doubtful(
            "the revocation lists of the CAs above the client's",
            "Look up whether an intermediate of the chain was revoked; the client's own "
            "certificate is not.",
            doubt=10.0,
        )
    return Clear((good,))


def _said(case: Case, ours: Offered) -> Source | None:
    """Return where the leaf's issuer says so."""
    lists = (one.source for one in case.crls if one.issuer.same_as(ours.leaf.issuer))
    return next(lists, case.responses[0].source if case.responses else None)


@rule(
    "server.crl-stale",
    title="Is the server's revocation list missing or out of date?",
    cites="RFC 5280, 5.1.2.5 and 6.3.3",
)
def crl_stale(case: Case) -> Answer:
    """Look for a refusal for dates though all that was sent is in date."""
    trace = case.need_trace()
    if sent_nothing(trace) or not refused_by_server(trace):
        return Inapplicable((Because("the server refused no certificate", trace.source),))
    how = (
        "Ask the endpoint's owner for the nextUpdate of their revocation lists, and whether every "
        "CA of the chain has one; or try another identity of the same CA, which fails too then."
    )
    if trace.ended.symptom.alert != _EXPIRED:
        raise Missing("the server's revocation list", how)
    from mtlskit.certs import path_rules  # noqa: PLC0415 - of no use to a pasted line

    ours, now = offered(case), case.need_time()
    chain = (ours.leaf, *issuers_of(ours.leaf, ours.chain[1:]))
    faults = path_rules.reasons(path_rules.Walk(chain, anchored=False, role="client", at=now))
    if any(one.code in ("expired", "not-yet-valid") for one in faults):
        raise Doubtful("the server's revocation list", how)
    sound = Because("every certificate that was sent is in date", ours.leaf.source)
    return Found((*trace.ended.because, sound), decisive=False)


@rule(
    "server.resumption",
    title="Does the server refuse sessions that are resumed?",
    cites="RFC 8446, 2.2 and 4.2.11; RFC 5077, 3.1",
)
def resumption(case: Case) -> Answer:
    """Look whether an earlier session was offered, and for a full handshake that was accepted."""
    trace = case.need_trace()
    if trace.tls is not None and not trace.resumed:
        return Clear(
            (Because("the handshake was a full one, of no earlier session", trace.source),)
        )
    if not (trace.resumed or _offers_session(trace)) or not refused_by_server(trace):
        return Inapplicable((Because("no resumed session was refused", trace.source),))
    whole = next((one for one in case.traces if _took_whole(one, trace)), None)
    if whole is None:
        raise Missing("a full handshake", "Try again without the session that was resumed.")
    resumed = "was refused, which offered to resume an earlier session"
    return Found(
        (
            Because(f"the connection {resumed}", trace.source),
            Because("a full handshake with the same server was accepted", whole.source),
        )
    )


def _took_whole(one: Trace, refused: Trace) -> bool:
    """Tell whether the same server accepted a connection that was made from nothing."""
    same = (one.target, one.server_name) == (refused.target, refused.server_name)
    return same and not one.resumed and one.ended.outcome == "accepted"


def _offers_session(trace: Trace) -> bool:
    """Tell whether the ClientHello offers a pre-shared key, or a session ticket."""
    bodies = [one.body for one in trace.events if one.name == "ClientHello" and one.body]
    if not bodies:
        return False
    from mtlskit.wire.messages import ClientHello  # noqa: PLC0415 - of no use to a pasted line

    hello = bodies[0]
    if not isinstance(hello, ClientHello):
        return False
    ticket = hello.extension(_SESSION_TICKET)
    return hello.extension(_PRE_SHARED_KEY) is not None or bool(ticket and ticket.data)


@rule(
    "server.ca-list-too-large",
    title="Is the server's CA list larger than clients can take?",
    cites="RFC 8446, 4.2.4; RFC 5246, 7.4.4",
)
def ca_list_too_large(case: Case) -> Answer:
    """Measure the names in the server's CertificateRequest."""
    trace = case.need_trace()
    if trace.asked is None:
        if trace.tls is None or not trace.asking_hidden:
            return Inapplicable((Because("no CertificateRequest was seen", trace.source),))
        raise Doubtful("the server's CertificateRequest", "Give the key log of this connection.")
    size = sum(len(one) + 2 for one in trace.asked.authorities_der)
    text = f"the server's CA list has {len(trace.asked.authorities)} names in {size:,} bytes"
    said = Because(text, trace.asked.source)
    return Found((said,), decisive=False) if size > _LARGE else Clear((said,))
