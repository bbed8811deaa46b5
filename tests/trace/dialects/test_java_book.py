"""Which connection an entry of a Java log speaks of, where several are told at once."""

from __future__ import annotations

import pytest

from mtlskit.material import Source
from mtlskit.trace.dialects import java
from mtlskit.trace.events import Trace

ENGINE, SOCKET = "SSLEngineOutputRecord.java", "SSLSocketOutputRecord.java"
FATAL = ('"Alert": {', '  "level"      : "fatal",', '  "description": "bad_certificate"', "}")
NONE = ('"Certificates": <empty list>',)


def entry(thread: str, text: str, *body: str, file: str = "Any.java") -> list[str]:
    """One entry of the log, with its block if it has one."""
    number = f"{ord(thread[-1]):02X}"
    head = f"javax.net.ssl|DEBUG|{number}|{thread}|2026-11-24 04:00:00.000 UTC|{file}:1|{text}"
    return [f"{head} (", *body, ")"] if body else [head]


def written(thread: str, file: str) -> list[str]:
    """An entry by which the log tells whether sockets or engines do the work."""
    return entry(thread, "WRITE: TLSv1.2 handshake, length = 89", file=file)


def says(thread: str, did: str, message: str, *body: str) -> list[str]:
    return entry(thread, f"{did} {message} handshake message", *(body or ("<empty>",)))


def server(thread: str, issuer: str, file: str = ENGINE) -> list[str]:
    """A server's connection up to where it waits for the client's certificate."""
    asked = ('"CertificateRequest": {', f'  "certificate authorities": [CN={issuer}]', "}")
    return [
        *says(thread, "Consuming", "ClientHello"),
        *written(thread, file),
        *entry(thread, "Negotiated protocol version: TLSv1.2"),
        *says(thread, "Produced", "ServerHello"),
        *says(thread, "Produced", "server Certificate"),
        *says(thread, "Produced", "CertificateRequest", *asked),
        *says(thread, "Produced", "ServerHelloDone"),
    ]


def client(thread: str, file: str = ENGINE) -> list[str]:
    """A client's connection up to where it has said its hello, and heard the answer."""
    return [
        *says(thread, "Produced", "ClientHello"),
        *written(thread, file),
        *says(thread, "Consuming", "ServerHello"),
        *entry(thread, "Negotiated protocol version: TLSv1.2"),
    ]


def told(*parts: list[str]) -> tuple[Trace, ...]:
    return java.read([line for part in parts for line in part], Source("log"))


def names(trace: Trace) -> list[str]:
    return [one.name for one in trace.events if one.kind == "message"]


def test_a_call_within_a_call_leaves_the_outer_one_alone() -> None:
    """A server that calls somebody in the midst of a handshake goes on with its own afterwards."""
    outer, inner = told(
        says("t1", "Consuming", "ClientHello"),
        entry("t1", "Negotiated protocol version: TLSv1.2"),
        says("t1", "Produced", "ServerHello"),
        client("t1"),
        says("t1", "Produced", "server Certificate"),
        says("t1", "Produced", "ServerHelloDone"),
    )
    assert (outer.seen_by, inner.seen_by) == ("server", "client")
    assert names(outer) == ["ClientHello", "ServerHello", "Certificate", "ServerHelloDone"]
    assert names(inner) == ["ClientHello", "ServerHello"]


def test_what_two_unlike_engines_wait_for_is_given_to_neither() -> None:
    """A third thread takes a message up, and both are in doubt from there on."""
    found = told(
        server("t1", "One"),
        server("t2", "Two"),
        says("t3", "Consuming", "client Certificate", *NONE),
    )
    assert [one.client_chain for one in found[:2]] == [None, None]
    assert [one.ended.outcome for one in found[:2]] == ["undecided", "undecided"]
    for one in found[:2]:
        assert "overlap here" in one.ended.because[0].text


def test_what_two_engines_wait_for_that_are_alike_is_given_to_one() -> None:
    """It makes no difference which."""
    found = told(
        server("t1", "One"),
        server("t2", "One"),
        says("t3", "Consuming", "client Certificate", *NONE),
    )
    assert sorted(one.client_chain is None for one in found) == [False, True]
    assert not [one for one in found if "overlap" in one.ended.because[0].text]


