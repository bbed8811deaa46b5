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

from mtlskit.collect import tcp
from mtlskit.collect.dial import dial
from mtlskit.collect.listening import LOOPBACK, Listener, reset
from mtlskit.collect.relay import Limits, Relay
from mtlskit.material import Chunk, Failure, Secrets, Side, Source, Tap, Target
from mtlskit.page.blocks import Callout, Page
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

__all__ = ["Limits", "Relayed", "TapListener", "relay"]

_KEY_LOG_LIMIT = 64 << 20
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


class TapListener(Listener[Relayed]):
    """A running tap. Made by `relay`.

    Attributes:
        target: where clients call.
    """

    def __init__(self, wish: _Wish, listen: tuple[str, int]) -> None:
        self._wish = wish
        self._count = 0
        super().__init__(listen, name="tap")

    def taps(self, at_least: int = 0, timeout: float = 5.0) -> tuple[Relayed, ...]:
        """The connections that have ended, oldest first; wait until there are so many."""
        return self.results(at_least, timeout)

    def serve(self, sock: socket.socket, stop: socket.socket) -> None:
        """Reach the server, relay, and note what was seen."""
        began, start = datetime.now(UTC), monotonic()
        client = tcp.told(sock.getpeername)
        try:
            line = dial(self._wish.to, start + self._wish.limits.reach)
        except tcp.NoConnectionError as error:
            reset(sock)
            self._note(self._tap(began, client, failure=error.failure), {})
            return
        with line.release() as server:
            between = Relay(sock, server, self._wish.limits, start)
            between.run(stop)
        recorded = self._tap(began, client, peer=line.peer)
        cut = _whole_records(between.chunks, between.left_out)
        tap = replace(
            recorded, chunks=cut, closing=between.closing, secrets=self._secrets(between.chunks)
        )
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
        with self._changed:
            self._count += 1
            relayed = Relayed(self._count, tap, tuple(left_out.items()))
        if self._wish.heard:
            self._wish.heard(relayed)
        self.remember(relayed)

    def _secrets(self, chunks: list[Chunk]) -> Secrets:
        """Pick this connection's lines out of the client's key log (RFC 9850, 2)."""
        if self._wish.key_log is None:
            return Secrets()
        first = b"".join(one.data for one in chunks[:8] if one.sender == "client")
        wanted = first[_RANDOM].hex()
        with suppress(OSError), self._wish.key_log.open("rb") as file:
            lines = file.read(_KEY_LOG_LIMIT).decode("latin-1").splitlines()
            return Secrets(tuple(one for one in lines if _is_of(one, wanted)))
        return Secrets()


def _is_of(line: str, random: str) -> bool:
    parts = line.split()
    return len(parts) == 3 and parts[1].lower() == random  # noqa: PLR2004 - label, random, secret


def _whole_records(chunks: list[Chunk], left_out: dict[Side, int]) -> tuple[Chunk, ...]:
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

    Raises:
        OSError: the port is taken, or the address is not of this machine.
    """
    file = None if key_log is None else Path(key_log)
    wish = _Wish(to, file, limits or Limits(), heard, server_name)
    with TapListener(wish, listen) as listener:
        yield listener
