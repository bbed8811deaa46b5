"""The diagnosis on the lab's real servers: the usual faults, and what it costs to find them."""

from __future__ import annotations

import time
from typing import Any

import pytest

import mtlskit
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL
from mtlskit.lab.pki import pem
from mtlskit.lab.world import beside_pem, client_pem
from mtlskit.material import Blob, Source
from mtlskit.report import Report

pytestmark = pytest.mark.needs(
    "openssl", "nginx", "haproxy", "apache2", "stunnel4", "java", "javac", "node"
)

_STACKS = ("openssl-www", "nginx", "haproxy", "apache", "stunnel", "java-socket", "java-https",
           "node", "python")  # fmt: skip
_USUAL = ("ok", "no_cert", "expired", "not_yet_valid", "unrelated_ca_with_root",
          "missing_intermediate", "self_signed", "eku_server_only", "server_untrusted",
          "server_name_mismatch")  # fmt: skip

each_version = pytest.mark.parametrize("tls", ["1.2", "1.3"])


@pytest.fixture(scope="module", params=_STACKS)
def name(request: pytest.FixtureRequest, stacks: Any) -> str:  # noqa: ANN401 - a fixture
    """One stack after the other; its server runs as long as the tests do."""
    stacks(request.param)
    return request.param


def _diagnosed(stacks: Any, name: str, fault: str, tls: str, **more: Any) -> Report:  # noqa: ANN401 - a fixture
    play = ALL[fault].play(stacks.world)
    roots = (stacks.world.server_root.certificate,) if play.trust is None else play.trust
    beside = beside_pem(play)
    return mtlskit.diagnose(
        stacks(name).target,
        identity=Blob(Source("client.pem"), client_pem(play)) if play.identity else None,
        trust=Blob(Source("trust.pem"), pem(roots)),
        material=[Blob(Source("beside.pem"), beside)] if beside else [],
        server_name=play.server_name,
        tls=tls,
        timeout=5.0,
        **more,
    )


@each_version
@pytest.mark.parametrize("fault", _USUAL)
def test_usual_fault_is_named(stacks: Any, name: str, fault: str, tls: str) -> None:  # noqa: ANN401 - a fixture
    """With the key material at hand, the staged cause is first, and the right side is named."""
    report = _diagnosed(stacks, name, fault, tls, experiments=False)
    first = report.opinions[0]
    assert first.cause == ALL[fault].cause
    if fault != "ok":
        assert report.refused_by in {"client" if fault.startswith("server") else "server", None}


def test_missing_intermediate_is_proved(stacks: Any, name: str) -> None:  # noqa: ANN401 - a fixture
    """On every server, sending the intermediate that lies at hand turns the refusal."""
    report = _diagnosed(stacks, name, "missing_intermediate", "1.3")
    first = report.opinions[0]
    assert (first.cause, first.standing) == ("client.chain-incomplete", "CONFIRMED")
    assert 1 + len(report.case.attempts) <= 16


def test_diagnosis_is_quick(stacks: Any, name: str) -> None:  # noqa: ANN401 - a fixture
    """Without experiments a refusal is judged in far less time than a person would wait."""
    _diagnosed(stacks, name, "expired", "1.3", experiments=False)
    began = time.process_time()
    _diagnosed(stacks, name, "expired", "1.3", experiments=False)
    assert time.process_time() - began < 2.0  # a fifth of a second, whatever else is running


def test_server_log_holds_the_refusal(stacks: Any, name: str) -> None:  # noqa: ANN401 - a fixture
    """A server that refused has written something of it, where its software logs such things."""
    running = stacks(name)
    before = len(running.log().text)
    play = ALL["expired"].play(stacks.world)
    measure.connect(measure.call_of(running, play, "1.2", stacks.world))
    deadline = time.monotonic() + (0.5 if name == "java-https" else 5)
    while len(running.log().text) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (len(running.log().text) > before) == (name != "java-https")
