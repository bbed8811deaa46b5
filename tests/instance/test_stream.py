"""XML as a stream: read once, nothing obeyed, whoever reads it."""

from __future__ import annotations

from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.instance.stream import Stream
from mtlskit.material import Problem, Source, Unreadable


def unknown() -> Unreadable:
    """Say that the encoding is not known."""
    return Unreadable(Problem("damaged", "Its encoding is not known.", Source("a.xml")))


class Heard:
    """A reader that writes down what it hears, and ends at a DOCTYPE."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.told: list[tuple[str, str, int]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Write it down."""
        self.told.append(("start", tag + "".join(attributes), self.stream.line))

    def end(self, tag: str) -> None:
        """Write it down."""
        self.told.append(("end", tag, self.stream.line))

    def text(self, text: str) -> None:
        """Write it down."""
        self.told.append(("text", text, self.stream.line))

    def doctype(self, *_: object) -> None:
        """End the reading."""
        raise Unreadable(Problem("doctype", "It declares a DOCTYPE.", Source("a.xml")))


def heard(data: bytes) -> list[tuple[str, str]]:
    """Read a document, and return what was heard of it."""
    stream = Stream(data)
    listener = Heard(stream)
    stream.read(listener, unknown)
    return [one[:2] for one in listener.told]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_document_is_heard_in_order_whatever_its_encoding(encoding: str) -> None:
    """A byte order mark is worth more than the declaration, which editors leave as it was."""
    data = '<?xml version="1.0" encoding="UTF-8"?><a b="1"><c>\u00e9</c></a>'.encode(encoding)
    told = [("start", "ab"), ("start", "c"), ("text", "\u00e9"), ("end", "c"), ("end", "a")]
    assert heard(data) == told


def test_a_doctype_ends_the_reading_before_any_entity_counts() -> None:
    """The bomb is not reached."""
    bomb = b'<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'
    with pytest.raises(Unreadable, match="DOCTYPE"):
        heard(bomb)


def test_an_encoding_that_nobody_knows_is_told_in_the_readers_words() -> None:
    """And it is no traceback of the parser."""
    with pytest.raises(Unreadable, match="not known"):
        heard(b'<?xml version="1.0" encoding="made-up"?><a/>')


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else than the two ways to fail."""
    try:
        heard(b"<a>" + data)
    except (Unreadable, expat.ExpatError):
        return
