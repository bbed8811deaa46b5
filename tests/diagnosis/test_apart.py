"""What separates causes that look alike: the server's software."""

from __future__ import annotations

import mtlskit
from mtlskit.diagnosis.apart import STACKS, by_server
from mtlskit.diagnosis.habits import measured_stacks
from mtlskit.material import Because, Source
from mtlskit.trace.events import Ended, Symptom


def test_every_name_is_measured() -> None:
    """Each software that is named begins the name of one that was measured."""
    assert all(any(one.startswith(begin) for one in measured_stacks()) for begin in STACKS)


def test_bad_certificate_means_another_thing_at_each_server() -> None:
    """OpenSSL says it of a certificate that is not valid yet, Java where none was sent."""
    report = mtlskit.explain("Received fatal alert: bad_certificate", seen_by="client")
    told = by_server(report.case.trace.ended, report.opinions)
    named = {name: one.causes[0] for one in told for name in one.servers}
    assert named["OpenSSL's own server"] == "client.not-yet-valid"
    assert named["Java"] == "client.no-identity"
    assert "What separates them" in str(report)
    assert [set(one["servers"]) for one in report.json()["by_server"]] == [
        set(one.servers) for one in told
    ]


def test_where_the_server_is_known_nothing_is_separated() -> None:
    """The order of the causes is that server's already."""
    report = mtlskit.explain("Received fatal alert: bad_certificate", stack="java")
    assert "What separates them" not in str(report)


def test_a_server_that_never_answers_so_is_not_named() -> None:
    """No measured server sends this alert for any of the causes."""
    because = (Because("it was seen", Source("here")),)
    symptom = Symptom(alert=60, name="export_restriction", tls="1.3")
    ended = Ended("refused", "server", "after-handshake", symptom, because)
    opinions = mtlskit.explain("Received fatal alert: bad_certificate").opinions
    assert by_server(ended, opinions) == ()
