"""Servers that are no TLS servers, or bad ones: each ends within its deadline, with its story."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from mtlskit.collect import live
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.lab import servers
from mtlskit.lab.endpoint import Behaviour, Line, Visit, nobody, serve
from mtlskit.material import Tap, Target

if TYPE_CHECKING:
    from conftest import Parties

TIMEOUT = 0.6
ENDLESS = 60.0  # seconds that these servers would keep it up


def attempt(behaviour: Behaviour, **options: object) -> Tap:
    """Calls this server, and checks that the deadline is held and nothing is thrown."""
    with serve(behaviour, patience=ENDLESS) as endpoint:
        call = Call(endpoint.target, request=HttpRequest(), timeout=TIMEOUT, **options)
        start = monotonic()
        tap = connect(call)
        assert monotonic() - start < ENDLESS
    assert tap.failure is None
    assert tap.closing is not None
    return tap


def from_server(tap: Tap) -> bytes:
    return b"".join(chunk.data for chunk in tap.chunks if chunk.sender == "server")


def test_a_server_that_talks_http_is_recorded_as_it_talks() -> None:
    """Its answer in clear stands in the tap, whole, and OpenSSL's complaint beside it."""
    tap = attempt(servers.plain_http)
    assert from_server(tap).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert from_server(tap).endswith(b"</html>\n")
    assert tap.library != ()


def test_a_server_that_greets_first_is_recorded() -> None:
    """A banner of another protocol is kept."""
    assert from_server(attempt(servers.greeting())) == b"SSH-2.0-OpenSSH_9.6\r\n"


def test_a_silent_server_ends_at_the_deadline() -> None:
    """Nothing came, and that is what is said."""
    tap = attempt(servers.silent)
    assert from_server(tap) == b""
    assert (tap.closing.sender, tap.closing.kind) == (None, "deadline")
    assert TIMEOUT <= tap.closing.seconds < ENDLESS


def test_a_server_that_closes_at_once_is_told() -> None:
    """It ended the connection in order before it said anything."""
    tap = attempt(servers.close_at_once)
    assert from_server(tap) == b""
    assert (tap.closing.sender, tap.closing.kind) == ("server", "fin")
    assert tap.closing.seconds < TIMEOUT


def test_a_server_that_resets_is_told() -> None:
    """It cut the connection after the ClientHello."""
    tap = attempt(servers.reset_on_hello)
    assert (tap.closing.sender, tap.closing.kind) == ("server", "reset")
    assert tap.chunks[0].sender == "client"


def test_a_server_that_drips_ends_at_the_deadline() -> None:
    """A byte now and then does not prolong the attempt."""
    tap = attempt(servers.drip(every=0.05))
    assert 0 < len(from_server(tap)) < 100
    assert tap.closing.kind == "deadline"


def test_sixteen_megabytes_of_one_message_are_not_read() -> None:
    """OpenSSL refuses a message of absurd length, and little more is taken."""
    tap = attempt(servers.flood())
    assert len(from_server(tap)) <= live.FLOOD + (1 << 17)
    assert tap.library != ()
    assert tap.closing.sender == "client"


def test_sixteen_megabytes_of_small_messages_are_not_read() -> None:
    """Messages that OpenSSL passes over are counted, and the attempt is given up."""
    tap = attempt(servers.flood(message=bytes(4)))
    assert len(from_server(tap)) <= live.FLOOD + (1 << 17)
    assert tap.library == ("given up: the server sent more than 1 MiB",)
    assert tap.closing.sender == "client"


def noise(data: bytes) -> Callable[[Line], Visit]:
    def behave(line: Line) -> Visit:
        line.receive()
        line.send(data)
        return Visit(ended="noise")

    return behave


