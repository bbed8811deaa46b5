"""A listening socket, a thread for each of its callers, and an end to all of it.

Law of this file: every wait ends at a deadline or when the listener is stopped; leaving the context
ends every thread and closes every socket; so many callers at once and no more, and whoever is not
served is told of. What is said on the line is not known here.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from types import TracebackType
from typing import Generic, Self, TypeVar

from mtlskit.collect.tcp import words_of
from mtlskit.material import Target

LOOPBACK = "127.0.0.1"
AT_ONCE = 64
"""Callers that are served at the same time; one more is closed at once."""

KEPT = 200
"""Results that are remembered; the oldest go first."""

_CHUNK = 16384
_FAREWELL = 2.0  # seconds that a closing side listens on, so that its last words arrive
_JOINING = 5.0
_BREATH = 0.2  # seconds until it is tried again, where the system has nothing left to give
_USED_UP = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

T = TypeVar("T")


class Over(Exception):  # noqa: N818 - the visit is over, which is no error
    """The visit is over: the client closed, the time is up, or the listener is being stopped."""


def reset(sock: socket.socket) -> None:
    """Close with a TCP reset."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()


class Line:
    """One TCP connection as its server sees it. Every wait ends by the deadline or the stop."""

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
        reset(self._sock)

    def _left(self) -> float:
        if (left := self._deadline - time.monotonic()) <= 0:
            raise Over("the deadline passed")
        return left

    def _wait(self, *, reading: bool) -> None:
        incoming = [self._stop, self._sock] if reading else [self._stop]
        ready, _, _ = select.select(incoming, [] if reading else [self._sock], [], self._left())
        if self._stop in ready:
            raise Over("the endpoint was stopped")


class Listener(ABC, Generic[T]):
    """Serves whoever calls, each in a thread of its own, and remembers what came of it.

    Attributes:
        target: where to call.
        troubles: why callers were not served, each once, as sentences.
    """

    def __init__(
        self,
        where: tuple[str, int] = (LOOPBACK, 0),
        *,
        name: str = "listener",
        troubled: Callable[[str], None] | None = None,
    ) -> None:
        """Bind the port; nobody is served before `start`.

        Args:
            where: address and port; port 0 is a free one.
            name: what its threads are called.
            troubled: called with each of the `troubles` when it first arises, in a thread.

        Raises:
            OSError: the port is taken, or the address is not of this machine.
        """
        self._name = name
        self._troubled = troubled
        self.troubles: tuple[str, ...] = ()
        self._listener = _bound(where)
        self._stop, self._stopper = socket.socketpair()
        self._results: deque[T] = deque(maxlen=KEPT)
        self._noted = self._done = 0
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name=name)
        self.target = Target(where[0], self._listener.getsockname()[1])

    @abstractmethod
    def serve(self, sock: socket.socket, stop: socket.socket) -> None:
        """Serve one caller, and `remember` what came of it.

        Args:
            sock: the caller's; it is closed afterwards.
            stop: becomes readable when all shall end.
        """

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def remember(self, told: Callable[[int], T], heard: Callable[[T], None] | None = None) -> None:
        """Note what came of one caller.

        Args:
            told: makes it of its number, counted from 1: the numbers are the order of the results.
            heard: called with it, before those who wait for results are woken.
        """
        with self._changed:
            self._noted += 1
            result = told(self._noted)
            self._results.append(result)
        try:
            if heard is not None:
                heard(result)
        finally:
            with self._changed:
                self._done += 1
                self._changed.notify_all()

    def results(self, at_least: int = 0, timeout: float = 5.0) -> tuple[T, ...]:
        """Tell what came of the callers so far, oldest first; wait until so many are done."""
        with self._changed:
            self._changed.wait_for(lambda: self._done >= at_least, timeout)
            return tuple(self._results)

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
            try:
                sock, _ = self._listener.accept()
            except OSError as error:  # the client may be gone already
                if error.errno in _USED_UP:
                    # The caller waits on, and would wake the wait above at once, again and again.
                    self._say(f"Callers must wait: {words_of(error).lower()} on this machine.")
                    select.select([self._stop], [], [], _BREATH)
            else:
                self._receive(sock)

    def _say(self, trouble: str) -> None:
        if trouble not in self.troubles:
            self.troubles = (*self.troubles, trouble)
            if self._troubled is not None:
                self._troubled(trouble)

    def _receive(self, sock: socket.socket) -> None:
        thread = threading.Thread(
            target=self._run, args=(sock,), daemon=True, name=f"{self._name} connection"
        )
        with self._changed:
            crowded = len(self._threads) >= AT_ONCE
            if not crowded:
                self._threads.add(thread)
        if crowded:
            sock.close()
            self._say(f"A caller was closed at once: {AT_ONCE} were being served already.")
            return
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads
            with self._changed:
                self._threads.discard(thread)
            sock.close()
            self._say("A caller was closed at once: this machine gives no more threads.")

    def _run(self, sock: socket.socket) -> None:
        try:
            self.serve(sock, self._stop)
        finally:
            sock.close()
            with self._changed:
                self._threads.discard(threading.current_thread())


def _bound(where: tuple[str, int]) -> socket.socket:
    try:
        six = ip_address(where[0]).version == 6  # noqa: PLR2004 - the version of IP
    except ValueError:
        six = False
    family = socket.AF_INET6 if six else socket.AF_INET
    listener = socket.create_server(where, family=family, backlog=AT_ONCE)
    listener.settimeout(0)  # a caller that is gone again must not be waited for
    return listener
