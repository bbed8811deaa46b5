"""When an HTTP answer is complete."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.answer import LIMIT, Answer

COMPLETE = [
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("GET", b"HTTP/1.0 400 Bad\r\ncontent-length:0\r\n\r\n"),
    ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n",
    ),
    (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n",
    ),
    ("POST", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx"),
]


@pytest.mark.parametrize(("method", "data"), COMPLETE)
def test_an_answer_is_complete_with_its_last_byte(method: str, data: bytes) -> None:
    """Whole it is complete; byte by byte it is complete at the last one and not before."""
    answer = Answer(method)
    for place in range(len(data)):
        assert not answer.complete
        answer.feed(data[place : place + 1])
    assert answer.complete


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the server closes",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx",
    ],
)
def test_an_answer_without_a_known_end_is_not_complete(data: bytes) -> None:
    """Whoever does not say where it ends is listened to until it falls silent or closes."""
    answer = Answer("GET")
    answer.feed(data)
    assert not answer.complete


def test_an_endless_answer_is_enough_at_the_limit() -> None:
    """What is longer than is worth reading counts as complete."""
    answer = Answer("GET")
    answer.feed(b"x" * (LIMIT - 1))
    assert not answer.complete
    answer.feed(b"x")
    assert answer.complete


@given(st.sampled_from(COMPLETE), st.binary(max_size=60), st.integers(0, 90))
def test_any_bytes_give_a_yes_or_a_no(sound: tuple[str, bytes], noise: bytes, place: int) -> None:
    """Whatever a server says, asking whether it is complete brings no error."""
    method, data = sound
    answer = Answer(method)
    answer.feed(data[:place] + noise + data[place:])
    assert answer.complete in {True, False}


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"HTTP/1.1 100\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a"),
    ],
)
def test_many_small_pieces_are_walked_over_once(head: bytes, piece: bytes) -> None:
    """A server that dribbles costs time in proportion to its bytes, not to their square."""
    answer = Answer("GET")
    answer.feed(head)
    began = process_time()
    while not answer.complete:
        answer.feed(piece)
    assert process_time() - began < 2.0


def test_an_interim_response_is_no_beginning_of_the_answer() -> None:
    """A server that says "continue" has not answered yet; one with any other word has."""
    answer = Answer("POST")
    assert not answer.begun
    answer.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert not answer.begun
    answer.feed(b"HTTP/1.1 403")
    assert answer.begun


def test_of_another_protocol_the_first_word_is_enough() -> None:
    """There it only counts that the server answers at all."""
    answer = Answer(None)
    assert not answer.complete
    answer.feed(b"2")
    assert answer.begun
    assert answer.complete
