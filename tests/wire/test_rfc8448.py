"""RFC 8448's five traces, rebuilt from their numbers, decrypt; and say what the standard says."""

from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from mtlskit.material import Chunk, Closing, Secrets, Side, Source, Tap
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from mtlskit.wire.conversation import Alert, ApplicationData, Conversation, Hidden, Seen
from mtlskit.wire.messages import Certificate, CertificateRequest, NewSessionTicket
from tests.wire.rfc8448 import (
    AUTHENTICATED,
    CLIENT_HELLO,
    COMPATIBLE,
    FINISHED,
    NUMBERS,
    RESUMED,
    RETRIED,
    SIMPLE,
    ZEROS,
    Played,
    derive,
    hashed,
    records,
    verify_data,
)

STORY = {
    SIMPLE: """client ClientHello, server ServerHello, server EncryptedExtensions,
        server Certificate, server CertificateVerify, server Finished, client Finished,
        server NewSessionTicket, client ApplicationData, server ApplicationData,
        client close_notify, server close_notify""",
    RESUMED: """client ClientHello, client ApplicationData, server ServerHello,
        server EncryptedExtensions, server Finished, client EndOfEarlyData, client Finished,
        client ApplicationData, server ApplicationData, client close_notify, server close_notify""",
    RETRIED: """client ClientHello, server HelloRetryRequest, client ClientHello,
        server ServerHello, server EncryptedExtensions, server Certificate,
        server CertificateVerify, server Finished, client Finished, client close_notify,
        server close_notify""",
    AUTHENTICATED: """client ClientHello, server ServerHello, server EncryptedExtensions,
        server CertificateRequest, server Certificate, server CertificateVerify, server Finished,
        client Certificate, client CertificateVerify, client Finished, client close_notify,
        server close_notify""",
    COMPATIBLE: """client ClientHello, server ServerHello, server ChangeCipherSpec,
        server EncryptedExtensions, server Certificate, server CertificateVerify, server Finished,
        client ChangeCipherSpec, client Finished, client close_notify, server close_notify""",
}
"""Who says what in each section, in order."""

SECRETS = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": (
        "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"
    ),
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": (
        "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"
    ),
    "CLIENT_TRAFFIC_SECRET_0": "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
    "SERVER_TRAFFIC_SECRET_0": "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
}
"""As section 3 prints them."""

every_trace = pytest.mark.parametrize("section", STORY)


@cache
def played(section: str) -> Played:
    """A trace worked out without the package; the resumed one goes on from the first."""
    psk = played(SIMPLE).ticket_key() if section == RESUMED else ZEROS
    return Played(section, psk).play()


def read(section: str, key_log: list[str], pieces: int = 0) -> list[Seen]:
    """What the package reads in a trace, fed record by record or in pieces of some bytes."""
    conversation = Conversation(key_log)
    found = []
    for side, data in records(section):
        for at in range(0, len(data), pieces or len(data)):
            found += conversation.feed(side, data[at : at + (pieces or len(data))])
    assert conversation.end() == []
    return found


def told(section: str, key_log: list[str]) -> Trace:
    """What is told of a trace that was recorded."""
    chunks = tuple(Chunk(0.0, side, data) for side, data in records(section))
    secrets = Secrets(tuple(key_log))
    return follow(Tap(Source("RFC 8448"), chunks=chunks, closing=Closing("client", "fin"),
                      secrets=secrets))  # fmt: skip


def story(found: list[Seen]) -> list[str]:
    return [f"{one.sender} {one.item.name}" for one in found]


def test_the_secrets_are_those_that_the_standard_prints() -> None:
    """The key schedule of the tests leads from the private keys to the secrets of section 3."""
    assert {label: played(SIMPLE).secrets[label].hex() for label in SECRETS} == SECRETS


@every_trace
@pytest.mark.parametrize("pieces", [0, 1, 7])
def test_every_record_of_the_standard_opens(section: str, pieces: int) -> None:
    """With its key log each trace is read to the last goodbye, however its bytes come."""
    found = read(section, played(section).key_log, pieces)
    assert story(found) == [" ".join(one.split()) for one in STORY[section].split(",")]


