"""One listening endpoint on loopback, in this process, and the line to each of its callers.

Law of this room: every wait has a deadline, and leaving the context ends every thread and closes
every socket. What is said on the line is a `Behaviour`, which this room does not know.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mtlskit.collect.listening import LOOPBACK, Line, Listener, Over
from mtlskit.material import Target

__all__ = ["LOOPBACK", "Behaviour", "Endpoint", "Line", "Over", "Visit", "nobody", "serve"]


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


Behaviour = Callable[[Line], Visit]
"""What an endpoint does with one connection. It may raise `Over` or OSError at any point."""


class Endpoint(Listener[Visit]):
    """A running endpoint. Made by `serve`."""

    def __init__(self, behaviour: Behaviour, patience: float) -> None:
        self._behaviour = behaviour
        self._patience = patience
        super().__init__(name="lab endpoint")

    def visits(self, at_least: int = 0, timeout: float = 5.0) -> tuple[Visit, ...]:
        """Tell what was seen so far, oldest first; wait until there are `at_least` so many."""
        return self.results(at_least, timeout)

    def serve(self, sock: socket.socket, stop: socket.socket) -> None:
        """Behave, note what was seen, and take leave."""
        line = Line(sock, stop, self._patience)
        try:
            visit = self._behaviour(line)
        except (Over, OSError) as end:
            visit = Visit(ended=str(end))
        self.remember(lambda _: visit)
        line.close()


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
