"""Rules about what the bytes of one connection seldom show: name lists, unusable keys, proxies.

Law of this room: what is out of sight stays an open question that says who could answer it; only
what excludes it, or shows it after all, is told as such.
"""

from __future__ import annotations

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import issuers_of
from mtlskit.material import Because
from mtlskit.rules.evidence import (
    asked,
    at_hand,
    clause,
    listed,
    offered,
    refused_by_server,
    sent_in_spite,
)
from mtlskit.rules.rule import Answer, Clear, Doubtful, Found, Inapplicable, rule
from mtlskit.trace.events import Trace

_REVOKED = 44
_NO_CHAIN = "no certificate of the server was seen"


def _refused_certificate(case: Case) -> Trace | Inapplicable:
    """Return the trace if the server may have refused a certificate that was sent."""
    trace = case.need_trace()
    if trace.sent_certificate is False or not refused_by_server(trace):
        return Inapplicable((Because("the server refused no certificate", trace.source),))
    return trace


@rule(
    "client.name-refused",
    title="Does the server allow the name in the client's certificate?",
    cites="RFC 9525, 1.2; RFC 5280, 4.1.2.6 and 4.2.1.6",
)
def name_refused(case: Case) -> Answer:
    """Nothing on the wire tells it: ask for the list."""
    trace = _refused_certificate(case)
    if isinstance(trace, Inapplicable):
        return trace
    leaf = offered(case).leaf
    raise Doubtful(
        "the names that the server allows",
        f"Send the endpoint's owner the subject of {leaf.label}, {leaf.subject}, and its "
        "alternative names, and ask what their list of allowed names holds.",
    )


@rule(
    "server.ca-list-wrong",
    title="Does the server's CA list hold what it verifies against?",
    cites="RFC 8446, 4.2.4; RFC 5246, 7.4.4",
)
def ca_list_wrong(case: Case) -> Answer:
    """Compare the list with what the endpoint's owner named, else with the chain in use."""
    request = asked(case)
    if not request.authorities:
        return Inapplicable((Because("the server's CA list is empty", request.source),))
    if case.server_trust is not None:
        names = set(request.authorities_der)
        lacking = [one for one in case.server_trust if one.subject.der not in names]
        if len(lacking) < len(case.server_trust):
            text = "the server's CA list names a CA that it trusts, as its owner said"
            return Clear((Because(text, request.source),))
        return Found(tuple(_not_listed(one) for one in lacking))
    if listed(case, offered(case).chain):
        text = "the server's CA list names an issuer of the client's chain"
        return Clear((Because(text, request.source),))
    ask = "sk the endpoint's owner which CA certificates their server trusts."
    spite = "Send the certificate in spite of the list and see whether it is accepted, or a"
    how = f"A{ask}" if sent_in_spite(case) else f"{spite}{ask}"
    raise Doubtful("the CAs that the server verifies against", how)


def _not_listed(one: Certificate) -> Because:
    text = f"{one.label}, which the server trusts as its owner said, is not in its CA list"
    return Because(text, one.source)


@rule(
    "client.key-unusable",
    title="Could the client sign with its private key?",
    cites="RFC 8446, 4.4.3; RFC 5246, 7.4.8",
)
def key_unusable(case: Case) -> Answer:
    """Look for the client's proof that it holds the key."""
    trace = case.need_trace()
    if trace.proved:
        return Clear((Because("the client proved that it holds the private key", trace.source),))
    if trace.sent_certificate is False and case.chosen is not None:
        return Inapplicable((Because("no certificate was sent that a key belongs to"),))
    raise Missing(
        "a signature made with the private key",
        "Sign something with the key as the user that the process runs as.",
    )


@rule(
    "server.revoked",
    title="Is the server's certificate revoked?",
    cites="RFC 5280, 6.3; RFC 8446, 6.2",
)
def server_revoked(case: Case) -> Answer:
    """Look it up in the lists and responses at hand, else look for the client's own word."""
    trace = case.need_trace()
    if trace.ended.refused_by != "client":
        return Inapplicable((Because("the client did not refuse the server", trace.source),))
    if trace.ended.symptom.alert == _REVOKED:
        return Found(trace.ended.because)
    if not trace.server_chain:
        raise Missing("the server's certificate", "Give the key log of this connection.")
    from mtlskit.certs import revocation  # noqa: PLC0415 - of no use to a pasted line

    chain = trace.server_chain
    path = (chain[0], *issuers_of(chain[0], (*chain[1:], *at_hand(case))))
    lists = revocation.Lists(case.crls, path, (), case.need_time(), responses=case.responses)
    listed_ones = [one for one in revocation.faults(lists) if one.code == "revoked"]
    if listed_ones:
        return Found(tuple(clause(one.because, one.certificate.source) for one in listed_ones))
    raise Missing(
        "the revocation list of the server certificate's issuer",
        "Look the certificate's serial number up in its issuer's revocation list.",
    )


@rule(
    "network.terminated",
    title="Is it the endpoint's own certificate that the client was shown?",
    cites="RFC 8446, 4.4.2; RFC 3234, 2",
)
def terminated(case: Case) -> Answer:
    """Look for the certificate that was shown among what is at hand of the endpoint's.

    What a capture or a log holds does not count: it is what was shown to the client.
    """
    trace = case.need_trace()
    if not trace.server_chain:
        raise Doubtful(_NO_CHAIN, "Give the key log of this connection.")
    leaf = trace.server_chain[0]
    recordings = {one.source.name for one in (trace, *trace.views, *case.traces)}
    given = (one for one in case.material if one.source.name not in recordings)
    if any(one.der == leaf.der for one in given):
        return Clear((Because(f"{leaf.label} is the certificate at hand", leaf.source),))
    raise Doubtful(
        "the certificate that the endpoint's owner installed",
        f"Ask the endpoint's owner for the SHA-256 fingerprint of their server's certificate: "
        f"what was shown has {leaf.sha256}.",
    )
