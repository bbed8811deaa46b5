"""Capture files to packets. Law: any bytes give packets, then a note that says where they stopped.

pcap (libpcap's savefile format, micro- and nanoseconds, either byte order) and pcapng
(draft-ietf-opsawg-pcapng): all sections, all interfaces, Enhanced, Simple and the obsolete Packet
Blocks; TLS secrets of Decryption Secrets Blocks are kept; other blocks and options are passed over.
Packets are numbered from 1 as Wireshark numbers them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

Read = Callable[[int], bytes]
"""Gives at most that many bytes; none at the end."""
Packet = tuple[int, int | None, int, bytes, int, int, int]
"""Frame number, nanoseconds since 1970 (None: not recorded), link type, the block of bytes that
holds it, where it starts and ends there, and how long it was on the wire."""

BLOCK: Final = 1 << 20
"""How much is read at once, in bytes."""
MOST: Final = 1 << 24
"""The longest packet or block that is believed, in bytes; Wireshark writes up to 256 KiB, and
secrets and name blocks may be longer."""

_PCAP: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1000, 0),
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 0),
    b"\xa1\xb2\x3c\x4d": (">", 1, 0),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 0),
    b"\xa1\xb2\xcd\x34": (">", 1000, 8),  # Alexey Kuznetsov's: 8 more bytes a packet
    b"\x34\xcd\xb2\xa1": ("<", 1000, 8),
}
"""Magic number: byte order, nanoseconds of a tick, bytes that a packet's header has more."""
_PCAP_HEAD: Final = 24
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_ORDERS: Final = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_LINK_MASK: Final = 0x0FFFFFFF
"""The upper bits of pcap's link type tell the length of the frame check sequence."""

_INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED, _SECRETS = 1, 2, 3, 6, 10
_NEVER: Final = 1 << 63
_TLS_KEY_LOG: Final = 0x544C534B
_RESOLUTION, _OFFSET = 9, 14
_LEAST_BLOCK: Final = 12
_OTHERS: Final = {
    b"snoop\0\0\0": "a snoop file",
    b"GMBU": "a Network Monitor file",
    b"RTSS": "a Network Monitor file",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"\xfd7zXZ": "compressed by xz",
    b"BZh": "compressed by bzip2",
    b"TRSNIFF data": "a Sniffer file",
    b"XCP\0": "a NetXRay file",
}
"""First bytes of what is not read here, and what it is."""


class NotCapture(ValueError):  # noqa: N818 - it says what became of the bytes
    """These bytes are no capture that is read here; the text says what they are."""


@dataclass(slots=True)
class Notes:
    """What is learnt of a file while its packets are read.

    Attributes:
        format: ``pcap`` or ``pcapng``.
        problems: a stable word and a sentence for each thing that was wrong.
        secrets: lines of TLS key logs that the file carries; no repr shows them.
        packets: how many were read so far.
    """

    format: str = ""
    problems: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list, repr=False)
    packets: int = 0


def packets(read: Read, notes: Notes) -> Iterator[Packet]:
    """Read a capture; what is wrong within it ends the packets and is noted.

    Raises:
        NotCapture: the first bytes are those of no capture.
    """
    stream = _Stream(read)
    stream.need(_LEAST_BLOCK)
    magic = stream.block[:4]
    if magic in _PCAP:
        notes.format = "pcap"
        yield from _pcap(stream, notes, *_PCAP[magic])
    elif magic == _SECTION and stream.block[8:12] in _ORDERS:
        notes.format = "pcapng"
        yield from _Pcapng(stream, notes).packets()
    else:
        raise NotCapture(_what_else(stream.block))


def _what_else(head: bytes) -> str:
    if not head:
        return "It is empty (0 bytes)."
    known = next((name for start, name in _OTHERS.items() if head.startswith(start)), None)
    if known and known.startswith("compressed"):
        return f"It is {known}. Decompress it and give what is in it."
    if known:
        return f"It is {known}. Convert it with `editcap FILE OUT.pcapng` and give that."
    return (
        f"A capture begins with the magic number of pcap or pcapng; this begins with "
        f"{head[:8].hex(' ')}."
    )


