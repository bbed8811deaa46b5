from collections.abc import Callable
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from mtlskit.material import Side
from mtlskit.wire import unseal
from mtlskit.wire.conversation import (
    Alert,
    ChangeCipherSpec,
    Conversation,
    Hidden,
    Malformed,
    NotTls,
    Seen,
)
from mtlskit.wire.messages import CertificateRequest, HelloRetryRequest, ServerHello

VERSIONS = ["1.0", "1.1", "1.2", "1.3"]
sides = st.sampled_from(["client", "server"])


def test_a_mutual_handshake_of_tls_1_2_is_told_in_order(wires: dict) -> None:
    """Every message of both sides is told, in the order in which it was sent."""
    assert [f"{one.sender} {one.item.name}" for one in wires["1.2"].heard()] == [
        "client ClientHello",
        "server ServerHello",
        "server Certificate",
        "server ServerKeyExchange",
        "server CertificateRequest",
        "server ServerHelloDone",
        "client Certificate",
        "client ClientKeyExchange",
        "client CertificateVerify",
        "client ChangeCipherSpec",
        "client Finished",
        "server NewSessionTicket",
        "server ChangeCipherSpec",
        "server Finished",
        "client ApplicationData",
        "server ApplicationData",
        "client close_notify",
        "server close_notify",
    ]


def test_a_mutual_handshake_of_tls_1_3_is_told_in_order(wires: dict) -> None:
    """Every message of both sides is told, in the order in which it was sent."""
    assert [f"{one.sender} {one.item.name}" for one in wires["1.3"].heard()] == [
        "client ClientHello",
        "server ServerHello",
        "server ChangeCipherSpec",
        "server EncryptedExtensions",
        "server CertificateRequest",
        "server Certificate",
        "server CertificateVerify",
        "server Finished",
        "client ChangeCipherSpec",
        "client Certificate",
        "client CertificateVerify",
        "client Finished",
        "server NewSessionTicket",
        "server NewSessionTicket",
        "client ApplicationData",
        "server ApplicationData",
        "client close_notify",
        "server close_notify",
    ]


def test_each_thing_stands_where_its_record_stood(wires: dict) -> None:
    """Offsets and numbers count the records of each side by themselves."""
    for wire in wires.values():
        for side in ("client", "server"):
            stream = b"".join(data for sender, data in wire.chunks if sender == side)
            seen = [one for one in wire.heard() if one.sender == side]
            assert [one.at for one in seen] == sorted(one.at for one in seen)
            assert [one.record for one in seen] == sorted(one.record for one in seen)
            for one in seen:
                outer = 23 if one.sealed and one.content_type and wire is wires["1.3"] else None
                assert stream[one.at] == (outer or one.content_type)


def test_a_hello_retry_request_is_told(shaken: Callable) -> None:
    """Where the server wants another group, both hellos of the client are told."""

    def change(_client: SSL.Context, server: SSL.Context) -> None:
        server.set_tmp_ecdh(ec.SECP384R1())

    wire = shaken("1.3", change)
    heard = wire.heard()
    assert [one.item.name for one in heard[:5]] == [
        "ClientHello",
        "HelloRetryRequest",
        "ChangeCipherSpec",
        "ChangeCipherSpec",
        "ClientHello",
    ]
    retry = heard[1].item
    assert isinstance(retry, HelloRetryRequest)
    assert (retry.version, retry.group) == (0x0304, 24)
    assert not [one for one in heard if isinstance(one.item, Hidden | Malformed)]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_resumed_session_is_told_and_opened(make: Callable, version: str) -> None:
    """A resumed session has no certificates, and its key log opens it."""
    first = make(version)
    first.shake()
    first.ask()
    second = first.again()
    second.shake()
    second.ask()
    names = second.names()
    assert "Certificate" not in names
    assert "hidden" not in names
    hello = next(one.item for one in second.heard() if isinstance(one.item, ServerHello))
    assert hello.preshared == (version == "1.3")
    if version == "1.2":
        assert names[:6] == [
            "ClientHello",
            "ServerHello",
            "ChangeCipherSpec",
            "Finished",
            "ChangeCipherSpec",
            "Finished",
        ]


def test_a_renegotiation_is_opened_with_its_own_keys(make: Callable) -> None:
    """A second handshake within the first is told, its keys changed in its midst."""

    def change(_client: SSL.Context, server: SSL.Context) -> None:
        server.set_options(SSL.OP_NO_TICKET)
        server.set_session_cache_mode(SSL.SESS_CACHE_OFF)

    wire = make("1.2", change)
    wire.shake()
    wire.server.renegotiate()
    wire.shake()
    wire.settle()
    wire.ask()
    names = wire.names("client")
    assert wire.names("server").count("HelloRequest") == 1
    assert names.count("ClientHello") == names.count("Finished") == 2
    assert "hidden" not in wire.names()
    late = [one for one in wire.heard() if isinstance(one.item, CertificateRequest)]
    assert [one.sealed for one in late] == [False, True]
    hidden = [one for one in wire.heard(key_log=False) if isinstance(one.item, Hidden)]
    assert {one.item.inner_type for one in hidden} == {20, 21, 22, 23}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_refusal_is_told_with_its_alert(make: Callable, version: str) -> None:
    """A server that refuses the client's certificate says so in a fatal alert."""

    def change(_client: SSL.Context, server: SSL.Context) -> None:
        server.set_verify(SSL.VERIFY_PEER, lambda *_: False)

    wire = make(version, change)
    wire.shake()
    last = wire.heard()[-1]
    assert isinstance(last.item, Alert)
    assert (last.sender, last.item.fatal, last.sealed) == ("server", True, version == "1.3")
    assert str(last.item) == f"{last.item.name} (fatal {last.item.description})"


