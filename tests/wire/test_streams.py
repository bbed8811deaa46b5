"""Segments to connections: whatever happens on the way, the bytes are those that were sent."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.capture import Capture, read_capture
from mtlskit.material import Blob, Closing, Secrets, Side, Source, Tap
from mtlskit.trace.events import Trace
from mtlskit.wire import half, streams
from tests.wire.wrapping import (
    ACK,
    FIN,
    LINKS,
    PSH,
    RST,
    SYN,
    Segment,
    ethernet,
    ipv4,
    ipv4_fragments,
    ipv6,
    ipv6_fragments,
    pcap,
    segments,
    wrapped,
)

Chunks = list[tuple[Side, bytes]]


def captured(frames: Iterable[bytes], log: Iterable[str] = (), link: int = 1) -> Capture:
    """Read frames as a capture."""
    return read_capture(Blob(Source("c.pcap"), pcap(frames, link=link)), Secrets(tuple(log)))


def told(trace: Trace) -> list[tuple[str | None, str]]:
    """Who said what, in order."""
    return [(one.sender, one.name) for one in trace.events if one.kind in {"message", "alert"}]


def sent(tap: Tap, side: Side) -> bytes:
    """All that one side sent."""
    return b"".join(one.data for one in tap.chunks if one.sender == side)


@pytest.fixture(scope="session")
def talk(wires: dict[str, object]) -> Chunks:
    """A TLS 1.2 conversation."""
    return wires["1.2"].chunks


@pytest.fixture(scope="session")
def plain(talk: Chunks) -> list[tuple[str | None, str]]:
    """What is told of it when nothing goes wrong."""
    return told(captured(wrapped(segments(talk))).connections[0].trace)


def as_sent(capture: Capture, talk: Chunks) -> bool:
    """Whether both sides' bytes are those that were sent."""
    tap = capture.connections[0].tap
    return all(
        sent(tap, side) == b"".join(data for who, data in talk if who == side)
        for side in ("client", "server")
    )


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("six", [False, True])
def test_every_link_layer_gives_the_same_conversation(
    talk: Chunks, plain: list[tuple[str | None, str]], link: str, *, six: bool
) -> None:
    """IPv4 and IPv6 are found in each link layer that Wireshark commonly writes."""
    if six and link == "raw 228":
        return  # it carries IPv4 alone
    capture = captured(wrapped(segments(talk), link, six=six), link=LINKS[link][0])
    assert told(capture.connections[0].trace) == plain
    assert as_sent(capture, talk)
    assert not capture.problems


def test_options_and_extension_headers_are_passed_over(talk: Chunks) -> None:
    """IPv4 options and IPv6 extension headers may stand before TCP."""
    parts = segments(talk)
    assert as_sent(captured([ethernet(ipv4(one, b"\1" * 8)) for one in parts]), talk)
    assert as_sent(captured([ethernet(ipv6(one, extensions=True)) for one in parts]), talk)


def test_fragments_are_put_together(talk: Chunks) -> None:
    """IP fragments, in any order, make the packet; one that is not complete is told."""
    for split in (ipv4_fragments, ipv6_fragments):
        frames = [
            ethernet(one)
            for number, each in enumerate(segments(talk))
            for one in reversed(split(each, 64, number))
        ]
        assert as_sent(captured(frames), talk)
    alone = ethernet(ipv4_fragments(segments(talk)[3], 64, 999)[0])
    assert [one.code for one in captured([*frames, alone]).problems] == ["fragments"]


def test_a_link_layer_that_is_not_read_is_named(talk: Chunks) -> None:
    """IEEE 802.11 is told by name, not passed over in silence."""
    problems = captured(wrapped(segments(talk)), link=105).problems
    assert "802.11" in problems[0].text


@pytest.mark.parametrize("part", [1, 3, 7, 100])
def test_the_size_of_segments_does_not_matter(
    talk: Chunks, plain: list[tuple[str | None, str]], part: int
) -> None:
    """TLS is found and told even where it comes byte by byte."""
    assert told(captured(wrapped(segments(talk, part=part))).connections[0].trace) == plain


def test_what_comes_twice_is_taken_once(talk: Chunks) -> None:
    """Retransmissions are counted and change nothing."""
    parts = [each for one in segments(talk, part=200) for each in (one, one)]
    capture = captured(wrapped(parts))
    assert as_sent(capture, talk)
    assert capture.connections[0].repeated > 5
    assert capture.connections[0].conflicts == 0


