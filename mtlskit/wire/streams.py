"""TCP segments to the bytes of TLS connections. Law: what was not captured is a gap, never glued.

Each direction is put in order (RFC 9293, 3.4): what comes twice is taken once, the first wins; what
comes too early waits; what never comes is a gap of known size. TLS is found by its bytes on any
port, at the start, after another protocol's prologue, or in mid connection.

Of application data only the beginning is kept: from then on record headers alone are read, and the
loop in `Streams.read` passes over the bytes between them without a call.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final

from mtlskit.wire.capfile import Packet
from mtlskit.wire.flow import Flow
from mtlskit.wire.half import PIECE, Half, Piece
from mtlskit.wire.packets import ACK, FIN, IPV4, RST, SYN, TCP, Dissector, Segment, reverse
from mtlskit.wire.prologue import SAMPLE, hello, is_tls, tls_within
from mtlskit.wire.waiting import Waiting

__all__ = ["Streams"]

_WRAP: Final = 1 << 32
_HALF_WRAP: Final = 1 << 31
_MASK: Final = _WRAP - 1
_WINDOW: Final = 1 << 30
"""The widest window of TCP (RFC 7323, 2.3): what is further ahead is not of this connection."""
WAITING: Final = 1 << 20
"""Bytes of one direction that wait for what should have come before them; then that is lost."""
WAITING_ALL: Final = 1 << 24
"""What may wait in all connections together, with what it takes in memory."""
PROLOGUE: Final = 1 << 18
"""Bytes of another protocol after which a connection is taken to speak no TLS."""
SAMPLES: Final = 1 << 23
"""Bytes of all prologues; beyond, of each one only so much is kept:"""
BRIEF: Final = 256
LATE: Final = 40_000
"""Bytes of one direction in which TLS is looked for where the connection's start was not captured:
two records of the greatest length."""
LOOKING: Final = 1 << 23
"""What may be held in which TLS is still looked for; beyond, the oldest are judged as they are."""
OPEN: Final = 30_000
"""Connections that are followed at a time; beyond, the oldest are told as they are."""
LINGER: Final = 1000
"""Closed connections that are still listened to, for what comes late."""
KEPT: Final = 40 << 20
"""Bytes held in memory; beyond, they are handed to be laid aside."""

_RANDOM_STARTS, _RANDOM_ENDS = 11, 43
"""Where the random is in a record that begins with a ClientHello (RFC 8446, 4.1.2)."""

_FAST: Final = Struct(">HBxHxxHxBxx12sIIBB").unpack_from
"""EtherType to TCP flags of a frame with the shortest IPv4 header."""
_LEAST: Final = 54
_ETHERNET: Final = 1


Keeper = Callable[[Flow], None]


class Streams:
    """Takes packets, gives connections.

    Args:
        done: is called with each connection when nothing more is awaited of it.
        aside: is called with a connection whose pieces are to be laid aside (`Flow.take_pieces`).
    """

    def __init__(self, done: Keeper, aside: Keeper) -> None:
        self._done, self._aside = done, aside
        self.dissector = Dissector()
        # Ordered dictionaries, for the oldest of many is found in them at once.
        self._halves: OrderedDict[bytes, Half] = OrderedDict()
        self._closing: deque[Flow] = deque()
        self._kept = 0
        self._waiting = 0
        self._sampled = 0
        self._held: OrderedDict[Flow, int] = OrderedDict()
        self._patient: OrderedDict[Half, None] = OrderedDict()
        self._looking = 0
        self.plain = 0
        """TCP connections in which no TLS was found."""
        self.skipped = 0
        """Frames that hold no TCP, of those passed over without a closer look."""

    # One loop with all in it: a call for each packet would double what it costs.
    def read(self, packets: Iterable[Packet]) -> None:  # noqa: C901 - see above
        """Take all packets of a capture."""
        find, unpack = self._halves.get, _FAST
        slow = self.dissector.segment
        for number, time, link, block, start, end, _ in packets:
            if link == _ETHERNET and end - start >= _LEAST:
                kind, first, total, place, protocol, key, seq, ack, offset, flags = unpack(
                    block, start + 12
                )
                if kind == IPV4 and first == 0x45 and not place & 0x3FFF and total:  # noqa: PLR2004 - see _FAST
                    if protocol != TCP:
                        self.skipped += 1
                        continue
                    header = (offset & 0xF0) >> 2
                    length = total - 20 - header
                    if not flags & 7:  # neither FIN nor SYN nor RST
                        if length <= 0:
                            continue
                        half = find(key)
                        if half is not None:
                            if half.drop:
                                continue
                            if half.next == seq and half.passing > length:
                                half.passing -= length
                                half.gap += length
                                half.next = (seq + length) & _MASK
                                half.frame = number
                                continue
                    body = start + 34 + header
                    until = start + 14 + total
                    self._take(
                        Segment(key, seq, ack, flags, block, min(body, end), min(until, end),
                                max(length, 0)), number, time)  # fmt: skip
                    continue
            segment = slow(link, block, start, end)
            if segment is not None and (segment.length or segment.flags & 7):
                self._take(segment, number, time)

    def end(self) -> None:
        """Nothing more comes: give every connection that is left."""
        flows = dict.fromkeys(half.flow for half in self._halves.values())
        for flow in sorted(flows, key=lambda one: one.first):
            self._finish(flow)
        self._halves.clear()

    def _take(self, segment: Segment, number: int, time: int | None) -> None:
        half = self._half(segment, number, time)
        if half is None:
            return
        flags = segment.flags
        half.frame = number
        seq = segment.seq
        if flags & SYN:
            seq = (seq + 1) & _MASK
            if half.next is None:
                half.next = seq
        if segment.length and not half.drop:
            self._data(half, segment, seq, number, time)
        if flags & (FIN | RST):
            self._close(half, "reset" if flags & RST else "fin", time, number)
        if self._kept > KEPT:
            self._lay_aside()

    def _half(self, segment: Segment, number: int, time: int | None) -> Half | None:
        """Find the direction that a segment belongs to; begin a connection if it is a new one."""
        half = self._halves.get(segment.key)
        fresh = segment.flags & (SYN | ACK) == SYN
        if half is not None and fresh and self._reused(half, segment):
            self._finish(half.flow)
            half = None
        if half is not None:
            return half
        if segment.flags & RST or (segment.flags & FIN and not segment.length):
            return None  # the end of something that was not captured
        return self._begin(segment, number, time)

    @staticmethod
    def _reused(half: Half, segment: Segment) -> bool:
        """Tell whether a SYN begins another connection between the same ports, or is sent again."""
        over = any(kind == "reset" for _, kind, _, _ in half.flow.closings)
        return over or half.isn != segment.seq

    def _begin(self, segment: Segment, number: int, time: int | None) -> Half:
        if len(self._halves) >= 2 * OPEN:
            self._finish(next(iter(self._halves.values())).flow)
        flow = Flow(segment.key, number, time)
        half, other = flow.halves
        if segment.flags & SYN:
            half.isn = segment.seq
            flow.opener = 1 if segment.flags & ACK else 0
        flow.late = not segment.flags & SYN
        self._halves[segment.key] = half
        self._halves[reverse(segment.key)] = other
        return half

    def _data(self, half: Half, segment: Segment, seq: int, number: int, time: int | None) -> None:
        if half.next is None:
            half.next = seq
        ahead = (seq - half.next) & _MASK
        data = segment.block[segment.start : segment.end]
        cut = segment.length - len(data)
        if ahead >= _HALF_WRAP:
            data = self._again(half, data, segment.length, _WRAP - ahead)
            if segment.length <= _WRAP - ahead:
                return
            cut = segment.length - (_WRAP - ahead) - len(data)
            ahead = 0
        piece = Piece(number, number, time, 0, None, data)
        if ahead > _WINDOW:
            half.flow.conflicts += 1
        elif ahead or half.waiting:
            self._wait(half, (half.next + ahead) & _MASK, piece, cut)
            if not ahead:
                self._waited(half, number)
        else:
            self._in_order(half, piece, cut)

    @staticmethod
    def _again(half: Half, data: bytes, length: int, behind: int) -> bytes:
        """Take away what was there before; note it if it differs."""
        half.flow.repeated += 1
        if length > 1 and not half.same(data, behind):  # one byte keeps a connection alive
            half.flow.conflicts += 1
        return data[behind:]

    def _wait(self, half: Half, seq: int, piece: Piece, cut: int) -> None:
        """Keep what came too early; where too much waits, what is missing is taken to be lost."""
        waiting = half.waiting = half.waiting or Waiting()
        self._waiting -= waiting.cost
        repeated, conflicts = waiting.put(half.next or 0, seq, piece, cut)
        self._waiting += waiting.cost
        half.flow.repeated += repeated
        half.flow.conflicts += conflicts
        self._patient[half] = None
        if waiting.size > WAITING or len(waiting) > WAITING >> 8:
            self._give_up(half)
        while self._waiting > WAITING_ALL:
            self._give_up(next(iter(self._patient)))

    def _waited(self, half: Half, number: int) -> None:
        """Take what waited for the bytes that have come now."""
        while (waiting := half.waiting) and waiting.first(half.next or 0)[0] <= 0:
            self._waiting -= waiting.cost
            piece, cut = waiting.take(half.next or 0)
            self._waiting += waiting.cost
            if piece.data or cut:
                self._in_order(half, piece._replace(order=max(piece.order, number)), cut)
        if not waiting:
            self._patient.pop(half, None)

    def _give_up(self, half: Half) -> None:
        """What the waiting pieces wait for does not come."""
        while half.waiting:
            missing, piece = half.waiting.first(half.next or 0)
            if missing > 0:
                half.flow.lost += missing
                half.next = ((half.next or 0) + missing) & _MASK
                self._hole(half, missing, piece)
            self._waited(half, piece.order)

    def _hole(self, half: Half, missing: int, before: Piece) -> None:
        if half.flow.tls:
            self._kept -= half.flow.kept
            half.hole(before._replace(data=b""), missing)
            self._kept += half.flow.kept
        else:
            half.held = []

    def _in_order(self, half: Half, piece: Piece, cut: int) -> None:
        """Take the next bytes of a direction; `cut` more were sent and not captured."""
        flow = half.flow
        half.next = ((half.next or 0) + len(piece.data) + cut) & _MASK
        self._kept -= flow.kept
        if not flow.tls:
            self._look(half, piece)
        else:
            half.walk(piece)
        if cut:
            flow.lost += cut
            if flow.tls:
                half.hole(piece._replace(data=b""), cut)
        self._kept += flow.kept

    # Until TLS is found.

    def _look(self, half: Half, piece: Piece) -> None:
        self._look_at(half, piece)
        if half.flow.late:
            self._count_held(half.flow)

    def _look_at(self, half: Half, piece: Piece) -> None:
        flow = half.flow
        if flow.speaker != half.index:
            flow.speaker = half.index
            if not flow.late:
                half.held = []
        half.held.append(piece)
        data = piece.data if len(half.held) == 1 else b"".join(one.data for one in half.held)
        found = is_tls(data, late=flow.late)
        if found is None:
            return
        if found:
            self._found(half)
        elif flow.late:
            self._look_within(half, data)
        else:
            self._prologue(half, data, piece)

    def _count_held(self, flow: Flow) -> None:
        """Where too much is held undecided, judge the oldest by what there is of them."""
        held = sum(len(one.data) + PIECE for half in flow.halves for one in half.held)
        self._looking += held - self._held.pop(flow, 0)
        if held:
            self._held[flow] = held
        while self._looking > LOOKING:
            oldest = next(iter(self._held))
            self._looking -= self._held.pop(oldest)
            self._settle(oldest)
            if not oldest.tls:
                self._drop(oldest)

    def _prologue(self, half: Half, data: bytes, piece: Piece) -> None:
        """Another protocol speaks: keep a little of it; TLS may begin with a later segment."""
        flow = half.flow
        if len(half.held) > 1 and is_tls(piece.data, late=False):
            half.held = [piece]
            self._found(half)
            return
        start = tls_within(data)
        if start:
            self._say_before(half, data[:start])
            half.held = [piece._replace(data=data[start:])]
            self._found(half)
            return
        self._say_before(half, piece.data)
        half.held = [piece._replace(data=b"")]
        if flow.before > PROLOGUE:
            self._drop(flow)

    def _say_before(self, half: Half, data: bytes) -> None:
        flow = half.flow
        most = SAMPLE if self._sampled < SAMPLES else BRIEF
        room = most - sum(len(one) for _, one in flow.prologue)
        if room > 0:
            flow.prologue.append((half.index, data[:room]))
            self._sampled += len(data[:room])
        flow.before += len(data)

    def _forget(self, flow: Flow) -> None:
        """What was said is not needed: no TLS followed."""
        self._sampled -= sum(len(one) for _, one in flow.prologue)
        flow.prologue = []

    def _look_within(self, half: Half, data: bytes) -> None:
        """Look for records in a connection whose beginning was not captured."""
        if len(data) < LATE:
            return
        if tls_within(data, records=True) is None:
            self._drop(half.flow)
        else:
            self._found(half)

    def _found(self, half: Half) -> None:
        """TLS begins with what this half holds."""
        flow = half.flow
        flow.tls = True
        start = b"".join(one.data for one in half.held)[:_RANDOM_ENDS]
        if kind := hello(start):
            flow.hello = half.index if kind == 1 else 1 - half.index
            flow.random = start[_RANDOM_STARTS:] if kind == 1 else b""
        other = flow.halves[1 - half.index]
        for one in (other, half):
            pieces, one.held = one.held, []
            if one is other and not flow.late:
                continue
            for piece in sorted(pieces, key=lambda each: each.order):
                if piece.data:
                    one.walk(piece)

    def _drop(self, flow: Flow) -> None:
        """No TLS here: pass over what still comes."""
        for half in flow.halves:
            self._waiting -= half.waiting.cost if half.waiting else 0
            self._patient.pop(half, None)
            half.drop, half.held, half.waiting = True, [], None
        self._forget(flow)

    # The end of a connection.

    def _close(self, half: Half, kind: str, time: int | None, frame: int) -> None:
        flow = half.flow
        if (half.index, kind) in ((one, what) for one, what, _, _ in flow.closings):
            return
        flow.closings.append((half.index, kind, time, frame))
        over = kind == "reset" or len(flow.closings) > 1
        if over and not flow.closed:
            flow.closed = True
            self._closing.append(flow)
            if len(self._closing) > LINGER:
                self._finish(self._closing.popleft())

    def _finish(self, flow: Flow) -> None:
        """Give a connection of which nothing more is awaited."""
        if flow.done:
            return
        flow.done = True
        for half in flow.halves:
            key = flow.key if half.index == 0 else reverse(flow.key)
            if self._halves.get(key) is half:
                del self._halves[key]
            if half.waiting:
                self._give_up(half)
        self._kept -= flow.kept
        for half in flow.halves:
            half.end()
        self._looking -= self._held.pop(flow, 0)
        self._settle(flow)
        if not flow.tls:
            self._forget(flow)
            self.plain += bool(flow.before or flow.late or any(one.drop for one in flow.halves))
        self._done(flow)

    def _settle(self, flow: Flow) -> None:
        """Look once more at the little that came of a connection without its beginning."""
        if flow.tls or not flow.late:
            return
        for half in flow.halves:
            data = b"".join(one.data for one in half.held)
            if data and tls_within(data, records=True) is not None:
                self._found(half)
                return

    def _lay_aside(self) -> None:
        """Too much is held in memory: have it laid aside."""
        for flow in dict.fromkeys(half.flow for half in self._halves.values()):
            if flow.kept:
                self._aside(flow)
        self._kept = sum(one.flow.kept for one in self._halves.values()) // 2
