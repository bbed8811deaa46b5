"""A tap: a plain TCP relay that lets any unmodified client be watched without capture rights.

Law of this file: it listens on this machine alone unless told otherwise, it changes no byte, and it
concludes nothing. A key log is read, never written.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from mtlskit.collect import tcp
from mtlskit.collect.dial import StoppedError, dial
from mtlskit.collect.listening import LOOPBACK, Listener, reset
from mtlskit.collect.relay import Limits, Relay
from mtlskit.material import Chunk, Closing, Failure, Secrets, Side, Source, Tap, Target
from mtlskit.page.blocks import Callout, Page
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from mtlskit.wire import prologue

__all__ = ["Limits", "Relayed", "TapListener", "relay"]

_PIECE, _LINE = 1 << 20, 4096  # bytes of a key log at once, and of its longest line
_RANDOM = slice(11, 43)  # of the first record: its head, the message's head, the version before it


@dataclass(frozen=True, slots=True)
class Relayed(Shown):
    """One connection that went through the tap.

    Attributes:
        number: counted from 1, in the order in which they ended.
        tap: the record of it.
        left_out: bytes of each side that were relayed and not kept.
    """

    number: int
    tap: Tap
    left_out: tuple[tuple[Side, int], ...] = ()

    @property
    def trace(self) -> Trace:
        """Tell it."""
        return follow(self.tap)

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program: its number, what was left out, and the trace."""
        return {
            "number": self.number,
            "client": self.tap.own,
            "left_out": dict(self.left_out),
            "trace": self.trace.plain(),
        }

    def page(self) -> Page:
        """Describe the connection as its trace does, and say what was not kept."""
        told = self.trace.page()
        words = " and ".join(
            f"{count} bytes of the {side}" for side, count in self.left_out if count
        )
        note = f"After what is shown here, {words} were relayed and not kept."
        return replace(
            told,
            title=f"Connection {self.number}, from {self.tap.own or 'an unknown address'} "
            f"to {self.tap.target}",
            blocks=(*told.blocks, *((Callout(note),) if words else ())),
        )


@dataclass(frozen=True, slots=True)
class _Wish:
    """What `relay` was asked for."""

    to: Target
    key_log: Path | None
    limits: Limits
    heard: Callable[[Relayed], None] | None
    server_name: str | None
    troubled: Callable[[str], None] | None


class TapListener(Listener[Relayed]):
    """A running tap. Made by `relay`.

    Attributes:
        target: where clients call.
    """

    def __init__(self, wish: _Wish, listen: tuple[str, int]) -> None:
        self._wish = wish
        super().__init__(listen, name="tap", troubled=wish.troubled)

    def taps(self, at_least: int = 0, timeout: float = 5.0) -> tuple[Relayed, ...]:
        """The connections that have ended, oldest first; wait until there are so many."""
        return self.results(at_least, timeout)

    def serve(self, sock: socket.socket, stop: socket.socket) -> None:
        """Reach the server, relay, and note what was seen."""
        began, start = datetime.now(UTC), monotonic()
        client = tcp.told(sock.getpeername)
        try:
            line = dial(self._wish.to, start + self._wish.limits.reach, stop)
        except tcp.NoConnectionError as error:
            reset(sock)
            self._note(self._tap(began, client, failure=error.failure), {})
            return
        except StoppedError:
            reset(sock)
            left = Closing(None, "open", monotonic() - start)
            self._note(replace(self._tap(began, client), closing=left), {})
            return
        with line.release() as server:
            between = Relay(sock, server, self._wish.limits, start)
            between.run(stop)
        recorded = self._tap(began, client, peer=line.peer)
        head, rest = prologue.split(between.chunks)
        cut = (*head, *_whole_records(rest, between.left_out))
        tap = replace(recorded, chunks=cut, closing=between.closing, secrets=self._secrets(rest))
        self._note(tap, _left_out(between.seen, cut))

    def _tap(
        self,
        began: datetime,
        client: str | None,
        *,
        peer: str | None = None,
        failure: Failure | None = None,
    ) -> Tap:
        return Tap(
            source=Source(f"tap to {self._wish.to}"),
            target=self._wish.to,
            failure=failure,
            server_name=self._wish.server_name,
            began=began,
            peer=peer,
            own=client,
        )

    def _note(self, tap: Tap, left_out: dict[Side, int]) -> None:
        missing = tuple(left_out.items())
        self.remember(lambda number: Relayed(number, tap, missing), self._wish.heard)

    def _secrets(self, chunks: tuple[Chunk, ...]) -> Secrets:
        """Pick this connection's lines out of the client's key log (RFC 9850, 2)."""
        if self._wish.key_log is None:
            return Secrets()
        first = b"".join(one.data for one in chunks if one.sender == "client")
        with suppress(OSError), self._wish.key_log.open("rb") as file:
            return Secrets(tuple(_lines_of(file, first[_RANDOM])))
        return Secrets()


