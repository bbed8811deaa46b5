"""How a connection ended: who refused whom, at which stage, and what says so.

Law of this room: the judgement names what it rests on, and where the record does not carry the
answer it is `undecided`. In TLS 1.3 a client is done before the server has looked at its
certificate (RFC 8446, 4.4.4), so a finished handshake alone is no acceptance there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mtlskit.material import Because, Side, Source, Tap
from mtlskit.trace.events import Ended, HttpAnswer, Outcome, RefusedBy, Stage, Symptom
from mtlskit.wire.messages import Alert

_CLOSE_NOTIFY, _HANDSHAKE_FAILURE = 0, 40
_NO_ERRORS = frozenset({_CLOSE_NOTIFY, 90})
"""close_notify and user_canceled say that a side is done, not that something is wrong."""
_OF_A_CLOSE: dict[Side, frozenset[int]] = {
    "server": frozenset({10, 50}),
    "client": frozenset({10, 40, 50}),
}
"""What a side complains of when the other one closed: unexpected_message or decode_error; and Java
clients, which call every end of a handshake handshake_failure. Any other alert is about itself."""
_CERTIFICATE_PAGES = (
    "no required ssl certificate was sent",
    "the ssl certificate error",
    "client certificate",
    "certificate required",
)
"""Words by which an error page tells that it is about the client's certificate."""
_FORBIDDEN = frozenset({401, 403})
_MISDIRECTED = 421
_CERTIFICATE_STATUS = frozenset({495, 496})
"""nginx's own codes for a certificate error and a missing certificate."""


@dataclass(slots=True)
class Signs:
    """What the end is judged by, gathered while the messages pass."""

    fatal: tuple[Side, Alert, Source] | None = None
    echo: bool = False
    goodbye: set[Side] = field(default_factory=set)
    gave_up: Source | None = None
    late_ticket: bool = False
    said: set[tuple[Side, str]] = field(default_factory=set)
    application: set[Side] = field(default_factory=set)
    hidden: int = 0
    sealed_from: set[Side] = field(default_factory=set)
    hidden_finished: set[Side] = field(default_factory=set)
    sealed_data: set[Side] = field(default_factory=set)
    sealed_alerts: list[Side] = field(default_factory=list)
    malformed: str | None = None
    not_tls: tuple[Side, str] | None = None
    resumed: bool = False

    def message(self, sender: Side, name: str) -> None:
        """Note a handshake message."""
        self.said.add((sender, name))
        if (sender, name) == ("server", "NewSessionTicket") and self.finished("client"):
            # A ticket sent earlier (RFC 8446, 4.6.1) says nothing of the client's certificate.
            self.late_ticket = True

    def alert(
        self, sender: Side, item: Alert, source: Source, *, after_close: bool, tls: str | None
    ) -> None:
        """Note an alert; the first one that ends a connection counts.

        In TLS 1.3 the description alone decides (RFC 8446, 6); before, the level does.
        """
        if item.description == _CLOSE_NOTIFY:
            self.goodbye.add(sender)
            if sender == "client" and not (after_close or self.finished("client")):
                self.gave_up = source
        ends = item.description not in _NO_ERRORS and (tls == "1.3" or item.fatal)
        if ends and self.fatal is None:
            self.fatal = (sender, item, source)
            # OpenSSL 3 sends decode_error when the other side has closed: that refuses nobody.
            of_close = item.description in _OF_A_CLOSE[sender]
            self.echo = after_close and (of_close or self._waited_in_vain(sender, item))

    def _waited_in_vain(self, sender: Side, item: Alert) -> bool:
        """Tell whether a server complains of a client that left instead of giving its flight.

        Java servers, too, call that handshake_failure; there was nothing yet to be refused.
        """
        asked = self.said & {("server", "Finished"), ("server", "ServerHelloDone")}
        flight = {("client", one) for one in ("Certificate", "ClientKeyExchange", "Finished")}
        answered = self.said & flight or "client" in self.sealed_from
        waited = sender == "server" and bool(asked) and not answered
        return waited and item.description == _HANDSHAKE_FAILURE

    def hide(self, sender: Side, inner_type: int | None, *, tls: str | None) -> None:
        """Note a sealed record that could not be opened."""
        self.hidden += 1
        self.sealed_from.add(sender)
        if tls != "1.3" and inner_type == 22:  # noqa: PLR2004 - handshake, RFC 5246, 6.2.1
            self.hidden_finished.add(sender)
        if tls not in {None, "1.3"} and inner_type == 23:  # noqa: PLR2004 - application data, the same
            self.sealed_data.add(sender)
        if tls not in {None, "1.3"} and inner_type == 21:  # noqa: PLR2004 - alert, the same
            self.sealed_alerts.append(sender)

    def finished(self, side: Side) -> bool:
        """Tell whether this side's Finished was seen, or in TLS 1.2 must have been in a record."""
        return (side, "Finished") in self.said or side in self.hidden_finished


