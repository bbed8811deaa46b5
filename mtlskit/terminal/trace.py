"""``mtlskit trace``: one connection, who said what; or what the server asks for, or resumes."""

from __future__ import annotations

import argparse
from typing import Any

import mtlskit
from mtlskit.terminal.options import command, connection_options
from mtlskit.terminal.passwords import manner_of, passwords_of
from mtlskit.terminal.showing import ACCEPTED, UNREADABLE, show, status_of


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "trace", "Make one connection and show who said what.")
    connection_options(parser)
    parser.add_argument("--request", action="store_true", help="send an HTTP GET afterwards")
    also = parser.add_mutually_exclusive_group()
    also.add_argument(
        "--resume", action="store_true", help="connect twice: is the first session resumed?"
    )
    also.add_argument(
        "--asked",
        action="store_true",
        help="show what the server asks of a client that holds no certificate, in each version",
    )
    parser.add_argument(
        "--name",
        metavar="N",
        nargs="+",
        action="extend",
        default=[],
        help="with --asked: ask by these server names too",
    )


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    if options.asked:
        return _asked(options)
    if options.name:
        raise ValueError("--name goes with --asked; for one connection give --server-name.")
    told: dict[str, Any] = {
        "identity": options.identity,
        "trust": options.trust,
        "password": passwords_of(options, options.identity or ()),
        "tls": options.tls,
        "server_name": options.server_name,
        "timeout": options.timeout,
        "request": options.request,
        **manner_of(options),
    }
    if options.resume:
        resumption = mtlskit.resume(options.target, **told)
        show(options, resumption)
        return status_of((resumption.second or resumption.first).ended)
    trace = mtlskit.attempt(options.target, **told)
    show(options, trace)
    return status_of(trace.ended)


def _asked(options: argparse.Namespace) -> int:
    if options.identity or options.trust:
        raise ValueError("--asked calls without identity and trust: it looks at what is asked.")
    result = mtlskit.asked(
        options.target,
        names=options.name,
        tls=options.tls,
        server_name=options.server_name,
        timeout=options.timeout,
        **manner_of(options),
    )
    show(options, result)
    return ACCEPTED if any(one.demand != "unknown" for one in result.answers) else UNREADABLE
