"""One connection of a capture. Law: it is a `Tap` like any other, and knows its frames.

Who is the client is told by the SYN, else by the hello, else by the ports.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from mtlskit.collect.shelf import Place, Shelf
from mtlskit.material import (
    Chunk,
    Closing,
    Failure,
    Problem,
    Remark,
    Secrets,
    Side,
    Source,
    Tap,
    Target,
)
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from mtlskit.wire import prologue
from mtlskit.wire.flow import Flow
from mtlskit.wire.packets import endpoints
from mtlskit.wire.unseal import KeyLog

LISTED: Final = 20_000
"""The most connections that are listed."""
ATTEMPTS: Final = 1000
"""The most attempts without an answer that are listed."""
_TLS_PORTS: Final = frozenset(
    {443, 465, 636, 853, 989, 990, 993, 995, 3269, 5061, 5671, 6443, 6514, 8443, 8883, 9443, 10443}
)
"""Ports of TLS, at which an attempt without an answer is worth telling."""
_REMEMBERED: Final = 32
_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Captured:
    """One connection of a capture.

    Attributes:
        number: its place in the list, from 1.
        client, server: address and port of either end.
        first_frame, last_frame: as Wireshark numbers them.
        began: time of its first packet, in UTC; None if the file has none.
        closings: who ended the TCP connection, and how, in order.
        late: its beginning was not captured.
        lost: bytes that were sent and are not in the capture.
        repeated: segments that were sent again.
        conflicts: segments that were sent again with other bytes; the first ones were taken.
        notes: what else is to be known of it, as sentences.
    """

    number: int
    client: str
    server: str
    first_frame: int
    last_frame: int
    began: datetime | None
    closings: tuple[Closing, ...]
    late: bool
    lost: int
    repeated: int
    conflicts: int
    notes: tuple[str, ...]
    _kept: _Kept = field(repr=False, compare=False)

    @property
    def tap(self) -> Tap:
        """The connection as it went over the wire."""
        return self._kept.tap(self)

    @property
    def trace(self) -> Trace:
        """The connection, told."""
        return self._kept.trace(self)


class _Room:
    """What the connections of one capture share."""

    __slots__ = ("key_log", "recent", "secrets", "shelf", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.shelf = Shelf()
        self.secrets = Secrets()
        self.key_log = KeyLog()
        self.recent: OrderedDict[int, Trace] = OrderedDict()


class _Kept:
    """The bytes of one connection, and who sent which."""

    __slots__ = ("client", "places", "room", "said", "start", "target")

    def __init__(self, flow: Flow, client: int, target: Target, room: _Room) -> None:
        self.client, self.target, self.room = client, target, room
        self.places: list[Place] = [one for one in flow.shelved if isinstance(one, (tuple, list))]
        self.start = flow.began
        self.said: tuple[tuple[Side, bytes], ...] = tuple(
            (self.side(half), data) for half, data in flow.prologue
        )

    def side(self, half: int) -> Side:
        return "client" if half == self.client else "server"

    def seconds(self, time: int | None) -> float:
        return 0.0 if time is None or self.start is None else (time - self.start) / _SECOND

    def tap(self, told: Captured) -> Tap:
        room = self.room
        return Tap(
            source=room.source.at(f"connection {told.number}"),
            target=self.target,
            chunks=self._chunks(),
            closing=told.closings[0] if told.closings else Closing(None, "open"),
            failure=self._failure(told),
            secrets=room.secrets,
            began=told.began,
            peer=told.server,
            own=told.client,
            prologue=tuple(Remark(0.0, None, one) for one in told.notes if self.said),
            late=told.late,
        )

    def trace(self, told: Captured) -> Trace:
        recent = self.room.recent
        if told.number not in recent:
            recent[told.number] = follow(self.tap(told), self.room.key_log)
            if len(recent) > _REMEMBERED:
                recent.popitem(last=False)
        return recent[told.number]

    def _chunks(self) -> tuple[Chunk, ...]:
        pieces = [one for place in self.places for one in self.room.shelf.get(place)]
        pieces.sort(key=lambda one: one[1].order)
        return tuple(
            Chunk(
                self.seconds(one.time), self.side(half), one.data, one.frame, one.gap, one.records
            )
            for half, one in pieces
        )

    def _failure(self, told: Captured) -> Failure | None:
        if self.places:
            return None
        if told.closings and told.closings[0].sender == "server":
            text = "the server's machine answered the connection request with RST"
            return Failure("refused", text)
        if told.closings:
            text = "the client took its connection request back before anyone answered"
            return Failure("timeout", text)
        return Failure("timeout", "nobody answered the connection request")


class Counter:
    """Takes connections as they are complete, and numbers them by their first frames."""

    def __init__(self, source: Source, secrets: Secrets) -> None:
        self._room = _Room(source)
        self._secrets = secrets
        self._flows: list[Flow] = []
        self._attempts: list[Flow] = []
        self._ports = set(_TLS_PORTS)
        self._left_out = 0
        self._randoms: set[bytes] = set()

    def aside(self, flow: Flow) -> None:
        """Lay aside what is held of a connection that goes on."""
        flow.shelved.append(self._room.shelf.put(flow.take_pieces()))

    def done(self, flow: Flow) -> None:
        """Take a connection of which nothing more is awaited."""
        if flow.tls:
            if len(self._flows) >= LISTED:
                self._left_out += 1
                return
            self.aside(flow)
            self._flows.append(flow)
            self._ports.add(endpoints(flow.key)[1 - _client(flow)][1])
        elif len(self._attempts) < ATTEMPTS and _unanswered(flow):
            self._attempts.append(flow)

    def connections(self, carried: Iterable[str]) -> tuple[Captured, ...]:
        """Give them all, in order; `carried` are the secrets that the file brought itself."""
        lines = (*self._secrets.lines, *carried)
        self._room.secrets, self._room.key_log = Secrets(lines), KeyLog(lines)
        failed = [one for one in self._attempts if endpoints(one.key)[1][1] in self._ports]
        flows = sorted((*self._flows, *failed), key=lambda one: one.first)
        return tuple(self._captured(number, flow) for number, flow in enumerate(flows, 1))

    def problems(self) -> Iterable[Problem]:
        """Say what is missing."""
        source = self._room.source
        if self._left_out:
            text = (
                f"The capture holds {self._left_out} TLS connections beyond the {LISTED} that are "
                "listed. Cut it down by address or time, and read it again."
            )
            yield Problem("too-many", text, source)
        if self._room.key_log and self._randoms and not self._fits():
            text = "The key log holds no secret of any connection in this capture."
            yield Problem("key-log-of-another", text, source)

    def _fits(self) -> bool:
        return any(self._room.key_log.knows(one) for one in self._randoms)

    def _captured(self, number: int, flow: Flow) -> Captured:
        client = _client(flow)
        ends = [Target(*one) for one in endpoints(flow.key)]
        notes = _notes(flow, client)
        kept = _Kept(flow, client, _asked_of_proxy(flow, client) or ends[1 - client], self._room)
        if flow.random:
            self._randoms.add(flow.random)
        return Captured(
            number=number,
            client=str(ends[client]),
            server=str(ends[1 - client]),
            first_frame=flow.first,
            last_frame=flow.last,
            began=None if flow.began is None else _time(flow.began),
            closings=tuple(
                Closing(
                    kept.side(half),
                    "fin" if kind == "fin" else "reset",
                    kept.seconds(time),
                    frame,
                )
                for half, kind, time, frame in flow.closings
            ),
            late=flow.late,
            lost=flow.lost,
            repeated=flow.repeated,
            conflicts=flow.conflicts,
            notes=notes,
            _kept=kept,
        )


def _time(nanoseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def _unanswered(flow: Flow) -> bool:
    """Tell whether nobody answered the request for a connection, or only by RST."""
    return flow.opener == 0 and not flow.before and flow.halves[1].next is None


def _client(flow: Flow) -> int:
    """Tell which half is the client's."""
    if flow.opener is not None:
        return flow.opener
    if flow.hello is not None:
        return flow.hello
    (_, first), (_, second) = endpoints(flow.key)
    if (first in _TLS_PORTS) != (second in _TLS_PORTS):
        return 1 if first in _TLS_PORTS else 0
    return 1 if first < second else 0


def _sides(flow: Flow, client: int) -> tuple[tuple[Side, bytes], ...]:
    return tuple(("client" if half == client else "server", one) for half, one in flow.prologue)


def _notes(flow: Flow, client: int) -> tuple[str, ...]:
    if not flow.before:
        return ()
    return (prologue.note(_sides(flow, client), flow.before),)


def _asked_of_proxy(flow: Flow, client: int) -> Target | None:
    """The endpoint that a proxy was asked for."""
    return prologue.connected(_sides(flow, client))
