"""``mtlskit plan``: what to change in the instance's settings, step by step. It changes nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.options import command, password_options
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, complain, say, show

if TYPE_CHECKING:
    from mtlskit.case import Case
    from mtlskit.instance.plan import Plan


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(
        commands,
        "plan",
        "Plan what to change in the instance's settings, from its exports. Changes nothing.",
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="exports of the instance, and its key stores"
    )
    parser.add_argument("--url", help="the URL that the instance calls, as its message has it")
    parser.add_argument(
        "--csv", metavar="F", type=Path, help="write the steps to F, for a change request"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown instead of text")
    parser.add_argument(
        "--try",
        dest="tried",
        metavar="CHANGE",
        action="append",
        default=[],
        help="show what this change would do, instead of a plan: TABLE RECORD FIELD=VALUE, or "
        "TABLE RECORD removed; can be given again",
    )
    password_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status: 0 nothing to change, 1 a plan, 3 nothing to plan from."""
    import mtlskit  # noqa: PLC0415 - the help is quick
    from mtlskit.report.planning import change_plan  # noqa: PLC0415 - the same
    from mtlskit.terminal.passwords import passwords_of  # noqa: PLC0415 - the same

    passwords = passwords_of(options, options.files)
    case = mtlskit.read(*options.files, password=passwords, url=options.url)
    problems = (*case.problems, *(case.settings.problems if case.settings else ()))
    for problem in problems:
        complain(str(problem), UNREADABLE)
    if any(one.code == "mixed-instances" for one in problems):
        return complain("No plan is made from the exports of two instances at once.", UNREADABLE)
    if options.tried:
        return _try(options, case, passwords)
    try:
        plan = change_plan(case, passwords)
    except LookupError as missing:
        return complain(f"No plan can be made without {missing}", UNREADABLE)
    if options.markdown and not options.json:
        say(plan._repr_markdown_())
    else:
        show(options, plan, lambda: _plain(plan))
    if options.csv is not None:
        _write(options.csv, plan.csv())
    return REFUSED if plan.steps or plan.open else ACCEPTED


def _try(options: argparse.Namespace, case: Case, passwords: tuple[str, ...]) -> int:
    """Show before and after of the changes that were wished for."""
    from mtlskit.instance.changes import written  # noqa: PLC0415 - the help is quick
    from mtlskit.page.plain import plain  # noqa: PLC0415 - the same
    from mtlskit.report.planning import tried_out  # noqa: PLC0415 - the same

    if case.settings is None:
        return complain("No export of settings was given, so nothing can be tried.", UNREADABLE)
    found = tried_out(case, [written(one) for one in options.tried], passwords)
    show(options, found, lambda: plain(found.differences))
    return ACCEPTED


def _plain(plan: Plan) -> dict[str, Any]:
    """Tell a program the steps, what is open, and before and after."""
    from mtlskit.page.plain import plain  # noqa: PLC0415 - the help is quick

    differences = plan.what_if.differences if plan.what_if else ()
    return {
        "url": plan.url,
        "mends": list(plan.causes),
        "steps": plain(plan.steps),
        "open": list(plan.open),
        "before_and_after": plain(differences),
    }


def _write(path: Path, text: str) -> None:
    """Write the CSV, with a mark by which a spreadsheet knows UTF-8; replace nothing."""
    with path.open("x", encoding="utf-8-sig", newline="") as file:
        file.write(text)
    complain(f"saved {path}", ACCEPTED)
