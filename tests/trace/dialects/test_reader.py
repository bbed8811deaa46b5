"""One door for every log: recognised by content, read to a bound that is told, never failing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Source
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.phrases import families, phrases_of
from mtlskit.trace.dialects.reader import read_log

JAVA = Path(__file__).with_name("java")
SAMPLES = tuple(row.sample for name in families() for row in phrases_of(name))
CURL = """\
* Connected to localhost (127.0.0.1) port 8443 (#0)
* ALPN: offers h2,http/1.1
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
* TLSv1.3 (IN), TLS handshake, Server hello (2):
* TLSv1.3 (IN), TLS handshake, Encrypted Extensions (8):
* TLSv1.3 (IN), TLS handshake, Request CERT (13):
* TLSv1.3 (IN), TLS handshake, Certificate (11):
* TLSv1.3 (IN), TLS handshake, CERT verify (15):
* TLSv1.3 (IN), TLS handshake, Finished (20):
* TLSv1.3 (OUT), TLS change cipher, Change cipher spec (1):
* TLSv1.3 (OUT), TLS handshake, Certificate (11):
* TLSv1.3 (OUT), TLS handshake, Finished (20):
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
> GET / HTTP/1.1
* TLSv1.3 (IN), TLS alert, unknown (628):
curl: (56) OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0
"""


def log_of(text: str) -> Log:
    """What is read from a text."""
    return read_log(text.splitlines(), Source("log"))


def java(name: str) -> str:
    """One recorded debug log."""
    return (JAVA / name).read_text("utf-8")


def test_a_transcript_of_curl_is_told() -> None:
    """Nothing was sent, and the server refused with certificate_required."""
    (trace,) = log_of(CURL).traces
    assert trace.client_chain == ()
    assert (trace.ended.refused_by, trace.ended.symptom.alert) == ("server", 116)
    assert trace.seen_by == "client"


def test_debug_lines_far_down_in_an_application_log_are_found() -> None:
    """Thousands of lines of an application before the first of JSSE do not hide it."""
    before = "\n".join(f"2026-11-23 08:00:00 INFO [main] started bean {n}" for n in range(5000))
    log = log_of(before + "\n" + java("jdk17-tls1.3-none.client.log"))
    assert log.dialect == "java"
    assert log.traces[0].ended.refused_by == "server"


def test_what_java_left_out_is_a_problem_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """More connections than are kept are counted, not cut in silence."""
    monkeypatch.setattr("mtlskit.trace.dialects.java_book.LIMIT", 1)
    once = java("jdk17-tls1.3-none.client.log")
    log = log_of(once + "\n" + java("jdk11-tls1.3-good-two-issuers.client.log"))
    assert len(log.traces) == 1
    assert [one.code for one in log.problems] == ["many-connections"]


def test_more_connections_than_are_kept_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of many connections says how many are left out."""
    monkeypatch.setattr("mtlskit.trace.dialects.reader._CONNECTIONS", 2)
    text = "".join(
        f"2026/11/23 08:10:11 http: TLS handshake error from 127.0.0.1:{port}: remote error: tls: "
        "bad certificate\n"
        for port in range(40000, 40005)
    )
    log = log_of(text)
    assert len(log.traces) == 2
    assert "3 more connections" in str(log.problems[0])


def test_more_phrases_than_are_kept_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not read any more is named by the line after which it stands."""
    monkeypatch.setattr("mtlskit.trace.dialects.reader._MOST", 3)
    log = log_of("Received fatal alert: bad_certificate\n" * 5)
    assert len(log.said) == 3
    assert "after line 3" in str(log.problems[0])


def test_one_line_of_a_debug_log_says_what_it_says() -> None:
    """A line that begins no connection is explained by its phrase."""
    log = log_of(
        "javax.net.ssl|ERROR|10|main|2026-11-23 08:12:01.100 UTC|TransportContext.java:370|"
        "Fatal (UNEXPECTED_MESSAGE): Broken pipe ("
    )
    assert log.dialect == "java"
    assert [one.phrase for one in log.said] == ["java.fatal-transport"]


def test_a_line_beyond_measure_is_cut_and_told() -> None:
    """A line of two million characters is read to its bound."""
    log = log_of("Received fatal alert: bad_certificate" + " x" * 1_000_000)
    assert log.said
    assert [one.code for one in log.problems] == ["long-line"]


def test_lines_are_taken_one_at_a_time() -> None:
    """What is read is a stream: no more is held than the head."""
    taken: list[int] = []

    def lines() -> Iterator[str]:
        for number in range(30_000):
            taken.append(number)
            yield "nothing of note"

    assert read_log(lines(), Source("stream")).dialect is None
    assert len(taken) == 30_000


@given(st.text(max_size=600))
def test_any_text_is_a_log(text: str) -> None:
    """Nothing is raised for content, whatever it is."""
    log = log_of(text)
    assert isinstance(log, Log)
    assert str(log)


@given(st.lists(st.sampled_from(SAMPLES + tuple(CURL.splitlines())), max_size=12))
def test_any_order_of_known_lines_is_a_log(lines: list[str]) -> None:
    """Lines of all programs in any order make traces that can be shown."""
    log = read_log(lines, Source("mixed"))
    assert str(log)
    for trace in log.traces:
        assert trace.ended.outcome in ("accepted", "refused", "undecided", "unreachable")


RECORDED = ("jdk17-tls1.3-none.client.log", "jdk17-tls1.2-expired.server.log",
            "jdk11-tls1.2-none.client.log", "curl")  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_a_cut_log_names_no_other_side(name: str) -> None:
    """Cut at either end, a log knows less, and never that the other side refused."""
    lines = (CURL if name == "curl" else java(name)).splitlines()
    whole = read_log(lines, Source("log")).traces[0]
    for cut in range(0, len(lines), max(1, len(lines) // 40)):
        for part in (lines[:cut], lines[cut:]):
            for trace in read_log(part, Source("log")).traces:
                assert trace.ended.refused_by in (None, whole.ended.refused_by), cut
                assert trace.ended.symptom.alert in (None, whole.ended.symptom.alert), cut
                if whole.client_chain == ():
                    assert not trace.client_chain
