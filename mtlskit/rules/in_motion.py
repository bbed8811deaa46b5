"""Rules about the client's certificate on the wire: what was asked, what was sent, who refused.

Law of this room: never the wrong side. What the client sent is read from its own Certificate
message; what the server wants, from its CertificateRequest; everything else is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.schemes import fitting
from mtlskit.material import Because, Source
from mtlskit.rules.evidence import (
    Offered,
    added,
    asked,
    at_hand_and_listed,
    bridge,
    listed,
    refused_by_server,
    sent_nothing,
)
from mtlskit.rules.rule import Answer, Clear, Doubtful, Found, Inapplicable, rule
from mtlskit.trace.events import Asked, Trace

if TYPE_CHECKING:
    from mtlskit.certs.keystore import Identity

_FORBIDDEN = (401, 403)
_MISDIRECTED = 421
_ANY = ("clientAuth",)
"""A certificate without extended key usage may be used for everything."""
_NO_CERTIFICATE_PAGE = "no required ssl certificate was sent"
"""What nginx writes on its page for a missing client certificate."""


@rule("none", title="Was the connection accepted?", cites="RFC 8446, 4.4.4")
def accepted(case: Case) -> Answer:
    """Read the outcome."""
    ended = case.need_trace().ended
    if ended.outcome == "accepted":
        return Found(ended.because)
    if ended.outcome == "undecided":
        raise Missing("an answer of the server", ended.because[0].text + ".")
    return Clear(ended.because)


@rule(
    "client.no-identity",
    title="Did the client send a certificate when it was asked?",
    cites="RFC 8446, 4.4.2; RFC 5246, 7.4.6",
)
def no_identity(case: Case) -> Answer:
    """Count the certificates in the client's own message."""
    trace = case.need_trace()
    if trace.http is not None and _NO_CERTIFICATE_PAGE in trace.http.text.lower():
        return _nothing_to_send(
            case, Because(f"the server's page says {trace.http.text!r}", trace.http.source)
        )
    empty = sent_nothing(trace)
    if empty is False:
        return Clear((_what_was_sent(trace),))
    if trace.asked is None and not trace.asking_hidden:
        return Inapplicable((Because("the server did not ask for one", trace.source),))
    if empty is None:
        raise Missing(
            "the client's Certificate message",
            "Give a key log with the capture, or a debug log of the client.",
        )
    return _nothing_to_send(
        case, Because("the client's Certificate message was empty", _place(trace, "Certificate"))
    )


def _nothing_to_send(case: Case, seen: Because) -> Found:
    if case.identities is None:
        return Found((seen,))
    usable = [one for one in case.identities if one.key_matches]
    if not usable:
        names = ", ".join(dict.fromkeys(one.source.name for one in case.identities))
        where = f"in {names}" if names else "in what was given as identity"
        keyless = Because(f"no private key that belongs to a certificate was found {where}")
        # A key that does not fit or a store that does not open is the better name for it.
        spoilt = any(one.key_matches is False for one in case.identities) or any(
            one.code != "recorded" for one in case.problems
        )
        return Found((seen, keyless), decisive=not spoilt)
    if case.chosen is None:
        held = ", ".join(one.certificate.label for one in usable)
        unused = Because(f"at hand, and not used on this call: {held}")
        # Where none of them could be sent, that they were withheld is the better name for it.
        fit = [one for one in usable if _could_be_sent(case, one)]
        if case.trace is not None and case.trace.asked is not None and fit:
            told = f"{fit[0].certificate.label} ({fit[0].source})"
            remedy = f"Have the client use {told} for this call: it fits what the server asked for."
            return Found((seen, unused), remedy=remedy, title=_UNUSED)
        return Found((seen, unused), decisive=bool(fit))
    text = f"{case.chosen.certificate.label} was configured and yet not sent"
    return Found((seen, Because(text, case.chosen.source)), decisive=False)


_UNUSED = (
    "The server asked for a client certificate and none was sent, though one at hand fits what it "
    "asked for"
)


def _could_be_sent(case: Case, one: Identity) -> bool:
    """Tell whether a client that heeds the server's request and the purpose would send it."""
    trace = case.need_trace()
    if "clientAuth" not in (one.certificate.eku or _ANY):
        return False
    if trace.asked is None:
        return True
    named = not trace.asked.authorities or listed(case, _chain(one)) is not None
    return named and _signs_with(one.certificate, trace.asked, trace.tls)


def _what_was_sent(trace: Trace) -> Because:
    chain = trace.client_named
    if not chain:
        return Because("the client proved that it holds a private key", trace.source)
    rest = len(chain) - 1
    more = f", with {rest} more" if rest else ", alone"
    return Because(f"the client sent {chain[0].label}{more}", chain[0].source)


