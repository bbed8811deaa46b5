"""The first HTTP answer after a handshake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Source
from mtlskit.trace.ending import refuses
from mtlskit.trace.events import HttpAnswer
from mtlskit.trace.http import read_answer

HERE = Source("test")


def answer(status: bytes, body: bytes = b"", head: bytes = b"") -> HttpAnswer | None:
    """An HTTP/1.1 response as a server would send it."""
    return read_answer(b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status, head, body), HERE)


def test_an_error_page_is_told_by_its_titles() -> None:
    """What a person would read of nginx's page is kept, without its markup."""
    page = b"<html><head><title>400 X</title></head><center><h1>400 Bad</h1></center></html>"
    told = answer(b"400 Bad Request", page, b"Server: nginx/1.22.1\r\nContent-Length: 9")
    assert (told.status, told.reason, told.server) == (400, "Bad Request", "nginx/1.22.1")
    assert told.text == "400 X | 400 Bad"


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (b"200 OK", b"client certificate", False),
        (b"404 Not Found", b"nothing here", False),
        (b"500 Oops", b"", False),
        (b"400 Bad Request", b"<title>No required SSL certificate was sent</title>", True),
        (b"400 Bad Request", b"your JSON is broken", False),
        (b"403 Forbidden", b"", True),
        (b"401 Unauthorized", b"", True),
        (b"421 Misdirected Request", b"", True),
        (b"496 ", b"", True),
    ],
)
def test_only_an_answer_about_this_client_is_a_refusal(
    status: bytes, body: bytes, *, refused: bool
) -> None:
    """An ordinary error of an application is no refusal of the connection."""
    assert refuses(answer(status, body)) is refused


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    """No byte string makes the reader fail."""
    read_answer(data, HERE)
    told = read_answer(b"HTTP/1.1 200 OK\r\n" + data, HERE)
    assert told is not None
    assert len(told.text) <= 200
