"""Rules about the way to the endpoint and the first words of TLS: network and protocol.

Law of this room: before TLS could begin, nothing is said about certificates.
"""

from __future__ import annotations

from mtlskit.case import Case, Missing
from mtlskit.material import Because
from mtlskit.rules.rule import Answer, Clear, Found, Inapplicable, rule
from mtlskit.trace.events import Trace

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
}
"""What OpenSSL says when the client itself finds nothing in common."""
_MISDIRECTED = 421


def _failed(case: Case, kinds: tuple[str, ...]) -> Answer:
    trace = case.need_trace()
    failure = trace.failure
    if failure is None:
        return Clear((Because("a TCP connection came about", trace.source),))
    said = Because(failure.text, trace.source)
    return Found((said,)) if failure.kind in kinds else Clear((said,))


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
    spoke = any(one.sender == "server" and one.kind != "close" for one in trace.events)
    if cut and not spoke:
        return Found(trace.ended.because)
    return _failed(case, ("reset",))


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
    if failure is not None:
        return Inapplicable((Because("no connection came about", trace.source),))
    other = next((one for one in trace.events if one.name == "not TLS"), None)
    if other is not None:
        return Found((Because(f"the {other.sender}'s answer {other.note}", other.source),))
    if not any(one.sender == "server" for one in trace.events if one.kind != "close"):
        raise Missing("an answer of the server", "Ask the endpoint's owner what listens there.")
    return Clear((Because("the server answered in TLS", trace.source),))


@rule("protocol.version", title="Is there a TLS version in common?", cites="RFC 8446, 4.2.1")
def version(case: Case) -> Answer:
    """Look for protocol_version, or for a client that finds no version."""
    return _in_hello(case, "protocol.version")


@rule("protocol.cipher", title="Is there a cipher suite in common?", cites="RFC 8446, 4.1.1")
def cipher(case: Case) -> Answer:
    """Look for handshake_failure straight after the ClientHello."""
    return _in_hello(case, "protocol.cipher")


@rule("protocol.sni", title="Does the server serve the name asked for?", cites="RFC 6066, 3")
def sni(case: Case) -> Answer:
    """Look for unrecognized_name, or HTTP 421."""
    trace = case.need_trace()
    if trace.http is not None and trace.http.status == _MISDIRECTED:
        return Found(
            (Because("the server answered HTTP 421 Misdirected Request", trace.http.source),)
        )
    return _in_hello(case, "protocol.sni")


@rule("protocol.alpn", title="Is there an application protocol in common?", cites="RFC 7301, 3.2")
def alpn(case: Case) -> Answer:
    """Look for no_application_protocol."""
    return _in_hello(case, "protocol.alpn")


@rule("protocol.signature", title="Is there a signature scheme in common?", cites="RFC 8446, 4.2.3")
def signature(case: Case) -> Answer:
    """Look for the library's own words, since no alert is kept for this."""
    trace = case.need_trace()
    words = _local(trace, "protocol.signature")
    return Found(words) if words else Inapplicable()


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
