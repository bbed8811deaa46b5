from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire.handshake import MOST, Assembler, Framed
from mtlskit.wire.reader import ParseError

message = st.builds(
    lambda kind, body: bytes([kind]) + len(body).to_bytes(3, "big") + body,
    st.integers(0, 255),
    st.binary(max_size=50),
)


def assemble(fragments: Sequence[bytes]) -> tuple[list[tuple[int, bytes | None]], object]:
    assembler = Assembler()
    found = []
    for number, fragment in enumerate(fragments):
        found += assembler.feed(fragment, number * 10, number)
    return [(one.kind, one.body) for one in found], assembler.end()


@given(st.lists(message, max_size=6), st.binary(max_size=6), st.integers(1, 40))
def test_where_records_end_does_not_matter(messages: list[bytes], rest: bytes, length: int) -> None:
    """In one record or in many, in pieces of any length, the same messages come out."""
    data = b"".join(messages) + rest
    pieces = [data[n : n + length] for n in range(0, len(data), length)]
    assert assemble(pieces) == assemble([data])


@given(st.lists(message, max_size=6))
def test_every_message_comes_out_once_and_whole(messages: list[bytes]) -> None:
    """Coalesced messages are told apart, in order, and nothing is left over."""
    found, left = assemble([b"".join(messages)])
    assert found == [(one[0], one[4:]) for one in messages]
    assert left is None


def test_a_message_stands_where_its_first_byte_stood() -> None:
    """A message that is spread over records has the place of the first of them."""
    assembler = Assembler()
    assert assembler.feed(b"\x0b\x00", 100, 3) == []
    assert assembler.feed(b"\x00\x03ab", 200, 4) == []
    found = assembler.feed(b"c\x0e\x00\x00\x00\x14", 300, 5)
    assert found == [Framed(11, 3, b"abc", 100, 3), Framed(14, 0, b"", 300, 5)]
    assert assembler.began == (300, 5)


def test_a_message_that_is_too_long_is_named_and_passed_over() -> None:
    """Sixteen megabytes of handshake are not kept, and the message behind them is still read."""
    assembler = Assembler()
    (long,) = assembler.feed(b"\x0b\xff\xff\xff", 0, 0)
    assert long.body is None
    assert long.size == 0xFFFFFF
    assert str(long.too_long) == (
        f"Certificate, at byte 0: wanted at most {MOST} bytes, found 16777215 bytes."
    )
    for number in range(0xFFFFFF // 15):
        assert assembler.feed(b"x" * 15, 0, number) == []
    assert assembler.feed(b"\x0e\x00\x00\x00", 7, 9) == [Framed(14, 0, b"", 7, 9)]


def test_an_unfinished_message_is_told_at_the_end_and_forgotten() -> None:
    """What was begun and not finished says how much of it was there."""
    assembler = Assembler()
    assembler.feed(b"\x0b\x00\x00\x05ab", 0, 0)
    error = ParseError("Certificate", 0, "5 bytes", "2 bytes before the end")
    assert assembler.end() == error
    assert assembler.end() is None
    assembler.feed(b"\x0b\x00", 0, 0)
    assert str(assembler.end()).startswith("handshake message, at byte 0: wanted a header")
