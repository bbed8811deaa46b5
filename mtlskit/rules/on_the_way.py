"""Rules about the way to the endpoint and the first words of TLS: network and protocol.

Law of this room: before TLS could begin, nothing is said about certificates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlskit.case import Case, Missing
from mtlskit.material import Because
from mtlskit.rules.evidence import offered
from mtlskit.rules.rule import Answer, Clear, Doubtful, Found, Inapplicable, rule
from mtlskit.trace.events import Trace
from mtlskit.wire.names import cipher_name, version_name

if TYPE_CHECKING:
    from mtlskit.wire.messages import ClientHello

_HELLO_ALERTS = {
    "protocol.version": (70,),
    "protocol.cipher": (40, 71),
    "protocol.sni": (112,),
    "protocol.alpn": (120,),
}
"""Alerts by which a server answers a ClientHello (RFC 8446, 6.2); 70, 112, 120 are certain."""
_SURE = (70, 112, 120)
_LOCAL_WORDS = {
    "protocol.version": ("unsupported protocol", "no protocols available", "wrong ssl version"),
    "protocol.signature": ("no suitable signature algorithm", "wrong signature type"),
    "protocol.alpn": ("bad extension",),
}
"""What OpenSSL says when the client itself finds nothing in common."""
_CURVES = frozenset({"P-256", "P-384", "P-521"})
_MISDIRECTED = 421
_TLS_1_2 = 0x0303
_OF_VERSION = (None, 40, 70)
"""What servers answer that lack the one version that was offered: nothing, or these alerts."""
_KNOWN = frozenset({0x0300, 0x0301, 0x0302, 0x0303, 0x0304})
_USUAL = frozenset(
    {0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0x009C, 0x009D}
    | {0x009E, 0x009F, 0xC013, 0xC014, 0xC027, 0xC028, 0xC009, 0xC00A, 0x002F, 0x0035}
)
"""Cipher suites of which nearly every server has one (RFC 9325, 4.2; RFC 8446, 9.1; and older)."""
_MANY = 3
_ONE_PACKET = 1400
"""Bytes that go in one TCP segment on the usual ways, with a little to spare."""


def _failed(case: Case, kinds: tuple[str, ...]) -> Answer:
    trace = case.need_trace()
    failure = trace.failure
    if failure is None:
        if _stopped_before(trace):
            return Inapplicable((Because("the client failed before it called", trace.source),))
        if not _came_about(trace):
            raise Missing("whether a TCP connection came about", "Paste more of the same log.")
        return Clear((Because("a TCP connection came about", trace.source),))
    said = Because(failure.text, trace.source)
    return Found((said,)) if failure.kind in kinds else Clear((said,))


def _stopped_before(trace: Trace) -> bool:
    """Tell whether the client failed by itself, before anybody was called."""
    return trace.failure is None and (trace.ended.stage, trace.ended.outcome) == (
        "connect",
        "refused",
    )


def _came_about(trace: Trace) -> bool:
    """Tell whether anything shows that both sides were there; a line of text may not."""
    ended = trace.ended
    spoken = any(one.sender is not None and one.kind != "note" for one in trace.events)
    later = ended.stage not in (None, "connect") or ended.refused_by in ("client", "server")
    return spoken or later or ended.outcome == "accepted"


@rule("network.unresolved", title="Does the host name have an address?", cites="RFC 6724, 2")
def unresolved(case: Case) -> Answer:
    """Look whether the name could be resolved."""
    return _failed(case, ("unresolved",))


@rule("network.refused", title="Does anybody listen on the port?", cites="RFC 9293, 3.5.2")
def refused(case: Case) -> Answer:
    """Look whether the connection was refused by a reset."""
    return _failed(case, ("refused",))


@rule("network.timeout", title="Did the endpoint answer in time?", cites="RFC 9293, 3.8.3")
def timeout(case: Case) -> Answer:
    """Look for a connection that never came about, or a hello that was never answered."""
    trace = case.need_trace()
    if trace.ended.stage == "hello" and trace.ended.symptom.tcp == "deadline":
        return Found((*trace.ended.because,), decisive=False)
    return _failed(case, ("timeout", "unreachable"))


@rule("network.reset", title="Was the connection cut before TLS began?", cites="RFC 9293, 3.5.3")
def reset(case: Case) -> Answer:
    """Look for a close or reset before the server's first TLS byte."""
    trace = case.need_trace()
    cut = trace.ended.stage == "hello" and trace.ended.symptom.tcp in ("fin", "reset")
    if cut and not _server_spoke(trace):
        if _one_sided(trace) and not _ordinary_cut(case):
            raise Doubtful(
                "the answer to an ordinary ClientHello",
                "Try again with TLS 1.2 and 1.3 and the usual cipher suites offered.",
            )
        return Found(trace.ended.because)
    return _failed(case, ("reset",))


