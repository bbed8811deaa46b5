"""Conversations wrapped in TCP, IP, link layers and capture files, in every way that is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from struct import pack

from mtlskit.material import Side

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = "10.0.0.1", "192.0.2.1"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"
BEGAN = 1_700_000_000
OTHER: dict[Side, Side] = {"client": "server", "server": "client"}


@dataclass(frozen=True)
class Segment:
    """One TCP segment before it is wrapped."""

    sender: Side
    seq: int
    ack: int
    flags: int
    data: bytes = b""
    ports: tuple[int, int] = (40000, 443)

    def moved(self, count: int) -> Segment:
        """The same with later numbers."""
        return replace(self, seq=self.seq + count)


def segments(
    chunks: Iterable[tuple[Side, bytes]],
    *,
    part: int = 1448,
    first: tuple[int, int] = (1000, 9000),
    ports: tuple[int, int] = (40000, 443),
    ending: Sequence[tuple[Side, int]] = (("client", FIN), ("server", FIN)),
) -> list[Segment]:
    """A whole connection: SYNs, the bytes in parts, and how it ends."""
    seq = {"client": first[0], "server": first[1]}
    found: list[Segment] = []

    def send(sender: Side, flags: int, data: bytes = b"") -> None:
        ack = seq[OTHER[sender]] if flags & ACK else 0
        found.append(Segment(sender, seq[sender], ack, flags, data, ports))
        seq[sender] += len(data) + bool(flags & (SYN | FIN))

    send("client", SYN)
    send("server", SYN | ACK)
    send("client", ACK)
    for sender, data in chunks:
        for at in range(0, len(data), part):
            send(sender, PSH | ACK, data[at : at + part])
        send(OTHER[sender], ACK)
    for sender, flags in ending:
        send(sender, flags | ACK)
    return found


def tcp(one: Segment) -> bytes:
    """The TCP header and what it carries."""
    ports = one.ports if one.sender == "client" else one.ports[::-1]
    seq, ack = one.seq & 0xFFFFFFFF, one.ack & 0xFFFFFFFF
    return pack(">HHIIBBHHH", *ports, seq, ack, 0x50, one.flags, 65535, 0, 0) + one.data


def ends(one: Segment, client: str, server: str) -> bytes:
    """Source and destination address."""
    both = (client, server) if one.sender == "client" else (server, client)
    return b"".join(ip_address(each).packed for each in both)


def ipv4(one: Segment, options: bytes = b"", protocol: int = 6, body: bytes | None = None) -> bytes:
    """An IPv4 packet."""
    body = tcp(one) if body is None else body
    first = 0x45 + len(options) // 4
    length = 20 + len(options) + len(body)
    head = pack(">BBHHHBBH", first, 0, length, 7, 0x4000, 64, protocol, 0)
    return head + ends(one, CLIENT, SERVER) + options + body


def ipv4_fragments(one: Segment, size: int, ident: int) -> list[bytes]:
    """An IPv4 packet in fragments."""
    body, found = tcp(one), []
    for at in range(0, len(body), size):
        part = body[at : at + size]
        more = 0x2000 if at + size < len(body) else 0
        head = pack(">BBHHHBBH", 0x45, 0, 20 + len(part), ident, more | at // 8, 64, 6, 0)
        found.append(head + ends(one, CLIENT, SERVER) + part)
    return found


def ipv6(one: Segment, *, extensions: bool = False) -> bytes:
    """An IPv6 packet, with hop-by-hop and destination options before TCP if asked for."""
    body, following = tcp(one), 6
    if extensions:
        body = b"\x3c\0\x01\x04\0\0\0\0" + b"\x06\0\x01\x04\0\0\0\0" + body
        following = 0
    head = pack(">IHBB", 0x60000000, len(body), following, 64)
    return head + ends(one, CLIENT6, SERVER6) + body


def ipv6_fragments(one: Segment, size: int, ident: int) -> list[bytes]:
    """An IPv6 packet in fragments."""
    body, found = tcp(one), []
    for at in range(0, len(body), size):
        part = body[at : at + size]
        extra = pack(">BBHI", 6, 0, at | (at + size < len(body)), ident)
        head = pack(">IHBB", 0x60000000, len(extra) + len(part), 44, 64)
        found.append(head + ends(one, CLIENT6, SERVER6) + extra + part)
    return found


def ethernet(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    """An Ethernet frame, with VLAN tags if asked for, padded to the least length."""
    kind = b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"
    tagged = b"".join(pack(">HH", tag, 5) for tag in tags)
    return (b"\x02" * 12 + tagged + kind + packet).ljust(60, b"\0")


LINKS = {
    "ethernet": (1, ethernet),
    "vlan": (1, lambda packet: ethernet(packet, (0x8100,))),
    "qinq": (1, lambda packet: ethernet(packet, (0x88A8, 0x8100))),
    "mpls": (1, lambda packet: b"\2" * 12 + b"\x88\x47\0\1\0\x40\0\1\1\x40" + packet),
    "pppoe": (1, lambda packet: b"\2" * 12 + b"\x88\x64" + _pppoe(packet)),
    "null": (0, lambda packet: (b"\2\0\0\0" if packet[0] >> 4 == 4 else b"\x1e\0\0\0") + packet),
    "loop": (108, lambda packet: (b"\0\0\0\2" if packet[0] >> 4 == 4 else b"\0\0\0\x18") + packet),
    "ppp": (9, lambda packet: b"\xff\x03\0" + _ppp(packet) + packet),
    "raw 12": (12, bytes),
    "raw 14": (14, bytes),
    "raw 101": (101, bytes),
    "raw 228": (228, bytes),
    "raw 229": (229, bytes),
    "cooked": (113, lambda packet: b"\0" * 14 + _type(packet) + packet),
    "cooked 2": (276, lambda packet: _type(packet) + b"\0" * 18 + packet),
}


def _type(packet: bytes) -> bytes:
    return b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"


def _pppoe(packet: bytes) -> bytes:
    return pack(">BBHH", 0x11, 0, 1, len(packet) + 2) + b"\0" + _ppp(packet) + packet


def _ppp(packet: bytes) -> bytes:
    return b"\x21" if packet[0] >> 4 == 4 else b"\x57"


def pcap(  # noqa: PLR0913 - the parts of a file
    frames: Iterable[bytes],
    *,
    link: int = 1,
    order: str = "<",
    nano: bool = False,
    snap: int = 262144,
    step: float = 0.001,
) -> bytes:
    """A pcap file; the frames come `step` seconds apart."""
    parts = [pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for number, one in enumerate(frames):
        seconds = number * step
        part = round((seconds % 1) * (1e9 if nano else 1e6))
        cut = one[:snap]
        parts.append(pack(order + "IIII", BEGAN + int(seconds), part, len(cut), len(one)) + cut)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body = body.ljust((len(body) + 3) & ~3, b"\0")
    size = len(body) + 12
    return pack(order + "II", kind, size) + body + pack(order + "I", size)


def section(order: str = "<") -> bytes:
    """A pcapng Section Header Block."""
    return block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, order: str = "<", options: bytes = b"", snap: int = 0) -> bytes:
    """An Interface Description Block."""
    return block(1, pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(frame: bytes, ticks: int, order: str = "<", which: int = 0) -> bytes:
    """An Enhanced Packet Block."""
    head = pack(order + "IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    comment = pack(order + "HH", 1, 4) + b"note" + pack(order + "HH", 0, 0)
    return block(6, head + frame.ljust((len(frame) + 3) & ~3, b"\0") + comment, order)


def secrets(lines: Iterable[str], order: str = "<") -> bytes:
    """A Decryption Secrets Block with a key log."""
    text = "\n".join(lines).encode() + b"\n"
    return block(10, pack(order + "II", 0x544C534B, len(text)) + text, order)


def pcapng(
    frames: Iterable[bytes], *, link: int = 1, order: str = "<", log: Iterable[str] = ()
) -> bytes:
    """A pcapng file with one section, one interface, and the key log if there is one."""
    parts = [section(order), interface(link, order)]
    if lines := list(log):
        parts.append(secrets(lines, order))
    parts += [
        enhanced(one, BEGAN * 1_000_000 + number * 1000, order) for number, one in enumerate(frames)
    ]
    return b"".join(parts)


def wrapped(parts: Iterable[Segment], link: str = "ethernet", *, six: bool = False) -> list[bytes]:
    """Segments as frames of a link type."""
    _, wrap = LINKS[link]
    return [wrap(ipv6(one) if six else ipv4(one)) for one in parts]
