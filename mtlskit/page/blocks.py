"""The blocks that a page is made of. Law of this room: no block knows what it is about.

A result describes itself once, as a `Page` of these blocks; `text`, `html` and `markdown` print it.
All text in a block is plain text: the printers escape it. `Inline` text may mark code and strong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "warn", "info", "plain"]
"""How a thing is meant, said in words and colour both, never in colour alone."""


@dataclass(frozen=True, slots=True)
class Code:
    """A short literal within a sentence: a property's name, an alias, a command."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A word or two that a hurried reader must not miss."""

    text: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A standing or verdict in a coloured frame: ``LIKELY``, ``expired``."""

    text: str
    tone: Tone = "plain"


Inline = str | Code | Strong | Badge | tuple["str | Code | Strong | Badge", ...]
"""Text within a line: a plain string, a marked piece, or a row of them."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: Inline


@dataclass(frozen=True, slots=True)
class Callout:
    """The one thing to read first, in a frame with a headline."""

    title: str
    blocks: tuple[Block, ...] = ()
    tone: Tone = "info"


@dataclass(frozen=True, slots=True)
class Fields:
    """Names with their values, one pair a line."""

    rows: tuple[tuple[str, Inline], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each row has as many cells as there are columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list; numbered where the order counts."""

    items: tuple[Inline, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Literal lines: a command to run, a log line, a message ready to paste."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing of our own, with the words that say the same."""

    svg: str
    words: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what belongs to it.

    Attributes:
        folded: it shows its heading alone at first.
        paper: whether it is printed; a long listing that is looked up in the file need not be.
    """

    title: str
    blocks: tuple[Block, ...]
    folded: bool = False
    paper: bool = True


Block = Paragraph | Callout | Fields | Table | Items | Listing | Picture | Section


@dataclass(frozen=True, slots=True)
class Page:
    """A titled run of blocks: what every result of the kit turns into."""

    title: str
    blocks: tuple[Block, ...]
