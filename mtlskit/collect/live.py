"""One live attempt: a capture that we make ourselves.

Law of this file: it records and concludes nothing. It lingers after the handshake, because in
TLS 1.3 a server refuses a client certificate only then; it reads on after a failed send, because
the alert still lies in the socket's buffer; and it ends at its deadline, whatever the server does.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from OpenSSL import SSL

from mtlskit.collect import openssl, starttls
from mtlskit.collect.answer import Answer
from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.dial import dial
from mtlskit.collect.plain import Plain
from mtlskit.collect.tcp import Line, NoConnectionError
from mtlskit.collect.via import pass_through
from mtlskit.material import Failure, Remark, Secrets, Source, Tap, Target

__all__ = ["Call", "HttpRequest", "connect"]

FLOOD = 1 << 20
"""Bytes from the server after which an attempt is given up; a handshake needs far fewer."""

HUSH = 0.05
"""Seconds to listen in TLS 1.3 before a request is sent. A refusal that is on its way is then read
before our own bytes can provoke a reset, which on some systems throws away what was received."""

PATIENCE = 5.0
"""Seconds to wait for the first word of an answer to a request. A server may refuse by an answer,
and it may first ask others whether to; one that never answers is not waited for any longer."""

GRACE = 0.3
"""Seconds to wait for the server's closing once everything has been said."""

_PIECE = 16384  # bytes of plaintext in one TLS record (RFC 8446, 5.1)
_BUFFER = 65536


def connect(call: Call) -> Tap:
    """Try to connect as `call` says, and record what went over the wire.

    Never raises for what the network or the server does: without a connection the tap has a
    `failure`, else its chunks and its closing. It returns within the call's timeout. A request
    that got no answer within the timeout, or `PATIENCE`, ends with the closing "deadline".

    Raises:
        ValueError: OpenSSL does not know what the call wants it to offer.
    """
    return connect_resuming(call)[0]


def connect_resuming(
    call: Call, session: SSL.Session | None = None
) -> tuple[Tap, SSL.Session | None]:
    """Connect as `connect` does, and offer to resume an earlier session.

    Args:
        call: what to do.
        session: an earlier connection's, as this function returned it; None: begin afresh.

    Returns:
        The tap, and the session that could be resumed next; None where no handshake was done.
    """
    began, start = datetime.now(UTC), monotonic()
    secrets: list[str] = []
    words: list[str] = []
    talk = _Talk(call, openssl.client(call, secrets, words, session), words)
    line: Line | None = None
    failure: Failure | None = None
    remarks: list[Remark] = []
    try:
        with _dialled(call, start + call.timeout) as line:
            _prepare(call, line, remarks)
            talk.run(line)
    except NoConnectionError as error:
        failure = error.failure
    recorded = line if failure is None else None
    tap = Tap(
        source=Source(str(call.target)),
        target=call.target,
        chunks=tuple(recorded.chunks) if recorded else (),
        closing=recorded.closing if recorded else None,
        failure=failure,
        secrets=Secrets(tuple(secrets)),
        server_name=call.expected_name,
        library=(*words, *_trouble(line)),
        began=began,
        peer=line.peer if line else None,
        own=line.own if line else None,
        prologue=tuple(remarks),
    )
    return tap, talk.session


def _dialled(call: Call, deadline: float) -> Line:
    """Connect to whatever is to be called first: the endpoint, or the proxy before it."""
    proxy = call.via.target if call.via else None
    try:
        return dial(call.address or proxy or call.target, deadline)
    except NoConnectionError as error:
        if proxy is None:
            raise
        text = f"the proxy {proxy} could not be reached: {error.failure.text}"
        raise NoConnectionError(replace(error.failure, text=text, by="between")) from None


def _prepare(call: Call, line: Line, remarks: list[Remark]) -> None:
    """Say in plain text what is to be said before TLS; keep what was said."""
    if line.missed:
        where: Target | str = line.peer or call.target
        tried = f"{where} was called; tried beside it: {'; '.join(line.missed)}"
        remarks.append(Remark(line.seconds, None, tried))
    if call.via is None and call.starttls is None:
        return
    plain = Plain(line, remarks)
    if call.via is not None:
        pass_through(call.via, call.target, call.wire_host, plain)
    if call.starttls is not None:
        starttls.start(call.starttls, plain, line.own)
    line.begin_anew(plain.left())


def _trouble(line: Line | None) -> tuple[str, ...]:
    return (f"the socket failed: {line.trouble}",) if line and line.trouble else ()


