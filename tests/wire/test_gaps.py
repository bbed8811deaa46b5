"""Bytes that are not there: told with their size, and the rest is read on where that can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire.conversation import Conversation, LeftOut, Lost, Seen
from mtlskit.wire.messages import Certificate
from mtlskit.wire.records import APPLICATION_DATA, Record, RecordReader, Stray
from tests.wire.conftest import Wire

ALERT = b"\x15\3\3\0\2\1\0"


def data(size: int) -> bytes:
    """A record of application data."""
    return b"\x17\3\3" + size.to_bytes(2, "big") + b"\xaa" * size


def test_whole_records_left_out_keep_place_and_number() -> None:
    """The records after them stand where they stood, and have their numbers."""
    reader = RecordReader()
    reader.feed(data(10))
    (left,) = reader.gap(3 * 105, 3)
    assert isinstance(left, Stray)
    assert left.item == LeftOut(3 * 105, 3)
    (after,) = reader.feed(ALERT)
    assert isinstance(after, Record)
    assert (after.at, after.number) == (15 + 3 * 105, 4)


@given(st.integers(5, 100), st.integers(1, 100))
def test_a_hole_within_a_record_loses_that_record_alone(begun: int, missing: int) -> None:
    """What follows the record is read, at its place and with its number."""
    whole = data(200)
    reader = RecordReader()
    assert reader.feed(whole[:begun]) == []
    (lost,) = reader.gap(missing)
    assert isinstance(lost, Stray)
    assert lost.item == Lost(missing, APPLICATION_DATA)
    found = reader.feed(whole[begun + missing :] + ALERT)
    assert [(one.at, one.number) for one in found] == [(len(whole), 1)]


def test_after_a_hole_beyond_a_record_the_next_one_is_searched_for() -> None:
    """Bytes before the next record are told as passed over."""
    reader = RecordReader()
    reader.feed(data(50)[:20])
    (lost,) = reader.gap(1000)
    assert isinstance(lost, Stray)
    assert lost.item == Lost(1000, None)
    found = reader.feed(b"\x99" * 7 + ALERT + ALERT) + reader.end()
    assert [type(one) for one in found] == [Stray, Record, Record]


@given(st.data())
def test_any_gaps_give_items_and_no_error(wires: dict[str, Wire], chance: st.DataObject) -> None:
    """However bytes and gaps follow each other, the conversation goes on to its end."""
    wire = wires[chance.draw(st.sampled_from(["1.2", "1.3"]))]
    conversation = Conversation(wire.key_log)
    seen: list[Seen] = []
    for side, chunk in wire.chunks:
        at = chance.draw(st.integers(0, len(chunk)))
        until = chance.draw(st.integers(at, len(chunk)))
        seen += conversation.feed(side, chunk[:at])
        seen += conversation.gap(side, until - at, chance.draw(st.sampled_from([None, 1, 7])))
        seen += conversation.feed(side, chunk[until:])
    seen += conversation.end()
    assert all(one.size >= 0 for one in seen)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_message_in_the_hole_is_lost_and_its_neighbours_are_told(
    wires: dict[str, Wire], version: str
) -> None:
    """With the key log, the sealed records after a lost one still open."""
    wire = wires[version]
    flight = next(n for n, (side, _) in enumerate(wire.chunks) if side == "server")
    conversation, seen = Conversation(wire.key_log), []
    for number, (side, chunk) in enumerate(wire.chunks):
        if number != flight:
            seen += conversation.feed(side, chunk)
            continue
        middle = len(chunk) * 3 // 4  # beyond the ServerHello
        seen += conversation.feed(side, chunk[:middle])
        seen += conversation.gap(side, 1)
        seen += conversation.feed(side, chunk[middle + 1 :])
    seen += conversation.end()
    lost = [one for one in seen if isinstance(one.item, Lost)]
    assert [one.sender for one in lost] == ["server"]
    names = [one.item.name for one in seen]
    assert "Finished" in names
    assert any(isinstance(one.item, Certificate) and one.sender == "client" for one in seen)
