"""One direction of a captured connection against a model: what is kept, what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlskit.wire import half
from mtlskit.wire.flow import Flow
from mtlskit.wire.half import Half, Piece

HEAD, HEAD_DATA, SHORT, TAIL, TURNS = 1500, 400, 60, 3, 3
DATA = 23


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Limits that a small conversation reaches."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("HEAD", HEAD), ("HEAD_DATA", HEAD_DATA), ("SHORT", SHORT),
                            ("TAIL", TAIL), ("TURNS", TURNS)):  # fmt: skip
            patch.setattr(half, name, value)
        yield


@dataclass
class Record:
    """One record of a model conversation, and whether it has to be kept."""

    side: int
    kind: int
    body: bytes
    kept: bool = True

    @property
    def bytes(self) -> bytes:
        """With its header."""
        return bytes((self.kind, 3, 3)) + len(self.body).to_bytes(2, "big") + self.body


def modelled(records: list[Record]) -> list[Record]:
    """Tell of each record whether it is kept, as the law of the file says."""
    room, last, turns = [HEAD, HEAD], -1, 0
    tails: tuple[list[Record], list[Record]] = ([], [])
    for one in records:
        if one.kind == DATA and last != one.side:
            last, turns = one.side, turns + 1
            if turns == TURNS:
                room = [min(each, HEAD_DATA) for each in room]
        room[one.side] -= 5 + len(one.body)
        if room[one.side] >= 0:
            continue
        one.kept = one.kind != DATA or len(one.body) <= SHORT
        if one.kept:
            tail = tails[one.side]
            tail.append(one)
            if len(tail) > TAIL:
                tail.pop(0).kept = False
    for side, tail in enumerate(tails):
        mine = [one for one in records if one.side == side]
        if len(tail) == TAIL and not mine[-1].kept:  # what is left out at the end takes a place
            tail.pop(0).kept = False
    return records


def walked(records: list[Record], cuts: list[int]) -> Flow:
    """Walk them, cut into pieces; a turn of one side ends where the other speaks."""
    flow, order, at = Flow(b"k" * 12, 1, 0), 0, 0
    for side, data in _turns(records):
        start = 0
        while start < len(data):
            size = cuts[at % len(cuts)]
            at, order = at + 1, order + 1
            flow.halves[side].walk(Piece(order, order, order, 0, None, data[start : start + size]))
            start += size
    for one in flow.halves:
        one.frame = order
        one.end()
    return flow


def _turns(records: list[Record]) -> Iterator[tuple[int, bytes]]:
    data, side = b"", 0
    for one in records:
        if one.side != side and data:
            yield side, data
            data = b""
        side, data = one.side, data + one.bytes
    if data:
        yield side, data


made = st.builds(
    Record,
    st.integers(0, 1),
    st.sampled_from([20, 21, 22, 23, 23, 23, 24]),
    st.binary(max_size=24).flatmap(
        lambda seed: st.integers(0, 240).map(lambda size: (seed * 11 + b"x" * 240)[:size])
    ),
)
several = st.lists(made, max_size=40)
cut = st.lists(st.integers(1, 300), min_size=1, max_size=5)


@given(several, cut)
@settings(max_examples=150)
def test_what_is_kept_is_what_the_law_says(records: list[Record], cuts: list[int]) -> None:
    """However the bytes were cut: kept records are whole, the others are counted."""
    modelled(records)
    flow = walked(records, cuts)
    held = sum(len(one.data) + half.PIECE for each in flow.halves for one in _pieces(each))
    assert flow.kept == held
    found = flow.take_pieces()
    assert flow.kept == 0
    assert [one.order for _, one in found] == sorted(one.order for _, one in found)
    for side in (0, 1):
        mine = [one for one in records if one.side == side]
        stream = b"".join(one.bytes for one in mine)
        wanted = _expected(mine)
        at, got = 0, []
        for piece in (one for which, one in found if which == side):
            if piece.gap:
                got.append((at, piece.gap, piece.records))
            at += piece.gap
            assert piece.data == stream[at : at + len(piece.data)]
            at += len(piece.data)
        assert at == len(stream)
        assert [(start, size) for start, size, _ in got] == [(s, z) for s, z, _ in wanted]
        assert [count for *_, count in got] == [count for *_, count in wanted]


def _pieces(one: Half) -> list[Piece]:
    return [*one._pieces, *(one._tail or ())]


def _expected(mine: list[Record]) -> list[tuple[int, int, int]]:
    """The gaps of one side: where each begins, its bytes and its records."""
    gaps: list[tuple[int, int, int]] = []
    at, before = 0, False
    for one in mine:
        size = len(one.bytes)
        if not one.kept and before:
            start, bytes_, count = gaps.pop()
            gaps.append((start, bytes_ + size, count + 1))
        elif not one.kept:
            gaps.append((at, size, 1))
        before = not one.kept
        at += size
    return gaps


def _edges(records: list[Record]) -> list[int]:
    """Where records begin, and where the last one ends."""
    found = [0]
    for one in records:
        found.append(found[-1] + len(one.bytes))
    return found


@given(several, cut, st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 400)), max_size=4))
@settings(max_examples=100)
def test_what_was_not_captured_is_a_gap_of_its_size(
    records: list[Record], cuts: list[int], holes: list[tuple[int, int]]
) -> None:
    """With holes anywhere, every byte that is kept stands where it was sent."""
    stream = b"".join(one.bytes for one in records)
    flow, at, number = Flow(b"k" * 12, 1, 0), 0, 0
    one = flow.halves[0]
    while at < len(stream):
        number += 1
        hole = next(
            (size for start, size in holes if at <= start < at + cuts[number % len(cuts)]), 0
        )
        size = min(cuts[number % len(cuts)], len(stream) - at)
        if hole and (size := min(hole, len(stream) - at)):
            one.hole(Piece(number, number, 0, 0, None, b""), size)
        else:
            one.walk(Piece(number, number, 0, 0, None, stream[at : at + size]))
        at += size
    one.frame = number
    one.end()
    place, edges = 0, _edges(records)
    for piece in (piece for _, piece in flow.take_pieces()):
        began, place = place, place + piece.gap
        assert piece.data == stream[place : place + len(piece.data)]
        if piece.records is not None:
            assert edges.index(place) - edges.index(began) == piece.records
        place += len(piece.data)
    assert place == len(stream)


def test_after_a_loss_in_much_data_the_next_record_is_found() -> None:
    """Past the head, what follows a hole is passed over up to a header, and the alert is kept."""
    flow = Flow(b"k" * 12, 1, 0)
    one = flow.halves[0]
    big, alert = Record(0, DATA, b"x" * 1400).bytes, Record(0, 21, b"\2\50").bytes
    data = Record(0, DATA, b"y" * 300).bytes
    one.walk(Piece(1, 1, 0, 0, None, big + big[:200]))
    one.hole(Piece(2, 2, 0, 0, None, b""), 1300)  # beyond the record that was being passed over
    one.walk(Piece(3, 3, 0, 0, None, b"y" * 95 + data + alert))
    one.end()
    kept = b"".join(piece.data for _, piece in flow.take_pieces())
    assert kept.endswith(alert)
    assert b"y" * 95 not in kept


@given(st.binary(min_size=1, max_size=400), cut, st.integers(0, 399), st.integers(1, 400))
def test_what_comes_again_is_held_against_what_is_kept(
    body: bytes, cuts: list[int], start: int, size: int
) -> None:
    """Bytes that are still held are told from others, in whatever pieces they came."""
    flow = Flow(b"k" * 12, 1, 0)
    one, stream = flow.halves[0], Record(0, 22, body).bytes
    at = number = 0
    while at < len(stream):
        part = cuts[number % len(cuts)]
        one.walk(Piece(number, number, 0, 0, None, stream[at : at + part]))
        at, number = at + part, number + 1
    start %= len(stream)
    again = stream[start : start + size]
    behind = len(stream) - start
    if number <= 60 and start >= 5:
        assert one.same(again, behind)
        assert not one.same(bytes(byte ^ 1 for byte in again), behind)


def test_what_is_no_longer_kept_cannot_differ() -> None:
    """Where bytes were passed over there is nothing to hold others against."""
    flow = Flow(b"k" * 12, 1, 0)
    one = flow.halves[0]
    one.walk(Piece(1, 1, 0, 0, None, Record(0, DATA, b"x" * 1600).bytes + b"\x15\x03"))
    assert one.same(b"anything", 20)
    other = Flow(b"k" * 12, 1, 0).halves[0]
    other.walk(Piece(1, 1, 0, 0, None, Record(0, 22, b"x" * 16).bytes))
    assert not other.same(b"anything", 8)
    assert other.same(b"anything", 800)


@pytest.mark.parametrize(
    ("head", "begins"),
    [
        (b"\x17\x03\x03\x40\x00", True),
        (b"\x14\x03\x00\x00\x01", True),
        (b"\x18\x03\x04\x00\x00", True),
        (b"\x17\x03\x03\x48\x00", True),
        (b"\x17\x03\x03\x48\x01", False),
        (b"\x13\x03\x03\x00\x01", False),
        (b"\x19\x03\x03\x00\x01", False),
        (b"\x17\x02\x03\x00\x01", False),
        (b"\x17\x03\x05\x00\x01", False),
        (b"\x17\x03\x03\x00", False),
    ],
)
def test_a_record_may_begin_where_a_header_stands(head: bytes, begins: bool) -> None:  # noqa: FBT001 - a row
    """Content type, version and length are all those of TLS, and the header is all here."""
    assert half._plausible(b"??" + head, 2) is begins
