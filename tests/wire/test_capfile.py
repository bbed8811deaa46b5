"""Capture files: the same packets from every format, and a note where they stop."""

from __future__ import annotations

import io
from collections.abc import Callable
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire.capfile import MOST, NotCapture, Notes, packets
from tests.wire.wrapping import (
    BEGAN,
    block,
    enhanced,
    interface,
    pcap,
    pcapng,
    secrets,
    section,
)

FRAMES = [b"first frame", b"second", b"", b"x" * 70000, b"last"]
Read = tuple[list[tuple[int, int | None, int, bytes]], Notes]


def read(data: bytes, most: int = 1 << 30) -> Read:
    """Give the packets (number, time, link type, bytes) and the notes."""
    notes, file = Notes(), io.BytesIO(data)
    found = [
        (number, time, link, held[start:end])
        for number, time, link, held, start, end, _ in packets(
            lambda count: file.read(min(count, most)), notes
        )
    ]
    return found, notes


def frames(data: bytes) -> list[bytes]:
    """The bytes of each packet."""
    return [one[3] for one in read(data)[0]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_is_read_in_both_byte_orders_and_resolutions(order: str, *, nano: bool) -> None:
    """A pcap file gives its frames, times and link type whatever machine wrote it."""
    found, notes = read(pcap(FRAMES, order=order, nano=nano, link=113))
    assert [one[3] for one in found] == FRAMES
    assert [one[0] for one in found] == [1, 2, 3, 4, 5]
    assert [one[1] for one in found] == [BEGAN * 10**9 + n * 10**6 for n in range(5)]
    assert {one[2] for one in found} == {113}
    assert (notes.format, notes.problems) == ("pcap", [])


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_is_read_in_both_byte_orders(order: str) -> None:
    """A pcapng file gives the same, in either byte order."""
    found, notes = read(pcapng(FRAMES, order=order))
    assert [one[3] for one in found] == FRAMES
    assert found[1][1] == BEGAN * 10**9 + 10**6
    assert (notes.format, notes.problems) == ("pcapng", [])


def test_sections_may_differ_in_byte_order_and_begin_with_interfaces_of_their_own() -> None:
    """Each section of a pcapng file is read by its own header."""
    data = section("<") + interface(1, "<") + enhanced(b"a", 1, "<")
    data += section(">") + interface(101, ">") + enhanced(b"b", 1, ">")
    found, notes = read(data)
    assert [(one[0], one[2], one[3]) for one in found] == [(1, 1, b"a"), (2, 101, b"b")]
    assert not notes.problems


@pytest.mark.parametrize(
    ("value", "ticks", "nanoseconds"),
    [(9, 5, 5), (6, 5, 5000), (3, 5, 5_000_000), (12, 5000, 5), (0x80 | 10, 1024, 10**9)],
)
def test_the_resolution_of_an_interface_is_heeded(value: int, ticks: int, nanoseconds: int) -> None:
    """Ticks are powers of ten or of two of a second (if_tsresol)."""
    options = pack("<HHB3x", 9, 1, value) + pack("<HH", 0, 0)
    found, _ = read(section() + interface(options=options) + enhanced(b"a", ticks))
    assert found[0][1] == nanoseconds


def test_the_offset_of_an_interface_is_added() -> None:
    """Times are counted from if_tsoffset."""
    options = pack("<HHq", 14, 8, 100)
    found, _ = read(section() + interface(options=options) + enhanced(b"a", 1))
    assert found[0][1] == 100 * 10**9 + 1000


def test_simple_and_obsolete_packets_count_too() -> None:
    """Simple Packet Blocks have no time, and are cut by the snap length; Packet Blocks are read."""
    data = section() + interface(snap=4)
    data += block(3, pack("<I", 9) + b"abcd")
    data += block(2, pack("<HHIIII", 0, 0, 0, 7, 3, 3) + b"xyz")
    assert read(data)[0] == [(1, None, 1, b"abcd"), (2, 7000, 1, b"xyz")]


def test_secrets_are_kept_and_not_shown() -> None:
    """The key log of a Decryption Secrets Block is kept; no repr shows it."""
    line = "CLIENT_RANDOM 00 11"
    _, notes = read(section() + secrets([line]) + block(10, pack("<II", 1, 3) + b"abc"))
    assert notes.secrets == [line]
    assert line not in repr(notes)


def test_other_blocks_are_passed_over() -> None:
    """Name resolution, statistics and blocks that nobody knows do not matter."""
    data = (
        section() + interface() + block(4, b"names") + block(0x40000001, b"?") + enhanced(b"a", 1)
    )
    assert frames(data) == [b"a"]


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_file_that_is_cut_says_so_and_gives_what_came_before(
    make: Callable[[list[bytes]], bytes],
) -> None:
    """A truncated capture keeps its whole packets."""
    whole = make([b"first", b"second"])
    found, notes = read(whole[:-3])
    assert [one[3] for one in found] == [b"first"]
    assert [code for code, _ in notes.problems] == ["truncated"]


def test_lying_lengths_end_the_packets_with_a_note() -> None:
    """A packet or block of an impossible length is told as damage."""
    for data in (
        pcap([b"a"]) + pack("<IIII", 0, 0, MOST + 1, 5),
        pcapng([b"a"]) + pack("<III", 6, MOST + 4, 0),
        pcapng([b"a"]) + pack("<III", 6, 8, 0),
    ):
        found, notes = read(data)
        assert [one[3] for one in found] == [b"a"]
        assert [code for code, _ in notes.problems] == ["damaged"]


def test_a_packet_of_an_unknown_interface_is_counted_and_noted() -> None:
    """Such a packet keeps its number, as in Wireshark, so that later ones keep theirs."""
    data = section() + interface() + enhanced(b"a", 1, which=9) + enhanced(b"b", 1)
    found, notes = read(data)
    assert [(one[0], one[3]) for one in found] == [(2, b"b")]
    assert notes.problems[0][0] == "damaged-block"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"", "empty"),
        (b"snoop\0\0\0\0\0\0\2", "editcap"),
        (b"\x28\xb5\x2f\xfd" + b"\0" * 9, "Decompress"),
        (b"-----BEGIN CERTIFICATE-----", "magic number"),
    ],
)
def test_what_is_no_capture_is_named(head: bytes, word: str) -> None:
    """Other files are refused with a sentence that says what they are."""
    with pytest.raises(NotCapture, match=word):
        read(head)


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 100))
def test_how_the_file_comes_does_not_matter(made: list[bytes], most: int) -> None:
    """However few bytes are read at a time, the packets are the same."""
    for data in (pcap(made), pcapng(made)):
        assert read(data, most)[0] == read(data)[0]
        assert [one[3] for one in read(data)[0]] == made


