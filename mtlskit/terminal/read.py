"""``mtlskit read``: a case from files alone."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import mtlskit
from mtlskit.terminal.options import command, password_options, report_option, time_option
from mtlskit.terminal.passwords import passwords_of
from mtlskit.terminal.showing import (
    ACCEPTED,
    REFUSED,
    UNREADABLE,
    USAGE,
    complain,
    free,
    hand_over,
    say,
    show,
)

if TYPE_CHECKING:
    from mtlskit.case import Case
    from mtlskit.report.reopened import Reopened


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(
        commands,
        "read",
        "Judge a case from files alone: key stores, captures, logs, settings, any mixture. A "
        "report's own JSON file is shown again; two of them are compared.",
    )
    _file_options(parser)
    parser.add_argument(
        "--url",
        help="the URL that the instance or client calls; its host is the name that was called",
    )
    parser.add_argument(
        "--server-name",
        metavar="N",
        help="the name that the client called, where no file tells it (default: the URL's host)",
    )
    time_option(
        parser,
        "when it failed, such as 2026-11-20T10:42Z (UTC where no zone is said); default: the time "
        "that the files tell, else now",
    )
    parser.add_argument(
        "--connection",
        metavar="NUMBER",
        type=int,
        help="judge this connection of the captures and logs, not the one that shows most",
    )
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="try what would help on a stand-in of the server, on this machine",
    )
    password_options(parser)
    report_option(parser)


def _file_options(parser: argparse.ArgumentParser) -> None:
    """Name the files, and what a file is where its content cannot tell."""
    parser.add_argument("files", metavar="FILE", nargs="+")
    for name, text in (
        ("--identity", "the client's key store; the same as to name it among the files"),
        (
            "--trust",
            "what the client trusts servers by, to have the server judged: it has to be named so",
        ),
        ("--server-trust", "the CA certificates by which the server verifies clients"),
        ("--material", "whatever else is at hand; the same as to name it among the files"),
        ("--settings", "exports of the instance; the same as to name them among the files"),
    ):
        parser.add_argument(name, metavar="FILE", nargs="+", action="extend", default=[], help=text)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    from mtlskit.collect.saved import saved_among  # noqa: PLC0415 - the help must not wait for it

    files = (*options.identity, *options.files, *options.material, *options.settings)
    saved = saved_among(files)
    if saved:
        return _show_saved(options, saved)
    case = mtlskit.read(
        *files,
        password=passwords_of(options, (*files, *options.trust, *options.server_trust)),
        trust=options.trust or None,
        server_trust=options.server_trust or None,
        url=options.url,
        connection=options.connection,
        at=options.at,
        server_name=options.server_name,
    )
    if _nothing_read(case):
        for problem in case.problems:
            complain(problem.text, UNREADABLE)
        return UNREADABLE
    try:
        report = mtlskit.rehearse(case) if options.rehearse else mtlskit.diagnose(case)
    except LookupError as missing:
        return complain(f"No stand-in can be built without {missing}", UNREADABLE)
    hand_over(options, report, free(options.report))
    if case.problems and not (case.identities or case.material or case.settings or case.trace):
        return UNREADABLE
    sure = ("CONFIRMED", "LIKELY")
    named = any(one.standing in sure and one.cause != "none" for one in report.opinions)
    failed = case.trace is not None and case.trace.ended.outcome != "accepted"
    return REFUSED if failed or named else ACCEPTED


def _nothing_read(case: Case) -> bool:
    """Tell whether no name led to a file, so that a report would speak of nothing."""
    from mtlskit.collect.evidence import NO_FILE  # noqa: PLC0415 - as above

    held = case.stores or case.material or case.settings or case.trace or case.tools
    slips = [one for one in case.problems if one.code in NO_FILE]
    return not held and bool(slips) and len(slips) == len(case.problems)


_AS_SAVED = (
    "A saved report is shown as it was saved: it no longer holds what tells whose a name is. Make "
    "the report once more with --redact LEVEL --report NAME. From one diagnosis, Python saves "
    'several: report.save("all"); report.save("partner", redact="own"). So does the guide, also '
    "of a case that it saved earlier; the endpoint is not called for that."
)


def _show_saved(options: argparse.Namespace, saved: tuple[Reopened, ...]) -> int:
    """Show a saved report again, or two side by side."""
    from mtlskit.report.compared import compare_reports  # noqa: PLC0415 - as above

    last = saved[-1]
    if options.report or options.preview or options.redact != "secrets":
        return complain(_AS_SAVED, USAGE)
    if options.message:
        written = last.message(options.message)
        if written is None:
            return complain(f"It holds no message to the {options.message}.", UNREADABLE)
        say(written)
    elif len(saved) == 1:
        show(options, last, last.json)
    else:
        compared = compare_reports(saved[0], last)
        show(options, compared, compared.json)
    return ACCEPTED if last.outcome == "accepted" else REFUSED
