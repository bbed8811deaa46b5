"""A recorded connection told as a `Trace`. Law of this room: nothing is judged before it is seen.

Bytes become messages in `wire`; here they become events in their order, with a note on each one
that had no place there, and the facts that the handshake settles: version, names, what was asked,
what was sent. How it ended is judged in `ending`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.distinguished import name_from
from mtlskit.material import Chunk, Remark, Side, Source, Tap, Target, Unreadable
from mtlskit.trace.ending import Signs, judge
from mtlskit.trace.events import Asked, Event, HttpAnswer, Kind, Trace
from mtlskit.trace.http import read_answer
from mtlskit.trace.inferred import Setting, infer
from mtlskit.trace.order import table_for
from mtlskit.wire import extensions, messages, names, prologue
from mtlskit.wire.conversation import (
    ApplicationData,
    ChangeCipherSpec,
    Conversation,
    Hidden,
    LeftOut,
    Lost,
    Malformed,
    NotTls,
    Seen,
)
from mtlskit.wire.unseal import KeyLog

_HANDSHAKE = 22
_ALERT = 21
_SPEAKERS = {
    "client": "client, before TLS",
    "server": "server, before TLS",
    "between": "proxy",
    None: "noted",
}
"""Who said a plain line; None: whoever recorded it."""
_ANSWER_KEPT = 65536
"""Bytes of application data from the server that are looked at for an HTTP answer."""


def follow(tap: Tap, key_log: KeyLog | None = None) -> Trace:
    """Tell the recorded connection; never fails, whatever bytes were recorded.

    Args:
        tap: what was recorded.
        key_log: the key log of `tap`, if it was read before: one may serve many connections.
    """
    story = _Story(tap, tap.target)
    chunks = story.before_tls()
    known = tap.secrets.lines if key_log is None else key_log
    conversation = Conversation(known, late=tap.late)
    for chunk in chunks:
        seen = conversation.gap(chunk.sender, chunk.gap, chunk.records) if chunk.gap else []
        seen += conversation.feed(chunk.sender, chunk.data)
        if seen:
            story.at(chunk)
        for one in seen:
            story.take(one)
    for one in conversation.end():
        story.take(one)
    return story.told()


@dataclass(slots=True)
class _Story:
    """What has been seen so far; the one mutable thing in this room."""

    tap: Tap
    target: Target | None
    seconds: float = 0.0
    number: int | None = None
    frame: Source | None = None
    state: str = "start"
    tls: str | None = None
    events: list[Event] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)
    client_hello: messages.ClientHello | None = None
    server_hello: messages.ServerHello | None = None
    asked: Asked | None = None
    asked_hidden: bool = False
    alpn: str | None = None
    chains: dict[Side, tuple[Certificate, ...]] = field(default_factory=dict)
    proved: bool = False
    tickets: int = 0
    answer: bytearray = field(default_factory=bytearray)
    answer_source: Source | None = None

    def before_tls(self) -> tuple[Chunk, ...]:
        """Tell what was said in plain text, as notes; return what is part of the handshake."""
        head, rest = ((), self.tap.chunks) if self.tap.late else prologue.split(self.tap.chunks)
        said = list(self.tap.prologue)
        if head:
            self.tap = replace(self.tap, chunks=rest)
            sample, size = prologue.sample(head), sum(len(one.data) for one in head)
            self.target = prologue.connected(sample) or self.target
            said.append(Remark(head[0].seconds, None, prologue.note(sample, size)))
        for one in said:
            source = self.tap.source.at("before TLS")
            name = _SPEAKERS[one.speaker]
            self.events.append(Event(None, "note", name, source, one.seconds, note=one.text))
        return rest

    def at(self, chunk: Chunk) -> None:
        """Go on to these bytes."""
        self.seconds, self.number = chunk.seconds, chunk.frame
        if chunk.frame is not None:
            self.frame = self.tap.source.at(f"frame {chunk.frame}")

    def take(self, seen: Seen) -> None:
        """Turn one thing seen on the wire into an event, and note what it settles."""
        seconds, source = self.seconds, self.frame
        if source is None:
            source = self.tap.source.at(f"{seen.sender} record {seen.record + 1}")
        taker = _TAKERS.get(type(seen.item), _Story._message)
        taker(self, seen, seen.item, seconds, source)

    def _changed(self, seen: Seen, item: ChangeCipherSpec, seconds: float, source: Source) -> None:
        self._note(seen, "change-cipher-spec", item.name, seconds, source)

    def _malformed(self, seen: Seen, item: Malformed, seconds: float, source: Source) -> None:
        self.signs.malformed = self.signs.malformed or str(item.error)
        self._missed(seen.sender)
        self._note(seen, "note", "unreadable", seconds, source, note=str(item.error))

    def told(self) -> Trace:
        """Judge the end and put everything together."""
        self._closing()
        http = self._http()
        hello = self.client_hello
        inferred = infer(self.events, self._setting())
        ended = judge(self.signs, self.tap, self.tls, http)
        if inferred and ended.outcome == "undecided":
            ended = replace(ended, because=(*ended.because, *inferred.because))
        return Trace(
            source=self.tap.source,
            target=self.target,
            events=tuple(self.events),
            ended=ended,
            inferred=inferred,
            tls=self.tls,
            cipher=names.cipher_name(self.server_hello.cipher_suite) if self.server_hello else None,
            server_name=hello.server_name if hello else None,
            alpn=self.alpn,
            asked=self.asked,
            asking_hidden=self._asking_hidden(),
            server_chain=self.chains.get("server"),
            client_chain=self.chains.get("client"),
            proved=self.proved,
            tickets=self.tickets,
            resumed=self.signs.resumed,
            http=http,
            library=self.tap.library,
            expected_name=self.tap.server_name,
            failure=self.tap.failure,
            began=self.tap.began,
            peer=self.tap.peer,
            own=self.tap.own,
            randoms=(
                hello.random if hello else None,
                self.server_hello.random if self.server_hello else None,
            ),
        )

    def _setting(self) -> Setting:
        """What sealed records are judged by."""
        hello, chosen, closing = self.client_hello, self.server_hello, self.tap.closing
        return Setting(
            tls=self.tls,
            cipher=names.cipher_name(chosen.cipher_suite) if chosen else None,
            resumed=self.signs.resumed,
            early=bool(hello and hello.extension(extensions.EARLY_DATA) is not None),
            raw_keys=bool(
                hello and hello.extension(extensions.CLIENT_CERTIFICATE_TYPE) is not None
            ),
            closed=closing is not None and closing.kind in {"fin", "reset"},
        )

    def _note(  # noqa: PLR0913 - the parts of an event
        self,
        seen: Seen,
        kind: Kind,
        name: str,
        seconds: float,
        source: Source,
        *,
        note: str = "",
        body: object | None = None,
        expected: bool = True,
    ) -> None:
        self.events.append(
            Event(
                seen.sender,
                kind,
                name,
                source,
                seconds,
                seen.size,
                seen.sealed,
                expected,
                note,
                body,
            )
        )

    def _message(self, seen: Seen, item: messages.Message, seconds: float, source: Source) -> None:
        following = table_for(self.tls).get(self.state, {}).get((seen.sender, item.name))
        self._learn(seen, item, source)
        expected = following is not None or self.signs.hidden > 0
        note = "" if expected else f"not expected at this point (state: {self.state})"
        self._note(
            seen, "message", item.name, seconds, source, note=note, body=item, expected=expected
        )
        if following is not None:
            self.state = following
        self.signs.message(seen.sender, item.name)

    def _learn(self, seen: Seen, item: messages.Message, source: Source) -> None:
        """Keep what this message settles."""
        match item:
            case messages.ClientHello():
                self.client_hello = self.client_hello or item
            case messages.ServerHello():
                self.server_hello = item
                self.tls = names.version_name(item.version)
                self.alpn = self.alpn or item.alpn
                self.signs.resumed = _resumes(item, self.client_hello, self.tls)
            case messages.EncryptedExtensions():
                self.alpn = item.alpn
            case messages.CertificateRequest():
                self.asked = asked_of(item, source)
            case messages.Certificate():
                self.chains[seen.sender] = _chain(item, source)
                # No client sends one that was not asked (RFC 8446, 4.4.2; RFC 5246, 7.4.6).
                self.asked_hidden = self.asked_hidden or seen.sender == "client"
            case messages.CertificateVerify():
                self.proved = self.proved or seen.sender == "client"
            case messages.NewSessionTicket():
                self.tickets += 1
            case _:
                pass

    def _alert(self, seen: Seen, item: messages.Alert, seconds: float, source: Source) -> None:
        late = self._closed_by_other(seen.sender)
        self.signs.alert(seen.sender, item, source, after_close=late, tls=self.tls)
        word = "fatal" if item.fatal else "warning"
        self._note(seen, "alert", item.name, seconds, source, note=word, body=item)

    def _closed_by_other(self, sender: Side) -> bool:
        """Tell whether the other side had closed before these bytes were written."""
        closing = self.tap.closing
        if closing is None or closing.sender in (None, sender) or closing.seconds is None:
            return False
        if closing.frame is not None and self.number is not None:
            return closing.frame < self.number
        return closing.seconds <= self.seconds

    def _hidden(self, seen: Seen, item: Hidden, seconds: float, source: Source) -> None:
        self.signs.hide(seen.sender, item.inner_type, tls=self.tls)
        self.asked_hidden = self.asked_hidden or (seen.sender == "server" and self.tls == "1.3")
        kinds = {_HANDSHAKE: "handshake message", _ALERT: "alert"}
        name = f"sealed {kinds.get(item.inner_type or 0, 'record')}"
        self._note(seen, "hidden", name, seconds, source, note=item.note)

    def _left_out(self, seen: Seen, item: LeftOut, seconds: float, source: Source) -> None:
        """Application data of a capture: that it was there counts, not what it was."""
        self.signs.application.add(seen.sender)
        note = f"{item.records} more records of {item.size} bytes, which were not kept"
        self._note(seen, "application", "application data", seconds, source, note=note)

    def _lost(self, seen: Seen, item: Lost, seconds: float, source: Source) -> None:
        self.signs.hide(seen.sender, None, tls=self.tls)
        if item.within in {None, _HANDSHAKE} or self.tls == "1.3":
            self._missed(seen.sender)
        note = f"{item.size} bytes were sent and are not in the capture"
        self._note(seen, "note", "not captured", seconds, source, note=note)

    def _missed(self, sender: Side) -> None:
        """What could not be read may hold the request, unless the server's flight was over."""
        self.asked_hidden = self.asked_hidden or (sender == "server" and not self._flight_over())

    def _flight_over(self) -> bool:
        return ("server", "ServerHelloDone") in self.signs.said or self.signs.finished("server")

    def _asking_hidden(self) -> bool:
        """Tell whether a request may have been made; in TLS 1.2 it follows the Certificate."""
        stopped = self.tls != "1.3" and "server" in self.chains and not self._flight_over()
        return self.asked is None and (self.asked_hidden or stopped)

    def _not_tls(self, seen: Seen, item: NotTls, seconds: float, source: Source) -> None:
        words = item.first_bytes[:60].replace(b"\r", b"\n").split(b"\n")[0].decode("latin-1")
        if self.signs.not_tls is None:
            self.signs.not_tls = (seen.sender, words)
            self._note(seen, "note", "not TLS", seconds, source, note=f"begins with {words!r}")

    def _application(
        self, seen: Seen, item: ApplicationData, seconds: float, source: Source
    ) -> None:
        if not item.data:
            return
        if seen.sender == "server":
            self.answer_source = self.answer_source or source
            self.answer += item.data[: max(0, _ANSWER_KEPT - len(self.answer))]
        if seen.sender == "client" or self.signs.finished("client"):
            # What a TLS 1.3 server sends before the client's Finished accepts nothing.
            self.signs.application.add(seen.sender)
        self._note(seen, "application", "application data", seconds, source)

    def _http(self) -> HttpAnswer | None:
        if self.answer_source is None:
            return None
        return read_answer(bytes(self.answer), self.answer_source)

    def _closing(self) -> None:
        closing = self.tap.closing
        words = {
            "fin": "closed the connection",
            "reset": "reset the connection",
            "deadline": "no answer before the deadline",
        }
        if closing is not None and closing.kind in words:
            self.events.append(
                Event(
                    closing.sender,
                    "close",
                    words[closing.kind],
                    self.tap.source,
                    seconds=closing.seconds,
                )
            )