class _Talk:
    """What is said over one connection, from the handshake to the end."""

    __slots__ = ("_call", "_given_up", "_line", "_over", "_tls", "_words")

    _line: Line

    def __init__(self, call: Call, tls: SSL.Connection, words: list[str]) -> None:
        self._call = call
        self._tls = tls
        self._words = words
        self._over = self._given_up = False

    @property
    def session(self) -> SSL.Session | None:
        """What could be resumed; in TLS 1.3 it came with the server's last ticket."""
        return self._tls.get_session()

    def run(self, line: Line) -> None:
        """Shake hands, ask if there is something to ask, listen, and close."""
        self._line = line
        self._handshake()
        call = self._call
        method = call.request.method if call.request else None if call.question else ""
        words = call.request.encoded(call.authority) if call.request else call.question
        if words and self._tls_1_3:
            self._listen(min(HUSH, call.linger), Answer(method), once=True)
        if words:
            self._ask(words)
        answer_by = monotonic() + PATIENCE if words else None
        self._listen(call.linger, Answer(method), answer_by=answer_by)
        self._close()

    @property
    def _tls_1_3(self) -> bool:
        return not self._over and self._tls.get_protocol_version() == SSL.TLS1_3_VERSION

    def _handshake(self) -> None:
        while not self._over:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._pump()
                self._take(self._line.deadline)
            except SSL.Error as error:
                self._break_off(error)
            else:
                self._pump()
                return

    def _ask(self, words: bytes) -> None:
        if self._over:
            return
        try:
            self._tls.sendall(words)
        except SSL.Error as error:
            self._break_off(error)
        self._pump()

    def _listen(
        self,
        patience: float,
        answer: Answer,
        *,
        once: bool = False,
        answer_by: float | None = None,
    ) -> None:
        """Read until the answer is complete, the server ends it, or nothing comes for a while.

        Args:
            patience: seconds of silence to bear.
            answer: gets the application's bytes.
            once: stop as soon as something has come and was understood.
            answer_by: when the answer must have begun, by `time.monotonic`; until then silence is
                borne. None: there is no answer to wait for.
        """
        heard = False
        while not (self._over or answer.complete or self._late()):
            try:
                answer.feed(self._tls.recv(_PIECE))
            except SSL.WantReadError:
                self._pump()
                waiting = answer_by is not None and not answer.begun
                until = max(monotonic() + patience, answer_by if answer_by and waiting else 0.0)
                if (once and heard) or not self._take(until):
                    if waiting and not self._over:
                        self._give_up()
                    return
                heard = True
            except SSL.Error as error:
                self._break_off(error)

    def _late(self) -> bool:
        """Whether the deadline has passed; then that is the end."""
        if monotonic() < self._line.deadline:
            return False
        self._give_up()
        return True

    def _give_up(self) -> None:
        self._line.give_up()
        self._over = self._given_up = True

    def _take(self, until: float) -> bool:
        """Hand the server's next bytes to OpenSSL; False if there are none to hand."""
        data = self._line.read(until)
        if data is None and self._line.sending:  # a long request is still on its way
            data = self._line.read(self._line.deadline)
        if data == b"":
            self._over = True
        elif not self._late() and data:
            self._tls.bio_write(data)
            return not self._flooded()
        return False

    def _flooded(self) -> bool:
        if self._line.received <= FLOOD:
            return False
        self._words.append(f"given up: the server sent more than {FLOOD >> 20} MiB")
        self._line.hang_up()
        self._over = True
        return True

    def _pump(self) -> bool:
        """Send what OpenSSL has to say; False if that is nothing."""
        said, more = False, True
        with suppress(SSL.WantReadError):  # there is nothing to send
            while more:
                data = self._tls.bio_read(_BUFFER)
                self._line.put(data)
                said, more = True, len(data) == _BUFFER
        return said

    def _break_off(self, error: SSL.Error) -> None:
        """Note why OpenSSL goes no further, and deliver its own alert if it has one."""
        self._over = True
        self._words.extend(openssl.reasons(error))
        if self._pump():
            self._line.hang_up()

    def _close(self) -> None:
        """Say goodbye if it is on us; else wait for the server's closing."""
        if not self._over:
            self._say_goodbye()
            return
        until = monotonic() + (0.0 if self._given_up else GRACE)
        while self._line.read(until) and self._line.received <= FLOOD and monotonic() < until:
            pass
        self._line.hang_up()

    def _say_goodbye(self) -> None:
        try:
            self._tls.shutdown()
        except SSL.Error as error:
            self._words.extend(openssl.reasons(error))
        self._pump()
        self._line.hang_up()
