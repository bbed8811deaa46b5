"""The terminal door, `verify`: a short answer first, and JSON whatever happens."""

import json
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.lab.pki import Authority, pem
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE

Capsys = pytest.CaptureFixture[str]
SHORT = 30
"""Lines. So much is read without scrolling."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A client's chain, whole and locked, and what it hangs on."""
    root = Authority.root("CN=Root")
    issuing = root.intermediate("CN=Issuing")
    client = issuing.client("CN=client")
    (tmp_path / "root.pem").write_bytes(root.pem_chain())
    (tmp_path / "chain.pem").write_bytes(pem((client.certificate, issuing.certificate)))
    (tmp_path / "alone.pem").write_bytes(pem((client.certificate,)))
    (tmp_path / "locked.p12").write_bytes(client.p12("right"))
    (tmp_path / "damaged.p12").write_bytes(client.p12("right")[:300])
    (tmp_path / "word").write_text("wrong")
    return tmp_path


def test_the_answer_stands_on_top_in_a_few_lines(folder: Path, capsys: Capsys) -> None:
    """Whose rules, why, and which stacks say no; the rest is named and shown when asked for."""
    given = ["verify", str(folder / "chain.pem"), "--trust", str(folder / "root.pem")]
    assert main(given) == ACCEPTED
    short = capsys.readouterr().out
    top = " ".join(short.splitlines()[3:9])
    assert "Accepted by RFC 5280" in top
    assert "1 of 9 stacks would refuse it: Web PKI (cryptography)." in top
    assert len(short.splitlines()) <= SHORT
    assert "--details: What other stacks would say" in " ".join(short.split())
    assert main([*given, "--details"]) == ACCEPTED
    whole = capsys.readouterr().out
    assert "Predicted" in whole
    assert whole.count("It holds.") == 1


def test_a_refusal_says_why_once(folder: Path, capsys: Capsys) -> None:
    """The decisive reason with both sides; stacks that agree take one sentence."""
    given = ["verify", str(folder / "alone.pem"), "--trust", str(folder / "root.pem")]
    assert main(given) == REFUSED
    short = capsys.readouterr().out
    said = " ".join(short.replace("|", " ").split())
    assert "Refused by RFC 5280 [missing-issuer]" in said
    assert "All 9 stacks that are predicted here would refuse it." in said
    assert said.count("is not among the certificates at hand") == 1
    assert len(short.splitlines()) <= SHORT


@pytest.mark.parametrize(
    ("chain", "trust", "code"),
    [
        ("locked.p12", "root.pem", "wrong-password"),
        ("chain.pem", "locked.p12", "wrong-password"),
        ("chain.pem", "damaged.p12", "damaged"),
        ("chain.pem", "gone.pem", "missing"),
    ],
)
def test_what_cannot_be_read_is_json_too(
    folder: Path, capsys: Capsys, chain: str, trust: str, code: str
) -> None:
    """Nothing was judged: no verdict, the problem, and status 3."""
    words = ["--trust", str(folder / trust), "--password-file", str(folder / "word"), "--json"]
    assert main(["verify", str(folder / chain), *words]) == UNREADABLE
    told = json.loads(capsys.readouterr().out)
    assert told["accepted"] is None
    assert told["unread"]["code"] == code
    assert len(told["problems"]) == 1


def test_an_entry_of_a_store_is_chosen_by_its_alias(tmp_path: Path, capsys: Capsys) -> None:
    """Which one was judged and which not is told; one that is not there is named, with the rest."""
    root = Authority.root("CN=Root")
    one, two = root.client("CN=first client"), Authority.root("CN=Other").client("CN=second client")
    both = one.pem_chain() + one.pem_key() + two.pem_chain() + two.pem_key()
    (tmp_path / "both.pem").write_bytes(both)
    (tmp_path / "root.pem").write_bytes(root.pem_chain())
    given = ["verify", str(tmp_path / "both.pem"), "--trust", str(tmp_path / "root.pem")]
    assert main(given) == ACCEPTED
    told = " ".join(capsys.readouterr().out.replace("|", " ").split())
    assert "Judged is first client" in told
    assert "--entry ALIAS chooses another" in told
    assert main([*given, "--entry", "Second Client"]) == REFUSED
    told = " ".join(capsys.readouterr().out.replace("|", " ").split())
    assert "Judged is second client" in told
    assert "not judged: first client" in told
    assert main([*given, "--entry", "third"]) == UNREADABLE
    told = capsys.readouterr().err
    assert "no entry 'third'" in told
    assert "first client, second client" in told


@pytest.mark.needs("openssl")
def test_who_asks_the_engines_sees_what_they_said(folder: Path, capsys: Capsys) -> None:
    """Without --details, too: their answers are what was asked for."""
    given = ["verify", str(folder / "chain.pem"), "--trust", str(folder / "root.pem")]
    assert main([*given, "--ask"]) == ACCEPTED
    told = capsys.readouterr().out
    assert "Predicted" in told
    assert "Asked" in told
