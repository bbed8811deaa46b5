"""Rules about the client's chain against the server's CA list: does it reach a CA that is named?

Law of this room: the same refusal has several roots that look alike on the wire. What separates
them is named; where nothing separates them, the question stays open and says what would.
"""

from __future__ import annotations

from mtlskit.case import Attempt, Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.distinguished import Name, name_from
from mtlskit.certs.signing import signed_by
from mtlskit.material import Because
from mtlskit.rules.evidence import (
    Offered,
    added,
    asked,
    at_hand,
    at_hand_and_listed,
    bridge,
    held_by_server,
    issuer_at_hand,
    listed,
    offered,
    sent_nothing,
)
from mtlskit.rules.rule import Answer, Clear, Doubtful, Found, Inapplicable, rule
from mtlskit.trace.events import Asked

_MANY = 5
_DEPTHS = "nginx and Apache accept one, Java five, lighttpd nine"
"""ssl_verify_depth, SSLVerifyDepth, PKIXParameters.setMaxPathLength, ssl.verifyclient.depth."""
_GENERIC = frozenset(
    {"a", "and", "authority", "b", "c", "ca", "cert", "certificate", "certificates"}
    | {"certification", "class", "client", "g1", "g2", "g3", "inc", "intermediate", "issuing"}
    | {"ltd", "of", "root", "server", "sub", "subordinate", "test", "the", "tls"}
)
"""Words of CA names that say nothing about whose CA it is."""


@rule(
    "client.chain-incomplete",
    title="Does the chain that was sent reach a CA that the server names?",
    cites="RFC 8446, 4.4.2; RFC 5246, 7.4.2",
)
def chain_incomplete(case: Case) -> Answer:
    """Follow the chain up; where it stops short, look for the missing issuer."""
    if case.trace is not None and sent_nothing(case.trace):
        return Inapplicable((Because("the client sent no certificate", case.trace.source),))
    ours = offered(case)
    top = ours.top
    if top.self_issued:
        text = f"the chain ends in {top.label}, which is its own issuer"
        return Clear((Because(text, top.source),))
    known = _listed(case, ours) if case.server_trust is None else _held(case, ours)
    if known is not None:
        return Clear((known,))
    text = f"the chain that {ours.verb} stops at {top.label}; its issuer {top.issuer} is not in it"
    stops = Because(text, top.source)
    missing = bridge(case, top)
    if missing:
        return _missing_found(case, stops, missing)
    root = issuer_at_hand(case, top)
    if root is not None and root.self_issued:
        text = f"{top.label}, the last one, was issued by {root.label}, a root: none is missing"
        return Clear((Because(text, root.source),))
    request = asked(case)
    kin = _kin(top.issuer, request)
    if kin is None or _seems_root(top.issuer) or len(ours.chain) > 1:
        # Whoever sends one issuer mostly sends them all, but for the root, which need not be sent.
        hints = _seems_root(top.issuer) + (len(ours.chain) > 1)
        raise Doubtful(
            f"the certificate of {top.issuer}",
            f"Find the certificate of {top.issuer} and give it as further material (--material): "
            "if its own issuer is in the server's CA list, the chain was incomplete.",
            doubt=(1.0, 3.0, 10.0)[hints],
        )
    unlisted = f"the server's CA list does not name {top.issuer}, but names {kin}"
    return Found((stops, Because(unlisted, request.source)), decisive=False)


def _listed(case: Case, ours: Offered) -> Because | None:
    """Return the place where the CA list names an issuer of the chain; None if it names none."""
    if case.trace is None or case.trace.asked is None:
        return None
    known = listed(case, ours.chain)
    if known is None:
        return None
    text = f"{known.issuer}, the issuer of {known.label}, is in the server's CA list"
    return Because(text, case.trace.asked.source)


def _held(case: Case, ours: Offered) -> Because | None:
    """Return the CA to which the chain leads, of those that the endpoint's owner named."""
    anchor = held_by_server(case, ours.chain)
    if anchor is None:
        return None
    text = f"the chain leads to {anchor.label}, which the server trusts, as its owner said"
    return Because(text, anchor.source)


def _missing_found(case: Case, stops: Because, missing: tuple[Certificate, ...]) -> Found:
    return Found((stops, *at_hand_and_listed(case, missing)), remedy=f"{added(missing)}.")


def _kin(issuer: Name, request: Asked) -> str | None:
    """Return a listed CA that seems to be of the same house; a hint, and told as one."""
    for text, der in zip(request.authorities, request.authorities_der, strict=True):
        try:
            other = name_from(der)
        except ValueError:
            continue
        if _house(issuer) & _house(other):
            return text
    return None


def _house(name: Name) -> set[str]:
    """Return the organisation, else the telling words of the common name."""
    organisation = name.first("O")
    if organisation is not None:
        return {organisation.casefold()}
    words = (name.common_name or "").casefold().replace("-", " ").split()
    return {one for one in words if one not in _GENERIC and not one.isdigit()}


def _seems_root(name: Name) -> bool:
    return "root" in (name.common_name or "").casefold()


