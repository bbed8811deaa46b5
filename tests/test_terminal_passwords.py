"""The terminal door, passwords by prompt: tried again, told apart, and never an endless loop."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.lab.pki import Authority
from mtlskit.terminal.showing import ACCEPTED, UNREADABLE

Prompted = Callable[..., list[str]]


@pytest.fixture
def prompted(monkeypatch: pytest.MonkeyPatch) -> Prompted:
    """Answer the prompts with these words, then with nothing; give what was asked."""

    def answer(*words: str) -> list[str]:
        asked: list[str] = []
        left = list(words)

        def getpass(question: str) -> str:
            asked.append(question)
            return left.pop(0) if left else ""

        monkeypatch.setattr("mtlskit.terminal.passwords.getpass", getpass)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        return asked

    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A locked store, and a certificate whose key file is locked with another word."""
    root = Authority.root("CN=Root")
    client = root.client("CN=client")
    (tmp_path / "root.pem").write_bytes(root.pem_chain())
    (tmp_path / "one.p12").write_bytes(client.p12("right"))
    whole = client.pem_chain(chain=False) + client.pem_key("key-word")
    (tmp_path / "two.pem").write_bytes(whole)
    return tmp_path


def test_a_wrong_password_may_be_tried_again(folder: Path, prompted: Prompted) -> None:
    """The second question says that the first answer was wrong."""
    asked = prompted("wrong", "right")
    assert main(["inspect", str(folder / "one.p12")]) == ACCEPTED
    assert asked[0].startswith("Password for one.p12")
    assert asked[1].startswith("That password does not open one.p12. Try again")
    assert len(asked) == 2


def test_a_key_file_beside_a_store_is_asked_for_by_name(folder: Path, prompted: Prompted) -> None:
    """The store's own word was right; the question says whose password is wanted now."""
    asked = prompted("right", "wrong", "key-word")
    assert main(["inspect", str(folder / "one.p12"), str(folder / "two.pem")]) == ACCEPTED
    assert asked[1].startswith("No password so far opens the private key in two.pem.")
    assert asked[2].startswith("That password does not open two.pem. Try again")


@pytest.mark.needs("keytool")
def test_a_key_with_another_password_than_its_store_is_told(
    tmp_path: Path, prompted: Prompted, program: Callable[[str], str]
) -> None:
    """The store is asked for first, then the key, with a hint that the store's word was right."""
    words = ["-keystore", "kp.jks", "-storetype", "JKS", "-storepass", "store-word"]
    key = ["-keyalg", "EC", "-alias", "mine", "-dname", "CN=a", "-keypass", "key-word"]
    subprocess.run(
        [program("keytool"), "-genkeypair", *words, *key],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    hint = (
        'The password of kp.jks is right, but the private key in kp.jks, alias "mine" has another '
        "one. Password of that key"
    )
    asked = prompted("wrong", "store-word", "nor this", "key-word")
    assert main(["inspect", str(tmp_path / "kp.jks")]) == ACCEPTED
    assert [one.partition(" (")[0] for one in asked] == [
        "Password for kp.jks",
        "That password does not open kp.jks. Try again",
        hint,
        'That password does not open kp.jks, alias "mine". Try again',
    ]


def test_it_is_not_asked_for_ever(folder: Path, prompted: Prompted) -> None:
    """Three wrong answers end it, and so does an empty one."""
    asked = prompted(*["wrong"] * 9)
    assert main(["inspect", str(folder / "one.p12")]) == UNREADABLE
    assert len(asked) == 3
    asked = prompted()
    assert main(["inspect", str(folder / "one.p12")]) == UNREADABLE
    assert len(asked) == 1


def test_verify_asks_for_no_key(folder: Path, prompted: Prompted) -> None:
    """Certificates are enough for it; a locked trust store is asked for."""
    asked = prompted("right")
    given = [str(folder / "two.pem"), "--trust", str(folder / "root.pem"), str(folder / "one.p12")]
    assert main(["verify", *given]) == ACCEPTED
    assert [one.partition(" (")[0] for one in asked][-1] == "Password for one.p12"
