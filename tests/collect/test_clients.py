from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.clients import programs, running
from mtlskit.collect.clients.asked import clients
from mtlskit.collect.clients.attempts import ClientRun, try_clients
from mtlskit.collect.clients.papers import papers_for
from mtlskit.collect.clients.programs import CLIENTS, Client, Errand
from mtlskit.collect.clients.running import Command, run
from mtlskit.collect.via import Proxy
from mtlskit.lab.endpoint import Line, Visit, serve
from mtlskit.lab.scenes import Staged, stage
from mtlskit.lab.servers import silent
from mtlskit.material import Target, Unreadable

if TYPE_CHECKING:
    from conftest import Parties

ALL = pytest.mark.needs("openssl", "curl", "java", "javac", "gnutls-cli", "node")
ONE = CLIENTS[-1].name  # Python, which is always there


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which everything temporary is made, so that what is left behind is seen."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@contextmanager
def played(scene: str, version: str) -> Iterator[tuple[Staged, dict[str, object]]]:
    """A scene, and what `clients` is told of it."""
    with stage(scene, version) as staged:
        yield (
            staged,
            {
                "identity": staged.identity_files,
                "trust": staged.trust_files,
                "password": staged.password,
                "server_name": staged.server_name,
                "tls": version,
            },
        )


@ALL
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_client_is_accepted_where_nothing_is_wrong(version: str) -> None:
    """Six clients, one answer, and the certificates that they sent."""
    with played("none", version) as (staged, told):
        found = clients(staged.target, **told)
        visits = staged.endpoint.visits(len(CLIENTS)) if staged.endpoint else ()
    assert [one.client for one in found.runs] == [one.name for one in CLIENTS]
    assert {one.outcome for one in found.runs} == {"accepted"}
    assert {one.exit_status for one in found.runs} == {0}
    assert {one.words for one in found.runs} == {"HTTP/1.1 200 OK"}
    assert {one.sent for one in found.runs if one.sent is not None} == {2}
    assert {one.client for one in visits} == {"CN=Acme Integration Client,O=Acme Corporation"}
    assert "Every client was accepted." in str(found)


@ALL
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_client_that_sends_an_incomplete_chain_is_refused(version: str) -> None:
    """OpenSSL's relatives send it; Java finds nothing that fits the CA list, and sends none."""
    with played("client.chain-incomplete", version) as (staged, told):
        found = clients(staged.target, **told)
    assert {one.outcome for one in found.runs} == {"refused"}
    assert {one.refused_by for one in found.runs if one.told_by == "wire"} == {"server"}
    senders = [one for one in found.runs if one.client != "Java"]
    assert {(one.sent, one.alert) for one in senders} == {(1, "unknown_ca")}
    without = {"1.2": "handshake_failure", "1.3": "certificate_required"}
    assert found["java"].alert == without[version]
    assert 0 not in {one.exit_status for one in found.runs}


@ALL
def test_every_client_refuses_a_server_that_it_does_not_trust() -> None:
    """The refusal is the client's, and each says so in its own words."""
    with played("server.untrusted-issuer", "1.2") as (staged, told):
        found = clients(staged.target, **told)
    assert {one.refused_by for one in found.runs} == {"client"}
    assert all(one.words for one in found.runs)


@ALL
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", ["client.expired", "client.no-identity", "server.expired"])
def test_what_a_clients_log_tells_is_what_the_wire_saw(scene: str, version: str) -> None:
    """Who refused whom, the alert, how many certificates: where both tell it, they agree."""
    with played(scene, version) as (staged, told):
        found = clients(staged.target, **told)
    compared = [pair for one in found.runs for pair in told_twice(one)]
    assert len(compared) >= len(CLIENTS)
    assert [pair for pair in compared if pair[1] != pair[2]] == []


