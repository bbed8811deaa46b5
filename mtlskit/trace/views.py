"""Several views of one connection become one. Law: each fact keeps its source; nobody is silenced.

A capture and the logs of both ends may show the same connection. They evidently do where the
client's or the server's random is the same (RFC 8446, 4.1.2 and 4.1.3) and the other's is not
another, or where the client's address and port are, at the same time, and no file has these twice.
Where a view could be of either of two, it is joined with neither. What is hidden in one view is
told from another; where two views contradict each other, both are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from operator import attrgetter
from typing import Any, TypeVar

from mtlskit.material import Because
from mtlskit.trace.dialects.line_heads import as_utc
from mtlskit.trace.events import Ended, Event, Trace

T = TypeVar("T")

_DECIDED = {"refused": 3, "accepted": 2, "unreachable": 1, "undecided": 0}
_SIDES = {"client": "the client refused the server", "server": "the server refused the client"}


def together(traces: Sequence[Trace]) -> tuple[Trace, ...]:
    """Give one trace for each connection, in the order in which the first view of each came."""
    of = {number: [number] for number in range(len(traces))}
    for part in _same(traces):
        for number in part[1:]:
            one, other = of[part[0]], of[number]
            if one is other or not _agree(traces, one, other):
                continue
            one += other
            of |= dict.fromkeys(other, one)
    groups = {min(each): each for each in of.values()}
    return tuple(as_one([traces[one] for one in sorted(groups[low])]) for low in sorted(groups))


def _agree(traces: Sequence[Trace], some: Sequence[int], others: Sequence[int]) -> bool:
    """Tell whether none of these has another random than one of those."""
    return all(_randoms_fit(traces[one], traces[other]) for one in some for other in others)


def as_one(views: Sequence[Trace]) -> Trace:
    """Join the views of one connection: that which tells most, with what the others tell beside."""
    if len(views) == 1:
        return views[0]
    ranked = sorted(views, key=_tells, reverse=True)
    best, exact = ranked[0], sorted(ranked, key=_from_log)
    parts: dict[str, Any] = {name: _first(ranked, attrgetter(name)) for name in _ANY}
    parts |= {name: _first(exact, attrgetter(name)) for name in _EXACT}
    joined = replace(
        best,
        **parts,
        ended=_ended(ranked),
        events=_events(ranked),
        cipher=_first(ranked, _cipher) or best.cipher or _first(ranked, attrgetter("cipher")),
        asking_hidden=parts["asked"] is None and not any(map(_shows_asking, views)),
        proved=any(one.proved for one in views),
        tickets=max(one.tickets for one in views),
        resumed=any(one.resumed for one in views),
        library=_each(words for one in ranked for words in one.library),
        said=_each(said for one in ranked for said in one.said),
        seen_by=best.seen_by if len({one.seen_by for one in views}) == 1 else None,
        randoms=(_first(ranked, _client_random), _first(ranked, _server_random)),
        views=tuple(views),
    )
    return joined if joined.sent_certificate is None else replace(joined, inferred=None)


def _events(ranked: Sequence[Trace]) -> tuple[Event, ...]:
    """The events of the view that shows most messages, and the alerts that only others show."""
    shown = max(ranked, key=_messages).events
    known = {(one.sender, one.name) for one in shown}
    others = (one for each in ranked for one in each.events if one.kind == "alert")
    more = _each(one for one in others if (one.sender, one.name) not in known)
    open_until = next((at for at, one in enumerate(shown) if one.kind == "close"), len(shown))
    return (*shown[:open_until], *more, *shown[open_until:])


def _shows_asking(trace: Trace) -> bool:
    """Tell whether this view shows what was asked: a capture that ends early hides nothing."""
    return not trace.asking_hidden and (trace.seen_by is not None or trace.tls is not None)


def _messages(trace: Trace) -> int:
    return sum(one.kind == "message" for one in trace.events)


_ANY = (
    *("target", "tls", "server_name", "alpn", "http", "expected_name", "clock", "peer", "own"),
    *("caller", "server_printed", "client_printed", "inferred"),
)
"""Facts that are taken from the view that tells most, of those that have them."""
_EXACT = ("asked", "server_chain", "client_chain", "began")
"""Facts that a log may tell less exactly than the wire."""


def _client_random(trace: Trace) -> bytes | None:
    return trace.randoms[0]


def _server_random(trace: Trace) -> bytes | None:
    return trace.randoms[1]


def _same(traces: Sequence[Trace]) -> Iterator[list[int]]:
    """Give the numbers of traces that evidently show the same connection."""
    for what in (_client_random, _server_random):
        for numbers in _by(traces, what):
            yield from _agreeing(traces, numbers, _one_hello)
    for numbers in _by(traces, lambda one: one.own or one.caller):
        for part in _agreeing(traces, numbers, _may_be):
            files = {traces[one].source.name for one in part}
            if len(files) == len(part):
                yield part


def _agreeing(
    traces: Sequence[Trace], numbers: Sequence[int], fit: Callable[[Trace, Trace], bool]
) -> Iterator[list[int]]:
    """Part them so that no two of different parts fit; a part in which not all fit is left out."""
    left = list(numbers)
    while left:
        part, left = left[:1], left[1:]
        for one in part:  # which grows meanwhile
            near = {other for other in left if fit(traces[one], traces[other])}
            part += sorted(near)
            left = [other for other in left if other not in near]
        if all(fit(traces[one], traces[other]) for one, other in combinations(part, 2)):
            yield part


def _by(traces: Sequence[Trace], what: Callable[[Trace], Hashable]) -> list[list[int]]:
    """Group the numbers of traces by something that is known of them."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for number, one in enumerate(traces):
        if what(one):
            found[what(one)].append(number)
    return list(found.values())


