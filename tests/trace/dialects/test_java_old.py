from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Source
from mtlskit.trace.dialects import java
from mtlskit.trace.events import Trace

SAMPLE = Path(__file__).parent / "java" / "java7-tls1.2-none.client.log"
SOURCE = Source("old.log")
LEAF = """\
*** Certificate chain
chain [0] = [
[
  Version: V3
  Subject: CN=Client, O=Example, C=US
  Issuer: CN=Example Root CA, O=Example Partner, C=US
  SerialNumber: [    51a85f41 0a]
  Validity: [From: Fri May 31 10:28:49 CEST 2013,
               To: Sun May 31 10:28:49 CEST 2043]
]
***"""
NONE = "*** Certificate chain\n<Empty>\n***"
VERIFY = "*** CertificateVerify\nSignature Algorithm SHA512withRSA"
FINISHED = "*** Finished\nverify_data:  { 12, 13 }\n***"
HELLO = "*** ClientHello, TLSv1.2\nSession ID:  {}\n***"
FLIGHT = """\
*** ServerHello, TLSv1.2
Session ID:  {1, 2, 3}
Cipher Suite: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256
***
*** Certificate chain
chain [0] = [
  Subject: CN=partner.example.com
]
***
*** ECDH ServerKeyExchange
*** CertificateRequest
Cert Types: RSA, ECDSA
Cert Authorities:
<CN=Example Root CA, O=Example Partner, C=US>
*** ServerHelloDone"""
KEY = "*** ECDHClientKeyExchange\nECDH Public value:  { 4, 12 }"


def client(sent: str, *end: str, thread: str = "main") -> list[str]:
    """A client's log of one connection up to its Finished, and what came after."""
    parts = [
        *(HELLO, "T, WRITE: TLSv1.2 Handshake, length = 225"),
        *("T, READ: TLSv1.2 Handshake, length = 81", FLIGHT, sent, KEY),
        *("T, WRITE: TLSv1.2 Handshake, length = 77", VERIFY if sent == LEAF else "%% x"),
        *("T, WRITE: TLSv1.2 Change Cipher Spec, length = 1", FINISHED, *end),
    ]
    return re.sub(r"^T, ", f"{thread}, ", "\n".join(parts), flags=re.MULTILINE).split("\n")


def server(sent: str, *end: str) -> list[str]:
    """A server's log of one connection."""
    read = "exec-1, READ: TLSv1.2 Handshake, length = 300"
    write = "exec-1, WRITE: TLSv1.2 Handshake, length = 900"
    return "\n".join([read, HELLO, FLIGHT, write, read, sent, *end]).split("\n")


DONE = (
    "main, READ: TLSv1.2 Change Cipher Spec, length = 1",
    "main, READ: TLSv1.2 Handshake, length = 96",
    FINISHED,
    "%% Cached client session: [Session-1, TLS]",
)
REFUSED = (
    "main, READ: TLSv1.2 Alert, length = 2",
    "main, RECV TLSv1.2 ALERT:  fatal, bad_certificate",
    "main, called closeSocket()",
    "main, handling exception: javax.net.ssl.SSLException: Received fatal alert: bad_certificate",
)


def one(lines: Sequence[str]) -> Trace:
    (trace,) = java.read(lines, SOURCE)
    return trace


def facts(trace: Trace) -> tuple[object, ...]:
    ended = trace.ended
    sent = trace.client_printed
    return (
        trace.seen_by,
        ended.outcome,
        ended.refused_by,
        ended.symptom.name,
        None if sent is None else len(sent),
    )


def test_a_client_that_sent_none_is_told() -> None:
    """The hand-made sample: asked by two issuers, sent none, refused by the server."""
    trace = one(SAMPLE.read_text(encoding="utf-8").split("\n"))
    assert facts(trace) == ("client", "refused", "server", "bad_certificate", 0)
    assert trace.server_name == "partner.example.com"
    assert trace.asked is not None
    assert trace.asked.authorities[1] == 'CN=Other Root, O="Example, Inc.", C=DE'
    assert trace.asked.types == ("RSA", "DSS", "ECDSA")
    assert trace.server_printed is not None
    assert trace.server_printed[0].serial == 0x51A85F41
    assert trace.server_printed[0].eku == ("serverAuth",)


