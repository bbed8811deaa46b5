"""``mtlskit doctor``: is the installation well?"""

from __future__ import annotations

import argparse
from typing import Any

import mtlskit
from mtlskit.terminal.options import command
from mtlskit.terminal.showing import ACCEPTED, REFUSED, show


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    command(commands, "doctor", "Check the installation and say what to do.")


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    found = mtlskit.doctor()
    show(options, found)
    return ACCEPTED if found.healthy else REFUSED
