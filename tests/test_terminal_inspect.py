"""The terminal door, `inspect`: days to look ahead, stores beside each other, exit statuses."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.lab import samples
from mtlskit.lab.pki import Authority, now, pem
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A certificate that ends in 20 days, with its root and its key."""
    root = Authority.root("CN=Root")
    client = root.client("CN=client", not_after=now() + timedelta(days=20))
    whole = pem((client.certificate, root.certificate)) + client.pem_key()
    (tmp_path / "client.pem").write_bytes(whole)
    (tmp_path / "same.pem").write_bytes(pem((root.certificate, client.certificate)))
    (tmp_path / "root.pem").write_bytes(root.pem_chain())
    return tmp_path


@pytest.mark.parametrize(
    ("words", "status"),
    [([], ACCEPTED), (["--within", "10"], ACCEPTED), (["--within", "30"], REFUSED)],
)
def test_who_asks_for_days_is_answered_by_the_status(
    folder: Path, capsys: Capsys, words: list[str], status: int
) -> None:
    """Warnings alone are 0; only a question after days makes what ends within them a 1."""
    assert main(["inspect", str(folder / "client.pem"), *words]) == status
    warned = "1 warning, before it hurts" in capsys.readouterr().out
    assert warned is ("10" not in words)


@pytest.mark.parametrize("days", ["10", "30"])
def test_a_file_that_was_not_read_is_another_status(
    folder: Path, capsys: Capsys, days: str
) -> None:
    """Status 1 means that something ends; 3 that the answer is not whole, whatever was found."""
    (folder / "word").write_text("wrong")
    client = Authority.root("CN=Other").client("CN=other")
    (folder / "locked.p12").write_bytes(client.p12("right"))
    for other in ("locked.p12", "gone.pem"):
        files = [str(folder / "client.pem"), str(folder / other)]
        words = ["--within", days, "--password-file", str(folder / "word")]
        assert main(["inspect", *files, *words]) == UNREADABLE
        assert other in capsys.readouterr().out
    assert main(["inspect", *files, "--json"]) == UNREADABLE
    assert json.loads(capsys.readouterr().out)["unread"] == ["gone.pem"]


def test_the_first_look_is_short_and_names_the_rest(folder: Path, capsys: Capsys) -> None:
    """What is folded comes with --details."""
    assert main(["inspect", str(folder / "client.pem")]) == ACCEPTED
    assert "SHA-256" not in capsys.readouterr().out
    assert main(["inspect", str(folder / "client.pem"), "--details"]) == ACCEPTED
    assert "SHA-256" in capsys.readouterr().out


def test_the_json_has_the_warnings(folder: Path, capsys: Capsys) -> None:
    """By code, certificate and source; and in the entry's row."""
    main(["inspect", str(folder / "client.pem"), "--within", "25", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told["warnings"]] == ["expires-soon"]
    assert len(told["entries"][0]["warnings"]) == 1


@pytest.mark.parametrize(
    ("second", "status"),
    [("same.pem", ACCEPTED), ("root.pem", REFUSED), ("gone.pem", UNREADABLE)],
)
def test_stores_that_differ_are_status_1(
    folder: Path, capsys: Capsys, second: str, status: int
) -> None:
    """As of any program that compares: the same is 0, another is 1; one that is unread is 3."""
    files = [str(folder / "client.pem"), str(folder / second)]
    assert main(["inspect", *files, "--compare"]) == status
    assert "What stands where" in capsys.readouterr().out
    assert main(["inspect", *files, "--compare", "--json"]) == status
    assert json.loads(capsys.readouterr().out)["same"] is (status == ACCEPTED)


def test_nothing_to_compare(folder: Path, capsys: Capsys) -> None:
    """One file is wrong usage; two that cannot be read are status 3."""
    assert main(["inspect", str(folder / "client.pem"), "--compare"]) == USAGE
    assert "two files" in capsys.readouterr().err
    gone = [str(folder / "x"), str(folder / "y")]
    assert main(["inspect", *gone, "--compare"]) == UNREADABLE


@pytest.mark.parametrize("days", ["soon", "-3", "1.5", "9999999999", ""])
def test_days_that_are_none_are_wrong_usage(days: str, capsys: Capsys) -> None:
    """One line, no traceback."""
    with pytest.raises(SystemExit) as left:
        main(["inspect", "x", "--within", days])
    assert left.value.code == USAGE
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_key_stores_are_compared_with_a_password_file(tmp_path: Path, capsys: Capsys) -> None:
    """The old and the new key store of the lab, as an engineer would."""
    lab = samples.stores()
    for one in (lab.old, lab.new):
        (tmp_path / one.source.name).write_bytes(one.data)
    (tmp_path / "word").write_text(lab.password)
    files = [str(tmp_path / one.source.name) for one in (lab.old, lab.new)]
    given = ["--compare", "--password-file", str(tmp_path / "word")]
    assert main(["inspect", *files, *given]) == REFUSED
    printed = capsys.readouterr().out
    assert "same subject and issuer, new key" in " ".join(printed.split())
    assert lab.password not in printed


def test_what_is_over_is_a_finding_unless_it_is_an_authority(
    tmp_path: Path, capsys: Capsys
) -> None:
    """An expired certificate of one's own is status 1; an old root is warned of."""
    past = {"not_before": now() - timedelta(days=9), "not_after": now() - timedelta(days=2)}
    old, root = Authority.root("CN=Old", **past), Authority.root("CN=Root")
    (tmp_path / "old.pem").write_bytes(old.pem_chain())
    (tmp_path / "mine.pem").write_bytes(root.client("CN=mine", **past).pem_chain())
    assert main(["inspect", str(tmp_path / "old.pem")]) == ACCEPTED
    assert "expired" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "mine.pem")]) == REFUSED
