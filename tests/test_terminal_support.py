"""The terminal door as a support engineer meets it: locked stores, names, files in any order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.collect.call import Call
from mtlskit.collect.live import connect
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.lab.endpoint import Line, Visit, serve
from mtlskit.lab.pki import Authority
from mtlskit.lab.servers import Tls, tls
from mtlskit.terminal.showing import UNREADABLE

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A locked store, the server's root, and a capture of a call by address with no certificate."""
    where = tmp_path_factory.mktemp("case")
    root = Authority.root("CN=Root")
    (where / "root.pem").write_bytes(root.pem_chain())
    (where / "client.p12").write_bytes(root.client("CN=client").p12("right"))
    (where / "wrong.txt").write_text("wrong\n")
    server = root.server("CN=orders.example", "orders.example", "localhost")
    told = Tls(server, trust=(root.certificate,), versions=("1.2", "1.2"))
    with serve(tls(told)) as endpoint:
        tap = connect(Call(endpoint.target, server_name=""))
    (where / "call.pcapng").write_bytes(pcapng(tap))
    (where / "port.txt").write_text(str(endpoint.target.port))
    return where


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "It is locked. Give its password by --password-file F or --password-env NAME."),
        (["--password-file", "wrong.txt"], "None of the passwords opens client.p12."),
    ],
    ids=["none", "wrong"],
)
def test_nobody_is_called_with_a_locked_store(
    folder: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
) -> None:
    """A call without the certificate would be another call than the client's."""
    monkeypatch.chdir(folder)
    called: list[Line] = []

    def note(line: Line) -> Visit:
        called.append(line)
        return Visit()

    with serve(note) as endpoint:
        told = ["--identity", "client.p12", *more]
        status = main(["diagnose", str(endpoint.target), *told])
    printed = capsys.readouterr()
    assert (status, printed.out, called) == (UNREADABLE, "", [])
    assert said in printed.err
    assert printed.err.count("\n") == 1


def read(folder: Path, capsys: Capsys, *more: str) -> str:
    """What `read` prints of the capture and more, in one line."""
    main(["read", str(folder / "call.pcapng"), *more])
    return " ".join(capsys.readouterr().out.replace("|", " ").split())


def test_a_locked_store_is_told_first_and_changes_nothing(folder: Path, capsys: Capsys) -> None:
    """What lies in it is not known; that is no evidence of what the client held."""
    alone = read(folder, capsys)
    told = read(folder, capsys, str(folder / "client.p12"))
    first = "Not looked at Locked: client.p12. Give its password"
    assert first in told.partition("What happened")[0]
    headline = alone.partition("What happened")[0]
    assert headline.partition("PROBLEM:")[2].strip()
    assert told.replace(f"{first}, as by --password-file or --password-env. ", "").startswith(
        headline
    )
    assert "No private key that belongs to a certificate" not in told


def test_the_url_tells_the_name_and_the_path(folder: Path, capsys: Capsys) -> None:
    """Where no SNI was seen, the URL's host is what the client called; the commands use both."""
    port = (folder / "port.txt").read_text()
    stem, keys = str(folder / "told"), [str(folder / "client.p12"), "--password-env", "WORD"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORD", "right")
        url = f"https://orders.example:{port}/orders"
        told = read(folder, capsys, *keys, "--url", url, "--report", stem)
    assert "The name that the client called." not in told
    saved = Path(f"{stem}.md").read_text()
    assert f"s_client -connect 127.0.0.1:{port} -servername orders.example" in saved
    assert f"--connect-to orders.example:{port}:127.0.0.1:{port}" in saved
    assert url in saved


def test_the_name_can_be_said_by_itself(folder: Path, capsys: Capsys) -> None:
    """The advice that a report gives is an option of the command."""
    assert "Give it by --server-name" in read(folder, capsys)
    told = read(folder, capsys, "--server-name", "orders.example")
    assert "by the name orders.example" in told
    assert "Give it by --server-name" not in told


def test_a_root_among_the_files_is_not_trusted_by_its_place(folder: Path, capsys: Capsys) -> None:
    """The reader is told that it issued the chain, and that trust has to be said."""
    told = read(folder, capsys, str(folder / "root.pem"))
    assert "Root (root.pem, block 1) issued the server's" in told
    again = read(folder, capsys, "--trust", str(folder / "root.pem"))
    assert "issued the server's" not in again
