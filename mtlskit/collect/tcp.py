"""TCP by our own hand: the addresses of a name, a connection, and every byte noted.

Law of this file: every wait ends at a deadline that was given; what went over the wire is noted as
it went, in order, and nothing is read into it. A failed send does not end the reading: what the
server said before it closed still lies in the socket's buffer.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Any, Literal, Self

from mtlskit.material import Chunk, Closing, Failure, Target

_READ_SIZE = 65536
# For one socket poll() does what epoll does in fewer system calls. Windows has only select().
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
_Kind = Literal["unresolved", "refused", "timeout", "reset", "unreachable"]
_Address = tuple[int, tuple[Any, ...]]  # family, and what connect() of that family takes

_KINDS: dict[int, _Kind] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
}
# Of several addresses that all failed, the one that says most about the endpoint is told first.
_TELLING: tuple[_Kind, ...] = ("refused", "reset", "timeout", "unreachable", "unresolved")


class NoConnectionError(Exception):
    """No TCP connection came about; carries the `Failure` that says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def dial(target: Target, deadline: float) -> Line:
    """Connect to `target`, trying its addresses in order.

    Args:
        target: host (name or address) and port.
        deadline: when to give up, by `time.monotonic`.

    Raises:
        NoConnectionError: nothing answered; its `failure` says what was seen instead.
    """
    addresses = _resolve(target, deadline)
    failures: list[Failure] = []
    for tried, address in enumerate(addresses):
        # Each address gets its share, so that one that swallows packets does not starve the rest.
        share = (deadline - monotonic()) / (len(addresses) - tried)
        outcome = _connect(address, monotonic() + share)
        if isinstance(outcome, Line):
            outcome.deadline = deadline
            return outcome
        failures.append(outcome)
    raise NoConnectionError(_sum_up(failures))


def _sum_up(failures: list[Failure]) -> Failure:
    """Make one failure of one for each address."""
    ranked = sorted(failures, key=lambda failure: _TELLING.index(failure.kind))
    return Failure(ranked[0].kind, "; ".join(failure.text for failure in ranked))


def _resolve(target: Target, deadline: float) -> tuple[_Address, ...]:
    """Return the addresses of `target`, each once, in the resolver's order."""
    try:
        found = _look_up(target, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        found = _look_up_in_time(target, deadline)
    addresses = tuple(dict.fromkeys((family, where) for family, _, _, _, where in found))
    if not addresses:
        raise NoConnectionError(Failure("unresolved", f"{target.host} has no address"))
    return addresses


def _look_up(target: Target, flags: int = 0) -> list[tuple[Any, Any, int, str, Any]]:
    return socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, flags=flags)


def _look_up_in_time(target: Target, deadline: float) -> list[tuple[Any, Any, int, str, Any]]:
    """Ask the resolver in a thread of its own, since getaddrinfo takes no deadline.

    A thread that comes too late ends by itself and is not waited for, not even at exit.
    """
    answers: SimpleQueue[list[tuple[Any, Any, int, str, Any]] | Exception] = SimpleQueue()
    threading.Thread(target=_answer, args=(answers, lambda: _look_up(target)), daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, deadline - monotonic()))
    except Empty:
        text = f"looking up {target.host} brought no answer before the deadline"
        raise NoConnectionError(Failure("unresolved", text)) from None
    if isinstance(answer, Exception):
        words = getattr(answer, "strerror", None) or str(answer)
        raise NoConnectionError(Failure("unresolved", f"{target.host}: {words}")) from answer
    return answer


def _answer(answers: SimpleQueue[Any], ask: Callable[[], object]) -> None:
    try:
        answers.put(ask())
    except (OSError, UnicodeError) as error:  # a name the resolver's codec cannot take is no name
        answers.put(error)


def _connect(address: _Address, until: float) -> Line | Failure:
    """Connect to one address, or say what came instead."""
    family, where = address
    began = monotonic()
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # the machine has no such address family
        return _failure(error.errno or 0, where)
    try:
        sock.settimeout(0)
        code = sock.connect_ex(where)
        if code in {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN}:
            code = _outcome(sock, until)
        if code == 0:
            # Flights are handed over whole; waiting to fill packets would only add delay.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Line(sock, began=began, deadline=until)
    except OSError as error:
        code = error.errno or 0
    sock.close()
    return _failure(code, where)


