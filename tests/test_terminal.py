"""The terminal door: what it prints, and its exit status."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.__main__ import main
from mtlskit.lab import scenes, servers
from mtlskit.lab.endpoint import serve
from mtlskit.lab.pki import Authority
from mtlskit.lab.scenes import Staged
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Staged]:
    """The scene client.chain-incomplete in TLS 1.3, with its files on disk."""
    with scenes.stage("client.chain-incomplete", directory=tmp_path) as staged:
        yield staged


def arguments(staged: Staged, folder: Path) -> list[str]:
    """What an engineer would type for this scene."""
    files = {
        "--identity": staged.identity_files,
        "--trust": staged.trust_files,
        "--material": staged.material_files,
    }
    given = [
        word
        for option, blobs in files.items()
        if blobs
        for word in (option, *(str(folder / one.source.name) for one in blobs))
    ]
    password = ["--password-file", str(folder / "password.txt")] if staged.password else []
    return [str(staged.target), "--server-name", staged.server_name, *given, *password]


def test_diagnose_names_the_cause_and_says_so_by_its_status(
    played: Staged, tmp_path: Path, capsys: Capsys
) -> None:
    """A refusal is status 1, and the JSON has the cause first, by the schema."""
    status = main(["diagnose", *arguments(played, tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert status == REFUSED
    assert told["schema"] == 1
    assert (told["outcome"], told["refused_by"], told["stage"]) == (
        "refused",
        "server",
        "after-handshake",
    )
    assert told["symptom"]["alert"] == 48
    assert told["opinions"][0]["cause"] == "client.chain-incomplete"
    assert told["opinions"][0]["standing"] == "CONFIRMED"
    assert told["experiments"]


def test_diagnose_saves_the_report_where_it_is_told(
    played: Staged, tmp_path: Path, capsys: Capsys
) -> None:
    """The three files are written, and the command says where."""
    stem = tmp_path / "case-17"
    main(["diagnose", *arguments(played, tmp_path), "--report", str(stem)])
    printed = capsys.readouterr()
    for ending in (".html", ".md", ".json"):
        assert stem.with_suffix(ending).stat().st_size > 1000
        assert f"case-17{ending}" in printed.err
    assert "client.chain-incomplete" in printed.out or "intermediate" in printed.out


def test_a_healthy_connection_is_status_0(tmp_path: Path, capsys: Capsys) -> None:
    """Accepted is 0, for diagnose and for trace."""
    with scenes.stage("none", directory=tmp_path) as staged:
        given = arguments(staged, tmp_path)
        assert main(["diagnose", *given, "--json"]) == ACCEPTED
        told = json.loads(capsys.readouterr().out)
        traced = [word for word in given if word != "--material"]
        assert main(["trace", *traced, "--request"]) == ACCEPTED
    assert told["opinions"][0]["cause"] == "none"
    assert told["refused_by"] is None
    assert "accepted" in capsys.readouterr().out


def test_nobody_listening_is_status_3(capsys: Capsys) -> None:
    """What cannot be reached is 3, and the cause is the network's."""
    with scenes.stage("network.refused") as staged:
        assert main(["diagnose", str(staged.target), "--json"]) == UNREADABLE
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["opinions"][0]["cause"]) == ("unreachable", "network.refused")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["diagnose"],
        ["nonsense"],
        ["trace", "a:1", "--tls", "1.9"],
        ["diagnose", "a:1", "--timeout", "-3"],
        ["diagnose", "a:1", "--timeout", "soon"],
        ["inspect", "x", "--password-env", "MTLSKIT_NOT_SET"],
    ],
)
def test_wrong_usage_is_status_2_in_one_line(words: list[str], capsys: Capsys) -> None:
    """The line says what is wrong; there is no traceback."""
    try:
        status = main(words)
    except SystemExit as left:
        status = int(left.code or 0)
    printed = capsys.readouterr().err.strip()
    assert status == USAGE
    assert len(printed.splitlines()) == 1
    assert printed.startswith("mtlskit")


@pytest.mark.parametrize("target", ["", "no port:x", ":443", "host:99999", "a b:1", "[::1"])
def test_a_target_that_names_no_endpoint_is_told(target: str, capsys: Capsys) -> None:
    """The sentence says what was expected."""
    assert main(["trace", target]) == UNREADABLE
    assert "HOST:PORT" in capsys.readouterr().err


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are not what they should be, by name."""
    folder = tmp_path_factory.mktemp("bad")
    issued = Authority.root("Lab root").issue("client")
    der = issued.certificate.public_bytes(Encoding.DER)
    (folder / "empty.p12").touch()
    (folder / "text.pem").write_text("this is no certificate\n")
    (folder / "cut.der").write_bytes(der[: len(der) // 2])
    (folder / "locked.p12").write_bytes(issued.p12("right"))
    (folder / "folder.pem").mkdir()
    with (folder / "large.jks").open("wb") as file:
        file.truncate(2 << 30)
    return folder


@pytest.mark.parametrize(
    "name", ["empty.p12", "text.pem", "cut.der", "folder.pem", "large.jks", "missing.pem"]
)
def test_a_file_that_cannot_be_read_is_status_3_and_named(
    bad_files: Path, name: str, capsys: Capsys
) -> None:
    """One clear sentence with the file's name, whatever is wrong with it."""
    assert main(["inspect", str(bad_files / name)]) == UNREADABLE
    printed = capsys.readouterr()
    assert name in printed.out + printed.err
    assert "Traceback" not in printed.err


def test_a_wrong_password_is_told_apart(bad_files: Path, tmp_path: Path, capsys: Capsys) -> None:
    """It is neither damage nor an unknown format."""
    (tmp_path / "password").write_text("wrong\n")
    words = [
        "inspect",
        str(bad_files / "locked.p12"),
        "--password-file",
        str(tmp_path / "password"),
    ]
    assert main([*words, "--json"]) == UNREADABLE
    assert "wrong-password" in capsys.readouterr().out


