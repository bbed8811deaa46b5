"""The terminal door to live connections: through proxies, within protocols, with this hello."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mtlskit.__main__ import main
from mtlskit.lab import scenes
from mtlskit.lab.endpoint import Line, Visit, serve
from mtlskit.lab.scenes import Staged
from mtlskit.material import Target
from mtlskit.terminal import passwords
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

Capsys = pytest.CaptureFixture[str]
WORD = "s3cret: colon"


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    """A server that demands a client certificate."""
    with scenes.stage("none") as one:
        yield one


@contextmanager
def proxy(heard: list[bytes]) -> Iterator[Target]:
    """A proxy that lets nobody through, and notes what it was told."""

    def decline(line: Line) -> Visit:
        heard.append(line.receive())
        line.send(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
        return Visit()

    with serve(decline) as endpoint:
        yield endpoint.target


def sent() -> bytes:
    return b"Basic " + b64encode(f"anna:{WORD}".encode())


def test_the_proxys_password_comes_from_the_environment(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reaches the proxy and nothing that is printed."""
    monkeypatch.setenv("PROXY_WORD", WORD)
    heard: list[bytes] = []
    with proxy(heard) as target:
        told = ["--via", f"http://anna@{target}", "--proxy-password-env", "PROXY_WORD"]
        status = main(["trace", "partner.invalid:443", *told, "--json"])
    printed = capsys.readouterr()
    assert status == REFUSED
    assert sent() in heard[0]
    assert WORD not in printed.out + printed.err
    told = json.loads(printed.out)
    assert (told["ended"]["refused_by"], told["ended"]["stage"]) == ("between", "connect")
    assert told["failure"]["by"] == "between"
    assert told["failure"]["code"] == 407


def test_the_proxys_password_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal, where there is a user and no password; the prompt names both ends."""
    asked: list[str] = []
    monkeypatch.setattr(passwords, "getpass", lambda words: asked.append(words) or WORD)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    heard: list[bytes] = []
    with proxy(heard) as target:
        main(["trace", "partner.invalid:443", "--via", f"http://anna@{target}"])
        main(["trace", "partner.invalid:443", "--via", f"http://{target}"])
    assert asked == [f"Password of anna for the proxy {target}: "]
    assert sent() in heard[0]
    assert b"Basic" not in heard[1]


def test_a_password_in_the_command_is_refused(capsys: Capsys) -> None:
    """Others on the machine would see it, so it is not used, nor repeated."""
    status = main(["trace", "partner.invalid:443", "--via", f"http://anna:{WORD}@127.0.0.1:1"])
    printed = capsys.readouterr()
    assert status == USAGE
    assert "--proxy-password-file" in printed.err
    assert WORD not in printed.err


@pytest.mark.parametrize(
    "given",
    [
        ["--via", "partner"],
        ["--ciphers", "nonsense"],
        ["--large-hello", "--tls", "1.2"],
        ["--name", "x.example"],
        ["--asked", "--identity", "x.p12"],
    ],
)
def test_a_wish_that_cannot_be_is_wrong_usage(capsys: Capsys, given: list[str]) -> None:
    """One line, and status 2."""
    assert main(["trace", "127.0.0.1:1", *given]) == USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_the_hello_is_as_it_was_ordered(staged: Staged, capsys: Capsys) -> None:
    """The options reach the wire: no name, one protocol, a small hello, one scheme."""
    told = [str(staged.target), "--no-sni", "--alpn", "http/1.1", "--small-hello", "--json"]
    told += ["--schemes", "ecdsa_secp256r1_sha256", "--post-handshake"]
    main(["trace", *told])
    trace = json.loads(capsys.readouterr().out)
    assert trace["server_name"] is None
    hello = next(one for one in trace["events"] if one["name"] == "ClientHello")
    assert hello["size"] < 500


def test_what_is_asked_is_shown(staged: Staged, capsys: Capsys) -> None:
    """`--asked` prints the server's demand, as text and as JSON."""
    given = ["trace", str(staged.target), "--asked", "--name", "other.example"]
    assert main(given) == ACCEPTED
    assert "The server requires a client certificate" in capsys.readouterr().out
    assert main([*given, "--tls", "1.3", "--json"]) == ACCEPTED
    told = json.loads(capsys.readouterr().out)
    assert {one["server_name"] for one in told["answers"]} >= {None, "other.example"}


def test_what_nobody_answers_is_unreadable(capsys: Capsys) -> None:
    """Nothing was found out: status 3."""
    assert main(["trace", "127.0.0.1:1", "--asked", "--tls", "1.3"]) == UNREADABLE
    assert "unknown" in capsys.readouterr().out


def test_a_resumption_is_shown(staged: Staged, capsys: Capsys) -> None:
    """`--resume` connects twice; refused at first, there is nothing to resume."""
    assert main(["trace", str(staged.target), "--resume"]) == REFUSED
    assert "nothing to resume" in capsys.readouterr().out
    main(["trace", str(staged.target), "--resume", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["resumed"], told["second"]) == (False, None)


@pytest.mark.parametrize("credentials", ["", "anna@"])
def test_a_proxys_refusal_is_a_cause_of_its_own(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch, credentials: str
) -> None:
    """Neither the endpoint nor the certificate is blamed, and nothing more is tried."""
    monkeypatch.setenv("PROXY_WORD", WORD)
    heard: list[bytes] = []
    with proxy(heard) as target:
        told = ["--via", f"http://{credentials}{target}", "--json"]
        told += ["--proxy-password-env", "PROXY_WORD"] if credentials else []
        status = main(["diagnose", "partner.invalid:443", *told])
    report = json.loads(capsys.readouterr().out)
    assert status == REFUSED
    assert (report["outcome"], report["refused_by"]) == ("refused", "between")
    assert report["opinions"][0]["cause"] == "network.proxy"
    assert report["opinions"][0]["standing"] == "LIKELY"
    assert len(heard) == 1


def test_a_server_that_does_not_begin_tls_is_no_tls_server(capsys: Capsys) -> None:
    """What it said stands in the report as the reason."""

    def decline(line: Line) -> Visit:
        line.send(b"220 mail.example\r\n")
        line.receive()
        line.send(b"250-mail.example\r\n250 SIZE\r\n")
        return Visit()

    with serve(decline) as endpoint:
        status = main(["diagnose", str(endpoint.target), "--starttls", "smtp", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert status == REFUSED
    assert (report["refused_by"], report["stage"]) == ("server", "connect")
    assert report["opinions"][0]["cause"] == "protocol.not-tls"
    assert "does not offer STARTTLS; it offers SIZE" in json.dumps(report["opinions"][0])
