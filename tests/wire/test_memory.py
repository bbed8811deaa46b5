"""What is held of a capture is bounded, whatever is in it: measured, with small limits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from struct import pack

import pytest

from mtlskit.wire import packets, streams
from mtlskit.wire.capfile import Packet
from mtlskit.wire.flow import Flow
from tests.wire.wrapping import ethernet

MEGABYTE = 1 << 20
SYN, ACK = 2, 16
HELLO = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"


def frame(client: int, body: bytes, ident: int = 0, place: int = 0) -> bytes:
    """A frame from one of many clients."""
    source = b"\x0a" + client.to_bytes(3, "big")
    head = pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident, place, 64, 6, 0, source, b"\xc0\0\2\1"
    )
    return ethernet(head + body)


def segment(seq: int, flags: int, data: bytes = b"") -> bytes:
    return pack(">HHIIBBHHH", 1000, 443, seq, 1, 0x50, flags, 9999, 0, 0) + data


def fragments() -> Iterator[bytes]:
    """Many packets, each of many fragments, none of them complete."""
    for ident in range(200):
        for part in range(20):
            yield frame(1, b"x" * 16_000, ident, 0x2000 | part * 100)


def late() -> Iterator[bytes]:
    """Many connections that were captured late, with too little to tell what they speak."""
    for start in range(5, 28_005, 1400):
        for client in range(300):
            yield frame(client, segment(start, ACK, b"A" * 1400))


def prologues() -> Iterator[bytes]:
    """Many connections that speak another protocol, and may go over to TLS."""
    for client in range(4000):
        yield frame(client, segment(5, SYN))
        yield frame(client, segment(6, ACK, b"A" * 2000))


def waiting() -> Iterator[bytes]:
    """Many connections of which much came too early."""
    for client in range(100):
        yield frame(client, segment(5, SYN))
        yield frame(client, segment(6, ACK, HELLO))
        for start in range(100, 400, 2):
            yield frame(client, segment(start, ACK, b"\x16"))


def tiny() -> Iterator[bytes]:
    """Records that come byte by byte."""
    yield frame(1, segment(5, SYN))
    yield frame(1, segment(6, ACK, HELLO))
    for start in range(17, 17 + 16_000):
        yield frame(1, segment(start, ACK, b"\x16"))


def numbered(frames: Iterable[bytes]) -> Iterator[Packet]:
    for number, one in enumerate(frames, 1):
        yield number, number * 1000, 1, one, 0, len(one), len(one)


def aside(flow: Flow) -> None:
    flow.take_pieces()


@pytest.mark.parametrize("frames", [fragments, late, prologues, waiting, tiny])
def test_what_is_held_is_bounded(
    monkeypatch: pytest.MonkeyPatch, frames: Callable[[], Iterator[bytes]]
) -> None:
    """Each of these holds more than the limit allows, byte for byte, and stays below it."""
    for name in ("LOOKING", "SAMPLES", "WAITING_ALL", "KEPT"):
        monkeypatch.setattr(streams, name, MEGABYTE)
    monkeypatch.setattr(streams, "OPEN", 300)
    monkeypatch.setattr(packets, "FRAGMENTS", MEGABYTE)
    reader = streams.Streams(aside, aside)
    tracemalloc.start()
    try:
        reader.read(numbered(frames()))
        reader.end()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MEGABYTE
    assert (reader._kept, reader._waiting, reader._looking, reader._sampled) == (0, 0, 0, 0)


def test_of_much_that_is_undecided_the_oldest_is_judged_by_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Connections captured late are followed where records are found in them, and else let go."""
    monkeypatch.setattr(streams, "LOOKING", 30_000)
    found: list[Flow] = []
    reader = streams.Streams(found.append, aside)
    record = b"\x17\x03\x03\x00\x20" + bytes(32)
    frames = [frame(1, segment(5, ACK, b"\xff\xfe" + record * 20))]
    frames += [frame(client, segment(5, ACK, b"A" * 1400)) for client in range(2, 40)]
    frames.append(frame(1, segment(5 + 742, ACK, record)))
    frames.append(frame(2, segment(5 + 1400, ACK, record * 20)))
    reader.read(numbered(frames))
    reader.end()
    assert [one.first for one in found if one.tls] == [1]
    assert reader.plain == 38


def test_a_fragment_beyond_the_longest_packet_is_no_part_of_any() -> None:
    """An offset that no packet reaches is passed over, and what is incomplete is counted."""
    dissector = packets.Dissector()
    beyond = frame(1, b"x" * 1000, 7, 0x1FFF)
    whole = segment(5, ACK, b"y" * 92)
    for one in (beyond, frame(1, whole[:56], 7, 0x2000)):
        assert dissector.segment(1, one, 0, len(one)) is None
    assert dissector.unfinished() == 1
    last = frame(1, whole[56:], 7, 7)
    joined = dissector.segment(1, last, 0, len(last))
    assert joined is not None
    assert joined.block[joined.start : joined.end] == b"y" * 92
    assert (dissector.unfinished(), dissector.fragments, dissector._held) == (0, 3, 0)


def test_fragments_that_were_let_go_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest packet is given up for newer ones; all that are incomplete are told."""
    monkeypatch.setattr(packets, "FRAGMENTS", 5000)
    dissector = packets.Dissector()
    for ident in range(10):
        one = frame(1, b"x" * 800, ident, 0x2000)
        dissector.segment(1, one, 0, len(one))
    assert dissector.unfinished() == 10
    assert len(dissector._parts) == 3
