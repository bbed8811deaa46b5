"""What can be typed after ``mtlskit``. Law of this file: it names options and opens nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

import mtlskit

USAGE = 2
"""Exit status of wrong usage."""
_DIGITS = 6
"""No certificate is valid for a million days."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}. See: {self.prog} --help\n")


def parser_of_all() -> argparse.ArgumentParser:
    """Return the parser of every command; the command's name is in ``command``."""
    parser = _Parser(
        prog="mtlskit",
        description="Finds out why a mutual-TLS connection fails, proves it, says who must act.",
        epilog="Exit status: 0 accepted, 1 refused or findings, 2 wrong usage, "
        "3 could not be reached or read.",
    )
    parser.add_argument("--version", action="version", version=f"mtlskit {mtlskit.__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    for add in (_add_diagnose, _add_trace, _add_read, _add_inspect, _add_verify, _add_doctor):
        add(commands)
    return parser


def _command(
    commands: Any,  # noqa: ANN401 - argparse has no public name for it
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
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
    parser = _command(commands, "diagnose", "Find out why a connection fails, and who must act.")
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
    parser = _command(commands, "trace", "Make one connection and show who said what.")
    _connection_options(parser)
    parser.add_argument("--request", action="store_true", help="send an HTTP GET afterwards")


def _add_read(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "read", "Judge a case from files alone: key stores, settings, any mixture."
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
    parser = _command(commands, "inspect", "Show every certificate, key and request in the files.")
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
    parser = _command(commands, "verify", "Search a path to a trusted certificate, and explain it.")
    parser.add_argument("files", metavar="FILE", nargs="+", help="the certificate and its issuers")
    parser.add_argument("--trust", metavar="FILE", nargs="+", action="extend", default=[])
    parser.add_argument("--role", choices=("client", "server"), default="client")
    parser.add_argument("--name", help="the name that a server's certificate must carry")
    _status_options(parser)
    parser.add_argument(
        "--max-depth", metavar="N", type=_depth, help="how many intermediates are allowed"
    )
    parser.add_argument(
        "--profile",
        metavar="STACK",
        default="rfc5280",
        help="judge as this stack does: openssl-3, nginx, java, go, gnutls ... (default: rfc5280)",
    )
    parser.add_argument(
        "--ask",
        action="store_true",
        help="ask OpenSSL, Java, GnuTLS and Go too, those that are on this machine",
    )
    _password_options(parser)


def _status_options(parser: argparse.ArgumentParser) -> None:
    """What else is at hand, or is to be fetched."""
    for name, text in (
        ("--crl", "revocation lists; if any is given, each certificate has to be covered by one"),
        ("--ocsp", "OCSP responses; given alone, only the first certificate has to be covered"),
        ("--material", "what else is at hand, to say what would mend the chain"),
    ):
        parser.add_argument(name, metavar="FILE", nargs="+", action="extend", default=[], help=text)
    parser.add_argument(
        "--fetch",
        choices=("issuers", "ocsp", "crls"),
        nargs="+",
        action="extend",
        default=[],
        help="fetch these from the addresses that stand in the certificates (default: nothing)",
    )


def _depth(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > _DIGITS:
        raise argparse.ArgumentTypeError(f"{said!r} is no depth, such as 1")
    return int(said)


def _add_doctor(commands: Any) -> None:  # noqa: ANN401 - see _command
    _command(commands, "doctor", "Check the installation and say what to do.")
