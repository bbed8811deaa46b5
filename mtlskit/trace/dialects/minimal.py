"""A connection told by phrases alone: as much of a trace as lines of error give.

Law of this file: what the lines do not carry is None, and whether the server asked is hidden. The
phrase that tells most decides how it ended; the others stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mtlskit.material import Because, Failure, Source, Target
from mtlskit.trace.dialects.sense import Sense, stage_of
from mtlskit.trace.dialects.spelled import AlertWord
from mtlskit.trace.events import Ended, Event, HttpAnswer, Symptom, Trace

_KINDS: Mapping[str, Literal["unresolved", "refused", "timeout", "reset"]] = {
    "network.unresolved": "unresolved",
    "network.refused": "refused",
    "network.timeout": "timeout",
    "network.reset": "reset",
}
"""What a failure is called whose cause a phrase names."""


def trace_of(
    senses: Sequence[Sense], source: Source, *, tls: str | None = None, target: Target | None = None
) -> Trace | None:
    """Return the trace that these phrases tell; None where none of them tells of an end.

    Args:
        senses: what was understood, in the order of the log.
        source: the log, or the place of this connection in it.
        tls: the version, where somebody knows it; what a phrase says counts more.
        target: the endpoint, where it is known.
    """
    best = max(
        (one for one in senses if one.outcome is not None),
        key=lambda one: one.phrase.rank,
        default=None,
    )
    if best is None:
        return None
    version = next((one.tls for one in senses if one.tls), tls)
    sides = {
        one.reading for one in senses if one.reading and not one.assumed and not one.phrase.quoted
    }
    return Trace(
        source=source,
        target=target,
        events=tuple(_event(one) for one in senses),
        ended=ended_of(best, senses, version),
        tls=version,
        asking_hidden=True,
        client_chain=() if any(one.phrase.sent == "none" for one in senses) else None,
        http=_http(best),
        seen_by=sides.pop() if len(sides) == 1 else None,
        said=tuple(one.said for one in senses),
        failure=_failure(best),
    )


def _failure(best: Sense) -> Failure | None:
    """Return why no connection came about, where the phrase names just that."""
    kinds = [_KINDS[one] for one in best.names if one in _KINDS]
    if best.outcome != "unreachable" or len(kinds) != 1:
        return None
    return Failure(kinds[0], best.means.rstrip("."))


def ended_of(best: Sense, senses: Sequence[Sense], tls: str | None) -> Ended:
    """Tell how it ended by the phrase that tells most, its gaps filled by the others."""
    alert = best.alert or _agreeing(best, senses)
    symptom = Symptom(
        alert=alert.number if alert else None,
        name=alert.name if alert else None,
        http=_status(best),
        tcp=best.phrase.tcp,
        tls=tls,
    )
    stage = best.stage or next((one.stage for one in senses if one.stage), None)
    stage = stage or stage_of(best.refused_by, tls, judged=best.judged_certificate)
    because = Because(best.means.rstrip("."), best.said.source)
    outcome = best.outcome or "undecided"
    return Ended(
        outcome, best.refused_by, None if outcome == "accepted" else stage, symptom, (because,)
    )


def _agreeing(best: Sense, senses: Sequence[Sense]) -> AlertWord | None:
    """Return the alert of another phrase that tells of the same refusal."""
    return next(
        (one.alert for one in senses if one.alert and one.refused_by == best.refused_by), None
    )


def _status(one: Sense) -> int | None:
    status = one.said.values.get("status", "")
    return int(status) if status.isdigit() else one.phrase.http


def _http(one: Sense) -> HttpAnswer | None:
    status = _status(one)
    if status is None:
        return None
    return HttpAnswer(status, "", None, one.said.text, one.said.source)


def _event(one: Sense) -> Event:
    if one.alert is None:
        return Event(None, "note", one.said.text, one.said.source, note=one.means)
    return Event(one.sender, "alert", one.alert.name, one.said.source, note="fatal")
