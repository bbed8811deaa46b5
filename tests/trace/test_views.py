"""Several views of one connection are one connection: nothing is counted twice or silenced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.lab import pki
from mtlskit.material import Because, Source, Target
from mtlskit.trace.at_hand import joined
from mtlskit.trace.events import Asked, Ended, Event, Symptom, Trace
from mtlskit.trace.printed import PrintedCertificate
from mtlskit.trace.tell import facts
from mtlskit.trace.views import as_one, together

HELLO, ANSWER = bytes(range(32)), bytes(range(32, 64))


def ended(outcome: str, by: str | None = None, alert: int | None = None, name: str = "") -> Ended:
    because = Because(f"{outcome} by {by}", Source(f"{outcome}-{by}"))
    symptom = Symptom(alert=alert, name=name or None)
    return Ended(outcome, by, None, symptom, (because,))  # type: ignore[arg-type]  # as its words are


def view(name: str, outcome: Ended | None = None, **parts: object) -> Trace:
    events = tuple(Event("client", "message", "ClientHello", Source(name)) for _ in range(2))
    blank = Trace(Source(name), None, events, outcome or ended("undecided"))
    return replace(blank, **parts)  # type: ignore[arg-type]  # whatever a test needs


def certificate() -> Certificate:
    issued = pki.Authority.root("A root").issue("a client")
    return read_certificate(issued.certificate.public_bytes(Encoding.DER), Source("c.pem"))


def test_views_with_the_same_random_are_one_connection() -> None:
    """The client's random tells a connection from all others, and so does the server's."""
    one = view("a.pcap", randoms=(HELLO, ANSWER))
    by_client = view("client.log", randoms=(HELLO, None), seen_by="client")
    by_server = view("server.log", randoms=(None, ANSWER), seen_by="server")
    other = view("a.pcap", randoms=(ANSWER, HELLO))
    for order in permutations((one, by_client, by_server, other)):
        found = together(order)
        assert sorted(len(each.sources) for each in found) == [1, 3]
        assert next(each for each in found if not each.views) is other


def test_what_tells_nothing_of_itself_is_never_joined() -> None:
    """Two connections of which neither random nor caller is known may be two."""
    assert len(together([view("a.log"), view("b.log"), view("b.log")])) == 3


def test_the_callers_address_and_port_join_what_has_no_random() -> None:
    """A server's log that names the client's port tells of the captured connection."""
    wire = view("a.pcap", own="10.0.0.1:50000", randoms=(HELLO, ANSWER), target=Target("s", 443))
    logged = view("server.log", ended("refused", "server"), caller="10.0.0.1:50000")
    (found,) = together([wire, logged])
    assert found.ended.refused_by == "server"
    assert found.target == Target("s", 443)
    assert [one.name for one in found.sources] == ["a.pcap", "server.log"]


@pytest.mark.parametrize(
    "other",
    [
        view("server.log", caller="10.0.0.1:50001"),
        view("server.log", caller="10.0.0.1:50000", tls="1.2"),
        view("server.log", caller="10.0.0.1:50000", server_name="other"),
        view("server.log", caller="10.0.0.1:50000", randoms=(ANSWER, None)),
        view("server.log", caller="10.0.0.1:50000", peer="10.0.0.9:8443"),
    ],
    ids=["port", "version", "name", "random", "called"],
)
def test_the_same_caller_with_something_else_is_another_connection(other: Trace) -> None:
    """A port is used again: what differs in anything that cannot differ is not joined."""
    wire = view("a.pcap", own="10.0.0.1:50000", tls="1.3", server_name="s", peer="10.0.0.2:443",
                randoms=(HELLO, ANSWER))  # fmt: skip
    assert len(together([wire, other])) == 2


def test_a_port_that_one_file_has_twice_joins_nothing() -> None:
    """Which of the two the other file means cannot be told."""
    wire = [view("a.pcap", own="10.0.0.1:50000", randoms=(bytes([n]) * 32, None)) for n in (1, 2)]
    logged = view("server.log", caller="10.0.0.1:50000")
    assert len(together([*wire, logged])) == 3
    assert files(wire[0], logged, logged) == ["a.pcap", "server.log", "server.log"]


def files(*views: Trace) -> list[str]:
    """Tell in which files each connection was found; in whatever order they are given, the same."""
    found = [
        sorted(" ".join(sorted(one.name for one in each.sources)) for each in together(order))
        for order in permutations(views)
    ]
    assert all(one == found[0] for one in found)
    return found[0]


def test_the_same_hello_answered_otherwise_is_another_connection() -> None:
    """A hello can be sent again, or copied: another answer is another connection."""
    first = view("a", randoms=(HELLO, bytes(32)))
    second = view("b", randoms=(HELLO, ANSWER))
    assert files(first, second) == ["a", "b"]
    assert files(first, view("c", randoms=(HELLO, first.randoms[1]))) == ["a c"]
    unanswered = view("c", randoms=(HELLO, None), seen_by="client")
    assert files(first, unanswered) == ["a c"]
    assert files(first, second, unanswered) == ["a", "b", "c"]
    assert files(first, second, unanswered, replace(first, source=Source("d"))) == ["a d", "b", "c"]


def test_a_hello_that_was_sent_again_began_another_connection() -> None:
    """One capture with the same hello twice and no answer shows two connections."""
    again = [view("a", randoms=(HELLO, None), own=f"1.1.1.1:{port}") for port in (1, 2)]
    assert files(*again) == ["a", "a"]
    assert files(*again, view("c", randoms=(HELLO, None), seen_by="server")) == ["a", "a", "c"]


def test_both_sides_of_a_load_balancer_are_one_connection() -> None:
    """It passed both hellos on, so the client and the server are at the ends of one connection."""
    legs = [view("a", randoms=(HELLO, ANSWER), own=f"1.1.1.1:{port}") for port in (1, 2)]
    assert files(*legs) == ["a a"]


def test_both_logs_of_one_program_are_one_connection() -> None:
    """A client and a server that write into one file tell of the same hello."""
    sides = [view("a", randoms=(HELLO, None), seen_by=side) for side in ("client", "server")]
    assert files(*sides) == ["a a"]


APRIL = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"began": datetime(2026, 4, 1, 12, 9, tzinfo=UTC)}, True),
        ({"began": datetime(2026, 4, 1, 13, tzinfo=UTC)}, False),
        ({"began": datetime(2026, 4, 2, 12, tzinfo=UTC)}, False),
        ({"clock": "Thu Apr 02 01:59:00.123456 2026"}, True),
        ({"clock": "2026/04/01 12:00:00"}, True),
        ({"clock": "02/Apr/2026:03:00:00.100"}, False),
        ({"clock": "Fri Apr 03 12:00:00 2026"}, False),
        ({"clock": "2026-03-31 12:00:00"}, False),
        ({"clock": "noon"}, True),
        ({}, True),
    ],
    ids=lambda one: " ".join(map(str, one.values())) if isinstance(one, dict) else None,
)
def test_the_same_port_at_another_time_is_another_connection(
    other: dict[str, Any],
    same: bool,  # noqa: FBT001 - what is expected
) -> None:
    """A port is used again; a time without a zone may be that of any."""
    wire = view("a.pcap", own="1.1.1.1:1", began=APRIL)
    assert (len(files(wire, replace(view("b.log", caller="1.1.1.1:1"), **other))) == 1) is same


def test_a_log_of_two_days_is_joined_on_the_right_one() -> None:
    """The other connection from the same port does not keep this one from being joined."""
    days = [view("b.log", caller="1.1.1.1:1", clock=f"2026-04-0{day} 12:00:00") for day in (1, 5)]
    assert files(view("a.pcap", own="1.1.1.1:1", began=APRIL), *days) == ["a.pcap b.log", "b.log"]


def test_two_logs_without_a_zone_can_be_a_day_apart() -> None:
    """One may be that of Kiribati, the other that of Hawaii; no two are further apart."""
    one = view("a.log", caller="1.1.1.1:1", clock="2026-04-01 12:00:00")
    assert files(one, replace(one, source=Source("b"), clock="2026-04-02 14:00:00")) == ["a.log b"]
    late = replace(one, source=Source("b"), clock="2026-04-02 15:00:00")
    assert files(one, late) == ["a.log", "b"]


def test_what_is_known_of_one_view_counts_for_all_joined_with_it() -> None:
    """A log that contradicts another view of a connection is not of that connection."""
    wire = view("a.pcap", own="1.1.1.1:1", randoms=(HELLO, None))
    client = view("b.log", randoms=(HELLO, ANSWER), seen_by="client")
    server = view("c.log", caller="1.1.1.1:1", randoms=(None, HELLO), seen_by="server")
    assert files(wire, client, server) == ["a.pcap b.log", "c.log"]


def test_what_may_be_of_either_of_two_joins_neither() -> None:
    """A log that fits two connections that differ does not make them one."""
    wires = [view(f"{tls}.pcap", own="1.1.1.1:1", tls=tls) for tls in ("1.2", "1.3")]
    log = view("b.log", caller="1.1.1.1:1")
    assert files(*wires, log) == ["1.2.pcap", "1.3.pcap", "b.log"]


def test_an_alert_on_the_wire_is_surer_than_one_in_a_log() -> None:
    """However much a log tells, who refused whom is told by the bytes."""
    wire = view("a.pcap", ended("refused", "server", 42, "bad_certificate"), randoms=(HELLO, None))
    log = view("b.log", ended("refused", "client", 46, "certificate_unknown"), tls="1.2",
               seen_by="client", randoms=(HELLO, None), client_chain=())  # fmt: skip
    (found,) = together([log, wire])
    assert (found.ended.refused_by, found.ended.symptom.alert) == ("server", 42)


def test_a_capture_that_ends_early_hides_no_less_than_a_log() -> None:
    """That a capture without the server's flight shows no request says nothing of it."""
    wire = view("a.pcap", randoms=(HELLO, None))
    log = view("b.log", randoms=(HELLO, None), asking_hidden=True, seen_by="client", tls="1.2")
    assert together([wire, log])[0].asking_hidden
    assert not together([replace(wire, tls="1.2"), log])[0].asking_hidden


