"""``mtlskit trace``: one connection, who said what."""

from __future__ import annotations

import argparse
from typing import Any

import mtlskit
from mtlskit.terminal.options import command, connection_options
from mtlskit.terminal.passwords import passwords_of
from mtlskit.terminal.showing import show, status_of


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "trace", "Make one connection and show who said what.")
    connection_options(parser)
    parser.add_argument("--request", action="store_true", help="send an HTTP GET afterwards")


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    trace = mtlskit.attempt(
        options.target,
        identity=options.identity,
        trust=options.trust,
        password=passwords_of(options, options.identity or ()),
        tls=options.tls,
        server_name=options.server_name,
        timeout=options.timeout,
        request=options.request,
    )
    show(options, trace)
    return status_of(trace.ended)