def judge(signs: Signs, tap: Tap, tls: str | None, http: HttpAnswer | None) -> Ended:
    """Judge how the attempt ended."""
    court = _Court(signs, tap, tls)
    return (
        court.no_connection()
        or court.not_tls()
        or court.by_alert(http)
        or court.by_answer(http)
        or court.by_giving_up()
        or court.by_silence()
        or court.by_completion()
        or court.by_deadline()
    )


@dataclass(frozen=True, slots=True)
class _Court:
    signs: Signs
    tap: Tap
    tls: str | None

    def no_connection(self) -> Ended | None:
        failure = self.tap.failure
        if failure is None:
            return None
        if failure.kind == "declined":
            return self._end("refused", failure.by, "connect", failure.text)
        return self._end("unreachable", None, "connect", f"no connection: {failure.text}")

    def not_tls(self) -> Ended | None:
        if self.signs.not_tls is None or self.tls is not None:
            return None
        side, words = self.signs.not_tls
        return self._end("refused", None, "hello", f"the {side}'s bytes are not TLS: {words!r}")

    def by_alert(self, http: HttpAnswer | None) -> Ended | None:
        if self.signs.fatal is None or self.signs.echo or http is not None:
            return None
        side, alert, source = self.signs.fatal
        text = f"the {side} sent a fatal alert: {alert.name} ({alert.description})"
        stage = self._stage_of_server() if side == "server" else self._stage_of_client()
        return self._end("refused", side, stage, text, source, alert=alert)

    def by_answer(self, http: HttpAnswer | None) -> Ended | None:
        if http is None:
            if "server" not in self.signs.application:
                return None
            return self._end("accepted", None, None, "the server sent application data")
        said = f"the server answered HTTP {http.status} {http.reason}".rstrip()
        said += f": {http.text!r}" if http.text else ""
        if refuses(http):
            return self._end("refused", "server", "application", said, http.source, http=http)
        return self._end("accepted", None, None, said, http.source, http=http)

    def by_giving_up(self) -> Ended | None:
        """The client took its leave in the middle of the handshake, before the server did."""
        if self.tls is None or self.signs.gave_up is None:
            return None
        text = "the client ended the handshake in its midst, saying no more than close_notify"
        return self._end("refused", "client", self._stage_of_client(), text, self.signs.gave_up)

    def by_silence(self) -> Ended | None:
        closing = self.tap.closing
        if closing is None or closing.kind not in ("fin", "reset"):
            return None
        if closing.sender == "client" or self._done_and_content():
            return None
        how = "closed the connection" if closing.kind == "fin" else "reset the connection"
        if "server" in self.signs.sealed_from:
            text = f"the server {how}; what it said before is sealed, and no key log opens it"
            return self._end("undecided", None, self._stage_of_server(), text, tcp=closing.kind)
        if self.tls is None:
            text = f"the connection was {'closed' if closing.kind == 'fin' else 'reset'}"
            spoke = any(one.sender == "server" for one in self.tap.chunks)
            text += (
                " before a version was agreed on" if spoke else " before the server said anything"
            )
            return self._end("refused", None, "hello", text, tcp=closing.kind)
        text = f"the server {how} {self._last_words()}"
        return self._end("refused", "server", self._stage_of_server(), text, tcp=closing.kind)

    def _last_words(self) -> str:
        """Tell what a server said that closed without a complaint."""
        if not self._accepted_by_tls():
            return "without an alert"
        goodbye = ", saying no more than close_notify" if "server" in self.signs.goodbye else ""
        return (
            f"without an answer, after its TLS had accepted the handshake{goodbye}; a server that "
            "does not speak HTTP does so too"
        )

    def _accepted_by_tls(self) -> bool:
        if self.tls == "1.3":
            return self.signs.late_ticket
        return self.signs.finished("server") and self.signs.finished("client")

    def by_completion(self) -> Ended | None:
        if self.tls is None or not self._accepted_by_tls():
            return None
        text = "both sides finished the handshake"
        if self.tls == "1.3":
            text = "the server sent a session ticket after the client's Finished"
        if self._left_at_once():
            text += (
                "; then the client closed the connection without sending anything, as one does "
                "that verifies the server late, or only looks"
            )
            return self._end("undecided", None, "after-handshake", text)
        if self._left_unasked():
            text += (
                "; then the server closed the connection before it was asked anything: a refusal "
                "that came late, or the way of a server that has nothing to say"
            )
            return self._end("undecided", None, "after-handshake", text)
        if self._sealed_word():
            text += "; then the server sent a sealed alert and no data: a refusal, or a goodbye"
            return self._end("undecided", None, "after-handshake", text)
        if "server" in self.signs.sealed_data:
            text += "; what the server answered is sealed"
        elif "client" in self.signs.application:
            text += "; the request was not answered in the time that was given"
        return self._end("accepted", None, None, text)

    def _left_unasked(self) -> bool:
        """Tell whether the server took its leave though neither side had sent any data."""
        closing = self.tap.closing
        by_server = closing is not None and closing.sender == "server" and closing.kind == "fin"
        spoke = self.signs.application or self.signs.hidden
        return not spoke and (by_server or "server" in self.signs.goodbye)

    def _sealed_word(self) -> bool:
        """Tell whether the server answered with a sealed alert alone, unasked by one."""
        silent = "server" not in self.signs.sealed_data | self.signs.application
        return silent and self.signs.sealed_alerts[:1] == ["server"]

    def _left_at_once(self) -> bool:
        """Tell whether the client closed before it had sent any application data.

        Of our own call, whose meaning is known, this tells nothing: it verifies in the handshake.
        """
        if self.tap.server_name is not None:
            return False
        closing = self.tap.closing
        left = closing is not None and closing.sender == "client" and closing.kind != "deadline"
        return left and "client" not in self.signs.application | self.signs.sealed_data

    def by_deadline(self) -> Ended:
        kind = self.tap.closing.kind if self.tap.closing else "open"
        tcp = "deadline" if kind == "deadline" else None
        if self.signs.malformed is not None:
            return self._end(
                "undecided", None, self._stage_of_server(), self.signs.malformed, tcp=tcp
            )
        if self.tls is None:
            spoke = any(one.sender == "server" for one in self.tap.chunks)
            text = "the server said nothing in answer to the ClientHello"
            text = "the record stops before a version was agreed on" if spoke else text
            return self._end("undecided", None, "hello", text, tcp=tcp)
        if self.signs.hidden and not self.signs.finished("client"):
            text = "what followed the hello is sealed, and no key log opens it"
        elif self.signs.finished("client"):
            text = "after the client's Finished the server neither refused nor said anything"
        else:
            text = "the record stops in the middle of the handshake"
        return self._end("undecided", None, self._stage_of_server(), text, tcp=tcp)

    def _done_and_content(self) -> bool:
        """Tell whether the close came after an acceptance with nothing asked of the server."""
        asked_something = "client" in self.signs.application
        if asked_something or self.signs.hidden:
            return False
        return self._accepted_by_tls()

    def _stage_of_server(self) -> Stage:
        """Name the stage at which the server's word came."""
        said = self.signs.said
        if self.tls == "1.3":
            if self.signs.finished("client"):
                return "after-handshake"
            # After its own flight a server can only mean the client's, of which a large
            # certificate may not have come whole.
            sent = bool(said & {("client", "Certificate"), ("server", "Finished")})
            return "client-certificate" if sent else "hello"
        if self.signs.finished("server"):
            return "after-handshake"
        sent = bool(
            said
            & {
                ("client", "Certificate"),
                ("client", "ClientKeyExchange"),
                ("server", "ServerHelloDone"),
            }
        )
        return "client-certificate" if sent or self.signs.finished("client") else "hello"

    def _stage_of_client(self) -> Stage:
        """Name the stage at which the client's refusal came."""
        if self.signs.finished("client") and self.signs.finished("server"):
            return "after-handshake"
        saw = self.signs.said & {("server", "Certificate"), ("server", "CompressedCertificate")}
        return "server-certificate" if saw else "hello"

    def _end(  # noqa: PLR0913 - the parts of a judgement
        self,
        outcome: Outcome,
        by: RefusedBy | None,
        stage: Stage | None,
        text: str,
        source: Source | None = None,
        *,
        alert: Alert | None = None,
        http: HttpAnswer | None = None,
        tcp: str | None = None,
    ) -> Ended:
        symptom = Symptom(
            alert=alert.description if alert else None,
            name=alert.name if alert else None,
            http=http.status if http else None,
            tcp=tcp,
            tls=self.tls,
        )
        because = Because(text, source or self.tap.source)
        return Ended(outcome, by, stage, symptom, (because,))


def refuses(http: HttpAnswer) -> bool:
    """Tell whether an HTTP answer is a refusal of this client, as against an ordinary error."""
    return http.status in _FORBIDDEN | {_MISDIRECTED} or about_certificates(http)


def about_certificates(http: HttpAnswer) -> bool:
    """Tell whether an HTTP answer is an error that speaks of the client's certificate."""
    if http.status in _CERTIFICATE_STATUS:
        return True
    words = f"{http.reason} {http.text}".lower()
    return 400 <= http.status < 500 and any(one in words for one in _CERTIFICATE_PAGES)  # noqa: PLR2004 - client errors, RFC 9110, 15.5
