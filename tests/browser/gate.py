"""A way to an endpoint that passes everything on, and on which calls can be held up.

Law: what is held up waits for the test and for no clock.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Self

from mtlskit.material import Target

SIZE = 65536


class Gate:
    """Stands before an endpoint.

    Attributes:
        target: where it can be called.
        calls: how many came since the last `hold`.
    """

    def __init__(self, endpoint: Target) -> None:
        self._endpoint = (endpoint.host, endpoint.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open = Event()
        self._open.set()
        self._pass = 0
        self._threads: list[Thread] = []
        self.calls = 0
        self.target = Target("127.0.0.1", self._door.getsockname()[1])

    def __enter__(self) -> Self:
        self._begin(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._door.shutdown(socket.SHUT_RDWR)  # which ends the waiting for calls, too
        self._door.close()
        for one in self._threads:
            one.join()

    def hold(self, *, after: int) -> None:
        """Let so many calls pass; those that come after them wait for `release`."""
        self.calls, self._pass = 0, after
        self._open.clear()

    def release(self) -> None:
        """Let all calls pass."""
        self._open.set()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._door.accept()
                self.calls += 1
                self._begin(self._join, line, self.calls)

    def _begin(self, work: Callable[..., None], *given: object) -> Thread:
        thread = Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _join(self, line: socket.socket, number: int) -> None:
        if number > self._pass:
            self._open.wait()
        with suppress(OSError), line, socket.create_connection(self._endpoint) as there:
            back = self._begin(_pump, there, line)
            _pump(line, there)
            back.join()


def _pump(source: socket.socket, goal: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(SIZE):
            goal.sendall(data)
        goal.shutdown(socket.SHUT_WR)
