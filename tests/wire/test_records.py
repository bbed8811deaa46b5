from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire.items import Hidden, Malformed, NotTls
from mtlskit.wire.records import MOST, SAMPLE, SEARCHED, SSL2, Record, RecordReader, Stray

ALERT = bytes.fromhex("15 03 03 00 02 02 2a")
EMPTY = bytes.fromhex("17 03 03 00 00")
HELLO = bytes.fromhex("16 03 01 00 08 01 00 00 04 03 03 aa bb")

record = st.builds(
    lambda kind, minor, body: bytes([kind, 3, minor]) + len(body).to_bytes(2, "big") + body,
    st.integers(20, 24),
    st.integers(0, 4),
    st.binary(max_size=60),
)
stream = st.one_of(
    st.lists(record, max_size=6).map(b"".join),
    st.tuples(st.lists(record, max_size=3).map(b"".join), st.binary(max_size=60)).map(b"".join),
    st.binary(max_size=400),
    st.binary(max_size=20).map(lambda data: data * 20),
    st.just(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n" * 9),
)


def read(parts: Sequence[bytes], *, late: bool = False) -> list[Record | Stray]:
    reader = RecordReader(late=late)
    found = [one for part in parts for one in reader.feed(part)]
    return found + reader.end()


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


@pytest.mark.parametrize("late", [False, True])
@given(data=stream, places=st.lists(st.integers(min_value=0), max_size=8))
def test_any_split_of_the_same_bytes_gives_the_same_records(
    data: bytes,
    places: list[int],
    *,
    late: bool,
) -> None:
    """Whole, byte by byte, or cut anywhere: the same records come, and the same ending."""
    whole = read([data], late=late)
    assert read([data[n : n + 1] for n in range(len(data))], late=late) == whole
    assert read(cut(data, places), late=late) == whole


@given(stream)
def test_records_and_strays_stand_where_they_say(data: bytes) -> None:
    """Records follow each other without a gap, and give back the bytes of the stream."""
    at = 0
    for number, one in enumerate(read([data])):
        assert (one.at, one.number) == (at, number)
        if isinstance(one, Record) and one.content_type != SSL2:
            assert data[at + 5 : at + 5 + len(one.fragment)] == one.fragment
            at += 5 + len(one.fragment)
        elif isinstance(one, Record):
            at += 2 + len(one.fragment)


def test_a_record_is_read_with_its_place() -> None:
    """Content type, version and fragment, and where it stood."""
    assert read([EMPTY + ALERT]) == [
        Record(23, 0x0303, b"", 0, 0),
        Record(21, 0x0303, b"\x02\x2a", 5, 1),
    ]


def test_an_answer_in_http_is_not_tls() -> None:
    """A side whose first bytes are no record does not speak TLS, and what it said is kept."""
    answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    (stray,) = read([answer])
    assert stray == Stray(NotTls(answer), 0, 0, len(answer))
    assert isinstance(stray.item, NotTls)
    assert stray.item.guess == "HTTP"


def test_a_long_answer_that_is_not_tls_is_told_before_it_ends_and_cut() -> None:
    """What is not TLS is told once enough of it was seen, and is not kept without end."""
    reader = RecordReader()
    (stray,) = reader.feed(b"220 mail.example ESMTP " * 1000)
    assert isinstance(stray, Stray)
    assert isinstance(stray.item, NotTls)
    assert len(stray.item.first_bytes) == SAMPLE
    assert stray.item.guess == "SMTP or FTP"
    assert reader.feed(b"more") == []
    assert reader.end() == []


@pytest.mark.parametrize(
    ("start", "guess"), [(b"SSH-2.0-x", "SSH"), (b"* OK IMAP", "IMAP"), (b"\0\0\0", None)]
)
def test_a_protocol_is_guessed_only_where_its_first_bytes_say_so(
    start: bytes, guess: str | None
) -> None:
    """Well-known greetings are named; the rest is not guessed at."""
    assert NotTls(start).guess == guess


def test_bytes_that_are_no_record_after_records_are_malformed() -> None:
    """A stream that stops being TLS says where, and what was there instead."""
    first, second = read([ALERT + b"GET / HTTP/1.1\r\n"])
    assert isinstance(first, Record)
    assert isinstance(second, Stray)
    assert isinstance(second.item, Malformed)
    error = second.item.error
    assert (error.field, error.at, error.found) == ("record.header", 7, "47 45 54 20 2f")


def test_a_length_that_no_version_allows_is_malformed() -> None:
    """A record that claims more than the standard allows is not waited for."""
    reader = RecordReader()
    (stray,) = reader.feed(bytes([22, 3, 1]) + (MOST + 1).to_bytes(2, "big"))
    assert isinstance(stray, Stray)
    assert isinstance(stray.item, Malformed)
    assert stray.item.error.found == "18433 bytes"


@pytest.mark.parametrize("left", range(1, len(ALERT)))
def test_a_record_cut_off_at_the_end_is_told(left: int) -> None:
    """Whatever is missing of the last record, it is told as unfinished, not as something else."""
    *_, last = read([EMPTY + ALERT[:left]])
    assert isinstance(last, Stray)
    assert isinstance(last.item, Malformed)
    assert last.at == 5
    (alone,) = read([ALERT[:left]])
    assert isinstance(alone, Stray)
    assert isinstance(alone.item, Malformed)


def test_no_bytes_are_no_records() -> None:
    """A side that never spoke left nothing, not even something unfinished."""
    assert read([]) == read([b""]) == read([], late=True) == []


def test_a_hello_in_the_frame_of_ssl_2_is_read() -> None:
    """The old frame is taken for the first record, and only there."""
    hello = bytes.fromhex("80 0c 01 0301 0003 0000 0000 00000a")
    first, second = read([hello + ALERT])
    assert first == Record(SSL2, 0x0301, hello[2:], 0, 0)
    assert second == Record(21, 0x0303, b"\x02\x2a", len(hello), 1)
    *_, last = read([ALERT + hello])
    assert isinstance(last, Stray)


def test_a_recording_that_began_late_is_read_from_its_first_whole_record() -> None:
    """The end of a record that began before is passed over, and its size is told."""
    lost = bytes.fromhex("00 11 16 03 ff 22 33")
    lead_in, *found = read([lost + ALERT + EMPTY + ALERT], late=True)
    assert isinstance(lead_in, Stray)
    assert lead_in.item == Hidden(None, "7 bytes before the first record were passed over.")
    assert [(one.at, one.number) for one in found] == [(7, 0), (14, 1), (19, 2)]


def test_a_greeting_before_tls_is_passed_over_and_named() -> None:
    """Where another protocol leads in to TLS, the hello is found at once, and it is said."""
    reader = RecordReader(late=True)
    assert reader.feed(b"220 mail.example ESMTP\r\n220 go ahead\r\n") == []
    lead_in, hello = reader.feed(HELLO)
    assert isinstance(lead_in, Stray)
    assert isinstance(lead_in.item, Hidden)
    assert lead_in.item.note.endswith("they look like SMTP or FTP.")
    assert hello == Record(22, 0x0301, HELLO[5:], 38, 0)


def test_a_late_recording_without_a_record_claims_nothing() -> None:
    """Bytes without a record in them may be the middle of one: they are hidden, not judged."""
    (stray,) = read([b"\x00" * 50], late=True)
    assert isinstance(stray, Stray)
    assert isinstance(stray.item, Hidden)


def test_the_search_for_the_first_record_ends() -> None:
    """A long stream without any record is told as not TLS, and is kept no longer."""
    reader = RecordReader(late=True)
    (stray,) = reader.feed(b"x" * (SEARCHED + 10))
    assert isinstance(stray, Stray)
    assert isinstance(stray.item, NotTls)


def test_real_streams_are_read_to_their_end(wires: dict) -> None:
    """The streams of real handshakes are records and nothing else."""
    for wire in wires.values():
        for side in ("client", "server"):
            data = b"".join(part for sender, part in wire.chunks if sender == side)
            found = read([data])
            assert all(isinstance(one, Record) for one in found)
            assert sum(5 + len(one.fragment) for one in found) == len(data)
