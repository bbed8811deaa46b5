"""The addresses of a name, and the first of them that takes a connection.

Law of this file: every wait ends at a deadline that was given, or when a stop rings. Addresses
are tried one a moment after the other (RFC 8305), so that one that swallows packets does not starve
the rest; what came of each is told.
"""

from __future__ import annotations

import errno
import select
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import zip_longest
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Literal

from mtlskit.collect.tcp import Line, NoConnectionError, Selector, words_of
from mtlskit.material import Failure, Target

HEAD_START = 0.25
"""Seconds that an address has to itself before the next one is tried too (RFC 8305, 5)."""

_GLANCE = 0.1  # seconds between two looks at the stop, while the resolver is asked

_Kind = Literal["unresolved", "refused", "timeout", "reset", "unreachable", "declined"]
_Found = list[tuple[Any, Any, int, str, Any]] | Exception  # what getaddrinfo came to
_Address = tuple[int, tuple[Any, ...]]  # family, and what connect() of that family takes
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})
_KINDS: dict[int, _Kind] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
}
# Of several addresses that all failed, the one that says most about the endpoint is told first.
_TELLING: tuple[_Kind, ...] = ("refused", "reset", "timeout", "unreachable", "unresolved")


class StoppedError(Exception):
    """The stop rang before there was a connection; nothing is known of the endpoint."""


def dial(target: Target, deadline: float, stop: socket.socket | None = None) -> Line:
    """Connect to `target`, trying its addresses, and take the first that answers.

    Args:
        target: host (name or address) and port.
        deadline: when to give up, by `time.monotonic`.
        stop: becomes readable when it shall end before that.

    Raises:
        NoConnectionError: nothing answered; its `failure` says what was seen instead.
        StoppedError: `stop` rang.
    """
    return _Race(_by_turns(_resolve(target, deadline, stop)), deadline, stop).run()


def _by_turns(addresses: tuple[_Address, ...]) -> list[_Address]:
    """Let the families take turns, the resolver's first one first (RFC 8305, 4)."""
    families = dict.fromkeys(family for family, _ in addresses)
    ranks = [[one for one in addresses if one[0] == family] for family in families]
    return [one for turn in zip_longest(*ranks) for one in turn if one is not None]


