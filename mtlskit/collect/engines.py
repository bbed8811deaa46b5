"""Second opinions: the real OpenSSL, Java, GnuTLS and Go, asked whether they accept a chain.

Law of this file: the engine that is on the machine is asked the same question, with a deadline, and
its words are kept as it said them. Only certificates and revocation lists are handed over, in files
that the owner alone may read, in a folder that is removed. What could not be asked has no verdict;
what of a question could not be asked stands beside the verdict.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from time import monotonic

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.names import address_of
from mtlskit.certs.policies import NOTHING
from mtlskit.certs.rulings import Question
from mtlskit.certs.signed import Crl
from mtlskit.certs.stacks import Answer

DEADLINE = 60.0
"""Seconds for all questions together; Go, the last one, has to compile its program first."""
_WORDS = 300
_PURPOSES = {"client": "1.3.6.1.5.5.7.3.2", "server": "1.3.6.1.5.5.7.3.1"}
_BUILT = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "OPENSSL_CONF", "GNUTLS_SYSTEM_PRIORITY_FILE")
"""Variables that would make an engine another one than it is by itself."""


_PARTS = ("crls", "ocsp", "name", "depth", "policies")
"""What a question may have besides chain, anchors, purpose and time."""

Ask = Callable[[Sequence[Question], Path, str, float], list[Answer]]
"""Asks a program all questions before a moment (`time.monotonic`); what is late is left out."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that can be asked.

    Attributes:
        stack: the profile that predicts it.
        program: what has to be on the PATH.
        version: the arguments that make it tell its version.
        takes: those of `_PARTS` that it can be asked; the others are said to be left out.
    """

    stack: str
    program: str
    version: tuple[str, ...]
    takes: tuple[str, ...]
    ask: Ask

    @property
    def path(self) -> str | None:
        """Where the program is, or None."""
        return shutil.which(self.program)

    def answers(self, questions: Sequence[Question], timeout: float = DEADLINE) -> list[Answer]:
        """Ask all questions within `timeout` seconds; one answer each, in their order.

        Each is asked as the stack meets it: Java with the anchors that it sees.
        """
        program, end = self.path, monotonic() + timeout
        if program is None:
            return [self.unasked(f"{self.program} is not on this machine")] * len(questions)
        asked = [one.seen_by(self.stack) for one in questions]
        try:
            with tempfile.TemporaryDirectory(prefix="mtlskit-") as folder:
                answers = self.ask(asked, Path(folder), program, end)
        except OSError as error:
            return [self.unasked(f"it could not be run: {error.strerror}")] * len(questions)
        late = self.unasked(f"no answer within {timeout:.3g} seconds")
        name = _version((program, *self.version), end) if answers else ""
        named = [
            Answer(self.stack, name or self.program, one.accepted, one.words, self.left_out(what))
            for one, what in zip(answers, asked, strict=False)
        ]
        return named + [late] * (len(questions) - len(named))

    def unasked(self, why: str) -> Answer:
        """The answer of one that was not asked."""
        return Answer(self.stack, self.program, None, f"not asked: {why}")

    def left_out(self, question: Question) -> tuple[str, ...]:
        """What of a question this program is not asked, in words."""
        words = {
            "crls": "the revocation lists" if question.crls else "",
            "ocsp": "the OCSP responses" if question.responses else "",
            "name": f"the name {question.name}" if question.name is not None else "",
            "depth": "the limit of depth" if question.max_depth is not None else "",
            "policies": "the policies" if question.policies != NOTHING else "",
        }
        return tuple(words[one] for one in _PARTS if words[one] and one not in self.takes)


def second_opinions(question: Question, timeout: float = DEADLINE) -> tuple[Answer, ...]:
    """Ask every engine on this machine within `timeout` seconds; what is not here is left out."""
    end = monotonic() + timeout
    here = [one for one in ENGINES.values() if one.path is not None]
    return tuple(one.answers((question,), max(0.0, end - monotonic()))[0] for one in here)


_versions: dict[tuple[str, ...], str] = {}


def _version(command: tuple[str, ...], end: float) -> str:
    """What a program says of itself, asked once; nothing where it is late."""
    if command not in _versions:
        try:
            done = _run(command, end)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        told = next(iter((done.stdout + done.stderr).splitlines()), "")
        _versions[command] = told.partition(" (")[0].strip()[:60]
    return _versions[command]


def _run(command: Sequence[str], end: float) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, or to the deadline: then it is ended with all that it started.

    Raises:
        subprocess.TimeoutExpired: the deadline came first.
    """
    if (left := end - monotonic()) <= 0:
        raise subprocess.TimeoutExpired(command, 0)
    kept = {name: value for name, value in os.environ.items() if name not in _BUILT}
    with subprocess.Popen(  # noqa: S603 - a program found on the PATH, arguments of our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=kept | {"LC_ALL": "C"},
        start_new_session=True,
    ) as running:
        try:
            out, err = running.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            _end(running)
            raise
    return subprocess.CompletedProcess(command, running.returncode, out, err)


