"""A lesson that has begun: what lies on the desk, an endpoint to call, exercises and their marks.

Law of this file: each call is real. The endpoint is opened for it on this machine, verifies for
itself, and is closed again; nothing runs between two calls, and nothing is written unless asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypedDict, Unpack

from mtlskit.collect.calling import call_of
from mtlskit.collect.given import case_to_call
from mtlskit.collect.live import connect
from mtlskit.lab.cast import certificates
from mtlskit.lab.course.exercise import Exercise
from mtlskit.lab.course.grading import Verdict, right, wrong
from mtlskit.lab.course.mark import MOST, Mark
from mtlskit.lab.course.packing import packed
from mtlskit.lab.course.parties import Parties
from mtlskit.lab.course.scores import Scores
from mtlskit.lab.course.slip import Slip
from mtlskit.lab.endpoint import Behaviour, Endpoint, Visit, nobody, serve
from mtlskit.lab.pki import write_private
from mtlskit.lab.scenes import behaviour_of
from mtlskit.lab.servers import Tls
from mtlskit.material import Blob, Problem, Source, Tap, Target, Unreadable
from mtlskit.page.blocks import Block, Callout, Code, Page, Paragraph, Table
from mtlskit.page.shown import Shown
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

Given = str | os.PathLike[str] | Blob
"""A file: the name of one on the desk, a path, or bytes with a name."""


Played = Tls | Behaviour | None
"""What an endpoint does; None: nobody listens."""


class How(TypedDict, total=False):
    """How to call, beside the key store; see `Lesson.call`."""

    to: str
    trust: Given | None
    tls: str | None
    server_name: str | None


Grader = Callable[[object], Verdict]
TRUST = "partner-root-ca.pem"
LARGEST = 1 << 20
"""Bytes of a file that is handed in."""
_BOTH = ("1.2", "1.3")
_OK = 200
_PATIENCE = 10.0  # seconds for a whole call


@dataclass(frozen=True, slots=True)
class Told:
    """What ``lessons.toml`` tells of a lesson; its questions may name things of the run."""

    number: int
    title: str
    minutes: int
    story: str
    exercises: tuple[Exercise, ...]


@dataclass(slots=True)
class Progress:
    """How far an exercise is: hints that are open, answers given, the best mark."""

    hints: int = 0
    tries: int = 0
    best: Mark | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One real call: what went over the wire, and what the endpoint itself saw."""

    tap: Tap
    visit: Visit | None

    @property
    def trace(self) -> Trace:
        """The call as the client's side tells it."""
        return follow(self.tap)

    @property
    def accepted(self) -> bool:
        """Whether the endpoint verified the client and answered with success."""
        return self.visit is not None and self.visit.status == _OK

    @property
    def refuser(self) -> str | None:
        """Who refused, by the endpoint's own word: it rejected, or it was told an alert."""
        if self.visit is None or self.visit.ended is None:
            return None
        return "client" if " alert " in f" {self.visit.ended} " else "server"

    @property
    def words(self) -> str:
        """Say how it ended, in the words of the alert or of the answer."""
        ended = self.trace.ended
        if ended.symptom.name:
            who = "this side" if ended.refused_by == "client" else "the endpoint"
            return f"{who} refused with the alert {ended.symptom.name}"
        if ended.symptom.http:
            return f"the endpoint answered {ended.symptom.http}"
        return "the call was not accepted"


@dataclass(frozen=True, slots=True)
class NotCalled(Shown):
    """Why no call was made: what the client holds is of no use."""

    problem: Problem

    def page(self) -> Page:
        """Describe it as the program's own complaint, before any connection."""
        why = (Paragraph(str(self.problem)),)
        return Page("Nobody was called", (Callout("The client gave up by itself", why, "bad"),))