@pytest.fixture(scope="session")
def heard_whole(wires: dict) -> dict[tuple[str, bool], list[Seen]]:
    return {
        (version, keys): wires[version].heard(key_log=keys)
        for version in VERSIONS
        for keys in (True, False)
    }


@given(data=st.data())
def test_any_split_of_the_same_bytes_is_the_same_conversation(
    wires: dict, heard_whole: dict, hear: Callable, data: st.DataObject
) -> None:
    """Cut anywhere, with keys and without, the same things are seen in the same places."""
    version = data.draw(st.sampled_from(VERSIONS))
    keys = data.draw(st.booleans())
    chunks = []
    for side, part in wires[version].chunks:
        marks = data.draw(st.lists(st.integers(0, len(part)), max_size=3))
        for start, end in pairwise([0, *sorted(marks), len(part)]):
            chunks.append((side, part[start:end]))
    log = wires[version].key_log if keys else ()
    assert hear(chunks, log) == heard_whole[version, keys]


@pytest.mark.parametrize("version", VERSIONS)
def test_byte_by_byte_is_the_same_conversation(
    wires: dict, heard_whole: dict, hear: Callable, version: str
) -> None:
    """One byte at a time, the same things are seen."""
    wire = wires[version]
    chunks = [(side, part[n : n + 1]) for side, part in wire.chunks for n in range(len(part))]
    assert hear(chunks, wire.key_log) == heard_whole[version, True]


def fragments(stream: bytes, length: int) -> bytes:
    """Cut the records of a stream up to its ChangeCipherSpec into records of `length` bytes."""
    found, at, joined = [], 0, b""
    while at < len(stream) and stream[at] == 22:
        size = int.from_bytes(stream[at + 3 : at + 5], "big")
        joined += stream[at + 5 : at + 5 + size]
        at += 5 + size
    for start in range(0, len(joined), length):
        piece = joined[start : start + length]
        found.append(b"\x16\3\3" + len(piece).to_bytes(2, "big") + piece)
    return b"".join(found) + stream[at:]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 64, 600, 16384])
def test_messages_spread_or_joined_are_the_same_messages(
    wires: dict, hear: Callable, length: int
) -> None:
    """Whatever the length of the records, the same messages are told, opened ones too."""
    wire = wires["1.2"]
    chunks = [(side, fragments(part, length)) for side, part in wire.chunks]
    again = hear(chunks, wire.key_log)
    assert [(one.sender, one.item) for one in again] == [
        (one.sender, one.item) for one in wire.heard()
    ]


def test_alerts_spread_and_joined_are_told() -> None:
    """Up to TLS 1.2 an alert may be cut, and two may share a record."""
    conversation = Conversation()
    stream = bytes.fromhex("15 0303 0003 01 5a 02  15 0303 0001 2a")
    found = conversation.feed("client", stream)
    assert [one.item for one in found] == [Alert(1, 90), Alert(2, 42)]
    assert [one.item.fatal for one in found] == [False, True]


