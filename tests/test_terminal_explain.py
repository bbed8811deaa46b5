"""``mtlskit explain``: a line, a file, or standard input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.terminal.showing import REFUSED, UNREADABLE

Capsys = pytest.CaptureFixture[str]
LINE = "http: TLS handshake error from 10.0.0.1:5555: remote error: tls: bad certificate"


def test_a_line_is_explained(capsys: Capsys) -> None:
    """Who refused whom stands first; the exit status says that it was a refusal."""
    assert main(["explain", LINE]) == REFUSED
    assert "The client refused the server." in capsys.readouterr().out


def test_words_without_quotes_are_one_line(capsys: Capsys) -> None:
    """A shell splits what was not quoted; it is put together again."""
    assert main(["explain", *LINE.split(), "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert told["refused_by"] == "client"
    assert told["explained"][0]["misleads"] is True


def test_a_file_is_read(tmp_path: Path, capsys: Capsys) -> None:
    """A file's name is taken for the file; UTF-16 is read."""
    file = tmp_path / "error.txt"
    file.write_bytes(LINE.encode("utf-16"))
    assert main(["explain", str(file), "--json"]) == REFUSED
    assert json.loads(capsys.readouterr().out)["refused_by"] == "client"


def test_whose_log_it_is_can_be_said(capsys: Capsys) -> None:
    """Said by hand, the side turns the reading round."""
    words = "Received fatal alert: certificate_unknown"
    main(["explain", words, "--seen-by", "server", "--json"])
    assert json.loads(capsys.readouterr().out)["refused_by"] == "client"


@pytest.mark.parametrize("text", ["", "the cake is ready"])
def test_what_says_nothing_is_unreadable(text: str, capsys: Capsys) -> None:
    """No phrase, no verdict: the exit status says so."""
    assert main(["explain", text]) == UNREADABLE
    shown = capsys.readouterr()
    assert shown.out or shown.err
