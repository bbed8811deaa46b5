"""Where the bytes of captured connections lie. Law: memory is bounded, however much there is.

A little is held in memory; more goes to a nameless temporary file that vanishes with this process.
Only what was in the capture is put there: never a secret.
"""

from __future__ import annotations

import tempfile
import weakref
from struct import Struct
from typing import Final

from mtlskit.wire.half import PIECE, Piece

IN_MEMORY: Final = 24 << 20
"""Bytes."""
_PIECE: Final = Struct(">BQQqQqI")
_UNKNOWN: Final = -1
_SPOOL: Final = 1 << 20

Place = tuple[int, int] | list[tuple[int, Piece]]
"""Where something lies on the shelf, and how long it is, in bytes; or the thing itself."""


class Shelf:
    """Takes pieces of connections and gives them back."""

    __slots__ = ("__weakref__", "_end", "_file", "_held")

    def __init__(self) -> None:
        # It is closed when the shelf is no longer needed, below.
        self._file = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 - see above
        self._end = self._held = 0
        weakref.finalize(self, self._file.close)

    def put(self, pieces: list[tuple[int, Piece]]) -> Place:
        """Lay pieces down: each with the direction it belongs to."""
        self._held += sum(len(one.data) + PIECE for _, one in pieces)
        if self._held <= IN_MEMORY:
            return pieces
        parts: list[bytes] = []
        for half, one in pieces:
            records = _UNKNOWN if one.records is None else one.records
            time = _UNKNOWN if one.time is None else one.time
            parts += (
                _PIECE.pack(half, one.order, one.frame, time, one.gap, records, len(one.data)),
                one.data,
            )
        whole = b"".join(parts)
        place = self._end, len(whole)
        self._file.seek(self._end)
        self._file.write(whole)
        self._end += len(whole)
        return place

    def get(self, place: Place) -> list[tuple[int, Piece]]:
        """Give back what was laid down there."""
        if isinstance(place, list):
            return place
        self._file.seek(place[0])
        whole = self._file.read(place[1])
        found, at = [], 0
        while at < len(whole):
            half, order, frame, time, gap, records, size = _PIECE.unpack_from(whole, at)
            at += _PIECE.size + size
            piece = Piece(
                order,
                frame,
                None if time == _UNKNOWN else time,
                gap,
                None if records == _UNKNOWN else records,
                whole[at - size : at],
            )
            found.append((half, piece))
        return found
