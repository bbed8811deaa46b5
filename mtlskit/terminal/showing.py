"""What a command prints, and what its exit status means.

Law of this file: 0 accepted, 1 refused or findings, 2 wrong usage, 3 could not be reached or read.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlskit.page.shown import Shown
    from mtlskit.report import Report
    from mtlskit.trace.events import Ended

ACCEPTED, REFUSED, USAGE, UNREADABLE = 0, 1, 2, 3
STOPPED = 130
"""What a shell calls a program that was ended by Ctrl-C: 128 and the signal's number."""


def complain(text: str, status: int) -> int:
    """Say one sentence on the error stream; return the status."""
    print(f"mtlskit: {text}", file=sys.stderr)
    return status


def show(
    options: argparse.Namespace, result: Shown, as_json: Callable[[], Any] | None = None
) -> None:
    """Print the answer as text, or as JSON where that was asked for."""
    if not options.json:
        say(str(result))
        return
    from mtlskit.page.plain import plain  # noqa: PLC0415 - the help must not wait for it

    say_json(as_json() if as_json else plain(result))


def say_json(told: object, indent: int | None = 2) -> None:
    """Print JSON; with no indent, in one line."""
    from mtlskit.page.plain import json_text  # noqa: PLC0415 - the help must not wait for it

    say(json_text(told, indent))


def hand_over(options: argparse.Namespace, report: Report, stem: Path | None) -> None:
    """Print the report, save it where that was asked for, and name what could not be read."""
    report = report.redacted(options.redact)
    if options.preview:
        show(options, report.preview(options.redact))
    elif options.message:
        _say_message(report, options.message)
    else:
        show(options, report, report.json)
    if stem is not None:
        _save(report, stem, pdf=options.pdf, notebook=options.notebook)
    elif options.pdf or options.notebook:
        what = "PDF was printed" if options.pdf else "notebook was written"
        complain(f"No {what}: --report NAME says where.", USAGE)
    for problem in report.case.problems:
        print(f"mtlskit: {problem}", file=sys.stderr)


def _save(report: Report, stem: Path, *, pdf: bool, notebook: bool) -> None:
    """Save the report; without a printer, all but the PDF."""
    from mtlskit.report.saving import NoPdfError  # noqa: PLC0415 - the help must not wait for it

    try:
        paths = report.save(stem, pdf=pdf, notebook=notebook)
    except NoPdfError as error:
        complain(str(error), UNREADABLE)
        paths = report.save(stem, notebook=notebook)
    for path in paths:
        print(f"saved {path}", file=sys.stderr)


def _say_message(report: Report, to: str) -> None:
    """Print one message, ready to paste."""
    written = next((one for one in report.messages() if one.to == to), None)
    if written is None:
        complain(f"No connection was looked at, so there is no message to the {to}.", ACCEPTED)
    else:
        say(str(written))


def status_of(ended: Ended) -> int:
    """Return the exit status of one connection."""
    if ended.outcome == "accepted":
        return ACCEPTED
    silent = ended.outcome == "undecided" and ended.stage == "hello"
    return UNREADABLE if ended.outcome == "unreachable" or silent else REFUSED


def free(name: str | None) -> Path | None:
    """Return a name under which no report stands yet, in a folder that can be written to."""
    if name is None:
        return None
    folder = Path(name).parent
    if not os.access(folder, os.W_OK):
        raise ValueError(f"The report cannot be saved: the folder {folder} cannot be written to.")
    number = 1
    while Path(f"{_numbered(name, number)}.html").exists():
        number += 1
    return Path(_numbered(name, number))


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def say(text: str) -> None:
    """Print, also where the reader has gone: the exit status is still worth something."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # A second write at exit would complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
