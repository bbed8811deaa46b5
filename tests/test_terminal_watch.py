"""The commands that listen and the command that asks other clients, as they are typed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.lab import scenes
from mtlskit.lab.endpoint import nobody
from mtlskit.lab.scenes import Staged
from mtlskit.material import Target
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

Capsys = pytest.CaptureFixture[str]
Process = subprocess.Popen[str]


@contextmanager
def running(*words: str) -> Iterator[tuple[Process, Target]]:
    """A command that listens, in a process of its own, and where it does."""
    command = [sys.executable, "-m", "mtlskit", *words, "--listen", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"listening on (?:https://)?(\S+):(\d+)", line):
                break
        else:
            pytest.fail("it does not listen")
        try:
            yield process, Target(found[1], int(found[2]))
        finally:
            if process.poll() is None:
                process.kill()


def call(where: Target, staged: Staged) -> None:
    connect(Call(where, staged.server_name, request=HttpRequest(), versions=("1.2", "1.2")))


def test_the_tap_ends_after_so_many_connections_and_says_how_they_ended(tmp_path: Path) -> None:
    """Each is printed as it ends; one refusal makes the status 1; the capture is there."""
    saved = tmp_path / "case.pcapng"
    with (
        scenes.stage("client.no-identity", "1.2") as staged,
        running("tap", "--to", str(staged.target), "--connections", "2", "--save", str(saved)) as (
            process,
            where,
        ),
    ):
        call(where, staged)
        call(where, staged)
        told, said = process.communicate(timeout=30)
    assert process.returncode == REFUSED
    assert told.count("The server refused the client when it saw what the client sent.") == 2
    assert "Connection 2" in told
    assert f"saved {saved}" in said
    assert saved.read_bytes().startswith(b"\x0a\x0d\x0d\x0a")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_control_c_is_the_ordinary_end_of_a_tap(number: int) -> None:
    """What was seen until then decides the status; nothing is said of a failure."""
    with (
        scenes.stage("client.no-identity", "1.2") as staged,
        running("tap", "--to", str(staged.target), "--json") as (process, where),
    ):
        call(where, staged)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == REFUSED
    assert told["trace"]["ended"]["refused_by"] == "server"
    assert "Traceback" not in said


def test_a_tap_to_which_nobody_comes_has_nothing_to_tell(capsys: Capsys) -> None:
    """Its time is up, and the status is 3."""
    with nobody() as target:
        status = main(["tap", "--to", str(target), "--listen", "0", "--for", "0.1"])
    assert status == UNREADABLE
    assert capsys.readouterr().out == ""


def test_the_mirror_tells_each_caller_in_one_line_of_json(tmp_path: Path) -> None:
    """Who came without a certificate makes the status 1; the certificate was saved."""
    saved = tmp_path / "mirror.pem"
    words = ("mirror", "--json", "--connections", "1", "--save-certificate", str(saved))
    with scenes.stage("none", "1.2") as staged, running(*words) as (process, where):
        call(where, staged)
        told, _ = process.communicate(timeout=30)
    assert process.returncode == REFUSED
    assert json.loads(told)["chain"] == []
    assert saved.read_text().startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize(
    "words",
    [
        ["tap", "--to", "x:1", "--listen", "nowhere"],
        ["tap", "--to", "x:1", "--listen", "70000"],
        ["tap", "--to", "x:1", "--for", "0"],
        ["tap", "--to", "x:1", "--for", "nan"],
        ["tap", "--to", "x:1", "--connections", "-1"],
        ["tap"],
        ["tap", "--to", "x:1", "--save-secrets"],
        ["clients", "127.0.0.1:9", "--only", "netscape"],
        ["mirror", "--name", "a b", "--listen", "0", "--for", "0.1"],
    ],
)
def test_wrong_usage_is_told_in_one_line(words: list[str], capsys: Capsys) -> None:
    """And nothing is begun."""
    try:
        status = main(words)
    except SystemExit as end:
        status = int(end.code or 0)
    told = capsys.readouterr()
    assert status == USAGE
    assert told.out == ""
    assert told.err.count("\n") == 1


def test_a_port_that_is_taken_is_said_so(capsys: Capsys) -> None:
    """In one line, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status = main(["tap", "--to", "127.0.0.1:9", "--listen", port])
    assert status == UNREADABLE
    said = capsys.readouterr().err
    assert "in use" in said
    assert said.count("\n") == 1


def test_listening_for_others_is_warned_of(capsys: Capsys) -> None:
    """Who can reach this machine can then reach the server through it."""
    with nobody() as target:
        main(["tap", "--to", str(target), "--listen", "0.0.0.0:0", "--for", "0.1"])
    assert "whoever reaches this machine can connect" in capsys.readouterr().err


def test_clients_are_set_side_by_side_and_their_transcripts_saved(
    tmp_path: Path, capsys: Capsys
) -> None:
    """In JSON each run has its outcome; the transcripts are for their owner alone."""
    folder = tmp_path / "said"
    before = signal.getsignal(signal.SIGTERM)
    with scenes.stage("client.no-identity", "1.2") as staged:
        status = main(
            [
                *("clients", str(staged.target), "--server-name", staged.server_name),
                *("--tls", "1.2", "--only", "python", "--json", "--save-transcripts", str(folder)),
            ]
        )
    told = json.loads(capsys.readouterr().out)
    assert status == REFUSED
    assert told["runs"][0]["refused_by"] == "server"
    assert told["runs"][0]["sent"] == 0
    (saved,) = folder.iterdir()
    assert saved.stat().st_mode & 0o777 == 0o600
    assert "FAILED" in saved.read_text()
    assert signal.getsignal(signal.SIGTERM) is before


def test_clients_of_a_port_where_nobody_listens(capsys: Capsys) -> None:
    """It could not be reached: status 3."""
    with nobody() as target:
        status = main(["clients", str(target), "--only", "python"])
    assert status == UNREADABLE
    assert "unreachable" in capsys.readouterr().out


def test_every_client_that_is_accepted_is_status_0(capsys: Capsys, tmp_path: Path) -> None:
    """The password comes from a file, the identity from the key store."""
    with scenes.stage("none", "1.3", directory=tmp_path) as staged:
        status = main(
            [
                *("clients", str(staged.target), "--server-name", staged.server_name),
                *("--identity", str(tmp_path / staged.identity_files[0].source.name)),
                *("--trust", str(tmp_path / staged.trust_files[0].source.name)),
                *("--password-file", str(tmp_path / "password.txt"), "--only", "python"),
            ]
        )
    told = capsys.readouterr()
    assert status == ACCEPTED, told.err
    assert "Python was accepted." in told.out
    assert os.environ.get("SSLKEYLOGFILE") is None
