"""Finds the programs of the stacks, and asks them their version.

Law of this file: a program is found on the usual path and where Debian puts servers; it is asked
once, with a deadline, and what it says is taken by a pattern.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from mtlskit.lab.stacks.setup import Room, Setup

SEARCHED = os.pathsep.join(("/usr/sbin", "/usr/bin", "/sbin", "/bin", os.environ.get("PATH", "")))
"""The machine's own directories first: whom a server runs as may not be able to read ours."""
_PATIENCE = 20.0


def found(*names: str) -> Callable[[], str | None]:
    """Return a function that finds the first of these programs; None if none is here."""

    def find() -> str | None:
        places = (shutil.which(name, path=SEARCHED) for name in names)
        return next((place for place in places if place), None)

    return find


def asked(*arguments: str, pattern: str) -> Callable[[str], str]:
    """Return a function that asks a program its version; the pattern's first group is taken."""

    def ask(program: str) -> str:
        match = re.search(pattern, said(program, *arguments))
        return match[1] if match else "unknown"

    return ask


@cache
def said(program: str, *arguments: str) -> str:
    """Return what a program says when it is run so: its output and its complaints."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - a program of the machine's own
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace")
    return ""


def protocols(setup: Setup, between: str = " ") -> str:
    """Write the TLS versions as ``TLSv1.2 TLSv1.3``."""
    low, high = setup.versions
    return between.join(f"TLSv{one}" for one in ("1.0", "1.1", "1.2", "1.3") if low <= one <= high)


def switches(setup: Setup, words: dict[str, str]) -> str:
    """Return a software's word for how the client certificate is asked for."""
    return words[setup.asks]


def with_crl(setup: Setup, line: str, room: Room) -> str:
    """Return a configuration line about the revocation lists; nothing where none are checked."""
    return line.format(crl=room.path("crl.pem")) if setup.crls else ""