def test_sequence_numbers_may_wrap_around(talk: Chunks) -> None:
    """The numbers start again at 0 in mid connection."""
    parts = segments(talk, part=150, first=(2**32 - 300, 2**32 - 700))
    assert as_sent(captured(wrapped(parts)), talk)


def test_of_overlapping_bytes_the_first_win(talk: Chunks) -> None:
    """A segment that overlaps with others adds what is new; what differs is noted."""
    parts = segments(talk, part=100)
    at = next(n for n, one in enumerate(parts) if len(one.data) == 100)
    one, after = parts[at], parts[at + 1]
    other = replace(one, data=b"\xff" * 50 + one.data[50:] + after.data)
    capture = captured(wrapped([*parts[: at + 1], other, *parts[at + 1 :]]))
    assert as_sent(capture, talk)
    assert capture.connections[0].conflicts == 1


@given(st.randoms(use_true_random=False), st.integers(20, 400))
def test_order_is_restored(talk: Chunks, chance: random.Random, part: int) -> None:
    """Segments that overtake each other by some places give the same bytes."""
    parts = segments(talk, part=part)
    body = sorted(range(3, len(parts)), key=lambda n: n + chance.random() * 6)
    capture = captured(wrapped(parts[:3] + [parts[n] for n in body]))
    assert as_sent(capture, talk)


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_what_was_not_captured_is_a_gap_of_its_size(
    talk: Chunks, chance: random.Random, lost: int
) -> None:
    """Lost segments are told with their size, and what is left is never glued together."""
    parts = segments(talk, part=90)
    able = [n for n, one in enumerate(parts) if one.data]
    gone = set(chance.sample(able[1:], lost))
    capture = captured(wrapped(one for n, one in enumerate(parts) if n not in gone))
    connection = capture.connections[0]
    tap = connection.tap
    for side in ("client", "server"):
        whole = b"".join(data for who, data in talk if who == side)
        at = 0
        for chunk in (one for one in tap.chunks if one.sender == side):
            at += chunk.gap
            assert whole[at : at + len(chunk.data)] == chunk.data
            at += len(chunk.data)
    connection.trace.page()


def test_a_hole_in_one_record_leaves_the_others(talk: Chunks) -> None:
    """Where a hole lies within one record, the messages after that record are told."""
    log_parts = segments(talk, part=60)
    at = next(
        n for n, one in enumerate(log_parts) if one.sender == "server" and len(one.data) == 60
    )
    capture = captured(wrapped([*log_parts[: at + 3], *log_parts[at + 4 :]]))
    names = [one.name for one in capture.connections[0].trace.events]
    assert "not captured" in names
    assert "ServerHelloDone" in names
    assert capture.connections[0].lost == 60


def test_packets_cut_by_a_snap_length_are_gaps(talk: Chunks) -> None:
    """A capture that kept only the beginning of each packet still tells what that carries."""
    data = pcap(wrapped(segments(talk)), snap=300)
    capture = read_capture(Blob(Source("c.pcap"), data))
    trace = capture.connections[0].trace
    assert told(trace)[0] == ("client", "ClientHello")
    assert trace.tls == "1.2"
    assert any(one.name == "not captured" for one in trace.events)
    assert capture.connections[0].lost > 0


def test_the_answer_to_whether_a_certificate_was_sent_is_not_guessed_over_a_gap(
    wires: dict[str, object],
) -> None:
    """Nothing is inferred from sizes where bytes are missing."""
    chunks: Chunks = wires["1.3"].chunks
    parts = segments(chunks, part=300)
    able = [n for n, one in enumerate(parts) if one.sender == "client" and one.data]
    trace = captured(wrapped(parts[: able[-1]] + parts[able[-1] + 1 :])).connections[0].trace
    complete = captured(wrapped(parts)).connections[0].trace
    assert complete.inferred is not None
    assert trace.inferred is None or trace.inferred.sent_certificate in {None, True}


@pytest.mark.parametrize("skip", [2, 3, 4, 5, 6, 9])
def test_a_capture_may_begin_late(talk: Chunks, skip: int) -> None:
    """Without SYN, hello or the beginning of a record, what is left is told."""
    connection = captured(wrapped(segments(talk, part=300)[skip:])).connections[0]
    assert connection.late
    assert connection.client == "10.0.0.1:40000"
    assert connection.trace.events


def test_the_sender_of_the_hello_is_the_client_where_no_syn_was_seen(talk: Chunks) -> None:
    """A ClientHello tells the client, whatever the ports say."""
    parts = segments(talk, ports=(443, 50000))[3:]
    assert captured(wrapped(parts)).connections[0].client == "10.0.0.1:443"


