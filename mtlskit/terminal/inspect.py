"""``mtlskit inspect``: what the files hold, or what differs between them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import mtlskit
from mtlskit.terminal.folding import details_option, show_brief
from mtlskit.terminal.options import DIGITS, command, password_options
from mtlskit.terminal.passwords import passwords_of
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE, complain

if TYPE_CHECKING:
    from mtlskit.certs.inventory import Inventory
    from mtlskit.certs.outlook import Caution


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "inspect", "Show every certificate, key and request in the files.")
    parser.epilog = (
        "Exit status: 0 nothing is wrong, or warnings alone; 1 something is wrong, or a "
        "certificate that is no CA's is not valid today; 3 a file could not be read to its end, "
        "whatever else was found. With --within, 1 means that something ends within those days, "
        "and 0 that nothing does. With --compare, 1 means that the stores hold other certificates."
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
    details_option(parser)
    password_options(parser)


def _whole_days(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > DIGITS:
        raise argparse.ArgumentTypeError(f"{said!r} is no number of days, such as 30")
    return int(said)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    passwords = passwords_of(options, options.files)
    if options.compare:
        return _compare(options, passwords)
    within = {} if options.within is None else {"within": options.within}
    found = mtlskit.inspect(*options.files, password=passwords, **within)
    show_brief(options, found)
    if found.unread:
        return UNREADABLE
    findings = (*found.problems, *_not_valid(found)) if options.within is None else found.expiring
    return REFUSED if findings else ACCEPTED


def _not_valid(found: Inventory) -> list[Caution]:
    """Return what nobody can use today; a CA that is over may lie in a trust store for good."""
    over = (one for one in found.warnings if one.code in {"expired", "not-yet-valid"})
    return [one for one in over if not one.certificate.ca]


def _compare(options: argparse.Namespace, passwords: tuple[str, ...]) -> int:
    if len(options.files) < 2:  # noqa: PLR2004 - it takes two to compare
        return complain("--compare needs two files at least.", USAGE)
    found = mtlskit.compare(*options.files, password=passwords)
    show_brief(options, found)
    if not all(found.known):
        return UNREADABLE
    return ACCEPTED if found.same else REFUSED
