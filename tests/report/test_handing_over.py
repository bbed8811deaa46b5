"""What a command hands over: the report by level, its preview, a message, and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.terminal.showing import REFUSED

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One line of a log whose name and address are ours."""
    file = tmp_path / "acme-gateway.log"
    file.write_text("javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate\n")
    return file


def test_a_level_holds_for_what_is_printed_and_saved(
    log: Path, tmp_path: Path, capsys: Capsys
) -> None:
    """The name of the log is in no output; the level is told."""
    name = ["--report", str(tmp_path / "r"), "--redact", "own"]
    assert main(["read", str(log), "--json", *name]) == REFUSED
    told = capsys.readouterr()
    assert json.loads(told.out)["redacted"] == "own"
    files = [one for one in tmp_path.iterdir() if one.stem == "r"]
    assert len(files) == 3
    assert not any("acme-gateway" in one.read_text("utf-8") for one in files)
    assert "acme-gateway" not in told.out


def test_a_preview_is_printed_in_place_of_the_report(log: Path, capsys: Capsys) -> None:
    """It says what is replaced by what."""
    assert main(["read", str(log), "--redact", "own", "--preview"]) == REFUSED
    told = capsys.readouterr().out
    assert "acme-gateway.log" in told
    assert "file-1.log" in told
    assert "keep it to yourself" in told


def test_a_message_is_printed_ready_to_paste(log: Path, capsys: Capsys) -> None:
    """Nothing but the message, at the level that was asked for."""
    assert main(["read", str(log), "--message", "partner", "--redact", "names"]) == REFUSED
    told = capsys.readouterr().out
    assert told.startswith("Subject: ")
    assert "alert bad_certificate (42)" in told
    assert "acme-gateway" not in told


def test_a_pdf_needs_a_name_and_a_printer(
    log: Path, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a printer the other files are saved all the same, and one sentence says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["read", str(log), "--pdf"]) == REFUSED
    assert "--report NAME says where" in capsys.readouterr().err
    assert main(["read", str(log), "--pdf", "--report", str(tmp_path / "r")]) == REFUSED
    told = capsys.readouterr().err
    assert "needs Chromium" in told
    assert f"saved {tmp_path / 'r.html'}" in told


def test_a_notebook_is_written_where_a_name_is_given(
    log: Path, tmp_path: Path, capsys: Capsys
) -> None:
    """With a name it lies beside the other files; without one a sentence asks for it."""
    assert main(["read", str(log), "--notebook"]) == REFUSED
    assert "No notebook was written: --report NAME says where" in capsys.readouterr().err
    assert main(["read", str(log), "--notebook", "--report", str(tmp_path / "r")]) == REFUSED
    assert f"saved {tmp_path / 'r.ipynb'}" in capsys.readouterr().err
