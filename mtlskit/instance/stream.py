"""XML from outside, as a stream of events: the one way in which this room reads it.

Law of this file: a document is read once and nothing in it is obeyed. A DOCTYPE is shown to the
reader, who ends the reading, so there are no entities and no references to the outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from xml.parsers import expat

from mtlskit.material import Unreadable

_CHUNK = 1 << 16


class Listener(Protocol):
    """Takes the events of a document."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element's beginning."""

    def end(self, tag: str) -> None:
        """Take its end."""

    def text(self, text: str) -> None:
        """Take characters."""

    def doctype(self, *_: object) -> None:
        """Refuse a document type: it is the only door for entities and outside references."""


class Stream:
    """A document that is being read.

    Args:
        data: the document.
        encoding: of the data, where something outside the document tells it.
    """

    def __init__(self, data: bytes, encoding: str | None = None) -> None:
        # An editor that saves as UTF-16 leaves the declaration as it was; its mark knows.
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        self._data = data
        self._parser = expat.ParserCreate(encoding or ("utf-16" if wide else None))

    @property
    def line(self) -> int:
        """The line that is being read, from 1."""
        return self._parser.CurrentLineNumber

    def read(self, listener: Listener, unknown_encoding: Callable[[], Unreadable]) -> None:
        """Read to the end, unless the listener ends it.

        Raises:
            expat.ExpatError: it is cut short or not well-formed; the reader puts it in words.
            Unreadable: what `unknown_encoding` gives, or what the listener raises.
        """
        parser, view = self._parser, memoryview(self._data)
        parser.buffer_text = True
        parser.StartElementHandler = listener.start
        parser.EndElementHandler = listener.end
        parser.CharacterDataHandler = listener.text
        parser.StartDoctypeDeclHandler = listener.doctype
        try:
            for begin in range(0, len(view), _CHUNK):
                parser.Parse(bytes(view[begin : begin + _CHUNK]), False)  # noqa: FBT003 - expat's own
            parser.Parse(b"", True)  # noqa: FBT003 - expat takes it by position only
        except (LookupError, ValueError) as error:
            if isinstance(error, Unreadable):
                raise
            raise unknown_encoding() from None
