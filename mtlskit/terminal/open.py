"""``mtlskit open``: the notebooks in JupyterLab, or the guide as a page without code."""

from __future__ import annotations

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.listening import stopped_by_termination
from mtlskit.terminal.options import command
from mtlskit.terminal.showing import ACCEPTED, UNREADABLE, complain, say

if TYPE_CHECKING:
    from mtlskit.terminal.jupyter import Server

_MOST_PORTS = 65535
_PARTS = {"notebook": ("jupyterlab", "ipywidgets"), "app": ("voila", "ipywidgets")}


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "open", "Open the notebooks in JupyterLab, or the guide as a page.")
    parser.epilog = (
        "The server listens on this machine alone and opens to the printed address only. Ctrl-C "
        "ends it and everything that it started. Reports are saved in the folder. Exit status: 0 "
        "ended by Ctrl-C, 2 wrong usage, 3 it could not be started."
    )
    parser.add_argument(
        "--app", action="store_true", help="show the guide alone, as a page without code"
    )
    parser.add_argument("--dark", action="store_true", help="with --app: light words on dark")
    parser.add_argument(
        "--dir",
        metavar="DIR",
        type=Path,
        default=Path("workspace"),
        help="the folder to work in; your copies of the notebooks are there (default: workspace)",
    )
    parser.add_argument(
        "--port", metavar="N", type=_port, help="port on 127.0.0.1 (default: a free one)"
    )
    parser.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address and open nothing",
    )


def _port(said: str) -> int:
    digits = said.lstrip("0")
    if digits.isascii() and digits.isdigit() and int(digits[:6]) <= _MOST_PORTS:
        return int(digits)
    raise argparse.ArgumentTypeError(f"{said!r} is no port; a port is 1 to {_MOST_PORTS}")


def run(options: argparse.Namespace) -> int:
    """Run it until it ends; return the exit status."""
    from mtlskit.terminal.jupyter import Trouble, running  # noqa: PLC0415 - the help is quick
    from mtlskit.terminal.workspace import lay_out  # noqa: PLC0415 - the same

    if options.dark and not options.app:
        raise ValueError("--dark needs --app. JupyterLab has its theme in its Settings menu.")
    if lacks := _lacking("app" if options.app else "notebook"):
        return complain(lacks, UNREADABLE)
    folder = options.dir.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lay_out(folder)
    theme = ("dark" if options.dark else "light") if options.app else None
    try:
        with (
            stopped_by_termination(),
            running(folder, options.port, browser=options.browser, app=theme) as server,
        ):
            return _stay(server, options)
    except KeyboardInterrupt:
        return ACCEPTED
    except Trouble as trouble:
        return complain(str(trouble), UNREADABLE)


def _lacking(extra: str) -> str:
    """Say in one line what is not installed; "" if nothing is."""
    missing = [one for one in _PARTS[extra] if find_spec(one) is None]
    if not missing:
        return ""
    wanted = "notebook,app" if extra == "app" else extra
    return f"{missing[0]} is not installed here: pip install 'mtlskit[{wanted}]'."


def _stay(server: Server, options: argparse.Namespace) -> int:
    """Say where it is, and wait for its end."""
    if options.json:
        say(json.dumps({"address": server.address, "folder": str(options.dir.resolve())}))
    else:
        say(f"mtlskit is ready: {server.address}")
    try:
        complain("Ctrl-C ends it.", ACCEPTED)
        status = server.wait()
    except KeyboardInterrupt:
        complain(f"{server.name} has ended.", ACCEPTED)
        raise
    if status:
        return complain(f"{server.name} ended by itself: {server.last_words()}", UNREADABLE)
    return ACCEPTED
