"""The report itself: the case, what was concluded from it, and the ways to hand it on.

Law of this file: `judge` is pure. It asks every rule, weighs the answers and fills the checklist;
the time at which the report was made is given to it, never read here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast

from mtlskit import rules
from mtlskit.case import Case
from mtlskit.checklist import Row, answers
from mtlskit.diagnosis.causes import causes
from mtlskit.diagnosis.reason import Diagnosis, Opinion, reason
from mtlskit.diagnosis.stacks import StackGuess
from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown
from mtlskit.page.text import brief, text
from mtlskit.report.redaction import clean, clean_page, clean_plain, mapped, renamed
from mtlskit.report.schema import SCHEMA
from mtlskit.rules.rule import Rule, ask, declared
from mtlskit.trace.events import Outcome, RefusedBy, Stage

if TYPE_CHECKING:
    from mtlskit.report.messages import Message
    from mtlskit.report.naming import Level, Names
    from mtlskit.report.preview import Preview

__all__ = ["SCHEMA", "Report", "judge"]


@dataclass(frozen=True, slots=True)
class Report(Shown):
    """What is known of a failing connection, ready to be read by people who were not there.

    Attributes:
        checklist: the symptom checklist, with what answers each question.
        made: when this report was made, in UTC; None: nobody said.
        level: what its faces hide: secrets only, the names of the own side too, or all names.
            The case itself stays as it is.
    """

    case: Case
    diagnosis: Diagnosis
    checklist: tuple[Row, ...]
    made: datetime | None = None
    level: Level = "secrets"

    @property
    def outcome(self) -> Outcome:
        """How the attempt ended; ``undecided`` where no attempt was looked at."""
        return self.case.trace.ended.outcome if self.case.trace else "undecided"

    @property
    def refused_by(self) -> RefusedBy | None:
        """Who refused; None where nobody did or it cannot be told."""
        return self.case.trace.ended.refused_by if self.case.trace else None

    @property
    def stage(self) -> Stage | None:
        """Where it ended; None after an acceptance or without an attempt."""
        return self.case.trace.ended.stage if self.case.trace else None

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        """The causes, best first, the ruled-out ones last."""
        return self.diagnosis.opinions

    @property
    def best(self) -> Opinion | None:
        """The cause to act on first; None if every cause is ruled out."""
        return next((one for one in self.opinions if one.standing != "RULED_OUT"), None)

    def page(self) -> Page:
        """Tell it: the first screen in one minute, then the evidence."""
        from mtlskit.report import sections  # noqa: PLC0415 - what prints is loaded where it prints

        change = self._change()
        page = clean_page(sections.page_of(self, change))
        return cast("Page", renamed(page, change)) if self.level != "secrets" else page

    def __str__(self) -> str:
        from mtlskit.report import sections  # noqa: PLC0415 - what prints is loaded where it prints

        return text(brief(self.page(), _ELSEWHERE, sections.FOR_LATER))

    def json(self) -> dict[str, Plain]:
        """Tell it to a program, by schema 1."""
        from mtlskit.report import record  # noqa: PLC0415 - what prints is loaded where it prints

        told = clean_plain(record.record_of(self))
        return cast("dict[str, Plain]", renamed(told, self._change()))

    def redacted(self, level: Level) -> Report:
        """Return this report with faces of another level: ``secrets``, ``own`` or ``names``.

        Raises:
            ValueError: there is no such level.
        """
        from mtlskit.report.naming import LEVELS  # noqa: PLC0415 - what hides names is loaded where it hides

        if level not in LEVELS:
            raise ValueError(f"There is no level {level!r}; expected {', '.join(LEVELS)}.")
        return replace(self, level=level)

    def preview(self, level: Level) -> Preview:
        """Tell what a level replaces by what; it is shown, and stands in no file."""
        from mtlskit.report import preview, record  # noqa: PLC0415 - loaded where it is shown
        from mtlskit.report.naming import strings  # noqa: PLC0415 - as above

        hidden = self.redacted(level)
        said = strings(record.record_of(hidden)) if level != "secrets" else ()
        return preview.previewed(_names(hidden), level, said)

    def _change(self) -> Callable[[str], str]:
        """Return what is done to every text."""
        return str if self.level == "secrets" else _names(self).changer()

    def messages(self) -> tuple[Message, ...]:
        """Return the messages to paste; none to the partner where no connection was looked at."""
        from mtlskit.report import messages  # noqa: PLC0415 - what prints is loaded where it prints

        return cast(
            "tuple[Message, ...]",
            renamed(mapped(messages.messages(self), clean), self._change()),
        )

    def save(
        self,
        stem: str | Path,
        *,
        pdf: bool = False,
        notebook: bool = False,
        redact: Level | None = None,
    ) -> tuple[Path, ...]:
        """Write ``stem.html``, ``stem.md`` and ``stem.json``; return their paths.

        Each file is written whole or not at all, readable as the umask says. An earlier report of
        the same name is replaced.

        Args:
            stem: the files' name without an ending; it is taken as it is at every level.
            pdf: print ``stem.pdf`` too.
            notebook: write ``stem.ipynb`` too: a notebook that was run, and can be again.
            redact: the level at which names are hidden; None: the report's own.

        Raises:
            FileExistsError: a file of that name is no report of ours; nothing is written.
            OSError: the folder is not there or cannot be written to.
            NoPdfError: `pdf` is asked for, and nothing here prints PDF.
        """
        from mtlskit.report import saving  # noqa: PLC0415 - what prints is loaded where it prints

        level = redact or self.level
        return saving.save(self.redacted(level), stem, pdf=pdf, notebook=notebook)


def _names(report: Report) -> Names:
    """Find what the report's level hides."""
    from mtlskit.report import record  # noqa: PLC0415 - what prints is loaded where it prints
    from mtlskit.report.naming import names_of, strings  # noqa: PLC0415 - as above

    said = strings(record.record_of(report)) if report.level != "secrets" else ()
    return names_of(report.case, report.level, said)


_ELSEWHERE = (
    "--report NAME saves the whole report as NAME.html, NAME.md and NAME.json (in Python: "
    'report.save("NAME")), with what is left out here:'
)


def judge(
    case: Case,
    made: datetime | None = None,
    stack: StackGuess | None = None,
    *,
    settings: bool = True,
) -> Report:
    """Ask all rules about the case, weigh their answers, and fill the checklist.

    Args:
        case: all evidence.
        made: the time at which the report is made.
        stack: the server's software, where somebody knows it; None: it is guessed.
        settings: ask the rules about an instance's settings, too.
    """
    findings = ask(_rules(settings=settings), case)
    return Report(case, reason(case, findings, stack), tuple(answers(case, findings)), made)


_OF_SETTINGS = ("in_settings", "configured", "steps")
"""The rules about an instance's settings, and what they stand on."""


def _rules(*, settings: bool) -> Sequence[Rule]:
    """Return the rules of the room, in the order of the causes that they speak of."""
    for module in iter_modules(rules.__path__):
        if settings or module.name not in _OF_SETTINGS:
            import_module(f"{rules.__name__}.{module.name}")
    order = {cause: place for place, cause in enumerate(causes())}
    every = [one for one in declared() if settings or not one.id.startswith("instance.")]
    return sorted(every, key=lambda one: (order.get(one.id, len(order)), one.id))