def test_sockets_are_never_in_doubt() -> None:
    """A thread has one handshake at a socket; another thread's message is of another one."""
    found = told(
        server("t1", "One", SOCKET),
        server("t2", "Two", SOCKET),
        says("t1", "Consuming", "client Certificate", *NONE),
    )
    assert [one.client_chain for one in found] == [(), None]
    assert not [one for one in found if "overlap" in one.ended.because[0].text]


ALERT = "Received alert message"


def test_an_alert_that_either_of_two_may_have_met_is_given_to_neither() -> None:
    """Both engines stopped there, and the log does not tell which of them was refused."""
    found = told(server("t1", "One"), server("t2", "Two"), entry("t1", ALERT, *FATAL))
    assert [one.ended.refused_by for one in found] == [None, None]
    assert [one.ended.symptom.alert for one in found] == [None, None]


@pytest.mark.parametrize(
    ("going_on", "refused"),
    [
        (("client Certificate", *NONE), ["client", None]),
        (("client Finished",), [None, "client"]),
    ],
)
def test_an_alert_is_of_the_one_that_did_not_go_on(
    going_on: tuple[str, ...], refused: list[str | None]
) -> None:
    """Whichever thread had taken it up, and whichever takes up what follows."""
    found = told(
        server("t2", "Two"),
        says("t2", "Consuming", "client Certificate", *NONE),
        says("t2", "Consuming", "ECDHE ClientKeyExchange"),
        server("t1", "One"),
        entry("t1", ALERT, *FATAL),
        says("t2", "Consuming", *going_on),
    )
    assert [one.ended.refused_by for one in found[:2]] == refused


def test_an_alert_at_a_socket_is_of_its_own_thread() -> None:
    """However many others wait at theirs."""
    found = told(
        server("t1", "One", SOCKET), server("t2", "Two", SOCKET), entry("t1", ALERT, *FATAL)
    )
    assert [one.ended.refused_by for one in found] == ["client", None]


def test_an_alert_that_was_written_after_the_end_refuses_nobody() -> None:
    """The other side had left, and Java complains of it on a connection that is no more."""
    eof = ('"throwable" : {', "  javax.net.ssl.SSLHandshakeException: x", "}")
    (trace,) = told(
        client("t1"),
        entry("t1", "Fatal (HANDSHAKE_FAILURE): Remote host terminated the handshake", *eof),
        entry("t1", "WRITE: TLSv1.2 alert(handshake_failure), length = 2"),
    )
    assert trace.ended.refused_by != "client"
    assert not [one for one in trace.events if one.kind == "alert"]


def test_an_alert_that_was_written_before_any_end_is_ours() -> None:
    """It is the only trace that some logs have of our own refusal."""
    (trace,) = told(
        client("t1"), entry("t1", "WRITE: TLSv1.2 alert(certificate_unknown), length = 2")
    )
    assert (trace.ended.refused_by, trace.ended.symptom.alert) == ("client", 46)


@pytest.mark.parametrize(("name", "level"), [("close_notify", "warning"), ("unknown_ca", "fatal")])
def test_a_goodbye_is_no_fatal_alert(name: str, level: str) -> None:
    """The log of what is written names no level."""
    (trace,) = told(client("t1"), entry("t1", f"WRITE: TLSv1.2 alert({name}), length = 2"))
    (alert,) = [one for one in trace.events if one.kind == "alert"]
    assert (alert.name, alert.note.partition(":")[0]) == (name, level)


def test_a_server_that_complains_of_an_empty_chain_was_sent_none() -> None:
    """Though the log is without the client's message."""
    (trace,) = told(
        server("t1", "One"),
        entry("t1", "Fatal (BAD_CERTIFICATE): Empty client certificate chain"),
    )
    assert trace.client_chain == ()
    assert trace.ended.refused_by == "server"


def test_the_end_of_a_connection_alone_accuses_nobody_here() -> None:
    """Within an application's log, without its handshake."""
    assert told(entry("t1", "Fatal (UNEXPECTED_MESSAGE): Broken pipe")) == ()
    (one,) = told(entry("t1", "Fatal (BAD_CERTIFICATE): Received fatal alert: bad_certificate"))
    assert one.ended.outcome == "refused"
