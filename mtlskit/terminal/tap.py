"""``mtlskit tap``: a relay between any client and its server, and who said what on it."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.listening import Countdown, listening_options, one_at_a_time, tell, warn_of
from mtlskit.terminal.options import command
from mtlskit.terminal.showing import say, say_json, status_of

if TYPE_CHECKING:
    from mtlskit.collect.pcapng_out import PcapngFile
    from mtlskit.collect.tap import Relayed


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command and its options."""
    parser = command(commands, "tap", "Relay any client to its server, and show who said what.")
    parser.epilog = (
        "Point the client at this machine instead of the server; Ctrl-C ends it. With --json, "
        "each connection is one line. Exit status: 0 all were accepted, 1 one was not, 3 nobody "
        "came."
    )
    parser.add_argument(
        "--to", metavar="HOST:PORT", required=True, help="the server to relay to, or its URL"
    )
    listening_options(parser)
    parser.add_argument(
        "--server-name", metavar="N", help="the name that the client means to reach"
    )
    parser.add_argument(
        "--key-log",
        metavar="F",
        help="the file into which the client writes its TLS secrets (SSLKEYLOGFILE)",
    )
    parser.add_argument("--save", metavar="FILE", help="save a capture that Wireshark opens")
    parser.add_argument(
        "--save-secrets",
        action="store_true",
        help="put the key log into that capture; whoever has it then can read what was said",
    )


def run(options: argparse.Namespace) -> int:
    """Run it until it ends; return the exit status."""
    from mtlskit.collect.given import target_of  # noqa: PLC0415 - the help is quick
    from mtlskit.collect.pcapng_out import PcapngFile  # noqa: PLC0415 - the same
    from mtlskit.collect.tap import relay  # noqa: PLC0415 - the same

    if options.save_secrets and not (options.save and options.key_log):
        raise ValueError("--save-secrets needs --save, and --key-log to take the secrets from.")
    to, _ = target_of(options.to)
    countdown = Countdown(options)
    with ExitStack() as stack:
        file = None
        if options.save:
            file = stack.enter_context(PcapngFile(options.save, secrets=options.save_secrets))
        tap = stack.enter_context(
            relay(
                to,
                listen=options.listen,
                key_log=options.key_log,
                server_name=options.server_name,
                heard=one_at_a_time(lambda one: _hear(one, options, file, countdown)),
                troubled=tell,
            )
        )
        warn_of(options.listen)
        tell(f"listening on {tap.target}, relaying to {to}. Ctrl-C ends it.")
        countdown.wait()
    if options.save:
        tell(f"saved {options.save}")
    return countdown.status


def _hear(
    relayed: Relayed, options: argparse.Namespace, file: PcapngFile | None, countdown: Countdown
) -> None:
    trace = relayed.trace
    if file is not None:
        try:
            file.add(relayed.tap, dict(relayed.left_out))
        except OSError as error:
            tell(f"connection {relayed.number} is not in {options.save}: {error.strerror}.")
    if options.json:
        say_json(relayed.plain(), None)
    else:
        say(str(relayed))
    countdown.heard(status_of(trace.ended))