def _ordinary_cut(case: Case) -> bool:
    """Tell whether a ClientHello that offered more was tried, and cut in the same way."""
    return any(
        one.cause in ("protocol.version", "protocol.cipher")
        and not _one_sided(one.trace)
        and one.trace.ended.symptom.tcp in ("fin", "reset")
        and not _server_spoke(one.trace)
        for one in case.attempts
    )


@rule("network.proxy", title="Did a proxy let the call through?", cites="RFC 9110, 9.3.6; RFC 1928")
def proxy(case: Case) -> Answer:
    """Look for a proxy's own answer, before the endpoint could have one."""
    trace = case.need_trace()
    failure = trace.failure
    if failure is None or failure.by != "between":
        return Inapplicable()
    said = Because(failure.text, trace.source)
    return Found((said,)) if failure.kind == "declined" else Clear((said,))


@rule("protocol.not-tls", title="Does the other side speak TLS?", cites="RFC 8446, 5.1")
def not_tls(case: Case) -> Answer:
    """Look at the first bytes of the answer."""
    trace = case.need_trace()
    failure = trace.failure
    if failure is not None and (failure.kind, failure.by) == ("declined", "server"):
        return Found((Because(failure.text, trace.source),))
    unreached = (trace.ended.stage, trace.ended.outcome) == ("connect", "unreachable")
    if failure is not None or unreached or _stopped_before(trace):
        return Inapplicable((Because("no connection came about", trace.source),))
    echo = next((one for one in trace.events if one.sender == "server"), None)
    if echo is not None and echo.name == "ClientHello":
        return Found((Because("the other side sent the ClientHello back", echo.source),))
    other = next((one for one in trace.events if one.name == "not TLS"), None)
    if other is not None:
        return Found((Because(f"the {other.sender}'s answer {other.note}", other.source),))
    if not any(one.sender == "server" for one in trace.events if one.kind != "close"):
        raise Missing("an answer of the server", "Ask the endpoint's owner what listens there.")
    return Clear((Because("the server answered in TLS", trace.source),))


@rule("protocol.version", title="Is there a TLS version in common?", cites="RFC 8446, 4.2.1")
def version(case: Case) -> Answer:
    """Look for protocol_version, for a client that finds no version, or offers few or old ones."""
    answer = _in_hello(case, "protocol.version")
    trace = case.need_trace()
    offered = _versions(trace)
    if not (isinstance(answer, Inapplicable) and offered and _turned_away(trace)):
        return answer
    names = " and ".join(version_name(one) for one in offered)
    said = Because(f"the client offered TLS {names} alone", trace.source)
    if max(offered) < _TLS_1_2:
        return Found((said, Because("RFC 8996 bids every server refuse what is below TLS 1.2")))
    told = trace.ended.symptom.alert in _OF_VERSION
    return Found((said,), decisive=False) if len(offered) == 1 and told else answer


@rule("protocol.cipher", title="Is there a cipher suite in common?", cites="RFC 8446, 4.1.1")
def cipher(case: Case) -> Answer:
    """Look for handshake_failure straight after the ClientHello, and at what was offered."""
    trace = case.need_trace()
    if _turned_away(trace) and _odd_suites(trace):
        hello = _hello(trace)
        names = ", ".join(cipher_name(one) for one in hello.cipher_suites) if hello else ""
        text = f"the client offered none of the usual cipher suites, but {names}"
        return Found((*trace.ended.because, Because(text, trace.source)))
    answer = _in_hello(case, "protocol.cipher")
    usual = _usual_suites(trace)
    open_ = isinstance(answer, Found) and not answer.decisive
    if open_ and len(usual) >= _MANY and len(_versions(trace)) == 1:
        # Nearly every server has one of these, and not every one has that version.
        raise Doubtful(
            "the cipher suites of the server",
            f"{len(usual)} of the usual cipher suites were offered, for one version alone. Offer "
            "TLS 1.2 and 1.3, or ask the endpoint's owner which suites their server has enabled.",
            doubt=4.0,
        )
    return answer


@rule("protocol.sni", title="Does the server serve the name asked for?", cites="RFC 6066, 3")
def sni(case: Case) -> Answer:
    """Look for unrecognized_name, or HTTP 421."""
    trace = case.need_trace()
    if trace.http is not None and trace.http.status == _MISDIRECTED:
        return Found(
            (Because("the server answered HTTP 421 Misdirected Request", trace.http.source),)
        )
    answer = _in_hello(case, "protocol.sni")
    if not isinstance(answer, Inapplicable) or not _turned_away(trace):
        return answer
    hello = _hello(trace)
    if hello is not None and hello.server_name is None:
        said = Because("the client sent no server name", trace.source)
        return Found((said,), decisive=False)
    raise Missing(
        "the names that the server serves",
        "Try the endpoint's published name as the server name, and none at all.",
    )


