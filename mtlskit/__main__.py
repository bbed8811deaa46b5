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
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import mtlskit

if TYPE_CHECKING:
    from mtlskit.page.shown import Shown
    from mtlskit.report import Report
    from mtlskit.trace.events import Ended

ACCEPTED, REFUSED, USAGE, UNREADABLE = 0, 1, 2, 3
STOPPED = 130
"""What a shell calls a program that was ended by Ctrl-C: 128 and the signal's number."""
_TRIES = 3
"""How often a password is asked for."""
_LOCKED = ("no-password", "wrong-password")
_PASSWORD_BYTES = 65536
"""A password file that is larger than this is some other file."""
_DIGITS = 6
"""No certificate is valid for a million days."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
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


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}. See: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mtlskit",
        description="Finds out why a mutual-TLS connection fails, proves it, says who must act.",
        epilog="Exit status: 0 accepted, 1 refused or findings, 2 wrong usage, "
        "3 could not be reached or read.",
    )
    parser.add_argument("--version", action="version", version=f"mtlskit {mtlskit.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_diagnose, _add_trace, _add_read, _add_inspect, _add_verify, _add_doctor):
        add(commands)
    return parser


def _command(
    commands: Any,  # noqa: ANN401 - argparse has no public name for it
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=run)
    return parser


def _password_options(parser: argparse.ArgumentParser) -> None:
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--password-file", metavar="F", type=Path, help="read passwords from F, one a line"
    )
    given.add_argument(
        "--password-env", metavar="NAME", help="read the password from this environment variable"
    )


def _connection_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="HOST:PORT", help="the endpoint, or its URL")
    parser.add_argument(
        "--identity",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="the client's key store, or its certificate and key files",
    )
    parser.add_argument(
        "--trust",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="what the client trusts servers by; without it the server is not verified",
    )
    parser.add_argument(
        "--tls",
        metavar="V",
        choices=("1.0", "1.1", "1.2", "1.3"),
        help="speak this TLS version only: 1.0, 1.1, 1.2 or 1.3",
    )
    parser.add_argument("--server-name", metavar="N", help="the name to ask for (SNI); '' for none")
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=10.0,
        help="seconds for one connection (default: 10)",
    )
    _password_options(parser)


def _add_diagnose(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "diagnose", _diagnose, "Find out why a connection fails, and who must act."
    )
    _connection_options(parser)
    parser.add_argument(
        "--material",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="whatever else is at hand: CA certificates, other stores",
    )
    parser.add_argument(
        "--settings",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="exports of the instance's settings, XML or JSON",
    )
    parser.add_argument("--no-experiments", action="store_true", help="call once, change nothing")
    parser.add_argument(
        "--no-request", action="store_true", help="send no HTTP request after the handshake"
    )
    parser.add_argument("--url", help="the URL that the instance calls, if it is another one")
    _report_option(parser)


def _add_trace(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(commands, "trace", _trace, "Make one connection and show who said what.")
    _connection_options(parser)
    parser.add_argument("--request", action="store_true", help="send an HTTP GET afterwards")


def _add_read(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "read", _read, "Judge a case from files alone: key stores, settings, any mixture."
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("--url", help="the URL that the instance or client calls")
    _password_options(parser)
    _report_option(parser)


def _report_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report",
        metavar="NAME",
        help="save the report as NAME.html, NAME.md and NAME.json (NAME-2, if these are there)",
    )


def _add_inspect(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "inspect", _inspect, "Show every certificate, key and request in the files."
    )
    parser.epilog = (
        "Exit status: warnings alone are 0. With --within, what ends within those days is 1; with "
        "--compare, stores that differ are 1."
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--within",
        metavar="DAYS",
        type=_whole_days,
        help="warn of what ends within so many days (default: 30)",
    )
    asked.add_argument(
        "--compare", action="store_true", help="put the files beside each other: what differs?"
    )
    _password_options(parser)


def _whole_days(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > _DIGITS:
        raise argparse.ArgumentTypeError(f"{said!r} is no number of days, such as 30")
    return int(said)


def _add_verify(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "verify", _verify, "Search a path to a trusted certificate, and explain it."
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="the certificate and its issuers")
    parser.add_argument("--trust", metavar="FILE", nargs="+", action="extend", default=[])
    parser.add_argument("--role", choices=("client", "server"), default="client")
    parser.add_argument("--name", help="the name that a server's certificate must carry")
    parser.add_argument(
        "--crl",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="revocation lists; if any is given, each certificate has to be covered by one",
    )
    parser.add_argument(
        "--material",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="what else is at hand, to say what would mend the chain",
    )
    parser.add_argument(
        "--max-depth", metavar="N", type=_depth, help="how many intermediates are allowed"
    )
    _password_options(parser)


def _depth(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > _DIGITS:
        raise argparse.ArgumentTypeError(f"{said!r} is no depth, such as 1")
    return int(said)


def _add_doctor(commands: Any) -> None:  # noqa: ANN401 - see _command
    _command(commands, "doctor", _doctor, "Check the installation and say what to do.")


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
    report = run(_passwords(options, files))
    _hand_over(options, report, stem)
    return _status(report.case.trace.ended)


def _say_port(target: str) -> None:
    """Say which port is called where none was given, before its silence is blamed on others."""
    from mtlskit.experiment import DEFAULT_PORT, target_of  # noqa: PLC0415 - the help is quick

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
        *options.files, password=_passwords(options, options.files), url=options.url
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
        password=_passwords(options, options.identity or ()),
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
    passwords = _passwords(options, options.files)
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
    return ACCEPTED if found.same and not found.problems else REFUSED


def _verify(options: argparse.Namespace) -> int:
    found = mtlskit.verify(
        options.files,
        trust=options.trust,
        role=options.role,
        name=options.name,
        password=_passwords(options, (*options.files, *options.material)),
        max_depth=options.max_depth,
        crls=options.crl,
        material=options.material,
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


def _passwords(options: argparse.Namespace, files: Sequence[str]) -> tuple[str, ...]:
    """Return the passwords given; at a terminal, ask for one where a file is locked."""
    if options.password_file:
        with options.password_file.open(encoding="utf-8") as file:
            lines = file.read(_PASSWORD_BYTES).splitlines()
        return tuple(line for line in lines if line) or ("",)
    if options.password_env:
        if options.password_env not in os.environ:
            raise ValueError(f"The environment variable {options.password_env} is not set.")
        return (os.environ[options.password_env],)
    return _asked_for(files) if files and sys.stdin.isatty() else ()


def _asked_for(files: Sequence[str]) -> tuple[str, ...]:
    """Ask until every file opens, a few times at most; an empty answer gives up."""
    known: tuple[str, ...] = ()
    for _ in range(_TRIES):
        problems = mtlskit.inspect(*files, password=known).problems
        locked = [one for one in problems if one.code in _LOCKED]
        if not locked:
            break
        word = getpass(f"Password for {locked[0].source.name}: ")
        if not word:
            break
        known += (word,)
    return known


if __name__ == "__main__":
    sys.exit(main())
