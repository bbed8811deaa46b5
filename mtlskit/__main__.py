"""The terminal door: ``mtlskit diagnose|trace|read|inspect|verify|doctor``.

Law of this file: it reads arguments, calls one function of the front door, prints its answer. Exit
status: 0 accepted, 1 refused or findings, 2 wrong usage, 3 could not be reached or read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mtlskit
from mtlskit.terminal.arguments import USAGE, parser_of_all
from mtlskit.terminal.passwords import passwords_of

if TYPE_CHECKING:
    from mtlskit.page.shown import Shown
    from mtlskit.report import Report
    from mtlskit.trace.events import Ended

ACCEPTED, REFUSED, UNREADABLE = 0, 1, 3
STOPPED = 130
"""What a shell calls a program that was ended by Ctrl-C: 128 and the signal's number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = parser_of_all().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's encoding lacks must not cost the whole answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _COMMANDS[options.command](options)
    except KeyboardInterrupt:
        return _complain("stopped.", STOPPED)
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror}.", UNREADABLE)
    except ValueError as error:
        # Unreadable is a ValueError too: input that cannot be read, against one that cannot be.
        unread = hasattr(error, "problem")
        return _complain(str(error), UNREADABLE if unread else USAGE)


def _complain(text: str, status: int) -> int:
    print(f"mtlskit: {text}", file=sys.stderr)
    return status


def _diagnose(options: argparse.Namespace) -> int:
    def run(passwords: tuple[str, ...]) -> Any:  # noqa: ANN401 - a Report
        return mtlskit.diagnose(
            options.target,
            identity=options.identity,
            trust=options.trust,
            material=options.material,
            settings=options.settings,
            url=options.url,
            password=passwords,
            tls=options.tls,
            server_name=options.server_name,
            timeout=options.timeout,
            experiments=not options.no_experiments,
            request=not options.no_request,
        )

    _say_port(options.target)
    stem = _free(options.report)
    files = (*(options.identity or ()), *(options.trust or ()), *options.material)
    report = run(passwords_of(options, files))
    _hand_over(options, report, stem)
    return _status(report.case.trace.ended)


def _say_port(target: str) -> None:
    """Say which port is called where none was given, before its silence is blamed on others."""
    from mtlskit.collect.given import DEFAULT_PORT, target_of  # noqa: PLC0415 - the help is quick

    if "://" not in target and not target.endswith(f":{target_of(target)[0].port}"):
        print(f"mtlskit: no port was given; {DEFAULT_PORT} is called.", file=sys.stderr)


def _free(name: str | None) -> Path | None:
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


def _read(options: argparse.Namespace) -> int:
    case = mtlskit.read(
        *options.files, password=passwords_of(options, options.files), url=options.url
    )
    report = mtlskit.diagnose(case)
    _hand_over(options, report, _free(options.report))
    if case.problems and not (case.identities or case.material or case.settings):
        return UNREADABLE
    sure = ("CONFIRMED", "LIKELY")
    return REFUSED if any(one.standing in sure for one in report.opinions) else ACCEPTED


def _hand_over(options: argparse.Namespace, report: Report, stem: Path | None) -> None:
    """Print the report, save it where that was asked for, and name what could not be read."""
    _show(options, report, report.json)
    if stem is not None:
        for path in report.save(stem):
            print(f"saved {path}", file=sys.stderr)
    for problem in report.case.problems:
        print(f"mtlskit: {problem}", file=sys.stderr)


def _trace(options: argparse.Namespace) -> int:
    trace = mtlskit.attempt(
        options.target,
        identity=options.identity,
        trust=options.trust,
        password=passwords_of(options, options.identity or ()),
        tls=options.tls,
        server_name=options.server_name,
        timeout=options.timeout,
        request=options.request,
    )
    _show(options, trace)
    return _status(trace.ended)


def _status(ended: Ended) -> int:
    if ended.outcome == "accepted":
        return ACCEPTED
    silent = ended.outcome == "undecided" and ended.stage == "hello"
    return UNREADABLE if ended.outcome == "unreachable" or silent else REFUSED


def _inspect(options: argparse.Namespace) -> int:
    passwords = passwords_of(options, options.files)
    if options.compare:
        return _compare(options, passwords)
    within = {} if options.within is None else {"within": options.within}
    found = mtlskit.inspect(*options.files, password=passwords, **within)
    _show(options, found)
    ends = options.within is not None and found.expiring
    if not found.problems and not ends:
        return ACCEPTED
    return REFUSED if found.certificates or found.identities else UNREADABLE


def _compare(options: argparse.Namespace, passwords: tuple[str, ...]) -> int:
    if len(options.files) < 2:  # noqa: PLR2004 - it takes two to compare
        return _complain("--compare needs two files at least.", USAGE)
    found = mtlskit.compare(*options.files, password=passwords)
    _show(options, found)
    if not found.held:
        return UNREADABLE
    return ACCEPTED if found.same else REFUSED


def _verify(options: argparse.Namespace) -> int:
    found = mtlskit.verify(
        options.files,
        trust=options.trust,
        role=options.role,
        name=options.name,
        password=passwords_of(options, (*options.files, *options.material)),
        max_depth=options.max_depth,
        crls=options.crl,
        ocsp=options.ocsp,
        fetch=options.fetch,
        material=options.material,
        profile=options.profile,
        ask=options.ask,
    )
    _show(options, found)
    return ACCEPTED if found.accepted else REFUSED


def _doctor(options: argparse.Namespace) -> int:
    found = mtlskit.doctor()
    _show(options, found)
    return ACCEPTED if found.healthy else REFUSED


def _show(
    options: argparse.Namespace, result: Shown, as_json: Callable[[], Any] | None = None
) -> None:
    if not options.json:
        _print(str(result))
        return
    from mtlskit.page.plain import plain  # noqa: PLC0415 - the help must not wait for it

    told = as_json() if as_json else plain(result)
    _print(json.dumps(told, indent=2, ensure_ascii=False))


def _print(text: str) -> None:
    """Print, also where the reader has gone: the exit status is still worth something."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # A second write at exit would complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "diagnose": _diagnose,
    "read": _read,
    "trace": _trace,
    "inspect": _inspect,
    "verify": _verify,
    "doctor": _doctor,
}


if __name__ == "__main__":
    sys.exit(main())
