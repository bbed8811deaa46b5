"""The step of the symptom checklist: what the evidence answers, and what the engineer does.

Law of this file: questions and what follows from them come from `mtlskit.checklist`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

import ipywidgets as widgets

from mtlskit.checklist import Row
from mtlskit.desk import fields, rail, step
from mtlskit.desk.session import Session
from mtlskit.desk.wording import by_fields
from mtlskit.report.words import told

ANSWERS = [("unknown", ""), ("yes", "yes"), ("no", "no")]


class Checks:
    """Answer by hand what the evidence does not tell."""

    name = rail.CHECKS

    def __init__(self, session: Session) -> None:
        self._session = session
        self.answers: dict[str, widgets.Dropdown] = {}
        self.message = fields.words()
        self._said: dict[str, widgets.HTML] = {}
        rows = [self._row(row) for row in session.rows]
        self.box = step.page(
            self.name,
            "What is already known?",
            "The questions that tell the usual causes apart. What your files and the run show is "
            "filled in; answer the rest if you can. Your own answer counts more than ours.",
            *rows,
            self.message,
        )
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    @property
    def state(self) -> step.State:
        """Done when every question has an answer."""
        return "optional" if any(r.answer == "unknown" for r in self._session.rows) else "done"

    def refresh(self) -> None:
        """Show what the evidence says now."""
        self.message.value = ""
        for row in self._session.rows:
            self._said[row.id].value = _evidence(row)

    def restore(self, answers: Iterable[tuple[str, str]]) -> None:
        """Fill in the answers of a saved case."""
        given = dict(answers)
        for name, field in self.answers.items():
            field.value = given.get(name, "")

    def _row(self, row: Row) -> widgets.VBox:
        answer = fields.choice(row.question, ANSWERS)
        step.when_changed(answer, step.guarded(self.message, self._answered))
        self.answers[row.id], self._said[row.id] = answer, fields.words()
        return widgets.VBox([answer, self._said[row.id]]).add_class("mtls-check")

    def _answered(self) -> None:
        given = ((name, field.value) for name, field in self.answers.items())
        self._session.add(answers=tuple((name, said) for name, said in given if said))


def _evidence(row: Row) -> str:
    """Return the markup of a question's answer as it stands, the reasons and what follows."""
    said = "No answer yet." if row.answer == "unknown" else f"Answer: {row.answer}."
    reasons = " ".join(told(reason) for reason in row.because)
    return (
        f"<p>{html.escape(by_fields(f'{said} {reasons}'.strip()))}</p>"
        f'<p class="mtls-hint">{html.escape(by_fields(row.follows))}</p>'
    )
