"""What came too early in one direction. Law: no two pieces overlap, and the first bytes win.

Sequence numbers are modulo 2^32 (RFC 9293, 3.4); what waits is ordered by how far it is ahead of
what is expected next.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Final

from mtlskit.wire.half import PIECE, Piece

_HALF_WRAP: Final = 1 << 31
_MASK: Final = (1 << 32) - 1


def ahead_of(following: int, seq: int) -> int:
    """How far a sequence number is ahead of what follows next; less than 0: behind."""
    return ((seq - following + _HALF_WRAP) & _MASK) - _HALF_WRAP


class Waiting:
    """Pieces that came before what should have come first.

    Attributes:
        size: bytes of all of them.
    """

    __slots__ = ("_pieces", "_queue", "size")

    def __init__(self) -> None:
        self._pieces: dict[int, tuple[Piece, int]] = {}
        self._queue: list[int] = []
        self.size = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def cost(self) -> int:
        """What it takes in memory, in bytes."""
        return self.size + PIECE * len(self._queue)

    def first(self, following: int) -> tuple[int, Piece]:
        """Look at the first: how far it is ahead, and what it is."""
        seq = self._queue[0]
        return ahead_of(following, seq), self._pieces[seq][0]

    def take(self, following: int) -> tuple[Piece, int]:
        """Take the first, which is no longer ahead: what is new of it, and what was cut off.

        The piece is empty, and nothing was cut off, where all of it is known already.
        """
        seq = self._queue.pop(0)
        piece, cut = self._pieces.pop(seq)
        self.size -= len(piece.data)
        if self._queue:
            cut = self._up_to_next(seq, len(piece.data), cut)
        behind = ahead_of(seq, following)
        missing = max(0, min(cut, len(piece.data) + cut - behind))
        return piece._replace(data=piece.data[behind:]), missing

    def _up_to_next(self, seq: int, size: int, cut: int) -> int:
        """End what was cut off where the next piece stands, which hands on what lies beyond it."""
        following = self._queue[0]
        room = ahead_of(seq, following) - size
        piece, its = self._pieces[following]
        self._pieces[following] = piece, max(its, cut - room - len(piece.data))
        return min(cut, room)

    def put(self, following: int, seq: int, piece: Piece, cut: int) -> tuple[bool, int]:
        """Keep a piece, as far as it is new; `cut` more bytes of it were not captured.

        Returns:
            Whether some of it was here; and in how many places it said something else then.
        """
        start = ahead_of(following, seq)
        at, end, last, conflicts = start, start + len(piece.data), None, 0
        for other in self._overlapping(following, start, end):
            last, there = ahead_of(following, other), self._pieces[other][0].data
            if last > at:
                self._add(following, at, piece._replace(data=piece.data[at - start : last - start]))
            low, high = max(at, last), min(end, last + len(there))
            conflicts += there[low - last : high - last] != piece.data[low - start : high - start]
            at = last + len(there)
        if at < end or last is None:
            self._add(following, at, piece._replace(data=piece.data[at - start :]), cut)
        elif end + cut > at:
            self._add(following, at, piece._replace(data=b""), end + cut - at)
        return last is not None, conflicts

    def _overlapping(self, following: int, start: int, end: int) -> list[int]:
        """Find what is here within these bounds, in order."""
        queue, found = self._queue, list[int]()
        if not queue or self._end(following, queue[-1]) <= start:
            return found
        number = bisect_right(queue, start, key=lambda one: ahead_of(following, one))
        for seq in queue[max(0, number - 1) :]:
            if ahead_of(following, seq) >= end:
                break
            if self._end(following, seq) > start:
                found.append(seq)
        return found

    def _end(self, following: int, seq: int) -> int:
        return ahead_of(following, seq) + len(self._pieces[seq][0].data)

    def _add(self, following: int, at: int, part: Piece, cut: int = 0) -> None:
        seq = (following + at) & _MASK
        there, missing = self._pieces.get(seq, (None, 0))
        if there is None and not (self._queue and ahead_of(following, self._queue[-1]) > at):
            self._queue.append(seq)
        elif there is None:
            insort(self._queue, seq, key=lambda one: ahead_of(following, one))
        else:  # nothing was captured of the one there, or of this
            cut = max(cut - len(there.data), missing - len(part.data))
            part = part if part.data else there
            self.size -= len(there.data)
        self._pieces[seq] = part, cut
        self.size += len(part.data)
