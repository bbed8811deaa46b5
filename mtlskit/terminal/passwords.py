"""Passwords at the terminal: from a file, the environment or a prompt, never as an argument.

Law of this file: what it reads goes to the one who opens the files, and nowhere else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import mtlskit

if TYPE_CHECKING:
    from mtlskit.material import Problem

if TYPE_CHECKING:
    from mtlskit.collect.calling import Manner

_TRIES = 3
"""How often a password is asked for."""
_LOCKED_KEY = "key-password"
_LOCKED = ("no-password", "wrong-password", _LOCKED_KEY)
_PASSWORD_BYTES = 65536
"""A password file that is larger than this is some other file."""


def manner_of(options: argparse.Namespace) -> Manner:
    """Return how the connection is to be made; ask for the proxy's password where it is missing."""
    manner: Manner = {
        "via": options.via,
        "proxy_password": proxy_password_of(options),
        "starttls": options.starttls,
        "alpn": options.alpn or "",
        "ciphers": options.ciphers or "",
        "schemes": options.schemes or "",
        "groups": options.groups or "",
        "hello": options.hello,
        "post_handshake": options.post_handshake,
    }
    return manner


def proxy_password_of(options: argparse.Namespace) -> str | None:
    """Return the password of the proxy's user; None if there is none, or no user."""
    if options.proxy_password_file:
        return _from_file(options.proxy_password_file)[0]
    if options.proxy_password_env:
        return _from_environment(options.proxy_password_env)
    if not options.via:
        return None
    from mtlskit.collect.via import proxy_from  # noqa: PLC0415 - the help is quick

    proxy = proxy_from(options.via)
    if proxy.password is not None:
        raise ValueError(
            "A password in the command is seen by others on this machine; give the user alone, "
            "and the password at the prompt, or by --proxy-password-file or --proxy-password-env."
        )
    if proxy.user is None or not sys.stdin.isatty():
        return None
    return getpass(f"Password of {proxy.user} for the proxy {proxy.target}: ")


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise ValueError(f"The environment variable {name} is not set.")
    return os.environ[name]


def one_secret(file: Path | None, variable: str | None, question: str) -> str:
    """Return one password or token: from a file, the environment, or the prompt of a terminal."""
    if file is not None:
        return _from_file(file)[0]
    if variable is not None:
        return _from_environment(variable)
    if not sys.stdin.isatty():
        raise ValueError(
            "There is nobody here to ask for the password; give it by a file or by the environment."
        )
    return getpass(question)


def passwords_of(
    options: argparse.Namespace, files: Sequence[str], *, keys: bool = True
) -> tuple[str, ...]:
    """Return the passwords given; at a terminal, ask for one where a file is locked.

    Args:
        options: the arguments.
        files: what may be locked.
        keys: whether private keys are wanted too, where they have a password of their own.
    """
    if options.password_file:
        return _from_file(options.password_file)
    if options.password_env:
        return (_from_environment(options.password_env),)
    return _asked_for(files, keys=keys) if files and sys.stdin.isatty() else ()


def must_open(files: Sequence[str], passwords: Sequence[str]) -> None:
    """Stop before anyone is called where the client's key stays locked for want of a password.

    A call without it would be another call than the client's, and its refusal no news of anyone.

    Raises:
        Unreadable: the file that is locked, and the options that give its password.
    """
    found = mtlskit.inspect(*files, password=passwords)
    if any(one.key for one in found.identities):
        return
    locked = [one for one in found.problems if one.code in _LOCKED]
    if locked:
        from mtlskit.material import Problem, Unreadable  # noqa: PLC0415 - the help is quick

        one = locked[0]
        lacks = f"None of the passwords opens {one.source.name}." if passwords else "It is locked."
        words = f"{lacks} Give its password by {_BY}. Nobody was called."
        raise Unreadable(Problem(one.code, words, one.source))


_BY = "--password-file F or --password-env NAME"


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


def _asked_for(files: Sequence[str], *, keys: bool) -> tuple[str, ...]:
    """Ask for whatever is locked, each a few times at most; an empty answer leaves it so."""
    known: tuple[str, ...] = ()
    tries: dict[str, int] = {}
    while problem := _locked(files, known, tries, keys=keys):
        place = _asked_about(problem)
        word = getpass(_question(problem, tries.get(place, 0), known))
        tries[place] = tries.get(place, 0) + 1 if word else _TRIES
        known += (word,) if word else ()
    return known


def _locked(
    files: Sequence[str], known: tuple[str, ...], tries: Mapping[str, int], *, keys: bool
) -> Problem | None:
    """Return the first thing that is locked and was not asked for too often."""
    for one in mtlskit.inspect(*files, password=known).problems:
        wanted = keys or not one.source.place  # only keys are locked within a file
        locked = one.code in _LOCKED and wanted
        if locked and tries.get(_asked_about(one), 0) < _TRIES:
            return one
    return None


def _asked_about(problem: Problem) -> str:
    """A file, or one key in it whose password is another one than the store's."""
    own = problem.code == _LOCKED_KEY and "store's password" in problem.text
    return str(problem.source) if own else problem.source.name


def _question(problem: Problem, tried: int, known: Sequence[str]) -> str:
    """What is asked for, whether the last answer was wrong, and what is known of the password."""
    asked = _asked_about(problem)
    if tried:
        return f"That password does not open {asked}. Try again {_OR_NOT}: "
    if asked != problem.source.name:
        return (
            f"The password of {problem.source.name} is right, but the private key in {asked} has "
            f"another one. Password of that key {_OR_NOT}: "
        )
    if known and problem.code == _LOCKED_KEY:
        return f"No password so far opens the private key in {asked}. Its password {_OR_NOT}: "
    return f"Password for {asked} {_OR_NOT}: "


_OR_NOT = "(empty: leave it locked)"
