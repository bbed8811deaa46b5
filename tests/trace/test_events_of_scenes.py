"""Every scene of the lab, traced live: the ending is the one that the scene declares."""

from collections.abc import Callable

import pytest

from mtlskit.lab import scenes
from mtlskit.report import Report

ReportOf = Callable[[str, str], Report]


BOTH = [(scene, tls) for scene in scenes.SCENES for tls in ("1.2", "1.3")]


@pytest.mark.parametrize(("scene", "tls"), BOTH, ids=str)
def test_a_scene_ends_as_it_declares(report_of: ReportOf, scene: str, tls: str) -> None:
    """Outcome, refusing side, stage, alert and HTTP status are read off the wire as declared."""
    declared = scenes.SCENES[scene]
    ended = report_of(scene, tls).case.trace.ended
    assert (ended.outcome, ended.refused_by, ended.stage) == (
        declared.outcome,
        declared.refused_by,
        declared.stage[tls],
    )
    assert ended.symptom.http == declared.http
    if ended.refused_by == "server":
        assert ended.symptom.alert == declared.alert[tls]
    assert ended.because
    assert all(one.source is not None for one in ended.because)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_what_was_asked_and_sent_is_read_from_the_messages(report_of: ReportOf, tls: str) -> None:
    """The CA list and the client's chain stand in the trace, each with its place."""
    trace = report_of("client.chain-incomplete", tls).case.trace
    assert trace.tls == tls
    assert trace.asked is not None
    assert len(trace.asked.authorities) == len(trace.asked.authorities_der) > 0
    assert len(trace.client_chain) == 1
    assert "client record" in str(trace.client_chain[0].source)
    assert trace.proved


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_an_empty_certificate_message_is_told_apart_from_none_seen(
    report_of: ReportOf, tls: str
) -> None:
    """A client without an identity sends an empty message; one that was not asked sends none."""
    assert report_of("client.no-identity", tls).case.trace.client_chain == ()
    assert report_of("server.does-not-ask", tls).case.trace.client_chain is None
    assert report_of("server.does-not-ask", tls).case.trace.asked is None


def test_a_late_refusal_stands_after_the_finished_of_both_sides(report_of: ReportOf) -> None:
    """In TLS 1.3 the server's alert comes after the client's Finished, and the ladder shows so."""
    trace = report_of("client.expired", "1.3").case.trace
    names = [(one.sender, one.name) for one in trace.events]
    assert names.index(("client", "Finished")) < names.index(("server", "certificate_expired"))
    words = trace.page().blocks[-2].blocks[0].words
    assert words.index("Finished") < words.index("Alert: certificate_expired")
