"""The elements of an XML file, one after the other, for readers of other tools' settings.

Law of this file: the same as for an instance's exports. A document is read once, as a stream; a
DOCTYPE ends the reading, so there are no entities and no references to the outside; depth and
length have a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from xml.parsers import expat

from mtlskit.instance.othertools.tool import MAX_BYTES, refused
from mtlskit.instance.rows import MAX_DEPTH
from mtlskit.instance.stream import Stream
from mtlskit.material import Blob

MAX_TEXT = 65536
"""Characters of one element that are kept; a longer one is a message's body, and no setting."""
_DEEPER = 4
"""Projects nest deeper than exports: this many times."""


@dataclass(slots=True)
class Element:
    """An element that was closed.

    Attributes:
        tag: its name without a prefix.
        parents: the elements around it, outermost first; their texts are not whole yet.
        line: where it began.
    """

    tag: str
    attributes: Mapping[str, str]
    parents: tuple[Element, ...]
    line: int
    text: str = ""


def walk(blob: Blob, see: Callable[[Element], None]) -> None:
    """Read a document, and show every element once it is closed.

    Raises:
        Unreadable: it is too long, cut short, damaged, nested too deep, or has a DOCTYPE.
    """
    if len(blob.data) > MAX_BYTES:
        says = f"is longer than {MAX_BYTES >> 20} MB, the most that is read."
        raise refused(blob.source, "too-large", says)
    stream = Stream(blob.data)
    unknown = partial(refused, blob.source, "damaged", "declares an encoding that is not known.")
    try:
        stream.read(_Walker(blob, see, stream), unknown)
    except expat.ExpatError as error:
        says = f"is cut short or damaged in line {error.lineno}: {expat.ErrorString(error.code)}."
        raise refused(blob.source.at(f"line {error.lineno}"), "damaged", says) from None


class _Walker:
    """Turns the parser's events into elements."""

    def __init__(self, blob: Blob, see: Callable[[Element], None], stream: Stream) -> None:
        self._blob = blob
        self._see = see
        self._stream = stream
        self._open: list[Element] = []

    def doctype(self, *_: object) -> None:
        """Refuse a document type: it is the only door for entities and outside references."""
        says = "declares a DOCTYPE, which no such file does. It was not read further."
        raise refused(self._blob.source, "doctype", says)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        if len(self._open) >= MAX_DEPTH * _DEEPER:
            says = f"nests elements more than {MAX_DEPTH * _DEEPER} deep."
            raise refused(self._blob.source, "too-deep", says)
        name = tag.rpartition(":")[2]
        element = Element(name, attributes, tuple(self._open), self._stream.line)
        self._open.append(element)

    def text(self, text: str) -> None:
        """Take text, up to a limit."""
        if self._open and len(self._open[-1].text) < MAX_TEXT:
            self._open[-1].text += text

    def end(self, _tag: str) -> None:
        """Close an element and show it."""
        self._see(self._open.pop())
