"""One connection as a program's own transcript tells it: the messages it names, the end it saw.

Law of this file: what was not printed is not known. The end is judged by the same signs as for a
capture; where these do not decide, by the phrases in the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mtlskit.certs.certificate import Certificate
from mtlskit.material import Chunk, Closing, Side, Source, Tap, Target
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.phrases import phrase
from mtlskit.trace.dialects.sense import Sense, sense
from mtlskit.trace.ending import Signs, judge
from mtlskit.trace.events import Asked, Ended, Event, HttpAnswer, Kind, Trace
from mtlskit.trace.http import read_answer
from mtlskit.trace.order import table_for
from mtlskit.trace.printed import PrintedCertificate, printed_name
from mtlskit.trace.said import Said
from mtlskit.wire import messages, names
from mtlskit.wire.items import Alert

_FATAL, _WARNING = 2, 1
_DECODE_ERROR = 50
_MOST = 400
"""Events and phrases of one connection that are kept."""
_PAGE_LINES = 60
OTHER: dict[Side, Side] = {"client": "server", "server": "client"}


@dataclass(slots=True)
class Transcript:
    """What has been read of one connection.

    Attributes:
        side: whose transcript it is.
        shows_messages: it names the handshake messages, so that a missing one was not sent.
        asks: the server asked for a certificate; None: that was not told.
        flight_over: the server's flight was told to its end.
        settled: the program told version and cipher as agreed on.
        page: the lines of an HTTP answer, from its status line on.
    """

    side: Side
    source: Source
    state: str = "start"
    tls: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    server_name: str | None = None
    expected_name: str | None = None
    target: Target | None = None
    peer: str | None = None
    own: str | None = None
    events: list[Event] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)
    asked: Asked | None = None
    asks: bool | None = None
    flight_over: bool = False
    shows_messages: bool = False
    settled: bool = False
    chains: dict[Side, tuple[Certificate, ...]] = field(default_factory=dict)
    printed: dict[Side, tuple[PrintedCertificate, ...]] = field(default_factory=dict)
    proved: bool = False
    tickets: int = 0
    resumed: bool = False
    closing: Closing | None = None
    said: list[Said] = field(default_factory=list)
    page: list[str] = field(default_factory=list)
    page_at: Source | None = None

    def message(  # noqa: PLR0913 - the parts of an event
        self,
        sender: Side,
        name: str,
        at: Source,
        *,
        size: int = 0,
        note: str = "",
        body: object | None = None,
    ) -> None:
        """Take one handshake message."""
        self.shows_messages = True
        following = table_for(self.tls).get(self.state, {}).get((sender, name))
        self.state = following or self.state
        self.signs.message(sender, name)
        self.proved = self.proved or (sender, name) == ("client", "CertificateVerify")
        self.tickets += name == "NewSessionTicket"
        if (sender, name) == ("server", "CertificateRequest"):
            self.asks = True
        if sender == "server" and name in ("ServerHelloDone", "Finished"):
            self.flight_over = True
        self._add(sender, "message", name, at, size=size, note=note, body=body)

    def ticket(self, at: Source) -> None:
        """Take a session ticket, told outside the handshake."""
        self.tickets += 1
        self.signs.late_ticket = True
        self._add("server", "message", "NewSessionTicket", at)

    def alert(self, sender: Side, number: int, at: Source, *, fatal: bool = True) -> None:
        """Take an alert; the same one told twice is one."""
        said = self.signs.fatal
        if said is not None and (said[0], said[1].description) == (sender, number):
            return
        if number == 0 and sender in self.signs.goodbye:
            return
        item = Alert(_FATAL if fatal else _WARNING, number)
        late = self.closing is not None and self.closing.sender == OTHER[sender]
        self.signs.alert(sender, item, at, after_close=late, tls=self.tls)
        self._add(sender, "alert", item.name, at, note="fatal" if item.fatal else "warning")

    def _complete(self) -> None:
        """Add what must have been sent, where the program named no messages."""
        if self.shows_messages or not self.settled:
            return
        refused = self.signs.fatal is not None and self.signs.fatal[0] == "server"
        # OpenSSL names version and cipher as settled although the handshake was broken off.
        refused = refused or any(phrase(one.phrase).tcp for one in self.said)
        if refused and self.tls != "1.3" and not self.page:
            # The server spoke after the client's flight, in which its verdict was due.
            self.signs.said.add(("client", "ClientKeyExchange"))
            return
        self.signs.said.add(("client", "Finished"))
        if self.tls != "1.3":
            self.signs.said.add(("server", "Finished"))

    def close(self, sender: Side | None, kind: str, at: Source) -> None:
        """Take the end of the TCP connection; the first one told counts."""
        if self.closing is None and kind in ("fin", "reset"):
            self.closing = Closing(sender, kind)  # type: ignore[arg-type] # one of the two above
            words = "reset the connection" if kind == "reset" else "closed the connection"
            self._add(sender, "close", words, at)

    def say(self, said: Sequence[Said]) -> None:
        """Keep recognised phrases; this transcript's writer is known."""
        for one in said:
            if len(self.said) < _MOST:
                self.said.append(replace(one, speaker=one.speaker or self.side))

    def read_page(self, line: str, at: Source) -> bool:
        """Take a line of an HTTP answer; False: it is none."""
        if not self.page and not line.startswith(("HTTP/1.", "HTTP/2 ")):
            return False
        self.page_at = self.page_at or at
        if len(self.page) < _PAGE_LINES:
            self.page.append(line)
        return True

    def list_asked(
        self, listed: Sequence[str], schemes: Sequence[str], types: Sequence[str], at: Source
    ) -> None:
        """Take what the server asked for, as it was printed."""
        read = [printed_name(one) for one in listed]
        self.asks = True
        self.asked = Asked(
            authorities=tuple(
                str(name) if name else text for name, text in zip(read, listed, strict=True)
            ),
            authorities_der=tuple(one.der for one in read if one is not None),
            schemes=tuple(schemes),
            types=tuple(types),
            source=at,
        )

    def told(self) -> Trace:
        """Judge the end and put everything together."""
        http = self._http()
        client = self._sent()
        self._complete()
        self._hear_echo()
        return Trace(
            source=self.source,
            target=self.target,
            events=tuple(self.events),
            ended=self._ended(http),
            tls=self.tls,
            cipher=self.cipher,
            server_name=self.server_name,
            alpn=self.alpn,
            asked=self.asked,
            asking_hidden=self.asked is None and not self._unasked(),
            server_chain=self.chains.get("server"),
            client_chain=client,
            proved=self.proved,
            tickets=self.tickets,
            resumed=self.resumed,
            http=http,
            expected_name=self.expected_name,
            peer=self.peer,
            own=self.own,
            seen_by=self.side,
            randoms=self._randoms(),
            said=tuple(self.said),
            server_printed=self.printed.get("server"),
            client_printed=self.printed.get("client"),
        )

    def _randoms(self) -> tuple[bytes | None, bytes | None]:
        """Those of the hellos whose bytes are in the transcript."""
        bodies = [one.body for one in self.events]
        client = next((one.random for one in bodies if isinstance(one, messages.ClientHello)), None)
        server = next((one.random for one in bodies if isinstance(one, messages.ServerHello)), None)
        return client, server

    def _hear_echo(self) -> None:
        """Take decode_error after the other side's silent close for what it is: a complaint of it.

        OpenSSL 3 writes that alert before it reports the unexpected end.
        """
        fatal = self.signs.fatal
        if fatal is None or (fatal[0], fatal[1].description) != (self.side, _DECODE_ERROR):
            return
        ends = [one for one in self.said if one.phrase == "openssl.unexpected-eof"]
        if ends:
            self.signs.echo = True
            self.close(OTHER[self.side], "fin", ends[0].source)

    def _unasked(self) -> bool:
        """Tell whether the server's flight was told whole, and held no request."""
        return self.shows_messages and self.flight_over and self.asks is None

    def _sent(self) -> tuple[Certificate, ...] | None:
        """Return what the client sent; () where it is told that it was nothing."""
        known = self.chains.get("client")
        if known is not None:
            return known
        none_told = any(sense(one).phrase.sent == "none" for one in self.said)
        message = ("client", "Certificate") in self.signs.said
        # A certificate is followed by its proof (RFC 8446, 4.4.3), unless the log is cut before it.
        unproved = message and not self.proved and ("client", "Finished") in self.signs.said
        return () if none_told or (self.shows_messages and unproved) else None

    def _http(self) -> HttpAnswer | None:
        if not self.page or self.page_at is None:
            return None
        self.signs.application.add("server")
        head = self.page[0].replace("HTTP/2 ", "HTTP/1.1 ", 1)
        text = "\r\n".join((head, *self.page[1:])) + "\r\n"
        return read_answer(text.encode("utf-8", "replace"), self.page_at)

    def _ended(self, http: HttpAnswer | None) -> Ended:
        heard = {one.sender for one in self.events} | {side for side, _ in self.signs.said}
        spoke = self.tls is not None or "server" in heard
        chunks = (Chunk(0.0, "server", b""),) if spoke else ()
        tap = Tap(self.source, chunks=chunks, closing=self.closing)
        ended = judge(self.signs, tap, self.tls, http)
        vague = ended.outcome == "undecided" or (
            ended.outcome == "refused" and ended.refused_by is None
        )
        by_phrases = trace_of(self._senses(), self.source, tls=self.tls)
        told = by_phrases.ended if by_phrases is not None else None
        if self._regretted(ended, told):
            return told or ended
        if not vague:
            return ended
        if told is None or (told.refused_by is None and ended.outcome != "undecided"):
            return ended
        return told

    def _senses(self) -> list[Sense]:
        """What the phrases say, without the alert that was only an echo of a close."""
        told = [sense(one) for one in self.said]
        if not self.signs.echo:
            return told
        return [one for one in told if one.alert is None or one.alert.number != _DECODE_ERROR]

    def _regretted(self, ended: Ended, told: Ended | None) -> bool:
        """Tell whether the writer refused a handshake that it had finished before it verified."""
        asked = self.signs.application or self.page
        return (
            ended.outcome == "accepted"
            and not asked
            and told is not None
            and (told.outcome, told.refused_by) == ("refused", self.side)
        )

    def _add(  # noqa: PLR0913 - the parts of an event
        self,
        sender: Side | None,
        kind: Kind,
        name: str,
        at: Source,
        *,
        size: int = 0,
        note: str = "",
        body: object | None = None,
    ) -> None:
        if len(self.events) < _MOST:
            self.events.append(Event(sender, kind, name, at, size=size, note=note, body=body))


def alert_number(name: str) -> int | None:
    """Return the number of an alert by the RFC's name, with blanks or underscores."""
    wanted = name.strip().lower().replace(" ", "_")
    return next((code for code, known in names.table("alerts").items() if known == wanted), None)
