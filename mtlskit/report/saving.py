"""The report as files: HTML to read, Markdown to paste, JSON for programs, a notebook to go on in.

Law of this file: a file is there whole or not at all, and nothing but an earlier report is written
over. No program is started here: the printer of a PDF is handed in, or loaded from above.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mtlskit.page.blocks import Page
from mtlskit.page.html import document
from mtlskit.page.markdown import markdown
from mtlskit.page.plain import json_text
from mtlskit.report import as_notebook

if TYPE_CHECKING:
    from mtlskit.report.judged import Report

PdfPrinter = Callable[[Path, Path], None]
"""Prints an HTML file to a PDF file."""

_OURS = {
    ".html": '<meta name="generator" content="mtlskit">',
    ".md": "\n## Versions and times\n",
    ".json": '"schema": ',
    ".ipynb": as_notebook.MARK,
}
"""What a file of each kind holds if it is a report of ours."""
_ALWAYS = (".html", ".md", ".json")
_LOOKED_AT = 4 * 1024 * 1024


class NoPdfError(RuntimeError):
    """A PDF was asked for, and nothing here prints one."""


def save(
    report: Report,
    stem: str | Path,
    *,
    pdf: bool = False,
    notebook: bool = False,
    printer: PdfPrinter | None = None,
) -> tuple[Path, ...]:
    """Write the report's files beside each other; see `Report.save`."""
    if pdf and printer is None:
        printer = _printer()
    whole = _stem(stem)
    endings = (*_ALWAYS, ".ipynb") if notebook else _ALWAYS
    paths = {ending: whole.with_name(whole.name + ending) for ending in endings}
    for ending, path in paths.items():
        _refuse_foreign(path, _OURS[ending])
    printed = whole.with_name(whole.name + ".pdf")
    if pdf and printed.exists() and not paths[".html"].exists():
        raise FileExistsError(
            f"{printed} is there already, and no report beside it; choose another name."
        )
    page = report.page()
    for path in paths.values():
        _write(path, _printed(report, page, path))
    if printer is None or not pdf:
        return tuple(paths.values())
    printer(paths[".html"], printed)
    return (*paths.values(), printed)


def _printer() -> PdfPrinter:
    """Load what prints: it starts a program, so it stands on a floor above."""
    return cast("PdfPrinter", import_module("mtlskit.collect.printing").pdf_printer())


def _stem(stem: str | Path) -> Path:
    """Return the path without one of our own endings; any other dot belongs to the name."""
    path = Path(stem)
    return path.with_suffix("") if path.suffix in (*_OURS, ".pdf") else path


def _printed(report: Report, page: Page, path: Path) -> str:
    """Print the page as the path's ending says; it is made once, since hiding names takes time."""
    if path.suffix == ".html":
        return document(page)
    if path.suffix == ".md":
        return markdown(page)
    if path.suffix == ".ipynb":
        return as_notebook.notebook(page, path.with_suffix(".json").name)
    return json_text(report.json()) + "\n"


def _refuse_foreign(path: Path, mark: str) -> None:
    """Stop before anything is written if a file that is no report of ours has this name."""
    if not path.exists():
        return
    held = ""
    if path.is_file() and path.stat().st_size <= _LOOKED_AT:
        held = path.read_text("utf-8", "replace")
    if mark not in held:
        raise FileExistsError(
            f"{path} is there already and is no report of mtlskit; choose another name."
        )


def _write(path: Path, text: str) -> None:
    """Write beside the goal and move it there; the umask says who may read it."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            # A lone surrogate of a foreign name cannot be written as UTF-8.
            file.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from None
