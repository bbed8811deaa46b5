"""Transcripts of ``openssl s_client``, bare or with ``-msg``, ``-state`` or ``-trace``, 1.0 to 3.x.

Law of this file: with ``-msg`` the messages themselves are read from their bytes; without, only
what is printed counts. ``Verify return code`` speaks of the server's chain, never of the client's
certificate. A chain of which not every certificate is printed is not passed off as the chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from mtlskit.certs.certificate import Certificate
from mtlskit.material import Side, Source, Target
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.openssl_messages import Dump, dumped, from_bytes, state_message
from mtlskit.trace.dialects.pem_blocks import PemBlocks
from mtlskit.trace.dialects.schemes import openssl_scheme
from mtlskit.trace.dialects.transcript import OTHER, Transcript, alert_number
from mtlskit.trace.events import Trace

_BEGIN = re.compile(r"^CONNECTED\([0-9A-F]{8}\)")
_SETTLED = re.compile(
    r"^(?:New|Reused), (?P<tls>TLSv1(?:\.[0-3])?|SSLv3|\(NONE\)), Cipher is (?P<cipher>\S{1,60})"
)
_PROTOCOL = re.compile(r"^ {4}Protocol {1,3}: (?P<tls>TLSv1(?:\.[0-3])?)")
_ALPN = re.compile(r"^ALPN protocol: (?P<alpn>[a-z0-9./-]{1,40})")
_SUBJECT = re.compile(r"^ {0,1}\d{1,3} s:(.{0,2000})$")
_SCHEMES = re.compile(r"^Requested Signature Algorithms: (.{1,4000})$")
_TYPES = re.compile(r"^Client Certificate Types: (.{1,400})$")
_STATE = re.compile(
    r"^SSL_(?P<role>connect|accept):(?P<state>(?:SSLv3|SSLv2|TLSv1\.3|TLS).{3,80})$"
)
_STATE_ALERT = re.compile(
    r"^SSL3 alert (?P<way>read|write):(?P<level>fatal|warning):(?P<name>.{3,40})$"
)
_ANSWER = re.compile(r"HTTP/1\.[01] \d{3}(?: [A-Za-z][A-Za-z -]{0,60})?$")
_ERROR_ALERT = re.compile(r"SSL alert number (\d{1,3})")
_SECTION = "Acceptable client certificate CA names"
_HEAD = 400
_MARKS = (
    "CONNECTED(0",
    "Verify return code:",
    "SSL handshake has read",
    "SSL_connect:",
    "SSL_accept:",
    "Cipher is ",
)


def fits(head: Sequence[str]) -> bool:
    """Tell whether these lines are of ``openssl s_client``."""
    found = sum(any(line.lstrip(" >").startswith(mark) for line in head) for mark in _MARKS)
    shown = any(line in _RECORDS or dumped(line) for line in head)
    return found >= 2 or shown  # noqa: PLR2004 - one mark alone is quoted in other logs


def read(lines: Iterable[str], source: Source) -> tuple[Trace, ...]:
    """Tell the connections of a transcript."""
    stream = iter(lines)
    head = list(islice(stream, _HEAD))
    serves = any(line.startswith(("SSL_accept:", "ACCEPT")) for line in head)
    reading = _Reading(source, "server" if serves else "client")
    for number, line in enumerate(chain(head, stream), 1):
        reading.take(line.rstrip("\r\n"), source.at(f"line {number}"))
    return reading.told()


@dataclass(slots=True)
class _Reading:
    source: Source
    side: Side
    stories: list[Transcript] = field(default_factory=list)
    pem: PemBlocks = field(default_factory=PemBlocks)
    printed: list[tuple[str, Certificate]] = field(default_factory=list)
    section: str = ""
    listed: list[str] = field(default_factory=list)
    schemes: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    asked_at: Source | None = None
    subjects: int = 0
    begun: bool = False
    dump: Dump | None = None
    traced: Side | None = None

    def told(self) -> tuple[Trace, ...]:
        """Finish the last connection and give all."""
        self._finish()
        return tuple(one.told() for one in self.stories if one.events or one.said or one.tls)

    def take(self, line: str, at: Source) -> None:
        """Take one line."""
        if _BEGIN.match(line) or line.startswith("SSL_accept:before"):
            self._next(at)
        story = self._story(at)
        if self._in_dump(story, line, at) or self._in_pem(line, at):
            return
        story.say(tuple(said_in(line, at)))
        told = self._event(story, line, at)
        # s_client writes the answer straight through, and its summary by way of a buffer.
        answer = _ANSWER.search(line)
        if story.page or answer:
            story.read_page(line[answer.start() :] if answer and not story.page else line, at)
        if not told:
            self._summary(story, line, at)

    def _story(self, at: Source) -> Transcript:
        if not self.stories:
            self.stories.append(Transcript(self.side, at))
        return self.stories[-1]

    def _next(self, at: Source) -> None:
        """Begin another connection; lines of verification come before the first CONNECTED."""
        if self.begun:
            self._finish()
            self.stories.append(Transcript(self.side, at))
        self.begun = True

    def _finish(self) -> None:
        if not self.stories:
            return
        story = self.stories[-1]
        self._flush(story)
        if self.asked_at is not None and story.asked is None:
            story.list_asked(self.listed, self.schemes, self.types, self.asked_at)
        whole = [one for where, one in self.printed if where == "chain"]
        if whole and len(whole) == self.subjects and "server" not in story.chains:
            story.chains["server"] = tuple(whole)
        self.printed, self.listed, self.schemes, self.types = [], [], [], []
        self.asked_at, self.subjects, self.section = None, 0, ""

    def _in_dump(self, story: Transcript, line: str, at: Source) -> bool:
        """Take a line of -msg: the head of a dump, or its bytes."""
        if self.dump is not None and self.dump.add(line):
            return True
        self._flush(story)
        self.dump = dumped(line, at, self.side)
        if self.dump is not None and self.dump.name == "ClientHello" and _over(story):
            self._next(at)
        return self.dump is not None

    def _flush(self, story: Transcript) -> None:
        if self.dump is not None:
            from_bytes(story, self.dump)
            self.dump = None

    def _in_pem(self, line: str, at: Source) -> bool:
        taken = self.pem.take(line, at)
        for one in self.pem.ready():
            where = "chain" if self.section in ("chain", "leaf") else "other"
            if self.section == "leaf" and any(known.der == one.der for _, known in self.printed):
                continue
            self.printed.append((where, one))
        return taken

    def _event(self, story: Transcript, line: str, at: Source) -> bool:
        """Take a line of -state or -trace, or an error that names an alert."""
        if (found := _STATE_ALERT.match(line)) is not None:
            sender: Side = OTHER[story.side] if found["way"] == "read" else story.side
            number = alert_number(found["name"])
            if number is not None:
                story.alert(sender, number, at, fatal=found["level"] == "fatal")
            return True
        if (found := _STATE.match(line)) is not None:
            state_message(story, found["role"], found["state"], at)
            return True
        if (found := _ERROR_ALERT.search(line)) is not None:
            story.alert(OTHER[story.side], int(found[1]), at)
            return True
        return self._traced(story, line, at)

    def _traced(self, story: Transcript, line: str, at: Source) -> bool:
        if line in _RECORDS:
            self.traced = story.side if line.startswith("Sent") else OTHER[story.side]
            return True
        if self.traced is None:
            return False
        if (found := _TRACED.match(line)) is not None:
            size = int(found["size"])
            if (self.traced, found["name"]) == ("client", "Certificate") and size <= _EMPTY:
                story.chains["client"] = ()
            story.message(self.traced, found["name"], at, size=size)
            return True
        if (found := _TRACED_ALERT.match(line)) is not None:
            story.alert(self.traced, int(found["code"]), at, fatal=found["level"] == "2")
            return True
        return False

    def _summary(self, story: Transcript, line: str, at: Source) -> None:
        """Take a line of the summary that s_client prints after the handshake."""
        if line == "---":
            self.section = ""
        elif line == "Certificate chain":
            self.section = "chain"
        elif line == "Server certificate":
            self.section = "leaf"
        elif line == _SECTION:
            self.section, self.asked_at = "names", self.asked_at or at
        elif self.section == "chain" and _SUBJECT.match(line):
            self.subjects += 1
        else:
            self._asking(line, at)
            self._settled(story, line, at)

    def _asking(self, line: str, at: Source) -> None:
        if (found := _SCHEMES.match(line)) is not None:
            self.schemes = [openssl_scheme(one) for one in found[1].split(":")]
            self.asked_at, self.section = self.asked_at or at, ""
        elif (found := _TYPES.match(line)) is not None:
            self.types = [one.strip().lower().replace(" ", "_") for one in found[1].split(",")]
            self.asked_at, self.section = self.asked_at or at, ""
        elif self.section == "names":
            self.listed.append(most_specific_first(line))

    def _settled(self, story: Transcript, line: str, at: Source) -> None:
        if (found := _SETTLED.match(line)) is not None and found["tls"] != "(NONE)":
            story.tls = story.tls or version_of(found["tls"])
            story.cipher, story.resumed = found["cipher"], line.startswith("Reused")
            story.settled = True
        elif (found := _PROTOCOL.match(line)) is not None:
            story.tls = story.tls or version_of(found["tls"])
        elif (found := _ALPN.match(line)) is not None:
            story.alpn = found["alpn"]
        elif line.startswith("Post-Handshake New Session Ticket arrived"):
            story.ticket(at)
        elif line == "closed" or line.startswith("read:errno="):
            story.close("server", "fin" if line in ("closed", "read:errno=0") else "reset", at)
        elif (found := _CONNECTING.match(line)) is not None:
            story.target = Target(found["host"], int(found["port"]))


_RECORDS = frozenset({"Sent Record", "Received Record", "Sent TLS Record", "Received TLS Record"})
_CONNECTING = re.compile(r"^Connecting to (?P<host>[0-9a-fA-F.:]{3,45}) port (?P<port>\d{1,5})")
_TRACED = re.compile(r"^ {4}(?P<name>[A-Z][A-Za-z]{3,30}), Length=(?P<size>\d{1,9})$")
_TRACED_ALERT = re.compile(
    r"^ {4}Level=[a-z]{3,10}\((?P<level>\d)\), description=[^(]{3,60}\((?P<code>\d{1,3})\)"
)
_EMPTY = 4
"""Bytes of the body of an empty Certificate message, at most (RFC 8446, 4.4.2)."""


def _over(story: Transcript) -> bool:
    """Tell whether this connection's handshake had begun and cannot begin anew."""
    return ("client", "ClientHello") in story.signs.said and (
        story.signs.fatal is not None or story.signs.finished("client")
    )


def version_of(text: str) -> str | None:
    """Return ``1.2`` for ``TLSv1.2`` and ``1.0`` for ``TLSv1``; None for SSL."""
    if not text.startswith("TLSv1"):
        return None
    return text.removeprefix("TLSv") if "." in text else "1.0"


def most_specific_first(line: str) -> str:
    """Turn a name of OpenSSL (``C = US, O = x`` or ``/C=US/O=x``) in RFC 4514 order."""
    if line.startswith("/"):
        parts = re.split(r"/(?=[A-Za-z0-9.]{1,40}=)", line)[1:]
        return ",".join(part.replace(",", "\\,") for part in reversed(parts))
    parts = re.split(r", (?=[A-Za-z0-9.]{1,40} ?=)", line)
    return ",".join(re.sub(r"^([A-Za-z0-9.]{1,40}) = ", r"\1=", part) for part in reversed(parts))