@rule(
    "protocol.hello-too-large",
    title="Was the ClientHello too large for the way?",
    cites="RFC 8446, 4.1.2; RFC 9293, 3.7.1",
)
def hello_too_large(case: Case) -> Answer:
    """Look for a ClientHello of more than one packet that nobody answered."""
    trace = case.need_trace()
    if _server_spoke(trace):
        return Clear((Because("the ClientHello reached the server, which answered", trace.source),))
    hello = next((one for one in trace.events if one.name == "ClientHello"), None)
    if trace.failure is not None or hello is None:
        return Inapplicable((Because("no ClientHello was seen", trace.source),))
    if hello.size <= _ONE_PACKET:
        text = f"the ClientHello has {hello.size:,} bytes, which go in one packet"
        return Clear((Because(text, hello.source),))
    raise Missing("the answer to a small ClientHello", "Try with a small ClientHello.")


@rule("protocol.alpn", title="Is there an application protocol in common?", cites="RFC 7301, 3.2")
def alpn(case: Case) -> Answer:
    """Look for no_application_protocol, or for a client that was answered with another one."""
    trace = case.need_trace()
    words = _local(trace, "protocol.alpn") if _offered_alpn(trace) else ()
    if words and trace.ended.refused_by == "client":
        offered = ", ".join(_offered_alpn(trace))
        return Found((*words, Because(f"the client offered {offered} alone", trace.source)))
    return _in_hello(case, "protocol.alpn")


def _server_spoke(trace: Trace) -> bool:
    return any(one.sender == "server" and one.kind != "close" for one in trace.events)


def _turned_away(trace: Trace) -> bool:
    """Tell whether the other side answered the ClientHello by an alert that says little, or not."""
    ended = trace.ended
    stopped = trace.failure is None and trace.tls is None and ended.stage == "hello"
    not_tls = any(one.name == "not TLS" for one in trace.events)
    closed = ended.outcome == "refused" and ended.refused_by != "client"
    return stopped and closed and not not_tls


def _versions(trace: Trace) -> tuple[int, ...]:
    hello = _hello(trace)
    return () if hello is None else tuple(one for one in hello.versions if one in _KNOWN)


def _odd_suites(trace: Trace) -> bool:
    return _hello(trace) is not None and not _usual_suites(trace)


def _usual_suites(trace: Trace) -> frozenset[int]:
    hello = _hello(trace)
    return _USUAL.intersection(hello.cipher_suites) if hello is not None else frozenset()


def _one_sided(trace: Trace) -> bool:
    """Tell whether the ClientHello offers so little that servers may turn it away.

    A server that finds nothing in common and says so by nothing but its close closes in order;
    a reset is not what it sends (so did all that were measured).
    """
    offered = _versions(trace)
    in_order = trace.ended.symptom.tcp == "fin" and len(offered) == 1
    return in_order or _odd_suites(trace) or bool(offered and max(offered) < _TLS_1_2)


def _hello(trace: Trace) -> ClientHello | None:
    bodies = [one.body for one in trace.events if one.name == "ClientHello" and one.body]
    if not bodies:
        return None
    from mtlskit.wire.messages import ClientHello  # noqa: PLC0415 - of no use to a pasted line

    return next((one for one in bodies if isinstance(one, ClientHello)), None)


def _offered_alpn(trace: Trace) -> tuple[str, ...]:
    hello = _hello(trace)
    return () if hello is None else hello.alpn


@rule("protocol.signature", title="Is there a signature scheme in common?", cites="RFC 8446, 4.2.3")
def signature(case: Case) -> Answer:
    """Look for the library's own words, and at the curve of the client's key.

    No alert is kept for this. Signatures in TLS go by three curves alone (RFC 8422, 5.1.1; RFC
    8446, 4.2.3), and by Brainpool's where both sides have them (RFC 7027; RFC 8734).
    """
    trace = case.need_trace()
    words = _local(trace, "protocol.signature")
    if words:
        return Found(words)
    if trace.asked is None or trace.ended.refused_by == "client":
        return Inapplicable()
    ours = offered(case)
    key = ours.leaf.key
    if key.kind != "EC" or key.curve is None or key.curve in _CURVES:
        return Inapplicable()
    curve = f"the key of {ours.leaf.label} is on {key.curve}, by which TLS signs nothing"
    rare = key.curve.startswith("brainpool")
    return Found((Because(curve, ours.leaf.source),), decisive=not rare)


def _in_hello(case: Case, cause: str) -> Answer:
    trace = case.need_trace()
    if trace.failure is not None:
        return Inapplicable((Because("no connection came about", trace.source),))
    words = _local(trace, cause)
    if words:
        return Found(words)
    if trace.tls is not None and trace.ended.stage != "hello":
        agreed = f"TLS {trace.tls} with {trace.cipher} was agreed on"
        return Clear((Because(agreed, trace.source),))
    alert = trace.ended.symptom.alert
    if alert in _HELLO_ALERTS[cause]:
        return Found(trace.ended.because, decisive=alert in _SURE)
    return Inapplicable()


def _local(trace: Trace, cause: str) -> tuple[Because, ...]:
    said = [
        one
        for one in trace.library
        if any(word in one.lower() for word in _LOCAL_WORDS.get(cause, ()))
    ]
    return tuple(Because(f"the client's TLS library said: {one}", trace.source) for one in said)
