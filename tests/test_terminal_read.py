"""``mtlskit read`` on logs and key logs: the connection is found, chosen, and judged."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.lab.pki import Authority
from mtlskit.terminal.showing import REFUSED, UNREADABLE, USAGE

Capsys = pytest.CaptureFixture[str]
LINE = "javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One line of an application's log."""
    file = tmp_path / "app.log"
    file.write_text(f"2026-11-23 10:42:17,120 ERROR [Submit] {LINE}")
    return file


def test_one_line_of_a_log_is_a_refusal(log: Path, capsys: Capsys) -> None:
    """The alert is read; who refused is not guessed, since either side may write such a line."""
    assert main(["read", str(log), "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["refused_by"]) == ("refused", None)
    assert told["symptom"]["alert"] == 42
    assert "app.log, line 1" in told["because"][0]


def test_a_packed_log_reads_alike(log: Path, tmp_path: Path, capsys: Capsys) -> None:
    """What is compressed by gzip is told by its content."""
    packed = tmp_path / "app.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert main(["read", str(packed), "--json"]) == REFUSED
    assert json.loads(capsys.readouterr().out)["symptom"]["alert"] == 42


def test_another_connection_can_be_chosen(log: Path, tmp_path: Path, capsys: Capsys) -> None:
    """Every connection of the files has a number, by which it is judged."""
    other = tmp_path / "other.log"
    other.write_text(LINE.replace("bad_certificate", "certificate_expired"))
    assert main(["read", str(log), str(other), "--connection", "2", "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert told["symptom"]["alert"] == 45
    assert [one["judged"] for one in told["connections"]] == [False, True]


def test_a_connection_that_is_not_there_is_wrong_usage(log: Path, capsys: Capsys) -> None:
    """The sentence says how many there are."""
    assert main(["read", str(log), "--connection", "3"]) == USAGE
    assert "no connection 3: the files tell of 1" in capsys.readouterr().err


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A certificate that was good for one day in 2026, and its key."""
    root = Authority.root("Acme Root CA")
    day = datetime(2026, 11, 20, tzinfo=UTC)
    issued = root.issue("partner-client", not_before=day, not_after=day + timedelta(days=1))
    file = tmp_path / "client.pem"
    file.write_bytes(issued.pem_chain() + issued.pem_key())
    return file


def test_dates_are_judged_at_the_time_that_is_said(
    log: Path, old: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--at` says when it failed; a time without a zone is UTC, whatever the machine's zone."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    for at, expired in (("2026-11-20T23:59", False), ("2026-11-21T00:01Z", True)):
        main(["read", str(log), str(old), "--at", at, "--json"])
        found = {
            one["rule"]: one["verdict"]
            for one in json.loads(capsys.readouterr().out)["findings"]
            if one["rule"] == "client.expired"
        }
        assert found["client.expired"] == ("found" if expired else "clear"), at


def test_a_chain_is_verified_at_the_time_that_is_said(old: Path, capsys: Capsys) -> None:
    """The same certificate is expired at one time and not yet valid at another."""
    for at, code in (("2026-11-19", "not-yet-valid"), ("2026-12-01", "expired")):
        assert main(["verify", str(old), "--at", at, "--json"]) == REFUSED
        assert code in {one["code"] for one in json.loads(capsys.readouterr().out)["reasons"]}


def test_a_time_that_is_none_is_wrong_usage(log: Path, capsys: Capsys) -> None:
    """The sentence shows how a time is written."""
    with pytest.raises(SystemExit) as ended:
        main(["read", str(log), "--at", "yesterday"])
    assert ended.value.code == USAGE
    assert "'yesterday' is no time, such as 2026-11-20" in capsys.readouterr().err


def test_a_text_about_something_else_is_named(tmp_path: Path, capsys: Capsys) -> None:
    """A text without a known phrase is not dropped in silence."""
    file = tmp_path / "notes.txt"
    file.write_text("the weather was fine\n")
    assert main(["read", str(file)]) == UNREADABLE
    assert "Nothing in this text is a phrase about TLS" in capsys.readouterr().err


def test_a_key_log_never_reaches_the_report(log: Path, tmp_path: Path, capsys: Capsys) -> None:
    """The secrets of a key log are used and not told."""
    keys = tmp_path / "keys.log"
    keys.write_text(f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    assert main(["read", str(log), str(keys), "--json", "--report", str(tmp_path / "r")]) == REFUSED
    every = capsys.readouterr().out + "".join(
        one.read_text() for one in tmp_path.iterdir() if one.name.startswith("r.")
    )
    assert "cd" * 48 not in every


def test_a_folder_is_one_clear_sentence_and_no_report(tmp_path: Path, capsys: Capsys) -> None:
    """Nothing was read, so nothing is said to be without a fault."""
    (tmp_path / "instance.xml").write_text("<unload/>")
    assert main(["read", str(tmp_path)]) == UNREADABLE
    told = capsys.readouterr()
    said = f"{tmp_path} is a folder. Name the files in it, such as {tmp_path}/* in a shell."
    assert told.err == f"mtlskit: {said}\n"
    assert told.out == ""


def test_where_nothing_could_be_read_no_fault_is_ruled_out(tmp_path: Path, capsys: Capsys) -> None:
    """An empty export is no locked key store, and a login page no sign that all is well."""
    (tmp_path / "a.xml").write_text("")
    (tmp_path / "b.xml").write_text("<html><title>Login</title></html>")
    assert main(["read", str(tmp_path / "a.xml")]) == UNREADABLE
    told = capsys.readouterr()
    assert "is empty (0 bytes)" in told.err
    assert "key store could not be read" not in told.out
    assert main(["read", str(tmp_path / "b.xml")]) == UNREADABLE
    assert "Nothing that was given could be read" in capsys.readouterr().out
