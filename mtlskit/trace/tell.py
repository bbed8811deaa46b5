"""A trace told to a person: how it ended, who said what, what was asked and what was sent.

Law of this room: the words say what was seen; why it failed is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.schemes import grouped
from mtlskit.page.blocks import Badge, Block, Callout, Fields, Inline, Page, Section, Table, Tone
from mtlskit.trace.printed import PrintedCertificate

if TYPE_CHECKING:
    from mtlskit.trace.events import Trace

_TONES: dict[str, Tone] = {
    "accepted": "good",
    "refused": "bad",
    "unreachable": "bad",
    "undecided": "warn",
}


def headline(trace: Trace) -> str:
    """Say in one sentence how the connection ended."""
    ended, where = trace.ended, trace.target or trace.source.name
    if ended.outcome == "accepted":
        return f"{where} accepted the connection."
    if ended.outcome == "unreachable":
        return f"No connection to {where} came about."
    if ended.outcome == "undecided":
        return f"It cannot be told whether {where} accepted the connection."
    who = {
        "server": "The server refused the client",
        "client": "The client refused the server",
        "between": "A proxy on the way refused the client",
    }
    told = who.get(ended.refused_by or "", "The connection failed")
    return f"{told} {_STAGES.get(ended.stage or '', '')}".rstrip() + "."


_STAGES = {
    "connect": "before TLS began",
    "hello": "in answer to the client's first message",
    "server-certificate": "when it saw the server's certificate",
    "client-certificate": "when it saw what the client sent",
    "after-handshake": "after the client believed that the handshake was done",
    "application": "in its HTTP answer, after the handshake was done",
}


def page_of(trace: Trace) -> Page:
    """Describe a trace as a page."""
    return Page(f"Connection to {trace.target or trace.source.name}", tuple(_blocks(trace)))


def _blocks(trace: Trace) -> list[Block]:
    ended = trace.ended
    why = Fields(tuple(("Seen", str(one)) for one in ended.because))
    blocks: list[Block] = [
        Callout(headline(trace), (why,), tone=_TONES[ended.outcome]),
        Fields(facts(trace)),
    ]
    if trace.events:
        from mtlskit.trace.rungs import ladder_of  # noqa: PLC0415 - drawing is loaded to draw

        blocks.append(Section("Message by message", (ladder_of(trace).picture(),)))
    asked = asked_and_sent(trace)
    if asked is not None:
        blocks.append(Section("What was asked and what was sent", (asked,)))
    return blocks


def facts(trace: Trace) -> tuple[tuple[str, Inline], ...]:
    """Tell what the handshake settled, one pair a line."""
    rows: list[tuple[str, Inline]] = [
        ("Outcome", Badge(trace.ended.outcome, _TONES[trace.ended.outcome])),
        ("TLS version", trace.tls or "none agreed on"),
    ]
    called = trace.peer if trace.peer != str(trace.target) else None
    optional = (
        ("Address called", called),
        ("Cipher suite", trace.cipher),
        ("Server name sent", trace.server_name),
        ("Application protocol", trace.alpn),
        ("Called from, by the server's log", trace.caller),
        ("Time by the log", trace.clock if trace.began is None else None),
        ("Shown by", "; ".join(map(str, trace.sources)) if trace.views else None),
    )
    rows += [(name, value) for name, value in optional if value]
    rows += [("Session", "resumed")] if trace.resumed else []
    rows += [("The TLS library said", one) for one in trace.library]
    return tuple(rows)


def asked_and_sent(trace: Trace) -> Table | None:
    """Set what the server asked for beside what the client sent; None if neither was seen."""
    if trace.tls is None:
        return None
    rows: list[tuple[Inline, ...]] = [
        ("Server's certificate", *_chain(trace.server_chain, trace.server_printed))
    ]
    if trace.asked is None:
        rows.append(("Client certificate asked for", _unasked(trace), ""))
    else:
        where = str(trace.asked.source)
        names = "; ".join(trace.asked.authorities) or "an empty list, which names no limit"
        when = "yes, after the handshake was done" if trace.asked_late else "yes"
        rows.append(("Client certificate asked for", when, where))
        rows.append(("Acceptable issuers (CA list)", names, where))
        rows.append(("Signature schemes", grouped(trace.asked.schemes), where))
        if trace.asked.types:
            rows.append(("Certificate types", ", ".join(trace.asked.types), where))
    rows.append(("Client's certificate", *_chain(trace.client_chain, trace.client_printed)))
    if trace.client_chain or trace.client_printed:
        rows.append(("Proof of the private key", "sent" if trace.proved else "not seen", ""))
    return Table(("", "Seen", "Where"), tuple(rows))


def _unasked(trace: Trace) -> str:
    """Tell why no request was seen."""
    if not trace.asking_hidden:
        return "no"
    if trace.seen_by is not None:
        return "the log does not tell"
    hidden = any((one.sender, one.kind) == ("server", "hidden") for one in trace.events)
    sealed = trace.tls == "1.3" and hidden
    return "cannot be seen without the key log" if sealed else "the request itself was not seen"


def _chain(
    chain: tuple[Certificate, ...] | None, printed: tuple[PrintedCertificate, ...] | None
) -> tuple[Inline, Inline]:
    """Tell a chain: the certificates themselves, else what a log printed of them."""
    if chain is None and printed:
        told = "; then ".join(f"{one.subject} (issued by {one.issuer})" for one in printed)
        return told, str(printed[0].source)
    if chain is None:
        return "not seen", ""
    if not chain:
        return "none: the message was empty", ""
    told = "; then ".join(f"{one.subject} (issued by {one.issuer})" for one in chain)
    return told, str(chain[0].source)