def _place(trace: Trace, name: str) -> Source | None:
    return next(
        (one.source for one in trace.events if one.name == name and one.sender == "client"), None
    )


@rule(
    "client.withheld-ca-list",
    title="Was a certificate withheld because the server's CA list does not name its issuer?",
    cites="RFC 8446, 4.2.4; RFC 5246, 7.4.4",
)
def withheld_ca_list(case: Case) -> Answer:
    """Compare the issuers of each identity at hand with the list, when nothing was sent."""
    trace = case.need_trace()
    if sent_nothing(trace) is False:
        return Clear((_what_was_sent(trace),))
    held = _usable(case)
    request = asked(case)
    if not request.authorities:
        return Clear(
            (Because("the server's CA list is empty, which names no limit", request.source),)
        )
    strangers = [one for one in held if not listed(case, _chain(one))]
    if len(strangers) < len(held) or not held:
        return Inapplicable()
    if sent_nothing(trace) is None:
        raise Missing("the client's Certificate message", "Give a debug log of the client.")
    outside = tuple(_outside_list(one, request) for one in strangers)
    for one in strangers:
        missing = bridge(case, Offered(_chain(one), sent=False).top)
        if missing and missing[-1].issuer.der in request.authorities_der:
            because = (_outside_list(one, request), *at_hand_and_listed(case, missing))
            others = tuple(each for each in outside if each not in because)
            remedy = f"{added(missing)} ({one.source}). Then it has no reason to withhold it."
            return Found((*because, *others), remedy=remedy, title=_INCOMPLETE)
    return Found(outside)


_INCOMPLETE = (
    "The client had a certificate and withheld it, since the intermediate that links it to a CA in "
    "the server's list is missing from its chain"
)


def _outside_list(one: Identity, request: Asked) -> Because:
    names = "; ".join(request.authorities)
    top = Offered(_chain(one), sent=False).top
    return Because(
        f"the chain of {one.certificate.label} leads to {top.issuer}; the server lists {names}",
        one.source,
    )


def _usable(case: Case) -> list[Identity]:
    return [one for one in case.need_identities() if one.key_matches]


def _chain(one: Identity) -> tuple[Certificate, ...]:
    return (one.certificate, *one.chain)


@rule(
    "client.withheld-algorithm",
    title="Was a certificate withheld because its key is of no kind that the server takes?",
    cites="RFC 8446, 4.2.3; RFC 5246, 7.4.4",
)
def withheld_algorithm(case: Case) -> Answer:
    """Compare each key with the signature schemes asked for, when nothing was sent."""
    trace = case.need_trace()
    if sent_nothing(trace) is False:
        return Clear((_what_was_sent(trace),))
    held, request = _usable(case), asked(case)
    unfit = [one for one in held if not _signs_with(one.certificate, request, trace.tls)]
    if len(unfit) < len(held) or not held:
        return Inapplicable()
    wanted = ", ".join(request.schemes)
    return Found(
        tuple(
            Because(
                f"{one.certificate.label} has the key {one.certificate.key}; the server takes "
                f"{wanted}",
                one.source,
            )
            for one in unfit
        )
    )


def _signs_with(certificate: Certificate, request: Asked, tls: str | None) -> bool:
    """Tell whether this key can sign by one of the schemes asked for; empty asks for any."""
    return not request.schemes or bool(fitting(certificate.key, request.schemes, tls))


@rule(
    "client.withheld-purpose",
    title="Was a certificate withheld because of its purpose?",
    cites="RFC 5280, 4.2.1.12",
)
def withheld_purpose(case: Case) -> Answer:
    """Look for identities that may not authenticate a client, when nothing was sent."""
    trace = case.need_trace()
    if sent_nothing(trace) is False:
        return Clear((_what_was_sent(trace),))
    unfit = [one for one in _usable(case) if "clientAuth" not in (one.certificate.eku or _ANY)]
    if not unfit or sent_nothing(trace) is None:
        return Inapplicable()
    return Found(
        tuple(
            Because(
                f"{one.certificate.label} is for {', '.join(one.certificate.eku or ())}", one.source
            )
            for one in unfit
        ),
        decisive=False,
    )