@every_trace
def test_what_is_opened_is_what_was_sealed(section: str) -> None:
    """Data, alerts and the sizes of messages are those that another reader finds."""
    found = read(section, played(section).key_log)
    data = [(one.sender, one.item.data) for one in found if isinstance(one.item, ApplicationData)]
    assert data == played(section).data
    alerts = [(one.sender, bytes((one.item.level, one.item.description))) for one in found
              if isinstance(one.item, Alert)]  # fmt: skip
    assert alerts == played(section).alerts
    sizes = [(one.sender, one.size) for one in found if one.content_type == 22]
    assert sizes == [(side, len(whole) - 4) for side, whole, _ in played(section).messages]


@every_trace
@pytest.mark.parametrize("side", ["client", "server"])
def test_each_finished_binds_what_was_said(section: str, side: Side) -> None:
    """The Finished that is read holds the hash of the whole handshake before it, as 4.4.4 asks."""
    found = [one.item for one in read(section, played(section).key_log)
             if one.sender == side and one.item.name == "Finished"]  # fmt: skip
    _, before = played(section).named(side, FINISHED)
    secret = played(section).secrets[f"{side.upper()}_HANDSHAKE_TRAFFIC_SECRET"]
    assert [one.verify_data for one in found] == [verify_data(secret, before)]


