"""An exercise as a form: the question, a field, a check, hints that open one by one, the score.

Law of this file: it holds no knowledge. What it can do, `Lesson.check` and `Lesson.hint` do in a
script, and whatever was answered or opened there is seen here too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Protocol

import ipywidgets as widgets

from mtlskit.desk import fields, step
from mtlskit.lab.course.exercise import Exercise
from mtlskit.lab.course.lesson import Lesson
from mtlskit.lab.course.mark import MOST, Mark
from mtlskit.material import Blob

PLAIN = (
    "{question}\n\nThe form needs JupyterLab. In a script, answer with "
    "lesson.check({number}, answer) and open a hint with lesson.hint({number})."
)
AGAIN = "It was made in a cell above. When you have changed it there, run this cell again too."
_CODE = re.compile(r"`([^`]+)`")


class Answer(Protocol):
    """How one kind of exercise is answered.

    Attributes:
        box: the field.
        given: what was answered; None or empty if nothing was.
    """

    box: widgets.Widget

    @property
    def given(self) -> object:
        """What was answered."""


class Chosen:
    """One of several, all in sight; none is taken at the start."""

    def __init__(self, exercise: Exercise) -> None:
        options = [(f"{letter}) {text}", letter) for letter, text in exercise.choices]
        self.box = fields.either("Your answer", options)
        self.box.value = None

    @property
    def given(self) -> object:
        """The letter of the choice."""
        return self.box.value


class Written:
    """A line, or several."""

    def __init__(self, exercise: Exercise, done: Callable[[], None]) -> None:
        if exercise.kind == "text":
            self.box = fields.area("Your answer")
        else:
            self.box = fields.line("Your answer")
            fields.entered(self.box, done)

    @property
    def given(self) -> object:
        """The text as it stands."""
        return self.box.value


class HandedIn:
    """A file: what a cell made, one of the desk, or one from elsewhere."""

    def __init__(self, lesson: Lesson, answer: object) -> None:
        self._made = answer
        self._sent: Blob | None = None
        self.pick = fields.choice("Hand in", self._options(lesson, answer))
        self.upload = fields.files("Or a file of yours", self._received)
        self._about = fields.words()
        made = [] if answer is None else [fields.hint(AGAIN)]
        self.box = step.cell(self.pick, *made, step.row(self.upload), self._about)
        step.when_changed(self.pick, self._picked)

    @property
    def given(self) -> object:
        """The file that came last, from wherever."""
        return self._sent or self.pick.value

    def _options(self, lesson: Lesson, answer: object) -> list[tuple[str, Any]]:
        made = [] if answer is None else [(_called(answer), answer)]
        nothing = [] if made else [("choose a file", None)]
        return [*nothing, *made, *((name, name) for name in lesson.files)]

    def _received(self, blobs: tuple[Blob, ...]) -> None:
        self._sent = blobs[-1]
        name = self._sent.source.name
        self._about.value = fields.notice(f"{name} is handed in when you press Check.", "info")

    def _picked(self) -> None:
        self._sent, self._about.value = None, ""


class Thing:
    """What was made in a cell, and nothing else."""

    def __init__(self, answer: object) -> None:
        self.given = answer
        text = "Nothing yet" if answer is None else _called(answer)
        shown = fields.words(f"<p><b>Handed in:</b> {html.escape(text)}</p>")
        self.box = step.cell(shown, fields.hint(AGAIN))


class Asked:
    """One exercise in a notebook.

    Attributes:
        answer: the field, of the exercise's kind.
        check, hint: the buttons.
        mark: the latest mark given here; None before the first.
    """

    def __init__(self, lesson: Lesson, exercise: Exercise, answer: object = None) -> None:
        self._lesson, self._exercise = lesson, exercise
        self.mark: Mark | None = None
        self.answer = self._field(answer)
        self.check = fields.action("Check", self._check, primary=True)
        self.hint = fields.action("Open a hint", self._hint)
        self._hints, self._said, self._score = fields.words(), fields.words(), fields.words()
        self._ui = widgets.VBox(
            [
                widgets.HTML(f"<style>{_style()}</style>").add_class("mtls-empty"),
                fields.words(_question(exercise)),
                self.answer.box,
                step.row(self.check, self.hint),
                self._said,
                self._hints,
                self._score,
            ]
        )
        self._ui.add_class("mtls-guide").add_class("mtls-exercise")
        self.refresh()

    def refresh(self) -> None:
        """Show what is open and what was reached, also from elsewhere."""
        lesson, number = self._lesson, self._exercise.number
        opened, progress = lesson.hints_of(number), lesson.progress(number)
        left = len(self._exercise.hints) - len(opened)
        self.hint.disabled = left == 0
        self.hint.description = "Open a hint" if left else "No more hints"
        self._fill(self._hints, _listed(opened))
        self._fill(self._said, _marked(self.mark) if self.mark else "")
        self._score.value = _score(lesson, number)
        if progress.best is not None and progress.best.right:
            self._ui.add_class("mtls-solved")

    def _field(self, answer: object) -> Answer:
        match self._exercise.kind:
            case "choice":
                return Chosen(self._exercise)
            case "file":
                return HandedIn(self._lesson, answer)
            case "thing":
                return Thing(answer)
        return Written(self._exercise, self._check)

    def _check(self) -> None:
        with step.told(self._said), step.busy(self.check, "Checking"):
            self.mark = self._lesson.check(self._exercise.number, self.answer.given)
            self.refresh()

    def _hint(self) -> None:
        self._lesson.hint(self._exercise.number)
        self.refresh()

    @staticmethod
    def _fill(place: widgets.HTML, markup: str) -> None:
        """Fill a place; an empty one takes no room."""
        place.value = markup
        if markup:
            place.remove_class("mtls-empty")
        else:
            place.add_class("mtls-empty")

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - IPython's signature
        bundle = self._ui._repr_mimebundle_(**options)
        plain = PLAIN.format(question=self._exercise, number=self._exercise.number)
        return {**bundle, "text/plain": plain}


def asked(lesson: Lesson, number: int, answer: object = None) -> Asked:
    """Make the form of an exercise.

    Raises:
        KeyError: the lesson has no exercise of that number.
    """
    return Asked(lesson, lesson.exercise(number), answer)


def _question(exercise: Exercise) -> str:
    asked = f'<h3 class="mtls-asked">{exercise.title}</h3><p>{_marked_up(exercise.question)}</p>'
    if exercise.kind == "choice":
        return asked  # the choices are the field
    return asked + "".join(
        f"<p>{letter}) {_marked_up(one)}</p>" for letter, one in exercise.choices
    )


def _marked_up(text: str) -> str:
    """Escape a text, and show what stands in backquotes as code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


