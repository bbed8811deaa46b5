"""The debug log of Java up to 8u25x, which is free text, told as traces.

Law of this file: a block (``*** ServerHello``) does not name its thread; the lines of records and
alerts around it do. While one connection is under way its blocks are its own; where two are, what
the blocks tell is in doubt from there on, and only the lines that name their thread still count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mtlskit.material import Side, Source
from mtlskit.trace.dialects import java_blocks as blocks
from mtlskit.trace.dialects.java_ends import exception_ends
from mtlskit.trace.dialects.java_lines import prefix_of
from mtlskit.trace.dialects.java_phrases import heard, of_key_manager
from mtlskit.trace.dialects.java_story import Story, other
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.sense import sense
from mtlskit.trace.events import Trace
from mtlskit.trace.printed import PrintedCertificate, printed_name
from mtlskit.trace.said import Said

_BLOCK = re.compile(
    r"\*\*\* (?P<name>ClientHello|ServerHelloDone|ServerHello|HelloRequest|CertificateRequest|"
    r"CertificateVerify|Certificate chain|\S+ ServerKeyExchange|\S*ClientKeyExchange\b|Finished)"
    r"(?:, (?P<tls>TLSv1(?:\.\d)?|SSLv3))?"
)
_TAGGED = re.compile(
    r"(?P<thread>[^\n,]{1,200}), (?P<what>READ: |WRITE: |RECV |SEND |handling exception: |"
    r"called close|received EOF|fatal error: |Exception sending alert)(?P<rest>.*)"
)
_RECEIVED = re.compile(r"\S+ ALERT: +(?P<level>fatal|warning), (?:description = )?(?P<name>\w+)")
_MARKS = ("*** ", "%% ", "SESSION KEYGEN", "CONNECTION KEYGEN", "Found trusted")
_WITHHELD = "no suitable certificate found"
_SIDES: tuple[Side, Side] = ("server", "client")
_BODY = 5000
"""Lines of one block that are kept."""
_LIMIT = 2000
_AT_ONCE = 50
"""Connections that may be under way at once; of more the oldest are taken for forgotten."""
_ALONE = 20
"""Connections that are kept."""
_HOST = re.compile(r"server_name: \[(?:type=host_name \(0\), value=|host_name: )([^\],\s]+)\]")
_SUITE = re.compile(r"Cipher Suite: (\w+)")
_SESSION = re.compile(r"Session ID: +\{([\d, ]*)\}")
_RANDOM = re.compile(
    r"RandomCookie: +(?:GMT: )?(-?\d{1,10}) bytes = \{ ?((?:-?\d{1,3}, ){27}-?\d{1,3}) ?\}"
)
_RANDOM_REST = 28
_PART = re.compile(r"\s*(Subject|Issuer|SerialNumber|Validity|Key): +(.*)$")


def fits(first_lines: Sequence[str]) -> bool:
    """Tell whether these lines are of the old dialect."""
    return any(
        ("*** " in line and _BLOCK.search(line))
        or ((" TLSv1" in line or " SSLv" in line) and _TAGGED.search(line))
        for line in first_lines
    )


def read(lines: Iterable[str], source: Source) -> tuple[tuple[Trace, ...], int]:
    """Tell the connections of such a log, and how many more there are; no content raises."""
    book = _Book(source)
    for piece in _pieces(lines):
        book.take(piece)
    return book.told(), book.left_out


@dataclass(slots=True)
class _Piece:
    """A block with its lines, or one line that names its thread, or one word of the key manager."""

    line: int
    name: str
    thread: str | None = None
    rest: str = ""
    body: list[str] = field(default_factory=list)
    closed: bool = False


def _pieces(lines: Iterable[str]) -> Iterator[_Piece]:
    """Cut the log into what can be read of it."""
    block: _Piece | None = None
    prefix: re.Pattern[str] | None = None
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip()
        found = _BLOCK.search(line) if "*** " in line else None
        if found is not None:
            prefix = prefix_of(line[: found.start()])
            piece = _Piece(number, _named(found["name"]), rest=found["tls"] or "")
        elif (read := _line(line, number, prefix)) is None:
            if block is not None and len(block.body) < _BODY:
                block.body.append(_without(prefix, line))
            continue
        else:
            piece = read
        if block is not None:
            yield _ended(block)
        block = piece if found is not None else None
        if block is None and piece.name:
            yield piece
    if block is not None:
        yield block


def _line(line: str, number: int, prefix: re.Pattern[str] | None) -> _Piece | None:
    """Read a line that ends a block; without a name if it tells nothing. None: it is of a block."""
    line = _without(prefix, line)
    tagged = _TAGGED.match(line) if ", " in line else None
    if tagged is not None:
        return _Piece(number, tagged["what"].strip(": "), tagged["thread"], tagged["rest"])
    if _WITHHELD in line or line.startswith("matching alias"):
        return _Piece(number, "words", rest=line.strip())
    return _Piece(number, "") if line == "***" or line.startswith(_MARKS) else None


def _without(prefix: re.Pattern[str] | None, line: str) -> str:
    before = prefix.match(line) if prefix is not None else None
    return line[before.end() :] if before is not None else line


def _ended(block: _Piece) -> _Piece:
    """Mark a block that something came after: its end was seen."""
    block.closed = True
    return block


def _named(words: str) -> str:
    name = words.rsplit(" ", 1)[-1] if words != "Certificate chain" else "Certificate"
    return "ClientKeyExchange" if name.endswith("ClientKeyExchange") else name


@dataclass(slots=True)
class _Kept:
    story: Story
    thread: str | None = None
    sure: Story | None = None


@dataclass(slots=True)
class _Book:
    """The connections of one log.

    Attributes:
        active: those that were not closed yet.
        hello: a ClientHello of which it is not yet known whose it is: what comes next tells.
        came: the thread of the record that was read last, if nothing was written since.
    """

    source: Source
    all: list[_Kept] = field(default_factory=list)
    active: list[_Kept] = field(default_factory=list)
    left_out: int = 0
    hello: _Piece | None = None
    came: str | None = None
    read_last: bool = False
    thread: str | None = None
    alone: list[Said] = field(default_factory=list)

    def take(self, piece: _Piece) -> None:
        """Give one piece to the connection that it speaks of."""
        if piece.thread is not None:
            self._tagged(piece)
        elif piece.name == "ClientHello":
            self._settle("server" if self.read_last else None)
            self.hello = piece
            self.came = self.thread if self.read_last else None
            self.read_last = False
        elif piece.name == "words":
            self._said(piece)
        else:
            self._settle("server" if piece.name == "ServerHello" else None)
            self._block(piece)

    def _said(self, piece: _Piece) -> None:
        kept, words = self._open(), of_key_manager(piece.rest)
        if kept is not None and kept.story.side == "client" and words is not None:
            kept.story.say(piece.rest, self._at(piece), means=words.means)
            kept.story.hear(piece.rest, self._at(piece))
            if words.sent_none:
                kept.story.sent_none()

    def _at(self, piece: _Piece) -> Source:
        return self.source.at(f"line {piece.line}")

    def _settle(self, side: Side | None) -> None:
        """Begin the connection of a waiting ClientHello, once it is known who sent it."""
        piece, self.hello = self.hello, None
        if piece is None or side is None:
            return
        if len(self.all) >= _LIMIT:
            self.left_out += 1
            self.active = []  # what follows is of a connection that is not kept
            return
        story = Story(side, self._at(piece))
        again = self._open()
        if again is not None and again.story.expects("client", "ClientHello") and again.story.begun:
            story = again.story  # renegotiation, asked for by a HelloRequest
        else:
            kept = _Kept(story, self.came if side == "server" else None)
            self.all.append(kept)
            self.active = [*self.active[-_AT_ONCE:], kept]
            self._overlap()
        story.message("client", "ClientHello", _hello(piece), self._at(piece))

    def _overlap(self) -> None:
        """Put all that are under way in doubt, if there is more than one."""
        under_way = [one for one in self.active if one.story.open]
        if len(under_way) > 1:
            for one in under_way:
                one.sure = one.sure or one.story.as_it_is()

    def _open(self) -> _Kept | None:
        return self.active[-1] if self.active else None

    def _block(self, piece: _Piece) -> None:
        kept = self._open()
        if kept is None:
            return
        for sender in _SIDES:
            if kept.story.expects(sender, piece.name):
                kept.story.message(
                    sender, piece.name, _shown(piece, self._at(piece)), self._at(piece)
                )
                break
        self.read_last = False

    def _of(self, thread: str) -> _Kept | None:
        """Find the connection of a thread: the newest one that is not over and not another's."""
        for one in reversed(self.active):
            if one.thread in (None, thread):
                one.thread = thread
                return one
        return None

    def _tagged(self, piece: _Piece) -> None:
        thread = piece.thread or ""
        if self.hello is not None:
            self._settle("client" if piece.name == "WRITE" else "server" if self.came else None)
        self.read_last = piece.name == "READ" and "Handshake" in piece.rest
        self.thread = thread
        kept = self._of(thread)
        if kept is None:
            self._alone(piece)
            return
        if piece.name in {"RECV", "SEND"}:
            self._alert(kept, piece)
        elif piece.name in {"handling exception", "received EOF", "fatal error"}:
            self._wrong(kept, piece)
        elif piece.name == "called close":
            if not piece.rest.startswith(("Inbound", "Outbound")):
                self.active.remove(kept)
        elif "Application Data" in piece.rest and kept.story.state == "done":
            side = kept.story.side
            kept.story.signs.application.add(side if piece.name == "WRITE" else other(side))

    def _alone(self, piece: _Piece) -> None:
        """Keep the phrases of a refusal whose handshake is not in the log."""
        if len(self.alone) < _ALONE:
            news = heard(f"{piece.name} {piece.rest}")
            self.alone += [replace(one, source=self._at(piece)) for one in news]

    def _alert(self, kept: _Kept, piece: _Piece) -> None:
        found = _RECEIVED.match(piece.rest)
        if found is None:
            return
        side = kept.story.side
        sender = side if piece.name == "SEND" else other(side)
        for story in (kept.story, kept.sure):
            if story is not None and not (sender == side and story.closing is not None):
                story.alert(sender, found["level"], found["name"].lower(), self._at(piece))

    def _wrong(self, kept: _Kept, piece: _Piece) -> None:
        """Take an exception: its words, and the end of the connection if it tells of it."""
        if "ignored" in piece.rest and piece.name == "received EOF":
            return
        words = piece.rest.strip()
        for story in (kept.story, kept.sure):
            if story is not None:
                exception_ends(story, words, self._at(piece))
                story.say(words, self._at(piece))
                story.hear(words, self._at(piece))

    def told(self) -> tuple[Trace, ...]:
        """Judge every connection."""
        self._settle("server" if self.came else None)
        if not self.all and self.alone:
            trace = trace_of([sense(one) for one in self.alone], self.alone[0].source)
            return () if trace is None else (trace,)
        return tuple(
            one.story.told() if one.sure is None else one.sure.told(doubt=one.sure.open)
            for one in self.all
        )