def _outcome(sock: socket.socket, until: float) -> int:
    """Wait for a connection that was begun; return 0 or the error's number."""
    with _Selector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        if not selector.select(max(0.0, until - monotonic())):
            return errno.ETIMEDOUT
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _failure(code: int, where: tuple[Any, ...]) -> Failure:
    return Failure(_KINDS.get(code, "unreachable"), f"{where[0]}: {os.strerror(code)}")


def _told(end: Callable[[], Any]) -> str | None:
    """Write one end of a connection as ``address:port``; None where there is no such thing."""
    try:
        where = end()
    except OSError:  # it was reset before anyone asked
        return None
    return str(Target(where[0], where[1])) if isinstance(where, tuple) else None


class Line:
    """One TCP connection. Sends what is put, reads what comes, and keeps a record of both.

    Attributes:
        chunks: what went over the wire, in order.
        closing: how it ended; None while it is open.
        received: bytes read so far.
        trouble: the operating system's words for a send or read that failed; None if none did.
        deadline: when everything ends, by `time.monotonic`.
        peer: the address and port that were reached; None if the system does not say.
        own: the address and port on this machine; None if the system does not say.
    """

    __slots__ = (
        "_began", "_events", "_outbox", "_over", "_selector", "_sock",
        "chunks", "closing", "deadline", "own", "peer", "received", "trouble",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, *, began: float, deadline: float) -> None:
        """Take over a connected, non-blocking socket."""
        self.chunks: list[Chunk] = []
        self.closing: Closing | None = None
        self.received = 0
        self.trouble: str | None = None
        self.deadline = deadline
        self._began = began
        self._outbox = bytearray()
        self._over = False
        self._sock = sock
        self.peer = _told(sock.getpeername)
        self.own = _told(sock.getsockname)
        self._selector = _Selector()
        self._events = selectors.EVENT_READ
        self._selector.register(sock, self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._selector.close()
        self._sock.close()

    @property
    def sending(self) -> bool:
        """Whether something that was put still waits to be sent."""
        return bool(self._outbox)

    def put(self, data: bytes) -> None:
        """Send `data`, now or while reading. After a failed send it is dropped."""
        if self.trouble is None and self.closing is None:
            self._outbox += data
            self._flush()

    def read(self, until: float) -> bytes | None:
        """Return what comes next; nothing (empty) once the server has closed; None if it is late.

        Args:
            until: when to stop waiting, by `time.monotonic`; never later than the deadline.
        """
        until = min(until, self.deadline)
        while not self._over:
            left = until - monotonic()
            ready = self._selector.select(max(0.0, left))
            if not ready and left <= 0:
                return None
            for _, mask in ready:
                if mask & selectors.EVENT_WRITE:
                    self._flush()
                data = self._receive() if mask & selectors.EVENT_READ else None
                if data is not None:
                    return data
        return b""

    def hang_up(self) -> None:
        """End our side in order; what the server still says can be read."""
        if self.closing is None:
            self.closing = self._closed("client", "fin")
            with suppress(OSError):  # the server was quicker
                self._sock.shutdown(socket.SHUT_WR)

    def give_up(self) -> None:
        """Note that our own deadline came first."""
        if self.closing is None:
            self.closing = self._closed(None, "deadline")

    def _flush(self) -> None:
        while self._outbox:
            try:
                sent = self._sock.send(self._outbox)
            except BlockingIOError:
                break
            except OSError as error:
                self._note(error)
                self._outbox.clear()
                break
            self._keep("client", bytes(self._outbox[:sent]))
            del self._outbox[:sent]
        self._watch(selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outbox else 0))

    def _watch(self, events: int) -> None:
        if events != self._events:
            self._selector.modify(self._sock, events)
            self._events = events

    def _receive(self) -> bytes | None:
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return None
        except OSError as error:
            self._note(error)
            data = b""
        if data:
            self.received += len(data)
            self._keep("server", data)
            return data
        self._over = True
        if self.closing is None:
            # A send that failed had met the server's RST, even if reading then ends in order.
            self.closing = self._closed("server", "reset" if self.trouble else "fin")
        return data

    def _note(self, error: OSError) -> None:
        self.trouble = self.trouble or os.strerror(error.errno or 0)

    def _keep(self, sender: Literal["client", "server"], data: bytes) -> None:
        self.chunks.append(Chunk(monotonic() - self._began, sender, data))

    def _closed(
        self, sender: Literal["client", "server"] | None, kind: Literal["fin", "reset", "deadline"]
    ) -> Closing:
        return Closing(sender, kind, monotonic() - self._began)