def test_an_alert_of_another_view_stands_before_the_end() -> None:
    """Nothing is said on a connection after it was closed."""
    close = Event("server", "close", "closed the connection", Source("a.pcap"))
    alert = Event("server", "alert", "bad_certificate", Source("b.log"))
    wire = view("a.pcap", randoms=(HELLO, None))
    wire = replace(wire, events=(*wire.events, close))
    log = replace(view("b.log", randoms=(HELLO, None)), events=(alert,))
    assert together([wire, log])[0].events == (*wire.events[:-1], alert, close)


def test_what_one_view_hides_is_told_from_the_other() -> None:
    """Each fact comes from the view that has it, with that view's own source."""
    asked = Asked(("CN=A root",), (), ("ed25519",), (), Source("client.log", ("line 40",)))
    sent = certificate()
    wire = view("a.pcap", randoms=(HELLO, ANSWER), tls="1.3", asking_hidden=True, tickets=2,
                target=Target("s", 443), began=datetime(2026, 11, 24, tzinfo=UTC))  # fmt: skip
    client = view("client.log", randoms=(HELLO, None), seen_by="client", asked=asked,
                  clock="2026-11-24 01:00:00 CET", cipher="TLS_AES_128_GCM_SHA256")  # fmt: skip
    server = view("server.log", ended("refused", "server", 42, "bad_certificate"), seen_by="server",
                  randoms=(HELLO, None), client_chain=(sent,), proved=True)  # fmt: skip
    (found,) = together([wire, client, server])
    assert (found.tls, found.cipher, found.tickets) == ("1.3", "TLS_AES_128_GCM_SHA256", 2)
    assert found.asked is asked
    assert not found.asking_hidden
    assert found.client_chain == (sent,)
    assert found.proved
    assert found.began == wire.began
    assert found.seen_by is None
    assert found.ended.symptom.name == "bad_certificate"
    assert ("Shown by", "a.pcap; client.log; server.log") in facts(found)