class Lesson(Shown):
    """One lesson. Each of the twelve sets up its own desk and endpoint, and grades its exercises.

    Attributes:
        seed: what it was made with; the same seed makes the same facts, with new keys.
        files: what lies on the desk, by name.
        about: what each of these files is said to be.
        password: opens the key stores among them.
    """

    def __init__(self, told: Told, seed: int, scores: Scores | None = None) -> None:
        self.told = told
        self.seed = seed
        self.dice = Random(seed)  # noqa: S311 - it picks which facts a lesson has, and no secret
        self.cast = Parties(self.dice)
        self.password = self.cast.password
        self.files: dict[str, Blob] = {}
        self.about: dict[str, str] = {}
        self.words: dict[str, object] = {}
        self.choices: dict[int, tuple[tuple[str, str], ...]] = {}
        self.shown = self.cast.partner_identity()
        self._scores = scores
        self._progress: dict[int, Progress] = {}
        trust = certificates(TRUST, self.cast.partner.certificate)
        self.lay(trust, "the partner's root authority, by which Acme trusts the endpoint")
        self.set_up()
        self.exercises = tuple(self._filled(one) for one in told.exercises)

    # What a lesson of its own tells

    def set_up(self) -> None:
        """Lay out the desk."""

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """What can be called, by name, and what it does just now; the first one is the usual."""
        return {"orders": self.usual()}

    def usual(self, **settings: object) -> Tls:
        """Describe the partner's endpoint, sound but for these settings."""
        return self.cast.endpoint(**{"identity": self.shown, "versions": _BOTH, **settings})

    @property
    def graders(self) -> Sequence[Grader]:
        """What judges the answer to each exercise, in order."""
        raise NotImplementedError

    # What a trainee does

    @property
    def number(self) -> int:
        """1 to 12."""
        return self.told.number

    def call(self, identity: Given | None = None, **how: Unpack[How]) -> Trace | NotCalled:
        """Call the partner's endpoint, for real, and tell what happened.

        Args:
            identity: the key store to use; None: show no certificate.
            how: ``tls``, the one version to speak, ``1.2`` or ``1.3``; ``trust``, by what to trust
                the endpoint; ``server_name``, the name to call; ``to``, which endpoint.

        Raises:
            Slip: there is no such file or endpoint.
        """
        try:
            return self.tried(identity, **how).trace
        except Unreadable as unreadable:
            return NotCalled(unreadable.problem)

    def tried(self, identity: Given | None = None, **how: Unpack[How]) -> Outcome:
        """Call as `call` does, and tell what the endpoint saw as well."""
        held = None if identity is None else self.file(identity)
        trust = how.get("trust", TRUST)
        anchors = None if trust is None else self.file(trust)
        with ExitStack() as leaving:
            target, listening = _opened(self._played(how.get("to")), leaving)
            case = case_to_call(target, held, anchors, self.password)
            name = how.get("server_name") or self.cast.host
            tap = connect(call_of(case, how.get("tls"), name, _PATIENCE, request=True, manner={}))
            seen = listening.visits(1) if listening else ()
        return Outcome(tap, seen[0] if seen else None)

    def pack(self, *names: Given) -> Blob:
        """Put what these files hold into one key store: a key, its certificate, and issuers.

        Raises:
            Slip: there is no such file.
        """
        return packed([self.file(one) for one in names], self.password)

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the desk's files into a folder, for OpenSSL and keytool; the password too."""
        root = Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        paths = [write_private(root / name, blob.data) for name, blob in self.files.items()]
        return [*paths, write_private(root / "password.txt", self.password.encode())]

    def exercise(self, number: int) -> Exercise:
        """Return one of the exercises.

        Raises:
            KeyError: there is none of that number.
        """
        for one in self.exercises:
            if one.number == number:
                return one
        raise KeyError(f"Lesson {self.number} has exercises 1 to {len(self.exercises)}.")

    def check(self, exercise: int, answer: object) -> Mark:
        """Mark an answer. A wrong one opens the next hint, and may be followed by another one.

        What is no answer at all, such as a file that is not there, opens none and is not kept.
        """
        asked, progress = self.exercise(exercise), self.progress(exercise)
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            return _not_understood(asked, "Nothing was handed in.")
        try:
            verdict = self.graders[exercise - 1](answer)
        except Unreadable as unreadable:
            return _not_understood(asked, unreadable.problem.text)
        except (ValueError, TypeError) as error:
            return _not_understood(asked, str(error))
        points = max(1, MOST - progress.hints) if verdict.right else 0
        solved = progress.best is not None and progress.best.right
        opened = progress.hints
        hint = None if verdict.right or solved else self.hint(exercise)
        mark = Mark(asked.name, verdict.right, points, verdict.because, hint=hint)
        progress.tries += 1
        if progress.best is None or mark.points > progress.best.points:
            progress.best = mark
        if self._scores is not None:
            self._scores.add(mark, seed=self.seed, hints=opened)
        return mark

    def hint(self, exercise: int) -> str | None:
        """Open the next hint, which costs a point; None if all are open."""
        hints, progress = self.exercise(exercise).hints, self.progress(exercise)
        if progress.hints == len(hints):
            return None
        progress.hints += 1
        return hints[progress.hints - 1]

    def hints_of(self, exercise: int) -> tuple[str, ...]:
        """Return the hints that are open."""
        return self.exercise(exercise).hints[: self.progress(exercise).hints]

    def progress(self, exercise: int) -> Progress:
        """Tell how far an exercise is."""
        return self._progress.setdefault(self.exercise(exercise).number, Progress())

    @property
    def points(self) -> tuple[int, int]:
        """The points reached, and those that can be."""
        best = [one.best.points for one in self._progress.values() if one.best]
        return sum(best), MOST * len(self.exercises)

    # What all lessons share

    def _played(self, name: str | None) -> Played:
        endpoints = self.endpoints
        if name is None:
            return next(iter(endpoints.values()))
        if name not in endpoints:
            raise Slip(f"There is no endpoint {name!r}; there are {', '.join(endpoints)}.")
        return endpoints[name]

    def let_in(self, answer: object, **how: Unpack[How]) -> Verdict:
        """Judge a file by calling the endpoint with it."""
        try:
            outcome = self.tried(self.file(answer), **how)
        except Unreadable as unreadable:
            return wrong(f"Nobody could be called with it. {unreadable.problem.text}")
        if outcome.accepted and outcome.visit is not None:
            who = outcome.visit.client or "a client without a certificate"
            return right(f"The endpoint was called with it, and let in {who}.")
        return wrong(f"The endpoint was called with it: {outcome.words}.")

    def lay(self, blob: Blob, about: str) -> None:
        """Put a file on the desk."""
        self.files[blob.source.name] = blob
        self.about[blob.source.name] = about

    def file(self, given: object) -> Blob:
        """Return what was meant: a file of the desk by its name, one of the disk, or bytes.

        Raises:
            Slip: nothing is there by that name.
        """
        if isinstance(given, Blob):
            return given
        name = os.fspath(given) if isinstance(given, str | os.PathLike) else ""
        if name in self.files:
            return self.files[name]
        path = Path(name)
        if name and path.is_file() and path.stat().st_size < LARGEST:
            return Blob(Source(path.name), path.read_bytes())
        raise Slip(f"There is no file {name!r}. On the desk lie {', '.join(self.files)}.")

    def page(self) -> Page:
        """Describe the lesson: its part of the story, the desk and the score."""
        reached, most = self.points
        rows = tuple((Code(name), self.about[name]) for name in self.files)
        blocks: tuple[Block, ...] = (
            Paragraph(self.told.story),
            Table(("On the desk", "What it is said to be"), rows),
            Paragraph(
                f"About {self.told.minutes} minutes, three exercises, {reached} of {most} points "
                f"so far. Made for you with seed {self.seed}."
            ),
        )
        return Page(f"Lesson {self.number}: {self.told.title}", blocks)

    def _filled(self, one: Exercise) -> Exercise:
        """Put what this run made into the question and the hints."""
        return Exercise(
            one.lesson,
            one.number,
            one.question.format_map(self.words),
            one.kind,
            tuple(hint.format_map(self.words) for hint in one.hints),
            self.choices.get(one.number, one.choices),
        )


def _not_understood(asked: Exercise, why: str) -> Mark:
    """Mark what is no answer: it opens no hint, and is not kept."""
    return Mark(asked.name, right=False, points=0, because=why)


def _opened(played: Played, leaving: ExitStack) -> tuple[Target, Endpoint | None]:
    """Open an endpoint for one call, or hold a port on which nobody listens."""
    if played is None:
        return leaving.enter_context(nobody()), None
    endpoint = leaving.enter_context(serve(behaviour_of(played)))
    return endpoint.target, endpoint