def _lines_of(file: BinaryIO, random: bytes) -> Iterator[str]:
    """Give the lines of a key log that are of one connection; however long the file is."""
    wanted = random.hex().encode()
    while piece := file.read(_PIECE):
        piece += file.readline(_LINE)
        if wanted in piece.lower():
            yield from (one for one in piece.decode("latin-1").splitlines() if _is_of(one, wanted))


def _is_of(line: str, random: bytes) -> bool:
    parts = line.split()
    return len(parts) == 3 and parts[1].lower().encode() == random  # noqa: PLR2004 - label, random, secret


def _whole_records(chunks: tuple[Chunk, ...], left_out: dict[Side, int]) -> tuple[Chunk, ...]:
    """Where bytes were left out, end what was kept after a whole TLS record (RFC 8446, 5.1)."""
    room: dict[Side, int] = {}
    for side, missing in left_out.items():
        stream = b"".join(one.data for one in chunks if one.sender == side)
        room[side] = _records(stream) if missing else len(stream)
    kept = []
    for one in chunks:
        data = one.data[: room[one.sender]]
        room[one.sender] -= len(data)
        kept += [Chunk(one.seconds, one.sender, data)] if data else []
    return tuple(kept)


def _records(stream: bytes) -> int:
    """Return how many of these bytes are whole records; all, if they are no records at all."""
    at = 0
    while at + 5 <= len(stream):
        following = at + 5 + int.from_bytes(stream[at + 3 : at + 5], "big")
        if following > len(stream):
            break
        at = following
    return at or len(stream)


def _left_out(seen: dict[Side, int], kept: tuple[Chunk, ...]) -> dict[Side, int]:
    there = {side: sum(len(one.data) for one in kept if one.sender == side) for side in seen}
    return {side: seen[side] - there[side] for side in seen}


@contextmanager
def relay(  # noqa: PLR0913 - the parts of a tap
    to: Target,
    *,
    listen: tuple[str, int] = (LOOPBACK, 0),
    key_log: str | PathLike[str] | None = None,
    limits: Limits | None = None,
    heard: Callable[[Relayed], None] | None = None,
    server_name: str | None = None,
    troubled: Callable[[str], None] | None = None,
) -> Iterator[TapListener]:
    """Run a tap until the context is left.

    For example::

        with relay(Target("partner.example", 443)) as tap:
            call(tap.target)
            print(tap.taps(1)[0])

    Args:
        to: the server.
        listen: address and port to listen on; port 0 is a free one. Any address but loopback lets
            others on the network use this machine to reach the server.
        key_log: the file into which the client writes its TLS secrets (SSLKEYLOGFILE); read when
            a connection ends.
        limits: what a connection may take.
        heard: called with each connection when it has ended, in that connection's thread.
        server_name: the name that the client means to reach; None: not known.
        troubled: called with a sentence when callers cannot be served, once for each reason.

    Raises:
        OSError: the port is taken, or the address is not of this machine.
    """
    file = None if key_log is None else Path(key_log)
    wish = _Wish(to, file, limits or Limits(), heard, server_name, troubled)
    with TapListener(wish, listen) as listener:
        yield listener
