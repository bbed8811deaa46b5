"""A cursor over bytes. Law: an error says which field, at which byte, what was wanted, what was.

Numbers are big-endian, as everywhere in TLS (RFC 8446, 3.3). Lengths are checked before anything
is taken, so that a length that lies costs nothing.
"""

from __future__ import annotations

import struct


class ParseError(ValueError):
    """Bytes that are not what the standard says should be there.

    Attributes:
        field: what was being read, such as ``ClientHello.cipher_suites``.
        at: byte offset, from the start of the message body (of the stream, for a record).
        wanted: what should have been there.
        found: what was there.
    """

    def __init__(self, field: str, at: int, wanted: str, found: str) -> None:
        super().__init__(f"{field}, at byte {at}: wanted {wanted}, found {found}.")
        self.field, self.at, self.wanted, self.found = field, at, wanted, found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParseError) and self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self._facts)

    def __reduce__(self) -> tuple[type[ParseError], tuple[str, int, str, str]]:
        return ParseError, self._facts

    @property
    def _facts(self) -> tuple[str, int, str, str]:
        return self.field, self.at, self.wanted, self.found


def quantity(count: int, noun: str = "byte") -> str:
    """Say how many: ``1 byte``, ``4 bytes``, ``no bytes``."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


class Reader:
    """Takes fields from `data` in wire order.

    Attributes:
        of: name of the structure, put before each field's name in errors.
        base: offset of `data` within the message, so that errors of a part point into the whole.
    """

    __slots__ = ("_data", "_end", "_here", "base", "of")

    def __init__(self, data: bytes, of: str, base: int = 0) -> None:
        self._data, self._here, self._end = data, 0, len(data)
        self.of, self.base = of, base

    def __bool__(self) -> bool:
        """Tell whether bytes are left."""
        return self._here < self._end

    @property
    def at(self) -> int:
        """Where the next byte stands, counted from the start of the message."""
        return self.base + self._here

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self._end - self._here

    def error(self, field: str, wanted: str, found: str, back: int = 0) -> ParseError:
        """Make the error for a field that ends `back` bytes before here."""
        return ParseError(f"{self.of}.{field}", self.at - back, wanted, found)

    def take(self, count: int, field: str) -> bytes:
        """Take `count` bytes."""
        here, there = self._here, self._here + count
        if there > self._end:
            raise self._too_short(field, quantity(count))
        self._here = there
        return self._data[here:there]

    def rest(self) -> bytes:
        """Take all that is left."""
        here, self._here = self._here, self._end
        return self._data[here:]

    def since(self, start: int) -> bytes:
        """Give again what was taken since `at` was `start`."""
        return self._data[start - self.base : self._here]

    def number(self, width: int, field: str) -> int:
        """Take an unsigned number of `width` bytes."""
        here, there = self._here, self._here + width
        if there > self._end:
            raise self._too_short(field, quantity(width))
        self._here = there
        return int.from_bytes(self._data[here:there], "big")

    def vector(self, width: int, field: str, least: int = 0) -> bytes:
        """Take a vector whose length stands before it in `width` bytes (RFC 8446, 3.4)."""
        start = self._here + width
        length = int.from_bytes(self._data[self._here : start], "big")
        if start + length > self._end or length < least:
            raise self._no_vector(width, field, least)
        self._here = start + length
        return self._data[start : self._here]

    def _no_vector(self, width: int, field: str, least: int) -> ParseError:
        """Say what is wrong with the vector that should be here."""
        length = self.number(width, field)
        if length > self.left:
            return self._too_short(field, f"{quantity(length)} as its length says")
        return self.error(field, f"at least {quantity(least)}", quantity(length), back=width)

    def _too_short(self, field: str, wanted: str) -> ParseError:
        return self.error(field, wanted, f"{quantity(self.left)} before the end")

    def part(self, width: int, field: str, least: int = 0) -> Reader:
        """Take a vector as a reader of its own, whose errors point into this message."""
        data = self.vector(width, field, least)
        return Reader(data, f"{self.of}.{field}", self.at - len(data))

    def numbers(self, width: int, field: str, *, size: int = 2) -> tuple[int, ...]:
        """Take a vector of numbers of `size` bytes (1 or 2) each."""
        data = self.vector(width, field)
        if size == 1:
            return tuple(data)
        if len(data) % 2:
            raise self.error(field, "pairs of bytes", quantity(len(data)), back=len(data))
        return struct.unpack(f">{len(data) // 2}H", data)

    def vectors(self, width: int, each: int, field: str, least: int = 0) -> tuple[bytes, ...]:
        """Take a vector of vectors, each of whose lengths stands in `each` bytes."""
        part = self.part(width, field)
        found: list[bytes] = []
        while part:
            found.append(part.vector(each, f"{field}[{len(found)}]", least))
        return tuple(found)

    def done(self) -> None:
        """Hold that nothing is left."""
        if self._here < self._end:
            raise ParseError(self.of, self.at, "its end", f"{quantity(self.left)} more")