_TAKERS: dict[type, Callable[..., None]] = {
    ApplicationData: _Story._application,  # noqa: SLF001 - a table of this class's own
    ChangeCipherSpec: _Story._changed,  # noqa: SLF001 - the same
    messages.Alert: _Story._alert,  # noqa: SLF001 - the same
    Hidden: _Story._hidden,  # noqa: SLF001 - the same
    Malformed: _Story._malformed,  # noqa: SLF001 - the same
    NotTls: _Story._not_tls,  # noqa: SLF001 - the same
    LeftOut: _Story._left_out,  # noqa: SLF001 - the same
    Lost: _Story._lost,  # noqa: SLF001 - the same
}
"""What takes each kind of thing; anything else is a handshake message."""


def _resumes(
    hello: messages.ServerHello, client: messages.ClientHello | None, tls: str | None
) -> bool:
    """TLS 1.2: the server echoes the session id (RFC 5246, 7.4.1.3); 1.3: it takes a PSK."""
    if tls == "1.3":
        return hello.preshared
    return bool(client and hello.session_id and hello.session_id == client.session_id)


def asked_of(item: messages.CertificateRequest, source: Source) -> Asked:
    """Tell what a CertificateRequest asks for, by names."""
    return Asked(
        authorities=tuple(_dn(one) for one in item.authorities),
        authorities_der=item.authorities,
        schemes=tuple(names.scheme_name(one) for one in item.schemes),
        types=tuple(names.client_certificate_type_name(one) for one in item.types),
        source=source,
    )


def _dn(der: bytes) -> str:
    """Tell a distinguished name; one that cannot be read is told in hex."""
    try:
        return str(name_from(der))
    except ValueError:
        return f"unreadable name {der[:32].hex()}"


def _chain(item: messages.Certificate, source: Source) -> tuple[Certificate, ...]:
    """Read what was sent; a certificate that cannot be read is left to its event's body."""
    chain = []
    for number, (der, _) in enumerate(item.entries):
        try:
            chain.append(read_certificate(der, source.at(f"certificate {number + 1}")))
        except Unreadable:
            continue
    return tuple(chain)
