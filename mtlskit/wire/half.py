"""One direction of a captured connection. Law: every byte is kept, or is told as a gap.

The bytes are walked from record header to record header (RFC 8446, 5.1). All of them are kept at
first; of application data beyond that, only short records are, which may be alerts, tickets or key
updates, and of those the last few. Whatever is left out is counted, in bytes and records.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from mtlskit.wire import records

if TYPE_CHECKING:
    from mtlskit.wire.flow import Flow
    from mtlskit.wire.waiting import Waiting

HEAD: Final = 1 << 18
"""Bytes of one direction that are kept from its beginning on."""
HEAD_DATA: Final = 24_576
"""What may still be added to them once application data flows."""
TURNS: Final = 3
"""Application data records of one side after those of the other: by the third turn the handshake
of TLS 1.3 is over (the server's flight, the client's, and what follows)."""
SHORT: Final = 1024
"""Bytes of a record that is kept even then."""
TAIL: Final = 64
"""How many such records are kept, the last ones."""
PIECE: Final = 300
"""Bytes that a piece takes in memory beside its data."""
_NOWHERE: Final = -1
_COMPARED: Final = 64


class Piece(NamedTuple):
    """Bytes that came in one frame.

    Attributes:
        order: the frame at which they were complete in their order.
        gap: bytes that stood before them and are not kept or were never captured.
        records: how many records the gap holds, all of them whole; None: that is not known, or
            there is no gap.
    """

    order: int
    frame: int
    time: int | None
    gap: int
    records: int | None
    data: bytes


class Half:
    """What is known of one direction.

    Attributes:
        next: the sequence number that comes next; None: nothing was seen.
        isn: the sequence number of its SYN; None: none was seen.
        passing: bytes of a record being passed over that are still to come.
        drop: nothing of it is wanted.
        frame: the last frame.
        waiting: pieces that came too early; None: none did.
        held: pieces in which TLS was not yet found.
    """

    __slots__ = (
        "_count",
        "_head",
        "_left",
        "_lost",
        "_pieces",
        "_record",
        "_room",
        "_tail",
        "drop",
        "flow",
        "frame",
        "gap",
        "held",
        "index",
        "isn",
        "next",
        "passing",
        "waiting",
    )

    def __init__(self, flow: Flow, index: int) -> None:
        self.flow, self.index = flow, index
        self.next: int | None = None
        self.isn: int | None = None
        self.frame = 0
        self.drop = False
        self.passing = 0
        self.gap = 0
        self._count = 0  # records in the gap
        self._lost = False  # the gap was not captured, or its records are not known
        self.waiting: Waiting | None = None
        self.held: list[Piece] = []
        self._pieces: list[Piece] = []
        self._tail: deque[Piece] | None = None
        self._room = HEAD
        self._left = 0  # bytes of the record being kept that are still to come
        self._head = b""  # the header that is not all here
        self._record: bytearray | None = None  # a short record that is kept when it is complete

    def walk(self, piece: Piece) -> None:
        """Take the next bytes in order."""
        if self._all_kept(piece):
            return
        data, at, size = piece.data, 0, len(piece.data)
        if self._left == _NOWHERE:
            at = self._find(piece)
        kept_from = at
        while at < size:
            if self.passing:
                step = min(self.passing, size - at)
                self.passing -= step
                self.gap += step
                at = kept_from = at + step
            elif self._left > 0:
                step = min(self._left, size - at)
                self._left -= step
                at += step
                if self._record is not None:
                    self._short(piece, data[at - step : at])
                    kept_from = at
            else:
                at, kept_from = self._header(piece, at, kept_from)
        if at > kept_from:
            self._keep(piece, data[kept_from:at])

    def _all_kept(self, piece: Piece) -> bool:
        """Take bytes of which all are kept and whose last record is whole or goes on.

        This is the common case of a handshake; whatever is not so simple is left as it is (False).
        """
        data, at, size = piece.data, self._left, len(piece.data)
        if self.passing or self._head or self._record is not None or at < 0 or self._room < size:
            return False
        room, last23 = self._room, self.flow.last23 == self.index
        while at + records.HEADER <= size:
            kind, length = data[at], data[at + 3] << 8 | data[at + 4]
            if kind == records.APPLICATION_DATA and not last23:
                return False
            if not 20 <= kind <= 24 or data[at + 1] != 3 or length > records.MOST:  # noqa: PLR2004 - content types, TLS
                return False
            room -= length + records.HEADER
            at += length + records.HEADER
        if at < size or room < 0:
            return False
        self._left, self._room = at - size, room
        self._keep(piece, data)
        return True

    def _header(self, piece: Piece, at: int, kept_from: int) -> tuple[int, int]:
        """Read a record header; give where to go on, and from where bytes are to be kept."""
        data = piece.data
        head = self._head + data[at : at + records.HEADER - len(self._head)]
        after = at + len(head) - len(self._head)
        if len(head) < records.HEADER:
            if at > kept_from:
                self._keep(piece, data[kept_from:at])
            self._head = head
            return after, after
        before, self._head = self._head, b""
        length = head[3] << 8 | head[4]
        plausible = records.CHANGE_CIPHER_SPEC <= head[0] <= records.HEARTBEAT
        if not plausible or head[1] != 3 or length > records.MOST:  # noqa: PLR2004 - TLS
            return self._astray(piece, at, kept_from, before)
        self._turn(head[0], length)
        if self._room >= 0:
            if before:
                self._keep(piece, before)
            self._left = length
            return after, kept_from
        if at > kept_from:
            self._keep(piece, data[kept_from:at])
        if head[0] == records.APPLICATION_DATA and length > SHORT:
            self.passing = length
            self.gap += records.HEADER
            self._count += 1
        else:
            self._left, self._record = length, bytearray(head)
            if not length:
                self._short(piece, b"")
        return after, after

    def _turn(self, kind: int, length: int) -> None:
        """Count who speaks, and what room the record takes."""
        flow = self.flow
        if kind == records.APPLICATION_DATA and flow.last23 != self.index:
            flow.last23 = self.index
            flow.turns += 1
            if flow.turns == TURNS:
                for half in flow.halves:
                    half._room = min(half._room, HEAD_DATA)  # noqa: SLF001 - the other half
        self._room -= length + records.HEADER

    def _astray(self, piece: Piece, at: int, kept_from: int, before: bytes) -> tuple[int, int]:
        """Where a header should be there is none: keep what there is while there is room."""
        if before:
            self._keep(piece, before)
        if at > kept_from:
            self._keep(piece, piece.data[kept_from:at])
        self._left = _NOWHERE
        self._raw(piece, piece.data[at:])
        return len(piece.data), len(piece.data)

    def _raw(self, piece: Piece, data: bytes) -> None:
        """Take bytes in which no record is known to begin."""
        self._room -= len(data)
        if self._room >= 0:
            self._keep(piece, data)
        else:
            self.gap += len(data)
            self._lost = True

    def _find(self, piece: Piece) -> int:
        """Find where a record begins again; what stands before it is taken as it is."""
        data = piece.data
        at = 0 if _plausible(data, 0) else data.find(b"\x17\x03\x03")
        while at > 0 and not _plausible(data, at):
            at = data.find(b"\x17\x03\x03", at + 1)
        if at < 0:
            self._raw(piece, data)
            return len(data)
        if at:
            self._raw(piece, data[:at])
        self._left = 0
        return at

    def _short(self, piece: Piece, data: bytes) -> None:
        """Take bytes of a short record; keep it when it is complete."""
        if self._record is None:
            return
        self._record += data
        if not self._left:
            whole, self._record = bytes(self._record), None
            self._keep(piece, whole, last=True)

    def hole(self, piece: Piece, missing: int) -> None:
        """Take note that `missing` bytes were not captured; `piece` says when."""
        if self.passing >= missing:
            self.passing -= missing
            self.gap += missing
            return
        if self._record is not None:
            whole, self._record = bytes(self._record), None
            self._keep(piece, whole)
        if self._head:
            head, self._head = self._head, b""
            self._keep(piece, head)
        self.gap += missing
        self._lost = True
        self.passing = 0
        if self._left >= missing:
            self._left -= missing
            self._keep(piece, b"")
        else:
            self._left = _NOWHERE

    def end(self) -> None:
        """Nothing more comes: give up what was being put together."""
        last = (self._tail or self._pieces or (None,))[-1]
        piece = Piece(self.frame, self.frame, last.time if last else None, 0, None, b"")
        rest = bytes(self._record or b"") + self._head
        self._record, self._head = None, b""
        if rest or self.gap:
            self._keep(piece, rest, last=True)

    def same(self, data: bytes, behind: int) -> bool:
        """Tell whether these bytes, which stand `behind` before the next, are those kept there.

        What is no longer kept cannot differ.
        """
        end = 0
        for piece in reversed(self._pieces[-_COMPARED:]):
            if self._tail or self.gap or self._head or piece.gap:
                return True
            end += len(piece.data)
            if end >= behind:
                break
        if end < behind:
            return True
        kept = b"".join(one.data for one in self._pieces[-_COMPARED:])
        there = kept[len(kept) - behind :][: len(data)]
        return there == data[: len(there)]

    def take_pieces(self) -> list[Piece]:
        """Hand over what is held."""
        found = self._pieces + list(self._tail or ())
        self._pieces = []
        if self._tail is not None:
            self._tail.clear()
        return found

    def _keep(self, piece: Piece, data: bytes, *, last: bool = False) -> None:
        """Keep bytes, and the gap before them."""
        count = None if self._lost or not self.gap else self._count
        made = Piece(piece.order, piece.frame, piece.time, self.gap, count, data)
        self.gap, self._count, self._lost = 0, 0, False
        self.flow.kept += len(data) + PIECE
        if self._tail is None and (self._room >= 0 or not last):
            self._pieces.append(made)
            return
        if self._tail is None:
            self._tail = deque()
        self._tail.append(made)
        if len(self._tail) > TAIL:
            self._fold()

    def _fold(self) -> None:
        """Let go of the oldest of the last records: the gap of the next grows by it."""
        if self._tail is None:
            return
        oldest, after = self._tail.popleft(), self._tail.popleft()
        self.flow.kept -= len(oldest.data) + PIECE
        known = not (oldest.gap and oldest.records is None)
        known = known and not (after.gap and after.records is None)
        count = (oldest.records or 0) + (after.records or 0) + 1 if known else None
        gap = oldest.gap + len(oldest.data) + after.gap
        self._tail.appendleft(after._replace(gap=gap, records=count))


def _plausible(data: bytes, at: int) -> bool:
    """Tell whether a record may begin here."""
    head = data[at : at + records.HEADER]
    if len(head) < records.HEADER:
        return False
    kind = records.CHANGE_CIPHER_SPEC <= head[0] <= records.HEARTBEAT
    return kind and head[1] == 3 and head[2] <= 4 and (head[3] << 8 | head[4]) <= records.MOST  # noqa: PLR2004 - versions 3.0 to 3.4