def _shown(piece: _Piece, at: Source) -> blocks.Block:
    if piece.name == "ServerHello":
        return _hello(piece)
    if piece.name == "CertificateRequest":
        return _request(piece)
    return _certificates(piece, at) if piece.name == "Certificate" and piece.closed else None


def _hello(piece: _Piece) -> blocks.Hello:
    text = "\n".join(piece.body)
    host, suite, session = (one.search(text) for one in (_HOST, _SUITE, _SESSION))
    return blocks.Hello(
        tls=blocks.version_in(piece.rest) if piece.name == "ServerHello" else None,
        suite=suite[1] if suite else None,
        session=session[1] if session else "",
        random=_random(text),
        server_name=host[1] if host else None,
    )


def _random(text: str) -> bytes:
    """Read a random: its first four bytes are a number, the others stand one by one."""
    found = _RANDOM.search(text)
    if found is None:
        return b""
    first, rest = int(found[1]) & 0xFFFFFFFF, [int(one) & 0xFF for one in found[2].split(",")]
    return first.to_bytes(4, "big") + bytes(rest) if len(rest) == _RANDOM_REST else b""


def _request(piece: _Piece) -> blocks.Request:
    types: tuple[str, ...] = ()
    schemes, names_seen, listing = None, [], False
    for line in piece.body:
        text = line.strip()
        if text.startswith("Cert Types: "):
            types = tuple(one.strip() for one in text[12:].split(","))
        elif text.startswith("Supported Signature Algorithms: "):
            schemes = tuple(one.strip() for one in text[32:].split(","))
        elif text == "Cert Authorities:":
            listing = True
        elif listing and text.startswith("<") and text.endswith(">") and text != "<Empty>":
            names_seen.append(text[1:-1])
    whole = listing and piece.closed
    return blocks.Request(tuple(names_seen) if whole else None, schemes, types)


