"""Options that several commands share. Law of this file: it names options and opens nothing."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DIGITS = 6
"""No certificate is valid for a million days, and no path is a million long."""


def command(
    commands: Any,  # noqa: ANN401 - argparse has no public name for it
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    """Add a command; each can print JSON."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def time_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Say at which time dates are judged."""
    parser.add_argument("--at", metavar="TIME", type=_time, help=text)


def _time(said: str) -> datetime:
    """Read a date or a time (ISO 8601); without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(said.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{said!r} is no time, such as 2026-11-20 or 2026-11-20T10:42Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def password_options(parser: argparse.ArgumentParser) -> None:
    """Say where passwords come from: never an argument."""
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--password-file", metavar="F", type=Path, help="read passwords from F, one a line"
    )
    given.add_argument(
        "--password-env", metavar="NAME", help="read the password from this environment variable"
    )


def fetch_option(parser: argparse.ArgumentParser, where: str) -> None:
    """Say what may be fetched; nothing is unless it is named."""
    parser.add_argument(
        "--fetch",
        choices=("issuers", "ocsp", "crls"),
        nargs="+",
        action="extend",
        default=[],
        help=f"fetch these from the addresses that stand in {where} (default: nothing)",
    )


def connection_options(parser: argparse.ArgumentParser) -> None:
    """Name the endpoint, what is at hand to call it, and how it is called."""
    endpoint_options(parser)
    _way_options(parser)
    _hello_options(parser)


def endpoint_options(parser: argparse.ArgumentParser) -> None:
    """Name the endpoint and what is at hand to call it."""
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
    named = parser.add_mutually_exclusive_group()
    named.add_argument("--server-name", metavar="N", help="the name to ask for (SNI); '' for none")
    named.add_argument(
        "--no-sni",
        dest="server_name",
        action="store_const",
        const="",
        help="ask for no name: send no SNI",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=10.0,
        help="seconds for one connection (default: 10)",
    )
    password_options(parser)


def _way_options(parser: argparse.ArgumentParser) -> None:
    """Say how the server is reached."""
    way = parser.add_argument_group("the way to the server")
    way.add_argument(
        "--via", metavar="PROXY", help="go through http://[USER@]HOST:PORT or socks5://…"
    )
    proxy_password_options(way)
    way.add_argument(
        "--starttls",
        metavar="P",
        choices=("smtp", "imap", "pop3", "ldap", "postgres"),
        help="begin TLS within smtp, imap, pop3, ldap or postgres",
    )


def proxy_password_options(parser: argparse._ActionsContainer) -> None:
    """Say where the proxy user's password comes from: never an argument."""
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--proxy-password-file",
        metavar="F",
        type=Path,
        help="read the proxy user's password from F",
    )
    given.add_argument(
        "--proxy-password-env", metavar="NAME", help="read it from this environment variable"
    )


def _hello_options(parser: argparse.ArgumentParser) -> None:
    """Say what the client offers."""
    hello = parser.add_argument_group("what the client offers (a list is written with colons)")
    hello.add_argument("--alpn", metavar="LIST", help="application protocols, such as h2:http/1.1")
    hello.add_argument("--ciphers", metavar="LIST", help="cipher suites, OpenSSL's or RFC names")
    hello.add_argument("--schemes", metavar="LIST", help="signature schemes, by their RFC names")
    hello.add_argument("--groups", metavar="LIST", help="groups for the key exchange")
    size = hello.add_mutually_exclusive_group()
    for one, text in (("small", "no post-quantum key share"), ("large", "one, in two packets")):
        size.add_argument(
            f"--{one}-hello", dest="hello", action="store_const", const=one, help=f"send {text}"
        )
    hello.add_argument(
        "--post-handshake",
        action="store_true",
        help="offer to be asked for a certificate after the handshake (TLS 1.3)",
    )


def report_option(parser: argparse.ArgumentParser) -> None:
    """Say where the report is saved."""
    parser.add_argument(
        "--report",
        metavar="NAME",
        help="save the report as NAME.html, NAME.md and NAME.json (NAME-2, if these are there)",
    )
    parser.add_argument(
        "--pdf", action="store_true", help="with --report: print NAME.pdf too, by Chromium"
    )
    parser.add_argument(
        "--notebook", action="store_true", help="with --report: NAME.ipynb too, a notebook that ran"
    )
    parser.add_argument(
        "--message",
        metavar="TO",
        choices=("partner", "customer"),
        help="print the message to the partner (the endpoint's owner) or the customer, to paste",
    )
    hidden = parser.add_argument_group("what the report hides, beside secrets")
    hidden.add_argument(
        "--redact",
        metavar="LEVEL",
        choices=("secrets", "own", "names"),
        default="secrets",
        help="own: names and addresses of our side; names: all of them (default: secrets)",
    )
    hidden.add_argument(
        "--preview",
        action="store_true",
        help="print what that level replaces by what, in place of the report; it is not saved",
    )
