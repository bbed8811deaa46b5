"""Predictions against the real engines, on chains made anew on which the stacks differ."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit import verify
from mtlskit.certs import rulings
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.ocsp import read_response
from mtlskit.certs.profiles import profile
from mtlskit.certs.rulings import Question
from mtlskit.certs.signed import read_crl
from mtlskit.certs.stacks import Answer, judge, section
from mtlskit.collect.engines import ENGINES, second_opinions
from mtlskit.lab.differences import differences
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority
from mtlskit.lab.responses import Responder
from mtlskit.material import Source
from mtlskit.page.blocks import Page
from mtlskit.page.markdown import markdown

NOW = datetime.now(UTC)
AT_LEAST = 0.95
ASKED = {
    "openssl-3": "openssl",
    "openssl-strict": "openssl",
    "nginx": "openssl",
    "gnutls": "certtool",
    "java": "java",
    **({"go": "go"} if shutil.which("go") else {}),
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


_EXACT = ("dns-", "other-name-", "malformed-")
"""Chains of which every prediction has to be right: they were made to tell the rules apart."""


@pytest.mark.needs("openssl", "java", "javac", "certtool")
@pytest.mark.parametrize("stack", ASKED)
def test_names_below_constraints_are_predicted_to_the_letter(
    questions: Mapping[str, Question], said: Said, stack: str
) -> None:
    """Wildcards, dots, otherNames, and extensions that cannot be read: every answer is foreseen."""
    asked = dict(zip(questions, said[stack], strict=True))
    chosen = {name: one for name, one in questions.items() if name.startswith(_EXACT)}
    assert len(chosen) > 35
    wrong = {
        name: asked[name].words
        for name, one in chosen.items()
        if judge(one, profile(stack), handshake=False).accepted is not asked[name].accepted
    }
    assert wrong == {}


@pytest.mark.needs("openssl", "java", "javac", "certtool")
def test_revocation_name_and_depth_are_asked_or_said_to_be_left_out() -> None:
    """Each engine is asked as much of the question as it can be; the rest stands beside it."""
    root = Authority.root("CN=Acme Root, O=Acme")
    issuing = root.intermediate("CN=Issuing, O=Acme")
    leaf = issuing.server("CN=s", "s.example")
    good = [revocation_list(root), revocation_list(issuing)]
    bad = [revocation_list(root), revocation_list(issuing, leaf.certificate)]
    plain = Question(
        _facts(leaf.certificate, "leaf"),
        (_facts(issuing.certificate, "sent"),),
        (_facts(root.certificate, "root"),),
        "server",
        NOW,
    )

    def said_of(**parts: object) -> dict[str, tuple[bool | None, tuple[str, ...]]]:
        found = second_opinions(replace(plain, **parts))
        return {one.stack: (one.accepted, one.unasked) for one in found if one.stack in ASKED}

    def lists(ders: list[bytes]) -> dict[str, object]:
        return {"crls": tuple(read_crl(der, Source("x.crl")) for der in ders)}

    for revoked, ders in ((True, bad), (False, good)):
        for stack, (accepted, unasked) in said_of(**lists(ders)).items():
            left_out = ("the revocation lists",) if stack == "go" else ()
            assert (accepted, unasked) == (not revoked or stack == "go", left_out), stack
    for name, right in (("s.example", True), ("t.example", False)):
        for stack, (accepted, unasked) in said_of(name=name).items():
            left_out = (f"the name {name}",) if stack == "java" else ()
            assert (accepted, unasked) == (right or stack == "java", left_out), stack
    for stack, (accepted, unasked) in said_of(max_depth=0).items():
        blind = stack in {"gnutls", "java", "go"}
        assert (accepted, unasked) == (blind, ("the limit of depth",) * blind), stack
    answer = read_response(Responder(issuing).response(leaf.certificate), Source("x.ocsp"))
    told = said_of(responses=(answer,))
    assert {unasked for _, unasked in told.values()} == {("the OCSP responses",)}


@pytest.mark.needs("openssl", "java", "javac", "certtool")
def test_what_was_not_asked_stands_in_the_row_and_is_no_wrong_prediction() -> None:
    """An engine that was asked less than was predicted does not contradict the prediction."""
    root = Authority.root("CN=Acme Root, O=Acme")
    leaf = root.client("CN=c")
    listed = revocation_list(root, leaf.certificate)
    question = Question(
        _facts(leaf.certificate, "leaf"),
        (),
        (_facts(root.certificate, "root"),),
        "client",
        NOW,
        crls=(read_crl(listed, Source("x.crl")),),
    )
    answer = Answer("go", "go1.27", accepted=True, words="accepted", unasked=("the lists",))
    told = markdown(Page("x", (section(question, (answer,)),)))
    assert "go1.27 (not asked about the lists)" in told
    assert "was predicted" not in told
    wrong = markdown(Page("x", (section(question, (replace(answer, unasked=()),)),)))
    assert "was predicted" in wrong


@pytest.mark.needs("java", "javac")
def test_java_is_asked_with_the_anchors_that_it_sees() -> None:
    """A root that a JVM does not see in the trust store is none for Java."""
    root = Authority.root("CN=Acme Root, O=Acme")
    seen = _facts(Authority.root("CN=Other Root").certificate, "other")
    leaf, anchor = _facts(root.client("CN=c").certificate, "leaf"), _facts(root.certificate, "root")
    question = Question(leaf, (), (anchor, seen), "client", NOW)
    assert ENGINES["java"].answers([question])[0].accepted
    blind = replace(question, java_anchors=(seen,))
    assert ENGINES["java"].answers([blind])[0].accepted is False


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


def test_the_version_is_asked_within_the_same_deadline(
    questions: Mapping[str, Question], pretend: Callable[[str, str], None]
) -> None:
    """An engine that answers and then does not tell its version costs no more than its time."""
    hang = "import sys, time\nif sys.argv[1] != 'verify': time.sleep(60)"
    pretend("openssl", hang)
    answer = ENGINES["openssl-3"].answers([questions["sound"]], timeout=1.5)[0]
    assert (answer.accepted, answer.engine) == (True, "openssl")


def test_with_no_time_left_nothing_is_started(
    questions: Mapping[str, Question], pretend: Callable[[str, str], None], tmp_path: Path
) -> None:
    """Those whose turn comes after the deadline are told as such."""
    pretend("openssl", f"open({str(tmp_path / 'ran')!r}, 'w')")
    found = second_opinions(questions["sound"], timeout=0.0)
    assert [one.stack for one in found] == ["openssl-3", "openssl-strict", "nginx"]
    assert {one.words for one in found} == {"not asked: no answer within 0 seconds"}
    assert not (tmp_path / "ran").exists()


def test_what_an_engine_started_ends_with_it(
    questions: Mapping[str, Question], pretend: Callable[[str, str], None], tmp_path: Path
) -> None:
    """A program that leaves another one running leaves none behind after the deadline."""
    note = tmp_path / "pid"
    pretend(
        "java",
        "import os, subprocess, sys, time\n"
        "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(one.pid))\n"
        "time.sleep(60)",
    )
    assert ENGINES["java"].answers([questions["sound"]], timeout=2.0)[0].accepted is None
    until = monotonic() + GRACE
    while (alive := _alive(int(note.read_text()))) and monotonic() < until:
        sleep(0.02)
    assert not alive


GRACE = 10.0
"""Seconds in which a process that was killed has to be gone."""


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return ") Z " not in status.read_text()
    except OSError:
        return False


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
