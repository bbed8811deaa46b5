"""Records to handshake messages. Law: where a record ends says nothing about where a message ends.

A message may be spread over many records, and a record may hold many messages (RFC 8446, 5.1).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mtlskit.wire import names
from mtlskit.wire.reader import ParseError, quantity

HEADER: Final = 4
MOST: Final = 2**20
"""The longest message that is kept, in bytes: longer ones are named and passed over."""


class Framed(NamedTuple):
    """One message as it was framed (RFC 8446, 4), not yet read.

    Attributes:
        size: length of the body in bytes, as its header says.
        body: None for a message that is longer than `MOST`.
        at: where the record in which it began stands in the stream.
        record: number of that record.
    """

    kind: int  # msg_type
    size: int  # length
    body: bytes | None
    at: int
    record: int

    @property
    def too_long(self) -> ParseError:
        """The error that tells of a message that was not kept."""
        name = names.handshake_name(self.kind)
        return ParseError(name, 0, f"at most {MOST} bytes", quantity(self.size))


class Assembler:
    """Takes the fragments of one side's handshake records and gives the messages in them."""

    __slots__ = ("_at", "_buffer", "_passing", "_record")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._passing = 0  # bytes of a message that is too long, still to come
        self._at = self._record = 0  # of the record in which the unfinished message began

    def feed(self, fragment: bytes, at: int, record: int) -> list[Framed]:
        """Take the fragment of the record that stands at `at`; give the messages it completes."""
        found: list[Framed] = []
        if not self._buffer:
            self._at, self._record = at, record
        self._buffer += fragment
        while self._buffer and (one := self._next()) is not None:
            found.append(one)
            self._at, self._record = at, record
        return found

    def _next(self) -> Framed | None:
        if self._passing:
            self._pass()
        buffer = self._buffer
        if len(buffer) < HEADER:
            return None
        size = int.from_bytes(buffer[1:HEADER], "big")
        end = HEADER + size
        if size > MOST:
            self._passing = end
            return Framed(buffer[0], size, None, self._at, self._record)
        if len(buffer) < end:
            return None
        framed = Framed(buffer[0], size, bytes(buffer[HEADER:end]), self._at, self._record)
        del buffer[:end]
        return framed

    def _pass(self) -> None:
        passed = min(self._passing, len(self._buffer))
        if passed:
            del self._buffer[:passed]
            self._passing -= passed

    def hole(self, missing: int) -> None:
        """Take note that a fragment of `missing` bytes is lost; pass over what it was part of."""
        size = 0
        if len(self._buffer) >= HEADER:
            size = HEADER + int.from_bytes(self._buffer[1:HEADER], "big")
        left = max(self._passing, size) - len(self._buffer) - missing
        self._buffer.clear()
        self._passing = max(0, left)

    def end(self) -> ParseError | None:
        """Tell of a message that was begun and not finished, and forget it."""
        self._pass()
        error = self._cut(len(self._buffer)) if self._buffer else None
        self._buffer.clear()
        self._passing = 0
        return error

    def _cut(self, left: int) -> ParseError:
        if left < HEADER:
            found = f"{quantity(left)} before the end"
            return ParseError("handshake message", 0, "a header of 4 bytes", found)
        name = names.handshake_name(self._buffer[0])
        wanted = quantity(int.from_bytes(self._buffer[1:HEADER], "big"))
        return ParseError(name, 0, wanted, f"{quantity(left - HEADER)} before the end")

    @property
    def began(self) -> tuple[int, int]:
        """Offset and number of the record in which the unfinished message began."""
        return self._at, self._record
