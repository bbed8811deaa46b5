"""When a log's line was written and from where the client called: as printed, never made up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Source
from mtlskit.trace.dialects.line_heads import began, caller_of, clock_of
from mtlskit.trace.dialects.reader import read_log

MOMENT = datetime(2026, 11, 20, 10, 42, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "clock", "moment"),
    [
        ("2026-11-20T10:42:01.123Z stderr F tls: bad", "2026-11-20T10:42:01.123Z", MOMENT),
        ("2026-11-20 11:42:01,5 +0100 ERROR x", "2026-11-20 11:42:01,5 +0100", MOMENT),
        ("2026-11-20T05:12:01-05:30 x", "2026-11-20T05:12:01-05:30", MOMENT),
        ("2026-11-20 10:42:01 UTC x", "2026-11-20 10:42:01 UTC", MOMENT),
        ("2026-11-20 10:42:01 CST x", "2026-11-20 10:42:01 CST", None),
        ("2026-11-20 10:42:01 x", "2026-11-20 10:42:01", None),
        ("2026/11/20 10:42:01 [info] 1#1: *1 x", "2026/11/20 10:42:01", None),
        (
            "[Fri Nov 20 10:42:01.123456 2026] [ssl:info] x",
            "Fri Nov 20 10:42:01.123456 2026",
            None,
        ),
        ("10.0.0.1:5000 [20/Nov/2026:10:42:01.123] f/1: x", "20/Nov/2026:10:42:01.123", None),
        ("curl: (56) OpenSSL SSL_read: error", None, None),
        ("x" * 200 + "2026-11-20 10:42:01 UTC", None, None),
    ],
    ids=["z", "comma", "half", "utc", "cst", "bare", "nginx", "apache", "haproxy", "none", "far"],
)
def test_a_time_is_kept_as_it_is_printed(
    line: str, clock: str | None, moment: datetime | None
) -> None:
    """It becomes a moment only where its zone is printed, and names one offset."""
    assert clock_of(line) == clock
    assert began(clock) == moment


@pytest.mark.parametrize(
    ("line", "caller"),
    [
        ("[ssl:info] [pid 1:tid 2] [client 10.0.0.1:50000] AH02008: x", "10.0.0.1:50000"),
        ("[ssl:info] [client ::1:50000] AH02008: x", "[::1]:50000"),
        ("http: TLS handshake error from 10.0.0.1:50000: tls: bad", "10.0.0.1:50000"),
        ("http: TLS handshake error from [::1]:50000: tls: bad", "[::1]:50000"),
        ("10.0.0.1:50000 [20/Nov/2026:10:42:01.1] f/1: SSL handshake failure", "10.0.0.1:50000"),
        ("h haproxy[7]: 10.0.0.1:50000 [20/Nov/2026:10:42:01.1] f/1: x", "10.0.0.1:50000"),
        ("nginx: client: 10.0.0.1, server: s", None),
        ("[client 999.0.0.1:50000] x", None),
    ],
    ids=["apache", "apache6", "go", "go6", "haproxy", "syslog", "nginx", "none"],
)
def test_a_caller_is_an_address_and_a_port(line: str, caller: str | None) -> None:
    """Only both together tell one connection from another."""
    assert caller_of(line) == caller


@given(st.text(max_size=300))
def test_any_line_has_a_head_or_none(line: str) -> None:
    """Whatever is in a line, reading its head ends, with what is printed there or with nothing."""
    clock = clock_of(line)
    assert clock is None or clock in line
    began(clock)
    caller_of(line)


def test_a_java_log_tells_when_a_connection_began() -> None:
    """The time of a connection's first line is kept, and read where its zone is UTC."""
    text = Path(__file__).parent.joinpath("java", "jdk17-head.txt").read_text(encoding="utf-8")
    for zone, moment in (("UTC", MOMENT), ("CET", None)):
        log = read_log(text.replace("ZONE", zone).splitlines(), Source("client.log"))
        (trace,) = log.traces
        assert trace.clock == f"2026-11-20 10:42:01.123 {zone}"
        assert trace.began == moment
        assert trace.randoms[0] == bytes(range(32))


def test_a_servers_line_tells_when_and_from_where() -> None:
    """The phrase of a Go server's log carries the client's port; its time has no zone."""
    what = "http: TLS handshake error from 10.0.0.1:5000: remote error: tls: bad certificate"
    line = f"2026/11/20 10:42:01 {what}"
    (trace,) = read_log([line, "2026/11/20 10:42:02 done"], Source("server.log")).traces
    assert trace.caller == "10.0.0.1:5000"
    assert (trace.clock, trace.began) == ("2026/11/20 10:42:01", None)


def test_an_old_java_log_prints_the_random_as_a_number_and_bytes() -> None:
    """Its first four bytes are a number of seconds; where some are missing, there is none."""
    text = Path(__file__).parent.joinpath("java", "java7-tls1.2-none.client.log").read_text("utf-8")
    rest = ", ".join(str(one) for one in range(4, 32))
    whole = text.replace(
        "GMT: 1503910848 bytes = { 74, 12, 9 }", f"GMT: 66051 bytes = {{ {rest} }}"
    )
    assert read_log(text.splitlines(), Source("a")).traces[0].randoms == (None, None)
    assert read_log(whole.splitlines(), Source("a")).traces[0].randoms == (bytes(range(32)),) * 2
