"""What is said in plain text before TLS begins: to a proxy, or to the server that is to start it.

Law of this file: every wait ends at the line's deadline, and everything that is read has a limit.
What was said is kept as remarks, one line each, and credentials are never among them.
"""

from __future__ import annotations

from typing import Literal, NoReturn

from mtlskit.collect.tcp import Line, NoConnectionError
from mtlskit.material import Failure, Remark

LIMIT = 65536
"""Bytes that are read before TLS begins; a greeting or a proxy's answer needs far fewer."""

LINES = 200
"""Lines of one answer; more is no answer of these protocols."""

WORDS = 300
"""Characters of one remark."""

_Speaker = Literal["server", "between"]
_NOT_SHOWN = "(not shown)"


class Plain:
    """A conversation before TLS, over a line that is connected.

    Attributes:
        remarks: what was said so far.
        speaker: who is at the other end now: a proxy, or the server behind it.
        who: that one, as it is called in a sentence.
        hint: what silence may mean at this point.
    """

    __slots__ = ("_hidden", "_line", "_read", "_unread", "hint", "remarks", "speaker", "who")

    def __init__(self, line: Line, remarks: list[Remark]) -> None:
        """Begin; what is said is added to `remarks`."""
        self.remarks = remarks
        self.speaker: _Speaker = "server"
        self.who = "the server"
        self.hint = ""
        self._line = line
        self._unread = b""
        self._read = 0
        self._hidden: tuple[str, ...] = ()

    def hide(self, *words: str) -> None:
        """Keep these out of every remark and failure, also where the other side repeats them."""
        self._hidden += tuple(sorted((one for one in words if one), key=len, reverse=True))

    def say(self, data: bytes, told: str) -> None:
        """Send `data`; it is told as `told`."""
        self._line.put(data)
        self._remark("client", told)

    def heard(self, words: str | bytes) -> str:
        """Keep a remark of the other side; return it as it may be shown."""
        return self._remark(self.speaker, self.shown(words)).text

    def seen(self, words: str) -> None:
        """Keep a remark of our own."""
        self._remark(None, words)

    def shown(self, words: str | bytes) -> str:
        """Return foreign words in one line, cut short, and without what is hidden."""
        text = words if isinstance(words, str) else words.decode("utf-8", "backslashreplace")
        for one in self._hidden:
            text = text.replace(one, _NOT_SHOWN)
        text = " ".join(text.split())[:WORDS]
        return "".join(one if one.isprintable() else _escaped(one) for one in text)

    def line(self) -> bytes:
        """Read a line; return it without its end."""
        return self._until(b"\n").rstrip(b"\r\n")

    def head(self) -> list[bytes]:
        """Read lines up to an empty one."""
        lines = []
        while line := self.line():
            lines.append(line)
            if len(lines) > LINES:
                self.decline(f"{self.who} answered with more than {LINES} lines")
        return lines

    def exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        while len(self._unread) < size:
            self._more()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def decline(self, text: str, code: int | None = None) -> NoReturn:
        """End it here: the other side answered, and TLS cannot begin."""
        self.fail("declined", text, code)

    def fail(
        self,
        kind: Literal["refused", "timeout", "reset", "unreachable", "declined", "unresolved"],
        text: str,
        code: int | None = None,
    ) -> NoReturn:
        """End it here for whatever reason; foreign words in `text` were made fit by `shown`."""
        raise NoConnectionError(Failure(kind, text, self.speaker, code))

    def left(self) -> bytes:
        """Return what was read too much; TLS begins with it."""
        data, self._unread = self._unread, b""
        if data:
            self.seen(f"{self.who} sent {len(data)} bytes before TLS had begun")
        return data

    def _remark(self, speaker: Literal["client", "server", "between"] | None, text: str) -> Remark:
        remark = Remark(self._line.seconds, speaker, text)
        self.remarks.append(remark)
        return remark

    def _until(self, end: bytes) -> bytes:
        searched = 0
        while (place := self._unread.find(end, searched)) < 0:
            searched = len(self._unread)
            self._more()
        return self.exactly(place + len(end))

    def _more(self) -> None:
        """Read on; raise if there is nothing more, or too much."""
        data = self._line.read(self._line.deadline)
        if data is None:
            text = f"{self.who} did not answer before the deadline{self._so_far()}{self.hint}"
            self.fail("timeout", text)
        if not data:
            how = "reset" if self._line.trouble else "closed"
            text = f"{self.who} {how} the connection before TLS{self._so_far()}{self.hint}"
            self.fail("reset", text)
        self._read += len(data)
        if self._read > LIMIT:
            self.decline(f"{self.who} sent more than {LIMIT >> 10} KiB before TLS")
        self._unread += data

    def _so_far(self) -> str:
        words = self.shown(self._unread[:WORDS])
        return f"; it had begun to say {words!r}" if words else ""


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
