"""Rules about what the other side alone knows: revocation, sessions, the size of its CA list.

Law of this room: an alert is a hint here, never the proof; what would prove it is asked for.
"""

from __future__ import annotations

from mtlskit.case import Case, Missing
from mtlskit.certs import path_rules
from mtlskit.certs.chain import issuers_of
from mtlskit.certs.path_rules import Walk
from mtlskit.material import Because
from mtlskit.rules.evidence import offered, refused_by_server, sent_nothing
from mtlskit.rules.rule import Answer, Clear, Doubtful, Found, Inapplicable, rule

_REVOKED, _EXPIRED = 44, 45
_LARGE = 16_384
"""Bytes of names: Schannel cuts its list off at this size, one record (RFC 8446, 5.1)."""


@rule(
    "client.revoked",
    title="Did the server say that the client's certificate was revoked?",
    cites="RFC 8446, 6.2; RFC 5280, 6.3",
)
def revoked(case: Case) -> Answer:
    """Look for certificate_revoked; half of the servers say so."""
    trace = case.need_trace()
    if sent_nothing(trace) or not refused_by_server(trace):
        return Inapplicable((Because("the server refused no certificate", trace.source),))
    if trace.ended.symptom.alert == _REVOKED:
        return Found(trace.ended.because)
    raise Missing(
        "the revocation list of the certificate's issuer",
        "Look the certificate's serial number up in its issuer's revocation list, or try another "
        "identity of the same CA: if that is accepted, this one may be revoked.",
    )


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
    ours, now = offered(case), case.need_time()
    chain = (ours.leaf, *issuers_of(ours.leaf, ours.chain[1:]))
    faults = path_rules.reasons(Walk(chain, anchored=False, role="client", at=now))
    if any(one.code in ("expired", "not-yet-valid") for one in faults):
        raise Doubtful("the server's revocation list", how)
    sound = Because("every certificate that was sent is in date", ours.leaf.source)
    return Found((*trace.ended.because, sound), decisive=False)


@rule(
    "server.resumption",
    title="Was a session resumed?",
    cites="RFC 8446, 2.2 and 4.2.11; RFC 5077, 3.1",
)
def resumption(case: Case) -> Answer:
    """Look whether the server took up an earlier session, or was asked to."""
    trace = case.need_trace()
    if trace.resumed:
        raise Missing("a full handshake", "Try again without the session that was resumed.")
    if trace.tls is not None:
        return Clear(
            (Because("the handshake was a full one, of no earlier session", trace.source),)
        )
    return Inapplicable((Because("no handshake was begun", trace.source),))


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
