"""The live diagnosis: one attempt as the client would make it, then one change at a time.

Law of this file: a change is one change. Its attempt is bounded in time and number, and its result
is a trace like any other; what it proves is said in `diagnosis`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Unpack

from mtlskit import report as reports
from mtlskit.case import Attempt, Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import in_order, issuers_of
from mtlskit.certs.keystore import Identity
from mtlskit.certs.names import match
from mtlskit.collect.call import Call
from mtlskit.collect.calling import Manner, call_of
from mtlskit.collect.evidence import Given
from mtlskit.collect.given import case_of, case_to_call, several, target_of
from mtlskit.collect.live import connect
from mtlskit.instance.live import Live
from mtlskit.instance.settings import Settings
from mtlskit.material import Target
from mtlskit.report import Report
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

MOST_CONNECTIONS = 16
"""Connections that one diagnosis makes at most, the first one included."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do differently.

    Attributes:
        cause: the cause that it speaks of; None for a control.
        text: what is changed, as a sentence.
        remedy: what to do for good if it helps.
        call: the attempt with the change made.
    """

    cause: str | None
    text: str
    remedy: str
    call: Call


def attempt(  # noqa: PLR0913 - the choices of an attempt, all by name
    target: str | Target,
    *,
    identity: Given | Iterable[Given] | Identity | None = None,
    trust: Given | Iterable[Given] | tuple[Certificate, ...] | None = None,
    password: str | Sequence[str] | None = None,
    tls: str | None = None,
    server_name: str | None = None,
    timeout: float = 10.0,
    request: bool = False,
    **manner: Unpack[Manner],
) -> Trace:
    """Make one connection and tell it. This is `mtlskit.trace`.

    Args:
        target: ``host:port`` or a URL.
        identity: file or files with the client's certificate and key; None: call without.
        trust: file or files with what the client trusts servers by; None: look on, verify nothing.
        password: for whatever is locked.
        tls: the one version to speak, ``1.0`` to ``1.3``; None: 1.2 or 1.3.
        server_name: the name to reach; None: the target's host; "": send none.
        timeout: seconds for everything together.
        request: send ``GET /`` (or the URL's path) once the handshake is done.
        manner: how the connection is made: ``via`` a proxy, ``starttls``, and what is offered; see
            `mtlskit.collect.calling.Manner`.

    Raises:
        Unreadable: the target or a file cannot be read.
        ValueError: a wish cannot be carried out.
    """
    case = case_to_call(target, identity, trust, password)
    call = call_of(case, tls, server_name, timeout, request=request, manner=manner)
    return follow(connect(call))


def diagnose(  # noqa: PLR0913 - the interface, all by name
    target: str | Target | Case,
    *,
    identity: Given | Iterable[Given] | None = None,
    trust: Given | Iterable[Given] | None = None,
    material: Given | Iterable[Given] = (),
    settings: Given | Iterable[Given] | Settings | Live = (),
    url: str | None = None,
    password: str | Sequence[str] | None = None,
    tls: str | None = None,
    server_name: str | None = None,
    timeout: float = 10.0,
    experiments: bool = True,
    request: bool = True,
    **manner: Unpack[Manner],
) -> Report:
    """Find out why a connection fails, and prove it where that can be done.

    Args:
        target: ``host:port``, a URL, or a `Case`. A case with a trace is judged as it stands; one
            with a target and no trace is called first.
        identity: files with the client's certificates and keys (paths, or bytes with a name).
        trust: files with what the client trusts servers by; None: verify nothing.
        material: whatever else is at hand, such as CA certificates.
        settings: exports of the instance's settings, or what `mtlskit.read_instance` gave.
        url: the URL that the instance calls, if it is not the target itself.
        password: one or several, tried on whatever is locked.
        tls: the one TLS version to speak; None: 1.2 or 1.3.
        server_name: the name to reach; None: the target's host.
        timeout: seconds for each connection.
        experiments: after a refusal, change one thing at a time and try again.
        request: ask ``GET`` of the URL's path after the handshake, so that a refusal that comes
            as an HTTP answer is seen.
        manner: how every connection is made, as for `mtlskit.trace`.

    Raises:
        Unreadable: the target cannot be read, or a file that was named is not there.
        ValueError: files were given beside a case, or a number cannot be.
    """
    if isinstance(target, Case):
        if identity is not None or trust is not None or several(material) or several(settings):
            raise ValueError("A case holds its evidence; add to it with case.having(…).")
        case = target
    else:
        case = case_of(target, identity, trust, material, settings, password)
    if url is not None:
        case = case.having(url=url)
    if case.at is None:
        case = case.having(at=datetime.now(UTC))
    if case.trace is None and case.target is not None:
        call = call_of(case, tls, server_name, timeout, request=request, manner=manner)
        case = case.having(trace=follow(connect(call)), chosen=call.identity)
        case = _without_request(case, call)
        if experiments:
            case = case.having(attempts=(*case.attempts, *tried(case, call)))
    return replace(reports.judge(case), made=datetime.now(UTC))


def _without_request(case: Case, first: Call) -> Case:
    """Where the answer to our own HTTP request was a mute close, look whether that was the reason.

    A server that speaks another protocol closes so, and nothing is wrong with its TLS.
    """
    loud = case.need_trace()
    if first.request is None or not _mute_close(loud):
        return case
    quiet = follow(connect(replace(first, request=None)))
    if quiet.ended.outcome != "accepted":
        return case
    text = (
        "an HTTP request was sent once the handshake was done: the server closed without an "
        "answer, as a server does that speaks no HTTP"
    )
    return case.having(trace=quiet, attempts=(Attempt(None, text, "", loud),))


def _mute_close(trace: Trace) -> bool:
    ended = trace.ended
    mute = ended.symptom.alert is None and ended.symptom.http is None
    late = ended.stage in ("after-handshake", "application")
    return mute and late and ended.outcome != "accepted" and ended.refused_by != "client"


def tried(case: Case, first: Call) -> Iterator[Attempt]:
    """Make the changes that could settle the case, one connection each, within the limits."""
    if case.trace is None or not _failed(case.trace):
        return
    if case.trace.peer is not None:
        # Behind one name there may be several machines: what is compared must be one of them.
        first = replace(first, address=target_of(case.trace.peer)[0])
    until = monotonic() + MOST_CONNECTIONS * first.timeout / 4
    proved = False
    for change in tuple(_changes(case, first))[: MOST_CONNECTIONS - 2]:
        left = until - monotonic()
        if left <= 0:
            return
        call = replace(change.call, timeout=min(first.timeout, left))
        trace = follow(connect(call))
        yield Attempt(change.cause, change.text, change.remedy, trace)
        proved = proved or (change.cause is not None and trace.ended.outcome == "accepted")
    if proved:
        # Behind one name there may be several servers, and they may differ.
        again = follow(connect(first))
        text = "nothing was changed: the first call was repeated"
        yield Attempt(None, text, "", again, repeats=True)


def _failed(trace: Trace) -> bool:
    """Tell whether there is something to mend: a refusal, or a ClientHello that nobody answered."""
    ended = trace.ended
    unanswered = ended.outcome == "undecided" and ended.stage == "hello" and trace.tls is None
    return ended.outcome == "refused" or unanswered


def _changes(case: Case, first: Call) -> Iterator[Change]:
    """Plan the changes, the most telling first."""
    if case.trace is None:
        return
    yield from _about_the_way(case.trace, first)
    if case.trace.ended.stage in ("connect", None):
        return
    yield from _about_what_is_offered(case.trace, first)
    if case.trace.ended.refused_by == "client":
        yield from _about_the_server(case, first)
        return
    yield from _about_the_chain(case, first)
    yield from _other_identities(case, first)
    yield from _about_the_hello(case, first)
    yield from _about_the_time(case, first)
    if first.identity is not None:
        yield Change(None, "no client certificate was offered", "", replace(first, identity=None))


def _about_the_chain(case: Case, first: Call) -> Iterator[Change]:
    identity = first.identity
    if identity is None:
        return
    leaf, sent = identity.certificate, identity.chain
    full = issuers_of(leaf, (*sent, *case.material, *(case.trust or ())))
    without_root = tuple(one for one in full if not one.self_issued)
    added = [one for one in without_root if one.der not in {other.der for other in sent}]
    dropped = [one for one in sent if not one.self_issued and one not in full]
    if dropped:
        yield from _renewed(case, first, without_root, dropped)
    elif added:
        names = ", ".join(f"{one.label} ({one.source})" for one in added)
        yield Change(
            "client.chain-incomplete",
            f"the chain was completed with {names}",
            f"Add {names} to the client's key store, in the chain of the key's entry "
            f"({identity.source}).",
            replace(first, chain=without_root),
        )
    if sent and not in_order(leaf, sent):
        yield Change(
            "client.chain-order",
            "the same certificates were sent in order",
            f"Put the chain of {identity.source} in order: each issuer after the certificate that "
            "it signed.",
            replace(first, chain=tuple(one for one in full if one in sent)),
        )


def _renewed(
    case: Case, first: Call, chain: tuple[Certificate, ...], dropped: list[Certificate]
) -> Iterator[Change]:
    """An issuer that was sent has a newer copy at hand: sending that instead is one change."""
    old = dropped[0]
    new = next((one for one in chain if one.subject.same_as(old.subject)), None)
    if new is None or case.at is None or old.not_after >= case.at:
        return
    yield Change(
        "client.expired",
        f"the expired {old.label} was replaced by its renewed copy ({new.source})",
        f"Replace the expired {old.label} in the client's key store by the copy in {new.source}.",
        replace(first, chain=chain),
    )


def _other_identities(case: Case, first: Call) -> Iterator[Change]:
    for one in case.identities or ():
        if one.key_matches and one is not first.identity:
            yield Change(
                "client.wrong-identity",
                f"{one.label} ({one.source}) was offered instead",
                f"Configure this call to use {one.label} ({one.source}).",
                replace(first, identity=one, chain=None),
            )


def _about_the_way(trace: Trace, first: Call) -> Iterator[Change]:
    """Leave the proxy out."""
    if first.via is None or trace.ended.stage not in ("connect", "hello", "server-certificate"):
        return
    yield Change(
        "network.proxy" if trace.ended.stage == "connect" else "network.terminated",
        f"the endpoint was called directly, without the proxy {first.via.target}",
        "Have the proxy pass this connection through, or let the client call without it.",
        replace(first, via=None, address=None),
    )


def _about_what_is_offered(trace: Trace, first: Call) -> Iterator[Change]:
    """Offer the usual where something special was asked for."""
    if trace.ended.stage not in ("hello", "server-certificate"):
        return
    usual = "Let the client offer the {} that its TLS library offers of itself."
    if first.ciphers:
        text, call = "the usual cipher suites were offered", replace(first, ciphers=())
        yield Change("protocol.cipher", text, usual.format("cipher suites"), call)
    if first.schemes:
        text, call = "the usual signature schemes were offered", replace(first, schemes=())
        yield Change("protocol.signature", text, usual.format("signature schemes"), call)
    if first.alpn:
        yield Change(
            "protocol.alpn",
            "no application protocol was offered",
            "Offer an application protocol that the endpoint speaks, or none.",
            replace(first, alpn=()),
        )


def _about_the_hello(case: Case, first: Call) -> Iterator[Change]:
    trace = case.trace
    if trace is None or trace.ended.stage != "hello" or trace.asked is not None:
        return
    other = ("1.2", "1.2") if first.versions == ("1.2", "1.3") else ("1.2", "1.3")
    both = other == ("1.2", "1.3")
    yield Change(
        "protocol.version",
        "TLS 1.2 and 1.3 were both offered" if both else "TLS 1.2 alone was offered",
        "Let the client offer TLS 1.2 and 1.3." if both else "Let the client offer TLS 1.2 alone.",
        replace(first, versions=other, hello=None if first.hello == "large" else first.hello),
    )
    if trace.ended.symptom.alert is None and first.hello != "small" and not first.groups:
        yield Change(
            "protocol.hello-too-large",
            "a small ClientHello was sent, without a post-quantum key share",
            "Have the firewall or load balancer accept a ClientHello of more than one packet; "
            "until then, let the client offer no post-quantum key share.",
            replace(first, hello="small"),
        )
    yield from _about_the_name(trace, first)


def _about_the_name(trace: Trace, first: Call) -> Iterator[Change]:
    """Call without a server name, where one was sent and the server turned the call away."""
    if first.sni is None or first.trust is not None or trace.tls is not None:
        return
    yield Change(
        "protocol.sni",
        "no server name was sent",
        "Send the server name that the endpoint's owner publishes.",
        replace(first, server_name=""),
    )


def _about_the_time(case: Case, first: Call) -> Iterator[Change]:
    """The server never asked and its application refused: in TLS 1.3 it may ask those who offer."""
    trace = case.trace
    if trace is None or trace.tls != "1.3" or trace.asked is not None or first.post_handshake:
        return
    if first.identity is not None and trace.ended.stage == "application":
        yield Change(
            "server.asks-late",
            "the client offered to be asked after the handshake",
            "Have the endpoint's owner ask during the handshake, or let the client offer "
            "post-handshake authentication (RFC 8446, 4.6.2), which few libraries do.",
            replace(first, post_handshake=True),
        )


def _about_the_server(case: Case, first: Call) -> Iterator[Change]:
    """The client refused: change what it expects, to see whether that was all."""
    trace = case.trace
    if trace is None or not trace.server_chain:
        return
    leaf = trace.server_chain[0]
    names = [one.value for one in leaf.san or () if one.kind == "dns" and "*" not in one.value]
    if names and not match(leaf, first.expected_name).matched:
        yield Change(
            "server.name-mismatch",
            f"the endpoint was called by the name {names[0]}",
            f"Call the endpoint as {names[0]}, or have its owner issue a certificate for "
            f"{first.expected_name}.",
            replace(first, server_name=names[0]),
        )
    yield from _more_trust(case, first, trace.server_chain)


def _more_trust(case: Case, first: Call, chain: tuple[Certificate, ...]) -> Iterator[Change]:
    held = {one.der for one in first.trust or ()}
    full = issuers_of(chain[0], (*chain[1:], *case.material))
    roots = [one for one in full if one.self_issued and one.der not in held]
    if roots:
        root = roots[0]
        yield Change(
            "server.untrusted-issuer",
            f"{root.label} ({root.source}) was trusted as well",
            f"Add {root.label} to the client's trust store, after the endpoint's owner confirmed "
            f"its SHA-256 fingerprint {root.sha256}.",
            # Whoever is not trusted yet is shown neither our certificate nor a request.
            replace(first, trust=(*(first.trust or ()), root), identity=None, request=None),
        )
