"""What happened on one connection, in the words of RFC 8446 and RFC 5246.

Law of this room: an event is what was seen. What was not seen is None; what was seen to be empty
is an empty tuple; what was sealed and could not be opened is hidden, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from mtlskit.certs.certificate import Certificate
from mtlskit.material import Because, Failure, Side, Source, Target
from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain, by_fields
from mtlskit.page.shown import Shown
from mtlskit.trace import tell
from mtlskit.trace.inferred import Inferred
from mtlskit.trace.printed import PrintedCertificate
from mtlskit.trace.said import Said

if TYPE_CHECKING:
    from mtlskit.certs.offers import Wanted

Outcome = Literal["accepted", "refused", "unreachable", "undecided"]
RefusedBy = Literal["client", "server", "between"]
Stage = Literal[
    "connect",
    "hello",
    "server-certificate",
    "client-certificate",
    "after-handshake",
    "application",
]
Kind = Literal["message", "alert", "change-cipher-spec", "application", "hidden", "close", "note"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that one side did.

    Attributes:
        seconds: since the connection began; None where no clock was recorded.
        sender: who did it; None for a note of the recorder's own.
        kind: what sort of thing it was.
        name: the message's name in the RFC, the alert's name, or what closed.
        size: bytes of the message body, or of the sealed record.
        sealed: it travelled encrypted (and was opened with the key log, unless `kind` is hidden).
        expected: False for a message that has no place at this point of the handshake.
        body: the parsed message, where there is one.
    """

    sender: Side | None
    kind: Kind
    name: str
    source: Source
    seconds: float | None = None
    size: int = 0
    sealed: bool = False
    expected: bool = True
    note: str = ""
    body: object | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """The server's CertificateRequest (RFC 8446, 4.3.2; RFC 5246, 7.4.4).

    Attributes:
        authorities: distinguished names of acceptable issuers (RFC 4514); () is an empty list.
        authorities_der: the same names, DER, for comparison.
        schemes: names of the signature schemes that the client may sign with.
        types: TLS 1.2 certificate types; () in TLS 1.3, which has none.
    """

    authorities: tuple[str, ...]
    authorities_der: tuple[bytes, ...] = field(repr=False)
    schemes: tuple[str, ...]
    types: tuple[str, ...]
    source: Source

    def wanted(self, tls: str | None) -> Wanted:
        """Return the request as something that identities are held against."""
        from mtlskit.certs.offers import Wanted  # noqa: PLC0415 - a room that few readers need

        return Wanted(self.authorities_der, self.schemes, self.types, tls, self.source)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The first HTTP response that came after the handshake.

    Attributes:
        text: what a person would read of it: the title or first line of its body, cut short.
    """

    status: int
    reason: str
    server: str | None
    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Symptom:
    """What was seen of a failure. It names no cause.

    Attributes:
        alert: number of the fatal alert that ended it (RFC 8446, 6); None if none was seen.
        name: that alert's name.
        http: HTTP status of an application-level refusal.
        tcp: ``fin``, ``reset`` or ``deadline`` where that was all there was.
        tls: negotiated version, ``1.2`` or ``1.3``; None if none was agreed on.
    """

    alert: int | None = None
    name: str | None = None
    http: int | None = None
    tcp: str | None = None
    tls: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How the attempt ended, who refused whom, at which stage, and what says so."""

    outcome: Outcome
    refused_by: RefusedBy | None
    stage: Stage | None
    symptom: Symptom
    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class Trace(Shown):
    """One connection, told.

    Attributes:
        tls: negotiated version (``1.0`` to ``1.3``); None if the server never chose one.
        server_name: the SNI that the client sent; None if it sent none or was not seen.
        asked: what the server asked for; None if no CertificateRequest was seen.
        asking_hidden: True where a request may have been made but was sealed, lost or unreadable.
        server_chain: certificates that the server sent, leaf first; None if not seen.
        client_chain: certificates that the client sent; () an empty Certificate message;
            None if no such message was seen.
        proved: the client's CertificateVerify was seen.
        tickets: how many NewSessionTicket messages the server sent.
        expected_name: the name that the client meant to reach, whatever it sent as SNI.
        library: the TLS library's own words, in order, if it complained.
        failure: why no connection came about; None if one did.
        began: when the connection was begun, in UTC; None if nobody noted it.
        peer: the address and port that were really called; None if not known.
        own: the address and port from which the client called, as its own machine sees them.
        caller: the same, as the server's log tells them.
        clock: the time at which it began as a log prints it; what zone that is, only it can tell.
        randoms: the client's and the server's (RFC 8446, 4.1.2); None where not seen.
        views: what it was joined of, if several files show it; () it is one view alone.
        seen_by: the side whose log tells it; None: the wire itself.
        said: the phrases that were recognised in that log, in order.
        inferred: what the sizes and the order of sealed records tell; None: nothing was sealed, or
            all of it was opened. Never a fact.
        server_printed, client_printed: what a log prints of the certificates that were sent,
            whose bytes it does not carry; None where nothing of the kind was printed. The chains
            stay None unless the certificates are at hand (see `at_hand.joined`).
    """

    source: Source
    target: Target | None
    events: tuple[Event, ...] = field(repr=False)
    ended: Ended
    tls: str | None = None
    cipher: str | None = None
    server_name: str | None = None
    alpn: str | None = None
    asked: Asked | None = None
    asking_hidden: bool = False
    server_chain: tuple[Certificate, ...] | None = None
    client_chain: tuple[Certificate, ...] | None = None
    proved: bool = False
    tickets: int = 0
    resumed: bool = False
    http: HttpAnswer | None = None
    library: tuple[str, ...] = ()
    expected_name: str | None = None
    failure: Failure | None = None
    began: datetime | None = None
    peer: str | None = None
    own: str | None = None
    caller: str | None = None
    clock: str | None = None
    randoms: tuple[bytes | None, bytes | None] = field(default=(None, None), repr=False)
    views: tuple[Trace, ...] = field(default=(), repr=False)
    seen_by: Side | None = None
    said: tuple[Said, ...] = ()
    inferred: Inferred | None = None
    server_printed: tuple[PrintedCertificate, ...] | None = None
    client_printed: tuple[PrintedCertificate, ...] | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every place that shows it."""
        return tuple(one.source for one in self.views) or (self.source,)

    @property
    def asked_late(self) -> bool:
        """The server asked only after a first handshake, which was done without asking.

        By renegotiation (RFC 5246, 7.4.1.1) or post-handshake authentication (RFC 8446, 4.6.2).
        """
        names = [(one.sender, one.name) for one in self.events]
        asked, done = ("server", "CertificateRequest"), ("client", "Finished")
        return asked in names and done in names and names.index(done) < names.index(asked)

    @property
    def sent_certificate(self) -> bool | None:
        """Whether the client sent a certificate; None: neither seen nor printed."""
        for seen in (self.client_chain, self.client_printed):
            if seen is not None:
                return bool(seen)
        return True if self.proved else None

    @property
    def client_named(self) -> tuple[Certificate | PrintedCertificate, ...]:
        """What is known of the certificates that the client sent, its own first."""
        return self.client_chain or self.client_printed or ()

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program: its fields, and every event without its parsed message."""
        return by_fields(self, also=("events",))

    def page(self) -> Page:
        """Describe the connection: how it ended, then message by message."""
        return tell.page_of(self)
