"""Several addresses of one name: who is called first, who wins, and what is told of the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

import mtlskit
from mtlskit.collect import dial as dialling
from mtlskit.collect.dial import HEAD_START, dial
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.collect.tcp import NoConnectionError
from mtlskit.lab.endpoint import nobody, serve
from mtlskit.lab.servers import silent, tls
from mtlskit.material import Blob, Source, Target
from mtlskit.trace.handshake import follow

if TYPE_CHECKING:
    from conftest import Parties


class Names:
    """The addresses of many.example, which can change between two calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rounds: list[list[Target]] = []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the original
        if host != "many.example":
            return self._real(host, *arguments, **options)
        if options.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        now = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        families = [socket.AF_INET6 if ":" in one.host else socket.AF_INET for one in now]
        return [
            (family, socket.SOCK_STREAM, 6, "", (one.host, one.port))
            for family, one in zip(families, now, strict=True)
        ]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@contextmanager
def swallowing() -> Iterator[Target]:
    """A port whose queue is full: it never answers."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        target = Target(*full.getsockname())
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex((target.host, target.port))
        yield target
        for one in waiting:
            one.close()


def test_an_address_that_swallows_packets_costs_a_moment(names: Names) -> None:
    """The next one is tried beside it after a quarter of a second, and that is told."""
    with swallowing() as deaf, serve(silent) as good:
        names.rounds = [[deaf, good.target]]
        start = monotonic()
        with dial(Target("many.example", 443), start + 60) as line:
            assert monotonic() - start >= HEAD_START * 0.9
            assert line.peer == str(good.target)
            assert line.missed == (f"{deaf.host}: no answer yet",)


def test_an_address_that_refuses_costs_nothing(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is called at once."""
    with nobody() as shut, serve(silent) as good:
        names.rounds = [[shut, good.target]]
        monkeypatch.setattr(dialling, "HEAD_START", 3600.0)  # longer than there is time
        with dial(Target("many.example", 443), monotonic() + 30) as line:
            assert line.missed[0].startswith(f"{shut.host}: ")


def test_families_take_turns(names: Names) -> None:
    """All IPv6 addresses before the first IPv4 one would be a long wait where IPv6 is broken."""
    hosts = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "127.0.0.1"]
    with serve(silent) as good:
        names.rounds = [[Target(one, good.target.port) for one in hosts]]
        with dial(Target("many.example", 443), monotonic() + 30) as line:
            assert line.peer == str(good.target)
            assert [one.partition(": ")[0] for one in line.missed] == hosts[:1]


def test_when_the_time_is_up_every_address_is_named(names: Names) -> None:
    """Also the one whose turn never came."""
    with swallowing() as deaf:
        names.rounds = [[deaf, Target("127.0.0.2", deaf.port), Target("192.0.2.1", 9)]]
        with pytest.raises(NoConnectionError) as error:
            dial(Target("many.example", 443), monotonic() + 0.1)
    assert "127.0.0.1" in error.value.failure.text
    assert "192.0.2.1" in error.value.failure.text


def test_the_trace_says_which_address_was_called(parties: Parties, names: Names) -> None:
    """And what came of the one before."""
    with nobody() as shut, serve(tls(parties.demanding("1.3"))) as good:
        names.rounds = [[shut, good.target]]
        trace = follow(connect(Call(Target("many.example", good.target.port))))
    assert trace.peer == str(good.target)
    assert trace.events[0].kind == "note"
    assert f"{good.target} was called; tried beside it: {shut.host}: " in trace.events[0].note
    assert trace.events[1].name == "ClientHello"
    assert "Address called" in str(trace)


def test_a_settled_address_is_called_whatever_the_name_says(parties: Parties, names: Names) -> None:
    """The name is still what is sent and expected."""
    with nobody() as shut, serve(tls(parties.demanding("1.3"))) as good:
        names.rounds = [[shut]]
        call = Call(
            Target("many.example", good.target.port),
            identity=parties.identity(), request=HttpRequest(), address=good.target,
        )  # fmt: skip
        trace = follow(connect(call))
    assert trace.ended.outcome == "accepted"
    assert trace.server_name == "many.example"


def test_experiments_meet_the_machine_that_refused(parties: Parties, names: Names) -> None:
    """The name leads elsewhere at the second look; every attempt still reaches the first one."""
    stranger = parties.issuing.client("Stranger")
    with nobody() as shut, serve(tls(parties.demanding("1.3"))) as good:
        names.rounds = [[good.target], [shut]]
        files = [Blob(Source(name), stranger.files[name]) for name in ("chain.pem", "key.pem")]
        report = mtlskit.diagnose(
            f"many.example:{good.target.port}",
            identity=files, timeout=5.0, server_name="localhost",
        )  # fmt: skip
    attempts = report.case.attempts
    assert attempts
    assert {one.trace.peer for one in attempts} == {str(good.target)}


def test_of_several_failures_the_one_that_tells_most_comes_first(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that swallows packets says less of the endpoint than one that refuses."""
    monkeypatch.setattr(dialling, "HEAD_START", 0.01)
    with swallowing() as deaf, nobody() as shut:
        names.rounds = [[deaf, shut]]
        with pytest.raises(NoConnectionError) as error:
            dial(Target("many.example", 443), monotonic() + 0.5)
    assert error.value.failure.kind == "refused"
    first, second = error.value.failure.text.split("; ")
    assert "refused" in first.lower()
    assert "timed out" in second.lower()
