"""Rules about the client's certificate on the wire: what was asked, what was sent, who refused.

Law of this room: never the wrong side. What the client sent is read from its own Certificate
message; what the server wants, from its CertificateRequest; everything else is unknown.
"""

from __future__ import annotations

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.certs.signing import signed_by
from mtlskit.material import Because
from mtlskit.rules.evidence import (
    Offered,
    asked,
    at_hand,
    listed,
    offered,
    refused_by_server,
    sent_nothing,
)
from mtlskit.rules.rule import Answer, Clear, Found, Inapplicable, rule
from mtlskit.trace.events import Asked, Trace

_FORBIDDEN = (401, 403)
_NO_CERTIFICATE_PAGE = "no required ssl certificate was sent"
"""What nginx writes on its page for a missing client certificate."""
_SCHEME_KEYS = {"ecdsa": ("EC",), "rsa": ("RSA", "RSASSA-PSS"), "ed25519": ("Ed25519",),
                "ed448": ("Ed448",), "dsa": ("DSA",)}  # fmt: skip
_KEY_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


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
        return _nothing_to_send(case, Because(f"the server's page says {trace.http.text!r}",
                                              trace.http.source))  # fmt: skip
    empty = sent_nothing(trace)
    if empty is False:
        return Clear((_what_was_sent(trace),))
    if trace.asked is None and not trace.asking_hidden:
        return Inapplicable((Because("the server did not ask for one", trace.source),))
    if empty is None:
        raise Missing("the client's Certificate message",
                      "Give a key log with the capture, or a debug log of the client.")  # fmt: skip
    return _nothing_to_send(
        case, Because("the client's Certificate message was empty", _place(trace, "Certificate"))
    )


def _nothing_to_send(case: Case, seen: Because) -> Found:
    if case.identities is None:
        return Found((seen,))
    usable = [one for one in case.identities if one.key_matches]
    if not usable:
        keyless = Because("no private key with its certificate was in what was given as identity")
        return Found((seen, keyless))
    if case.chosen is None:
        held = ", ".join(one.certificate.label for one in usable)
        return Found((seen, Because(f"at hand, and not used on this call: {held}")))
    text = f"{case.chosen.certificate.label} was configured and yet not sent"
    return Found((seen, Because(text, case.chosen.source)), decisive=False)


def _what_was_sent(trace: Trace) -> Because:
    chain = trace.client_chain or ()
    rest = len(chain) - 1
    more = f", with {rest} more" if rest else ", alone"
    return Because(f"the client sent {chain[0].label}{more}", chain[0].source)


def _place(trace: Trace, name: str):  # noqa: ANN202 - Source | None
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
        return Clear((Because("the server's CA list is empty, which names no limit",
                              request.source),))  # fmt: skip
    strangers = [one for one in held if not listed(case, _chain(one))]
    if len(strangers) < len(held) or not held:
        return Inapplicable()
    if sent_nothing(trace) is None:
        raise Missing("the client's Certificate message", "Give a debug log of the client.")
    return Found(tuple(_outside_list(one, request) for one in strangers))


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
    unfit = [one for one in held if not signs_with(one.certificate, request)]
    if len(unfit) < len(held) or not held:
        return Inapplicable()
    wanted = ", ".join(request.schemes)
    return Found(tuple(
        Because(f"{one.certificate.label} has the key {one.certificate.key}; the server takes "
                f"{wanted}", one.source)
        for one in unfit
    ))  # fmt: skip


def signs_with(certificate: Certificate, request: Asked) -> bool:
    """Tell whether a key of this kind fits one of the schemes asked for; empty asks for any."""
    if not request.schemes:
        return True
    return any(_fits(certificate, scheme) for scheme in request.schemes)


def _fits(certificate: Certificate, scheme: str) -> bool:
    family = scheme.split("_")[0]
    if certificate.key.kind not in _SCHEME_KEYS.get(family, ()):
        return False
    curve = next((short for long, short in _KEY_CURVES.items() if long in scheme), None)
    # In TLS 1.2 the schemes do not bind the curve, so an unnamed curve fits.
    return curve is None or certificate.key.curve in (None, curve)


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
    others = [one for one in _usable(case) if one.certificate.der != trace.client_chain[0].der]
    if not others:
        return Clear((Because("no other identity with its private key is at hand"),))
    request = asked(case)
    if not request.authorities or listed(case, trace.client_chain):
        return Inapplicable((Because("the server's CA list does not tell them apart",
                                     request.source),))  # fmt: skip
    better = [one for one in others if listed(case, _chain(one)) and _in_date(case, one)]
    if not better:
        return Clear((Because("no other identity at hand leads into the server's CA list",
                              request.source),))  # fmt: skip
    best = better[0]
    return Found(
        (
            Because(f"{trace.client_chain[0].label} was sent, whose issuers the server does not "
                    "list", trace.client_chain[0].source),
            Because(f"{best.certificate.label} is at hand, and its chain leads into the server's "
                    "CA list", best.source),
        ),
        remedy=f"Configure this call to use {best.certificate.label} ({best.source}).",
    )  # fmt: skip


def _in_date(case: Case, one: Identity) -> bool:
    now = case.need_time()
    return one.certificate.not_before <= now <= one.certificate.not_after


