"""The events of a trace as the rungs of a ladder: who sent what, how large, when, sealed or not.

Law of this file: each rung is what was seen. A run of data records is one rung, with their number
and their sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mtlskit.page.blocks import Tone
from mtlskit.page.ladder import Direction, Ladder, Rung
from mtlskit.wire import messages

if TYPE_CHECKING:
    from mtlskit.trace.events import Event, Trace

_SIDES: dict[str | None, Direction] = {"client": "right", "server": "left", None: "note"}
_UNINTERESTING = frozenset({"change-cipher-spec"})
"""Kinds that carry no meaning for a reader; TLS 1.3 keeps them for middleboxes only."""

_IN_RUNS = frozenset({"application", "hidden"})
_KILO = 10_000  # bytes from which on they are told in kB
_MILLISECOND, _SECOND = 0.001, 1.0


def ladder_of(trace: Trace) -> Ladder:
    """Draw the connection message by message."""
    server = str(trace.target) if trace.target else trace.server_name or "server"
    rungs = [rung_of(one, count) for one, count in gathered(trace.events)]
    return Ladder("client", f"server {server}" if trace.target else server, tuple(rungs))


def gathered(events: Iterable[Event]) -> list[tuple[Event, int]]:
    """Leave out what says nothing, and make one of a run of equal data records.

    Returns each event with the number of those that it stands for; its size is their sum.
    """
    kept: list[tuple[Event, int]] = []
    for one in _in_time(events):
        if one.kind in _UNINTERESTING:
            continue
        last, count = kept[-1] if kept else (None, 0)
        if last is not None and one.kind in _IN_RUNS and _alike(last, one):
            kept[-1] = replace(last, size=last.size + one.size), count + 1
        else:
            kept.append((one, 1))
    return kept


def _in_time(events: Iterable[Event]) -> list[Event]:
    """Put what has a time in its order: one side may have closed before the other's last word."""
    told = list(events)
    if any(one.seconds is None for one in told):
        return told
    return sorted(told, key=lambda one: one.seconds or 0.0)


def _alike(one: Event, other: Event) -> bool:
    return (one.kind, one.sender, one.name, one.note) == (
        other.kind,
        other.sender,
        other.name,
        other.note,
    )


def rung_of(event: Event, count: int = 1) -> Rung:
    """Make a rung of an event that stands for so many."""
    return Rung(
        direction=_SIDES[event.sender],
        label=f"Alert: {event.name}" if event.kind == "alert" else event.name,
        detail=_detail(event, count),
        tone=_tone(event),
        sealed=event.sealed or event.kind == "hidden",
        size=_bytes(event.size) if event.size else "",
        time=_time(event.seconds),
    )


def _bytes(size: int) -> str:
    return f"{size} bytes" if size < _KILO else f"{size // 1000} kB"


def _time(seconds: float | None) -> str:
    """Say when, since the connection began, with two or three figures."""
    if seconds is None:
        return ""
    if seconds < _MILLISECOND:
        return "0 ms" if seconds <= 0 else f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < _SECOND else f"{seconds:.2f} s"


def _tone(event: Event) -> Tone:
    if event.kind == "alert" and event.note == "fatal":
        return "bad"
    if not event.expected or event.name in ("unreadable", "not TLS"):
        return "warn"
    if event.name == "reset the connection":
        return "warn"
    return "plain"


def _detail(event: Event, count: int) -> str:
    body = event.body
    if isinstance(body, messages.ClientHello):
        return f"server name {body.server_name}" if body.server_name else "no server name"
    if isinstance(body, messages.CertificateRequest):
        number = len(body.authorities)
        named = f"{number} acceptable issuer{'s' * (number != 1)} named"
        return f"asks for a client certificate; {named}"
    if isinstance(body, messages.Certificate):
        number = len(body.entries)
        return f"{number} certificate{'s' * (number != 1)}" if number else "empty: no certificate"
    return ", ".join(filter(None, (f"{count} records" if count > 1 else "", event.note)))
