"""One TCP connection by our own hand, every byte noted.

Law of this file: every wait ends at a deadline that was given; what went over the wire is noted as
it went, in order, and nothing is read into it. A failed send does not end the reading: what the
server said before it closed still lies in the socket's buffer.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any, Literal, Self

from mtlskit.material import Chunk, Closing, Failure, Target

_READ_SIZE = 65536
# For one socket poll() does what epoll does in fewer system calls. Windows has only select().
Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class NoConnectionError(Exception):
    """No connection came about that TLS could use; carries the `Failure` that says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def words_of(error: OSError | int) -> str:
    """Return the system's words for an error, or for its number.

    On Windows the C library's table lacks the numbers of sockets, and the system has its own.
    """
    if isinstance(error, OSError):
        return error.strerror or words_of(error.errno or 0)
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - nobody else needs it

        return ctypes.FormatError(error).strip()
    return os.strerror(error)


def told(end: Callable[[], Any]) -> str | None:
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
        missed: what came of the addresses that were tried beside this one, as sentences.
    """

    __slots__ = (
        "_began", "_events", "_outbox", "_over", "_returned", "_selector", "_sock",
        "chunks", "closing", "deadline", "missed", "own", "peer", "received", "trouble",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, *, began: float, deadline: float) -> None:
        """Take over a connected, non-blocking socket."""
        self.chunks: list[Chunk] = []
        self.closing: Closing | None = None
        self.received = 0
        self.trouble: str | None = None
        self.missed: tuple[str, ...] = ()
        self.deadline = deadline
        self._began = began
        self._outbox = bytearray()
        self._returned = b""
        self._over = False
        self._sock = sock
        self.peer = told(sock.getpeername)
        self.own = told(sock.getsockname)
        self._selector = Selector()
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

    @property
    def seconds(self) -> float:
        """How long ago the connection was begun."""
        return monotonic() - self._began

    def begin_anew(self, unread: bytes) -> None:
        """Forget what was said so far: TLS begins here, and only TLS is recorded.

        Args:
            unread: what was read too much; it is recorded and read again.
        """
        self.chunks.clear()
        self.received = 0
        self._returned = unread

    def release(self) -> socket.socket:
        """Hand over the socket, which this line then has nothing more to do with."""
        self._selector.close()
        return self._sock

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
        if self._returned:
            return self._read_again()
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

    def _read_again(self) -> bytes:
        data, self._returned = self._returned, b""
        self.received += len(data)
        self._keep("server", data)
        return data

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
        self.trouble = self.trouble or words_of(error)

    def _keep(self, sender: Literal["client", "server"], data: bytes) -> None:
        self.chunks.append(Chunk(self.seconds, sender, data))

    def _closed(
        self, sender: Literal["client", "server"] | None, kind: Literal["fin", "reset", "deadline"]
    ) -> Closing:
        return Closing(sender, kind, self.seconds)