@rule(
    "client.untrusted-issuer",
    title="Does the server name a CA of the client's chain?",
    cites="RFC 8446, 4.2.4; RFC 5246, 7.4.4",
)
def untrusted_issuer(case: Case) -> Answer:
    """Compare every issuer in the chain with what the server trusts, else with its CA list."""
    ours = offered(case)
    if case.server_trust is not None:
        return _by_its_owner(case, ours, case.server_trust)
    request = asked(case)
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
    mended = next((one for one in case.attempts if _completed(one)), None)
    if mended is not None:
        return Clear((Because("the server accepted the completed chain", mended.trace.source),))
    if missing := bridge(case, top):
        raise Missing(
            "the outcome with a complete chain",
            f"Send the chain with the intermediate that is at hand ({missing[0].label}, "
            f"{missing[0].source}), and see.",
        )
    names = "; ".join(request.authorities)
    text = f"the chain leads from {ours.leaf.label} to {top.issuer}; the server lists {names}"
    whole = top.self_issued or len(ours.chain) > 1 or _seems_root(top.issuer)
    return Found((Because(text, request.source),), decisive=whole)


def _by_its_owner(case: Case, ours: Offered, trusted: tuple[Certificate, ...]) -> Answer:
    """Hold the chain against the CA certificates that the endpoint's owner named."""
    known = _held(case, ours)
    if known is not None:
        return Clear((known,))
    if ours.leaf.self_issued and len(ours.chain) == 1:
        return Inapplicable((Because(f"{ours.leaf.label} is its own issuer", ours.leaf.source),))
    if missing := bridge(case, ours.top):
        text = f"with {missing[0].label} added, the chain leads to a CA that the server trusts"
        return Clear((Because(text, missing[0].source),))
    names = "; ".join(one.label for one in trusted)
    text = f"no CA that the server trusts, as its owner said, issued the chain: {names}"
    return Found((Because(text, trusted[0].source),))


def _completed(attempt: Attempt) -> bool:
    """Tell whether this experiment completed the chain and was accepted."""
    accepted = attempt.trace.ended.outcome == "accepted"
    return attempt.cause == "client.chain-incomplete" and accepted


def _same_name(case: Case, known: Certificate) -> Answer:
    """The name is listed: is it the same CA, or another one of that name?"""
    namesakes = [one for one in at_hand(case) if one.subject.der == known.issuer.der]
    # What the client sends of its own says nothing of what the server holds.
    ours = {one.der for one in offered(case).chain}
    namesakes = [one for one in namesakes if one.der not in ours]
    if namesakes and not any(signed_by(known, one) for one in namesakes):
        text = (
            f"{known.label} names {known.issuer} as its issuer, but the CA certificate of that "
            "name at hand did not sign it"
        )
        return Found((Because(text, namesakes[0].source),))
    # A CA that was made anew under its old name is rare, more so where a copy of it is at hand.
    raise Doubtful(
        f"the server's own copy of {known.issuer}",
        f"The server lists {known.issuer}, the issuer of {known.label}. Ask the endpoint's owner "
        "for the SHA-256 fingerprint of the CA certificate of that name that their server holds.",
        doubt=8.0 if namesakes else 2.0,
    )


@rule(
    "server.trust-incomplete",
    title="Does the server list an intermediate, or might the chain be too long for it?",
    cites="RFC 5280, 6.1; OpenSSL, X509_V_FLAG_PARTIAL_CHAIN",
)
def trust_incomplete(case: Case) -> Answer:
    """Look whether the listed CA is an intermediate of our own chain, or the chain is long."""
    ours = offered(case)
    if case.server_trust is not None:
        return _anchored(case, ours)
    request = asked(case)
    known = listed(case, ours.chain)
    if known is None and not request.authorities:
        raise Missing("what the server trusts", _TRUST)
    if known is None:
        return Inapplicable((Because("the CA list names no issuer of the chain", request.source),))
    issuer = next((one for one in ours.chain if one.subject.der == known.issuer.der), None)
    if issuer is not None and not issuer.self_issued:
        text = (
            f"the server lists {issuer.subject}, which is no root: it was issued by "
            f"{issuer.issuer}, which the server does not list"
        )
        return Found((Because(text, request.source),))
    if (long := _long(ours)) is not None:
        return long
    raise Doubtful("what the server trusts", _TRUST)


_TRUST = "Ask the endpoint's owner for the list of trusted CA certificates and the verify depth."


def _long(ours: Offered) -> Found | None:
    between = sum(not one.self_issued for one in ours.chain[1:])
    if between <= 1:
        return None
    text = f"{between} intermediates were sent; as they come, {_DEPTHS}"
    return Found((Because(text, ours.leaf.source),), decisive=between > _MANY)


def _anchored(case: Case, ours: Offered) -> Answer:
    """Look whether what the endpoint's owner named ends the chain: a root does, for everyone."""
    anchor = held_by_server(case, ours.chain)
    if anchor is None:
        return Inapplicable((Because("the chain leads to no CA that the server trusts"),))
    if not anchor.self_issued:
        text = (
            f"the server trusts {anchor.label}, as its owner said, and not the root above it, "
            f"{anchor.issuer}: servers with OpenSSL go on to a root unless they are told not to"
        )
        return Found((Because(text, anchor.source),))
    if (long := _long(ours)) is not None:
        return long
    raise Doubtful("the verify depth of the server", _TRUST, doubt=8.0)
