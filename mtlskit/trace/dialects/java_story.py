"""One connection as a Java debug log tells it. Law of this file: what was not printed is not known.

The order of the messages is that of the handshake's own table; how the connection ended is judged
by the same signs as for a capture. A log tells more than the wire in two things: what its own side
decided, and why; and less in one: an alert that was lost is not in it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

from mtlskit.material import Because, Chunk, Closing, Side, Source, Tap
from mtlskit.trace.dialects import java_blocks as blocks
from mtlskit.trace.dialects.java_phrases import Ending, heard
from mtlskit.trace.ending import Signs, judge
from mtlskit.trace.events import Asked, Ended, Event, Kind, Symptom, Trace
from mtlskit.trace.order import table_for
from mtlskit.trace.printed import PrintedCertificate, moment, printed_name
from mtlskit.trace.said import Said
from mtlskit.wire import names
from mtlskit.wire.items import Alert

_ALERTS = {name: number for number, name in names.table("alerts").items()}
_FATAL, _WARNING = 2, 1
_MOST_EVENTS = 400
"""Events of one connection that are kept; what a long connection says after is of no interest."""
_MOST_WORDS = 12
_NONE_OFFERED = ("No X.509 cert", "No available", "Warning: no suitable certificate")
"""How the key manager says that it found no certificate to offer."""


def other(side: Side) -> Side:
    """Give the peer's side."""
    return "server" if side == "client" else "client"


