"""``mtlskit explain``: what does this error line say?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import mtlskit
from mtlskit.terminal.options import command
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, complain, show

_MOST = 8_000_000
"""Characters of a text that are read; a whole log belongs to ``mtlskit read``."""
_PATH = 1000
"""No file's name is as long as this."""


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "explain", "Say what an error line means, and who refused whom.")
    parser.add_argument(
        "text", metavar="TEXT", nargs="+", help="the line, a file that holds it, or - to read it"
    )
    parser.add_argument(
        "--tls",
        metavar="V",
        choices=("1.0", "1.1", "1.2", "1.3"),
        help="the connection's TLS version, if it is known",
    )
    parser.add_argument("--stack", metavar="S", help="the server: nginx, java, go, haproxy ...")
    parser.add_argument(
        "--seen-by", choices=("client", "server"), help="whose log it is, if the text does not tell"
    )


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    text, name = _text_of(options.text)
    if not text.strip():
        return complain("there is no text to explain.", UNREADABLE)
    found = mtlskit.explain(
        text, tls=options.tls, stack=options.stack, seen_by=options.seen_by, name=name
    )
    show(options, found, found.json)
    if not found.senses and found.case.trace is None:
        return UNREADABLE
    return ACCEPTED if found.outcome == "accepted" else REFUSED


def _text_of(given: list[str]) -> tuple[str, str]:
    """Return the text and what it is called; a word that names a file is that file."""
    if given == ["-"]:
        return sys.stdin.buffer.read(_MOST).decode("utf-8", "replace"), "standard input"
    joined = " ".join(given)
    path = Path(joined)
    if len(joined) < _PATH and "\n" not in joined and path.is_file():
        with path.open("rb") as file:
            return _decoded(file.read(_MOST)), path.name
    return joined, "pasted text"


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")
