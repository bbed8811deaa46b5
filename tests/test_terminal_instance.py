"""``mtlskit instance``: an instance's settings in the terminal, and saved for later."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from mtlskit.__main__ import main
from mtlskit.lab.pki import pem
from mtlskit.lab.table_api import Served, of_world, table_api
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with table_api(of_world("broken")) as running:
        yield running


@pytest.fixture
def said(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command without its last words."""
    return command(served, tmp_path, monkeypatch)


def command(served: Served, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    trust = folder / "instance-ca.pem"
    trust.write_bytes(pem([x509.load_der_x509_certificate(served.trust[0].der)]))
    monkeypatch.setenv("MADE_UP", served.api.password)
    login = ["--user", served.api.user, "--password-env", "MADE_UP"]
    return ["instance", served.url, *login, "--trust", str(trust)]


def test_the_protocol_table_is_printed(said: list[str], capsys: Capsys) -> None:
    """Which scheme uses what, by which record, and what is set in vain."""
    assert main(said) == ACCEPTED
    out = capsys.readouterr().out
    assert "myhttps" in out
    assert "4433" in out
    assert "default_port" in out
    assert "nothing; it was only read" in " ".join(out.split())


def test_what_was_read_is_saved_and_read_again(
    said: list[str], tmp_path: Path, capsys: Capsys
) -> None:
    """As a folder of JSON and as one XML file; for its owner alone; and the cause is found."""
    for name in ("saved", "saved.xml"):
        assert main([*said, "--save", str(tmp_path / name)]) == ACCEPTED
    files = [str(one) for one in sorted((tmp_path / "saved").iterdir())]
    assert {stat.S_IMODE(Path(one).stat().st_mode) for one in files} <= {0o600, 0o666}
    url = "myhttps://partner.example.com:8443/orders"
    for given in (files, [str(tmp_path / "saved.xml")]):
        capsys.readouterr()
        main(["read", *given, "--url", url, "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["opinions"][0]["cause"] == "instance.port"


def test_nothing_is_written_over(said: list[str], tmp_path: Path, capsys: Capsys) -> None:
    """It is refused before anyone is called."""
    (tmp_path / "saved.xml").write_text("mine")
    assert main([*said, "--save", str(tmp_path / "saved.xml")]) == USAGE
    assert (tmp_path / "saved.xml").read_text() == "mine"
    assert main([*said, "--save", str(tmp_path / "none" / "saved.xml")]) == USAGE
    assert "there already" in capsys.readouterr().err


def test_it_can_be_read_by_a_program(said: list[str], capsys: Capsys) -> None:
    """JSON names what was read and what was refused, and no password."""
    assert main([*said, "--json"]) == ACCEPTED
    out = capsys.readouterr().out
    told = json.loads(out)
    assert told["user"] == "reader"
    first = told["protocols"][0]
    assert (first["scheme"], first["by"], first["port"]) == ("myhttps", "property", "4433")
    assert "sys_protocol_profile myhttps, default_port = 8443" in first["no_effect"]
    assert told["tables"]["sys_protocol_profile"] == 2
    assert "made-up password" not in out


def test_a_table_that_is_closed_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    """The status says that not everything was read, and the sentence what."""
    with table_api(replace(of_world(), closed=frozenset({"sys_certificate"}))) as served:
        assert main(command(served, tmp_path, monkeypatch)) == REFUSED
    told = capsys.readouterr()
    assert "sys_certificate: The user may not read this table" in told.err
    assert "so not looked at: sys_certificate" in " ".join(told.out.split())


def test_a_wrong_password_is_one_sentence(
    said: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    """The instance could not be read; the password is not repeated."""
    monkeypatch.setenv("MADE_UP", "wr0ng")
    assert main(said) == UNREADABLE
    err = capsys.readouterr().err
    assert "did not accept the login" in err
    assert "wr0ng" not in err


def test_without_its_authority_nobody_is_told_the_password(
    said: list[str], served: Served, capsys: Capsys
) -> None:
    """The instance's certificate is verified by what the machine trusts; nothing was asked."""
    before = len(served.asked)
    assert main(said[: said.index("--trust")]) == UNREADABLE
    assert "--trust FILE" in capsys.readouterr().err
    assert len(served.asked) == before


def test_the_password_is_asked_for_at_a_terminal(
    said: list[str], served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither file nor environment has it; without a terminal that is wrong usage."""
    place = said.index("--password-env")
    bare = said[:place] + said[place + 2 :]
    assert main(bare) == USAGE
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return served.api.password

    monkeypatch.setattr("mtlskit.terminal.passwords.getpass", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(bare) == ACCEPTED
    assert asked == [f"Password of reader on {served.url}: "]


def test_a_token_is_read_from_a_file(said: list[str], served: Served, tmp_path: Path) -> None:
    """Its line end does not belong to it."""
    (tmp_path / "token").write_text(f"{served.api.token}\n")
    trust = said[said.index("--trust") :]
    login = ["--token-file", str(tmp_path / "token")]
    assert main(["instance", served.url, *login, *trust]) == ACCEPTED


@pytest.mark.parametrize("name", ["http://acme.example", "https://u:pa55@acme.example"])
def test_what_is_no_instance_is_told_before_a_password_is_asked_for(
    name: str, capsys: Capsys
) -> None:
    """And a password in the address is not repeated."""
    assert main(["instance", name, "--user", "u"]) == UNREADABLE
    assert "pa55" not in capsys.readouterr().err