def _certificates(piece: _Piece, at: Source) -> tuple[PrintedCertificate, ...] | None:
    starts = [n for n, line in enumerate(piece.body) if line.lstrip().startswith("chain [")]
    if not starts:
        return () if any(line.strip() == "<Empty>" for line in piece.body) else None
    ends = [*starts[1:], len(piece.body)]
    return tuple(
        _certificate(piece.body[start:end], at.at(f"certificate {number}"))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    )


def _certificate(body: Sequence[str], at: Source) -> PrintedCertificate:
    known: dict[str, str] = {}
    for number, line in enumerate(body):
        if found := _PART.match(line):
            value = found[2].strip()
            if found[1] in {"Subject", "Issuer"} and value.endswith(","):
                value += " " + "".join(body[number + 1 : number + 2]).strip()
            known.setdefault(found[1], value)
    until = next(
        (one.strip()[3:].strip(" ]") for one in body if one.strip().startswith("To:")), None
    )
    key = re.search(r"(RSA|DSA|EC)\b", known.get("Key", ""))
    return PrintedCertificate(
        source=at,
        subject=printed_name(known.get("Subject", "")),
        issuer=printed_name(known.get("Issuer", "")),
        serial=blocks.serial(known.get("SerialNumber", "").strip("[] ")),
        not_before=known.get("Validity", "").removeprefix("[From: ").rstrip(", ") or None,
        not_after=until,
        key=key[1] if key else None,
        **blocks.extensions(body),
    )
