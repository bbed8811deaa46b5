"""The transcript of ``gnutls-cli``. Law of this file: the line *Successfully sent* counts.

GnuTLS prints fields of the server's certificates, and their bytes only with ``--print-cert``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mtlskit.certs.certificate import Certificate
from mtlskit.material import Source, Target
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.pem_blocks import PemBlocks
from mtlskit.trace.dialects.transcript import Transcript
from mtlskit.trace.events import Trace

_CONNECTING = re.compile(r"^Connecting to '(?P<ip>[0-9a-fA-F.:]{2,45}):(?P<port>\d{1,5})'")
_RESOLVING = re.compile(r"^Resolving '(?P<host>[^':]{1,255})(?::(?P<port>\d{1,5}))?'")
_SENT = re.compile(r"^- Successfully sent (?P<count>\d{1,4}) certificate\(s\) to server")
_ALERT = re.compile(r"^\*\*\* (?:Received alert|Received fatal alert) \[(?P<code>\d{1,3})\]")
_COUNT = re.compile(r"^- Got a certificate list of (?P<count>\d{1,4}) certificates?")
_DESCRIPTION = re.compile(
    r"^- Description: \((?P<tls>TLS1\.[0-3])(?:-X\.509)?\)-(?P<rest>.{3,200})$"
)
_CIPHER = re.compile(r"\(([A-Z0-9-]{3,40})\)$")
_AUTHORITY = re.compile(r"^\s{1,8}\[\d{1,4}\]: (?P<name>.{3,2000})$")
_MARKS = (
    "- Certificate type: ",
    "- Status: ",
    "- Description: (",
    "*** Received alert",
    "Resolving '",
    "- Got a certificate list",
    "- Handshake was completed",
)


def fits(head: Sequence[str]) -> bool:
    """Tell whether these lines are of ``gnutls-cli``."""
    found = sum(any(line.startswith(mark) for line in head) for mark in _MARKS)
    server = any(line.startswith("* Accepted connection from") for line in head)
    return found >= 2 and not server  # noqa: PLR2004 - one alone is quoted in other logs


def read(lines: Iterable[str], source: Source) -> tuple[Trace, ...]:
    """Tell the connections of a transcript."""
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        reading.take(line.rstrip("\r\n"), source.at(f"line {number}"))
    return reading.told()


@dataclass(slots=True)
class _Reading:
    stories: list[Transcript] = field(default_factory=list)
    pem: PemBlocks = field(default_factory=PemBlocks)
    shown: list[Certificate] = field(default_factory=list)
    count: int | None = None
    authorities: list[str] | None = None
    authorities_at: Source | None = None

    def told(self) -> tuple[Trace, ...]:
        """Finish the last connection and give all."""
        self._finish()
        return tuple(one.told() for one in self.stories if one.events or one.said or one.tls)

    def take(self, line: str, at: Source) -> None:
        """Take one line."""
        if line.startswith("Resolving '") and self.stories and self.stories[-1].target:
            self._finish()
            self.stories.append(Transcript("client", at))
        if not self.stories:
            self.stories.append(Transcript("client", at))
        story = self.stories[-1]
        if self.pem.take(line, at):
            self.shown += self.pem.ready()
            return
        story.say(tuple(said_in(line, at)))
        if not story.read_page(line, at) or line.startswith("***"):
            self._fact(story, line, at)

    def _finish(self) -> None:
        if self.stories:
            story = self.stories[-1]
            if self.shown and len(self.shown) == self.count:
                story.chains["server"] = tuple(self.shown)
            if self.authorities is not None and self.authorities_at is not None:
                story.list_asked(self.authorities, (), (), self.authorities_at)
        self.shown, self.count, self.authorities = [], None, None

    def _fact(self, story: Transcript, line: str, at: Source) -> None:
        if (found := _ALERT.match(line)) is not None:
            story.alert("server", int(found["code"]), at)
        elif (found := _SENT.match(line)) is not None:
            self._sent(story, int(found["count"]))
        elif (found := _DESCRIPTION.match(line)) is not None:
            story.tls = found["tls"].removeprefix("TLS")
            cipher = _CIPHER.search(found["rest"])
            story.cipher = cipher[1] if cipher else None
        elif line.startswith("- Handshake was completed"):
            story.settled = True
        else:
            self._more(story, line, at)

    def _sent(self, story: Transcript, count: int) -> None:
        story.asks = True
        story.proved = count > 0
        story.signs.said.add(("client", "Certificate"))
        if count == 0:
            story.chains["client"] = ()

    def _more(self, story: Transcript, line: str, at: Source) -> None:
        if (found := _COUNT.match(line)) is not None:
            self.count = int(found["count"])
            story.signs.said.add(("server", "Certificate"))
        elif (found := _RESOLVING.match(line)) is not None:
            story.expected_name = found["host"]
        elif (found := _CONNECTING.match(line)) is not None:
            story.target = Target(story.expected_name or found["ip"], int(found["port"]))
            story.peer = f"{found['ip']}:{found['port']}"
        elif line.startswith("- Server's trusted authorities:"):
            self.authorities, self.authorities_at = [], at
        elif self.authorities is not None and (found := _AUTHORITY.match(line)) is not None:
            self.authorities.append(found["name"])