def told_twice(one: ClientRun) -> list[tuple[str, object, object]]:
    """What both the wire and the client's own log tell of a run."""
    if not one.log.traces or one.wire.ended.outcome == "undecided":
        return []
    wire, log = one.wire, one.log.traces[0]
    answers = {
        "refused by": (wire.ended.refused_by, log.ended.refused_by),
        "alert": (wire.ended.symptom.name, log.ended.symptom.name),
        "sent": tuple(each and len(each) for each in (wire.client_chain, log.client_chain)),
        "version": (wire.tls, log.tls),
    }
    return [(f"{one.client}: {what}", *both) for what, both in answers.items() if None not in both]


def test_without_trust_nobody_verifies_and_without_identity_none_is_sent() -> None:
    """A look at the server alone."""
    with played("none", "1.2") as (staged, told):
        found = clients(
            staged.target, server_name=staged.server_name, tls="1.2", only=["python", "node"]
        )
        assert told
    assert {one.sent for one in found.runs} == {0}
    assert {one.refused_by for one in found.runs} == {"server"}


def errand(parties: Parties, **parts: object) -> Call:
    """What the clients are asked to do at a server that is not there."""
    target = Target("127.0.0.1", 9)
    trust = (parties.identity(parties.server).chain[0],)
    call = Call(target, "localhost", parties.identity(), trust=trust, request=HttpRequest())
    return replace(call, **parts)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_no_secret_is_an_argument_or_in_the_environment(client: Client, parties: Parties) -> None:
    """Password and key are in files and on standard input alone."""
    key = parties.client.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with papers_for(errand(parties)) as papers:
        command = client.command("program", Errand(errand(parties), Target("127.0.0.1", 9), papers))
        seen = " ".join((*command.arguments, *command.environment.values()))
        assert papers.password not in seen + repr(papers) + repr(command)
        assert not any(line in seen for line in key.decode().splitlines())


def test_only_its_owner_may_read_what_is_written(parties: Parties, folder: Path) -> None:
    """The folder is closed to others, and so is every file in it; afterwards both are gone."""
    with papers_for(errand(parties)) as papers:
        assert stat.S_IMODE(papers.folder.stat().st_mode) == 0o700
        modes = {stat.S_IMODE(one.stat().st_mode) for one in papers.folder.iterdir()}
        assert modes == {0o600}
        assert papers.folder.parent == folder
    assert list(folder.iterdir()) == []


def test_the_folder_is_gone_after_an_exception(parties: Parties, folder: Path) -> None:
    """Whatever goes wrong in between."""
    with pytest.raises(KeyboardInterrupt), papers_for(errand(parties)):
        raise KeyboardInterrupt
    assert list(folder.iterdir()) == []


def test_a_client_that_does_not_end_is_ended(parties: Parties, folder: Path) -> None:
    """By its deadline, with its children, and the folder goes with it."""
    with serve(silent) as endpoint:
        call = errand(parties, target=endpoint.target, timeout=0.5)
        (one,) = try_clients(call, ["python"]).runs
    assert one.exit_status is None or one.why == ""
    assert one.outcome != "accepted"
    assert list(folder.iterdir()) == []


def test_a_program_is_ended_with_its_children(tmp_path: Path) -> None:
    """What it started ends with it."""
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    note = "import os; print(os.getpid(), flush=True);"
    command = Command((sys.executable, "-c", note + script), hangs_up=False)
    done = run(command, tmp_path, 0.5)
    assert done.status is None
    assert "ended after 0.5 seconds" in done.why


