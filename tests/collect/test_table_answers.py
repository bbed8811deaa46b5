"""Every answer of an instance is told for what it is, and any bytes lead to one."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.https import Answer, Lost, Server, _received
from mtlskit.collect.table_answers import Records, Refusal, understood, waiting
from mtlskit.material import Target, Unreadable

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html;charset=UTF-8"}


def error(message: str, detail: str = "") -> bytes:
    return json.dumps({"error": {"message": message, "detail": detail}}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (401, JSON, error("User Not Authenticated"), "login-refused"),
        (401, HTML, b"<html><h1>Unauthorized</h1></html>", "login-refused"),
        (403, JSON, error("User Not Authorized"), "not-permitted"),
        (400, JSON, error("Invalid table x"), "no-such-table"),
        (404, JSON, error("Table not found"), "no-such-table"),
        (429, JSON, error("Rate limit exceeded"), "rate-limited"),
        (429, HTML, b"<html></html>", "rate-limited"),
        (500, JSON, error("Internal Server Error"), "failed"),
        (502, HTML, b"<html>Bad Gateway</html>", "maintenance"),
        (503, HTML, b"<html>Please log in later</html>", "maintenance"),
        (200, HTML, b"<html>Your instance is Hibernating</html>", "hibernating"),
        (200, HTML, b'<html><form action="login.do"></form></html>', "login-page"),
        (200, {}, b"\n<!DOCTYPE html><html>welcome</html>", "web-page"),
        (302, {"location": "/login.do"}, b"", "redirected"),
        (307, {}, b"", "redirected"),
        (200, JSON, b'{"result": [{"a": 1}], "error": {"message": "cancelled"}}', "cut-short"),
        (200, JSON, b'{"result": [{"a": "1"}', "cut-short"),
        (200, JSON, b'{"result": "x"}', "damaged"),
        (200, JSON, b"[" * 100_000, "damaged"),
        (418, JSON, b"", "damaged"),
    ],
)
def test_what_is_no_list_of_records_is_named(
    status: int, headers: dict[str, str], body: bytes, kind: str
) -> None:
    """By its status, its kind, and what stands in it."""
    told = understood(Answer(status, headers, body), NOW)
    assert isinstance(told, Refusal)
    assert told.kind == kind
    assert told.text.endswith((".", "?"))


def test_an_empty_table_may_be_answered_by_404() -> None:
    """As older releases do where no record fits."""
    told = understood(Answer(404, JSON, error("No Record found", "no match")), NOW)
    assert told == Records((), 0, None)


def test_a_page_says_how_many_there_are_and_where_the_next_begins() -> None:
    """By X-Total-Count and Link; without them that is not known."""
    link = (
        '<https://a.example/x?sysparm_limit=2&sysparm_offset=0>;rel="first",'
        '<https://a.example/x?sysparm_offset=2&sysparm_limit=2>;rel="next",'
        '<https://a.example/x?sysparm_limit=2&sysparm_offset=8>;rel="last"'
    )
    body = b'{"result": [{"a": "1"}]}'
    told = understood(Answer(200, JSON | {"x-total-count": "10", "link": link}, body), NOW)
    assert told == Records([{"a": "1"}], 10, 2)
    assert understood(Answer(200, JSON, body), NOW) == Records([{"a": "1"}], None, None)
    last = link.replace("next", "prev")
    found = understood(Answer(200, JSON | {"link": last}, body), NOW)
    assert isinstance(found, Records)
    assert found.following is None


def test_the_wait_is_read_in_every_form() -> None:
    """Seconds, a date, or the moment when the limit is reset."""
    date = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    reset = str(int(NOW.timestamp()) + 30)

    def said(**headers: str) -> float | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return waiting(Answer(429, named, b""), NOW)

    assert said(retry_after="7") == 7
    assert said(retry_after=date) == 90
    assert said(x_ratelimit_reset=reset) == 30
    assert said(retry_after="soon", x_ratelimit_reset=reset) == 30
    assert said(retry_after="Thu, 01 Jan 1970 00:00:00 GMT") == 0
    assert said(retry_after="later") is None


def test_foreign_words_are_shown_in_one_short_line() -> None:
    """An error message cannot write over the terminal, and a redirection shows no query."""
    told = understood(Answer(403, JSON, error("no\n\x1b[2J" + "x" * 500)), NOW)
    assert isinstance(told, Refusal)
    assert "\x1b" not in told.text
    assert len(told.text) < 400
    moved = Answer(302, {"location": "https://sso.example/?SAMLRequest=secret\r\n"}, b"")
    assert "secret" not in str(understood(moved, NOW))


@given(
    st.integers(100, 599),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-total-count", "link", "content-type", "location"]),
        st.text(max_size=60),
    ),
    st.binary(max_size=200) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["result", "error", "message", "a"]), inner),
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip
def test_any_answer_is_records_or_a_refusal(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    """Never a failure of another kind."""
    told = understood(Answer(status, headers, body), NOW)
    assert isinstance(told, Records | Refusal)


class Stream:
    """Decrypted bytes, as the reader of an answer takes them; orderly closed or not."""

    def __init__(self, data: bytes, *, ended: bool) -> None:
        self._data = io.BytesIO(data)
        self.ended = ended

    def read(self, size: int) -> bytes:
        """Return what comes next."""
        return self._data.read(size)


SERVER = Server(Target("acme.example", 443))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
SIZED = HEAD + b"Content-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("data", [CHUNKED, SIZED])
def test_an_answer_is_whole_or_lost(data: bytes) -> None:
    """Wherever it is cut, no part of it is taken for all of it."""
    assert _received(SERVER, Stream(data, ended=False), 100).body == b"{}"
    for place in range(len(data) - (4 if data is CHUNKED else 0)):  # the last chunk has 5 bytes
        for ended in (True, False):
            with pytest.raises(Lost):
                _received(SERVER, Stream(data[:place], ended=ended), 100)


def test_without_a_length_only_an_orderly_end_is_an_end() -> None:
    """A connection that breaks looks like an end, and is none."""
    data = HEAD + b"\r\n{}"
    assert _received(SERVER, Stream(data, ended=True), 100).body == b"{}"
    with pytest.raises(Lost):
        _received(SERVER, Stream(data, ended=False), 100)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_an_answer_or_lost(data: bytes, ended: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Or too long; never a failure of another kind."""
    for begin in (b"", b"HTTP/1.1 200 OK\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"):
        try:
            told = _received(SERVER, Stream(begin + data, ended=ended), 50)
        except (Lost, Unreadable):
            continue
        assert isinstance(told, Answer)