class _Stream:
    """A window over the file: one block of bytes, and where in it one is."""

    __slots__ = ("at", "before", "block", "over", "read")

    def __init__(self, read: Read) -> None:
        self.read = read
        self.block = b""
        self.at = 0
        self.before = 0  # bytes of the file before the block
        self.over = False

    @property
    def here(self) -> int:
        """Where in the file one is."""
        return self.before + self.at

    def need(self, count: int) -> bool:
        """Have `count` bytes from here on in the block; False: the file ends before."""
        if len(self.block) - self.at >= count:
            return True
        parts = [self.block[self.at :]]
        have = len(parts[0])
        while have < count and not self.over:
            more = self.read(max(BLOCK, count - have))
            self.over = not more
            parts.append(more)
            have += len(more)
        self.before += self.at
        self.block, self.at = b"".join(parts), 0
        return have >= count


def _cut(stream: _Stream, notes: Notes) -> None:
    """Note that the file ends within a packet, if it does."""
    if stream.at < len(stream.block):
        text = (
            f"The capture ends in the middle of what follows packet {notes.packets} "
            f"(byte {stream.here}). What came before it was read."
        )
        notes.problems.append(("truncated", text))


def _lying(stream: _Stream, notes: Notes, what: str) -> None:
    text = (
        f"After packet {notes.packets} (byte {stream.here}) the capture is damaged: {what}. "
        "What came before it was read."
    )
    notes.problems.append(("damaged", text))


def _pcap(stream: _Stream, notes: Notes, order: str, tick: int, more: int) -> Iterator[Packet]:
    if not stream.need(_PCAP_HEAD):
        _cut(stream, notes)
        return
    link = Struct(order + "I").unpack_from(stream.block, 20)[0] & _LINK_MASK
    stream.at = _PCAP_HEAD
    unpack = Struct(order + "IIII").unpack_from
    size, number = 16 + more, 0
    block, at, held = stream.block, stream.at, len(stream.block)
    while True:
        if at + size > held:
            stream.at = at
            if not stream.need(size):
                break
            block, at, held = stream.block, 0, len(stream.block)
        seconds, ticks, kept, length = unpack(block, at)
        if at + size + kept > held:
            stream.at = at
            if kept > MOST:
                _lying(stream, notes, f"a packet of {kept} bytes was announced")
                return
            if not stream.need(size + kept):
                break
            block, at, held = stream.block, 0, len(stream.block)
        start = at + size
        at = start + kept
        number += 1
        notes.packets = number
        yield number, seconds * 1_000_000_000 + ticks * tick, link, block, start, at, length
    _cut(stream, notes)


@dataclass(frozen=True, slots=True)
class _Interface:
    """An Interface Description Block: what its packets are, and how their times are to be read."""

    link: int
    snap: int
    multiply: int = 1000
    divide: int = 1
    offset: int = 0  # nanoseconds

    def time(self, ticks: int) -> int | None:
        """Nanoseconds since 1970; None: a time that no clock shows."""
        time = ticks * self.multiply // self.divide + self.offset
        return time if 0 <= time < _NEVER else None


