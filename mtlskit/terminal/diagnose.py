"""``mtlskit diagnose``: why a connection fails, and who must act."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import mtlskit
from mtlskit.terminal.options import command, connection_options, fetch_option, report_option
from mtlskit.terminal.passwords import manner_of, must_open, passwords_of
from mtlskit.terminal.showing import free, hand_over, status_of


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "diagnose", "Find out why a connection fails, and who must act.")
    connection_options(parser)
    parser.add_argument(
        "--material",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="whatever else is at hand: CA certificates, revocation lists, other stores",
    )
    parser.add_argument(
        "--server-trust",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="the CA certificates by which the server verifies clients, as its owner named them",
    )
    fetch_option(parser, "the client's certificates")
    parser.add_argument(
        "--settings",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="exports of the instance's settings: XML, JSON, CSV or XLSX",
    )
    parser.add_argument("--no-experiments", action="store_true", help="call once, change nothing")
    parser.add_argument(
        "--no-request", action="store_true", help="send no HTTP request after the handshake"
    )
    parser.add_argument("--url", help="the URL that the instance calls, if it is another one")
    report_option(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""

    def call(passwords: tuple[str, ...]) -> Any:  # noqa: ANN401 - a Report
        return mtlskit.diagnose(
            options.target,
            identity=options.identity,
            trust=options.trust,
            server_trust=options.server_trust,
            material=options.material,
            fetch=options.fetch,
            settings=options.settings,
            url=options.url,
            password=passwords,
            tls=options.tls,
            server_name=options.server_name,
            timeout=options.timeout,
            experiments=not options.no_experiments,
            request=not options.no_request,
            **manner,
        )

    _say_port(options.target)
    manner = manner_of(options)
    stem = free(options.report)
    files = (*(options.identity or ()), *(options.trust or ()), *options.material)
    files = (*files, *(options.server_trust or ()))
    passwords = passwords_of(options, files)
    must_open(options.identity or (), passwords)
    report = call(passwords)
    hand_over(options, report, stem)
    return status_of(report.case.trace.ended)


def _say_port(target: str) -> None:
    """Say which port is called where none was given, before its silence is blamed on others."""
    from mtlskit.collect.given import DEFAULT_PORT, target_of  # noqa: PLC0415 - the help is quick

    if "://" not in target and not target.endswith(f":{target_of(target)[0].port}"):
        print(f"mtlskit: no port was given; {DEFAULT_PORT} is called.", file=sys.stderr)
