"""What the commands that listen share: where, for how long, how many, and an orderly end.

Law of this file: Ctrl-C is the ordinary end of a command that waits for callers, not a failure.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from threading import Event, Lock, current_thread, main_thread
from typing import Any, NoReturn

from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE

_LOOPBACK = "127.0.0.1"
_PORTS = range(65536)
_ENDINGS = ("SIGTERM", "SIGHUP", "SIGBREAK")
_BREATH = 0.5  # Windows hears Ctrl-C only between waits


def listening_options(parser: argparse.ArgumentParser) -> None:
    """Say where to listen, and when to end."""
    parser.add_argument(
        "--listen",
        metavar="[ADDRESS:]PORT",
        type=_where,
        default=(_LOOPBACK, 8443),
        help="where to listen (default: 127.0.0.1:8443); port 0 takes a free one",
    )
    parser.add_argument(
        "--connections", metavar="N", type=_count, help="end after so many connections"
    )
    parser.add_argument(
        "--for", metavar="SECONDS", dest="seconds", type=_seconds, help="end after so many seconds"
    )


def _where(said: str) -> tuple[str, int]:
    host, _, port = said.rpartition(":")
    host = host.strip("[]") or _LOOPBACK
    with suppress(ValueError):
        if port.isascii() and port.isdigit() and int(port) in _PORTS:
            return str(ip_address("127.0.0.1" if host == "localhost" else host)), int(port)
    raise argparse.ArgumentTypeError(
        f"{said!r} is no place to listen; expected a port such as 8443, or 127.0.0.1:8443"
    )


def _count(said: str) -> int:
    if said.isascii() and said.isdigit() and int(said[:9]) > 0:
        return int(said[:9])
    raise argparse.ArgumentTypeError(f"{said!r} is no number of connections, such as 3")


def _seconds(said: str) -> float:
    with suppress(ValueError):
        if 0 < (seconds := float(said)) < float("inf"):
            return seconds
    raise argparse.ArgumentTypeError(f"{said!r} is no number of seconds, such as 60")


def warn_of(where: tuple[str, int]) -> None:
    """Say what it means to listen for others than this machine."""
    if not ip_address(where[0]).is_loopback:
        tell(f"listening on {where[0]}: whoever reaches this machine can connect.")


def tell(text: str) -> None:
    """Say one sentence to the person at the terminal, beside the answer."""
    print(f"mtlskit: {text}", file=sys.stderr, flush=True)


@contextmanager
def stopped_by_termination() -> Iterator[None]:
    """Let a request to end, or the end of the terminal, end it as Ctrl-C does: all in order."""
    if current_thread() is not main_thread():  # only there can signals be heard
        yield
        return
    known = [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
    # What is ignored stays so: `nohup` means to outlive its terminal.
    before = {one: held for one in known if (held := signal.getsignal(one)) != signal.SIG_IGN}
    for one in before:
        signal.signal(one, _stop)
    try:
        yield
    finally:
        for one, held in before.items():
            signal.signal(one, held)


def _stop(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


class Countdown:
    """Waits until so many connections were heard of, the time is up, or Ctrl-C is pressed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._left: int | None = options.connections
        self._seconds: float | None = options.seconds
        self._over = Event()
        self.statuses: list[int] = []

    def heard(self, status: int) -> None:
        """Count one connection, with what its own exit status would be."""
        self.statuses.append(status)
        if self._left is not None and len(self.statuses) >= self._left:
            self._over.set()

    def wait(self) -> None:
        """Wait for the end."""
        left = self._seconds
        with suppress(KeyboardInterrupt), stopped_by_termination():
            while not self._over.wait(_BREATH if left is None else min(_BREATH, left)):
                if left is not None and (left := left - _BREATH) <= 0:
                    return

    @property
    def status(self) -> int:
        """0 all were accepted, 1 one was not, 3 nobody came."""
        return worst(self.statuses)


def worst(statuses: Sequence[int]) -> int:
    """Return the exit status of many connections."""
    if all(one == UNREADABLE for one in statuses):  # also if there are none
        return UNREADABLE
    return ACCEPTED if all(one == ACCEPTED for one in statuses) else REFUSED


def one_at_a_time(act: Callable[[Any], None]) -> Callable[[Any], None]:
    """Let no two threads print at once."""
    lock = Lock()

    def guarded(result: object) -> None:
        with lock:
            act(result)

    return guarded
