"""Bytes to records. Law: any split of the same bytes gives the same records.

TLSPlaintext and TLSCiphertext (RFC 8446, 5.1 and 5.2; RFC 5246, 6.2) have the same frame, so there
is one `Record`. A first record in the frame of SSL 2.0 (RFC 5246, appendix E.2) is read and named.
A side whose first bytes are no record does not speak TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from mtlskit.wire.items import Hidden, LeftOut, Lost, Malformed, NotTls
from mtlskit.wire.reader import ParseError, quantity

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
HEARTBEAT: Final = 24
SSL2: Final = 0x80
"""Not a content type of TLS: marks a hello in the frame of SSL 2.0."""

HEADER: Final = 5
MOST: Final = 2**14 + 2048
"""The longest fragment that any version allows (RFC 5246, 6.2.3), in bytes."""
SAMPLE: Final = 256
"""How many bytes of a side that does not speak TLS are kept."""
SEARCHED: Final = 2**17
"""How far the first record is searched for in a capture that began late, in bytes."""

_TYPES: Final = frozenset(range(CHANGE_CIPHER_SPEC, HEARTBEAT + 1))
_MAJOR: Final = 3
_MINORS: Final = range(5)
_HELLOS: Final = (1, 2)


class Record(NamedTuple):
    """One record, in wire order.

    Attributes:
        at: where its first byte stands in the stream of its sender.
        number: how many records its sender sent before it.
    """

    content_type: int  # RFC 8446, 5.1; opaque_type in 5.2
    version: int  # legacy_record_version
    fragment: bytes
    at: int
    number: int


@dataclass(frozen=True, slots=True)
class Stray:
    """Bytes that are no record: what they are, and where in the stream of their sender."""

    item: Malformed | NotTls | Hidden | LeftOut | Lost
    at: int
    number: int
    size: int


class RecordReader:
    """Takes the bytes of one side as they come and gives its records.

    Args:
        late: the bytes may begin within a record, or with another protocol; the first record is
            then searched for, and what stands before it is told as `Hidden`.
    """

    __slots__ = (
        "_at",
        "_buffer",
        "_here",
        "_late",
        "_number",
        "_over",
        "_scan",
        "_skip",
        "_strange",
    )

    def __init__(self, *, late: bool = False) -> None:
        self._buffer = bytearray()
        self._here = 0  # offset of the next record in the buffer
        self._at = 0  # offset of the buffer in the stream
        self._number = 0
        self._late = late
        self._scan = 0  # how far the first record was searched for
        self._strange = False  # the first bytes were no record
        self._over = False
        self._skip = 0  # bytes of a record with a hole in it that are still to come

    def feed(self, data: bytes) -> list[Record | Stray]:
        """Take bytes; give what they complete."""
        if self._over:
            return []
        if self._skip:
            data = self._skipped(data)
        self._buffer += data
        found: list[Record | Stray] = []
        while (one := self._next()) is not None:
            found.append(one)
        del self._buffer[: self._here]
        self._at += self._here
        self._here = 0
        return found

    def gap(self, size: int, records: int | None = None) -> list[Record | Stray]:
        """Take note that `size` bytes are not here: `records` whole ones, or nobody knows (None).

        What follows a gap of whole records is read on; after any other the next record is searched
        for, unless the gap is within one record, which then is `Lost` alone.
        """
        if self._over or not size:
            return []
        at, number = self._at, self._number
        if records is not None and not (self._buffer or self._skip or self._late):
            self._at += size
            self._number += records
            return [Stray(LeftOut(size, records), at, number, size)]
        if self._skip >= size:
            self._skip -= size
            self._at += size
            return []
        return [self._holed(size)]

    def _holed(self, size: int) -> Stray:
        at, number, held = self._at, self._number, len(self._buffer)
        rest = self._rest()
        kind = self._buffer[0] if rest >= size else None
        self._buffer.clear()
        self._at += held + size
        if kind is not None:
            self._skip = rest - size
            self._number += 1
        else:
            self._skip, self._scan, self._late, self._strange = 0, 0, True, False
        return Stray(Lost(size, kind), at, number, size)

    def _rest(self) -> int:
        """How many bytes of the unfinished record are still to come."""
        if self._late or self._strange or len(self._buffer) < HEADER:
            return 0
        return HEADER + int.from_bytes(self._buffer[3:HEADER], "big") - len(self._buffer)

    def _skipped(self, data: bytes) -> bytes:
        passed = min(self._skip, len(data))
        self._skip -= passed
        self._at += passed
        return data[passed:]

    def end(self) -> list[Record | Stray]:
        """Give what was left when the bytes ended: records, and a `Stray` for an unfinished one."""
        found = self._settle() if self._late and not self._over and self._buffer else []
        found += self.feed(b"")
        if self._buffer and not self._over:
            found.append(self._not_tls() if self._strange or not self._like() else self._cut())
            self._over = True
        return found

    def _next(self) -> Record | Stray | None:
        if self._over:
            return None
        if self._late:
            return self._find_first()
        left = len(self._buffer) - self._here
        if self._strange:
            return self._not_tls() if left >= SAMPLE else None
        if left < HEADER:
            return None
        return self._framed(left)

    def _framed(self, left: int) -> Record | Stray | None:
        buffer, here = self._buffer, self._here
        kind, major = buffer[here], buffer[here + 1]
        if kind not in _TYPES or major != _MAJOR:
            return self._odd()
        length = buffer[here + 3] << 8 | buffer[here + 4]
        if length > MOST:
            return self._wrong("length", f"at most {MOST} bytes", quantity(length))
        if left < HEADER + length:
            return None
        return self._take(kind, major << 8 | buffer[here + 2], HEADER, length)

    def _take(self, kind: int, version: int, header: int, length: int) -> Record:
        start = self._here + header
        at = self._at + self._here
        self._here = start + length
        self._number += 1
        fragment = bytes(self._buffer[start : self._here])
        return Record(kind, version, fragment, at, self._number - 1)

    def _odd(self) -> Record | Stray | None:
        """Look at a header that is not one of TLS."""
        if self._number:
            head = bytes(self._buffer[self._here : self._here + HEADER]).hex(" ")
            return self._wrong("header", "content type 20 to 24 and version 3.x", head)
        first, second, kind, major, minor = self._buffer[self._here : self._here + HEADER]
        if first & 0x80 and kind == 1 and (major == _MAJOR or (major, minor) == (0, 2)):
            return self._ssl2(((first & 0x7F) << 8) | second, major << 8 | minor)
        self._strange = True
        return self._next()

    def _ssl2(self, length: int, version: int) -> Record | None:
        if len(self._buffer) - self._here < length + 2:
            return None
        return self._take(SSL2, version, 2, length)

    def _wrong(self, what: str, wanted: str, found: str) -> Stray:
        self._over = True
        at = self._at + self._here
        error = ParseError(f"record.{what}", at, wanted, found)
        return Stray(Malformed(error), at, self._number, HEADER)

    def _not_tls(self) -> Stray:
        self._over = True
        first = bytes(self._buffer[self._here : self._here + SAMPLE])
        return Stray(NotTls(first), self._at + self._here, self._number, len(first))

    def _like(self) -> bool:
        """Tell whether the unfinished record at the end began as one."""
        if self._number:
            return True
        start = self._buffer[self._here :]
        if start[0] & 0x80:
            return len(start) < 3 or start[2] == 1  # noqa: PLR2004 - two length bytes, then the type
        return start[0] in _TYPES and (len(start) == 1 or start[1] == _MAJOR)

    def _cut(self) -> Stray:
        """Name the unfinished record at the end."""
        at, left = self._at + self._here, len(self._buffer) - self._here
        wanted = "a header of 5 bytes"
        if left >= HEADER:
            length = int.from_bytes(self._buffer[self._here + 3 : self._here + 5], "big")
            wanted = f"a fragment of {quantity(length)}"
            left -= HEADER
        found = f"{quantity(left)} before the end"
        error = ParseError("record", at, wanted, found)
        return Stray(Malformed(error), at, self._number, len(self._buffer) - self._here)

    # The first record of a capture that began late. What is looked at are bytes that must come
    # anyway, never how many happen to be here: the split of the bytes does not matter.

    def _find_first(self) -> Record | Stray | None:
        while (verdict := self._begins(self._scan)) is False:
            self._scan += 1
            if self._scan >= SEARCHED:
                return self._not_tls()
        return None if verdict is None else self._found_first()

    def _found_first(self) -> Record | Stray | None:
        self._late, self._here = False, self._scan
        return self._lead_in() if self._scan else self._next()

    def _lead_in(self) -> Stray:
        looks = NotTls(bytes(self._buffer[: min(self._scan, SAMPLE)])).guess
        note = f"{quantity(self._scan)} before the first record were passed over"
        note += f"; they look like {looks}." if looks else "."
        return Stray(Hidden(None, note), 0, 0, self._scan)

    def _settle(self) -> list[Record | Stray]:
        """Find the first record when nothing more comes: one that is all here."""
        while self._scan < len(self._buffer) and not self._whole(self._scan):
            self._scan += 1
        first = self._found_first()
        return [] if first is None else [first]

    def _whole(self, here: int) -> bool:
        length = self._frame(here)
        if length is None or length is False:
            return False
        return here + HEADER + length <= len(self._buffer)

    def _begins(self, here: int) -> bool | None:
        """Tell whether a record begins here; None: more bytes are needed to say."""
        length = self._frame(here)
        if length is None or length is False:
            return length
        body = here + HEADER
        if self._buffer[here] == HANDSHAKE and self._hello(body):
            return True
        following = self._frame(body + length)
        return following if following is None else following is not False

    def _frame(self, here: int) -> int | Literal[False] | None:
        """Read a header; False: it is none; None: it is not all here."""
        head = self._buffer[here : here + HEADER]
        if head and head[0] not in _TYPES:
            return False
        if len(head) < HEADER:
            return None
        if head[1] != _MAJOR or head[2] not in _MINORS:
            return False
        length = head[3] << 8 | head[4]
        least = 0 if head[0] == APPLICATION_DATA else 1  # RFC 8446, 5.1
        return length if least <= length <= MOST else False

    def _hello(self, body: int) -> bool:
        """Tell whether these bytes begin a ClientHello or a ServerHello."""
        start = self._buffer[body : body + 6]
        return len(start) == 6 and start[0] in _HELLOS and start[1] == 0 and start[4] == _MAJOR  # noqa: PLR2004 - type, length and version
