"""``mtlskit instance``: an instance's outbound TLS settings, read over the Table API."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.options import command, password_options, proxy_password_options
from mtlskit.terminal.passwords import one_secret, proxy_password_of
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, complain, show

if TYPE_CHECKING:
    from mtlskit.collect.https import Login
    from mtlskit.collect.tables import Progress
    from mtlskit.collect.via import Proxy
    from mtlskit.instance.live import Live

_WIDTH = 78


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(
        commands,
        "instance",
        "Read an instance's outbound TLS settings over the Table API; nothing is changed in it.",
    )
    parser.add_argument("name", metavar="NAME", help="acme, acme.service-now.com, or its URL")
    _login_options(parser)
    _reading_options(parser)
    parser.add_argument(
        "--save",
        metavar="NAME",
        type=Path,
        help="save what was read: as one XML file where NAME ends in .xml, else as a folder of "
        "JSON files; `read`, `plan` and `diagnose --settings` take the XML file or NAME/*.json",
    )


def _login_options(parser: argparse.ArgumentParser) -> None:
    login = parser.add_argument_group("who asks (the password is asked for at the prompt)")
    who = login.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="U", help="the user")
    who.add_argument(
        "--token-file", metavar="F", type=Path, help="read a bearer token from F instead"
    )
    who.add_argument("--token-env", metavar="VARIABLE", help="read it from the environment")
    who.add_argument("--token", action="store_true", help="ask for a bearer token at the prompt")
    password_options(parser)


def _reading_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--attachments", action="store_true", help="fetch the files of the key stores too"
    )
    parser.add_argument(
        "--table", metavar="T", nargs="+", action="extend", help="read these tables only"
    )
    parser.add_argument(
        "--trust", metavar="FILE", nargs="+", help="verify the instance's certificate by these"
    )
    parser.add_argument("--via", metavar="PROXY", help="go through http://[USER@]HOST:PORT")
    proxy_password_options(parser)
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=300.0,
        help="seconds for everything together (default: 300)",
    )


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status: 1 if something could not be read, 3 if nothing could."""
    from mtlskit.collect.instance import read_instance, target_of  # noqa: PLC0415 - quick help

    place = None if options.save is None else _free(options.save)
    target_of(options.name)  # what is no instance is told before a password is asked for
    live = read_instance(
        options.name,
        _login(options),
        only=options.table,
        attachments=options.attachments,
        trust=options.trust,
        via=_via(options),
        timeout=options.timeout,
        progress=_tell if sys.stderr.isatty() else None,
    )
    if sys.stderr.isatty():
        print("\r" + " " * _WIDTH, end="\r", file=sys.stderr)
    for table, why in live.refused:
        complain(f"{table}: {why}", REFUSED)
    if live.refused and not any(export.looked for export in live.exports):
        return complain("Nothing could be read; ask as a user who may read these.", UNREADABLE)
    show(options, live)
    if place is not None:
        _save(live, place)
    return REFUSED if live.refused or live.problems else ACCEPTED


def _login(options: argparse.Namespace) -> Login:
    from mtlskit.collect.https import Login  # noqa: PLC0415 - the help is quick

    if options.user is None:
        question = f"Token for {options.name}: "
        return Login(token=one_secret(options.token_file, options.token_env, question).strip())
    question = f"Password of {options.user} on {options.name}: "
    password = one_secret(options.password_file, options.password_env, question)
    return Login(user=options.user, password=password)


def _via(options: argparse.Namespace) -> Proxy | None:
    from mtlskit.collect.via import proxy_from  # noqa: PLC0415 - the help is quick

    return proxy_from(options.via, proxy_password_of(options)) if options.via else None


def _tell(progress: Progress) -> None:
    """Show on one line of the terminal how far it is."""
    print(f"\r{str(progress)[:_WIDTH]:<{_WIDTH}}", end="", file=sys.stderr, flush=True)


def _free(place: Path) -> Path:
    """Refuse to write over anything, before anyone is called."""
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ValueError(f"{place} is there already; choose another name.")
    if not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
        raise ValueError(f"The folder {place.parent} cannot be written to.")
    return place


def _save(live: Live, place: Path) -> None:
    from mtlskit.instance.written import as_json, as_xml  # noqa: PLC0415 - the help is quick

    given = str(place)
    if place.suffix.lower() == ".xml":
        _write(place, as_xml(live.exports, live.at))
        empty = sorted({one for e in live.exports for one in e.looked if not e.of(one)})
        if empty:
            says = "an XML export cannot say that a table is empty; a folder of JSON files can"
            print(f"mtlskit: not in {place}: {', '.join(empty)} ({says}).", file=sys.stderr)
    else:
        place.mkdir(exist_ok=True)
        given = str(place / "*.json")
        for export in live.exports:
            for name, data in as_json(export).items():
                _write(place / name, data)
    if any(export.of("sys_attachment_doc") for export in live.exports):
        print("mtlskit: the key stores are in it; keep it as safe as they are.", file=sys.stderr)
    print(f"mtlskit: to have it judged: mtlskit plan {given} --url URL", file=sys.stderr)


def _write(path: Path, data: bytes) -> None:
    """Write a file that its owner alone may read: it can hold key stores."""
    with open(path, "xb", opener=_for_its_owner) as file:
        file.write(data)
    print(f"saved {path}", file=sys.stderr)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
