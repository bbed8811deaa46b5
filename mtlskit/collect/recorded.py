"""Captures and logs become traces. Law of this file: every connection is kept, none is judged.

Which of them is the failing one is chosen by what each shows; the choice is said to the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtlskit.certs.certificate import Certificate
from mtlskit.collect.capture import Capture, read_capture
from mtlskit.collect.logs import open_log
from mtlskit.collect.sorting import CAPTURES, LOG, Given
from mtlskit.material import Problem, Secrets, Source, Target
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Trace

CONNECTIONS = 200
"""The most connections of one file that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What captures and logs told of.

    Attributes:
        problems: what could not be read, and what was left out.
    """

    captures: tuple[Capture, ...] = ()
    logs: tuple[Log, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Every connection, in the order of the files."""
        captured = (one.trace for held in self.captures for one in held.connections[:CONNECTIONS])
        logged = (one for held in self.logs for one in held.traces[:CONNECTIONS])
        return (*captured, *logged)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Those that a log printed."""
        return tuple(one for held in self.logs for one in held.certificates)

    def joined(self, more: Recorded) -> Recorded:
        """Return this and what another file told of."""
        return Recorded(
            self.captures + more.captures, self.logs + more.logs, self.problems + more.problems
        )


def replay(kind: str, given: Given, secrets: Secrets) -> Recorded:
    """Read a capture or a log.

    Args:
        kind: as `sorting.sort_of` tells it; ``pem`` is a text with certificates in it, which may
            be a log or not.
        given: the file.
        secrets: the key log for a capture.

    Raises:
        Unreadable: the file turned out to be neither.
    """
    if kind in CAPTURES:
        capture = read_capture(given, secrets)
        problems = (*capture.problems, *_left_out(capture.source, len(capture.connections)))
        return Recorded((capture,), (), problems)
    with open_log(given) as lines:
        log = read_log(lines, lines.source)
        problems = (*lines.problems, *log.problems, *_left_out(log.source, len(log.traces)))
    if log.traces or log.said:
        return Recorded((), (log,), problems)
    if kind != LOG:
        return Recorded()
    return Recorded((), (log,), (*problems, Problem("nothing-known", _NOTHING, log.source)))


_NOTHING = (
    "Nothing in this text is a phrase about TLS that is known here. Give the lines around the "
    "failure: the client's debug log, the server's error log, or what openssl or curl printed."
)


def _left_out(source: Source, number: int) -> tuple[Problem, ...]:
    if number <= CONNECTIONS:
        return ()
    text = (
        f"It tells of {number} connections; the first {CONNECTIONS} are looked at. Cut out the one "
        "that matters."
    )
    return (Problem("many-connections", text, source),)


def failing(traces: Sequence[Trace], target: Target | None = None) -> Trace | None:
    """Choose the connection to be judged: refused rather than not, and the one that shows most.

    Args:
        traces: in the order of the files.
        target: the endpoint that the case is about, where it is known.
    """
    return max(traces, key=lambda one: _weight(one, target), default=None)


def _weight(one: Trace, target: Target | None) -> tuple[bool, int, int]:
    """Sort by: the right endpoint; how it ended; how much was seen (an earlier one goes first)."""
    ended = {"refused": 3, "undecided": 1, "unreachable": 2, "accepted": 0}[one.ended.outcome]
    shown = (one.asked, one.client_chain, one.client_printed, one.server_chain, one.tls)
    mine = target is None or one.target is None or one.target.port == target.port
    return mine, ended, sum(part is not None for part in shown) + 2 * (one.seen_by is None)
