"""The bytes that a Java log dumps (``-Djavax.net.debug=ssl:packet``), read as the wire's are.

Law of this file: it is asked where the log has no handshake messages of its own. What one thread
wrote and read is one connection after another; a new one begins with a ClientHello of a new random.
Bytes that are missing in a dump are a gap; where the dumps are not one whole stream of records,
nothing is concluded of how it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mtlskit.material import Because, Chunk, Closing, Side, Source, Tap
from mtlskit.trace.dialects import java_blocks, java_lines
from mtlskit.trace.dialects.java_lines import Entry
from mtlskit.trace.dialects.java_phrases import of_key_manager
from mtlskit.trace.dialects.java_story import Story, other
from mtlskit.trace.events import Ended, Symptom, Trace
from mtlskit.trace.handshake import follow
from mtlskit.trace.printed import moment
from mtlskit.trace.views import as_one

_RAW = re.compile(r"\|Raw (read|write)(?:: *)?\s*\(|\[Raw (read|write)\]: length = \d+")
_MESSAGES = ("Produced ", "Consuming ", "*** ClientHello", "*** ServerHello")
_DUMPED = re.compile(r"(?<![\w:])([0-9A-Fa-f]{4,8}): ((?:[0-9A-Fa-f]{2}(?: +|\s*$)){1,16})(.*)$")
_ROW = 16
"""Bytes of one line of a dump."""
_MOST = 64 * 1024
"""Bytes of one direction that are kept: a handshake, and what comes next."""
_CONNECTIONS = 500
_WORDS = 20
_HEADER, _HELLO, _RANDOM = 5, 1, 32
_TYPES = range(20, 25)
_UNSURE = frozenset({"unreadable", "not TLS"})


def fits(first_lines: Sequence[str]) -> bool:
    """Tell whether there are dumps among these lines, and no handshake messages."""
    raw = any("Raw " in line and _RAW.search(line) for line in first_lines)
    return raw and not any(one in line for line in first_lines for one in _MESSAGES)


def read(lines: Iterable[str], source: Source) -> tuple[tuple[Trace, ...], int]:
    """Tell the connections of such a log, and how many more there are; no content raises."""
    book = _Book(source)
    for entry in java_lines.entries(book.watched(lines)):
        book.hear(entry)
    return book.told(), book.left_out


@dataclass(slots=True)
class _Dump:
    """The bytes of one dump, while its lines come.

    Attributes:
        gap: bytes that are missing before `data`.
    """

    line: int
    thread: str
    clock: str
    written: bool
    parts: list[tuple[int, bytearray]] = field(default_factory=lambda: [(0, bytearray())])
    end: int = 0

    def add(self, line: str) -> bool:
        """Take a line of bytes; False: it is none."""
        found = _DUMPED.search(line)
        if found is None or self.end > _MOST:
            return found is not None
        at, data = int(found[1], 16), _bytes(found[2].split(), found[3])
        if at > self.end:
            self.parts.append((at - self.end, bytearray()))
        self.parts[-1][1].extend(data)
        self.end = at + len(data)
        return True


def _bytes(pairs: list[str], beside: str) -> bytes:
    """Part bytes from the text beside them, which may begin with what looks like bytes."""
    for count in range(len(pairs), 0, -1):
        data = bytes.fromhex("".join(pairs[:count]))
        text = "".join((*pairs[count:], *beside.split()))
        if _shows(text, data):
            return data
    return bytes.fromhex("".join(pairs))


def _shows(text: str, data: bytes) -> bool:
    """Tell whether a text, without its blanks, is these bytes: printable as they are, else dots."""
    shown = [chr(byte) if 0x20 <= byte <= 0x7E else "." for byte in data]  # noqa: PLR2004 - ASCII that is printed
    wanted = [one for one in shown if one != " "]
    return len(text) == len(wanted) and all(
        one in {mine, "."} for one, mine in zip(text, wanted, strict=True)
    )


@dataclass(slots=True)
class _Talk:
    """What one thread wrote and read of one connection, and what else it said meanwhile."""

    line: int
    clock: str
    side: Side
    random: bytes
    chunks: list[Chunk] = field(default_factory=list)
    words: list[Entry] = field(default_factory=list)
    kept: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def add(self, written: bool, gap: int, data: bytes) -> None:  # noqa: FBT001 - one of two ways
        sender = self.side if written else other(self.side)
        room = _MOST - self.kept[written]
        self.kept[written] += len(data)
        if room > 0 and (data or gap):
            self.chunks.append(Chunk(0.0, sender, data[:room], gap=gap))

    def told(self, source: Source) -> Trace:
        """Read the bytes; the words beside them are another view of the same."""
        place = source.at(f"line {self.line}")
        tap = Tap(place, chunks=tuple(self.chunks), closing=Closing(None, "open"))
        trace = follow(tap)
        if any(one.name in _UNSURE for one in trace.events):
            trace = replace(trace, ended=_doubtful(trace))
        clock = " ".join(self.clock.split()) or None
        trace = replace(trace, clock=clock, began=moment(clock) if clock else None)
        heard = _heard(self, source)
        return trace if heard is None else as_one((trace, heard))


def _doubtful(trace: Trace) -> Ended:
    text = "the dumps of this log are not one whole stream of records"
    because = (Because(text, trace.source),)
    return Ended("undecided", None, None, Symptom(tls=trace.tls), because)


def _heard(talk: _Talk, source: Source) -> Trace | None:
    """Tell what the log says in words of this connection; None: nothing."""
    story = Story(talk.side, source.at(f"line {talk.line}"), begun=False, state=None)
    for entry in talk.words:
        at = source.at(f"line {entry.line}")
        if entry.message.startswith("Received alert"):
            if alert := java_blocks.alert(entry.body):
                story.alert(other(talk.side), alert[0], alert[1].lower(), at)
        elif words := of_key_manager(entry.message):
            story.say(entry.message, at, means=words.means)
            if words.sent_none and talk.side == "client":
                story.sent_none()
        story.hear(entry.message, at)
    return story.told() if story.events or story.said else None


@dataclass(slots=True)
class _Book:
    """All connections of one log.

    Attributes:
        last: by thread, the connection that it serves.
        head: by thread, the header of a record that was read, whose body comes next.
    """

    source: Source
    all: list[_Talk] = field(default_factory=list)
    last: dict[str, _Talk] = field(default_factory=dict)
    head: dict[str, bytes] = field(default_factory=dict)
    left_out: int = 0

    def watched(self, lines: Iterable[str]) -> Iterator[str]:
        """Pass the lines on, and keep what is dumped in them."""
        dump: _Dump | None = None
        for number, line in enumerate(lines, 1):
            found = _RAW.search(line) if "Raw " in line else None
            if dump is not None and (found or not dump.add(line)):
                self._take(dump)
                dump = None
            if found:
                dump = _begun(line, number, found)
            yield line
        if dump is not None:
            self._take(dump)

    def hear(self, entry: Entry) -> None:
        """Keep what a thread says of the connection that it serves."""
        talk = self.last.get(entry.thread)
        if talk is not None and len(talk.words) < _WORDS:
            talk.words.append(entry)

    def _take(self, dump: _Dump) -> None:
        first = bytes(dump.parts[0][1])
        if not dump.written and len(first) == dump.end == _HEADER:
            self._settle(dump.thread)
            self.head[dump.thread] = first
            return
        before = self.head.pop(dump.thread, b"") if not dump.written else b""
        random = _random_of(before + first)
        talk = self.last.get(dump.thread)
        if random is not None and (talk is None or talk.random != random):
            talk = self._begin(dump, random)
        if talk is None:
            return
        for number, (gap, data) in enumerate(dump.parts):
            talk.add(dump.written, gap, bytes(data) if number else before + bytes(data))
        if missing := _missing(before + first, len(before) + dump.end):
            talk.add(dump.written, missing, b"")

    def _settle(self, thread: str) -> None:
        """A header whose body was not dumped is one of its own."""
        before, talk = self.head.pop(thread, b""), self.last.get(thread)
        if before and talk is not None:
            talk.add(written=False, gap=0, data=before)

    def _begin(self, dump: _Dump, random: bytes) -> _Talk | None:
        if len(self.all) >= _CONNECTIONS:
            self.left_out += 1
            self.last.pop(dump.thread, None)
            return None
        talk = _Talk(dump.line, dump.clock, "client" if dump.written else "server", random)
        self.all.append(talk)
        self.last[dump.thread] = talk
        return talk

    def told(self) -> tuple[Trace, ...]:
        """Read all of them."""
        for thread in tuple(self.head):
            self._settle(thread)
        return tuple(one.told(self.source) for one in self.all)


def _missing(data: bytes, size: int) -> int:
    """How many bytes a dump lacks at its end, by the lengths in the headers of its records."""
    at = 0
    while at + _HEADER <= len(data) and data[at] in _TYPES:
        at += _HEADER + int.from_bytes(data[at + 3 : at + _HEADER], "big")
    return max(0, at - size) if at <= _MOST else 0


def _begun(line: str, number: int, found: re.Match[str]) -> _Dump:
    head = java_lines.HEAD.search(line)
    thread = f"{head['thread']} {head['name']}" if head else java_lines.NO_THREAD
    return _Dump(number, thread, head["time"] if head else "", "write" in (found[1], found[2]))


def _random_of(data: bytes) -> bytes | None:
    """The random of the ClientHello that these bytes begin with; None: it is none."""
    if len(data) < _HEADER + 6 + _RANDOM or data[:2] != b"\x16\x03" or data[_HEADER] != _HELLO:
        return None
    return data[_HEADER + 6 : _HEADER + 6 + _RANDOM]