def test_an_answer_in_http_is_an_item() -> None:
    """A server that does not speak TLS is told with what it said, and then is silent."""
    conversation = Conversation()
    assert conversation.feed("server", b"HTTP/1.1 400 Bad Request\r\n\r\n") == []
    (seen,) = conversation.end("server")
    assert seen.item == NotTls(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert (seen.content_type, seen.sealed, seen.at) == (0, False, 0)
    assert conversation.feed("server", b"more") == conversation.end() == []


def test_what_was_left_unfinished_is_told_at_the_end(wires: dict) -> None:
    """A record that was cut off, and a message that was, are each told once."""
    side, data = wires["1.2"].chunks[0]
    conversation = Conversation()
    assert conversation.feed(side, data[:100]) == []
    (cut,) = conversation.end()
    assert isinstance(cut.item, Malformed)
    assert cut.item.error.field == "record"
    conversation = Conversation()
    conversation.feed(side, b"\x16\3\1\0\x32" + data[5:55])
    (cut,) = conversation.end()
    assert isinstance(cut.item, Malformed)
    assert cut.item.error.field == "ClientHello"


def test_a_malformed_message_does_not_stop_the_others() -> None:
    """What stands behind a malformed message is still read."""
    stream = bytes.fromhex("16 0303 000a 14000000 0e000000 0000")
    first, second = Conversation().feed("server", stream)
    assert isinstance(first.item, Malformed)
    assert first.item.error.field == "Finished.verify_data"
    assert second.item.name == "ServerHelloDone"


@pytest.mark.parametrize(
    ("stream", "field"),
    [
        ("14 0303 0001 02", "ChangeCipherSpec.type"),
        ("14 0303 0000", "ChangeCipherSpec.type"),
        ("80 03 01 0301", "ClientHello in the frame of SSL 2.0.cipher_spec_length"),
    ],
)
def test_small_malformed_things_are_told(stream: str, field: str) -> None:
    """Each is an item that says what was wanted."""
    (seen,) = Conversation().feed("client", bytes.fromhex(stream))
    assert isinstance(seen.item, Malformed)
    assert seen.item.error.field == field


def test_a_heartbeat_is_a_message() -> None:
    """A sign of life is told as one."""
    (seen,) = Conversation().feed("client", bytes.fromhex("18 0303 0003 010000"))
    assert seen.item.name == "HeartbeatMessage"


def test_early_data_is_named() -> None:
    """Sealed records before the ServerHello are early data, and say so."""
    extensions = bytes.fromhex("000b 002a 0000 002b 0003 02 0304")
    body = b"\3\3" + bytes(32) + bytes.fromhex("00 0002 1301 01 00") + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    record = b"\x16\3\1" + len(message).to_bytes(2, "big") + message
    conversation = Conversation()
    hello, switch = conversation.feed("client", record + bytes.fromhex("14 0303 0001 01"))
    assert hello.item.problems == ()
    assert switch.item == ChangeCipherSpec()
    (seen,) = conversation.feed("client", b"\x17\3\3\0\x20" + bytes(32))
    assert seen.item == Hidden(None, unseal.EARLY)


def test_a_recording_that_began_after_the_hello_claims_nothing(wires: dict) -> None:
    """Sealed records without their hello are hidden, and it is said why."""
    wire = wires["1.2"]
    conversation = Conversation(wire.key_log, late=True)
    stream = b"".join(data for side, data in wire.chunks if side == "client")
    switch = stream.index(b"\x14\3\3\0\1\1")
    found = conversation.feed("client", stream[switch - 3 :]) + conversation.end()
    assert [type(one.item) for one in found[:2]] == [Hidden, ChangeCipherSpec]
    assert [one.item for one in found[2:]] == [Hidden(kind, unseal.LATE) for kind in (22, 23, 21)]


def test_a_late_recording_of_tls_1_3_claims_nothing(wires: dict) -> None:
    """Data records alone do not say which version they are of."""
    wire = wires["1.3"]
    found = Conversation().feed("client", wire.chunks[-2][1])
    assert [one.item for one in found] == [Hidden(None, unseal.LATE)]


def test_a_hello_in_the_frame_of_ssl_2_is_a_hello() -> None:
    """The old hello is told, and the conversation goes on in TLS."""
    hello = bytes.fromhex("801c 01 0303 0003 0000 0010 00002f") + b"c" * 16
    conversation = Conversation()
    (seen,) = conversation.feed("client", hello)
    assert seen.item.name == "ClientHello in the frame of SSL 2.0"
    (alert,) = conversation.feed("server", bytes.fromhex("15 0301 0002 0246"))
    assert alert.item == Alert(2, 70)


@given(chunks=st.lists(st.tuples(sides, st.binary(max_size=200)), max_size=8), late=st.booleans())
def test_no_bytes_make_it_fail(chunks: list[tuple[Side, bytes]], *, late: bool) -> None:
    """Whatever either side sends, there are items and no exception."""
    conversation = Conversation(["CLIENT_RANDOM 00 00"], late=late)
    for side, data in chunks:
        for one in conversation.feed(side, data):
            assert one.item.name
    conversation.end()


@given(data=st.data())
def test_damaged_conversations_do_not_make_it_fail(wires: dict, data: st.DataObject) -> None:
    """Real bytes that are changed, lost, doubled or swapped give items and no exception."""
    wire = wires[data.draw(st.sampled_from(VERSIONS))]
    chunks = [(side, bytearray(part)) for side, part in wire.chunks]
    for _ in range(data.draw(st.integers(1, 5))):
        side, part = chunks[data.draw(st.integers(0, len(chunks) - 1))]
        if not part:
            continue
        match data.draw(st.integers(0, 4)):
            case 0:
                part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
            case 1:
                del part[data.draw(st.integers(0, len(part) - 1)) :]
            case 2:
                chunks.insert(data.draw(st.integers(0, len(chunks))), (side, bytearray(part)))
            case 3:
                chunks.remove((side, part))
            case _:
                part[0:5] = data.draw(st.binary(max_size=9))
        if not chunks:
            break
    conversation = Conversation(wire.key_log)
    for side, part in chunks:
        for one in conversation.feed(side, bytes(part)):
            assert one.item.name
            assert one.size >= 0
    conversation.end()