class _Race:
    """Connections to one name's addresses, each begun a moment after the one before."""

    def __init__(
        self, addresses: list[_Address], deadline: float, stop: socket.socket | None
    ) -> None:
        self._waiting = addresses
        self._deadline = deadline
        self._stop = stop
        self._running: dict[socket.socket, tuple[tuple[Any, ...], float]] = {}
        self._failures: list[Failure] = []
        self._next = 0.0

    def run(self) -> Line:
        """Return the first line that stands; the others are closed."""
        try:
            with Selector() as selector:
                if self._stop is not None:
                    selector.register(self._stop, selectors.EVENT_READ)
                while self._waiting or self._running:
                    line = self._begin(selector) or self._await(selector)
                    if line is not None:
                        return line
        finally:
            for sock in self._running:
                sock.close()
        raise NoConnectionError(_sum_up(self._failures))

    def _begin(self, selector: selectors.BaseSelector) -> Line | None:
        """Begin with the next address if it is its turn."""
        if not self._waiting or (self._running and monotonic() < self._next):
            return None
        family, where = self._waiting.pop(0)
        began, self._next = monotonic(), monotonic() + HEAD_START
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # the machine has no such address family
            self._lost(where, error)
            return None
        self._running[sock] = (where, began)
        try:
            sock.settimeout(0)
            code = sock.connect_ex(where)
        except OSError as error:
            return self._over(sock, error)
        if code in _UNDER_WAY:
            selector.register(sock, selectors.EVENT_WRITE)
            return None
        return self._over(sock, code)

    def _await(self, selector: selectors.BaseSelector) -> Line | None:
        """Wait until one of those that are under way is decided, or it is the next one's turn."""
        until = min(self._deadline, self._next) if self._waiting else self._deadline
        for key, _ in selector.select(max(0.0, until - monotonic())) if self._running else ():
            sock: Any = key.fileobj
            if sock is self._stop:
                raise StoppedError
            selector.unregister(sock)
            line = self._over(sock, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            if line is not None:
                return line
        if monotonic() >= self._deadline:
            self._give_up()
        return None

    def _over(self, sock: socket.socket, outcome: OSError | int) -> Line | None:
        """Take the connection if it stands; else note why it does not."""
        where, began = self._running.pop(sock)
        if outcome == 0:
            # Flights are handed over whole; waiting to fill packets would only add delay.
            with suppress(OSError):  # it was reset in the same moment; reading tells
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(sock, began=began, deadline=self._deadline)
            line.missed = self._told()
            return line
        sock.close()
        self._lost(where, outcome)
        return None

    def _told(self) -> tuple[str, ...]:
        """Tell of the addresses that were tried beside the one that won."""
        slower = [f"{where[0]}: no answer yet" for where, _ in self._running.values()]
        return tuple(one.text for one in self._failures) + tuple(slower)

    def _give_up(self) -> None:
        for sock in tuple(self._running):
            self._over(sock, errno.ETIMEDOUT)
        # Those whose turn never came are silent in the same way: the time is up.
        for _, where in self._waiting:
            self._lost(where, errno.ETIMEDOUT)
        self._waiting.clear()

    def _lost(self, where: tuple[Any, ...], outcome: OSError | int) -> None:
        code = outcome.errno or 0 if isinstance(outcome, OSError) else outcome
        kind = _KINDS.get(code, "unreachable")
        self._failures.append(Failure(kind, f"{where[0]}: {words_of(outcome)}"))


def _sum_up(failures: list[Failure]) -> Failure:
    """Make one failure of one for each address."""
    ranked = sorted(failures, key=lambda failure: _TELLING.index(failure.kind))
    return Failure(ranked[0].kind, "; ".join(failure.text for failure in ranked))


def _resolve(target: Target, deadline: float, stop: socket.socket | None) -> tuple[_Address, ...]:
    """Return the addresses of `target`, each once, in the resolver's order."""
    try:
        found = _look_up(target, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        found = _look_up_in_time(target, deadline, stop)
    addresses = tuple(dict.fromkeys((family, where) for family, _, _, _, where in found))
    if not addresses:
        raise NoConnectionError(Failure("unresolved", f"{target.host} has no address"))
    return addresses


def _look_up(target: Target, flags: int = 0) -> list[tuple[Any, Any, int, str, Any]]:
    return socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, flags=flags)


def _look_up_in_time(
    target: Target, deadline: float, stop: socket.socket | None
) -> list[tuple[Any, Any, int, str, Any]]:
    """Ask the resolver in a thread of its own, since getaddrinfo takes no deadline.

    A thread that comes too late ends by itself and is not waited for, not even at exit.
    """
    answers: SimpleQueue[_Found] = SimpleQueue()
    threading.Thread(target=_answer, args=(answers, lambda: _look_up(target)), daemon=True).start()
    try:
        answer = _awaited(answers, deadline, stop)
    except Empty:
        text = f"looking up {target.host} brought no answer before the deadline"
        raise NoConnectionError(Failure("unresolved", text)) from None
    if isinstance(answer, Exception):
        words = getattr(answer, "strerror", None) or str(answer)
        raise NoConnectionError(Failure("unresolved", f"{target.host}: {words}")) from answer
    return answer


def _awaited(answers: SimpleQueue[_Found], deadline: float, stop: socket.socket | None) -> _Found:
    """Return the answer; raise Empty at the deadline."""
    while stop is not None and monotonic() + _GLANCE < deadline:
        with suppress(Empty):
            return answers.get(timeout=_GLANCE)
        if select.select([stop], [], [], 0)[0]:
            raise StoppedError
    return answers.get(timeout=max(0.0, deadline - monotonic()))


def _answer(answers: SimpleQueue[Any], ask: Callable[[], object]) -> None:
    try:
        answers.put(ask())
    except (OSError, UnicodeError) as error:  # a name the resolver's codec cannot take is no name
        answers.put(error)
