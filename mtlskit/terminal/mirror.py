"""``mtlskit mirror``: a TLS endpoint that tells what came."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.listening import Countdown, listening_options, one_at_a_time, tell, warn_of
from mtlskit.terminal.options import command, password_options
from mtlskit.terminal.passwords import passwords_of
from mtlskit.terminal.showing import ACCEPTED, REFUSED, say, say_json

if TYPE_CHECKING:
    from mtlskit.collect.mirror import Met


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "mirror", "Ask every caller for a certificate, and tell what came.")
    parser.epilog = (
        "Point the client at this machine; it is answered with a page, or with JSON where it asks "
        "for /json. Ctrl-C ends it. With --json, each connection is one line. Exit status: 0 "
        "every caller proved a certificate, 1 one did not, 3 nobody came."
    )
    listening_options(parser)
    parser.add_argument(
        "--ca-list",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="name these CAs as acceptable issuers (default: an empty list, which names no limit)",
    )
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="its own certificate and key (default: a self-signed one, made anew)",
    )
    parser.add_argument(
        "--name",
        metavar="N",
        nargs="+",
        action="extend",
        default=[],
        help="names and addresses for the certificate that is made",
    )
    parser.add_argument(
        "--save-certificate", metavar="FILE", type=Path, help="save its certificate, to be trusted"
    )
    parser.add_argument(
        "--tls",
        metavar="V",
        choices=("1.0", "1.1", "1.2", "1.3"),
        help="speak this TLS version only: 1.0, 1.1, 1.2 or 1.3",
    )
    password_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run it until it ends; return the exit status."""
    from mtlskit.collect.mirror import mirror  # noqa: PLC0415 - the help is quick

    countdown = Countdown(options)
    with mirror(
        listen=options.listen,
        ca_list=options.ca_list,
        certificate=options.certificate,
        names=options.name,
        password=passwords_of(options, options.certificate or ()),
        tls=options.tls,
        heard=one_at_a_time(lambda one: _hear(one, options, countdown)),
        troubled=tell,
    ) as listener:
        warn_of(options.listen)
        if options.save_certificate:
            options.save_certificate.write_text(listener.pem, encoding="ascii")
            tell(f"saved {options.save_certificate}")
        tell(f"its certificate has the SHA-256 fingerprint {listener.fingerprint}.")
        tell(f"listening on https://{listener.target}. Ctrl-C ends it.")
        countdown.wait()
    return countdown.status


def _hear(met: Met, options: argparse.Namespace, countdown: Countdown) -> None:
    if options.json:
        say_json(met.plain(), None)
    else:
        say(str(met))
    countdown.heard(ACCEPTED if met.proved else REFUSED)
