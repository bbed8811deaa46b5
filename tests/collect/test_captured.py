"""Which connections of a capture are told of, who is the client of each, and what is remembered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from mtlskit.collect import captured
from mtlskit.collect.capture import Capture, read_capture
from mtlskit.material import Blob, Secrets, Source
from tests.wire.conftest import Wire, shaken
from tests.wire.wrapping import ACK, RST, SYN, Segment, pcap, pcapng, segments, wrapped


@pytest.fixture(scope="module")
def wire() -> Wire:
    return shaken("1.3")


def of(parts: Iterable[Segment], secrets: Secrets | None = None) -> Capture:
    """These segments as a capture, read."""
    return read_capture(Blob(Source("c.pcap"), pcap(wrapped(parts))), secrets or Secrets())


def syn(port: int, own: int = 40000) -> Segment:
    return Segment("client", 5, 0, SYN, ports=(own, port))


def test_who_asked_for_the_connection_is_its_client(wire: Wire) -> None:
    """Whatever the ports are, and though the hello went the other way."""
    turned = [("server" if side == "client" else "client", data) for side, data in wire.chunks]
    for ports in ((443, 40000), (40000, 443)):
        (one,) = of(segments(turned, ports=ports)).connections
        assert one.client == f"10.0.0.1:{ports[0]}"


def test_attempts_at_other_ports_are_not_told_of() -> None:
    """A request to some port that nobody answered has nothing to do with TLS."""
    assert [one.server for one in of([syn(443), syn(8080), syn(8443)]).connections] == [
        "192.0.2.1:443",
        "192.0.2.1:8443",
    ]


def test_a_port_at_which_tls_was_seen_is_one_of_tls(wire: Wire) -> None:
    """An attempt at it is told of, wherever it stands in the capture."""
    talk = segments(wire.chunks, ports=(40001, 8080))
    for parts in ([syn(8080), *talk], [*talk, syn(8080)]):
        found = of([*parts, syn(9090)]).connections
        assert sorted(one.client for one in found) == ["10.0.0.1:40000", "10.0.0.1:40001"]


def test_an_attempt_that_was_answered_is_none() -> None:
    """The server's SYN is an answer; a connection on which nothing was said is not told of."""
    answered = [syn(443), Segment("server", 9, 6, SYN | ACK), Segment("client", 6, 10, ACK)]
    assert of(answered).connections == ()
    refused = [syn(443), Segment("server", 0, 6, RST | ACK)]
    assert [one.trace.ended.outcome for one in of(refused).connections] == ["unreachable"]


def test_not_every_attempt_of_a_scan_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number they tell nothing new."""
    monkeypatch.setattr(captured, "ATTEMPTS", 3)
    found = of(syn(443, own) for own in range(40000, 40010)).connections
    assert [one.client for one in found] == [f"10.0.0.1:{own}" for own in range(40000, 40003)]


def test_secrets_of_the_file_and_of_the_user_open_alike(wire: Wire) -> None:
    """Half of them may be here and half of them there."""
    lines = wire.key_log
    frames = wrapped(segments(wire.chunks))
    blob = Blob(Source("c.pcapng"), pcapng(frames, log=lines[: len(lines) // 2]))
    (one,) = read_capture(blob, Secrets(tuple(lines[len(lines) // 2 :]))).connections
    assert not [event for event in one.trace.events if event.kind == "hidden"]
    assert set(one.tap.secrets.lines) == set(lines)


def test_a_key_log_is_not_blamed_where_there_is_nothing_to_open() -> None:
    """A capture without a hello has no connection that it could be of."""
    capture = of([syn(443)], Secrets(("CLIENT_RANDOM " + "ab" * 32 + " " + "cd" * 48,)))
    assert [one.code for one in capture.problems] == []


def test_what_was_laid_aside_at_different_times_is_in_order(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the pieces of a connection are put on the shelf, and in whatever order."""
    (one,) = of(segments(wire.chunks, part=50)).connections
    whole = one.tap.chunks
    one._kept.places.reverse()
    assert one.tap.chunks == whole
    halves = one._kept.room.shelf.get(one._kept.places[0])
    monkeypatch.setattr(one._kept, "places", [halves[3:], halves[:3]])
    assert one.tap.chunks == whole


def test_few_traces_are_remembered(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at one connection again costs nothing; looking at all of them no memory."""
    monkeypatch.setattr(captured, "_REMEMBERED", 2)
    parts = [one for own in range(40000, 40004) for one in segments(wire.chunks, ports=(own, 443))]
    found = of(parts).connections
    first = found[0].trace
    assert found[0].trace is first
    for one in found:
        assert one.trace.tls == "1.3"
    assert len(found[0]._kept.room.recent) == 2
    assert found[0].trace is not first


def test_a_time_that_no_calendar_has_is_none() -> None:
    """Nanoseconds since 1970, of which a damaged file may tell any number."""
    assert captured._time(1_700_000_000_123_456_789) == datetime(
        2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC
    )
    assert captured._time(2**70) is None
    assert captured._time(2**90) is None
