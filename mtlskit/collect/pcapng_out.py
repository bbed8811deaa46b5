"""A recorded connection as a capture file that Wireshark opens (pcapng, draft-ietf-opsawg-pcapng).

Law of this file: the TLS bytes and their times are the ones that were recorded; the IP and TCP
headers around them are made up, are right in every number, and the file says so. Secrets stay out
unless they are asked for.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from os import PathLike
from types import TracebackType
from typing import BinaryIO, Literal, Self

from mtlskit.material import Side, Tap

_RAW = 101  # LINKTYPE_RAW: an IP packet begins at once
_SECTION, _INTERFACE, _PACKET, _DECRYPTION = 0x0A0D0D0A, 1, 6, 10
_TLS_KEY_LOG = 0x544C534B
_COMMENT, _APPLICATION, _RESOLUTION = 1, 4, 9
_SEGMENT = 1440  # bytes of TCP data in one packet, as over Ethernet and IPv6
_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_WINDOW = 65535
_WRAP = 1 << 32
_NOTE = (
    "The TLS bytes and their times are as they were recorded. "
    "The IP and TCP headers around them were made up by mtlskit."
)
_Address = IPv4Address | IPv6Address
_OTHER: dict[Side, Side] = {"client": "server", "server": "client"}
_UNKNOWN: dict[Side, tuple[_Address, int]] = {  # RFC 5737: addresses for documentation
    "client": (IPv4Address("192.0.2.1"), 49152),
    "server": (IPv4Address("192.0.2.2"), 443),
}


class PcapngFile:
    """A capture file that connections are added to, one after another."""

    def __init__(self, path: str | PathLike[str], *, secrets: bool = False) -> None:
        """Begin the file; only its owner may read it.

        Args:
            path: where; what is there already is replaced.
            secrets: whether the key logs of the connections are put in. Whoever then holds the
                file can read what was said on these connections.

        Raises:
            OSError: the file cannot be written.
        """
        self._secrets = secrets
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_NEWLINES, 0o600)
        if hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)  # what was there before may have been open to others
        self._file: BinaryIO = os.fdopen(handle, "wb")
        self._put(_head())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, tap: Tap, left_out: Mapping[Side, int] | None = None) -> None:
        """Add one connection.

        Args:
            tap: its record.
            left_out: bytes of each side that went over the wire and are not in the record; the
                sequence numbers leave room for them.
        """
        self._put(pcapng_blocks(tap, left_out, secrets=self._secrets))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()


_NO_NEWLINES = getattr(os, "O_BINARY", 0)  # Windows would else write CR LF


def pcapng(tap: Tap, left_out: Mapping[Side, int] | None = None, *, secrets: bool = False) -> bytes:
    """Return one connection as a whole capture file; see `PcapngFile`."""
    return _head() + pcapng_blocks(tap, left_out, secrets=secrets)


def pcapng_blocks(
    tap: Tap, left_out: Mapping[Side, int] | None = None, *, secrets: bool = False
) -> bytes:
    """Return the blocks of one connection, to stand after the head of a file."""
    blocks = []
    if secrets and tap.secrets:
        text = "".join(f"{line}\n" for line in tap.secrets.lines).encode("ascii", "replace")
        blocks.append(_block(_DECRYPTION, struct.pack("<II", _TLS_KEY_LOG, len(text)) + text))
    began = tap.began or datetime.fromtimestamp(0, UTC)
    for seconds, packet in _packets(tap, left_out or {}):
        blocks.append(_packet_block(began, seconds, packet))
    return b"".join(blocks)


def _head() -> bytes:
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    options = _option(_COMMENT, _NOTE.encode()) + _option(_APPLICATION, b"mtlskit") + _END
    interface = struct.pack("<HHI", _RAW, 0, 0) + _option(_RESOLUTION, b"\x06") + _END
    return _block(_SECTION, section + options) + _block(_INTERFACE, interface)


_END = bytes(4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    body = _padded(body)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _packet_block(began: datetime, seconds: float, packet: bytes) -> bytes:
    since = began - datetime.fromtimestamp(0, UTC)
    ticks = max(0, (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds)
    ticks += round(seconds * 1_000_000)
    head = struct.pack("<IIIII", 0, ticks >> 32, ticks % _WRAP, len(packet), len(packet))
    return _block(_PACKET, head + _padded(packet))


@dataclass(slots=True)
class _Wire:
    """The TCP connection as it must have been: addresses, ports and the next sequence numbers."""

    ends: dict[Side, tuple[_Address, int]]
    following: dict[Side, int] = field(default_factory=lambda: {"client": 1000, "server": 5000})

    def packet(self, sender: Side, flags: int, data: bytes = b"") -> bytes:
        """Write one packet, and count what it takes of the sequence."""
        other = _OTHER[sender]
        acknowledged = self.following[other] if flags & _ACK else 0
        (source, port), (target, at) = self.ends[sender], self.ends[other]
        head = struct.pack(
            ">HHIIBBHHH",
            *(port, at, self.following[sender], acknowledged),
            *(5 << 4, flags, _WINDOW, 0, 0),
        )
        taken = len(data) + bool(flags & (_SYN | _FIN))
        self.following[sender] = (self.following[sender] + taken) % _WRAP
        return _ip(source, target, _tcp(source, target, head + data))

    def skip(self, sender: Side, count: int) -> None:
        """Leave room in the sequence for what was not recorded."""
        self.following[sender] = (self.following[sender] + count) % _WRAP


def _packets(tap: Tap, left_out: Mapping[Side, int]) -> Iterator[tuple[float, bytes]]:
    """Give every packet with the second in which it went."""
    wire = _Wire(_ends(tap))
    if tap.closing is None and not tap.chunks:
        if tap.failure and tap.failure.kind == "refused":
            yield 0.0, wire.packet("client", _SYN)
            yield 0.0, wire.packet("server", _RST | _ACK)
        return
    yield 0.0, wire.packet("client", _SYN)
    yield 0.0, wire.packet("server", _SYN | _ACK)
    yield 0.0, wire.packet("client", _ACK)
    for seconds, sender, data in _happened(tap, left_out):
        if isinstance(data, bytes):
            yield from ((seconds, one) for one in _segments(wire, sender, data))
        elif isinstance(data, int):
            wire.skip(sender, data)
        else:
            yield from ((seconds, one) for one in _ending(wire, sender, data))


_Happening = tuple[float, Side, bytes | int | Literal["fin", "reset", "fin again"]]


def _happened(tap: Tap, left_out: Mapping[Side, int]) -> list[_Happening]:
    """Put data, gaps and the closing in the order of time."""
    happened: list[_Happening] = [(one.seconds, one.sender, one.data) for one in tap.chunks]
    last = happened[-1][0] if happened else 0.0
    happened += [(last, side, count) for side, count in left_out.items() if count]
    closing = tap.closing
    if closing is None or closing.sender is None or closing.kind not in {"fin", "reset"}:
        return happened
    at = closing.seconds if closing.seconds is not None else last
    end = max(at, last)
    if closing.kind == "fin":
        happened += [(at, closing.sender, "fin"), (end, _OTHER[closing.sender], "fin again")]
    else:
        happened.append((end, closing.sender, "reset"))
    return sorted(happened, key=lambda one: one[0])


def _segments(wire: _Wire, sender: Side, data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _SEGMENT):
        yield wire.packet(sender, _PSH | _ACK, data[at : at + _SEGMENT])
    yield wire.packet(_OTHER[sender], _ACK)


def _ending(wire: _Wire, sender: Side, kind: str) -> Iterator[bytes]:
    if kind == "reset":
        yield wire.packet(sender, _RST | _ACK)
        return
    yield wire.packet(sender, _FIN | _ACK)
    yield wire.packet(_OTHER[sender], _ACK)


def _ends(tap: Tap) -> dict[Side, tuple[_Address, int]]:
    """Give both addresses, in one family: an IPv4 one beside an IPv6 one is mapped (RFC 4291)."""
    told = {"client": tap.own, "server": tap.peer or str(tap.target or "")}
    ends = {side: _end(told[side]) or _UNKNOWN[side] for side in _OTHER}
    if len({address.version for address, _ in ends.values()}) > 1:
        ends = {side: (_six(address), port) for side, (address, port) in ends.items()}
    return ends


def _end(told: str | None) -> tuple[_Address, int] | None:
    host, _, port = (told or "").rpartition(":")
    try:
        return ip_address(host.strip("[]").partition("%")[0]), int(port)
    except ValueError:
        return None


def _six(address: _Address) -> IPv6Address:
    if isinstance(address, IPv6Address):
        return address
    return IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _tcp(source: _Address, target: _Address, segment: bytes) -> bytes:
    """Put the checksum in (RFC 9293, 3.1; over IPv6: RFC 8200, 8.1)."""
    if source.version == 4:  # noqa: PLR2004 - the version of IP
        pseudo = source.packed + target.packed + struct.pack(">BBH", 0, 6, len(segment))
    else:
        pseudo = source.packed + target.packed + struct.pack(">IHBB", len(segment), 0, 0, 6)
    return segment[:16] + _checksum(pseudo + segment) + segment[18:]


def _ip(source: _Address, target: _Address, segment: bytes) -> bytes:
    if source.version == 6:  # noqa: PLR2004 - the version of IP
        head = struct.pack(">IHBB", 6 << 28, len(segment), 6, 64)
        return head + source.packed + target.packed + segment
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0)
    head += source.packed + target.packed
    return head[:10] + _checksum(head) + head[12:] + segment


def _checksum(data: bytes) -> bytes:
    """The ones' complement of the ones' complement sum of 16-bit words (RFC 1071)."""
    words = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)
