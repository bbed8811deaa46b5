"""What a server asks of its clients, found by calling it without a certificate.

Law of this file: required or optional is told as it was observed: the server refused, or it did
not. What was not seen, or may have another reason, is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Literal, Unpack

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.schemes import grouped
from mtlskit.collect.calling import Manner, call_of
from mtlskit.collect.given import target_of
from mtlskit.collect.live import connect
from mtlskit.material import Because, Source, Target
from mtlskit.page.blocks import Badge, Block, Callout, Inline, Items, Page, Section, Table, Tone
from mtlskit.page.plain import Plain, by_fields
from mtlskit.page.shown import Shown
from mtlskit.trace.ending import about_certificates
from mtlskit.trace.events import Asked, Trace
from mtlskit.trace.handshake import follow

Demand = Literal["required", "optional", "not-asked", "unknown"]

VERSIONS = ("1.2", "1.3")
"""The versions that are tried where none is named."""

MOST = 40
"""Connections that one question makes at most."""

# Alerts by which servers answer an empty Certificate message: certificate_required (RFC 8446, 6.2),
# handshake_failure and no_certificate before it (RFC 5246, 7.2.2); bad_certificate, by Go and Java;
# decode_error, by GnuTLS in TLS 1.2; certificate_unknown and access_denied.
_CERTIFICATE_ALERTS = frozenset({40, 41, 42, 46, 49, 50, 116})
_FORBIDDEN = frozenset({401, 403})
_TONES: dict[Demand, Tone] = {
    "required": "info",
    "optional": "info",
    "not-asked": "plain",
    "unknown": "warn",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server asked for by one name, in one version.

    Attributes:
        server_name: the SNI that was sent; None: none was sent.
        tls: the version that was offered, and nothing else.
        spoken: whether the server agreed on it; None: no server was reached.
        demand: ``required``: without a certificate it refused; ``optional``: it asked and went on;
            ``not-asked``; ``unknown``.
        level: who requires it: ``tls`` by ending the handshake, ``application`` by its answer.
        late: it asked only after the handshake, by renegotiation or post-handshake authentication.
        asked: CA list, schemes and types; None: it did not ask.
        because: what that rests on.
        server: the certificate that it showed by this name.
        trace: the whole connection.
    """

    server_name: str | None
    tls: str
    spoken: bool | None
    demand: Demand
    level: Literal["tls", "application"] | None
    late: bool
    asked: Asked | None
    because: tuple[Because, ...]
    server: Certificate | None
    trace: Trace = field(repr=False)

    @property
    def named(self) -> str:
        """The name as it is shown."""
        return self.server_name or "none (no SNI)"