class _Pcapng:
    """The sections of one file, one after another."""

    __slots__ = ("interfaces", "notes", "order", "stream")

    def __init__(self, stream: _Stream, notes: Notes) -> None:
        self.stream, self.notes = stream, notes
        self.interfaces: list[_Interface] = []
        self.order = "<"

    def packets(self) -> Iterator[Packet]:
        stream = self.stream
        while stream.need(_LEAST_BLOCK):
            block, at = stream.block, stream.at
            if block[at : at + 4] == _SECTION and not self._section(block[at + 8 : at + 12]):
                return
            kind, total = Struct(self.order + "II").unpack_from(block, at)
            if total < _LEAST_BLOCK or total > MOST:
                _lying(stream, self.notes, f"a block of {total} bytes was announced")
                return
            if not stream.need(total):
                break
            start = stream.at + 8
            end = stream.at + total - 4
            packet = self._block(kind, stream.block, start, end)
            stream.at += (total + 3) & ~3
            if packet is not None:
                yield packet
        _cut(stream, self.notes)

    def _section(self, magic: bytes) -> bool:
        """Begin a section; False: its byte order cannot be told."""
        if magic not in _ORDERS:
            _lying(self.stream, self.notes, f"a section's byte order reads {magic.hex(' ')}")
            return False
        self.order = _ORDERS[magic]
        self.interfaces = []
        return True

    def _block(self, kind: int, block: bytes, start: int, end: int) -> Packet | None:
        if kind == _ENHANCED:
            return self._enhanced(block, start, end)
        if kind == _SIMPLE:
            return self._simple(block, start, end)
        if kind == _OLD_PACKET:
            return self._old(block, start, end)
        if kind == _INTERFACE:
            self._interface(block, start, end)
        elif kind == _SECRETS:
            self._secrets(block, start, end)
        return None

    def _enhanced(self, block: bytes, start: int, end: int) -> Packet | None:
        if end - start < 20:  # noqa: PLR2004 - five fields of 4 bytes
            self._odd("an Enhanced Packet Block is too short")
            return None
        which, high, low, kept, length = Struct(self.order + "IIIII").unpack_from(block, start)
        return self._packet(which, high << 32 | low, block, start + 20, end, kept, length)

    def _old(self, block: bytes, start: int, end: int) -> Packet | None:
        if end - start < 20:  # noqa: PLR2004 - two of 2 bytes, four of 4
            self._odd("a Packet Block is too short")
            return None
        which, _, high, low, kept, length = Struct(self.order + "HHIIII").unpack_from(block, start)
        return self._packet(which, high << 32 | low, block, start + 20, end, kept, length)

    def _simple(self, block: bytes, start: int, end: int) -> Packet | None:
        if end - start < 4:  # noqa: PLR2004 - the length alone
            self._odd("a Simple Packet Block is too short")
            return None
        (length,) = Struct(self.order + "I").unpack_from(block, start)
        snap = self.interfaces[0].snap if self.interfaces else 0
        kept = min(length, snap or length, end - start - 4)
        return self._packet(0, None, block, start + 4, end, kept, length)

    def _packet(  # noqa: PLR0913, PLR0917 - the parts of a packet
        self,
        which: int,
        ticks: int | None,
        block: bytes,
        start: int,
        end: int,
        kept: int,
        length: int,
    ) -> Packet | None:
        self.notes.packets = number = self.notes.packets + 1
        if which >= len(self.interfaces):
            self._odd(f"packet {number} names interface {which}, which is not described")
            return None
        interface = self.interfaces[which]
        if kept > end - start:
            self._odd(f"packet {number} is longer than its block")
            kept = end - start
        time = None if ticks is None else interface.time(ticks)
        return number, time, interface.link, block, start, start + kept, length

    def _odd(self, what: str) -> None:
        """Note what is wrong with one block; the first of many is enough."""
        text = f"After byte {self.stream.here} of the capture {what}."
        if all(code != "damaged-block" for code, _ in self.notes.problems):
            self.notes.problems.append(("damaged-block", text))

    def _interface(self, block: bytes, start: int, end: int) -> None:
        if end - start < 8:  # noqa: PLR2004 - link type, reserved, snap length
            self._odd("an Interface Description Block is too short")
            return
        link, _, snap = Struct(self.order + "HHI").unpack_from(block, start)
        multiply, divide, offset = 1000, 1, 0
        for code, value in self._options(block, start + 8, end):
            if code == _RESOLUTION and value:
                multiply, divide = _resolution(value[0])
            elif code == _OFFSET and len(value) == 8:  # noqa: PLR2004 - a 64-bit number
                offset = Struct(self.order + "q").unpack(value)[0] * 1_000_000_000
        self.interfaces.append(_Interface(link, snap, multiply, divide, offset))

    def _options(self, block: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        head = Struct(self.order + "HH")
        while at + 4 <= end:
            code, length = head.unpack_from(block, at)
            if code == 0 or at + 4 + length > end:
                return
            yield code, block[at + 4 : at + 4 + length]
            at += 4 + ((length + 3) & ~3)

    def _secrets(self, block: bytes, start: int, end: int) -> None:
        if end - start < 8:  # noqa: PLR2004 - type and length
            self._odd("a Decryption Secrets Block is too short")
            return
        kind, length = Struct(self.order + "II").unpack_from(block, start)
        if kind == _TLS_KEY_LOG:
            text = block[start + 8 : min(end, start + 8 + length)].decode("ascii", "replace")
            self.notes.secrets += text.splitlines()


def _resolution(value: int) -> tuple[int, int]:
    """Read `if_tsresol`: what to multiply ticks by, and to divide, to have nanoseconds."""
    if value & 0x80:
        return 1_000_000_000, 1 << (value & 0x7F)
    power = min(value, 30)
    return (10 ** (9 - power), 1) if power <= 9 else (1, 10 ** (power - 9))  # noqa: PLR2004 - nano