@pytest.mark.parametrize(
    ("ending", "first"),
    [
        ([("client", FIN), ("server", FIN)], Closing("client", "fin")),
        ([("server", FIN), ("client", RST)], Closing("server", "fin")),
        ([("server", RST)], Closing("server", "reset")),
        ([], Closing(None, "open")),
    ],
)
def test_who_closed_is_told(talk: Chunks, ending: list[tuple[Side, int]], first: Closing) -> None:
    """The first FIN or RST ends the connection; all are kept in order."""
    connection = captured(wrapped(segments(talk, ending=ending))).connections[0]
    closing = connection.tap.closing
    assert closing is not None
    assert (closing.sender, closing.kind) == (first.sender, first.kind)
    assert [one.sender for one in connection.closings] == [who for who, _ in ending]


def test_the_same_ports_may_serve_again(talk: Chunks) -> None:
    """A new SYN between the same ports begins a new connection; the same SYN does not."""
    once = segments(talk)
    again = segments(talk, first=(77_000, 88_000))
    assert len(captured(wrapped([*once, *again])).connections) == 2
    assert len(captured(wrapped([once[0], *once])).connections) == 1
    assert len(captured(wrapped([*once[:-2], *again])).connections) == 2


PROLOGUES: dict[str, tuple[Chunks, str]] = {
    "proxy": (
        [
            (
                "client",
                b"CONNECT srv.test:8443 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n",
            ),
            ("server", b"HTTP/1.1 200 Connection established\r\n\r\n"),
        ],
        "CONNECT srv.test:8443",
    ),
    "smtp": (
        [
            ("server", b"220 mail.test ESMTP\r\n"),
            ("client", b"EHLO me\r\n"),
            ("server", b"250-mail.test\r\n250 STARTTLS\r\n"),
            ("client", b"STARTTLS\r\n"),
            ("server", b"220 go ahead\r\n"),
        ],
        "SMTP",
    ),
    "imap": (
        [
            ("server", b"* OK ready\r\n"),
            ("client", b"a STARTTLS\r\n"),
            ("server", b"a OK begin\r\n"),
        ],
        "IMAP",
    ),
    "pop": ([("server", b"+OK\r\n"), ("client", b"STLS\r\n"), ("server", b"+OK\r\n")], "POP3"),
    "ldap": (
        [
            ("client", b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
            ("server", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),
        ],
        "LDAP",
    ),
    "postgres": ([("client", b"\0\0\0\x08\x04\xd2\x16\x2f"), ("server", b"S")], "PostgreSQL"),
    "socks": (
        [
            ("client", b"\5\1\0"),
            ("server", b"\5\0"),
            ("client", b"\5\1\0\1\x7f\0\0\1\1\xbb"),
            ("server", b"\5\0\0\1\0\0\0\0\0\0"),
        ],
        "SOCKS",
    ),
}


@pytest.mark.parametrize("name", PROLOGUES)
def test_what_comes_before_tls_is_passed_over_and_told(
    talk: Chunks, plain: list[tuple[str | None, str]], name: str
) -> None:
    """TLS is found after a proxy's or a mail server's words, which are named without secrets."""
    before, word = PROLOGUES[name]
    connection = captured(wrapped(segments([*before, *talk]))).connections[0]
    assert told(connection.trace) == plain
    assert word in connection.notes[0]
    assert "c2VjcmV0" not in f"{connection} {connection.tap} {connection.trace}"
    if name == "proxy":
        assert str(connection.tap.target) == "srv.test:8443"


def test_the_proxy_protocol_may_stand_in_the_same_segment(
    talk: Chunks, plain: list[tuple[str | None, str]]
) -> None:
    """A header of the PROXY protocol is cut off, also where the ClientHello follows at once."""
    (_, hello), *rest = talk
    for header in (
        b"PROXY TCP4 10.9.9.9 10.0.0.2 4000 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"\x0a" * 12,
    ):
        chunks: Chunks = [("client", header + hello), *rest]
        assert told(captured(wrapped(segments(chunks))).connections[0].trace) == plain


def test_connections_without_tls_are_counted() -> None:
    """Plain HTTP is no TLS on whatever port."""
    chunks: Chunks = [("client", b"GET / HTTP/1.1\r\n\r\n"), ("server", b"HTTP/1.1 200 OK\r\n\r\n")]
    capture = captured(wrapped(segments(chunks)))
    assert capture.connections == ()
    assert capture.plain == 1
    assert capture.problems[0].code == "no-tls"


def test_attempts_that_nobody_answered_are_told() -> None:
    """A SYN to a TLS port that met RST was refused; one that met nothing had no answer."""
    syn = Segment("client", 5, 0, SYN)
    refused = captured(wrapped([syn, Segment("server", 0, 6, RST | ACK)])).connections[0].trace
    assert (refused.ended.outcome, refused.failure and refused.failure.kind) == (
        "unreachable",
        "refused",
    )
    silent = captured(wrapped([syn, syn])).connections[0].trace
    assert silent.failure is not None
    assert silent.failure.kind == "timeout"


def long_talk(talk: Chunks, records: int) -> Chunks:
    """The conversation with much application data in it."""
    record = b"\x17\x03\x03" + pack(">H", 16401) + b"\xaa" * 16401
    short = b"\x17\x03\x03\0\x40" + b"\xbb" * 64
    return [*talk[:-2], ("client", short), ("server", record * records), *talk[-2:]]


def test_much_application_data_is_counted_and_not_kept(talk: Chunks) -> None:
    """Of a long download only the beginning and the end are kept; the alerts are told."""
    chunks = long_talk(talk, 300)
    capture = captured(wrapped(segments(chunks)))
    connection = capture.connections[0]
    kept = sum(len(one.data) for one in connection.tap.chunks)
    assert kept < 2 * (half.HEAD + half.HEAD_DATA)
    assert kept + sum(one.gap for one in connection.tap.chunks) == sum(len(d) for _, d in chunks)
    left_out = sum(one.records or 0 for one in connection.tap.chunks)
    assert 250 < left_out < 300
    last = [one.name for one in connection.trace.events if one.kind == "hidden"]
    assert last[-2:] == ["sealed alert", "sealed alert"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_with_a_key_log_what_follows_the_data_left_out_is_opened(
    make: Callable[..., object], version: str
) -> None:
    """Records that were not kept are counted, so that the alerts after them still open."""
    wire = make(version)
    wire.shake()
    for _ in range(40):
        wire.server.send(b"x" * 16384)
        wire.pump()
        wire.client.recv(16384)
    wire.ask()
    capture = captured(wrapped(segments(wire.chunks)), wire.key_log)
    connection = capture.connections[0]
    assert any(one.records for one in connection.tap.chunks)
    names = [one.name for one in connection.trace.events if one.kind == "alert"]
    assert names == ["close_notify", "close_notify"]
    assert not [one for one in connection.trace.events if one.kind == "hidden"]


def test_more_than_memory_should_hold_is_laid_aside(
    talk: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is laid aside on the way is the same when it is asked for."""
    monkeypatch.setattr(streams, "KEPT", 1000)
    assert as_sent(captured(wrapped(segments(talk, part=100))), talk)


def test_a_loss_in_much_data_does_not_hide_the_end(talk: Chunks) -> None:
    """After a gap in application data the next record is found again."""
    parts = segments(long_talk(talk, 100))
    data = [n for n, one in enumerate(parts) if len(one.data) == 1448]
    gone = set(data[500:503])
    connection = captured(wrapped(o for n, o in enumerate(parts) if n not in gone)).connections[0]
    assert connection.lost == 3 * 1448
    last = [one.name for one in connection.trace.events if one.kind == "hidden"]
    assert last[-2:] == ["sealed alert", "sealed alert"]


@given(
    st.lists(
        st.tuples(st.integers(0, 63), st.integers(0, 2000), st.binary(max_size=60)), max_size=30
    )
)
def test_any_segments_give_connections(made: list[tuple[int, int, bytes]]) -> None:
    """Whatever flags, numbers and bytes come, reading ends with a result."""
    sides: list[Side] = ["client", "server"]
    hello = bytes.fromhex("160301000501000001")
    parts = [
        Segment(sides[flags & 1], seq, 0, flags | PSH, hello + data if seq % 3 else data)
        for flags, seq, data in made
    ]
    for one in captured(wrapped(parts)).connections:
        one.trace.page()


def test_a_client_that_takes_its_request_back_was_not_refused() -> None:
    """RST after a SYN is the server's word only if the server sent it."""
    syn = Segment("client", 5, 0, SYN)
    trace = captured(wrapped([syn, Segment("client", 6, 0, RST)])).connections[0].trace
    assert trace.failure is not None
    assert trace.failure.kind == "timeout"
    assert "client took its connection request back" in trace.failure.text


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_request_after_a_reset_begins_anew(talk: Chunks, who: Side) -> None:
    """The same SYN after an RST is another attempt, and what follows belongs to it."""
    parts = segments(talk)
    reset = Segment(who, parts[0].seq + 1, 0, RST | ACK)
    first, second = captured(wrapped([parts[0], reset, *parts])).connections
    assert first.trace.ended.outcome == "unreachable"
    assert second.trace.tls == "1.2"
    assert second.tap.closing is not None
    assert second.tap.closing.kind == "fin"


def test_the_port_of_tls_is_the_servers_where_nothing_else_tells(talk: Chunks) -> None:
    """In mid connection, without SYN and hello, the ports tell who the client is."""
    parts = [one for one in segments(talk)[3:] if one.data][3:]
    for ports in ((40000, 443), (400, 443), (443, 40000)):
        turned = [replace(one, ports=ports) for one in parts]
        connection = captured(wrapped(turned)).connections[0]
        client = f"10.0.0.1:{ports[0]}" if ports[1] == 443 else "192.0.2.1:40000"
        assert connection.client == client
    turned = [replace(one, ports=(40000, 4433)) for one in parts]
    assert captured(wrapped(turned)).connections[0].client == "10.0.0.1:40000"


def early(talk: Chunks, *versions: bytes) -> tuple[Capture, bytes]:
    """A conversation of which one segment came late, and the one after it in these versions."""
    parts = segments(talk, part=100)
    at = next(n for n, one in enumerate(parts) if len(one.data) == 100)
    one, after = parts[at], parts[at + 1]
    many = [replace(after, data=each) for each in versions]
    return captured(wrapped([*parts[:at], *many, one, *parts[at + 1 :]])), after.data


def test_of_bytes_that_wait_the_first_win(talk: Chunks) -> None:
    """What waits and comes again gains its tail alone; only other bytes are a conflict."""
    data = early(talk)[1]
    for versions, conflicts in (
        ((data[:40], data), 0),
        ((data, data[:40]), 0),
        ((data[:40], b"\xff" * 40 + data[40:]), 1),
        ((data, b"\xff" * 30), 1),
    ):
        capture, _ = early(talk, *versions)
        assert as_sent(capture, talk)
        assert capture.connections[0].conflicts == conflicts


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_the_credentials_of_a_proxy_are_not_told(talk: Chunks, end: bytes) -> None:
    """Of what a proxy was asked the first line alone is told, whatever ends it."""
    asked = end.join((b"CONNECT a:443 HTTP/1.1", b"Proxy-Authorization: Basic c2VjcmV0", b"", b""))
    answered = end.join((b"HTTP/1.1 200 OK", b"Set-Cookie: c2VjcmV0", b"", b""))
    chunks: Chunks = [("client", asked), ("server", answered), *talk]
    connection = captured(wrapped(segments(chunks, part=4000))).connections[0]
    assert "CONNECT a:443" in connection.notes[0]
    assert "c2Vj" not in connection.notes[0]
    assert str(connection.tap.target) == "a:443"


@pytest.mark.parametrize(("first", "second"), [(0, 30), (30, 0), (20, 10)])
def test_segments_that_wait_and_overlap_in_part_are_one(
    talk: Chunks, first: int, second: int
) -> None:
    """Whichever came first wins where both have bytes; the other one fills what is missing."""
    parts = segments(talk, part=100)
    at = next(n for n, one in enumerate(parts) if len(one.data) == 100)
    one, after = parts[at], parts[at + 1]
    seqs = [replace(after, seq=after.seq + shift, data=after.data[shift : shift + 50])
            for shift in (first, second)]  # fmt: skip
    rest = replace(after, seq=after.seq + 50, data=after.data[50:])
    begin = replace(after, data=after.data[:25])
    capture = captured(wrapped([*parts[:at], *seqs, rest, one, begin, *parts[at + 1 :]]))
    assert as_sent(capture, talk)
    assert capture.connections[0].conflicts == 0
    bent = replace(seqs[1], data=bytes(byte ^ 255 for byte in seqs[1].data))
    frames = [*parts[:at], seqs[0], bent, rest, one, begin, *parts[at + 1 :]]
    capture = captured(wrapped(frames))
    assert capture.connections[0].conflicts > 0


def test_what_waited_wins_over_what_fills_the_gap_and_goes_on(talk: Chunks) -> None:
    """A late segment that runs into one that waits says nothing new there, only a conflict."""
    parts = segments(talk, part=100)
    at = next(n for n, one in enumerate(parts) if len(one.data) == 100)
    one, after = parts[at], parts[at + 1]
    for data, conflicts in ((one.data + after.data, 0), (one.data + bytes(50), 1)):
        capture = captured(wrapped([*parts[:at], after, replace(one, data=data), *parts[at + 2 :]]))
        assert as_sent(capture, talk)
        assert capture.connections[0].conflicts == conflicts
