"""The transcript of ``curl -v``: builds with OpenSSL name each message, others little.

Law of this file: curl prints *Certificate* for an empty message too; what tells the two apart is
its size, or the proof of the key that follows a certificate or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mtlskit.material import Side, Source, Target
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.transcript import Transcript
from mtlskit.trace.events import Trace
from mtlskit.wire import names

_MESSAGE = re.compile(
    r"^[*<>{}= ]{0,4}(?P<tls>TLSv1\.[0-3]|SSLv3|TLSv1) \((?P<way>IN|OUT)\), "
    r"(?P<layer>TLS handshake|TLS alert|SSL alert), (?P<name>[^()]{1,60}?) \((?P<code>\d{1,5})\):"
)
_SIZE = re.compile(r"^[{}] \[(\d{1,9}) bytes data\]")
_CONNECTED = re.compile(
    r"^\* +(?:Established connection|Connected) to (?P<host>[^ ]{1,255}) "
    r"\((?P<ip>[0-9a-fA-F.:]{2,45})"
    r"(?: port (?P<p1>\d{1,5}))?\)(?: port (?P<port>\d{1,5}))?"
    r"(?: from (?P<own>[0-9a-fA-F.:]{2,45}) port (?P<from>\d{1,5}))?"
)
_SETTLED = re.compile(
    r"^\* +SSL connection using (?P<tls>TLS[v ]?1\.?[0-3]?) / (?P<cipher>[A-Za-z0-9_-]{3,60})"
)
_ALPN = re.compile(r"^\* +ALPN[:,] server accepted (?:to use )?(?P<alpn>[a-z0-9./-]{1,20})")
_ANSWER = re.compile(r"^< (HTTP/[12](?:\.[01])? \d{3}.{0,200})$")
_HEADER = re.compile(r"^< (.{0,2000})$")
_NOT_BODY = ("* ", "{ ", "} ", "> ", "< ", "curl: ", "*  ")
_EMPTY = {"1.2": 7, "1.3": 8}
"""Bytes of an empty Certificate message with its head (RFC 5246, 7.4.2; RFC 8446, 4.4.2)."""
_MARKS = ("TLS handshake, ", "* SSL connection using", "* ALPN", "*   Trying", "* Connected to")


def fits(head: Sequence[str]) -> bool:
    """Tell whether these lines are of ``curl -v``."""
    found = sum(any(mark in line[:200] for line in head) for mark in _MARKS)
    return found >= 2  # noqa: PLR2004 - one of them alone is quoted in other logs too


def read(lines: Iterable[str], source: Source) -> tuple[Trace, ...]:
    """Tell the connections of a transcript."""
    reading = _Reading(source)
    for number, line in enumerate(lines, 1):
        reading.take(line.rstrip("\r\n"), source.at(f"line {number}"))
    return tuple(one.told() for one in reading.stories if one.events or one.said)


@dataclass(slots=True)
class _Reading:
    source: Source
    stories: list[Transcript] = field(default_factory=list)
    last: tuple[Side, str] | None = None
    hello_seen: bool = False

    def take(self, line: str, at: Source) -> None:
        if (found := _CONNECTED.match(line)) is not None:
            self._connected(found, at)
        story = self._story(at)
        story.say(tuple(said_in(line, at)))
        if (found := _MESSAGE.match(line)) is not None:
            self._message(story, found, at)
        elif (found := _SIZE.match(line)) is not None:
            self._size(story, int(found[1]))
        else:
            self._other(story, line, at)

    def _story(self, at: Source) -> Transcript:
        if not self.stories:
            self.stories.append(Transcript("client", at))
        return self.stories[-1]

    def _connected(self, found: re.Match[str], at: Source) -> None:
        if not self.stories or self.stories[-1].target is not None:
            self.stories.append(Transcript("client", at))
        story = self.stories[-1]
        port = found["port"] or found["p1"]
        if port is not None:
            story.target = Target(found["host"], int(port))
            story.peer = str(Target(found["ip"], int(port)))
        if found["own"]:
            story.own = str(Target(found["own"], int(found["from"])))
        story.expected_name = found["host"]

    def _message(self, story: Transcript, found: re.Match[str], at: Source) -> None:
        sender: Side = "client" if found["way"] == "OUT" else "server"
        code = int(found["code"])
        self.last = None
        if "alert" in found["layer"]:
            # curl prints level and description as one number.
            story.alert(sender, code & 0xFF, at, fatal=code >> 8 == 2)  # noqa: PLR2004 - fatal
            return
        name = names.handshake_name(code)
        told = found["tls"].removeprefix("TLSv")
        if name not in ("ClientHello", "ServerHello", "HelloRetryRequest"):
            story.tls = story.tls or (told if "." in told else None)
        story.message(sender, name, at)
        self.last = (sender, name)

    def _size(self, story: Transcript, size: int) -> None:
        # A size may be of the record's head, which comes without a message before it.
        if self.last == ("client", "Certificate") and size <= _EMPTY.get(story.tls or "1.3", 8):
            story.chains["client"] = ()
        self.last = None

    def _other(self, story: Transcript, line: str, at: Source) -> None:
        if (found := _SETTLED.match(line)) is not None:
            version = re.search(r"1\.[0-3]", found["tls"])
            story.tls = version[0] if version else story.tls
            story.cipher = found["cipher"]
            story.settled = True
        elif (found := _ALPN.match(line)) is not None:
            story.alpn = found["alpn"]
        elif line.startswith("> "):
            story.signs.application.add("client")
        elif (
            found := _ANSWER.match(line)
        ) is not None and " 200 Connection established" not in line:
            story.page.clear()
            story.read_page(found[1], at)
        elif story.page and (found := _HEADER.match(line)) is not None:
            story.read_page(found[1], at)
        elif story.page and not line.startswith(_NOT_BODY):
            story.read_page(line, at)
