"""A recorded connection is told whatever was recorded of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.live import connect
from mtlskit.lab import scenes
from mtlskit.material import Chunk, Closing, Failure, Secrets, Side, Source, Tap, Target
from mtlskit.trace.ending import Signs
from mtlskit.trace.events import Outcome
from mtlskit.trace.handshake import follow
from mtlskit.trace.tell import asked_and_sent
from mtlskit.wire.items import Alert
from tests.wire.conftest import shaken

HERE = Source("test")
How = Literal["fin", "reset", "deadline", "open"]
Why = Literal["unresolved", "refused", "timeout", "reset", "unreachable"]


@pytest.fixture(scope="module", params=["1.2", "1.3"])
def tap(request: pytest.FixtureRequest) -> Iterator[Tap]:
    """A real refused connection of the lab."""
    with scenes.stage("client.no-identity", tls=request.param) as staged:
        yield connect(Call(staged.target, staged.server_name, request=HttpRequest(), timeout=5.0))


@pytest.fixture(scope="module")
def older() -> Tap:
    """One of TLS 1.2, whose handshake is not sealed."""
    with scenes.stage("client.no-identity", tls="1.2") as staged:
        return connect(Call(staged.target, staged.server_name, timeout=5.0))


def test_the_same_bytes_in_other_pieces_tell_the_same(tap: Tap) -> None:
    """How TCP cut the bytes does not change what was said."""
    pieces = tuple(
        replace(chunk, data=chunk.data[at : at + 1])
        for chunk in tap.chunks
        for at in range(len(chunk.data))
    )
    whole, cut = follow(tap), follow(replace(tap, chunks=pieces))
    assert [(one.sender, one.name) for one in whole.events] == [
        (one.sender, one.name) for one in cut.events
    ]
    assert whole.ended == cut.ended


def test_when_and_between_whom_is_kept(tap: Tap) -> None:
    """A trace says when the attempt was made, which address was called, and from where."""
    trace = follow(tap)
    assert trace.began == tap.began
    assert (trace.peer, trace.own) == (tap.peer, tap.own)
    assert trace.began is not None
    assert trace.peer == str(tap.target)


def test_a_record_cut_short_anywhere_is_told_without_an_error(tap: Tap) -> None:
    """A capture that stops early gives a trace, and never the wrong side."""
    full = follow(tap).ended
    for kept in range(len(tap.chunks)):
        ended = follow(replace(tap, chunks=tap.chunks[:kept], closing=None)).ended
        assert ended.outcome in get_args(Outcome)
        assert ended.outcome in ("undecided", full.outcome)
        assert ended.refused_by in (None, full.refused_by)


def test_without_the_key_log_what_is_sealed_is_hidden(tap: Tap) -> None:
    """A capture without secrets says what is hidden, and does not say that nothing was asked."""
    trace = follow(replace(tap, secrets=Secrets()))
    if trace.tls == "1.3":
        assert trace.asked is None
        assert trace.asking_hidden
        assert trace.client_chain is None
    assert any(one.kind == "hidden" for one in trace.events)


def without_request(tap: Tap, *, damaged: bool) -> tuple[Chunk, ...]:
    """Damage the record of the CertificateRequest of TLS 1.2, or lose it; each record by itself."""
    chunks: list[Chunk] = []
    for chunk in tap.chunks:
        at, gap = 0, 0
        while at < len(chunk.data):
            end = at + 5 + int.from_bytes(chunk.data[at + 3 : at + 5], "big")
            record, at = chunk.data[at:end], end
            asks = chunk.sender == "server" and (record[0], record[5]) == (22, 13)
            if asks and damaged:
                record = record[:9] + b"\xff" * (len(record) - 9)
            elif asks:
                gap += len(record)
                continue
            chunks.append(replace(chunk, data=record, gap=gap))
            gap = 0
    return tuple(chunks)


@pytest.mark.parametrize("damaged", [True, False], ids=["unreadable", "not captured"])
def test_a_request_that_could_not_be_read_is_not_told_as_none(older: Tap, damaged: bool) -> None:  # noqa: FBT001 - two ways
    """Where a part of the server's flight is missing, nobody says that it did not ask."""
    assert follow(older).asked is not None
    sent = tuple(
        one for one in without_request(older, damaged=damaged) if one.data[5:6] != b"\x0b"
    )  # without any Certificate message
    trace = follow(replace(older, chunks=sent))
    assert trace.asked is None
    assert trace.asking_hidden
    table = asked_and_sent(trace)
    assert table is not None
    assert ("Client certificate asked for", "the request itself was not seen", "") in table.rows


