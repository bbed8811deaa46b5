"""``mtlskit clients``: the same attempt by openssl, curl, Java, GnuTLS, Node and Python."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.listening import stopped_by_termination, tell, worst
from mtlskit.terminal.options import command, endpoint_options
from mtlskit.terminal.passwords import passwords_of
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, show

if TYPE_CHECKING:
    from mtlskit.collect.clients.attempts import ClientRun


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "clients", "Make the same attempt with other clients, side by side.")
    endpoint_options(parser)
    parser.set_defaults(timeout=20.0)
    parser.add_argument(
        "--only",
        metavar="NAME",
        nargs="+",
        action="extend",
        default=[],
        help="these clients only: openssl, curl, java, gnutls, node, python",
    )
    parser.add_argument(
        "--save-transcripts", metavar="FOLDER", type=Path, help="save what each client printed"
    )


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    from mtlskit.collect.clients.asked import clients  # noqa: PLC0415 - the help is quick

    passwords = passwords_of(options, options.identity or ())
    with stopped_by_termination():  # so that no folder with a key is left behind
        found = clients(
            options.target,
            identity=options.identity,
            trust=options.trust,
            password=passwords,
            tls=options.tls,
            server_name=options.server_name,
            timeout=options.timeout,
            only=options.only,
            heard=lambda one: tell(f"{one.client}: {one.outcome}."),
        )
    show(options, found, found.plain)
    if options.save_transcripts:
        _save(options.save_transcripts, found.runs)
    statuses = {"accepted": ACCEPTED, "unreachable": UNREADABLE}
    return worst([statuses.get(one.outcome, REFUSED) for one in found.runs])


def _save(folder: Path, runs: tuple[ClientRun, ...]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in runs:
        path = folder / f"{one.client.replace(' ', '-').lower()}.txt"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(one.transcript.text)
        tell(f"saved {path}")