def test_where_one_view_shows_that_nothing_was_asked_nothing_is_hidden() -> None:
    """A log with the whole flight tells what the capture could not."""
    wire = view("a.pcap", randoms=(HELLO, None), asking_hidden=True)
    log = view("client.log", randoms=(HELLO, None), asking_hidden=False, seen_by="client")
    assert not together([wire, log])[0].asking_hidden


def test_where_two_views_differ_both_are_told() -> None:
    """Each statement stands in the reasons with the place where it was seen."""
    client = view("client.log", ended("refused", "client", 46, "certificate_unknown"),
                  seen_by="client", randoms=(HELLO, None), tls="1.2")  # fmt: skip
    server = view("server.log", ended("refused", "server", 42, "bad_certificate"),
                  seen_by="server", randoms=(HELLO, None), tls="1.3", client_chain=())  # fmt: skip
    for order in ((client, server), (server, client)):
        (found,) = together(order)
        told = " / ".join(map(str, found.ended.because))
        assert "the client refused the server" in told
        assert "the server refused the client" in told
        assert "bad_certificate" in told
        assert "certificate_unknown" in told
        assert "the TLS version was" in told
        assert "client.log" in told
        assert "server.log" in told


def test_views_that_agree_are_not_called_different() -> None:
    """The same refusal, seen twice, is told with both sources and no difference."""
    refused = ended("refused", "server", 42, "bad_certificate")
    suites = (("a.pcap", "TLS_AES_128_GCM_SHA256"), ("b", "AES128-GCM"))
    both = [view(name, refused, randoms=(HELLO, None), cipher=suite) for name, suite in suites]
    told = " ".join(map(str, together(both)[0].ended.because))
    assert "differ" not in told


