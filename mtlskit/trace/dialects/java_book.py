"""The connections of one Java debug log, and which of them each entry speaks of.

Law of this file: an entry is given to a connection only where the log tells to which. One thread
that serves one socket at a time leaves no doubt. Where engines serve many connections on few
threads, a message that two unlike ones wait for puts both in doubt from there on; where two are
alike in all that is known, it makes no difference which of them goes on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mtlskit.material import Side, Source
from mtlskit.trace.dialects import java_blocks as blocks
from mtlskit.trace.dialects import java_lines, java_phrases
from mtlskit.trace.dialects.java_ends import exception_ends, is_of_tcp, tcp_ended
from mtlskit.trace.dialects.java_lines import Entry
from mtlskit.trace.dialects.java_phrases import KeyManagerWords, heard, of_key_manager
from mtlskit.trace.dialects.java_story import Story, other
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.sense import sense
from mtlskit.trace.events import Trace
from mtlskit.trace.said import Said

LIMIT = 2000
"""Connections that are kept whole; of more, those that went well are left out first."""

_MESSAGE = re.compile(
    r"(?P<did>Produced|Consuming|Consumed) (?P<words>.{0,60}?)"
    r"\b(?P<name>ClientHello|ServerHelloDone|ServerHello|HelloRetryRequest|HelloRequest|"
    r"EncryptedExtensions|CertificateRequest|CertificateVerify|CertificateStatus|"
    r"CompressedCertificate|Certificate|ServerKeyExchange|ClientKeyExchange|"
    r"NewSessionTicket|KeyUpdate|EndOfEarlyData|Finished)\b(?! extension)"
)
_SENDERS: dict[str, Side] = {
    "ClientHello": "client",
    "ClientKeyExchange": "client",
    "EndOfEarlyData": "client",
    "ServerHello": "server",
    "HelloRetryRequest": "server",
    "HelloRequest": "server",
    "EncryptedExtensions": "server",
    "CertificateRequest": "server",
    "CertificateStatus": "server",
    "ServerKeyExchange": "server",
    "ServerHelloDone": "server",
    "NewSessionTicket": "server",
}
_AT_ONCE = 300
"""Connections that may be under way at once; of more the oldest is taken for forgotten."""
_THREADS = 3000
_ALONE = 20
_KINDS = (("socket", "SSLSocket"), ("socket", "underlying socket"), ("engine", "SSLEngine"))
"""Words by which the log tells what does the work."""
_FATAL = re.compile(r"Fatal \((?P<alert>\w+)\): (?P<text>.*)", re.DOTALL)
_RECEIVED = re.compile(r"(?:\(\w+\) )?Received fatal alert: (\w+)")
_WRITE = re.compile(r"WRITE: TLSv?(?P<tls>[\d.]+),? alert\((?P<alert>\w+)\)", re.IGNORECASE)
_CLOSES = re.compile(
    r"close the underlying socket|close the SSL connection|Closing outbound of SSLEngine|"
    r"called closeSocket|SSLSocket duplex close failed"
)


@dataclass(slots=True)
class _Kept:
    """One connection, the threads that served it, and how much of it is beyond doubt."""

    story: Story
    threads: set[str]
    sure: Story | None = None
    ended: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Alert:
    """A fatal alert of the peer that came while several connections were under way.

    Attributes:
        mine: the connection that its thread served last.
        waiting: the connections that it may have ended, and how far each of them was.
    """

    level: str
    name: str
    at: Source
    mine: _Kept
    waiting: tuple[tuple[_Kept, int], ...]

    def give(self, kept: _Kept) -> None:
        """Tell it of this connection."""
        kept.story.alert(other(kept.story.side), self.level, self.name, self.at)

    def settle(self, *, certain: bool) -> None:
        """Give it to the one connection that did not go on after it; else to none."""
        stopped = [one for one, count in self.waiting if len(one.story.events) == count]
        if certain:
            self.give(self.mine)
        elif len(stopped) == 1:
            self.give(stopped[0])


@dataclass(slots=True)
class Book:
    """All connections of one log."""

    source: Source
    all: list[_Kept] = field(default_factory=list)
    active: dict[int, _Kept] = field(default_factory=dict)
    last: dict[str, _Kept] = field(default_factory=dict)
    left_out: int = 0
    alerts: list[_Alert] = field(default_factory=list)
    alone: list[Said] = field(default_factory=list)
    kinds: dict[Side, set[str]] = field(default_factory=lambda: {"client": set(), "server": set()})

    def take(self, entry: Entry) -> None:
        """Give one entry to the connection that it speaks of."""
        self._kind(entry)
        at = self.source.at(f"line {entry.line}")
        text = entry.message
        if (found := _MESSAGE.match(text)) and "extension" not in text:
            self._message(found, entry, at)
        elif text.startswith("Received alert"):
            self._received(entry, at)
        elif found := _FATAL.match(text):
            self._fatal(found, entry, at)
        elif text.startswith("handling exception"):
            self._exception(entry, at)
        elif found := _WRITE.match(text):
            self._written(found["alert"].lower(), entry, at)
        elif words := of_key_manager(text):
            self._withheld(words, entry, at)
        elif _CLOSES.match(text):
            self._closed(entry)
        elif text.startswith("Negotiated protocol") and (kept := self._current(entry)):
            kept.story.negotiated(text)

    def _kind(self, entry: Entry) -> None:
        """Note whether sockets or engines do the work: at a socket one thread has one handshake."""
        kept = self.last.get(entry.thread)
        if kept is None:
            return
        kinds = self.kinds[kept.story.side]
        if len(kinds) < 2:  # noqa: PLR2004 - both are known
            thrown = entry.body if entry.message.startswith(("Fatal", "handling")) else ()
            text = "\n".join((entry.file, entry.message, *thrown))
            kinds |= {kind for kind, words in _KINDS if words in text}

    def _message(self, found: re.Match[str], entry: Entry, at: Source) -> None:
        name, produced = found["name"], found["did"] == "Produced"
        if name == "ServerHello" and blocks.is_retry(entry.body):
            name = "HelloRetryRequest"
        side = _own_side(name, found["words"], produced=produced)
        current = self.last.get(entry.thread)
        if side is None and current is not None:
            side = current.story.side
        if side is None:
            return
        sender = side if produced else other(side)
        kept = self._find(entry, side, sender, name, own=produced)
        if kept is None:
            begun = name == "ClientHello"
            kept = self._begin(entry, side, at, begun=begun)
        shown = blocks.shown(name, entry.body, at, whole=entry.closed)
        kept.story.message(sender, name, shown, at)
        kept.threads.add(entry.thread)
        self.last[entry.thread] = kept

    def _find(
        self, entry: Entry, side: Side, sender: Side, name: str, *, own: bool
    ) -> _Kept | None:
        """Find the connection that a message belongs to; None: it begins one."""
        current = self.last.get(entry.thread)
        if current is not None and (current.ended or current.story.side != side):
            current = None
        if own and current is not None and current.story.expects(sender, name):
            return current  # what a thread sends follows from what it has just read
        if name == "ClientHello" and not (
            current is not None and current.story.expects(sender, name) and _goes_on(current, entry)
        ):
            return None
        waiting = [one for one in self.active.values() if _waits(one, side, sender, name)]
        mine = [one for one in waiting if entry.thread in one.threads]
        if not _alike(waiting):
            for one in waiting:
                self._doubt(one)
        if current is not None and current in mine:
            return current
        if mine:
            return mine[-1]
        if waiting and _alike(waiting) and "engine" in self.kinds[side]:
            return waiting[0]  # engines pass from thread to thread
        return current if current is not None and current.story.open else None

    def _begin(self, entry: Entry, side: Side, at: Source, *, begun: bool) -> _Kept:
        previous = self.last.get(entry.thread)
        if previous is not None and not previous.story.open:
            self._end(previous)
        clock = " ".join(entry.time.split()) or None
        story = Story(side, at, begun=begun, state="start" if begun else None, clock=clock)
        kept = _Kept(story, {entry.thread})
        self.all.append(kept)
        self.active[id(kept)] = kept
        self._forget()
        if len(self.all) >= LIMIT * 2:
            self._thin()
        return kept

    def _forget(self) -> None:
        """Let go of what was never closed: threads are many, and some serve one call each."""
        if len(self.active) > _AT_ONCE:
            self._end(next(iter(self.active.values())))
        if len(self.last) > _THREADS:
            self.last = {name: one for name, one in self.last.items() if not one.ended}

    def _doubt(self, kept: _Kept) -> None:
        """From here on it is not sure what is told of this connection."""
        if kept.sure is None:
            kept.sure = kept.story.as_it_is()

    def _end(self, kept: _Kept) -> None:
        kept.ended = True
        self.active.pop(id(kept), None)

    def _current(self, entry: Entry) -> _Kept | None:
        """Find the connection that an entry without a place in the order speaks of."""
        current = self.last.get(entry.thread)
        return None if current is None or current.ended else current

    def _received(self, entry: Entry, at: Source) -> None:
        found = blocks.alert(entry.body)
        if found is not None:
            self._refused(found[0], found[1].lower(), entry, at)

    def _refused(self, level: str, name: str, entry: Entry, at: Source) -> None:
        """Take the peer's alert. Where several connections wait, it is decided at the end whose."""
        kept = self._current(entry)
        if kept is None or kept.refused:
            return
        side = kept.story.side
        waiting = [one for one in self.active.values() if one.story.open and one.story.side == side]
        alert = _Alert(
            level, name, at, kept, tuple((one, len(one.story.events)) for one in waiting)
        )
        if level != "fatal" or _alike([kept, *waiting]):
            alert.give(kept)
        else:
            kept.refused = True
            self.alerts.append(alert)

    def _fatal(self, found: re.Match[str], entry: Entry, at: Source) -> None:
        kept = self._current(entry)
        if kept is None:
            self._alone(entry, at)
            return
        story, text = kept.story, found["text"].strip()
        thrown = blocks.throwables(entry.body)
        words = [f"{name}: {said}" if said else name for name, said in thrown] or [text]
        spoken = entry.message
        if received := _RECEIVED.match(text):
            self._refused("fatal", received[1].lower(), entry, at)
        elif tcp_ended(story, text, thrown, at):
            spoken = words[0]  # its "Fatal" is no refusal
        else:
            story.alert(story.side, "fatal", found["alert"].lower(), at, note=text)
            if story.side == "server" and java_phrases.NONE_CAME.search(text):
                story.sent_none()
        story.hear(spoken, at)
        for one in words[:4]:
            story.say(one, at)

    def _alone(self, entry: Entry, at: Source) -> None:
        """Keep the phrases of a refusal whose handshake is not in the log."""
        told = entry.message.partition(": ")[2]
        if len(self.alone) < _ALONE and not is_of_tcp(told, blocks.throwables(entry.body)):
            known = {one.phrase for one in self.alone}
            news = (one for one in heard(entry.message) if one.phrase not in known)
            self.alone += [replace(one, source=at) for one in news]

    def _exception(self, entry: Entry, at: Source) -> None:
        kept = self._current(entry)
        thrown = blocks.throwables(entry.body)
        if kept is not None and thrown:
            exception_ends(kept.story, thrown[0][1], at)

    def _written(self, alert: str, entry: Entry, at: Source) -> None:
        kept = self._current(entry)
        if kept is None:
            return
        level = "warning" if alert in {"close_notify", "user_canceled"} else "fatal"
        if kept.story.closing is None:
            kept.story.alert(kept.story.side, level, alert, at)

    def _withheld(self, words: KeyManagerWords, entry: Entry, at: Source) -> None:
        kept = self._current(entry)
        if kept is not None and kept.story.side == "client":
            kept.story.say(entry.message, at, means=words.means)
            kept.story.hear(entry.message, at)
            if words.sent_none:
                kept.story.sent_none()

    def _closed(self, entry: Entry) -> None:
        kept = self.last.get(entry.thread)
        if kept is not None:
            self._end(kept)

    def _thin(self) -> None:
        """Leave out connections that went well, oldest first, when there are too many."""
        spare = len(self.all) - LIMIT
        kept = []
        for one in self.all:
            if spare > 0 and one.ended and one.story.well:
                spare -= 1
                self.left_out += 1
            else:
                kept.append(one)
        surplus = max(0, len(kept) - LIMIT)
        self.left_out += surplus
        self.all = kept[surplus:]

    def told(self) -> tuple[Trace, ...]:
        """Judge every connection."""
        if not self.all and self.alone:
            trace = trace_of([sense(one) for one in self.alone], self.alone[0].source)
            return () if trace is None else (trace,)
        certain = {
            side
            for side, kinds in self.kinds.items()
            if kinds == {"socket"} and java_lines.NO_THREAD not in self.last
        }
        for alert in self.alerts:
            alert.settle(certain=alert.mine.story.side in certain)
        return tuple(
            one.story.told()
            if one.sure is None or one.story.side in certain
            else one.sure.told(doubt=one.sure.open)
            for one in self.all
        )


def _own_side(name: str, words: str, *, produced: bool) -> Side | None:
    """Tell whose log it is by one of its messages: who sends it is known, and who did what."""
    sender = _SENDERS.get(name)
    if sender is None:
        word = words.strip().split(" ")[-1]
        sender = "client" if word == "client" else "server" if word == "server" else None
    if sender is None:
        return None
    return sender if produced else other(sender)


def _alike(several: Sequence[_Kept]) -> bool:
    """Tell whether it makes no difference which of them goes on, since all is known alike."""
    if len(several) < 2:  # noqa: PLR2004 - one is like itself
        return True
    first = several[0].story.likeness()
    return all(one.story.likeness() == first for one in several[1:])


def _waits(kept: _Kept, side: Side, sender: Side, name: str) -> bool:
    return kept.story.side == side and kept.story.expects(sender, name)


def _goes_on(kept: _Kept, entry: Entry) -> bool:
    """Tell whether a ClientHello goes on with a connection: after a retry, or to renegotiate."""
    return kept.story.state == "retry" or blocks.hello(entry.body).renegotiates
