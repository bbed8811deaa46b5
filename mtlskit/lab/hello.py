"""What comes first on a line: the ClientHello, read and put back, and who is answered by name.

Law of this file: what was read is handed on untouched, byte by byte.
"""

from __future__ import annotations

from collections.abc import Collection

from mtlskit.lab.endpoint import Behaviour, Line, Visit
from mtlskit.wire.conversation import Conversation
from mtlskit.wire.messages import ClientHello

_LIMIT = 65536
_UNRECOGNIZED_NAME = bytes.fromhex("15030300020270")
"""A record with the fatal alert 112, before any key is agreed on (RFC 6066, 3)."""


class Again(Line):
    """The same line, with what was read of it to be read once more."""

    def __init__(self, line: Line, first: bytes) -> None:
        vars(self).update(vars(line))
        self._first = first

    def receive(self) -> bytes:
        """Return what was put back, and then what comes."""
        if self._first:
            data, self._first = self._first, b""
            return data
        return super().receive()


def read_hello(line: Line) -> tuple[bytes, str | None]:
    """Read until the ClientHello is whole; return what was read, and the server name in it."""
    conversation, read = Conversation(), b""
    while len(read) < _LIMIT:
        data = line.receive()
        read += data
        for seen in conversation.feed("client", data):
            hello = seen.item
            return read, hello.server_name if isinstance(hello, ClientHello) else None
    return read, None


def only(names: Collection[str], behind: Behaviour) -> Behaviour:
    """Answer those who ask for one of these names; the others with unrecognized_name."""

    def behave(line: Line) -> Visit:
        first, name = read_hello(line)
        if name in names:
            return behind(Again(line, first))
        line.send(_UNRECOGNIZED_NAME)
        return Visit(ended=f"no server here has the name {name!r}")

    return behave
