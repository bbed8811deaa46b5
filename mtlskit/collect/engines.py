"""Second opinions: the real OpenSSL, Java, GnuTLS and Go, asked whether they accept a chain.

Law of this file: the engine that is on the machine is asked the same question, with a deadline, and
its words are kept as it said them. Only certificates are handed over, in files that the owner alone
may read, in a folder that is removed. What could not be asked has no verdict.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from time import monotonic

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.rulings import Question
from mtlskit.certs.stacks import Answer

DEADLINE = 60.0
"""Seconds for all questions together; Go, the last one, has to compile its program first."""
_WORDS = 300
_PURPOSES = {"client": "1.3.6.1.5.5.7.3.2", "server": "1.3.6.1.5.5.7.3.1"}
_BUILT = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "OPENSSL_CONF", "GNUTLS_SYSTEM_PRIORITY_FILE")
"""Variables that would make an engine another one than it is by itself."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that can be asked.

    Attributes:
        stack: the profile that predicts it.
        program: what has to be on the PATH.
        version: the arguments that make it tell its version.
    """

    stack: str
    program: str
    version: tuple[str, ...]
    ask: Callable[[Sequence[Question], Path, str, float], list[Answer]]

    @property
    def path(self) -> str | None:
        """Where the program is, or None."""
        return shutil.which(self.program)

    def answers(self, questions: Sequence[Question], timeout: float = DEADLINE) -> list[Answer]:
        """Ask all questions within `timeout` seconds; one answer each, in their order."""
        program = self.path
        if program is None:
            return [self.unasked(f"{self.program} is not on this machine")] * len(questions)
        try:
            with tempfile.TemporaryDirectory(prefix="mtlskit-") as folder:
                answers = self.ask(questions, Path(folder), program, timeout)
        except subprocess.TimeoutExpired:
            return [self.unasked(f"no answer within {timeout:.3g} seconds")] * len(questions)
        except OSError as error:
            return [self.unasked(f"it could not be run: {error.strerror}")] * len(questions)
        return [self._named(one, program) for one in answers]

    def unasked(self, why: str) -> Answer:
        """The answer of one that was not asked."""
        return Answer(self.stack, self.program, None, f"not asked: {why}")

    def _named(self, answer: Answer, program: str) -> Answer:
        name = _version(program, self.version) or self.program
        return Answer(self.stack, name, answer.accepted, answer.words)


def second_opinions(question: Question, timeout: float = DEADLINE) -> tuple[Answer, ...]:
    """Ask every engine on this machine within `timeout` seconds; what is not here is left out."""
    end = monotonic() + timeout
    here = [one for one in ENGINES.values() if one.path is not None]
    return tuple(one.answers((question,), max(1.0, end - monotonic()))[0] for one in here)


@cache
def _version(program: str, arguments: tuple[str, ...]) -> str:
    try:
        done = _run([program, *arguments], 10.0)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = next(iter((done.stdout + done.stderr).splitlines()), "")
    return told.partition(" (")[0].strip()[:60]


def _run(command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in _BUILT}
    return subprocess.run(  # noqa: S603 - a program found on the PATH, arguments of our own
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
        encoding="utf-8",
        errors="replace",
        env=kept | {"LC_ALL": "C"},
    )


def _written(path: Path, text: str) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path


def _pem(certificates: Iterable[Certificate]) -> str:
    return "".join(
        "-----BEGIN CERTIFICATE-----\n"
        + "\n".join(textwrap.wrap(base64.b64encode(one.der).decode("ascii"), 64))
        + "\n-----END CERTIFICATE-----\n"
        for one in certificates
    )


def _answer(accepted: bool | None, words: str) -> Answer:  # noqa: FBT001 - the field's own type
    return Answer("", "", accepted, " ".join(words.split())[:_WORDS])


# OpenSSL


def _openssl(*switches: str) -> Callable[[Sequence[Question], Path, str, float], list[Answer]]:
    def ask(
        questions: Sequence[Question], folder: Path, program: str, timeout: float
    ) -> list[Answer]:
        each = timeout / max(1, min(len(questions), 10))
        return [
            _openssl_one(one, folder / str(number), (program, *switches), each)
            for number, one in enumerate(questions)
        ]

    return ask


def _openssl_one(
    question: Question, folder: Path, command: tuple[str, ...], timeout: float
) -> Answer:
    folder.mkdir(mode=0o700)
    program, *switches = command
    anchors = _written(folder / "anchors.pem", _pem(question.anchors))
    sent = _written(folder / "sent.pem", _pem(question.others))
    leaf = _written(folder / "leaf.pem", _pem([question.leaf]))
    arguments = [
        *(program, "verify", "-purpose", f"ssl{question.role}", "-auth_level", "2", *switches),
        *("-attime", str(int(question.at.timestamp())), "-no-CApath", "-no-CAstore"),
        *("-CAfile", str(anchors)),
        *(("-untrusted", str(sent)) if question.others else ()),
        str(leaf),
    ]
    done = _run(arguments, timeout)
    said = re.findall(r"^error (\d+ at \d+ depth lookup: .*)$", done.stderr, re.MULTILINE)
    if done.returncode == 0:
        return _answer(accepted=True, words="accepted")
    if said:
        return _answer(accepted=False, words=said[0])
    return _answer(None, f"not asked: {done.stderr.strip() or 'it gave no reason'}")


# GnuTLS


def _certtool(
    questions: Sequence[Question], folder: Path, program: str, timeout: float
) -> list[Answer]:
    each = timeout / max(1, min(len(questions), 10))
    return [
        _certtool_one(one, folder / str(number), program, each)
        for number, one in enumerate(questions)
    ]


def _certtool_one(question: Question, folder: Path, program: str, timeout: float) -> Answer:
    if turned := _turns(question, datetime.now(UTC)):
        words = f"not asked: it judges by today's date only, and {turned} turns in between"
        return _answer(None, words)
    folder.mkdir(mode=0o700)
    anchors = _written(folder / "anchors.pem", _pem(question.anchors))
    chain = _written(folder / "chain.pem", _pem([question.leaf, *question.others]))
    done = _run(
        [
            *(program, "--verify", "--verify-profile", "medium"),
            *("--verify-purpose", _PURPOSES[question.role]),
            *("--load-ca-certificate", str(anchors), "--infile", str(chain)),
        ],
        timeout,
    )
    said = re.findall(r"Chain verification output: (.*)", done.stdout + done.stderr)
    if said:
        return _answer(said[-1].startswith("Verified"), said[-1])
    return _answer(None, f"not asked: {done.stderr.strip() or 'it gave no answer'}")


def _turns(question: Question, today: datetime) -> str | None:
    """The certificate that is valid at the time asked about and not today, or the other way."""
    for one in (question.leaf, *question.others, *question.anchors):
        valid = [one.not_before <= moment <= one.not_after for moment in (question.at, today)]
        if valid[0] != valid[1]:
            return one.label
    return None


# Java and Go: a program of ours, run by theirs


def _by_program(
    name: str, *command: str
) -> Callable[[Sequence[Question], Path, str, float], list[Answer]]:
    def ask(
        questions: Sequence[Question], folder: Path, program: str, timeout: float
    ) -> list[Answer]:
        lines = []
        for number, one in enumerate(questions):
            lines.append(f"{number} {one.role} {int(one.at.timestamp())}\n")
            _written(folder / f"{number}.chain.pem", _pem([one.leaf, *one.others]))
            _written(folder / f"{number}.anchors.pem", _pem(one.anchors))
        _written(folder / "questions.txt", "".join(lines))
        with as_file(files("mtlskit.collect").joinpath(name)) as source:
            done = _run([program, *command, str(source), str(folder)], timeout)
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


ENGINES: Mapping[str, Engine] = {
    one.stack: one
    for one in (
        Engine("openssl-3", "openssl", ("version",), _openssl()),
        Engine(
            "openssl-strict",
            "openssl",
            ("version",),
            _openssl("-x509_strict", "-partial_chain"),
        ),
        Engine("nginx", "openssl", ("version",), _openssl("-verify_depth", "1")),
        Engine("gnutls", "certtool", ("--version",), _certtool),
        Engine(
            "java",
            "java",
            ("--version",),
            _by_program("second_opinion.java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
        ),
        Engine("go", "go", ("version",), _by_program("second_opinion.go", "run")),
    )
}
"""Every engine that can be asked, by the stack that it speaks for."""