@pytest.mark.parametrize(
    ("section", "side"),
    [(SIMPLE, "server"), (RETRIED, "server"), (AUTHENTICATED, "server"), (AUTHENTICATED, "client"),
     (COMPATIBLE, "server")],
)  # fmt: skip
def test_each_proof_is_that_of_the_certificate(section: str, side: Side) -> None:
    """The CertificateVerify that is read was made with the key of the Certificate that is read."""
    items = {one.item.name: one.item for one in read(section, played(section).key_log)
             if one.sender == side}  # fmt: skip
    key = x509.load_der_x509_certificate(items["Certificate"].entries[0].der).public_key()
    _, before = played(section).named(side, 15)
    signed = b" " * 64 + f"TLS 1.3, {side} CertificateVerify".encode() + b"\0" + hashed(before)
    proof = items["CertificateVerify"]
    if isinstance(key, rsa.RSAPublicKey):
        assert proof.algorithm == 0x0804
        key.verify(proof.signature, signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert proof.algorithm == 0x0403
        key.verify(proof.signature, signed, ec.ECDSA(SHA256()))


def test_early_data_stands_before_the_answer_to_it() -> None:
    """Section 4: what the client sent with its first flight is read, and who could read it."""
    found = read(RESUMED, played(RESUMED).key_log)
    assert found[1].item == ApplicationData(b"ABCDEF")
    hello = played(RESUMED).messages[0][1]
    binder, before = hello[-32:], hello[:-35]
    early = played(RESUMED).early
    assert binder == verify_data(derive(early, "res binder", hashed(b"")), before)


def test_early_data_without_its_secret_stays_hidden_alone() -> None:
    """A key log that holds all but the early secret opens everything else of section 4."""
    log = [one for one in played(RESUMED).key_log if not one.startswith("CLIENT_EARLY")]
    found = read(RESUMED, log)
    # EndOfEarlyData is sealed with the early key too, so it is the second thing hidden.
    hidden = [one.item.note for one in found if isinstance(one.item, Hidden)]
    assert len(hidden) == 2
    assert hidden[0] == "Early data, sealed with a key of an earlier session."
    assert story(found)[-5:] == [one.strip() for one in STORY[RESUMED].split(",")][-5:]


def test_a_ticket_is_read_whole() -> None:
    """Section 3: lifetime, age and nonce of the ticket that section 4 resumes with."""
    (ticket,) = [one.item for one in read(SIMPLE, played(SIMPLE).key_log)
                 if isinstance(one.item, NewSessionTicket)]  # fmt: skip
    assert (ticket.ticket_lifetime, ticket.ticket_age_add) == (30, 0xFAD6AAC5)
    assert ticket.ticket_nonce == b"\0\0"
    assert ticket.ticket in played(RESUMED).messages[0][1]


def test_what_the_server_asked_for_is_read() -> None:
    """Section 6: the CertificateRequest names no issuers, and the schemes of the hello."""
    (asked,) = [one.item for one in read(AUTHENTICATED, played(AUTHENTICATED).key_log)
                if isinstance(one.item, CertificateRequest)]  # fmt: skip
    assert asked.authorities == ()
    assert asked.types == ()
    assert asked.schemes[:4] == (0x0403, 0x0503, 0x0603, 0x0203)
    assert len(asked.schemes) == 15


def test_the_trace_of_client_authentication_is_told() -> None:
    """With the key log, who asked, who sent which certificate, and that it was proved."""
    trace = told(AUTHENTICATED, played(AUTHENTICATED).key_log)
    assert trace.sent_certificate is True
    assert trace.proved
    assert trace.asked is not None
    assert trace.client_chain is not None
    assert trace.server_chain is not None
    assert [str(one.key) for one in (*trace.server_chain, *trace.client_chain)] == [
        "EC P-256",
        "RSA 1024",
    ]
    assert all(one.expected for one in trace.events)


@every_trace
def test_every_message_of_the_standard_is_in_its_place(section: str) -> None:
    """No message of the five traces is called unexpected, with a key log or without one."""
    for log in (played(section).key_log, []):
        trace = told(section, log)
        assert [one.name for one in trace.events if not one.expected] == []
        assert trace.tls == "1.3"
        assert trace.resumed is (section == RESUMED)


@every_trace
def test_sizes_alone_never_contradict_the_key_log(section: str) -> None:
    """What is inferred without the key log is what the key log shows, or is not said."""
    opened = told(section, played(section).key_log)
    inferred = told(section, []).inferred
    assert inferred is not None
    assert inferred.sent_certificate in {None, bool(opened.sent_certificate)}
    assert inferred.asked in {None, opened.asked is not None}


@every_trace
def test_the_keys_of_another_trace_open_nothing(section: str) -> None:
    """A key log of the other traces leaves every sealed record sealed, and says why."""
    others = [line for other in NUMBERS if other != section for line in played(other).key_log]
    found = read(section, others)
    assert not any(one.sealed and not isinstance(one.item, Hidden) for one in found)
    notes = {one.item.note for one in found if isinstance(one.item, Hidden)}
    early = {"Early data, sealed with a key of an earlier session."}
    assert notes - early == {"The key log holds no secret of this connection."}


@every_trace
def test_a_record_that_was_changed_stays_hidden(section: str) -> None:
    """One bit of a sealed record is enough: it is not opened, and nothing is made up."""
    changed = next(at for at, (_, data) in enumerate(records(section)) if data[0] == 23)
    conversation = Conversation(played(section).key_log)
    for number, (side, data) in enumerate(records(section)):
        bent = data[:-1] + bytes([data[-1] ^ 1]) if number == changed else data
        found = conversation.feed(side, bent)
        if number == changed:
            assert [type(one.item) for one in found] == [Hidden]


def test_the_hellos_of_the_standard_are_told() -> None:
    """Server name, groups and the client's random are read from each ClientHello."""
    for section in STORY:
        hello = read(section, [])[0].item
        assert hello.server_name == "server"
        assert hello.random == played(section).random
        sent = [whole for _, whole, _ in played(section).messages if whole[0] == CLIENT_HELLO]
        assert len(sent) == (2 if section == RETRIED else 1)


def test_the_retry_names_the_group_and_the_second_hello_follows_it() -> None:
    """Section 5: P-256 is asked for, a cookie is given, and both come back."""
    found = [one.item for one in read(RETRIED, [])[:3]]
    assert found[1].group == 0x0017
    assert found[1].extension(44).data == found[2].extension(44).data
    assert [one.group for one in found[2].key_shares] == [0x0017]


def test_no_certificate_is_seen_where_none_was_sent() -> None:
    """Of the five traces only one shows a certificate of the client's."""
    senders = {
        section: {one.sender for one in read(section, played(section).key_log)
                  if isinstance(one.item, Certificate)}
        for section in STORY
    }  # fmt: skip
    assert senders == {
        SIMPLE: {"server"},
        RESUMED: set(),
        RETRIED: {"server"},
        AUTHENTICATED: {"server", "client"},
        COMPATIBLE: {"server"},
    }