def test_a_client_that_was_done_is_told() -> None:
    """Both Finished were seen, and the key was proved; what was answered is not in the log."""
    trace = one(client(LEAF, *DONE))
    assert facts(trace) == ("client", "undecided", None, None, 1)
    assert trace.ended.stage == "after-handshake"
    assert trace.proved
    assert trace.client_printed is not None
    assert trace.client_printed[0].serial == 0x51A85F410A


def test_the_alert_has_a_side() -> None:
    """RECV is the peer's refusal, SEND is one's own."""
    sent = "main, SEND TLSv1.2 ALERT:  fatal, description = certificate_unknown"
    assert facts(one(client(LEAF, *REFUSED)))[2] == "server"
    assert facts(one(client(LEAF, sent)))[2] == "client"


def test_collapsed_blanks_change_nothing() -> None:
    """A log that was pasted through a chat tells the same."""
    lines = client(NONE, *REFUSED)
    pasted = [re.sub(r"[ \t]+", " ", line).strip() for line in lines]
    assert facts(one(pasted)) == facts(one(lines))


def test_a_lost_alert_is_the_end_of_tcp() -> None:
    """What Java sends after a broken pipe reached nobody."""
    end = (
        "main, handling exception: java.net.SocketException: Broken pipe",
        "main, SEND TLSv1.2 ALERT:  fatal, description = unexpected_message",
        "main, Exception sending alert: java.net.SocketException: Broken pipe",
    )
    trace = one(client(NONE, *end))
    assert facts(trace) == ("client", "refused", "server", None, 0)
    assert trace.ended.symptom.tcp == "reset"


def test_a_server_that_got_none_is_told() -> None:
    """A server reads the ClientHello first, so it is the server's log."""
    end = (
        "exec-1, fatal error: 42: null cert chain",
        "exec-1, SEND TLSv1.2 ALERT:  fatal, description = bad_certificate",
    )
    assert facts(one(server(NONE, *end))) == ("server", "refused", "server", "bad_certificate", 0)


def test_an_eof_that_was_ignored_ends_nothing() -> None:
    """`received EOFException: ignored` stands after every closed connection."""
    trace = one(client(LEAF, *DONE, "main, received EOFException: ignored"))
    assert trace.ended.stage == "after-handshake"
    assert trace.ended.symptom.tcp is None


def test_two_connections_at_once_are_in_doubt() -> None:
    """Blocks do not name their thread: of two connections at once only the alerts are told."""
    first = client(NONE, *REFUSED, thread="A")
    second = client(LEAF, *DONE, thread="B")
    mixed = [line for pair in zip(first, second, strict=False) for line in pair]
    for trace in java.read(mixed, SOURCE):
        assert trace.ended.outcome in ("undecided", "refused")
        assert trace.client_printed is None


@pytest.mark.parametrize("before", ["2013-05-31 10:28:49,{:03} INFO  [STDOUT] ", "[{:08}] - "])
def test_another_loggers_words_before_each_line_change_nothing(before: str) -> None:
    """A log that went through another logger tells the same."""
    lines = client(LEAF, *REFUSED)
    wrapped = [before.format(number) + line for number, line in enumerate(lines)]
    assert facts(one(wrapped)) == facts(one(lines))


@given(st.sampled_from([LEAF, NONE]), st.floats(0, 1), st.floats(0, 1))
def test_a_part_tells_no_more_than_the_whole(sent: str, start: float, end: float) -> None:
    """Wherever such a log is cut, what is told was in the whole."""
    lines = client(sent, *REFUSED)
    whole = facts(one(lines))
    low, high = sorted((int(start * len(lines)), int(end * len(lines))))
    for part in (lines[low:], lines[:high], lines[low:high]):
        for trace in java.read(part, SOURCE):
            side, outcome, *others = facts(trace)
            assert side in ("client", None)
            assert outcome in ("undecided", whole[1])
            assert all(
                mine is None or mine == theirs
                for mine, theirs in zip(others, whole[2:], strict=True)
            )


def test_a_refusal_without_its_handshake_is_told_by_its_words() -> None:
    """The last lines of such a log tell the alert, though not what went before."""
    trace = one(REFUSED)
    assert trace.ended.outcome == "refused"
