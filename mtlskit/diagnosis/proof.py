"""What an attempt proves: when a change has helped, and what need not be tried any more.

Law of this file: a change helped where the server accepted. Where the client had refused the
server, it helped too where the client no longer did; what the server says then is another matter.
"""

from __future__ import annotations

from mtlskit.case import Attempt, Case
from mtlskit.rules.evidence import sent_in_spite, sent_nothing
from mtlskit.trace.events import Trace

_FAILED = ("refused", "undecided")
_LATER = ("client-certificate", "after-handshake", "application")


def helped(attempt: Attempt, before: Trace) -> bool:
    """Tell whether a failed call went better with this one change.

    Args:
        attempt: the call with the change.
        before: the call without it.
    """
    ended = attempt.trace.ended
    return ended.outcome == "accepted" or passed_the_server(attempt, before)


def passed_the_server(attempt: Attempt, before: Trace) -> bool:
    """Tell whether the client let the server pass that it had refused before."""
    ended = attempt.trace.ended
    of_the_server = attempt.cause is not None and attempt.cause.startswith("server.")
    had_refused = before.ended.refused_by == "client"
    passed = ended.refused_by != "client" and ended.stage in _LATER
    return of_the_server and had_refused and passed


def stands(again: Attempt) -> bool:
    """Tell whether the first call, repeated, failed again; only then has a change made it good."""
    return again.trace.ended.outcome in _FAILED


_IN_SPITE = "Send the certificate in spite of the list"
_LOOK_AT_IT = "Look at the client's Certificate message"


def left_to_do(case: Case, cause: str, settle: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out of some advice what was done or seen already; each line once."""
    done: list[str] = []
    if cause == "server.ca-list-wrong" and sent_in_spite(case):
        done.append(_IN_SPITE)
    if case.trace is not None and sent_nothing(case.trace) is not None:
        done.append(_LOOK_AT_IT)
    return tuple(one for one in dict.fromkeys(settle) if not one.startswith(tuple(done)))
