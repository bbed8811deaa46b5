"""The last step: keep the report as files beside the notebook.

Law of this file: nothing that is already there is written over, and the name never leads out of
the notebook's folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import ipywidgets as widgets

from mtlskit.desk import fields, rail, step
from mtlskit.desk.session import Session
from mtlskit.report import Report

SUFFIXES = (".html", ".md", ".json")
MEANT_FOR = {
    ".html": "to read, print and send: one file that opens without a network",
    ".md": "to paste into a ticket",
    ".json": "for programs",
}
WAITING = f"There is a report as soon as the diagnosis in {rail.where(rail.DIAGNOSIS)} was run."
CHANGED = "The report has changed since it was saved. Save it again to keep it as it is now."
OUTDATED = (
    "The report that was here no longer holds. "
    f"Run the diagnosis in {rail.where(rail.DIAGNOSIS)} again."
)
NONE_YET = f"There is no report yet: run the diagnosis in {rail.where(rail.DIAGNOSIS)} first."


class Keep:
    """Save the report."""

    name = rail.REPORT

    def __init__(self, session: Session) -> None:
        self._session = session
        self.stem = fields.line("Name of the files", "report")
        self.button = fields.action("Save the report", self.save, primary=True)
        self.message = fields.words()
        self.links = widgets.Output()
        self._saved: Report | None = None
        self._stale = False
        self.box = step.page(
            "Keep the report",
            "Three files with the same content are written beside this notebook. They hold no "
            "private key, no password and no key log.",
            step.cell(self.stem, fields.hint("Letters, digits, dots and dashes.")),
            step.row(self.button),
            self.message,
            self.links,
        )
        session.watch(self.refresh)
        self.refresh()

    @property
    def state(self) -> step.State:
        """Done when the report that is shown was saved."""
        if self._session.report is None:
            return "later"
        return "done" if self._saved is self._session.report else "needs"

    def save(self) -> None:
        """Write the files and show where they are."""
        with step.busy(self.button, "Saving …"), step.told(self.message):
            if self._session.report is None:
                raise ValueError(NONE_YET)
            saved = self._session.report.save(free(self.stem.value))
            self._saved, self._stale = self._session.report, False
            self.message.value = fields.notice(f"Saved in {Path.cwd()}.", "good")
            self.links.outputs = (_links(saved),)
            self._session.tell()

    def refresh(self) -> None:
        """Take the links away when they are no longer of the report that is shown."""
        if self._saved is self._session.report is not None:
            return
        self._stale = self._stale or self._saved is not None
        self._saved, self.links.outputs = None, ()
        self.button.disabled = self._session.report is None
        self.message.value = self._said()

    def _said(self) -> str:
        if self._session.report is None:
            return fields.notice(OUTDATED if self._session.outdated else WAITING)
        return fields.notice(CHANGED, "warn") if self._stale else ""


def free(wanted: str) -> str:
    """Return a file stem made of `wanted` of which no file exists here yet."""
    stem = re.sub(r"[^\w.-]+", "-", wanted).strip("-.") or "report"
    taken = (n for n in range(2, 10_000) if not _exists(f"{stem}-{n}"))
    return stem if not _exists(stem) else f"{stem}-{next(taken)}"


def _exists(stem: str) -> bool:
    return any(Path(stem + suffix).exists() for suffix in SUFFIXES)


def _links(paths: tuple[Path, ...]) -> dict[str, object]:
    """Return an output with a link to each file; Jupyter turns the names into addresses."""
    lines = [f"- [{p.name}]({quote(p.name)}), {MEANT_FOR.get(p.suffix, '')}" for p in paths]
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {
            "text/plain": "\n".join(path.name for path in paths),
            "text/markdown": "\n".join(lines),
        },
    }