def test_an_alert_that_only_one_view_shows_is_that_of_the_refusal() -> None:
    """A capture without keys sees the end, the log its alert."""
    wire = view("a.pcap", ended("refused", "server"), randoms=(HELLO, None), tls="1.3")
    log = view("b.log", ended("refused", "server", 48, "unknown_ca"), randoms=(HELLO, None))
    assert together([wire, log])[0].ended.symptom.name == "unknown_ca"


def test_printed_certificates_of_a_view_become_the_real_ones() -> None:
    """A joined connection is held against what is at hand as each of its views is."""
    sent = certificate()
    printed = PrintedCertificate(Source("b.log"), sent.subject, sent.issuer, sent.serial)
    wire = view("a.pcap", randoms=(HELLO, None))
    log = view("b.log", randoms=(HELLO, None), seen_by="client", client_printed=(printed,))
    both = as_one([wire, log])
    assert both.client_chain is None
    again = joined(both, (sent,))
    assert again.client_chain == (replace(sent, source=Source("b.log")),)
    assert again.sources == both.sources


@given(
    st.lists(
        st.tuples(st.sampled_from([None, HELLO, ANSWER]), st.sampled_from([None, "1.1.1.1:1"])),
        max_size=7,
    )
)
def test_no_view_is_lost_or_told_twice(parts: list[tuple[bytes | None, str | None]]) -> None:
    """Whatever is joined, every view is in exactly one connection."""
    views = [
        view(f"file {number}", randoms=(random, None), own=own)
        for number, (random, own) in enumerate(parts)
    ]
    found = together(views)
    shown = sorted(source.name for one in found for source in one.sources)
    assert shown == sorted(one.source.name for one in views)