def test_a_password_is_never_printed(played: Staged, tmp_path: Path, capsys: Capsys) -> None:
    """Neither the password nor the key stands in any output."""
    assert played.password
    main(["diagnose", *arguments(played, tmp_path)])
    main(
        [
            "inspect",
            *(str(tmp_path / one.source.name) for one in played.identity_files),
            "--password-file",
            str(tmp_path / "password.txt"),
            "--json",
        ]
    )
    printed = capsys.readouterr()
    assert played.password not in printed.out + printed.err
    assert "PRIVATE KEY" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (servers.plain_http, "not TLS"),
        (servers.close_at_once, "closed"),
        (servers.flood(), ""),
        (servers.drip(), ""),
        (servers.silent, "said nothing"),
    ],
    ids=["http", "closes", "flood", "drip", "silent"],
)
def test_a_rude_server_is_told_within_the_deadline(
    behaviour: servers.Behaviour, said: str, capsys: Capsys
) -> None:
    """Each gets a sentence and a status other than 0."""
    with serve(behaviour) as endpoint:
        status = main(["trace", str(endpoint.target), "--timeout", "1.5"])
    assert status in (REFUSED, UNREADABLE)
    assert said in capsys.readouterr().out


def test_verify_says_why(tmp_path: Path, capsys: Capsys) -> None:
    """A chain without its anchor is status 1, and the reason is of the closed list."""
    root = Authority.root("Lab root")
    leaf = root.intermediate("Lab CA").issue("client")
    (tmp_path / "chain.pem").write_bytes(leaf.pem_chain())
    (tmp_path / "root.pem").write_bytes(root.pem_chain())
    chain, trust = str(tmp_path / "chain.pem"), str(tmp_path / "root.pem")
    assert main(["verify", chain, "--trust", trust]) == ACCEPTED
    capsys.readouterr()
    assert main(["verify", chain, "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert told["accepted"] is False
    assert {"code", "certificate", "because"} <= set(told["reasons"][0])


def test_doctor_says_what_is_there(capsys: Capsys) -> None:
    """Versions and programs are listed, and nothing is installed."""
    assert main(["doctor"]) == ACCEPTED
    printed = capsys.readouterr().out
    assert re.search(r"cryptography\W+\d+\.", printed)


def test_the_module_can_be_run() -> None:
    """`python -m mtlskit --version` answers without loading cryptography."""
    done = subprocess.run(
        [sys.executable, "-m", "mtlskit", "--version"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.startswith("mtlskit ")
    probe = (
        "import sys\nfrom mtlskit.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert 'cryptography' not in sys.modules, 'slow help'\n"
    )
    subprocess.run([sys.executable, "-c", probe], timeout=30, check=True, stdout=subprocess.DEVNULL)


def test_a_closed_pipe_is_no_error(played: Staged, tmp_path: Path) -> None:
    """`mtlskit inspect … | head -1` ends without a traceback."""
    files = [str(tmp_path / one.source.name) for one in played.trust_files]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "mtlskit", "inspect", *files],
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert b"Traceback" not in done.stderr


EXPORTS = Path(__file__).parent.parent / "data" / "exports"


def test_exports_alone_are_judged(capsys: Capsys) -> None:
    """Broken settings name their cause and what to set; healthy ones name nothing."""
    url = ["--url", "myhttps://partner.example.com:8443/orders"]
    assert main(["read", str(EXPORTS / "broken" / "instance.xml"), *url, "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert told["opinions"][0]["cause"] == "instance.port"
    assert "glide.httpclient.protocol.myhttps.port" in told["opinions"][0]["remedy"]
    assert [row["answer"] for row in told["checklist"]][1] == "yes"
    assert [row["answer"] for row in told["checklist"]][3] == "unknown"  # on paper, until tried
    healthy = [str(one) for one in sorted((EXPORTS / "healthy").glob("*.json"))]
    assert main(["read", *healthy, *url, "--json"]) == ACCEPTED
    told = json.loads(capsys.readouterr().out)
    assert not any(one["cause"].startswith("instance.") and one["standing"] != "RULED_OUT"
                   for one in told["opinions"])  # fmt: skip


def test_a_password_file_of_any_editor_is_read(bad_files: Path, tmp_path: Path) -> None:
    """A byte-order mark is not part of the password."""
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbfright\r\n")
    store = str(bad_files / "locked.p12")
    assert main(["inspect", store, "--password-file", str(tmp_path / "password")]) == ACCEPTED


def test_a_password_file_that_is_no_text_is_told_without_its_bytes(
    bad_files: Path, tmp_path: Path, capsys: Capsys
) -> None:
    """The sentence names the file and prints nothing of the password."""
    (tmp_path / "password").write_bytes("geh\xfcim".encode("latin-1"))
    store = str(bad_files / "locked.p12")
    assert main(["inspect", store, "--password-file", str(tmp_path / "password")]) == USAGE
    said = capsys.readouterr().err
    assert "password" in said
    assert "0xfc" not in said


def test_a_terminal_that_lacks_a_letter_gets_the_answer_all_the_same(tmp_path: Path) -> None:
    """A name outside the terminal's encoding is escaped, and nothing else changes."""
    issued = Authority.root("CN=\u6771\u4eac Root").issue("client")
    (tmp_path / "chain.pem").write_bytes(issued.pem_chain())
    done = subprocess.run(
        [sys.executable, "-m", "mtlskit", "inspect", str(tmp_path / "chain.pem")],
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert done.returncode == ACCEPTED, done.stderr
    assert b"\\u6771" in done.stdout
