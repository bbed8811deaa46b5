"""The last step: keep the report as files beside the notebook, and the case to go on with it.

Law of this file: nothing that is already there is written over, and the name never leads out of
the notebook's folder. What a level of redaction replaces is shown and never saved.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import ipywidgets as widgets

from mtlskit.desk import fields, rail, step
from mtlskit.desk.kept import ENDING
from mtlskit.desk.session import Session
from mtlskit.page.blocks import Page, Section
from mtlskit.page.html import fragment
from mtlskit.report import Report, messages
from mtlskit.report.naming import Level
from mtlskit.report.preview import Preview

SUFFIXES = (".html", ".md", ".json", ".pdf", ".ipynb", ENDING)
MEANT_FOR = {
    ".html": "to read, print and send: one file that opens without a network",
    ".md": "to paste into a ticket",
    ".json": "for programs",
    ".pdf": "to print, or where only a PDF is taken",
    ".ipynb": "to go on from in Jupyter",
}
WAITING = f"There is a report as soon as the diagnosis in {rail.where(rail.DIAGNOSIS)} was run."
CHANGED = "The report has changed since it was saved. Save it again to keep it as it is now."
OUTDATED = (
    "The report that was here no longer holds. "
    f"Run the diagnosis in {rail.where(rail.DIAGNOSIS)} again."
)
NONE_YET = f"There is no report yet: run the diagnosis in {rail.where(rail.DIAGNOSIS)} first."
LEVELS: list[tuple[str, Level]] = [
    ("None: secrets are never in it", "secrets"),
    ("Those of the side that calls", "own"),
    ("All names and addresses", "names"),
]
CASE = (
    "To go on another day: everything given and found, but no key, no password and no file's "
    f"bytes. Open it in {rail.where(rail.BEGIN)}, under Files. It hides no name, so it is for you."
)


class Keep:
    """Save the report, and the case."""

    name = rail.REPORT

    def __init__(self, session: Session, keep_case: Callable[[Path], Path]) -> None:
        self._session, self._keep_case = session, keep_case
        self.stem = fields.line("Name of the files", "report")
        self.level = fields.choice("Names to hide", LEVELS)
        self.pdf = fields.tick("A PDF too; printing it takes a few seconds", on=False)
        self.notebook = fields.tick("A notebook too", on=False)
        self.button = fields.action("Save the report", self.save, primary=True)
        self.case = fields.action("Save the case", self.save_case)
        self.preview, self.message, self.said = fields.words(), fields.words(), fields.words()
        self.messages = fields.words()
        self.links = widgets.Output()
        self._saved: tuple[Report, Level] | None = None
        self._drawn: tuple[Report | None, Level] | None = None
        self._stale = False
        self.box = step.page(
            self.name,
            "Keep the report",
            "Three files with the same content are written beside this notebook. They hold no "
            "private key, no password and no key log.",
            step.pair(
                step.cell(self.stem, fields.hint("Letters, digits, dots and dashes.")),
                step.cell(
                    self.level,
                    fields.hint(
                        "Each name has the same placeholder in every file, also in drawings."
                    ),
                ),
            ),
            self.preview,
            step.row(self.button, self.pdf, self.notebook),
            self.message,
            self.links,
            self.messages,
            step.part("The case"),
            fields.hint(CASE),
            step.row(self.case),
            self.said,
        )
        step.when_changed(self.level, session.tell)
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    @property
    def state(self) -> step.State:
        """Done when the report that is shown was saved."""
        if self._session.report is None:
            return "later"
        return "done" if self._is_saved() else "needs"

    def save(self) -> None:
        """Write the files and show where they are."""
        with step.busy(self.button, "Saving …"), step.told(self.message):
            report = self._session.report
            if report is None:
                raise ValueError(NONE_YET)
            stem, level = free(self.stem.value), self.level.value
            more = {"pdf": self.pdf.value, "notebook": self.notebook.value}
            saved = report.save(stem, redact=level, **more)
            self._saved, self._stale = (report, level), False
            self.message.value = fields.notice(f"Saved in {Path.cwd()}.", "good")
            self.links.outputs = (_links(saved),)
            self._session.tell()

    def save_case(self) -> None:
        """Write the case, by which the guide can be opened again as it stands."""
        with step.busy(self.case, "Saving …"), step.told(self.said):
            path = self._keep_case(Path(free(self.stem.value or "my") + ENDING))
            self.said.value = fields.notice(f"The case was saved as {path.name}.", "good")

    def refresh(self) -> None:
        """Show what the level hides, and take links away that are of another report."""
        self._look()
        if self._is_saved():
            return
        self._stale = self._stale or self._saved is not None
        self._saved, self.links.outputs = None, ()
        self.button.disabled = self._session.report is None
        self.message.value = self._message()

    def _is_saved(self) -> bool:
        if self._saved is None:
            return False
        report, level = self._saved
        return report is self._session.report and level == self.level.value

    def _look(self) -> None:
        """Show what is replaced, and the messages as they will stand."""
        report, level = self._session.report, self.level.value
        if self._drawn is not None and self._drawn[0] is report and self._drawn[1] == level:
            return
        self._drawn = (report, level)
        if report is None:
            self.preview.value = self.messages.value = ""
            return
        self.preview.value = fragment(_previewed(report.preview(level)))
        self.messages.value = fragment(_pasted(report.redacted(level)))

    def _message(self) -> str:
        if self._session.report is None:
            return fields.notice(OUTDATED if self._session.outdated else WAITING)
        return fields.notice(CHANGED, "warn") if self._stale else ""


def _previewed(preview: Preview) -> Page:
    """Fold the list of names: it may be long, and others may look on."""
    page = preview.page()
    if preview.level == "secrets":
        return Page("", page.blocks)
    number = len(preview.replaced)
    said, *listed = page.blocks
    title = f"What is replaced: {number} name{'' if number == 1 else 's'}"
    return Page("", (said, Section(title, tuple(listed), folded=True)))


def _pasted(report: Report) -> Page:
    """Take the messages out of the report, as they stand at its level."""
    found = (one for one in report.page().blocks if isinstance(one, Section))
    return Page("", tuple(one for one in found if one.title == messages.TITLE))


def free(wanted: str) -> str:
    """Return a file stem made of `wanted` of which no file exists here yet."""
    stem = re.sub(r"[^\w.-]+", "-", wanted).strip("-.") or "report"
    taken = (n for n in range(2, 10_000) if not _exists(f"{stem}-{n}"))
    return stem if not _exists(stem) else f"{stem}-{next(taken)}"


def _exists(stem: str) -> bool:
    return any(Path(stem + suffix).exists() for suffix in SUFFIXES)


def _links(paths: tuple[Path, ...]) -> dict[str, object]:
    """Return an output with a link to each file; a notebook turns the names into addresses."""
    # A page of Voilà leaves names as they are; what serves it hands files out under this address.
    served = os.environ.get("VOILA_BASE_URL")
    at = f"{served}files/" if served else ""
    lines = [f"- [{p.name}]({at}{quote(p.name)}), {MEANT_FOR.get(p.suffix, '')}" for p in paths]
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {
            "text/plain": "\n".join(path.name for path in paths),
            "text/markdown": "\n".join(lines),
        },
    }
