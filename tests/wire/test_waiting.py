"""What comes too early waits: in order, without overlap, and the first bytes win."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire import waiting
from mtlskit.wire.half import PIECE, Piece
from mtlskit.wire.waiting import Waiting, ahead_of

WRAP = 1 << 32


def piece(data: bytes, order: int = 1) -> Piece:
    return Piece(order, order, 0, 0, None, data)


def drained(held: Waiting, following: int) -> list[tuple[int, bytes, int]]:
    """All that waits: how far it is ahead, its bytes, and what was cut off after them."""
    found = []
    while held:
        at, _ = held.first(following)
        one, cut = held.take((following + at) % WRAP)
        found.append((at, one.data, cut))
    return found


puts = st.lists(st.tuples(st.integers(1, 60), st.binary(max_size=30)), max_size=12)


@given(puts, st.sampled_from([0, 5, WRAP - 30, (1 << 31) - 20]))
def test_of_what_overlaps_the_first_bytes_win(parts: list[tuple[int, bytes]], base: int) -> None:
    """Whatever comes in whatever order, each place holds what was there first, once."""
    held, wanted = Waiting(), dict[int, int]()
    for at, data in parts:
        there = {at + number for number in range(len(data))} & wanted.keys()
        differs = any(wanted[one] != data[one - at] for one in there)
        repeated, count = held.put(base, (base + at) % WRAP, piece(data), 0)
        assert repeated >= bool(there)
        assert bool(count) is differs
        for number, byte in enumerate(data):
            wanted.setdefault(at + number, byte)
        assert held.size == len(wanted)
        assert held.cost == held.size + PIECE * len(held)
    found = drained(held, base)
    assert {
        at + number: byte for at, data, _ in found for number, byte in enumerate(data)
    } == wanted
    assert sum(len(data) for _, data, _ in found) == len(wanted)
    assert [at for at, _, _ in found] == sorted(at for at, _, _ in found)
    assert (held.size, held.cost) == (0, 0)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 20), st.integers(0, 20)), max_size=8))
def test_what_was_cut_off_is_filled_by_what_was_not(parts: list[tuple[int, int, int]]) -> None:
    """A piece that was captured in part leaves a hole only where nobody else's bytes stand."""
    held, sent, captured = Waiting(), set[int](), set[int]()
    for at, size, cut in ((at, size, cut) for at, size, cut in parts if size + cut):
        held.put(0, at, piece(b"x" * size), cut)
        captured |= set(range(at, at + size))
        sent |= set(range(at, at + size + cut))
    reached = 0
    for at, data, cut in drained(held, 0):
        assert at >= reached, "two pieces overlap"
        assert set(range(at, at + len(data))) <= captured
        holes = set(range(at + len(data), at + len(data) + cut))
        assert holes <= sent - captured
        reached = at + len(data) + cut
    assert reached == max(sent, default=-1) + 1


def test_what_came_behind_is_taken_as_far_as_it_is_new() -> None:
    """What is expected may have grown past the start of a piece: the rest of it is taken."""
    held = Waiting()
    held.put(0, 10, piece(b"abcdef"), 4)
    assert held.take(13)[0].data == b"def"
    held.put(0, 10, piece(b"abcdef"), 4)
    assert held.take(16) == (piece(b""), 4)
    held.put(0, 10, piece(b"abcdef"), 4)
    assert held.take(18) == (piece(b""), 2)
    held.put(0, 10, piece(b"abcdef"), 4)
    assert held.take(30) == (piece(b""), 0)


def test_the_frame_that_brought_the_bytes_is_kept() -> None:
    """Of two that overlap each part knows the frame in which it came first."""
    held = Waiting()
    held.put(0, 10, piece(b"bbbb", 1), 0)
    assert held.put(0, 8, piece(b"aabbcc", 2), 0) == (True, 1)
    assert held.put(0, 12, piece(b"bbccdd", 3), 0) == (True, 0)
    found = []
    while held:
        found.append(held.take(held.first(0)[0])[0])
    assert [(one.frame, one.data) for one in found] == [(2, b"aa"), (1, b"bbbb"), (3, b"ccdd")]


def test_many_small_pieces_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept in order: to put and take two thousand is no search through all for each."""
    asked: list[int] = []

    def counting(following: int, seq: int) -> int:
        asked.append(seq)
        return ahead_of(following, seq)

    monkeypatch.setattr(waiting, "ahead_of", counting)
    held = Waiting()
    for seq in range(10, 4010, 2):
        held.put(0, seq, piece(b"xy"), 0)
    for seq in range(10, 4010, 2):
        assert held.take(seq)[0].data == b"xy"
    assert not held
    assert len(asked) < 2000 * 20