@rule(
    "client.wrong-identity",
    title="Does another identity at hand fit better than the one that was sent?",
    cites="RFC 8446, 4.4.2.3",
)
def wrong_identity(case: Case) -> Answer:
    """Look for an identity whose chain leads into the server's CA list while the sent one's not."""
    trace = case.need_trace()
    if not trace.client_chain:
        return Inapplicable((Because("no certificate was seen to be sent", trace.source),))
    if trace.asked is not None and listed(case, trace.client_chain):
        text = "the server's CA list names an issuer of what was sent"
        return Inapplicable((Because(text, trace.asked.source),))
    others = [one for one in _usable(case) if one.certificate.der != trace.client_chain[0].der]
    if not others:
        return Clear((Because("no other identity with its private key is at hand"),))
    request = asked(case)
    if not request.authorities:
        return Inapplicable(
            (Because("the server's CA list does not tell them apart", request.source),)
        )
    better = [one for one in others if listed(case, _chain(one)) and _in_date(case, one)]
    if not better:
        return Clear(
            (Because("no other identity at hand leads into the server's CA list", request.source),)
        )
    best = better[0]
    return Found(
        (
            Because(
                f"{trace.client_chain[0].label} was sent, whose issuers the server does not list",
                trace.client_chain[0].source,
            ),
            Because(
                f"{best.certificate.label} is at hand, and its chain leads into the server's "
                "CA list",
                best.source,
            ),
        ),
        remedy=f"Configure this call to use {best.certificate.label} ({best.source}).",
    )


def _in_date(case: Case, one: Identity) -> bool:
    now = case.need_time()
    return one.certificate.not_before <= now <= one.certificate.not_after


@rule(
    "server.does-not-ask",
    title="Did the server ask for a client certificate?",
    cites="RFC 8446, 4.3.2; RFC 5246, 7.4.4",
)
def does_not_ask(case: Case) -> Answer:
    """Look for a CertificateRequest in the server's flight."""
    trace = case.need_trace()
    if trace.asked is not None:
        return Clear((Because("the server sent a CertificateRequest", trace.asked.source),))
    if trace.asking_hidden:
        asks = trace.inferred is not None and trace.inferred.asked
        raise (Doubtful if asks else Missing)(
            "the sealed part of the handshake", "Give the key log of this connection."
        )
    if trace.tls is None or not (trace.server_chain or _flight_told(trace)):
        return Inapplicable((Because("the handshake did not come so far", trace.source),))
    if trace.resumed:
        return Inapplicable((Because("the session was resumed", trace.source),))
    if any(one.name == "HelloRequest" for one in trace.events):
        return Inapplicable((Because("the server asked later, by renegotiation", trace.source),))
    seen = Because("the server's flight held no CertificateRequest", trace.source)
    # A request that was misdirected may well be asked elsewhere (RFC 9110, 15.5.20).
    misdirected = trace.http is not None and trace.http.status == _MISDIRECTED
    return Found((seen,), decisive=refused_by_server(trace) and not misdirected)


def _flight_told(trace: Trace) -> bool:
    """Tell whether a log names the messages of the server's flight, from Certificate to the end."""
    told = {one.name for one in trace.events if one.sender == "server"}
    return "Certificate" in told and bool(told & {"ServerHelloDone", "Finished"})


@rule(
    "server.asks-late",
    title="Did the server ask within the handshake?",
    cites="RFC 5246, 7.4.1.1; RFC 8446, 4.6.2",
)
def asks_late(case: Case) -> Answer:
    """Look for a request after the first handshake, and whether the client answered it."""
    trace = case.need_trace()
    again = next((one for one in trace.events if one.name == "HelloRequest"), None)
    if trace.asked is not None and not trace.asked_late:
        return Clear((Because("the server asked within the handshake", trace.asked.source),))
    if again is None and not trace.asked_late:
        return Inapplicable()
    source = again.source if again else trace.source
    said = Because("the server asked only after the handshake was done", source)
    if trace.client_chain is not None:
        return Clear((said, Because("the client answered it", trace.source)))
    return Found((said,), decisive=refused_by_server(trace))


@rule(
    "application.forbidden",
    title="Did the application refuse after TLS was accepted?",
    cites="RFC 9110, 15.5.2 and 15.5.4",
)
def forbidden(case: Case) -> Answer:
    """Look for a 401 or 403 after a handshake in which a certificate was sent."""
    trace = case.need_trace()
    if trace.http is None:
        return Inapplicable((Because("no HTTP answer was seen", trace.source),))
    said = Because(
        f"the server answered HTTP {trace.http.status} {trace.http.reason}".rstrip(),
        trace.http.source,
    )
    if trace.http.status not in _FORBIDDEN:
        return Inapplicable((said,))
    if not trace.sent_certificate:
        return Found((said,), decisive=False)
    return Found((said, _what_was_sent(trace)))