def _end(running: subprocess.Popen[str]) -> None:
    """End a program and what it started: `go run` has a compiler and the compiled program."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    running.kill()


def _written(path: Path, text: str) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path


def _pem(certificates: Iterable[Certificate]) -> str:
    return "".join(_block("CERTIFICATE", one.der) for one in certificates)


def _block(label: str, der: bytes) -> str:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def _answer(accepted: bool | None, words: str) -> Answer:  # noqa: FBT001 - the field's own type
    return Answer("", "", accepted, " ".join(words.split())[:_WORDS])


def _lists(crls: Iterable[Crl]) -> str:
    return "".join(_block("X509 CRL", one.der) for one in crls)


def _one_by_one(ask: Callable[[Question, Path, str, float], Answer]) -> Ask:
    """Start the program once for each question, as long as there is time."""

    def asked(
        questions: Sequence[Question], folder: Path, program: str, end: float
    ) -> list[Answer]:
        found: list[Answer] = []
        for number, one in enumerate(questions):
            own = folder / str(number)
            own.mkdir(mode=0o700)
            try:
                found.append(ask(one, own, program, end))
            except subprocess.TimeoutExpired:
                break
        return found

    return asked


# OpenSSL


def _openssl(*switches: str) -> Ask:
    return _one_by_one(partial(_openssl_one, switches))


def _openssl_one(
    switches: tuple[str, ...], question: Question, folder: Path, program: str, end: float
) -> Answer:
    anchors = _written(folder / "anchors.pem", _pem(question.anchors))
    sent = _written(folder / "sent.pem", _pem(question.others))
    leaf = _written(folder / "leaf.pem", _pem([question.leaf]))
    arguments = [
        *(program, "verify", "-purpose", f"ssl{question.role}", "-auth_level", "2", *switches),
        *("-attime", str(int(question.at.timestamp())), "-no-CApath", "-no-CAstore"),
        *("-CAfile", str(anchors)),
        *(("-untrusted", str(sent)) if question.others else ()),
        *_openssl_parts(question, folder),
        str(leaf),
    ]
    done = _run(arguments, end)
    said = re.findall(r"^error (\d+ at \d+ depth lookup: .*)$", done.stderr, re.MULTILINE)
    if done.returncode == 0:
        return _answer(accepted=True, words="accepted")
    if said:
        return _answer(accepted=False, words=said[0])
    return _answer(None, f"not asked: {done.stderr.strip() or 'it gave no reason'}")


def _openssl_parts(question: Question, folder: Path) -> Iterator[str]:
    """What is asked besides; the last depth that is given counts."""
    if question.crls:
        lists = _written(folder / "crls.pem", _lists(question.crls))
        yield from ("-crl_check_all", "-CRLfile", str(lists))
    if question.name is not None:
        kind = "-verify_hostname" if address_of(question.name) is None else "-verify_ip"
        yield from (kind, question.name)
    if question.max_depth is not None:
        yield from ("-verify_depth", str(question.max_depth))


# GnuTLS


def _certtool_one(question: Question, folder: Path, program: str, end: float) -> Answer:
    if turned := _turns(question, datetime.now(UTC)):
        words = f"not asked: it judges by today's date only, and {turned} turns in between"
        return _answer(None, words)
    anchors = _written(folder / "anchors.pem", _pem(question.anchors))
    chain = _written(folder / "chain.pem", _pem([question.leaf, *question.others]))
    done = _run(
        [
            *(program, "--verify", "--verify-profile", "medium"),
            *("--verify-purpose", _PURPOSES[question.role]),
            *("--load-ca-certificate", str(anchors), "--infile", str(chain)),
            *_certtool_parts(question, folder),
        ],
        end,
    )
    said = re.findall(r"Chain verification output: (.*)", done.stdout + done.stderr)
    if said:
        return _answer(said[-1].startswith("Verified"), said[-1])
    if unread := re.findall(r"error parsing CRTs: (.*)", done.stdout + done.stderr):
        return _answer(accepted=False, words=f"not read: {unread[-1]}")
    return _answer(None, f"not asked: {done.stderr.strip() or 'it gave no answer'}")


def _certtool_parts(question: Question, folder: Path) -> Iterator[str]:
    if question.crls:
        yield from ("--load-crl", str(_written(folder / "crls.pem", _lists(question.crls))))
    if question.name is not None:
        yield f"--verify-hostname={question.name}"


def _turns(question: Question, today: datetime) -> str | None:
    """The certificate that is valid at the time asked about and not today, or the other way."""
    for one in (question.leaf, *question.others, *question.anchors):
        valid = [one.not_before <= moment <= one.not_after for moment in (question.at, today)]
        if valid[0] != valid[1]:
            return one.label
    return None


# Java and Go: a program of ours, run by theirs


def _by_program(name: str, *command: str) -> Ask:
    """Hand over all questions at once: starting these two takes longer than judging."""

    def ask(questions: Sequence[Question], folder: Path, program: str, end: float) -> list[Answer]:
        lines = []
        for number, one in enumerate(questions):
            lines.append(f"{number} {one.role} {int(one.at.timestamp())}\n")
            _written(folder / f"{number}.chain.pem", _pem([one.leaf, *one.others]))
            _written(folder / f"{number}.anchors.pem", _pem(one.anchors))
            _written(folder / f"{number}.crls.pem", _lists(one.crls))
            _written(folder / f"{number}.name.txt", one.name or "")
        _written(folder / "questions.txt", "".join(lines))
        try:
            with as_file(files("mtlskit.collect").joinpath(name)) as source:
                done = _run([program, *command, str(source), str(folder)], end)
        except subprocess.TimeoutExpired:
            return []
        return _told(done, len(questions))

    return ask


def _told(done: subprocess.CompletedProcess[str], many: int) -> list[Answer]:
    told = {}
    for line in done.stdout.splitlines():
        number, verdict, words = [*line.split("\t"), "", ""][:3]
        if number.isdigit():
            told[int(number)] = _answer({"A": True, "R": False}.get(verdict), words)
    why = done.stderr.strip() or "it gave no answer"
    if "compiler" in why:
        why = "this Java has no compiler, which a program in one file needs; a JDK has one"
    return [told.get(number) or _answer(None, f"not asked: {why}") for number in range(many)]


_OPENSSL = ("openssl", ("version",), ("crls", "name", "depth"))
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

ENGINES: Mapping[str, Engine] = {
    one.stack: one
    for one in (
        Engine("openssl-3", *_OPENSSL, _openssl()),
        Engine("openssl-strict", *_OPENSSL, _openssl("-x509_strict", "-partial_chain")),
        Engine("nginx", *_OPENSSL, _openssl("-verify_depth", "1")),
        Engine("gnutls", "certtool", ("--version",), ("crls", "name"), _one_by_one(_certtool_one)),
        Engine(
            "java", "java", ("--version",), ("crls",), _by_program("second_opinion.java", *_JVM)
        ),
        Engine("go", "go", ("version",), ("name",), _by_program("second_opinion.go", "run")),
    )
}
"""Every engine that can be asked, by the stack that it speaks for."""
