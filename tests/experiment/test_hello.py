"""Changes of what is offered and asked, against real servers on this machine."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mtlskit
from mtlskit import experiment
from mtlskit.collect.call import Call
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.lab.pki import Authority
from mtlskit.lab.world import Play, client_pem
from mtlskit.material import Blob, Source, Target
from mtlskit.report import Report, judge
from mtlskit.trace.handshake import follow

_Talk = Callable[[ssl.SSLSocket], None]


def mute(connection: ssl.SSLSocket) -> None:
    """Read one message, and hang up: what a server does that speaks another protocol."""
    connection.recv(1000)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives the file of a server's certificate and key."""
    root = Authority.root("CN=Root for servers")
    issued = root.server("CN=localhost", "localhost", "127.0.0.1")
    path = tmp_path_factory.mktemp("server") / "server.pem"
    path.write_bytes(client_pem(Play(issued)))
    return path


@contextmanager
def serving(path: Path, talk: _Talk, **settings: object) -> Iterator[Target]:
    """Answer every call on a port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    for name, value in settings.items():
        setattr(context, name, value)
    door = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                caller, _ = door.accept()
            except OSError:
                return
            try:
                caller.settimeout(3)
                with context.wrap_socket(caller, server_side=True) as connection:
                    talk(connection)
            except OSError:
                caller.close()

    threading.Thread(target=answer, daemon=True).start()
    try:
        yield Target("127.0.0.1", door.getsockname()[1])
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_healthy_server_that_speaks_no_http_is_given_no_cause(file: Path, tls: str) -> None:
    """It closes on a request without a word; a call without one shows that its TLS accepts."""
    with serving(file, mute) as target:
        report = mtlskit.diagnose(target, tls=tls, timeout=4.0)
    assert report.outcome == "accepted"
    assert [one.cause for one in report.opinions if one.standing != "RULED_OUT"] == ["none"]
    (first,) = report.case.attempts
    assert "speaks no HTTP" in first.change


def mended(target: Target, **parts: object) -> Report:
    """The report of a call that offers something odd, with the experiments made."""
    case = case_of(target, None, None, (), (), None)
    call = Call(target, timeout=1.0, linger=0.2, **parts)
    case = case.having(trace=follow(connect(call)))
    return judge(case.having(attempts=tuple(experiment.tried(case, call))))


def test_odd_cipher_suites_are_proved(file: Path) -> None:
    """The same call with the usual suites is accepted."""
    with serving(file, mute) as target:
        report = mended(target, ciphers=("ECDHE-ECDSA-NULL-SHA",), versions=("1.2", "1.2"))
    assert report.opinions[0].cause in ("protocol.cipher", "protocol.version")
    assert ("protocol.cipher", "CONFIRMED") in {
        (one.cause, one.standing) for one in report.opinions
    }


def test_a_client_that_is_too_old_is_proved(file: Path) -> None:
    """The server speaks TLS 1.3 alone; with both versions offered it accepts."""
    only = {"minimum_version": ssl.TLSVersion.TLSv1_3}
    with serving(file, mute, **only) as target:
        report = mended(target, versions=("1.2", "1.2"))
    first = report.opinions[0]
    assert (first.cause, first.standing) == ("protocol.version", "CONFIRMED")


def test_nobody_who_never_answers_is_asked_for_ever() -> None:
    """A port that takes the call and says nothing is tried with a small ClientHello as well."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        target = Target("127.0.0.1", door.getsockname()[1])
        report = mended(target, versions=("1.2", "1.3"))
    changes = {one.cause for one in report.case.attempts}
    assert "protocol.hello-too-large" in changes
    assert "CONFIRMED" not in {one.standing for one in report.opinions}


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_server_that_hangs_up_at_once_is_given_no_cause_by_chance(file: Path, tls: str) -> None:
    """It takes every client and says nothing: no identity at hand is better than another."""

    def hang_up(connection: ssl.SSLSocket) -> None:
        connection.unwrap()

    root = Authority.root("CN=Root for clients")
    stores = [
        Blob(Source(f"{number}.pem"), client_pem(Play(root.client(f"CN=client {number}"))))
        for number in range(3)
    ]
    with serving(file, hang_up, verify_mode=ssl.CERT_OPTIONAL) as target:
        report = mtlskit.diagnose(
            target, identity=stores[0], material=stores[1:], tls=tls, timeout=3.0
        )
    assert "CONFIRMED" not in {one.standing for one in report.opinions}
