"""A capture, a client's log and a server's log of the same real connections are read as one."""

from __future__ import annotations

from pathlib import Path

import pytest

import mtlskit
from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.clients.attempts import try_clients
from mtlskit.collect.live import connect
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.collect.tap import relay
from mtlskit.lab.scenes import stage
from mtlskit.lab.stacks import STACKS


@pytest.mark.needs("java")
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_capture_and_a_java_log_are_one_connection(tmp_path: Path, tls: str) -> None:
    """What the sealed capture hides is told from the client's log, and nothing counts twice."""
    with stage("client.no-identity", tls) as staged, relay(staged.target) as tap:  # type: ignore[arg-type]  # a version
        call = Call(tap.target, request=HttpRequest(), timeout=30.0)
        (run,) = try_clients(call, ["java"]).runs
        (seen,) = tap.taps(1)
    capture, log = tmp_path / "seen.pcapng", tmp_path / "client.log"
    capture.write_bytes(pcapng(seen.tap))
    log.write_text(run.transcript.text, encoding="utf-8")
    case = mtlskit.read(capture, log)
    (trace,) = case.traces
    assert case.trace is trace
    assert {one.name for one in trace.sources} == {"seen.pcapng", "client.log"}
    assert trace.ended.refused_by == "server"
    assert trace.ended.symptom.alert is not None
    assert trace.sent_certificate is False
    assert trace.asked is not None
    assert trace.target is not None
    report = mtlskit.diagnose(case)
    assert "seen.pcapng" in str(report)
    assert report.json()["connections"][0]["views"] == [str(one) for one in trace.sources]


@pytest.mark.skipif(not STACKS["apache"].available(), reason="needs apache2 on the PATH")
def test_a_capture_and_apaches_log_are_one_connection(tmp_path: Path) -> None:
    """Apache names the client's port, which the capture has too."""
    with stage("client.no-identity", "1.3", stack=STACKS["apache"]) as staged:
        seen = connect(Call(staged.target, staged.server_name, request=HttpRequest(), timeout=10.0))
        text = staged.running.log().text
    assert seen.own is not None
    assert seen.own in text
    capture, log = tmp_path / "seen.pcapng", tmp_path / "error.log"
    capture.write_bytes(pcapng(seen))
    log.write_text(text, encoding="utf-8")
    case = mtlskit.read(capture, log)
    (trace,) = [one for one in case.traces if one.views]
    assert {one.name for one in trace.sources} == {"seen.pcapng", "error.log"}
    assert trace.caller == seen.own
    assert trace.ended.refused_by == "server"
