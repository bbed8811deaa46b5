"""Servers with which nothing is wrong, or that have nothing to do with TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mtlskit
from mtlskit.lab import servers
from mtlskit.lab.endpoint import Behaviour, Line, Visit, serve
from mtlskit.lab.pki import Authority, pem
from mtlskit.lab.stacks import STACKS
from mtlskit.lab.world import World
from mtlskit.material import Blob, Source, Target
from mtlskit.report import Report
from tests.collect.real_servers import HOST, free_port, open_folder, postgres, running

_NO_TLS = {"protocol.not-tls", "network.reset", "network.timeout", "unknown"}


@pytest.fixture(scope="module")
def client() -> dict[str, list[Blob]]:
    """A client's certificate and what it trusts."""
    root = Authority.root("CN=A Root")
    made = root.client("CN=Client")
    return {
        "identity": [Blob(Source("client.pem"), made.pem_chain() + made.pem_key())],
        "trust": [Blob(Source("trust.pem"), pem([root.certificate]))],
    }


def said_of(report: Report) -> tuple[str, set[str]]:
    """The first cause, and all that are more than possible."""
    sure = {one.cause for one in report.opinions if one.standing in ("LIKELY", "CONFIRMED")}
    return report.opinions[0].cause, sure


def _echo(line: Line) -> Visit:
    while True:
        line.send(line.receive())


def _answer(data: bytes) -> Behaviour:
    def behave(line: Line) -> Visit:
        line.receive()
        line.send(data)
        return Visit()

    return behave


_POSTGRES = b"E\x00\x00\x00\x2cSFATAL\x00C08P01\x00Munsupported frontend\x00\x00"
PEERS: dict[str, Behaviour] = {
    "ssh": servers.greeting(),
    "mail": servers.greeting(b"220 mail.example ESMTP\r\n"),
    "binary greeting": servers.greeting(bytes.fromhex("4a0000000a382e302e3336") + bytes(60)),
    "http": servers.plain_http,
    "http that answers anything": _answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "silent": servers.silent,
    "closes at once": servers.close_at_once,
    "resets": servers.reset_on_hello,
    "echo": _echo,
    "postgres": _answer(_POSTGRES),
    "ldap": _answer(bytes.fromhex("300c02010178070a010204000400")),
}


@pytest.mark.parametrize("tls", [None, "1.2", "1.3"])
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_speaks_no_tls_is_never_given_a_cause_of_tls(
    client: dict[str, list[Blob]], peer: str, tls: str | None
) -> None:
    """Whatever it says or does not say, no certificate, cipher or name is blamed for it."""
    with serve(PEERS[peer]) as endpoint:
        report = mtlskit.diagnose(endpoint.target, tls=tls, timeout=0.6, **client)
    first, sure = said_of(report)
    assert first in _NO_TLS
    assert sure <= _NO_TLS
    assert report.refused_by != "server"


@contextmanager
def _redis() -> Iterator[Target]:
    """Run a real Redis without TLS."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", HOST, "--save", ""]
    with running(command, port):
        yield Target(HOST, port)


@contextmanager
def _postgres() -> Iterator[Target]:
    """Run a real PostgreSQL without TLS."""
    with open_folder() as folder, postgres(folder, ssl=False) as target:
        yield target


@contextmanager
def _in_clear(name: str) -> Iterator[Target]:
    """Run a real web server that speaks HTTP without TLS."""
    with STACKS[name].start(World().setup("plain")) as server:
        yield server.target


REAL: dict[str, Callable[[], object]] = {
    "redis-server": _redis,
    "pg_createcluster": _postgres,
    **{name: lambda name=name: _in_clear(name) for name in ("nginx", "haproxy", "node")},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.needs(name)) for name in REAL]
)
def test_a_real_server_without_tls_is_told_from_one_that_refuses(
    client: dict[str, list[Blob]], name: str
) -> None:
    """Real programs in clear: what came back is no TLS, or nothing came back."""
    with REAL[name]() as target:
        report = mtlskit.diagnose(target, timeout=1.5, **client)
    first, sure = said_of(report)
    assert first in _NO_TLS
    assert sure <= _NO_TLS


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("nginx", "haproxy", "node")],
)
def test_a_healthy_real_server_is_given_no_cause(name: str, tls: str, tmp_path: Path) -> None:
    """What was accepted has nothing wrong with it, and nobody must act on it."""
    world = World()
    (tmp_path / "client.pem").write_bytes(world.good.pem_chain() + world.good.pem_key())
    (tmp_path / "trust.pem").write_bytes(pem([world.server_root.certificate]))
    with STACKS[name].start(world.setup("base")) as server:
        report = mtlskit.diagnose(
            server.target,
            identity=tmp_path / "client.pem",
            trust=tmp_path / "trust.pem",
            server_name="server.lab.example",
            tls=tls,
        )
    assert report.outcome == "accepted"
    assert [one.cause for one in report.opinions if one.standing != "RULED_OUT"] == ["none"]
