"""Predictions against the real engines, on chains made anew on which the stacks differ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit import verify
from mtlskit.certs import rulings
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.profiles import profile
from mtlskit.certs.rulings import Question
from mtlskit.certs.stacks import Answer, judge
from mtlskit.collect.engines import ENGINES, second_opinions
from mtlskit.lab.differences import differences
from mtlskit.lab.pki import Authority
from mtlskit.material import Source

NOW = datetime.now(UTC)
AT_LEAST = 0.95
ASKED = {
    "openssl-3": "openssl",
    "openssl-strict": "openssl",
    "nginx": "openssl",
    "gnutls": "certtool",
    "java": "java",
}
Said = Mapping[str, Sequence[Answer]]


def _facts(certificate: x509.Certificate, where: str) -> Certificate:
    return read_certificate(certificate.public_bytes(Encoding.DER), Source(where))


@pytest.fixture(scope="module")
def questions() -> Mapping[str, Question]:
    return {
        name: Question(
            _facts(one.leaf, "leaf"),
            tuple(_facts(each, "sent") for each in one.sent),
            tuple(_facts(each, "trusted") for each in one.anchors),
            "client",
            NOW,
        )
        for name, one in differences().items()
    }


@pytest.fixture(scope="module")
def said(questions: Mapping[str, Question]) -> Said:
    """What every engine answers to every question; each program is started as seldom as it can."""
    asked = list(questions.values())
    return {stack: ENGINES[stack].answers(asked) for stack in ASKED}


@pytest.mark.needs("openssl", "java", "javac", "certtool")
@pytest.mark.parametrize("stack", ASKED)
def test_predictions_hold_against_the_engine(
    questions: Mapping[str, Question], said: Said, stack: str
) -> None:
    """At least 95 in 100 predictions are what the engine answers; each miss is told."""
    missed = []
    for (name, question), answer in zip(questions.items(), said[stack], strict=True):
        assert answer.accepted is not None, (name, answer.words)
        predicted = judge(question, profile(stack), handshake=False)
        if predicted.accepted is not answer.accepted:
            missed.append((name, answer.words, predicted.because))
    right = len(questions) - len(missed)
    assert right >= AT_LEAST * len(questions), missed


@pytest.mark.needs("openssl", "java", "javac", "certtool")
def test_stacks_differ_on_most_of_the_chains(questions: Mapping[str, Question], said: Said) -> None:
    """On more than 25 of the chains the engines themselves are not of one mind."""
    verdicts = [{one.accepted for one in row} for row in zip(*said.values(), strict=True)]
    assert len(verdicts) == len(questions)
    assert sum(len(one) > 1 for one in verdicts) >= 25


@pytest.mark.filterwarnings("ignore")  # cryptography warns of the odd certificates among them
def test_predictions_hold_against_cryptography(questions: Mapping[str, Question]) -> None:
    """The profile of the web PKI says what `cryptography` says."""
    missed = []
    for name, question in questions.items():
        ruling = rulings.ask(question)["cryptography"]
        predicted = judge(question, profile("webpki"), handshake=False)
        if predicted.accepted is not ruling.accepted:
            missed.append((name, ruling.words, predicted.because))
    assert len(questions) - len(missed) >= AT_LEAST * len(questions), missed


@pytest.mark.needs("openssl", "certtool")
def test_engines_answer_in_their_own_words(questions: Mapping[str, Question], said: Said) -> None:
    """An answer names the engine with its version, and quotes it."""
    at = list(questions).index("self-signed-unknown")
    openssl, gnutls = said["openssl-3"][at], said["gnutls"][at]
    assert openssl.engine.startswith("OpenSSL ")
    assert "self-signed certificate" in openssl.words
    assert gnutls.engine.startswith("certtool ")
    assert "NOT trusted" in gnutls.words


@pytest.mark.needs("openssl", "certtool")
def test_verify_asks_only_when_it_is_told_to(questions: Mapping[str, Question]) -> None:
    """With `ask` the answers of the engines stand beside the predictions; without, nobody ran."""
    one = questions["only-intermediate-trusted"]
    chain = [one.leaf, *one.others]
    assert verify(chain, trust=one.anchors).answers == ()
    found = verify(chain, trust=one.anchors, ask=True)
    answers = {answer.stack: answer for answer in found.answers}
    assert (answers["openssl-3"].accepted, answers["gnutls"].accepted) == (False, True)
    told = " ".join(str(found).split())
    assert answers["openssl-3"].engine.split()[0] in told


@pytest.mark.needs("openssl", "certtool")
def test_the_time_asked_about_is_kept(questions: Mapping[str, Question]) -> None:
    """OpenSSL judges at the time in question; certtool, which cannot, says so and is not asked."""
    late = replace(questions["sound"], at=NOW + timedelta(days=365))
    assert "expired" in ENGINES["openssl-3"].answers([late])[0].words
    answer = ENGINES["gnutls"].answers([late])[0]
    assert answer.accepted is None
    assert answer.words.startswith("not asked: it judges by today's date only")


def test_a_server_is_asked_about_as_a_server() -> None:
    """The purpose that is asked for follows the role."""
    root = Authority.root("CN=Acme Root, O=Acme")
    leaf = _facts(root.server("CN=s", "s.example").certificate, "leaf")
    one = Question(leaf, (), (_facts(root.certificate, "root"),), "server", NOW)
    for answer in second_opinions(one):
        assert answer.accepted, answer
    for answer in second_opinions(replace(one, role="client")):
        assert answer.accepted is False, answer


def _program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}\n", encoding="utf-8")
    path.chmod(0o700)


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a program of the test's own on the PATH, and nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return lambda name, text: _program(tmp_path, name, text)


@pytest.mark.usefixtures("pretend")
def test_an_engine_that_is_absent_is_not_asked(questions: Mapping[str, Question]) -> None:
    """What is not on the machine is left out, and says why if it is asked all the same."""
    assert second_opinions(questions["sound"]) == ()
    answer = ENGINES["java"].answers([questions["sound"]])[0]
    assert (answer.accepted, answer.words) == (None, "not asked: java is not on this machine")


def test_an_engine_that_hangs_is_given_up(
    questions: Mapping[str, Question], pretend: Callable[[str, str], None]
) -> None:
    """After the deadline there is no verdict, and a word about it."""
    pretend("java", "import time; time.sleep(60)")
    answer = ENGINES["java"].answers([questions["sound"]], timeout=0.5)[0]
    assert (answer.accepted, answer.words) == (None, "not asked: no answer within 0.5 seconds")


def test_a_java_without_compiler_is_told(
    questions: Mapping[str, Question], pretend: Callable[[str, str], None]
) -> None:
    """A JRE cannot run a program in one file, and the answer says what can."""
    pretend("java", "import sys; sys.exit('error: no module jdk.compiler')")
    answer = ENGINES["java"].answers([questions["sound"]])[0]
    assert answer.accepted is None
    assert "a JDK has one" in answer.words


def test_what_is_handed_over_is_private_and_removed(
    questions: Mapping[str, Question],
    pretend: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    """Only the owner may read the files, they hold certificates alone, and they are gone after."""
    seen = tmp_path / "seen"
    pretend(
        "openssl",
        "import os, sys\n"
        "if sys.argv[1] == 'verify':\n"
        "    leaf = sys.argv[-1]\n"
        "    modes = [oct(os.stat(p).st_mode & 0o777) for p in (leaf, os.path.dirname(leaf))]\n"
        f"    open({str(seen)!r}, 'w').write(' '.join([leaf, *modes, open(leaf).read()]))\n",
    )
    answer = ENGINES["openssl-3"].answers([questions["sound"]])[0]
    assert answer.accepted
    leaf, of_file, of_folder, text = seen.read_text().split(" ", 3)
    assert (of_file, of_folder) == ("0o600", "0o700")
    assert "PRIVATE" not in text
    assert text.startswith("-----BEGIN CERTIFICATE-----")
    assert not Path(leaf).exists()
    assert not Path(leaf).parent.parent.exists()


def test_the_environment_does_not_change_an_engine(
    questions: Mapping[str, Question],
    pretend: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Variables that would reconfigure an engine do not reach it."""
    monkeypatch.setenv("OPENSSL_CONF", "/nowhere")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dx=y")
    pretend(
        "openssl",
        "import os, sys\n"
        "sys.exit(any(name in os.environ for name in ('OPENSSL_CONF', 'JAVA_TOOL_OPTIONS')))",
    )
    assert ENGINES["openssl-3"].answers([questions["sound"]])[0].accepted
