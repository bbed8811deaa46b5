"""Frames taken apart: the segment that was put in comes out, and nothing from outside the frame."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire.packets import NAMES, Dissector, Segment, endpoints, reverse
from tests.wire.wrapping import LINKS as KNOWN
from tests.wire.wrapping import (
    PSH,
    ethernet,
    ipv4,
    ipv4_fragments,
    ipv6,
    ipv6_fragments,
)
from tests.wire.wrapping import Segment as Sent


def _ppp(packet: bytes) -> bytes:
    return b"\0\x21" if packet[0] >> 4 == 4 else b"\0\x57"


SENT = Sent("client", 1000, 2000, PSH, b"fourteen bytes")
TCP = ipv4(SENT)[20:]
AROUND = ((b"", b""), (b"\0" * 80, b"\0" * 80), (b"\xff" * 80, b"\xff" * 80), (b"", TCP * 3))
MORE = {
    "ppp 50": (50, lambda packet: b"\x0f\0" + _ppp(packet) + packet),
    "ppp bare": (9, lambda packet: _ppp(packet) + packet),
    "pppoe 51": (
        51,
        lambda packet: pack(">BBHH", 17, 0, 1, len(packet) + 2) + _ppp(packet) + packet,
    ),
    "mpls one": (1, lambda packet: b"\2" * 12 + b"\x88\x48\0\1\1\x40" + packet),
}
LINKS = KNOWN | MORE
FRAMES = {
    (link, version): (LINKS[link][0], LINKS[link][1](packet))
    for link in LINKS
    for version, packet in (
        ("IPv4", ipv4(SENT)),
        ("IPv6", ipv6(SENT)),
        ("more", ipv6(SENT, extensions=True)),
    )
}


def told(
    dissector: Dissector, link: int, frame: bytes, before: bytes, after: bytes
) -> tuple[object, ...] | None:
    """What a frame holds that stands between other bytes: without the places in the block."""
    found = dissector.segment(link, before + frame + after, len(before), len(before) + len(frame))
    return None if found is None else (*found[:4], payload(found), found.length)


def payload(found: Segment) -> bytes:
    return found.block[found.start : found.end]


@pytest.mark.parametrize("name", FRAMES, ids="-".join)
def test_a_frame_holds_its_segment_and_nothing_around_it(name: tuple[str, str]) -> None:
    """Cut anywhere, it gives what is here of the segment, or nothing; never what stands beside."""
    link, frame = FRAMES[name]
    whole = told(Dissector(), link, frame, b"", b"")
    assert whole is not None
    assert whole[1:] == (SENT.seq, SENT.ack, SENT.flags, SENT.data, len(SENT.data))
    for size in range(len(frame) + 1):
        cut = frame[:size]
        seen = [told(Dissector(), link, cut, before, after) for before, after in AROUND]
        assert seen.count(seen[0]) == len(seen)
        if seen[0] is not None:
            assert seen[0][:4] == whole[:4]
            assert SENT.data.startswith(seen[0][4])  # type: ignore[arg-type]  # bytes
    assert sum(
        told(Dissector(), link, frame[:size], b"", b"") is not None for size in range(len(frame))
    ) >= len(SENT.data)


@pytest.mark.parametrize("number", sorted(NAMES))
@given(data=st.binary(max_size=120))
def test_any_bytes_are_a_frame_or_none(number: int, data: bytes) -> None:
    """Of whatever link type, a frame that makes no sense is passed over and counted."""
    dissector = Dissector()
    found = dissector.segment(number, b"\x45" + data, 1, 1 + len(data))
    assert found is None or 1 <= found.start <= found.end <= 1 + len(data)
    assert dissector.other + dissector.links[number] == (found is None)


def test_link_types_that_are_not_read_are_counted_by_type() -> None:
    """The report names each of them with its number of packets."""
    dissector = Dissector()
    for link in (105, 105, 9999):
        assert dissector.segment(link, bytes(80), 0, 80) is None
    assert dissector.links == {105: 2, 9999: 1}
    assert dissector.other == 0
    udp = ethernet(ipv4(SENT, protocol=17))
    assert dissector.segment(1, udp, 0, len(udp)) is None
    assert dissector.other == 1


def _ipv6(following: int, body: bytes) -> bytes:
    head = pack(">IHBB", 0x60000000, len(body), following, 64)
    return ethernet(head + bytes(15) + b"\1" + bytes(15) + b"\2" + body)


@pytest.mark.parametrize(
    ("following", "headers"),
    [
        (6, b""),
        (0, b"\x06\0" + bytes(6)),
        (43, b"\x06\1" + bytes(14)),
        (
            60,
            b"\x87\0"
            + bytes(6)
            + b"\x8b\0"
            + bytes(6)
            + b"\x8c\0"
            + bytes(6)
            + b"\x06\0"
            + bytes(6),
        ),
        (51, b"\x06\4" + bytes(22)),
        (51, b"\x06\1" + bytes(10)),
        (0, b"\0\0" * 0 + (b"\0\0" + bytes(6)) * 14 + b"\x06\0" + bytes(6)),
    ],
    ids=["none", "hop by hop", "routing", "several", "authentication", "short", "fifteen"],
)
def test_tcp_is_found_after_the_headers_before_it(following: int, headers: bytes) -> None:
    """Each extension header has its own way of telling its length (RFC 8200, 4; RFC 4302, 2.2)."""
    frame = _ipv6(following, headers + TCP)
    found = Dissector().segment(1, frame, 0, len(frame))
    assert found is not None
    assert payload(found) == SENT.data


@pytest.mark.parametrize(
    ("following", "headers"),
    [
        (50, b"\x06\0" + bytes(6)),
        (59, b"\x06\0" + bytes(6)),
        (17, b"\x06\0" + bytes(6)),
        (0, (b"\0\0" + bytes(6)) * 30 + b"\x06\0" + bytes(6)),
        (44, b"\x11\0\0\0" + bytes(4)),
    ],
    ids=["encrypted", "nothing", "UDP", "too many", "a fragment of UDP"],
)
def test_what_is_no_tcp_is_passed_over(following: int, headers: bytes) -> None:
    """A header that cannot be passed over hides what comes after it."""
    dissector, frame = Dissector(), _ipv6(following, headers + TCP)
    assert dissector.segment(1, frame, 0, len(frame)) is None
    assert (dissector.other, dissector.unfinished()) == (1, 0)


@pytest.mark.parametrize("split", [ipv4_fragments, ipv6_fragments])
def test_a_packet_whose_middle_is_missing_is_not_put_together(split: object) -> None:
    """First and last fragment are not enough, in whatever order they come."""
    sent = Sent("client", 1, 2, PSH, bytes(range(200)))
    frames = [ethernet(one) for one in split(sent, 64, 5)]  # type: ignore[operator]  # one of two functions
    assert len(frames) == 4
    for order in ([0, 1, 3], [3, 1, 0], [0, 3, 3], [2, 3]):
        dissector = Dissector()
        assert all(dissector.segment(1, frames[n], 0, len(frames[n])) is None for n in order)
        assert dissector.unfinished() == 1
        assert dissector.fragments == len(order)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 1, 3, 0, 2]):
        dissector = Dissector()
        found = [dissector.segment(1, frames[n], 0, len(frames[n])) for n in order]
        assert found[-1] is not None
        assert payload(found[-1]) == sent.data
        assert (dissector.unfinished(), dissector._held) == (0, 0)


def test_a_key_names_both_ends_and_turns_round() -> None:
    """Addresses and ports are those on the wire; the other direction has them the other way."""
    for packet, client in ((ipv4(SENT), ("10.0.0.1", 40000)), (ipv6(SENT), ("2001:db8::1", 40000))):
        frame = ethernet(packet)
        found = Dissector().segment(1, frame, 0, len(frame))
        assert found is not None
        source, target = endpoints(found.key)
        assert source == client
        assert target[1] == 443
        assert endpoints(reverse(found.key)) == (target, source)
        assert reverse(reverse(found.key)) == found.key
