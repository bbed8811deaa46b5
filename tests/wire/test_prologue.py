"""What is said before TLS begins is split off by the bytes, wherever TCP cut them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Chunk, Side, Source, Tap
from mtlskit.trace.handshake import follow
from mtlskit.wire import prologue
from tests.wire.rfc8448 import SIMPLE, records

Talk = list[tuple[Side, bytes]]

MAIL: Talk = [
    ("server", b"220 mail.example ESMTP\r\n"),
    ("client", b"EHLO client\r\n"),
    ("server", b"250-mail.example\r\n250 STARTTLS\r\n"),
    ("client", b"STARTTLS\r\n"),
    ("server", b"220 2.0.0 go ahead\r\n"),
]
DATABASE: Talk = [("client", bytes.fromhex("0000000804d2162f")), ("server", b"S")]
PROXY: Talk = [
    ("client", b"CONNECT partner.example:8443 HTTP/1.1\r\n\r\n"),
    ("server", b"HTTP/1.1 200 Connection established\r\n\r\n"),
]
HEADER: Talk = [("client", b"PROXY TCP4 10.0.0.1 10.0.0.2 5000 443\r\n")]
TLS = records(SIMPLE)
SAID = (
    (MAIL, "SMTP was asked for TLS (STARTTLS)"),
    (DATABASE, "PostgreSQL was asked for TLS"),
    (PROXY, "CONNECT partner.example:8443"),
    (HEADER, "the PROXY protocol named another sender"),
)


def cut(talk: Talk, size: int) -> tuple[Chunk, ...]:
    """The bytes of a talk in pieces."""
    return tuple(
        Chunk(0.0, side, data[at : at + size])
        for side, data in talk
        for at in range(0, len(data), size)
    )


def of(chunks: tuple[Chunk, ...], side: Side) -> bytes:
    return b"".join(one.data for one in chunks if one.sender == side)


@pytest.mark.parametrize(("before", "words"), SAID, ids=["mail", "database", "proxy", "header"])
@pytest.mark.parametrize("size", [1, 5, 7, 4000])
def test_tls_is_found_after_another_protocol(before: Talk, words: str, size: int) -> None:
    """However the bytes were cut, what came before is told, and the handshake is read whole."""
    chunks = (*cut(before, size), *cut(TLS, size))
    head, rest = prologue.split(chunks)
    for side in ("client", "server"):
        assert of(head, side) == of(cut(before, 4000), side)
        assert of(rest, side) == of(cut(TLS, 4000), side)
    trace = follow(Tap(Source("tap"), chunks=chunks))
    note = next(one for one in trace.events if one.kind == "note")
    assert words in note.note
    assert f"({sum(len(data) for _, data in before)} bytes)" in note.note
    assert trace.tls == "1.3"
    assert not any(one.name == "not TLS" for one in trace.events)


def test_a_header_and_the_hello_in_one_piece_are_parted() -> None:
    """A load balancer sends its header and passes on the hello in the same segment."""
    header, (_, first) = HEADER[0][1], TLS[0]
    chunks = (Chunk(0.5, "client", header + first), *cut(TLS[1:], 4000))
    head, rest = prologue.split(chunks)
    assert [one.data for one in head] == [header]
    assert (rest[0].data, rest[0].seconds) == (first, 0.5)
    assert follow(Tap(Source("tap"), chunks=chunks)).tls == "1.3"


def test_a_proxy_that_was_asked_names_the_endpoint() -> None:
    """A tap before a proxy tells of the endpoint for which the proxy was asked."""
    chunks = (*cut(PROXY, 4000), *cut(TLS, 4000))
    assert str(follow(Tap(Source("tap"), chunks=chunks)).target) == "partner.example:8443"


def test_tls_from_the_start_has_nothing_before_it() -> None:
    """Nothing is split off where TLS begins at once, or never."""
    for talk in (TLS, MAIL, [("server", b"220 x\r\n" * 20_000)]):
        chunks = cut(talk, 4000)
        assert prologue.split(chunks) == ((), chunks)


def test_a_server_that_refuses_starttls_is_told_as_speaking_no_tls() -> None:
    """Where TLS never begins, the first words tell what was spoken."""
    chunks = cut([*MAIL[:4], ("server", b"454 TLS not available\r\n")], 4000)
    trace = follow(Tap(Source("tap"), chunks=chunks))
    assert any(one.name == "not TLS" for one in trace.events)


sides = st.sampled_from(["client", "server"])
words = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([data for talk in (MAIL, DATABASE, PROXY, HEADER, TLS) for _, data in talk]),
)


@given(st.lists(st.tuples(sides, words), max_size=8))
def test_whatever_was_said_no_byte_is_lost(talk: Talk) -> None:
    """What is split off and what is left are all that was recorded, in order."""
    chunks = tuple(Chunk(0.0, side, data) for side, data in talk)
    head, rest = prologue.split(chunks)
    both = (*head, *rest)
    for side in ("client", "server"):
        assert of(both, side) == of(chunks, side)
    assert not head or rest
    follow(Tap(Source("tap"), chunks=chunks))