@rule(
    "client.chain-incomplete",
    title="Does the chain that was sent reach a CA that the server names?",
    cites="RFC 8446, 4.4.2; RFC 5246, 7.4.2",
)
def chain_incomplete(case: Case) -> Answer:
    """Follow the chain up; where it stops short, look for the missing issuer."""
    ours = offered(case)
    top = ours.top
    if top.self_issued:
        return Clear((Because(f"the chain ends in {top.label}, which is its own issuer",
                              top.source),))  # fmt: skip
    where = case.trace.asked if case.trace is not None else None
    if where is not None and top.issuer.der in where.authorities_der:
        return Clear((Because(f"{top.issuer}, the issuer of {top.label}, is in the server's CA "
                              "list", where.source),))  # fmt: skip
    stops = Because(f"the chain that {ours.verb} stops at {top.label}; its issuer {top.issuer} "
                    "is not in it", top.source)  # fmt: skip
    missing = _bridge(case, top)
    if missing:
        return _missing_found(case, stops, missing)
    if where is None:
        raise Missing("the server's CA list", "Run the diagnosis against the live endpoint.")
    unlisted = Because(f"the server's CA list does not name {top.issuer}", where.source)
    kin = _kin(top, where)
    if kin is None and where.authorities:
        raise Missing(
            f"the certificate of {top.issuer}",
            f"Find the certificate of {top.issuer} and give it with --material: if its own issuer "
            "is in the server's CA list, the chain was incomplete.",
        )
    related = (Because(f"the list names {kin}, of the same organisation", where.source),)
    return Found((stops, unlisted, *(related if kin else ())), decisive=kin is not None)


def _missing_found(case: Case, stops: Because, missing: tuple[Certificate, ...]) -> Found:
    first = missing[0]
    leads = Because(f"{first.label} is at hand, and it issued the last certificate of the chain",
                    first.source)  # fmt: skip
    request = case.trace.asked if case.trace is not None else None
    reaches = ()
    if request is not None and missing[-1].issuer.der in request.authorities_der:
        reaches = (Because(f"its issuer {missing[-1].issuer} is in the server's CA list",
                           request.source),)  # fmt: skip
    names = ", then ".join(one.label for one in missing)
    return Found(
        (stops, leads, *reaches),
        remedy=f"Add {names} ({first.source}) to the client's key store, in the chain of the "
        "key's entry.",
    )


def _bridge(case: Case, top: Certificate) -> tuple[Certificate, ...]:
    """Return the intermediates at hand that lead from `top` towards the server's CA list."""
    names: set[bytes] = set()
    if case.trace is not None and case.trace.asked is not None:
        names.update(case.trace.asked.authorities_der)
    bridge: list[Certificate] = []
    while True:
        issuer = next((one for one in at_hand(case) if _issued(one, top) and one not in bridge),
                      None)  # fmt: skip
        if issuer is None or issuer.self_issued:
            break
        bridge.append(issuer)
        top = issuer
        if top.issuer.der in names:
            break
    if names and not (bridge and bridge[-1].issuer.der in names):
        return ()
    return tuple(bridge)


def _issued(issuer: Certificate, child: Certificate) -> bool:
    return issuer.subject.der == child.issuer.der and signed_by(child, issuer)


def _kin(top: Certificate, request: Asked) -> str | None:
    """Return a listed CA whose organisation is the issuer's; a hint, told as one."""
    ours = top.issuer.first("O")
    if ours is None:
        return None
    from_list = zip(request.authorities, request.authorities_der, strict=True)
    return next((text for text, der in from_list if _organisation(der) == ours), None)


def _organisation(der: bytes) -> str | None:
    from mtlskit.certs.distinguished import name_from  # noqa: PLC0415

    return name_from(der).first("O")


@rule(
    "client.untrusted-issuer",
    title="Does the server name a CA of the client's chain?",
    cites="RFC 8446, 4.2.4; RFC 5246, 7.4.4",
)
def untrusted_issuer(case: Case) -> Answer:
    """Compare every issuer in the chain with the server's CA list."""
    ours, request = offered(case), asked(case)
    if not request.authorities:
        raise Missing(
            "the CAs that the server trusts",
            "Its CA list is empty, which tells nothing: ask the endpoint's owner which CA "
            "certificates their server trusts.",
        )
    known = listed(case, ours.chain)
    if known is not None:
        return _same_name(case, known)
    top = ours.top
    if top.self_issued and len(ours.chain) == 1:
        return Inapplicable((Because(f"{top.label} is its own issuer", top.source),))
    seen = Because(
        f"the chain leads from {ours.leaf.label} to {top.issuer}; the server lists "
        + "; ".join(request.authorities),
        request.source,
    )
    return Found((seen,), decisive=top.self_issued or _kin(top, request) is None)


def _same_name(case: Case, known: Certificate) -> Answer:
    """The name is listed: is it the same CA, or another one of that name?"""
    namesakes = [one for one in at_hand(case) if one.subject.der == known.issuer.der]
    if namesakes and not any(signed_by(known, one) for one in namesakes):
        return Found(
            (
                Because(f"{known.label} names {known.issuer} as its issuer, but the CA certificate "
                        "of that name at hand did not sign it", namesakes[0].source),
            )
        )  # fmt: skip
    raise Missing(
        f"the server's own copy of {known.issuer}",
        f"The server lists {known.issuer}, the issuer of {known.label}. Ask the endpoint's owner "
        "for the SHA-256 fingerprint of the CA certificate of that name that their server holds.",
    )


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
        raise Missing("the sealed part of the handshake", "Give the key log of this connection.")
    if trace.tls is None or trace.server_chain is None:
        return Inapplicable((Because("the handshake did not come so far", trace.source),))
    if trace.resumed:
        return Inapplicable((Because("the session was resumed", trace.source),))
    seen = Because("the server's flight held no CertificateRequest", trace.source)
    return Found((seen,), decisive=refused_by_server(trace))


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
    said = Because(f"the server answered HTTP {trace.http.status} {trace.http.reason}".rstrip(),
                   trace.http.source)  # fmt: skip
    if trace.http.status not in _FORBIDDEN:
        return Clear((said,))
    if not trace.client_chain:
        return Found((said,), decisive=False)
    return Found((said, _what_was_sent(trace)))
