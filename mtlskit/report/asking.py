"""What to ask next, whom, and what the answer would tell: the open causes' common questions.

Law of this file: the questions are those of `diagnosis.asking`, in its order; here they are only
told, each as a sentence that can be sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlskit.diagnosis.asking import Question, questions
from mtlskit.diagnosis.causes import causes
from mtlskit.page.blocks import Inline, Paragraph, Section, Table
from mtlskit.page.plain import Plain
from mtlskit.report.words import words

if TYPE_CHECKING:
    from mtlskit.report.judged import Report

_SETTLED = 3
"""Causes that are named beside a question."""


def asked(report: Report) -> tuple[Question, ...]:
    """Return the questions of a report, the best first."""
    return questions(report.diagnosis, report.case)


def section(report: Report) -> Section | None:
    """Tell the questions; None where no more than one cause is open."""
    told = asked(report)
    if len({cause for one in told for cause in one.settles}) < 2:  # noqa: PLR2004 - what would settle one cause stands beside it
        return None
    said = (
        "What would settle most for the least effort stands first. Each is a sentence that can be "
        "sent as it stands."
    )
    table = Table(("Who can answer", "What to ask", "It would tell"), tuple(map(_row, told)))
    return Section("What to ask next", (Paragraph(said), table))


def record(report: Report) -> Plain:
    """Tell them to a program."""
    return [
        {
            "id": one.id,
            "party": one.whom,
            "text": one.text,
            "settles": list(one.settles),
            "worth": round(one.worth, 2),
        }
        for one in asked(report)
    ]


def _row(one: Question) -> tuple[Inline, ...]:
    names = [causes()[cause].title for cause in one.settles[:_SETTLED]]
    more = len(one.settles) - len(names)
    told = "; ".join(names) + (f"; and {more} more" if more > 0 else "")
    return words()["party_short"][one.whom], one.text, told