@dataclass(frozen=True, slots=True)
class Asking(Shown):
    """What a server asks for: one answer for each name and version."""

    source: Source
    target: Target
    answers: tuple[Answer, ...]

    @property
    def same_everywhere(self) -> bool:
        """All names and versions that the server speaks are asked the same."""
        return len({_sum(one) for one in self.answers if one.spoken}) <= 1

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        spoken = [one for one in self.answers if one.spoken]
        if not spoken:
            return f"{self.target} spoke none of the versions that were offered."
        if not self.same_everywhere:
            return "What the server asks for depends on the name or the version."
        return f"{_SENTENCES[spoken[0].demand]}."

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program; the connections themselves are left out."""
        return {**by_fields(self), "headline": self.headline, "same": self.same_everywhere}

    def page(self) -> Page:
        """Describe it: a table of demands, then what was asked for in each."""
        blocks: list[Block] = [Callout(self.headline, (), "info"), _demands(self.answers)]
        for lists, answers in _grouped(self.answers):
            where = "; ".join(f"{one.named}, TLS {one.tls}" for one in answers)
            blocks.append(Section(f"Asked for by {where}", _lists(lists)))
        return Page(f"What {self.target} asks of its clients", tuple(blocks))


_SENTENCES: dict[Demand, str] = {
    "required": "The server requires a client certificate",
    "optional": "The server asks for a client certificate and goes on without one",
    "not-asked": "The server does not ask for a client certificate",
    "unknown": "It cannot be told whether the server requires a client certificate",
}


def asked(
    target: str | Target,
    *,
    names: Sequence[str] = (),
    tls: str | None = None,
    server_name: str | None = None,
    timeout: float = 10.0,
    **manner: Unpack[Manner],
) -> Asking:
    """Find out what a server asks of its clients, by each name and in each version.

    It is called without a certificate: with its name, without any, and by the other names given;
    each in TLS 1.2 and in TLS 1.3.

    Args:
        target: ``host:port`` or a URL, whose path is asked for.
        names: more server names to send.
        tls: the one version to speak.
        server_name: the name to send first; None: the target's host; "": only no name.
        timeout: seconds for each connection.
        manner: how the connections are made, as for `mtlskit.trace`.

    Raises:
        Unreadable: the target cannot be read.
        ValueError: a wish cannot be carried out, or there are too many names.
    """
    where, url = target_of(target)
    case = Case(target=where, url=url)
    versions = (tls,) if tls else VERSIONS
    sent = _names(where, server_name, names)
    if len(sent) * len(versions) > MOST:
        raise ValueError(f"That would be more than {MOST} connections; give fewer names.")
    # A server may ask only those who offer to be asked late; here nothing is to stay unasked.
    manner = {**manner, "post_handshake": True}
    answers: list[Answer] = []
    address: Target | None = None
    for name in sent:
        for version in versions:
            call = call_of(case, version, name, timeout, request=True, manner=manner)
            trace = follow(connect(replace(call, address=address)))
            if trace.peer is not None:  # behind one name there may be several machines
                address = target_of(trace.peer)[0]
            answers.append(answer_of(trace, version, name or None))
    return Asking(Source(str(where)), where, tuple(answers))


def _names(target: Target, first: str | None, others: Sequence[str]) -> tuple[str, ...]:
    """Return the names to send, each once; the empty one is to send none."""
    own = target.host if first is None else first
    try:
        ip_address(own)
    except ValueError:
        sent = (own, "", *others)
    else:
        sent = ("", *others)
    return tuple(dict.fromkeys(sent))


def answer_of(trace: Trace, version: str, server_name: str | None) -> Answer:
    """Judge one connection that was made without a certificate."""
    demand, level, because = _demand(trace)
    reached = trace.failure is None
    return Answer(
        server_name=server_name,
        tls=version,
        spoken=trace.tls is not None if reached else None,
        demand=demand,
        level=level,
        late=trace.asked_late,
        asked=trace.asked,
        because=because,
        server=trace.server_chain[0] if trace.server_chain else None,
        trace=trace,
    )


def _demand(
    trace: Trace,
) -> tuple[Demand, Literal["tls", "application"] | None, tuple[Because, ...]]:
    because = trace.ended.because
    if trace.tls is None or trace.asking_hidden:
        return "unknown", None, because
    if trace.http is not None and about_certificates(trace.http):
        return "required", "application", because
    if trace.asked is None:
        return _without_request(trace)
    if trace.http is not None and trace.http.status in _FORBIDDEN:
        doubt = Because("such an answer may have another reason than the missing certificate")
        return "unknown", None, (*because, doubt)
    if trace.ended.outcome == "accepted":
        return "optional", None, because
    required = _refused_for_it(trace)
    return "required" if required else "unknown", "tls" if required else None, because


def _without_request(
    trace: Trace,
) -> tuple[Demand, None, tuple[Because, ...]]:
    """Judge a server that was not seen to ask: it did not, if its handshake was done."""
    because = trace.ended.because
    if not any(one.name == "Finished" and one.sender == "server" for one in trace.events):
        return "unknown", None, because
    text = "the handshake was done without a CertificateRequest"
    return "not-asked", None, (Because(text, trace.source), *because)


def _refused_for_it(trace: Trace) -> bool:
    """Tell whether the server ended it after the empty Certificate and because of it."""
    if trace.ended.refused_by != "server" or trace.client_chain != ():
        return False
    alert = trace.ended.symptom.alert
    if alert is not None:
        return alert in _CERTIFICATE_ALERTS
    # Closed without a word. After TLS had accepted it, the server may have closed for anything.
    return trace.tickets == 0 and trace.ended.stage != "application"


def _sum(answer: Answer) -> tuple[object, ...]:
    asked_for = answer.asked
    lists = (asked_for.authorities_der, asked_for.schemes, asked_for.types) if asked_for else None
    # Types stand in TLS 1.2 alone, and what schemes there are depends on the version.
    return (answer.demand, answer.late, lists[0] if lists else None)


def _demands(answers: tuple[Answer, ...]) -> Table:
    rows = tuple(_row(one) for one in answers)
    columns = ("Server name sent", "TLS", "Client certificate", "CA list", "Shows", "Seen")
    return Table(columns, rows)


def _row(one: Answer) -> tuple[Inline, ...]:
    if one.asked is None:
        listed = ""
    else:
        count = len(one.asked.authorities)
        listed = f"{count} name{'s' * (count != 1)}" if count else "empty"
    words = one.demand.replace("-", " ")
    if one.level == "application":
        words += " by the application"
    words += ", late" if one.late else ""
    seen = "; ".join(because.text for because in one.because)
    shows = one.server.label if one.server else ""
    return one.named, one.tls, Badge(words, _TONES[one.demand]), listed, shows, seen


_Lists = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _grouped(answers: tuple[Answer, ...]) -> list[tuple[_Lists, list[Answer]]]:
    """Put together those that were asked the same."""
    groups: dict[_Lists, list[Answer]] = {}
    for one in answers:
        if one.asked is not None:
            lists = (one.asked.authorities, one.asked.schemes, one.asked.types)
            groups.setdefault(lists, []).append(one)
    return list(groups.items())


def _lists(lists: _Lists) -> tuple[Block, ...]:
    authorities, schemes, types = lists
    named: Block = Items(authorities or ("an empty list, which names no limit",))
    rows: list[tuple[Inline, ...]] = [("Signature schemes", grouped(schemes) or "none named")]
    if types:
        rows.append(("Certificate types", ", ".join(types)))
    return Section("Acceptable issuers (CA list)", (named,)), Table(("", "Asked for"), tuple(rows))