@pytest.mark.parametrize(
    "data",
    [
        bytes(5),
        bytes.fromhex("1603030000"),
        bytes.fromhex("160303ffff") + bytes(100),
        bytes.fromhex("15030300020000"),
        bytes.fromhex("1503030002022a"),
        bytes.fromhex("16030300040e000000"),
        b"\xff" * 70000,
    ],
)
def test_nonsense_is_recorded_and_ends(data: bytes) -> None:
    """Whatever comes is kept, and the attempt ends before its deadline or at it."""
    tap = attempt(noise(data))
    assert data.startswith(from_server(tap)[: len(data)])
    assert from_server(tap) != b""


class Endless(servers._Conversation):
    """The lab's TLS server, but for its answer, which has no end worth waiting for."""

    def _answer(self, _: servers.Tls, seen: Visit) -> None:
        assert seen.version
        self._until_done(partial(self._tls.send, b"HTTP/1.1 200 OK\r\n\r\n"))
        for _ in range(1000):
            self._until_done(partial(self._tls.send, bytes(16384)))


def speaking(kind: type[servers._Conversation], settings: servers.Tls) -> Behaviour:
    context = servers._context(settings)
    return lambda line: kind(settings, servers.SSL.Connection(context, None), line).hold()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_an_endless_answer_is_cut_off(parties: Parties, version: str) -> None:
    """An answer is read up to its limit and no further."""
    settings = parties.demanding(version, asks="none")
    tap = attempt(speaking(Endless, settings))
    assert len(from_server(tap)) < live.FLOOD
    assert (tap.closing.sender, tap.closing.kind) == ("client", "fin")


class Slow(servers._Conversation):
    """The lab's TLS server, but it thinks for a while before it answers, or never does."""

    wait: float | None = None
    word = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"

    def _answer(self, _: servers.Tls, seen: Visit) -> None:
        assert seen.version
        if self.wait is None:
            self._until_done(partial(self._tls.recv, 1))
        self._line.pause(self.wait)
        self._until_done(partial(self._tls.send, self.word))


class Dribbling(servers._Conversation):
    """The lab's TLS server, but it says "continue" for ever, in one small record after another."""

    def _answer(self, _: servers.Tls, seen: Visit) -> None:
        assert seen.version
        while True:
            self._until_done(partial(self._tls.send, b"HTTP/1.1 100\r\n\r\n"))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_late_answer_is_waited_for(
    parties: Parties, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Once something was asked, the linger is not the patience: a slow refusal is heard."""
    monkeypatch.setattr(Slow, "wait", 0.3)
    tap = attempt(speaking(Slow, parties.demanding(version, asks="none")), linger=0.01)
    assert (tap.closing.sender, tap.closing.kind) == ("client", "fin")
    assert tap.closing.seconds >= 0.3


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_an_answer_that_never_comes_ends_with_the_deadline(
    parties: Parties, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """The patience ends before the timeout does, and no closing is claimed that nobody made."""
    monkeypatch.setattr(live, "PATIENCE", 0.2)
    tap = attempt(speaking(Slow, parties.demanding(version, asks="none")), linger=0.01)
    assert (tap.closing.sender, tap.closing.kind) == (None, "deadline")
    assert 0.2 <= tap.closing.seconds < TIMEOUT


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_server_that_dribbles_ends_at_the_deadline(parties: Parties, version: str) -> None:
    """Small records without end do not prolong the attempt."""
    tap = attempt(speaking(Dribbling, parties.demanding(version, asks="none")))
    assert tap.closing.kind in {"deadline", "fin"}


def test_a_closed_port_is_told_with_nothing_recorded() -> None:
    """Nobody listens: no chunks, no closing, but the failure and the time."""
    with nobody() as target:
        tap = connect(Call(target))
    assert tap.failure is not None
    assert tap.failure.kind == "refused"
    assert (tap.chunks, tap.closing) == ((), None)
    assert tap.began is not None
    assert not tap.secrets


def test_a_name_that_does_not_resolve_is_told() -> None:
    """The name is named."""
    tap = connect(Call(Target("partner.invalid", 443), timeout=5.0))
    assert tap.failure is not None
    assert tap.failure.kind == "unresolved"
    assert tap.server_name == "partner.invalid"