def _randoms_fit(one: Trace, other: Trace) -> bool:
    return _fit(*zip(one.randoms, other.randoms, strict=True))


def _fit(*pairs: tuple[object, object]) -> bool:
    return all(first is None or second is None or first == second for first, second in pairs)


def _one_hello(one: Trace, other: Trace) -> bool:
    """Tell whether two traces with one random can be of the same connection.

    A client may try again with the hello that it sent before: two connections of one capture are
    the same (seen on both sides of a load balancer) only where both randoms are.
    """
    recorded = one.seen_by is None and other.seen_by is None
    if recorded and one.source.name == other.source.name:
        return None not in one.randoms and one.randoms == other.randoms
    return _randoms_fit(one, other)


def _may_be(one: Trace, other: Trace) -> bool:
    """Tell whether two traces with the same caller can be of the same connection."""
    return (
        _randoms_fit(one, other)
        and _fit(
            (one.tls, other.tls),
            (one.server_name, other.server_name),
            (
                one.peer and one.peer.rpartition(":")[2],
                other.peer and other.peer.rpartition(":")[2],
            ),
        )
        and _at_one_time(one, other)
    )


def _at_one_time(one: Trace, other: Trace) -> bool:
    """Tell whether the times allow it: a port is used again. A time without a zone may be any's."""
    first, second = (each.began or as_utc(each.clock) for each in (one, other))
    unzoned = (one.began is None) + (other.began is None)
    return first is None or second is None or abs(first - second) <= _APART + _ZONES[unzoned]


_APART = timedelta(minutes=10)
"""How far two machines' clocks may be apart, and a handshake from what a log says of it."""
_ZONES = (timedelta(0), timedelta(hours=14), timedelta(hours=26))
"""How far a zone is from UTC at most, and two zones from each other (UTC-12 to UTC+14)."""


def _tells(one: Trace) -> tuple[int, bool, int, int]:
    """Sort by: how surely it tells the end; how many facts and messages it tells.

    An alert seen on the wire is surer than one told by a log.
    """
    parts = (one.asked, one.client_chain, one.client_printed, one.server_chain, one.server_printed)
    facts = sum(part is not None for part in (*parts, one.tls, one.cipher, one.target))
    alert = one.ended.symptom.alert is not None
    told = _DECIDED[one.ended.outcome] + alert
    return told, alert and not _from_log(one), facts, _messages(one)


def _from_log(one: Trace) -> bool:
    """Sort the wire, whose bytes and clock are exact, before a log."""
    return one.seen_by is not None


def _first(ranked: Iterable[Trace], what: Callable[[Trace], T | None]) -> T | None:
    return next((found for one in ranked if (found := what(one)) is not None), None)


def _each(found: Iterable[T]) -> tuple[T, ...]:
    """All of them, in order, each once."""
    kept: list[T] = []
    for one in found:
        if one not in kept:
            kept.append(one)
    return tuple(kept)


def _ended(ranked: Sequence[Trace]) -> Ended:
    """How it ended by the view that tells it best, and what the others say of it."""
    best, others = ranked[0], ranked[1:]
    ended, because = best.ended, [*best.ended.because]
    for one in others:
        told = one.ended
        if told.outcome == ended.outcome == "refused" and told.refused_by == ended.refused_by:
            ended = _filled(ended, told)
        if told.outcome in ("refused", "accepted"):
            because += told.because
    because += [said for one in others for said in _contradictions(best, one)]
    return replace(ended, because=_each(because))


def _filled(ended: Ended, told: Ended) -> Ended:
    """Take from another view what this one could not see of the same refusal."""
    symptom, other = ended.symptom, told.symptom
    if symptom.alert is None and other.alert is not None:
        symptom = replace(symptom, alert=other.alert, name=other.name)
    if symptom.tls is None:
        symptom = replace(symptom, tls=other.tls)
    return replace(ended, symptom=symptom, stage=ended.stage or told.stage)


def _contradictions(best: Trace, other: Trace) -> Iterator[Because]:
    """Say what another view tells otherwise."""
    for what, told in _PARTS.items():
        first, second = told(best), told(other)
        if first is not None and second is not None and first != second:
            text = (
                f"two views of this connection differ: by {best.source} {what} {first}, "
                f"by {other.source} {second}"
            )
            yield Because(text, other.source)


def _end(trace: Trace) -> str | None:
    ended = trace.ended
    if ended.outcome == "refused":
        return _SIDES.get(ended.refused_by or "", "the connection was refused")
    return "the server accepted it" if ended.outcome == "accepted" else None


def _alert(trace: Trace) -> str | None:
    return trace.ended.symptom.name if trace.ended.symptom.alert is not None else None


def _cipher(trace: Trace) -> str | None:
    """The suite by its registered name; OpenSSL has another for most."""
    return trace.cipher if (trace.cipher or "").startswith("TLS_") else None


def _sent(trace: Trace) -> str | None:
    sent = trace.sent_certificate
    return None if sent is None else "a certificate" if sent else "no certificate"


def _serial(trace: Trace) -> str | None:
    named = trace.client_named
    known = named[0].serial if named else None
    return None if known is None else f"{known:x}"


_PARTS: dict[str, Callable[[Trace], str | None]] = {
    "it ended so:": _end,
    "the alert was": _alert,
    "the TLS version was": lambda one: one.tls,
    "the cipher suite was": _cipher,
    "the server name sent was": lambda one: one.server_name,
    "the client sent": _sent,
    "the client's certificate has the serial number": _serial,
}
"""What two views may differ in, as a sentence goes on, and how each tells it."""
