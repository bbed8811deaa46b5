"""What can be typed after ``mtlskit``: one file a command, each with ``add`` and ``run``.

Law of this room: nothing heavy is imported before a command runs, so that help is quick.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import NoReturn

import mtlskit
from mtlskit.terminal.showing import USAGE

COMMANDS = (
    "diagnose",
    "trace",
    "read",
    "instance",
    "plan",
    "explain",
    "inspect",
    "verify",
    "tap",
    "mirror",
    "clients",
    "lab",
    "open",
    "doctor",
)
"""In the order of the help; each is the file of that name beside this one."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}. See: {self.prog} --help\n")


def parser_of_all() -> argparse.ArgumentParser:
    """Return the parser of every command; what it leads to is in ``run``."""
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
    for name in COMMANDS:
        module = import_module(f"mtlskit.terminal.{name}")
        module.add(commands)
        commands.choices[name].set_defaults(run=module.run)
    return parser