def test_what_is_lost_after_the_servers_flight_hides_no_request(older: Tap) -> None:
    """A flight that was seen to its end, and held no request, asked for nothing."""
    sent = tuple(
        replace(one, gap=0)
        for one in without_request(older, damaged=False)
        if one.data[5:6] != b"\x0b" or one.sender == "server"
    )
    done = next(at for at, one in enumerate(sent) if one.data[5:6] == b"\x0e")
    lost = replace(sent[done], data=b"", gap=99)
    trace = follow(replace(older, chunks=(*sent[: done + 1], lost)))
    assert any(one.name == "not captured" for one in trace.events)
    assert not trace.asking_hidden
    assert follow(replace(older, chunks=(*sent[:done], lost))).asking_hidden
    assert follow(replace(older, chunks=sent[:done])).asking_hidden
    assert not follow(replace(older, chunks=sent[: done + 1])).asking_hidden


def test_who_sends_a_certificate_was_asked_for_one(older: Tap) -> None:
    """The client's Certificate message shows that there was a request, seen or not."""
    sent = tuple(
        replace(one, gap=0) for one in without_request(older, damaged=False) if one.data
    )  # as if there had never been one
    trace = follow(replace(older, chunks=sent))
    assert trace.server_chain is not None
    assert trace.sent_certificate is False
    assert trace.asked is None
    assert trace.asking_hidden


@given(
    st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=80)), max_size=8),
    st.sampled_from([None, "fin", "reset", "deadline", "open"]),
)
def test_any_bytes_give_a_trace(sent: list[tuple[Side, bytes]], closing: How | None) -> None:
    """No byte string makes the reader fail; accepted is never said of junk."""
    chunks = tuple(Chunk(0.1 * n, side, data) for n, (side, data) in enumerate(sent))
    end = Closing("server", closing, 1.0) if closing else None
    trace = follow(Tap(HERE, chunks=chunks, closing=end))
    assert trace.ended.outcome in ("refused", "undecided")
    assert str(trace)


@pytest.mark.parametrize("kind", ["unresolved", "refused", "timeout", "reset", "unreachable"])
def test_no_connection_is_unreachable(kind: Why) -> None:
    """Where TCP never came about, nobody refused and the stage is connect."""
    failure = Failure(kind, "the system's words")
    trace = follow(Tap(HERE, Target("host.example", 443), failure=failure))
    assert (trace.ended.outcome, trace.ended.refused_by) == ("unreachable", None)
    assert trace.ended.stage == "connect"
    assert "the system's words" in str(trace)


def test_a_clients_decode_error_after_a_silent_close_is_no_refusal_by_the_client() -> None:
    """OpenSSL answers a silent close with decode_error; the one who closed is the one to name."""
    with scenes.stage("client.no-identity", tls="1.2") as staged:
        real = connect(Call(staged.target, staged.server_name, versions=("1.2", "1.2")))
    alert = next(n for n, one in enumerate(real.chunks) if one.data[:1] == b"\x15")
    echo = Chunk(9.0, "client", b"\x15\x03\x03\x00\x02\x02\x32")
    told = follow(
        replace(real, chunks=(*real.chunks[:alert], echo), closing=Closing("server", "fin", 8.0))
    )
    assert told.ended.refused_by == "server"
    assert told.ended.symptom.alert is None


