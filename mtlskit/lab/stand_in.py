"""A stand-in of the partner's server, built from what was observed of it.

Law of this file: it plays what was seen, and says of everything else that it is assumed. What is
tried on it is marked so, and confirms nothing about the real server.

A fix can be tried on it where the real endpoint is out of reach or must not be touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit import report as reports
from mtlskit.case import Attempt, Case, Missing
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.distinguished import name_from, normalised
from mtlskit.collect.call import Call
from mtlskit.collect.calling import call_of
from mtlskit.collect.live import connect
from mtlskit.experiment import tried
from mtlskit.experiment.identities import chains
from mtlskit.lab.endpoint import serve
from mtlskit.lab.pki import Authority
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Because, Source, Target
from mtlskit.report import Report
from mtlskit.rules.evidence import at_hand, listed
from mtlskit.trace.events import Asked, Trace
from mtlskit.trace.handshake import follow

NAME = "stand-in"
HOST = "stand-in.invalid"
"""No real host has such a name (RFC 6761, 6.4)."""
_NAME = 40
_KNOWN = ("ecdsa_secp", "rsa_pss_", "rsa_pkcs1_", "ed25519", "ed448")
"""How the names of signature schemes begin that OpenSSL takes as they are registered."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """How the stand-in is set up.

    Attributes:
        settings: what it demands.
        authority: who issued its certificate; the client trusts it in addition.
        observed: what it plays as it was seen, each with its place.
        assumed: what nobody saw, and how it plays that.
    """

    settings: Tls
    authority: x509.Certificate
    observed: tuple[Because, ...]
    assumed: tuple[str, ...]


def stand_in(case: Case) -> StandIn:
    """Build it from the trace of a case.

    Raises:
        Missing: there is no trace, or the server's request was not seen, or it names no CA.
    """
    trace = case.need_trace()
    asked = trace.asked
    if asked is None:
        raise Missing(
            "the server's CertificateRequest",
            "Give a capture with its key log, or a debug log of the client.",
        )
    anchors = _anchors(case, asked)
    key, schemes = _signing(asked)
    made_up = Authority.root(f"CN=Made-up CA of the {NAME}, OU={trace.source.name[:_NAME]}")
    settings = Tls(
        made_up.server(f"CN={HOST}", HOST, key=key),
        trust=tuple(x509.load_der_x509_certificate(one.der) for one in anchors),
        listed=tuple(_listed(der) for der in _readable(asked)),
        versions=("1.2", "1.2") if trace.tls == "1.2" else ("1.2", "1.3"),
        at=case.at,
        by_name=_unseen(asked, anchors),
        schemes=":".join(schemes) or None,
    )
    return StandIn(
        settings,
        made_up.certificate,
        _observed(trace, asked, schemes),
        _assumed(asked, anchors, schemes),
    )


def _signing(asked: Asked) -> tuple[str, tuple[str, ...]]:
    """Return the key that it can have itself, and the signature schemes that it takes.

    OpenSSL takes from clients what it signs by itself, so its own key must be of a kind that was
    asked for. Where that cannot be, no scheme is played.
    """
    known = tuple(one for one in asked.schemes if one.startswith(_KNOWN))
    if any(one.startswith("ecdsa_secp256r1") for one in known):
        return "EC P-256", known
    if any(one.startswith("rsa_pss_rsae") for one in known):
        return "RSA 2048", known
    return "EC P-256", ()


@contextmanager
def playing(case: Case) -> Iterator[tuple[Target, StandIn]]:
    """Run the stand-in of a case's server on loopback until the context is left.

    Raises:
        Missing: as `stand_in`.
    """
    built = stand_in(case)
    with serve(tls(built.settings)) as endpoint:
        yield endpoint.target, built


def rehearse(case: Case, *, timeout: float = 5.0) -> Report:
    """Repeat the failing call on a stand-in of the server, and change one thing at a time.

    Args:
        case: has a trace in which the server's request was seen, and the client's identities.
        timeout: seconds for each connection.

    Returns:
        The report on the case with the attempts on the stand-in, each marked so.

    Raises:
        Missing: there is not enough to build a stand-in from.
    """
    case.need_identities()
    with playing(case) as (target, built):
        there = _moved(case, target, built)
        call = call_of(there, None, HOST, timeout, request=True, manner={})
        play = _withheld if case.need_trace().sent_certificate is False else _as_sent
        attempts = tuple(replace(one, stand_in=True) for one in play(there, call, case))
    known = (*case.stands_in, *built.observed, *map(Because, built.assumed))
    tried_out = case.having(attempts=(*case.attempts, *attempts), stands_in=known)
    return replace(reports.judge(tried_out), made=datetime.now(UTC))


def _as_sent(there: Case, call: Call, _seen: Case) -> Iterator[Attempt]:
    """Play a client that shows its certificate, and change one thing at a time."""
    trace = follow(connect(call))
    yield Attempt(None, "nothing was changed: the same call", "", trace, repeats=True)
    yield from tried(there.having(trace=trace, chosen=call.identity), call)


def _withheld(there: Case, call: Call, seen: Case) -> Iterator[Attempt]:
    """Play a client that showed no certificate, and then one that finds an issuer of it listed."""
    bare = replace(call, identity=None)
    text = "nothing was changed: as in the call that was seen, no certificate was sent"
    trace = follow(connect(bare))
    yield Attempt(None, text, "", trace, repeats=True)
    if trace.ended.outcome != "refused":
        return
    asked_there = there.having(trace=trace)
    for one in (each for each in seen.identities or () if each.key_matches):
        shown = replace(call, identity=one)
        if listed(seen, (one.certificate, *one.chain)):
            what = f"{one.label} ({one.source}) was sent, which an issuer in the list vouches for"
            remedy = f"Have the client use {one.label} ({one.source}) for this call."
            yield Attempt("client.no-identity", what, remedy, follow(connect(shown)))
            continue
        for change in chains(asked_there, shown):
            reaching = (one.certificate, *(change.call.chain or ()))
            if change.cause == "client.chain-incomplete" and listed(seen, reaching):
                after = follow(connect(change.call))
                yield Attempt("client.withheld-ca-list", change.text, change.remedy, after)


def _moved(case: Case, target: Target, built: StandIn) -> Case:
    """Return the case with the stand-in in the place of the server."""
    made_up = read_certificate(built.authority.public_bytes(Encoding.DER), Source(NAME))
    trust = None if case.trust is None else (*case.trust, made_up)
    return case.having(target=target, trust=trust, trace=None, attempts=())


def _anchors(case: Case, asked: Asked) -> tuple[Certificate, ...]:
    """Return the certificates at hand that the server's list names."""
    if not asked.authorities_der:
        raise Missing(
            "the authorities that the server trusts, since its list names none",
            "Ask the endpoint's owner for the CA certificates by which they verify clients.",
        )
    names = {normalised(der) for der in _readable(asked)}
    found = {one.der: one for one in at_hand(case) if one.subject.normal in names}
    return tuple(found.values())