def _listed(hints: tuple[str, ...]) -> str:
    items = "".join(f"<li>{_marked_up(one)}</li>" for one in hints)
    return f'<p><b>Hints</b></p><ol class="mtls-hints">{items}</ol>' if items else ""


def _marked(mark: Mark) -> str:
    tone, role = ("good" if mark.right else "warn"), "status"
    said = f"<b>{html.escape(mark.title)}</b>{_marked_up(mark.because)}"
    return f'<div class="mtls-notice mtls-{tone}" role="{role}">{said}</div>'


def _score(lesson: Lesson, number: int) -> str:
    progress, (reached, most) = lesson.progress(number), lesson.points
    own = progress.best.points if progress.best else 0
    worth = max(1, MOST - progress.hints)
    now = f"worth {worth} {'point' if worth == 1 else 'points'} now"
    here = f"{own} of {MOST} points" if own else now
    whole = f"Lesson {lesson.number}: {reached} of {most} points."
    return f'<p class="mtls-score">This exercise: {here}. {whole}</p>'


def _called(answer: object) -> str:
    if isinstance(answer, Blob):
        return answer.source.name
    if isinstance(answer, list | tuple):
        return "; ".join(map(str, answer)) or "an empty list"
    return str(answer)


def _style() -> str:
    room = files("mtlskit.desk")
    return "".join(room.joinpath(name).read_text("utf-8") for name in ("desk.css", "lesson.css"))
