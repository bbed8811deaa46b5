"""Lines of a Java debug log become entries: who wrote, in which thread, and the block beneath.

Law of this file: an entry begins where the logger says so, whatever stands before it on the line
(another logger's time, level and thread; a container's stream), and keeps the number of its line.
Only entries that may tell something of a handshake are made: the rest is passed over line by line.

From Java 8u251 on every entry has one head of seven fields (sun.security.ssl.SSLLogger)::

    javax.net.ssl|DEBUG|01|main|2024-09-20 17:41:56.265 CEST|Alert.java:238|Received alert ... (
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

HEAD = re.compile(
    r"javax\.net\.ssl\|(?P<level>[A-Z]+)\|(?P<thread>[0-9A-Fa-f]+)\|(?P<name>.*?)\|"
    r"(?P<time>[^|]{8,60})\|(?P<file>[\w$]+(?:\.java)?):(?P<line>-?\d+)\|(?P<message>.*)",
    re.DOTALL,
)
_MARK = "javax.net.ssl|"
_PLATFORM = "sun.security.ssl.SSLLogger"
NO_THREAD = ""
"""The thread of an entry whose log does not name it."""
_TELLING = (
    *("Produced ", "Consuming ", "Fatal", "Received alert", "handling exception"),
    *("No X.509 ", "No available ", "Ignore alias", "KeyMgr: ", "matching alias"),
    *(
        "Negotiated protocol",
        "WRITE: ",
        "close the ",
        "closing ",
        "Closing ",
        "SSLSocket ",
        "duplex close",
    ),
)
"""How the messages begin that may tell something of a handshake."""
_LOOSE = re.compile(
    r"(?:^|[\s:|-])((?:Produced|Consuming) (?:\w+ )*(?:handshake |post-handshake )?message\b.*|"
    r"Fatal \(\w+\): .*|Negotiated protocol version: .*|WRITE: TLS.* alert\(.*|"
    r"close the underlying socket.*|Closing (?:in|out)bound of SSLEngine.*|"
    r"No X\.509 .*|No available (?:client )?authentication scheme.*|matching alias: .*)"
)
_BLOCKS = re.compile(
    r"Fatal|Received alert|handling exception|\w+ (?:\w+ )?"
    r"(?:ClientHello|ServerHello|HelloRetryRequest|CertificateRequest|Certificate|"
    r"EncryptedExtensions) "
)
"""The messages whose blocks are read."""
_ODD = re.compile(r":-?\d{1,9}\|(?:" + "|".join(map(re.escape, _TELLING)) + ")")
"""The end of a head, before a message that may tell something, wherever it stands."""
LOGGER = "javax.net.ssl"
_LINE_COST = 64
_BLOCK_SIZE = 2_000_000
"""Bytes of one block that are kept, with what each line costs; a larger one is a mere dump."""
_PREFIX = 300
"""Characters that another logger may put before Java's own."""


@dataclass(slots=True)
class Entry:
    """One message of Java's logger.

    Attributes:
        line: number of its first line, from 1.
        thread: the thread's number, in hex as printed, and its name.
        file: the source file that wrote it, ``Alert.java``; ``null`` in some releases.
        message: without the bracket that opens its block.
        body: the lines of its block, without another logger's prefix.
        closed: the block's closing bracket was seen; False: it was cut, or it has none.
    """

    line: int
    thread: str
    time: str
    file: str
    message: str
    body: list[str] = field(default_factory=list)
    closed: bool = False


def fits(first_lines: Iterable[str]) -> bool:
    """Tell whether these lines are of a Java debug log from 8u251 on."""
    return any(_MARK in line and HEAD.search(line) for line in first_lines)


def fits_loosely(first_lines: Iterable[str]) -> bool:
    """Tell whether these lines are Java's messages, passed on by another logger without a head."""
    return any(_PLATFORM in line for line in first_lines)


def loose_entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Give the entries of a log that ``-Djavax.net.debug=`` wrote through a logger of the platform.

    It names neither thread nor source file, and has no blocks: the order of messages is all.
    """
    for number, line in enumerate(lines, 1):
        if found := _LOOSE.search(line):
            yield Entry(number, NO_THREAD, "", "", found[1].rstrip())


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Give the entries that may tell something, in order, with their blocks.

    A block ends at its closing bracket, at the next entry, or at a bound. This loop sees every line
    of logs of many hundred megabytes: what it does not need to know of a line, it does not ask.
    """
    entry: Entry | None = None
    prefix: re.Pattern[str] | None = None
    size = 0
    for number, line in enumerate(lines, 1):
        if _MARK in line:
            if entry is not None:
                yield entry
            entry = _entry(line, number)
            if entry is None:
                continue
            if _opens_block(entry):
                prefix, size = prefix_of(line[: line.find(_MARK)]), 0
            else:
                yield entry
                entry = None
        elif entry is not None:
            text = line if prefix is None else _without(prefix, line)
            size += len(text) + _LINE_COST
            entry.closed = text[:1] == ")" and text.strip() == ")"
            if entry.closed or size > _BLOCK_SIZE:
                yield entry
                entry = None
            else:
                entry.body.append(text)
    if entry is not None:
        yield entry


def _opens_block(entry: Entry) -> bool:
    """Tell whether a block follows that is read, and take its bracket off the message."""
    if not entry.message.endswith("("):
        return False
    entry.message = entry.message[:-1].rstrip()
    return _BLOCKS.match(entry.message + " ") is not None


def _entry(line: str, number: int) -> Entry | None:
    """Make an entry of a head line; None for one that tells nothing of a handshake."""
    parts = line.split("|", 6)
    if len(parts) < 7:  # noqa: PLR2004 - the fields of the head
        return None
    if not parts[6].startswith(_TELLING):
        return _odd_entry(line, number) if "|" in parts[6] and _ODD.search(line) else None
    if not parts[0].endswith(LOGGER) or ":" not in parts[5] or " " in parts[5]:
        return _odd_entry(line, number)
    thread = f"{parts[2]} {parts[3]}"
    return Entry(number, thread, parts[4], parts[5].partition(":")[0], parts[6].rstrip())


def _odd_entry(line: str, number: int) -> Entry | None:
    """Make an entry of a head whose thread has a name with bars in it."""
    head = HEAD.search(line)
    if head is None or not head["message"].startswith(_TELLING):
        return None
    thread = f"{head['thread']} {head['name']}"
    return Entry(number, thread, head["time"], head["file"], head["message"].rstrip())


def _without(prefix: re.Pattern[str], line: str) -> str:
    found = prefix.match(line)
    return line if found is None else line[found.end() :]


def prefix_of(before: str) -> re.Pattern[str] | None:
    """Make a pattern of what another logger put before: its digits and spaces may differ."""
    if not before.strip() or len(before) > _PREFIX:
        return None
    return _pattern(re.sub(r"\d+", "0", re.sub(r"\s+", " ", before.rstrip())))


_PATTERNS: dict[str, re.Pattern[str]] = {}


def _pattern(shape: str) -> re.Pattern[str]:
    known = _PATTERNS.get(shape)
    if known is None:
        parts = re.escape(shape).replace(r"\ ", r"\s+").replace("0", r"\d+")
        if len(_PATTERNS) > 500:  # noqa: PLR2004 - a log whose prefixes never repeat
            _PATTERNS.clear()
        known = _PATTERNS[shape] = re.compile(parts + r"\s?")
    return known
