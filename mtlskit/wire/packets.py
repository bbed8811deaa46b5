"""Frames to TCP segments. Law: what is no TCP is None, and what is not understood is counted.

Link layers after the registry of link types (LINKTYPE_, draft-ietf-opsawg-pcaplinktype), IPv4
(RFC 791) with options and fragments, IPv6 (RFC 8200) with extension headers, TCP (RFC 9293).
Offsets are into the block that holds the frame; nothing is copied but the addresses.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import Final, NamedTuple

IPV4: Final = 0x0800
IPV6: Final = 0x86DD
FIN, SYN, RST, ACK = 1, 2, 4, 16
TCP: Final = 6

_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
"""EtherTypes of VLAN tags (IEEE 802.1Q) and of tags around tags."""
_MPLS: Final = frozenset({0x8847, 0x8848})
_PPPOE: Final = 0x8864
_PPP: Final = {0x0021: IPV4, 0x0057: IPV6}
_FAMILIES: Final = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
"""Address families of the null and loop link layers: Linux, BSDs and macOS number IPv6 apart."""
_EXTENSIONS: Final = frozenset({0, 43, 60, 135, 139, 140})
"""IPv6 extension headers with a length in units of 8 bytes (RFC 8200, 4; RFC 6564)."""
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_HEADERS: Final = 16
_H: Final = Struct(">H").unpack_from
_TCP: Final = Struct(">4sIIBB").unpack_from
_IP4: Final = Struct(">BxHHHxB").unpack_from
_LONGEST: Final = 0xFFFF
"""The longest packet of IPv4 (RFC 791, 3.1), and of IPv6 without jumbograms, in bytes."""
_MOST_PARTS: Final = 256
"""Fragments of one packet: the longest, over links that carry 296 bytes (RFC 1144, 5.2)."""
FRAGMENTS: Final = 4 << 20
"""Bytes of fragments that wait for the rest of their packets; beyond, the oldest are let go."""
_PART: Final = 300
"""Bytes that a fragment takes in memory beside its data."""

NAMES: Final = {
    0: "null",
    1: "Ethernet",
    9: "PPP",
    12: "raw IP",
    14: "raw IP",
    50: "PPP",
    51: "PPPoE",
    101: "raw IP",
    105: "IEEE 802.11",
    108: "OpenBSD loopback",
    113: "Linux cooked",
    119: "IEEE 802.11 with Prism header",
    127: "IEEE 802.11 with radiotap header",
    189: "USB",
    195: "IEEE 802.15.4",
    220: "USB",
    228: "raw IPv4",
    229: "raw IPv6",
    249: "USB",
    276: "Linux cooked 2",
}
"""Link types by number, as people call them."""


class Segment(NamedTuple):
    """A TCP segment.

    Attributes:
        key: source and destination address, source and destination port, as on the wire.
        start, end: where its payload is in `block`.
        length: of the payload as it was sent; more than is here if the packet was cut.
    """

    key: bytes
    seq: int
    ack: int
    flags: int
    block: bytes
    start: int
    end: int
    length: int


@dataclass(slots=True)
class Dissector:
    """Takes frames apart; counts what it passes over.

    Attributes:
        links: frames of link types that are not read, by link type.
        fragments: IP fragments seen.
        incomplete: fragmented packets that were let go before they were complete.
        other: frames that hold no TCP.
    """

    links: Counter[int] = field(default_factory=Counter)
    fragments: int = 0
    incomplete: int = 0
    other: int = 0
    _parts: OrderedDict[bytes, _Parts] = field(default_factory=OrderedDict)
    _held: int = 0

    def segment(self, link: int, block: bytes, start: int, end: int) -> Segment | None:
        """Find the TCP segment in a frame; None: there is none."""
        finder = _LINKS.get(link)
        if finder is None:
            self.links[link] += 1
            return None
        found = finder(block, start, end)
        segment = None
        if found is not None:
            kind, at = found
            if kind == IPV4:
                segment = self._ipv4(block, at, end)
            elif kind == IPV6:
                segment = self._ipv6(block, at, end)
        self.other += segment is None
        return segment

    def unfinished(self) -> int:
        """How many fragmented packets were never complete."""
        return self.incomplete + len(self._parts)

    def _ipv4(self, block: bytes, at: int, end: int) -> Segment | None:
        if end - at < 20 or block[at] >> 4 != 4:  # noqa: PLR2004 - the shortest header; version 4
            return None
        first, total, ident, fragment, protocol = _IP4(block, at)
        if protocol != TCP:
            return None
        body = at + ((first & 15) << 2)
        whole = at + total if total else end  # offloading leaves the length to the card
        if fragment & 0x3FFF:
            key = block[at + 12 : at + 20] + ident.to_bytes(2, "big")
            here = block[body : min(end, whole)]
            parts = self._join(key, here, (fragment & 0x1FFF) * 8, last=not fragment & 0x2000)
            return _joined(block[at + 12 : at + 20], parts)
        return _tcp(block[at + 12 : at + 20], block, body, min(end, whole), whole)

    def _ipv6(self, block: bytes, at: int, end: int) -> Segment | None:
        if end - at < 40 or block[at] >> 4 != 6:  # noqa: PLR2004 - the header; version 6
            return None
        total, following = _H(block, at + 4)[0], block[at + 6]
        addresses = block[at + 8 : at + 40]
        body = at + 40
        whole = body + total if total else end
        for _ in range(_MOST_HEADERS):
            if following == TCP:
                return _tcp(addresses, block, body, min(end, whole), whole)
            if body + 8 > end:
                return None
            if following == _FRAGMENT:
                return self._ipv6_fragment(addresses, block, body, min(end, whole))
            if following not in _EXTENSIONS and following != _AUTHENTICATION:
                return None
            size = (block[body + 1] + 2) * 4
            size = size if following == _AUTHENTICATION else (block[body + 1] + 1) * 8
            following, body = block[body], body + size
        return None

    def _ipv6_fragment(self, addresses: bytes, block: bytes, body: int, end: int) -> Segment | None:
        if block[body] != TCP:
            return None
        place = _H(block, body + 2)[0]
        key = addresses + block[body + 4 : body + 8]
        parts = self._join(key, block[body + 8 : end], place & 0xFFF8, last=not place & 1)
        return _joined(addresses, parts)

    def _join(self, key: bytes, data: bytes, offset: int, *, last: bool) -> bytes | None:
        """Take a fragment; give the whole when all are there."""
        self.fragments += 1
        if offset + len(data) > _LONGEST:
            return None
        parts = self._parts.get(key)
        if parts is None:
            parts = self._parts[key] = _Parts()
            self._held += parts.held
        self._held -= parts.held
        whole = parts.add(data, offset, last=last)
        self._held += parts.held
        if whole is not None:
            self._let_go(key)
        while self._held > FRAGMENTS:
            self._let_go(next(iter(self._parts)))
            self.incomplete += 1
        return whole

    def _let_go(self, key: bytes) -> None:
        self._held -= self._parts.pop(key).held


class _Parts:
    """The fragments of one packet that have come so far; `held`: what they take in memory."""

    __slots__ = ("held", "pieces", "total")

    def __init__(self) -> None:
        self.pieces: dict[int, bytes] = {}
        self.held = _PART
        self.total: int | None = None

    def add(self, data: bytes, offset: int, *, last: bool) -> bytes | None:
        if offset not in self.pieces and len(self.pieces) < _MOST_PARTS:
            self.pieces[offset] = data
            self.held += len(data) + _PART
        if last:
            self.total = offset + len(data)
        if self.total is None or self.held < self.total:
            return None
        whole = bytearray()
        for at in sorted(self.pieces):
            if at > len(whole):
                return None
            whole += self.pieces[at][len(whole) - at :]
        return bytes(whole[: self.total]) if len(whole) >= self.total else None


def _joined(addresses: bytes, whole: bytes | None) -> Segment | None:
    """Read a packet put together of its fragments; None: some are missing."""
    return None if whole is None else _tcp(addresses, whole, 0, len(whole), len(whole))


def _tcp(addresses: bytes, block: bytes, at: int, end: int, whole: int) -> Segment | None:
    """Read the TCP header at `at`; the packet is here up to `end`, and was sent up to `whole`."""
    if end - at < 14:  # noqa: PLR2004 - as far as the flags
        return None
    ports, seq, ack, offset, flags = _TCP(block, at)
    start = at + ((offset >> 4) << 2)
    length = max(0, whole - start)
    return Segment(addresses + ports, seq, ack, flags & 0x3F, block, min(start, end), end, length)


Found = tuple[int, int] | None
"""The EtherType of what is inside, and where it starts."""


def _ethernet(block: bytes, start: int, end: int) -> Found:
    return _typed(block, start + 12, end)


def _typed(block: bytes, at: int, end: int) -> Found:
    """Read an EtherType, and pass over tags and labels."""
    for _ in range(_MOST_HEADERS):
        if at + 2 > end:
            return None
        (kind,) = _H(block, at)
        if kind in _TAGS:
            at += 4
        elif kind == _PPPOE:
            return _ppp_type(block, at + 8, end)
        elif kind in _MPLS:
            return _labels(block, at + 2, end)
        else:
            return kind, at + 2
    return None


def _labels(block: bytes, at: int, end: int) -> Found:
    """Pass over MPLS labels (RFC 3032): the last has its bottom bit set."""
    while at + 4 < end:
        at += 4
        if block[at - 2] & 1:
            return _raw(block, at, end)
    return None


def _raw(block: bytes, start: int, end: int) -> Found:
    if start >= end:
        return None
    return {4: (IPV4, start), 6: (IPV6, start)}.get(block[start] >> 4)


def _null(block: bytes, start: int, end: int) -> Found:
    """A family of 4 bytes, in the order of the machine that captured or of the network."""
    if end - start < 4:  # noqa: PLR2004 - the family
        return None
    family = max(block[start], block[start + 3])
    return (_FAMILIES[family], start + 4) if family in _FAMILIES else None


def _ppp(block: bytes, start: int, end: int) -> Found:
    framed = block[start : start + 2] in (b"\xff\x03", b"\x0f\x00", b"\x8f\x00")
    return _ppp_type(block, start + 2 if framed else start, end)


def _ppp_type(block: bytes, at: int, end: int) -> Found:
    if at + 2 > end:
        return None
    if block[at] & 1:  # the protocol field may be compressed to one byte (RFC 1661, 6.5)
        kind = _PPP.get(block[at])
        return (kind, at + 1) if kind else None
    kind = _PPP.get(_H(block, at)[0])
    return (kind, at + 2) if kind else None


def _pppoe(block: bytes, start: int, end: int) -> Found:
    return _ppp_type(block, start + 6, end)


def _cooked(block: bytes, start: int, end: int) -> Found:
    return _typed(block, start + 14, end)


def _cooked2(block: bytes, start: int, end: int) -> Found:
    """SLL2 has its EtherType first; a tag's own fields come after the header of 20 bytes."""
    if end - start < 20:  # noqa: PLR2004 - its header
        return None
    (kind,) = _H(block, start)
    return _typed(block, start + 22, end) if kind in _TAGS else (kind, start + 20)


_LINKS: Final[dict[int, Callable[[bytes, int, int], Found]]] = {
    0: _null,
    1: _ethernet,
    9: _ppp,
    12: _raw,
    14: _raw,
    50: _ppp,
    51: _pppoe,
    101: _raw,
    108: _null,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked2,
}


def endpoints(key: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    """Read a segment's key: source and destination, each an address and a port."""
    half = (len(key) - 4) // 2
    address = IPv4Address if half == 4 else IPv6Address  # noqa: PLR2004 - bytes of an IPv4 address
    ports = key[-4:]
    source = str(address(key[:half])), int.from_bytes(ports[:2], "big")
    return source, (str(address(key[half : 2 * half])), int.from_bytes(ports[2:], "big"))


def reverse(key: bytes) -> bytes:
    """The key of the other direction."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]