@given(st.binary(max_size=400), st.sampled_from([pcap([]), pcapng([]), section(">")]))
def test_any_bytes_give_packets_or_a_note(noise: bytes, head: bytes) -> None:
    """Whatever follows a file's header, reading it ends, and every packet is within its block."""
    notes, file = Notes(), io.BytesIO(head + noise)
    for _, _, _, held, start, end, _ in packets(file.read, notes):
        assert 0 <= start <= end <= len(held)


@pytest.mark.parametrize("most", [7, 100, 1 << 20])
@pytest.mark.parametrize("cut", [1, 10, 19])
def test_where_a_capture_was_cut_is_told_by_its_byte(most: int, cut: int) -> None:
    """However the file is read, the byte at which the last whole packet ended is named."""
    whole = pcap(FRAMES)
    begins = len(whole) - 16 - len(FRAMES[-1])
    found, notes = read(whole[:-cut], most)
    assert len(found) == len(FRAMES) - 1
    (problem,) = notes.problems
    assert problem[0] == "truncated"
    assert f"(byte {begins})" in problem[1]


@pytest.mark.parametrize("cut", [1, 10])
def test_where_a_pcapng_was_cut_is_told_by_its_byte(cut: int) -> None:
    """Blocks are counted from the beginning of the file, too."""
    whole = pcapng(FRAMES)
    last = len(enhanced(FRAMES[-1], 0))
    found, notes = read(whole[:-cut], 100)
    assert len(found) == len(FRAMES) - 1
    assert f"(byte {len(whole) - last})" in notes.problems[0][1]


@pytest.mark.parametrize("size", [0, 4, 12])
def test_an_option_of_the_wrong_length_is_passed_over(size: int) -> None:
    """A time offset that is no 64-bit number moves no time."""
    option = pack("<HH", 14, size) + b"\1" * size + b"\0" * (-size % 4)
    data = section() + interface(options=option) + enhanced(b"frame", 5_000_000)
    found, notes = read(data)
    assert [time for _, time, _, _ in found] == [5_000_000_000]
    assert notes.problems == []