@dataclass(slots=True)
class Story:
    """What has been read of one connection.

    Attributes:
        side: whose log it is.
        source: the line at which it begins in the log.
        begun: its ClientHello was seen; False: the log begins in the middle of it.
        clock: the time of its first line, as printed.
        randoms: those of the hellos, by message name.
        unread: there was a CertificateRequest, but its block was cut.
        whole: the server's flight was seen to its end, so what it did not hold was not sent.
    """

    side: Side
    source: Source
    begun: bool = True
    clock: str | None = None
    randoms: dict[str, bytes] = field(default_factory=dict)
    state: str | None = "start"
    tls: str | None = None
    cipher: str | None = None
    events: list[Event] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)
    client_hello: blocks.Hello | None = None
    session: str | None = None
    asked: Asked | None = None
    unread: bool = False
    whole: bool = False
    alpn: str | None = None
    printed: dict[Side, tuple[PrintedCertificate, ...]] = field(default_factory=dict)
    proved: bool = False
    tickets: int = 0
    closing: Closing | None = None
    spoke: bool = False
    words: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def as_it_is(self) -> Story:
        """Give a copy that what follows does not change."""
        same = copy.copy(self)
        same.events, same.words = self.events.copy(), self.words.copy()
        same.said, same.randoms = self.said.copy(), self.randoms.copy()
        same.printed, same.signs = self.printed.copy(), copy.copy(self.signs)
        for name in ("goodbye", "said", "application", "sealed_from", "hidden_finished"):
            setattr(same.signs, name, set(getattr(self.signs, name)))
        return same

    def likeness(self) -> tuple[object, ...]:
        """Give all that is known of it but its place: two alike may be taken for each other."""
        hello, asked = self.client_hello, self.asked
        return (
            *(self.side, self.begun, self.state, self.tls, self.cipher, self.alpn, self.whole),
            hello.server_name if hello else None,
            asked and (asked.authorities, asked.schemes, asked.types),
            *(self._shown(side) for side in ("client", "server")),
            *(self.signs.resumed, self.proved, tuple(self.words), self.closing),
        )

    def _shown(self, side: Side) -> tuple[tuple[object, ...], ...] | None:
        chain = self.printed.get(side)
        if chain is None:
            return None
        return tuple((one.subject, one.issuer, one.serial) for one in chain)

    @property
    def open(self) -> bool:
        """Whether the handshake is under way: neither refused, nor ended, nor done."""
        return self.signs.fatal is None and self.closing is None and self.state != "done"

    @property
    def well(self) -> bool:
        """Whether it went well as far as it was told."""
        return self.state == "done" and self.signs.fatal is None and self.closing is None

    def expects(self, sender: Side, name: str) -> bool:
        """Tell whether this message may come next."""
        if self.signs.fatal is not None or self.closing is not None:
            return False
        if self.state is None:
            return name != "ClientHello"
        return (sender, name) in table_for(self.tls).get(self.state, {})

    def message(self, sender: Side, name: str, shown: blocks.Block, at: Source) -> None:
        """Take one handshake message and what its block shows."""
        self.spoke = self.spoke or sender == "server"
        note = self._learn(sender, name, shown, at)
        expected = True
        if self.state is None:
            self.state = _state_after(self.tls, sender, name)
        else:
            following = table_for(self.tls).get(self.state, {}).get((sender, name))
            expected = following is not None
            self.state = following or self.state
        if not expected:
            note = "; ".join(filter(None, (note, "not expected at this point")))
        self._add(sender, "message", name, at, note=note, expected=expected)
        self.signs.message(sender, name)
        if name in {"ServerHelloDone", "Finished"} and self.begun:
            self.whole = self.whole or sender == "server"

    def _learn(self, sender: Side, name: str, shown: blocks.Block, at: Source) -> str:
        """Keep what the message settles, and give what to note beside it."""
        self.proved = self.proved or (sender, name) == ("client", "CertificateVerify")
        self.tickets += name == "NewSessionTicket"
        if isinstance(shown, blocks.Request):
            return self._request(shown, at)
        if isinstance(shown, blocks.Hello):
            return self._hello(name, shown)
        return self._certificate(sender, shown) if name == "Certificate" else ""

    def _hello(self, name: str, hello: blocks.Hello) -> str:
        self.alpn = hello.alpn if name != "ClientHello" and hello.alpn else self.alpn
        if hello.random:
            self.randoms.setdefault(name, hello.random)
        if name == "ServerHello":
            return self._server_hello(hello)
        return self._client_hello(hello) if name == "ClientHello" else ""

    def negotiated(self, text: str) -> None:
        """Take the version that the log names in a line of its own."""
        self.tls = self.tls or blocks.version_in(text)

    def _client_hello(self, hello: blocks.Hello) -> str:
        self.client_hello = self.client_hello or hello
        return f"server name {hello.server_name}" if hello.server_name else "no server name"

    def _server_hello(self, hello: blocks.Hello) -> str:
        self.tls = hello.tls or self.tls
        self.cipher = hello.suite or self.cipher
        if self.tls == "1.3":
            self.signs.resumed = hello.resumes
        elif hello.session and self.client_hello is not None:
            self.signs.resumed = hello.session == self.client_hello.session
        return f"TLS {self.tls}, {self.cipher}" if self.tls and self.cipher else ""

    def _request(self, request: blocks.Request, at: Source) -> str:
        if request.authorities is None:
            self.unread = True
            return "asks for a client certificate; the log is cut within"
        listed = request.authorities
        read = [printed_name(one) for one in listed]
        self.asked = Asked(
            authorities=listed,
            authorities_der=tuple(one.der for one in read if one is not None),
            schemes=request.schemes or (),
            types=request.types,
            source=at,
        )
        count = len(listed)
        return f"asks for a client certificate; {count} acceptable issuer{'s' * (count != 1)} named"

    def _certificate(self, sender: Side, printed: tuple[PrintedCertificate, ...] | None) -> str:
        if printed is None:
            return "its certificates were not printed"
        self.printed[sender] = printed
        count = len(printed)
        return f"{count} certificate{'s' * (count != 1)}" if count else "empty: no certificate"

    def sent_none(self) -> None:
        """Take words that say outright that the client's Certificate message was empty."""
        self.printed.setdefault("client", ())

    def alert(self, sender: Side, level: str, name: str, at: Source, *, note: str = "") -> None:
        """Take an alert; the same one told twice is one."""
        number = _ALERTS.get(name)
        said = self.signs.fatal
        if number is None or (said is not None and said[0] == sender):
            return
        if number == 0 and sender in self.signs.goodbye:
            return
        item = Alert(_FATAL if level == "fatal" else _WARNING, number)
        late = self.closing is not None and self.closing.sender == other(sender)
        self.signs.alert(sender, item, at, after_close=late, tls=self.tls)
        self.spoke = self.spoke or sender == "server"
        self._add(sender, "alert", name, at, note="; ".join(filter(None, (level, note))))

    def close(self, sender: Side | None, kind: Ending, words: str, at: Source) -> None:
        """Take the end of the TCP connection; the first one told counts."""
        if self.closing is None:
            self.closing = Closing(sender, kind)
            self._add(sender, "close", words, at)

    def say(self, words: str, at: Source, *, means: str = "") -> None:
        """Keep the library's own words; what they mean becomes a note, if it is known."""
        if words not in self.words and len(self.words) < _MOST_WORDS:
            self.words.append(words)
            if means:
                self._add(None, "note", means, at, note=words)

    def hear(self, text: str, at: Source) -> None:
        """Keep the phrases that a line holds which are known of Java; each of them once."""
        known = {one.phrase for one in self.said}
        for one in heard(text):
            if one.phrase not in known and len(self.said) < _MOST_WORDS:
                self.said.append(replace(one, speaker=self.side, source=at))

    def _add(  # noqa: PLR0913 - the parts of an event
        self,
        sender: Side | None,
        kind: Kind,
        name: str,
        at: Source,
        *,
        note: str = "",
        expected: bool = True,
    ) -> None:
        if len(self.events) < _MOST_EVENTS:
            self.events.append(Event(sender, kind, name, at, note=note, expected=expected))

    def told(self, *, doubt: bool = False) -> Trace:
        """Judge the end and put everything together."""
        hello = self.client_hello
        client, server = self.printed.get("client"), self.printed.get("server")
        return Trace(
            source=self.source,
            target=None,
            events=tuple(self.events),
            ended=self._doubtful() if doubt else self._with_withheld(self._ended()),
            tls=self.tls,
            cipher=self.cipher,
            server_name=hello.server_name if hello else None,
            alpn=self.alpn,
            asked=self.asked,
            asking_hidden=self.asked is None and (self.unread or not self.whole),
            client_chain=() if client == () else None,
            proved=self.proved,
            tickets=self.tickets,
            resumed=self.signs.resumed,
            library=tuple(self.words),
            said=tuple(self.said),
            seen_by=self.side,
            began=moment(self.clock) if self.clock else None,
            clock=self.clock,
            randoms=(self.randoms.get("ClientHello"), self.randoms.get("ServerHello")),
            server_printed=server,
            client_printed=client,
        )

    def _ended(self) -> Ended:
        """Judge by the signs of the wire, then by what only a log tells."""
        chunks = (Chunk(0.0, "server", b""),) if self.spoke else ()
        tap = Tap(self.source, chunks=chunks, closing=self.closing)
        ended = judge(self.signs, tap, self.tls, None)
        if ended.outcome == "accepted" and self.side == "client":
            return self._unanswered()
        if self._cut():
            return self._stopped()
        if ended.outcome == "undecided" and self._taken():
            text = "the server took the client's Finished and did not complain in its own log"
            return Ended(
                "accepted", None, None, Symptom(tls=self.tls), (Because(text, self.source),)
            )
        if ended.outcome == "undecided" and self.closing and self.closing.sender == "client":
            text = "the client ended the connection, and no alert of it is in the log"
            tcp = Symptom(tcp=self.closing.kind, tls=self.tls)
            return Ended("undecided", None, None, tcp, (Because(text, self.source),))
        if ended.outcome == "undecided" and not self.begun:
            text = "the log begins in the middle of this connection"
            return replace(ended, because=(*ended.because, Because(text, self.source)))
        return ended

    def _unanswered(self) -> Ended:
        """The handshake was done: a server may still refuse in what its application answers."""
        text = "both sides finished the handshake"
        if self.tls == "1.3" and self.signs.late_ticket:
            text += ", and the server sent a session ticket"
        text += "; what the application answered is not in this log"
        symptom = Symptom(tls=self.tls)
        because = (Because(text, self.source),)
        return Ended("undecided", None, "after-handshake", symptom, because)

    def _cut(self) -> bool:
        """Tell whether the log stops in the handshake: nobody refused, ended it or was done."""
        finished = self.signs.finished("client") and self.signs.finished("server")
        quiet = self.signs.fatal is None and self.signs.gave_up is None
        return quiet and self.closing is None and not finished

    def _stopped(self) -> Ended:
        """A log that was cut proves nothing of what came after; so no stage is named."""
        last = next((one.name for one in reversed(self.events) if one.kind == "message"), None)
        text = "the log stops in the middle of the handshake"
        text += f", after the {last}" if last else ""
        if not self.begun:
            text += "; it begins in the middle of this connection, too"
        symptom = Symptom(tls=self.tls)
        return Ended("undecided", None, None, symptom, (Because(text, self.source),))

    def _with_withheld(self, ended: Ended) -> Ended:
        """Say why none was sent, where the key manager does: it is asked before the message."""
        notes = [one for one in self.events if one.note.startswith(_NONE_OFFERED)]
        if not notes or self.printed.get("client") != () or ended.refused_by == "client":
            return ended
        text = f"the client offered no certificate; its log says {notes[0].note!r}"
        return replace(ended, because=(*ended.because, Because(text, notes[0].source)))

    def _taken(self) -> bool:
        done = self.signs.finished("client") and self.signs.finished("server")
        return self.side == "server" and done and self.closing is None

    def _doubtful(self) -> Ended:
        text = "several connections overlap here, and the log does not tell which of them went on"
        symptom = Symptom(tls=self.tls)
        return Ended("undecided", None, None, symptom, (Because(text, self.source),))


def _state_after(tls: str | None, sender: Side, name: str) -> str | None:
    """Find the state that a message leads to when its beginning was not seen; None: several."""
    leads = {steps[sender, name] for steps in table_for(tls).values() if (sender, name) in steps}
    return leads.pop() if tls is not None and len(leads) == 1 else None
