"""Changes of the ClientHello: what is offered, which name is asked for, how large it is.

Law of this file: what the client offers out of the ordinary is offered in the usual way again, one
thing at a time; a name is tried only where it is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.collect.call import Call
from mtlskit.experiment.change import Change
from mtlskit.rules.evidence import at_hand
from mtlskit.trace.events import Trace

_EARLY = ("hello", "server-certificate")
_MISDIRECTED = 421  # RFC 9110, 15.5.20: this server does not serve that name
_NAMES = 3
"""Names of the endpoint that are tried at most."""
_USUAL = "Let the client offer the {} that its TLS library offers of itself."


def offered(trace: Trace, first: Call) -> Iterator[Change]:
    """Offer the usual where something special was asked for."""
    early = trace.ended.stage in _EARLY
    if first.ciphers and early:
        text, call = "the usual cipher suites were offered", replace(first, ciphers=())
        yield Change("protocol.cipher", text, _USUAL.format("cipher suites"), call)
    if first.groups and early:
        text, call = "the usual groups were offered", replace(first, groups=())
        yield Change("protocol.cipher", text, _USUAL.format("groups for the key exchange"), call)
    if first.schemes and (early or trace.ended.stage == "client-certificate"):
        text, call = "the usual signature schemes were offered", replace(first, schemes=())
        yield Change("protocol.signature", text, _USUAL.format("signature schemes"), call)
    if first.alpn and early:
        yield Change(
            "protocol.alpn",
            "no application protocol was offered",
            "Offer an application protocol that the endpoint speaks, or none.",
            replace(first, alpn=()),
        )


def changes(case: Case, first: Call) -> Iterator[Change]:
    """Try another size, version, name or time, where the hello itself may be what is refused."""
    trace = case.need_trace()
    early = trace.ended.stage == "hello" and trace.asked is None
    if early:  # silence costs a whole timeout at each call: of the names there may be several
        yield from _about_the_size(trace, first)
    yield from _about_the_name(case, trace, first)
    if early:
        yield _another_version(first)
        if first.sni is not None and trace.tls is None:
            yield Change(
                "protocol.sni",
                "no server name was sent",
                "Send the server name that the endpoint's owner publishes.",
                replace(first, server_name=""),
            )
    yield from _about_the_time(trace, first)


def _another_version(first: Call) -> Change:
    other = ("1.2", "1.2") if first.versions == ("1.2", "1.3") else ("1.2", "1.3")
    both = other == ("1.2", "1.3")
    return Change(
        "protocol.version",
        "TLS 1.2 and 1.3 were both offered" if both else "TLS 1.2 alone was offered",
        "Let the client offer TLS 1.2 and 1.3." if both else "Let the client offer TLS 1.2 alone.",
        replace(first, versions=other, hello=None if first.hello == "large" else first.hello),
    )


def _about_the_size(trace: Trace, first: Call) -> Iterator[Change]:
    """Send a hello of one packet, where the larger one got no answer."""
    if trace.ended.symptom.alert is not None or first.hello == "small" or first.groups:
        return
    yield Change(
        "protocol.hello-too-large",
        "a small ClientHello was sent, without a post-quantum key share",
        "Have the firewall or load balancer accept a ClientHello of more than one packet; "
        "until then, let the client offer no post-quantum key share.",
        replace(first, hello="small"),
    )


def _about_the_name(case: Case, trace: Trace, first: Call) -> Iterator[Change]:
    """Ask for the endpoint by each name of it that is at hand."""
    misdirected = trace.http is not None and trace.http.status == _MISDIRECTED
    turned_away = trace.ended.stage == "hello" and trace.tls is None
    unnamed = first.sni is None and trace.asked is None
    if not (misdirected or turned_away or unnamed):
        return
    for name in names_at_hand(case, first)[:_NAMES]:
        yield Change(
            "protocol.sni",
            f"the server name {name} was sent",
            f"Send the server name {name}: let the client call the endpoint by this name.",
            named(first, name),
        )


def named(first: Call, name: str) -> Call:
    """Return the call by another name, which stands in its HTTP request too."""
    request = first.request
    if request is not None and request.host is not None:
        request = replace(request, host=None)
    return replace(first, server_name=name, request=request)


def names_at_hand(case: Case, first: Call) -> tuple[str, ...]:
    """Return names that the endpoint may go by, and that were not asked for yet.

    They are the target's and the URL's host, and what server certificates carry: the one that was
    shown, and those that lie among the files.
    """
    trace = case.trace
    shown = (trace.server_chain or ())[:1] if trace is not None else ()
    held = [one for one in at_hand(case) if _of_a_server(one)]
    found = [first.target.host, _host(case.url)]
    found += [name for one in (*shown, *held) for name in _names(one)]
    used = first.expected_name if first.sni is not None else ""
    told = (name.rstrip(".").casefold() for name in found if name and not _is_address(name))
    return tuple(name for name in dict.fromkeys(told) if name != used.casefold())


def _names(certificate: Certificate) -> list[str]:
    """Return the names of a certificate that stand for one host."""
    values = [one.value for one in certificate.san or () if one.kind == "dns"]
    return [one for one in values if one.isascii() and one.isprintable() and "*" not in one]


def _of_a_server(certificate: Certificate) -> bool:
    return not certificate.ca and "serverAuth" in (certificate.eku or ())


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _about_the_time(trace: Trace, first: Call) -> Iterator[Change]:
    """The server never asked and its application refused: in TLS 1.3 it may ask those who offer."""
    if trace.tls != "1.3" or trace.asked is not None or first.post_handshake:
        return
    if first.identity is not None and trace.ended.stage == "application":
        yield Change(
            "server.asks-late",
            "the client offered to be asked after the handshake",
            "Have the endpoint's owner ask during the handshake, or let the client offer "
            "post-handshake authentication (RFC 8446, 4.6.2), which few libraries do.",
            replace(first, post_handshake=True),
        )
