"""How long a serialized Java object is (Java Object Serialization Specification, 6.4).

Law of this room: nothing is made of it. JCEKS stores secret keys as such objects without saying how
long they are, and the entries behind them are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mtlskit.certs.asn1 import Asn1Error

_NULL, _REFERENCE, _CLASS, _OBJECT, _STRING, _ARRAY = 0x70, 0x71, 0x72, 0x73, 0x74, 0x75
_BLOCK, _END, _LONG_BLOCK = 0x77, 0x78, 0x7A
_HAS_ANNOTATION = 0x01
_FIRST_HANDLE = 0x7E0000
_SIZES = {"B": 1, "C": 2, "D": 8, "F": 4, "I": 4, "J": 8, "S": 2, "Z": 1}
_DEPTH_LIMIT = 32
MAGIC = b"\xac\xed\x00\x05"


@dataclass(slots=True)
class _Class:
    """A class description: what its objects hold."""

    name: str
    flags: int = 0
    fields: list[str] = field(default_factory=list)
    parent: _Class | None = None


def end_of(data: bytes, at: int, stop: int) -> int:
    """Where the stream that begins at `at` ends.

    Raises:
        Asn1Error: it is no such stream, or uses what no key entry uses.
    """
    if data[at : at + 4] != MAGIC:
        raise Asn1Error(at, "a serialized Java object", data[at : at + 4].hex())
    skipper = _Skipper(data, at + 4, stop)
    skipper.content(0)
    return skipper.at


class _Skipper:
    """Walks over one stream; remembers class descriptions, which later parts refer to."""

    def __init__(self, data: bytes, at: int, stop: int) -> None:
        self.data, self.at, self.stop = data, at, stop
        self.handles: list[_Class | None] = []

    def take(self, count: int) -> bytes:
        if count > self.stop - self.at:
            raise Asn1Error(self.at, f"{count} bytes", f"{self.stop - self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def content(self, depth: int) -> int:
        """Walk over one content; give its type code."""
        if depth > _DEPTH_LIMIT:
            raise Asn1Error(self.at, "a flat object", "deep nesting")
        code = self.number(1)
        if code == _OBJECT:
            self.object(depth)
        elif code == _ARRAY:
            self.array(depth)
        elif code == _STRING:
            self.handles.append(None)
            self.take(self.number(2))
        elif code in {_BLOCK, _LONG_BLOCK}:
            self.take(self.number(1 if code == _BLOCK else 4))
        elif code == _REFERENCE:
            self.take(4)
        elif code not in {_NULL, _END}:
            raise Asn1Error(self.at - 1, "a part of a Java object", f"type 0x{code:02x}")
        return code

    def description(self, depth: int) -> _Class | None:
        """Walk over a class description and its parents'."""
        code = self.number(1)
        if code == _NULL or depth > _DEPTH_LIMIT:
            return None
        if code == _REFERENCE:
            return self.referred(self.number(4) - _FIRST_HANDLE)
        if code != _CLASS:
            raise Asn1Error(self.at - 1, "a class description", f"type 0x{code:02x}")
        found = _Class(self.take(self.number(2)).decode("utf-8", "replace"))
        self.take(8)
        self.handles.append(found)
        found.flags = self.number(1)
        found.fields = [self.field(depth) for _ in range(self.number(2))]
        self.annotation(depth)
        found.parent = self.description(depth + 1)
        return found

    def referred(self, index: int) -> _Class | None:
        if not 0 <= index < len(self.handles):
            raise Asn1Error(self.at - 4, "a known handle", str(index))
        return self.handles[index]

    def field(self, depth: int) -> str:
        code = self.take(1).decode("latin-1")
        self.take(self.number(2))
        if code in "[L":
            self.content(depth + 1)
        return code

    def annotation(self, depth: int) -> None:
        while self.content(depth + 1) != _END:
            pass

    def object(self, depth: int) -> None:
        described = self.description(depth)
        self.handles.append(None)
        lineage: list[_Class] = []
        while described and len(lineage) < _DEPTH_LIMIT:
            lineage.append(described)
            described = described.parent
        for one in reversed(lineage):
            for code in one.fields:
                self.value(code, depth)
            if one.flags & _HAS_ANNOTATION:
                self.annotation(depth)

    def array(self, depth: int) -> None:
        described = self.description(depth)
        self.handles.append(None)
        code = described.name[1:2] if described else ""
        count = self.number(4)
        if code in _SIZES:
            self.take(count * _SIZES[code])
            return
        for _ in range(count):
            self.value(code, depth)

    def value(self, code: str, depth: int) -> None:
        if code in _SIZES:
            self.take(_SIZES[code])
        else:
            self.content(depth + 1)
