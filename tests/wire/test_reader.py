import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire.reader import ParseError, Reader, quantity


def test_fields_are_taken_in_wire_order() -> None:
    """Numbers are big-endian, and a vector stands behind its length."""
    reader = Reader(bytes.fromhex("0102 03 000004 00000102 ff"), "Thing")
    assert reader.number(2, "a") == 0x0102
    assert reader.number(1, "b") == 3
    assert reader.numbers(3, "c") == (0, 0x0102)
    assert reader.left == 1
    assert reader.rest() == b"\xff"
    reader.done()


def test_an_error_says_which_field_where_what_was_wanted_and_what_was_there() -> None:
    """All four stand in the error, as facts and in its sentence."""
    reader = Reader(b"\x00\x01\x05abc", "Thing")
    reader.number(2, "a")
    with pytest.raises(ParseError) as raised:
        reader.vector(1, "b")
    error = raised.value
    assert (error.field, error.at) == ("Thing.b", 3)
    assert (error.wanted, error.found) == ("5 bytes as its length says", "3 bytes before the end")
    wanted = "wanted 5 bytes as its length says, found 3 bytes before the end."
    assert str(error) == f"Thing.b, at byte 3: {wanted}"


def test_an_error_in_a_part_points_into_the_whole() -> None:
    """The offset in an error counts from the start of the message, not of the part."""
    reader = Reader(b"\xaa\xbb\x02\x09\x00", "Thing")
    reader.take(2, "head")
    part = reader.part(1, "list")
    with pytest.raises(ParseError) as raised:
        part.vector(1, "entry")
    assert (raised.value.field, raised.value.at) == ("Thing.list.entry", 4)


def test_what_is_left_over_is_an_error() -> None:
    """A structure ends where its length says."""
    with pytest.raises(ParseError, match=r"Thing, at byte 0: wanted its end, found 2 bytes more"):
        Reader(b"ab", "Thing").done()


def test_numbers_of_two_bytes_come_in_pairs() -> None:
    """A list of two-byte numbers has an even length."""
    with pytest.raises(ParseError, match="pairs of bytes"):
        Reader(b"\x03abc", "Thing").numbers(1, "list")


def test_a_vector_may_have_a_least_length() -> None:
    """A vector that must not be empty is not."""
    with pytest.raises(ParseError, match=r"at byte 0: wanted at least 1 byte, found no bytes"):
        Reader(b"\x00", "Thing").vector(1, "list", least=1)


def test_errors_are_values() -> None:
    """Two errors that say the same are equal, and an error can be pickled."""
    one, same = (ParseError("a", 1, "b", "c") for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != ParseError("a", 2, "b", "c")
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes


def test_a_quantity_reads_well() -> None:
    """One byte is not plural, and none is said in words."""
    assert [quantity(n) for n in (0, 1, 2)] == ["no bytes", "1 byte", "2 bytes"]


@given(st.binary(max_size=40), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3))))
def test_a_reader_never_gives_what_is_not_there(data: bytes, calls: list[tuple[int, int]]) -> None:
    """Whatever is asked of whatever bytes, there is a result within them or a `ParseError`."""
    reader = Reader(data, "Thing")
    for call, width in calls:
        before = reader.left
        try:
            match call:
                case 0:
                    reader.number(width, "x")
                case 1:
                    assert len(reader.vector(width, "x")) <= before - width
                case 2:
                    reader.numbers(width, "x")
                case 3:
                    assert sum(map(len, reader.vectors(width, 2, "x"))) <= before
                case _:
                    assert len(reader.take(width, "x")) == width
        except ParseError as error:
            at = error.at
            assert 0 <= at <= len(data)
        assert 0 <= reader.left <= before
