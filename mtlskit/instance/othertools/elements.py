"""The elements of an XML file, one after the other, for readers of other tools' settings.

Law of this file: the same as for an instance's exports. A document is read once, as a stream; a
DOCTYPE ends the reading, so there are no entities and no references to the outside; depth and
length have a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.parsers import expat

from mtlskit.instance.othertools.tool import MAX_BYTES, refused
from mtlskit.instance.rows import MAX_DEPTH
from mtlskit.material import Blob, Unreadable

MAX_TEXT = 65536
"""Characters of one element that are kept; a longer one is a message's body, and no setting."""
_CHUNK = 1 << 16
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
    wide = blob.data.startswith((b"\xff\xfe", b"\xfe\xff"))
    parser = expat.ParserCreate("utf-16" if wide else None)
    walker = _Walker(blob, see, parser)
    parser.buffer_text = True
    parser.StartElementHandler = walker.start
    parser.EndElementHandler = walker.end
    parser.CharacterDataHandler = walker.characters
    parser.StartDoctypeDeclHandler = walker.doctype
    try:
        for begin in range(0, len(blob.data), _CHUNK):
            parser.Parse(blob.data[begin : begin + _CHUNK], False)  # noqa: FBT003 - expat's own
        parser.Parse(b"", True)  # noqa: FBT003 - expat takes it by position only
    except expat.ExpatError as error:
        says = f"is cut short or damaged in line {error.lineno}: {expat.ErrorString(error.code)}."
        raise refused(blob.source.at(f"line {error.lineno}"), "damaged", says) from None
    except (LookupError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise refused(blob.source, "damaged", "declares an encoding that is not known.") from None


class _Walker:
    """Turns the parser's events into elements."""

    def __init__(
        self, blob: Blob, see: Callable[[Element], None], parser: expat.XMLParserType
    ) -> None:
        self._blob = blob
        self._see = see
        self._parser = parser
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
        line = self._parser.CurrentLineNumber
        element = Element(tag.rpartition(":")[2], attributes, tuple(self._open), line)
        self._open.append(element)

    def characters(self, text: str) -> None:
        """Take text, up to a limit."""
        if self._open and len(self._open[-1].text) < MAX_TEXT:
            self._open[-1].text += text

    def end(self, _tag: str) -> None:
        """Close an element and show it."""
        self._see(self._open.pop())
