"""``mtlskit verify``: a path to a trusted certificate, explained."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import mtlskit
from mtlskit.terminal.folding import details_option, show_brief
from mtlskit.terminal.options import DIGITS, command, fetch_option, password_options, time_option
from mtlskit.terminal.passwords import passwords_of
from mtlskit.terminal.showing import ACCEPTED, REFUSED, say

if TYPE_CHECKING:
    from mtlskit.certs.paths import PathSearch
    from mtlskit.material import Problem


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "verify", "Search a path to a trusted certificate, and explain it.")
    parser.epilog = (
        "Exit status: 0 accepted, 1 refused, 2 wrong usage, 3 a file could not be read (with "
        '--json, "unread" says which and why).'
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="the certificate and its issuers")
    parser.add_argument("--trust", metavar="FILE", nargs="+", action="extend", default=[])
    parser.add_argument(
        "--entry",
        metavar="ALIAS",
        help="judge this entry of the files (default: the first certificate that has a key)",
    )
    parser.add_argument("--role", choices=("client", "server"), default="client")
    parser.add_argument("--name", help="the name that a server's certificate must carry")
    time_option(parser, "judge at this time, such as 2026-11-20T10:42Z, and not now")
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
    details_option(parser)
    password_options(parser)


def _status_options(parser: argparse.ArgumentParser) -> None:
    """What else is at hand, or is to be fetched."""
    for name, text in (
        ("--crl", "revocation lists; if any is given, each certificate has to be covered by one"),
        ("--ocsp", "OCSP responses; given alone, only the first certificate has to be covered"),
        ("--material", "what else is at hand, to say what would mend the chain"),
    ):
        parser.add_argument(name, metavar="FILE", nargs="+", action="extend", default=[], help=text)
    fetch_option(parser, "the certificates")


def _depth(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > DIGITS:
        raise argparse.ArgumentTypeError(f"{said!r} is no depth, such as 1")
    return int(said)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    try:
        found = _asked(options)
    except ValueError as error:
        problem = getattr(error, "problem", None)
        if problem is not None and options.json:
            _say_unread(problem)
        raise
    show_brief(options, found)
    return ACCEPTED if found.accepted else REFUSED


def _say_unread(problem: Problem) -> None:
    """Tell a program too that nothing was judged, and why."""
    told = {"code": problem.code, "text": problem.text, "source": str(problem.source)}
    nothing: dict[str, Any] = {"accepted": None, "reasons": [], "paths": [], "rulings": {}}
    say(json.dumps({**nothing, "problems": [str(problem)], "unread": told}, indent=2))


def _asked(options: argparse.Namespace) -> PathSearch:
    locked = (*options.files, *options.trust, *options.material)
    return mtlskit.verify(
        options.files,
        trust=options.trust,
        role=options.role,
        name=options.name,
        at=options.at,
        password=passwords_of(options, locked, keys=False),
        max_depth=options.max_depth,
        crls=options.crl,
        ocsp=options.ocsp,
        fetch=options.fetch,
        material=options.material,
        profile=options.profile,
        ask=options.ask,
        entry=options.entry,
    )
