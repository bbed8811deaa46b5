"""One real connection, seen four ways: the wire, a capture, the client's log and the server's.

Real clients fail against real servers. Every account of the same connection leads to the same
answers: how many certificates were sent, who refused, by which alert. An account may not know;
it is never wrong.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mtlskit.collect.calling import call_of
from mtlskit.collect.capture import read_capture
from mtlskit.collect.clients.attempts import ClientRun, try_clients
from mtlskit.collect.clients.programs import CLIENTS
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.collect.tap import TapListener, relay
from mtlskit.lab import scenery
from mtlskit.lab.scenes import SCENES, Staged, stage
from mtlskit.lab.stacks import STACKS, Running
from mtlskit.material import Blob, Source, Tap
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Trace

_SOME = (
    ("nginx", "client.expired"),
    ("haproxy", "client.no-identity"),
    ("openssl-www", "client.chain-incomplete"),
    ("java-socket", "client.untrusted-issuer"),
    ("apache", "server.expired"),
)
_MANY = tuple(
    itertools.product(
        [name for name, one in STACKS.items() if one.answers],
        [scene.id for scene in SCENES.values() if scene.outcome == "refused" and scene.refused_by],
    )
)
EVERYTHING = bool(os.environ.get("MTLSKIT_EVERYTHING"))
"""Set, every scene is played on every server: that takes an hour, and no part of it is new."""
_WRITTEN = 2.0  # seconds that a server may take to write its log


@dataclass(frozen=True)
class Views:
    """Every account of one connection, by whose it is."""

    run: ClientRun
    accounts: tuple[tuple[str, Trace], ...]

    def answers(self, name: str) -> dict[str, object]:
        """What each account says to one question, where it says anything."""
        asked = {
            "sent": lambda one: None if one.client_chain is None else len(one.client_chain),
            "refused by": lambda one: one.ended.refused_by,
            "alert": lambda one: one.ended.symptom.alert,
        }[name]
        told = {whose: asked(trace) for whose, trace in self.accounts}
        return {whose: answer for whose, answer in told.items() if answer is not None}


@pytest.fixture(
    scope="module",
    params=[(*one, tls) for one in (_MANY if EVERYTHING else _SOME) for tls in ("1.2", "1.3")],
    ids="-".join,
)
def played(request: pytest.FixtureRequest) -> Iterator[tuple[Staged, dict[str, Views]]]:
    """A scene on a real server, and the accounts of every client's attempt at it."""
    name, scene, tls = request.param
    if not scenery.plays(STACKS[name], scene, tls) or not STACKS[name].available():
        pytest.skip(f"{name} does not play {scene} in TLS {tls} here")  # not under CI: see needs
    with stage(scene, tls, stack=STACKS[name]) as staged, relay(staged.target) as tap:
        views = {one.name: _views(staged, tap, one.name, number)
                 for number, one in enumerate(CLIENTS, start=1)}  # fmt: skip
        yield staged, views


def _views(staged: Staged, tap: TapListener, client: str, number: int) -> Views:
    before = len(staged.running.log().text)
    run = _attempt(staged, tap, client)
    relayed = tap.taps(number)[number - 1].tap
    said = _written(staged.running, before)
    accounts = [("wire", run.wire), ("capture", _captured(relayed))]
    accounts += [("client's log", one) for one in run.log.traces]
    server = read_log(said.splitlines(), Source("server's log"))
    accounts += [("server's log", one) for one in server.traces]
    return Views(run, tuple(accounts))


def _attempt(staged: Staged, tap: TapListener, client: str) -> ClientRun:
    case = scenery.holding(staged)
    usable = tuple(one for one in case.identities or () if one.key_matches)
    case = case.having(target=tap.target, identities=usable or None)
    call = call_of(case, staged.tls, staged.server_name, 15.0, request=True, manner={})
    (run,) = try_clients(call, [client.lower()], None).runs
    return run


def _captured(tap: Tap) -> Trace:
    (one,) = read_capture(Blob(Source("tap.pcapng"), pcapng(tap))).connections
    return one.trace


def _written(running: Running, before: int) -> str:
    """What the server has written of this connection, once it writes no more."""
    deadline, said = time.monotonic() + _WRITTEN, ""
    while time.monotonic() < deadline:
        time.sleep(0.05)
        more = running.log().text[before:]
        if more and more == said:
            break
        said = more
    return said


pytestmark = pytest.mark.needs(
    "openssl", "curl", "java", "javac", "gnutls-cli", "node", "nginx", "haproxy", "apache2"
)
each_client = pytest.mark.parametrize("client", [one.name for one in CLIENTS])


@each_client
@pytest.mark.parametrize("question", ["sent", "refused by", "alert"])
def test_no_account_contradicts_another(
    played: tuple[Staged, dict[str, Views]], client: str, question: str
) -> None:
    """What two accounts of one connection say, they say alike."""
    answers = played[1][client].answers(question)
    assert len(set(answers.values())) <= 1, answers


@each_client
def test_whoever_is_named_is_the_one_that_refused(
    played: tuple[Staged, dict[str, Views]], client: str
) -> None:
    """Some account names the side, and it is the side that the scene was declared to have.

    A client that verifies after its handshake leaves without an alert: then its own word counts.
    """
    staged, views = played
    told = views[client].answers("refused by") or {"altogether": views[client].run.refused_by}
    assert set(told.values()) == {staged.scene.refused_by}, told


@each_client
def test_some_account_tells_what_was_sent(
    played: tuple[Staged, dict[str, Views]], client: str
) -> None:
    """Where the server refused for the client's certificate, it is known whether one was sent."""
    staged, views = played
    told = views[client].answers("sent")
    if staged.scene.id == "client.no-identity":
        assert set(told.values()) == {0}
    elif staged.scene.refused_by == "server" and client != "Java":
        assert all(count > 0 for count in told.values())