def _listed(der: bytes) -> x509.Certificate:
    """Make a certificate of this name: the list that a server sends is taken from certificates."""
    return Authority.root(str(name_from(der))).certificate


def _observed(trace: Trace, asked: Asked, schemes: tuple[str, ...]) -> tuple[Because, ...]:
    agreed = Because(f"it agreed on TLS {trace.tls}", trace.source)
    listed = Because(f"it lists {'; '.join(asked.authorities)}", asked.source)
    takes = Because(f"it takes signatures by {', '.join(schemes)}", asked.source)
    return (*((agreed,) if trace.tls else ()), listed, *((takes,) if schemes else ()))


def _assumed(
    asked: Asked, anchors: tuple[Certificate, ...], schemes: tuple[str, ...]
) -> tuple[str, ...]:
    held = ", ".join(f"{one.label} ({one.source})" for one in anchors)
    known = (f"it trusts the certificates at hand that its list names: {held}",) if held else ()
    unseen = "; ".join(str(name_from(one)) for one in _unseen(asked, anchors))
    granted = (
        f"it holds the certificate of {unseen}, which is not at hand: a signature by that "
        "authority is taken for good"
    )
    as_openssl = "it verifies as OpenSSL does, with OpenSSL's alerts, and checks no revocation"
    usual = () if schemes else ("it takes signatures by every scheme that OpenSSL knows",)
    return (*known, *((granted,) if unseen else ()), *usual, as_openssl)


def _unseen(asked: Asked, anchors: tuple[Certificate, ...]) -> tuple[bytes, ...]:
    """Return the listed names of which no certificate is at hand."""
    held = {one.subject.normal for one in anchors}
    return tuple(der for der in _readable(asked) if normalised(der) not in held)


def _readable(asked: Asked) -> Iterator[bytes]:
    """Give the listed names that are names; a server may send other bytes."""
    for der in asked.authorities_der:
        try:
            name_from(der)
        except ValueError:
            continue
        yield der
