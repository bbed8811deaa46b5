"""One relayed connection: two sockets, what comes out of one goes into the other, byte for byte.

Law of this file: nothing is changed, added or held back. A half-close is passed on as a half-close
and a reset as a reset, but never before what was said ahead of it. What is kept is bounded, what is
relayed is not; the wait ends at a deadline, at silence, or at the stop.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from mtlskit.collect.listening import reset
from mtlskit.material import Chunk, Closing, Side

BUFFER = 512 * 1024
"""Bytes taken at once in each direction: also all that is held of what is only relayed."""

_PEER: dict[Side, Side] = {"client": "server", "server": "client"}
_TURNS = 32  # pieces of one direction before the other one is looked at
_DRAIN = 1.0  # seconds that a reset waits for what was said ahead of it to be on its way


@dataclass(frozen=True, slots=True)
class Limits:
    """What one relayed connection may take.

    Attributes:
        kept: bytes kept of each direction; the rest is relayed and counted.
        silence: seconds without a byte in either direction after which it is ended.
        longest: seconds for one connection; None: as long as it likes.
        reach: seconds to reach the server.
    """

    kept: int = 1 << 18
    silence: float = 300.0
    longest: float | None = None
    reach: float = 10.0


@dataclass(slots=True)
class _Lane:
    """One direction: from the socket of `sender` to the other one.

    Attributes:
        waiting: what was taken and not yet handed on.
        ended: the sender will say no more.
        passed: that has been passed on.
        dead: the receiver takes no more.
        seen: bytes that came; `kept` of them are in the record.
    """

    sender: Side
    source: socket.socket
    sink: socket.socket
    buffer: memoryview
    waiting: memoryview = field(default_factory=lambda: memoryview(b""))
    ended: bool = False
    passed: bool = False
    dead: bool = False
    seen: int = 0
    kept: int = 0

    @property
    def over(self) -> bool:
        return self.dead or self.passed

    @property
    def reading(self) -> bool:
        return not (self.over or self.ended or self.waiting)


class Relay:
    """Two sockets and the record of what went between them.

    Attributes:
        chunks: what was kept, in order.
        closing: how it ended; None while it is open.
        seen: bytes that each side sent in all.
    """

    def __init__(
        self, client: socket.socket, server: socket.socket, limits: Limits, began: float
    ) -> None:
        self._ends: dict[Side, socket.socket] = {"client": client, "server": server}
        self._limits = limits
        self._began = began
        self._lanes = tuple(
            _Lane(side, self._ends[side], self._ends[_PEER[side]], memoryview(bytearray(BUFFER)))
            for side in _PEER
        )
        self._watched: dict[socket.socket, int] = {}
        self.chunks: list[Chunk] = []
        self.closing: Closing | None = None
        for sock in self._ends.values():
            sock.settimeout(0)
            with suppress(OSError):  # it may be gone already
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def seen(self) -> dict[Side, int]:
        """Bytes that each side sent in all."""
        return {lane.sender: lane.seen for lane in self._lanes}

    @property
    def left_out(self) -> dict[Side, int]:
        """Bytes of each side that were relayed and not kept."""
        return {lane.sender: lane.seen - lane.kept for lane in self._lanes}

    def run(self, stop: socket.socket) -> None:
        """Relay until both sides are done, one breaks off, it takes too long, or `stop` rings."""
        with selectors.DefaultSelector() as selector:
            selector.register(stop, selectors.EVENT_READ)
            while not all(lane.over for lane in self._lanes):
                self._watch(selector)
                ready = {key.fileobj: mask for key, mask in selector.select(self._patience())}
                if not ready or stop in ready:
                    self._close(None, "open" if ready else "deadline")
                    return
                for lane in self._lanes:
                    self._move(lane, ready)

    def _patience(self) -> float:
        longest = self._limits.longest
        left = self._limits.silence
        if longest is not None:
            left = min(left, self._began + longest - monotonic())
        return max(0.0, left)

    def _watch(self, selector: selectors.BaseSelector) -> None:
        """Ask only for what can be dealt with, so that one slow side holds the other back."""
        wanted: dict[socket.socket, int] = dict.fromkeys(self._ends.values(), 0)
        for lane in self._lanes:
            wanted[lane.source] |= selectors.EVENT_READ if lane.reading else 0
            wanted[lane.sink] |= selectors.EVENT_WRITE if lane.waiting and not lane.over else 0
        for sock, events in wanted.items():
            before = self._watched.get(sock, 0)
            if events == before:
                continue
            if not before:
                selector.register(sock, events)
            elif events:
                selector.modify(sock, events)
            else:
                selector.unregister(sock)
            self._watched[sock] = events

    def _move(self, lane: _Lane, ready: Mapping[Any, int]) -> None:
        """Take what came and hand it on, as far as both sides are ready."""
        if lane.waiting and not lane.over:
            self._hand_on(lane)
        if ready.get(lane.source, 0) & selectors.EVENT_READ:
            for _ in range(_TURNS):
                if not (lane.reading and self._take(lane)):
                    break
                self._hand_on(lane)
        if lane.ended and not lane.waiting and not lane.over:
            lane.passed = True
            with suppress(OSError):  # the receiver was quicker
                lane.sink.shutdown(socket.SHUT_WR)

    def _take(self, lane: _Lane) -> bool:
        """Take what is there; False if that is nothing."""
        try:
            size = lane.source.recv_into(lane.buffer)
        except BlockingIOError:
            return False
        except OSError:
            self._broken(lane.sender)
            return False
        if size:
            lane.waiting = lane.buffer[:size]
            lane.seen += size
            self._keep(lane)
            return True
        if self._other(lane).dead:  # a send had met the reset already
            self._broken(lane.sender)
        else:
            lane.ended = True
            self._close(lane.sender, "fin")
        return False

    def _keep(self, lane: _Lane) -> None:
        room = self._limits.kept - lane.kept
        if room > 0:
            data = bytes(lane.waiting[:room])
            lane.kept += len(data)
            self.chunks.append(Chunk(monotonic() - self._began, lane.sender, data))

    def _hand_on(self, lane: _Lane) -> None:
        try:
            sent = lane.sink.send(lane.waiting)
        except BlockingIOError:
            return
        except OSError:
            # The receiver has reset; what it said before may still lie in the socket's buffer, so
            # the other lane goes on until it is read.
            lane.dead, lane.waiting = True, memoryview(b"")
            self._close(_PEER[lane.sender], "reset")
            if self._other(lane).over:
                self._broken(_PEER[lane.sender])
            return
        lane.waiting = lane.waiting[sent:]

    def _other(self, lane: _Lane) -> _Lane:
        return next(one for one in self._lanes if one is not lane)

    def _broken(self, side: Side) -> None:
        """Pass on that this side has reset, once what it said ahead of it is on its way."""
        self._close(side, "reset")
        for lane in self._lanes:
            lane.dead = True
        other = self._ends[_PEER[side]]
        until = monotonic() + _DRAIN
        with suppress(OSError):
            while _unsent(other) and monotonic() < until:
                time.sleep(0.002)
        reset(other)

    def _close(
        self, sender: Side | None, kind: Literal["fin", "reset", "deadline", "open"]
    ) -> None:
        """Note how it ended; a reset of the side that had closed in order says more than that."""
        if self.closing is None or (kind == "reset" and self.closing.sender == sender):
            self.closing = Closing(sender, kind, monotonic() - self._began)


def _unsent(sock: socket.socket) -> int:
    """Bytes that the system has not got across yet (SIOCOUTQ); 0 where it does not say."""
    if not sys.platform.startswith("linux"):
        return 0
    import fcntl  # noqa: PLC0415 - not there on Windows
    import termios  # noqa: PLC0415 - the same

    told = fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4)
    return int.from_bytes(told, sys.byteorder)
