"""What is laid on the shelf comes back as it was, from memory or from the file."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect import shelf as shelving
from mtlskit.collect.shelf import Shelf
from mtlskit.wire.half import Piece

PIECES = st.builds(
    Piece,
    st.integers(0, 2**63),
    st.integers(0, 2**40),
    st.none() | st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.none() | st.integers(0, 2**40),
    st.binary(max_size=40),
)
LAID = st.lists(st.lists(st.tuples(st.integers(0, 1), PIECES), max_size=4), max_size=8)


@given(laid=LAID, room=st.integers(0, 2000), order=st.randoms(use_true_random=False))
def test_whatever_is_laid_down_comes_back(
    laid: list[list[tuple[int, Piece]]], room: int, order: Random
) -> None:
    """In any order, as often as is wished, and beside what else lies there."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shelving, "IN_MEMORY", room)
        shelf = Shelf()
        placed = []
        for one in laid:
            placed.append((shelf.put(list(one)), one))
            place, first = placed[0]
            assert shelf.get(place) == first  # which leaves the file where it was read
        order.shuffle(placed)
        for place, one in [*placed, *placed]:
            assert shelf.get(place) == one


def test_memory_is_bounded_by_bytes_and_by_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pieces of nothing take memory, too: beyond the bound they lie in the file."""
    monkeypatch.setattr(shelving, "IN_MEMORY", 10 * shelving.PIECE)
    shelf = Shelf()
    piece = [(0, Piece(1, 2, None, 0, None, b""))]
    places = [shelf.put(piece) for _ in range(12)]
    assert [isinstance(one, list) for one in places] == [True] * 10 + [False] * 2
    large = Shelf()
    assert isinstance(large.put([(0, Piece(1, 2, None, 0, None, bytes(10_000)))]), tuple)


def test_two_shelves_share_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place on one of them is the same place on another, and something else lies there."""
    monkeypatch.setattr(shelving, "IN_MEMORY", 0)
    one, other = Shelf(), Shelf()
    first = [(0, Piece(1, 2, 3, 4, 5, b"here"))]
    second = [(1, Piece(9, 8, 7, 6, 5, b"away"))]
    assert one.put(first) == other.put(second)
    assert (one.get((0, 57)), other.get((0, 57))) == (first, second)