def test_an_unexpected_message_is_an_event_and_not_an_error() -> None:
    """A ServerHelloDone out of the blue is told, marked, and the record goes on."""
    done = b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"
    trace = follow(Tap(HERE, chunks=(Chunk(0.0, "server", done),)))
    assert [one.expected for one in trace.events] == [False]
    assert "not expected" in trace.events[0].note


def test_a_sealed_record_that_ends_with_a_close_is_no_refusal() -> None:
    """Without the key log an alert may be among what is sealed, and so may an answer."""
    with scenes.stage("none", tls="1.3") as staged:
        real = connect(Call(staged.target, staged.server_name, request=HttpRequest()))
    told = follow(replace(real, secrets=Secrets(), closing=Closing("server", "fin", 9.0)))
    assert (told.ended.outcome, told.ended.refused_by) == ("undecided", None)
    assert "sealed" in told.ended.because[0].text


def test_what_the_server_said_before_the_cut_is_not_denied() -> None:
    """A close after a HelloRetryRequest or a broken record came after the server had spoken."""
    hello = b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"
    for spoken in (b"\x15\x03\x03\x00\x02\x01\x70", b"\x16\x03\x03\x00\x02\x02\x00"):
        chunks = (Chunk(0.0, "client", hello), Chunk(0.1, "server", spoken))
        told = follow(Tap(HERE, chunks=chunks, closing=Closing("server", "fin", 0.2)))
        assert "before the server said anything" not in told.ended.because[0].text


@pytest.mark.parametrize(("level", "description", "ends"), [(1, 42, True), (2, 0, False)])
def test_in_tls13_the_description_ends_a_connection_and_not_the_level(
    level: int, description: int, *, ends: bool
) -> None:
    """A warning bad_certificate is fatal; a close_notify is not, whatever level it carries."""
    signs = Signs()
    signs.alert("server", Alert(level, description), HERE, after_close=False, tls="1.3")
    assert (signs.fatal is not None) is ends


UNKNOWN_CA, DECODE_ERROR, GOODBYE = (
    b"\x15\3\3\0\2" + one for one in (b"\2\x30", b"\2\x32", b"\1\0")
)


def parted(alerts: tuple[tuple[float, int | None, bytes], ...], closing: Closing) -> str | None:
    """Who refused, after a server's flight of TLS 1.2 and these alerts of the client's."""
    flight = [(side, data) for side, data in shaken("1.2").chunks[:2]]
    chunks = [Chunk(0.1, side, data, 4) for side, data in flight]
    chunks += [Chunk(at, "client", data, frame) for at, frame, data in alerts]
    return follow(Tap(HERE, chunks=tuple(chunks), closing=closing)).ended.refused_by


@pytest.mark.parametrize(
    ("alerts", "closing"),
    [
        (((0.5, None, UNKNOWN_CA),), Closing("server", "fin", 0.5)),
        (((0.4, None, UNKNOWN_CA), (0.6, None, GOODBYE)), Closing("server", "fin", 0.5)),
        (((0.6, None, UNKNOWN_CA),), Closing("server", "fin", 0.5)),
        (((0.4, None, DECODE_ERROR), (0.6, None, GOODBYE)), Closing("server", "fin", 0.5)),
        (((0.5, 6, DECODE_ERROR),), Closing("server", "fin", 0.5, 7)),
        (((0.5, 6, GOODBYE),), Closing("server", "fin", 0.5, 7)),
    ],
)
def test_a_client_that_complained_before_the_close_refused(
    alerts: tuple[tuple[float, int | None, bytes], ...], closing: Closing
) -> None:
    """Each alert is held against the close by its own place, the frame before the time."""
    assert parted(alerts, closing) == "client"


@pytest.mark.parametrize("alert", [DECODE_ERROR, GOODBYE])
def test_a_client_that_complained_of_the_close_did_not_refuse(alert: bytes) -> None:
    """What came after the server's FIN is an echo of it."""
    assert parted(((0.6, None, alert),), Closing("server", "fin", 0.5)) == "server"
    assert parted(((0.5, 8, alert),), Closing("server", "fin", 0.5, 7)) == "server"
