"""One listening endpoint on loopback, in this process, and the line to each of its callers.

Law of this room: every wait has a deadline, and leaving the context ends every thread and closes
every socket. What is said on the line is a `Behaviour`, which this room does not know.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mtlskit.material import Target

LOOPBACK = "127.0.0.1"
_AT_ONCE = 64  # connections that one endpoint serves at the same time
_KEPT = 200  # visits that the journal remembers
_CHUNK = 16384
_FAREWELL = 2.0  # seconds that a closing endpoint listens on, so that its last words arrive
_JOINING = 5.0
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Over(Exception):  # noqa: N818 - the visit is over, which is no error
    """The visit is over: the client closed, the time is up, or the endpoint is being stopped."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the endpoint saw of one connection: the truth, as the partner's own log tells it.

    Attributes:
        version: the TLS version agreed on, such as ``TLSv1.3``.
        client: subject of the certificate that the client proved to hold.
        status: HTTP status that was answered.
        ended: why it ended before an answer, in OpenSSL's own words; None if it was answered.
        verify: error number (``X509_V_ERR_…``), depth and subject of the first certificate that
            OpenSSL rejected.
    """

    version: str | None = None
    client: str | None = None
    status: int | None = None
    ended: str | None = None
    verify: tuple[int, int, str] | None = None


class Line:
    """One TCP connection as the endpoint sees it. Every wait ends by the deadline or the stop."""

    def __init__(self, sock: socket.socket, stop: socket.socket, patience: float) -> None:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._stop = stop
        self._deadline = time.monotonic() + patience

    def receive(self) -> bytes:
        """Return what came, at least one byte; raise `Over` if nothing will."""
        while True:
            self._wait(reading=True)
            with suppress(BlockingIOError):
                if data := self._sock.recv(_CHUNK):
                    return data
                raise Over("the client closed the connection")

    def send(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self._wait(reading=False)
            with suppress(BlockingIOError):
                rest = rest[self._sock.send(rest) :]

    def pause(self, seconds: float) -> None:
        """Wait this long."""
        left = self._left()
        if select.select([self._stop], [], [], min(seconds, left))[0]:
            raise Over("the endpoint was stopped")

    def close(self) -> None:
        """Close orderly: say so, then listen a while, so that no reset overtakes what was said."""
        self._deadline = min(self._deadline, time.monotonic() + _FAREWELL)
        with suppress(OSError, Over):
            self._sock.shutdown(socket.SHUT_WR)
            while True:
                self.receive()
        self._sock.close()

    def reset(self) -> None:
        """Close with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._sock.close()

    def _left(self) -> float:
        if (left := self._deadline - time.monotonic()) <= 0:
            raise Over("the deadline passed")
        return left

    def _wait(self, *, reading: bool) -> None:
        incoming = [self._stop, self._sock] if reading else [self._stop]
        ready, _, _ = select.select(incoming, [] if reading else [self._sock], [], self._left())
        if self._stop in ready:
            raise Over("the endpoint was stopped")


Behaviour = Callable[[Line], Visit]
"""What an endpoint does with one connection. It may raise `Over` or OSError at any point."""


class Endpoint:
    """A running endpoint. Made by `serve`."""

    def __init__(self, behaviour: Behaviour, patience: float) -> None:
        self._behaviour = behaviour
        self._patience = patience
        self._listener = socket.create_server((LOOPBACK, 0), backlog=_AT_ONCE)
        self._stop, self._stopper = socket.socketpair()
        self._visits: deque[Visit] = deque(maxlen=_KEPT)
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name="lab endpoint")
        self.target = Target(LOOPBACK, self._listener.getsockname()[1])

    def visits(self, at_least: int = 0, timeout: float = 5.0) -> tuple[Visit, ...]:
        """Tell what was seen so far, oldest first; wait until there are `at_least` so many."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._visits) >= at_least, timeout)
            return tuple(self._visits)

    def start(self) -> None:
        """Begin to accept connections."""
        self._acceptor.start()

    def stop(self) -> None:
        """End every thread and close every socket."""
        self._stopper.close()  # makes self._stop readable in every wait
        self._acceptor.join(_JOINING)
        with self._changed:
            serving = tuple(self._threads)
        for thread in serving:
            thread.join(_JOINING)
        self._listener.close()
        self._stop.close()

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._stop], [], [])
            if self._stop in ready:
                return
            with suppress(OSError):  # the client may be gone already
                sock, _ = self._listener.accept()
                self._serve(sock)

    def _serve(self, sock: socket.socket) -> None:
        thread = threading.Thread(
            target=self._visit, args=(sock,), daemon=True, name="lab connection"
        )
        with self._changed:
            crowded = len(self._threads) >= _AT_ONCE
            if not crowded:
                self._threads.add(thread)
        if crowded:
            sock.close()
        else:
            thread.start()

    def _visit(self, sock: socket.socket) -> None:
        line = Line(sock, self._stop, self._patience)
        try:
            visit = self._behaviour(line)
        except (Over, OSError) as end:
            visit = Visit(ended=str(end))
        try:
            with self._changed:
                self._visits.append(visit)
                self._changed.notify_all()
            line.close()
        finally:
            sock.close()
            with self._changed:
                self._threads.discard(threading.current_thread())


@contextmanager
def serve(behaviour: Behaviour, *, patience: float = 15.0) -> Iterator[Endpoint]:
    """Run an endpoint on a free loopback port; `patience` is each connection's deadline (s)."""
    endpoint = Endpoint(behaviour, patience)
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()


@contextmanager
def nobody() -> Iterator[Target]:
    """Hold a port on which nobody listens: every connection is refused."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield Target(LOOPBACK, held.getsockname()[1])
