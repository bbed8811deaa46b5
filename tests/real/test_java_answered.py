"""Java's log of a call whose handshake nginx took, and which it then refused by HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from mtlskit.collect.clients.asked import clients
from mtlskit.collect.clients.attempts import ClientRun
from mtlskit.lab.faults import ALL
from mtlskit.lab.pki import pem
from mtlskit.lab.world import client_pem
from mtlskit.material import Blob, Source
from mtlskit.trace.dialects.reader import read_log

pytestmark = pytest.mark.needs("nginx", "java", "javac", "openssl")


@pytest.fixture(scope="module", autouse=True)
def _nginx(stacks: Any) -> None:  # noqa: ANN401 - a fixture
    """It runs as long as the tests do."""
    stacks("nginx")


def attempt(stacks: Any, fault: str, tls: str) -> ClientRun:  # noqa: ANN401 - a fixture
    """Java's own attempt at nginx, as the fault has it."""
    play = ALL[fault].play(stacks.world)
    found = clients(
        stacks("nginx").target,
        identity=Blob(Source("client.pem"), client_pem(play)) if play.identity else None,
        trust=Blob(Source("trust.pem"), pem((stacks.world.server_root.certificate,))),
        server_name=play.server_name,
        tls=tls,
        only=["java"],
    )
    return found["java"]


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("fault", ["expired", "no_cert"])
def test_an_answer_of_400_is_no_acceptance(stacks: Any, fault: str, tls: str) -> None:  # noqa: ANN401 - a fixture
    """Whoever is asked, the run, or its log with and without the answer: nobody was accepted."""
    run = attempt(stacks, fault, tls)
    assert "HTTP/1.1 400" in run.words
    assert (run.outcome, run.refused_by) == ("refused", "server")
    lines = run.transcript.text.splitlines()
    (told,) = read_log(lines, Source("java.log")).traces
    assert (told.ended.refused_by, told.ended.stage) == ("server", "application")
    assert told.ended.symptom.http == 400
    assert told.sent_certificate is (fault == "expired")
    assert told.server_printed
    bare = [one for one in lines if "HTTP/1.1 400" not in one]
    (untold,) = read_log(bare, Source("java.log")).traces
    assert (untold.ended.outcome, untold.ended.stage) == ("undecided", "after-handshake")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_an_answer_of_200_is_one(stacks: Any, tls: str) -> None:  # noqa: ANN401 - a fixture
    """With a certificate that nginx takes, the same is told as accepted."""
    run = attempt(stacks, "ok", tls)
    assert run.outcome == "accepted"
    (told,) = run.log.traces
    assert told.ended.outcome == "accepted"
