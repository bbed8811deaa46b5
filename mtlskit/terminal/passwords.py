"""Passwords at the terminal: from a file, the environment or a prompt, never as an argument.

Law of this file: what it reads goes to the one who opens the files, and nowhere else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path

import mtlskit

_TRIES = 3
"""How often a password is asked for."""
_LOCKED = ("no-password", "wrong-password")
_PASSWORD_BYTES = 65536
"""A password file that is larger than this is some other file."""


def passwords_of(options: argparse.Namespace, files: Sequence[str]) -> tuple[str, ...]:
    """Return the passwords given; at a terminal, ask for one where a file is locked."""
    if options.password_file:
        return _from_file(options.password_file)
    if options.password_env:
        if options.password_env not in os.environ:
            raise ValueError(f"The environment variable {options.password_env} is not set.")
        return (os.environ[options.password_env],)
    return _asked_for(files) if files and sys.stdin.isatty() else ()


def _from_file(path: Path) -> tuple[str, ...]:
    """Read one password a line; a byte-order mark before the first is not part of it."""
    with path.open("rb") as file:
        data = file.read(_PASSWORD_BYTES)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        # Not told with its cause: that would print a byte of the password.
        raise ValueError(f"{path.name} is no UTF-8 text; save the password as UTF-8.") from None
    return tuple(line for line in lines if line) or ("",)


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
