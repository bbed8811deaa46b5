"""One relayed connection, step by step: who is held to have ended it, and what still arrives."""

from __future__ import annotations

import socket
import struct
from time import monotonic
from typing import Any

import pytest

from mtlskit.collect import relay as relaying
from mtlskit.collect.relay import Limits, Relay
from mtlskit.material import Side

LINGER = struct.pack("ii", 1, 0)


class End:
    """A socket that says and takes what the test wants."""

    def __init__(self, *says: bytes | OSError, takes: OSError | None = None) -> None:
        self.says, self.takes = list(says), takes
        self.taken, self.done = b"", [""]

    def settimeout(self, _: float) -> None:
        """Take note of nothing."""

    def setsockopt(self, _: int, option: int, value: Any) -> None:  # noqa: ANN401 - bytes or a number
        """Note that it will close with a reset."""
        if (option, value) == (socket.SO_LINGER, LINGER):
            self.done.append("reset")

    def recv_into(self, buffer: memoryview) -> int:
        """Say what is next, or fail as is wished."""
        if not self.says:
            raise BlockingIOError
        if isinstance(said := self.says.pop(0), OSError):
            raise said
        buffer[: len(said)] = said
        return len(said)

    def send(self, data: memoryview) -> int:
        """Take it, or fail as is wished."""
        if self.takes is not None:
            raise self.takes
        self.taken += bytes(data)
        return len(data)

    def shutdown(self, _: int) -> None:
        """Note it."""
        self.done.append("fin")

    def close(self) -> None:
        """Note it."""
        self.done.append("closed")


@pytest.fixture(autouse=True)
def all_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """These ends have no system beneath them that could hold something back."""
    monkeypatch.setattr(relaying, "_unsent", lambda _: 0)


def between(client: End, server: End, limits: Limits | None = None) -> Relay:
    ends: Any = (client, server)
    return Relay(*ends, limits or Limits(), monotonic())


def turn(relay: Relay, *ready: End) -> None:
    """Let it move what is there, as if these had just said something."""
    for lane in relay._lanes:
        relay._move(lane, dict.fromkeys(ready, 1))


def closed(relay: Relay) -> tuple[Side | None, str] | None:
    return relay.closing and (relay.closing.sender, relay.closing.kind)


def test_a_send_that_meets_a_reset_tells_who_reset() -> None:
    """The receiver did, and what it had said before still reaches the other side."""
    client, server = End(b"request"), End(b"last words", b"", takes=ConnectionResetError())
    relay = between(client, server)
    turn(relay, client)
    assert closed(relay) == ("server", "reset")
    assert client.done == [""]  # not yet: the server's words are waited for
    turn(relay, server)
    assert client.taken == b"last words"
    assert closed(relay) == ("server", "reset")
    assert client.done == ["", "reset", "closed"]


def test_a_send_that_meets_a_reset_when_all_was_said_is_passed_on_at_once() -> None:
    """The server had taken its leave already, so nothing is waited for."""
    client, server = End(), End(b"")
    relay = between(client, server)
    turn(relay, server)
    assert client.done == ["", "fin"]
    client.says, server.takes = [b"more"], BrokenPipeError()
    turn(relay, client)
    assert closed(relay) == ("server", "reset")
    assert client.done[-2:] == ["reset", "closed"]


def test_a_reset_waits_until_what_was_said_ahead_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reset overtakes what lies in the system's buffer; so it is held back until that is sent."""
    unsent = [9, 5, 0]
    seen: list[list[str]] = []
    client, server = End(), End(ConnectionResetError())

    def left(_: object) -> int:
        seen.append(list(client.done))
        return unsent.pop(0)

    monkeypatch.setattr(relaying, "_unsent", left)
    turn(between(client, server), server)
    assert not unsent
    assert seen == [[""]] * 3
    assert client.done == ["", "reset", "closed"]


def test_a_reset_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A side that takes nothing is reset all the same."""
    monkeypatch.setattr(relaying, "_unsent", lambda _: 1)
    monkeypatch.setattr(relaying, "_DRAIN", 0.01)
    client, server = End(), End(ConnectionResetError())
    turn(between(client, server), server)
    assert client.done == ["", "reset", "closed"]


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ([("client", "fin"), ("server", "reset")], ("client", "fin")),
        ([("client", "fin"), ("client", "reset")], ("client", "reset")),
        ([("client", "fin"), ("server", "fin")], ("client", "fin")),
        ([("server", "reset"), ("client", "reset")], ("server", "reset")),
        ([("client", "reset"), ("client", "fin")], ("client", "reset")),
    ],
)
def test_the_first_to_leave_is_named(notes: list[tuple[Side, str]], told: tuple[Side, str]) -> None:
    """Its own reset says more than its own leave; what the other one does after it says less."""
    relay = between(End(), End())
    for note in notes:
        relay._close(*note)
    assert closed(relay) == told


def test_the_nearer_bound_ends_it() -> None:
    """Silence, or the time for all of it: whichever is over first."""
    assert between(End(), End(), Limits(silence=5.0))._patience() == 5.0
    assert between(End(), End(), Limits(silence=5.0, longest=9000.0))._patience() == 5.0
    assert between(End(), End(), Limits(silence=9000.0, longest=5.0))._patience() <= 5.0
    assert between(End(), End(), Limits(longest=-1.0))._patience() == 0.0


def test_what_is_kept_is_bounded_to_the_byte() -> None:
    """All of it is handed on and counted."""
    client, server = End(b"12345", b"67890", b"more"), End()
    relay = between(client, server, Limits(kept=7))
    turn(relay, client)
    assert server.taken == b"1234567890more"
    assert [one.data for one in relay.chunks] == [b"12345", b"67"]
    assert (relay.seen["client"], relay.left_out["client"]) == (14, 7)