def test_a_program_that_says_too_much_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of it is bounded."""
    monkeypatch.setattr(running, "LIMIT", 1 << 20)
    done = run(Command((sys.executable, "-c", "while True: print('x' * 9999)")), tmp_path, 30.0)
    assert done.status is None
    assert "said more than" in done.why
    assert len(done.said) < 2 << 20


def test_nothing_of_our_environment_reaches_a_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither settings nor secrets; its home is the private folder."""
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere")
    monkeypatch.setenv("OPENSSL_CONF", "/nowhere")
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    script = "import os; print(sorted(os.environ.items()))"
    said = run(Command((sys.executable, "-c", script)), tmp_path, 30.0).said
    assert "nowhere" not in said
    assert "hunter2" not in said
    assert f"('HOME', '{tmp_path}')" in said


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_no_transcript_holds_a_secret(version: str) -> None:
    """`openssl s_client` prints its master key; that is left out of what is kept."""
    with played("none", version) as (staged, told):
        (one,) = clients(staged.target, only=["openssl"], **told).runs
    text = one.transcript.text
    found = re.findall(r"(?:Master-Key|PSK): *(\S+)", text)
    assert found
    assert set(found) <= {"(left", "None"}
    assert "mtlskit-client-" not in text


def test_a_client_that_is_not_there_is_named(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is absent, not failed."""
    absent = replace(CLIENTS[0], name="Nobody", program="no-such-program-anywhere")
    monkeypatch.setattr("mtlskit.collect.clients.attempts.CLIENTS", (absent,))
    found = try_clients(errand(parties))
    assert found.runs == ()
    assert found.absent == ("Nobody",)
    assert "None of the clients" in str(found)


@pytest.mark.parametrize(
    ("parts", "only", "words"),
    [
        ({}, ["netscape"], "There is no client 'netscape'"),
        ({"server_name": ""}, [], "send the name"),
        ({"starttls": "smtp", "request": None}, [], "call directly"),
        ({"via": Proxy("http", Target("127.0.0.1", 1))}, [], "call directly"),
    ],
)
def test_what_no_client_can_be_told_is_refused(
    parties: Parties, parts: dict[str, object], only: list[str], words: str
) -> None:
    """Before anyone is called, in one sentence."""
    with pytest.raises(ValueError, match=words):
        try_clients(errand(parties, **parts), only)


def test_an_identity_without_its_key_cannot_be_handed_on(parties: Parties) -> None:
    """It says so, and calls nobody."""
    bare = replace(parties.identity(), key=None)
    with pytest.raises(Unreadable, match="no private key"):
        try_clients(errand(parties, identity=bare), ["python"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_nothing_behind(number: int, tmp_path: Path) -> None:
    """Neither a folder with a key nor a client that still runs."""
    place = tmp_path / "temporary"
    place.mkdir()
    with stage("none", directory=tmp_path) as staged, serve(silent) as endpoint:
        command = [
            *(sys.executable, "-m", "mtlskit", "clients", str(endpoint.target), "--only", "python"),
            *("--identity", str(tmp_path / staged.identity_files[0].source.name)),
            *("--password-file", str(tmp_path / "password.txt"), "--timeout", "60"),
        ]
        environment = {**os.environ, "TMPDIR": str(place)}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            endpoint_is_called(place)
            process.send_signal(number)
            _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip().endswith(b"stopped.")
    assert list(place.iterdir()) == []


def endpoint_is_called(place: Path) -> None:
    """Waits until the client has its files."""
    until = time.monotonic() + 30
    while not list(place.glob("mtlskit-client-*/attempt.py")):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_each_client_knows_its_version_and_words() -> None:
    """Each has a program of its own on this machine, or says that it has none."""
    for one in CLIENTS:
        assert one.path is None or Path(one.path).exists()
    assert len({one.name for one in programs.CLIENTS}) == len(CLIENTS)


def test_a_server_that_floods_is_cut_off(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without an end does not fill the disk or the memory."""
    monkeypatch.setattr(running, "LIMIT", 1 << 20)

    def pour(line: Line) -> Visit:
        line.receive()
        with suppress(OSError):
            while True:
                line.send(b"\x15\x03\x03\x40\x00" + bytes(16384))
        return Visit()

    with serve(pour) as endpoint:
        (one,) = try_clients(errand(parties, target=endpoint.target, timeout=5.0), ["python"]).runs
    assert one.outcome != "accepted"
