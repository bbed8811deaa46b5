"""What foreign letters may do to a page: nothing.

Law of this file: every character that a reader cannot see, or that would reorder or hide what
stands beside it, is shown by its code point; nothing is dropped in silence. Widths are columns of
a terminal, where an East Asian letter takes two (Unicode Standard Annex 11).
"""

from __future__ import annotations

from itertools import takewhile
from unicodedata import combining, east_asian_width

_BLANK = dict.fromkeys(map(ord, "\n\t"), " ")


def visible(text: str) -> str:
    r"""Return one line: breaks and tabs are blanks, other hidden characters ``[U+202E]``.

    Hidden are control and format characters (also right-to-left marks and zero-width joints),
    lone surrogates, private and unassigned code points, and blanks other than U+0020, since an
    alias with a no-break space at its end is a fault that somebody has to see.
    """
    if text.isprintable():
        return text
    return "".join(map(_seen, text.replace("\r\n", "\n").translate(_BLANK)))


def visible_lines(text: str) -> list[str]:
    """Return the text's lines, each made visible; tabs are widened to four columns."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [visible(line.expandtabs(4)).rstrip() for line in lines]


def _seen(letter: str) -> str:
    return letter if letter.isprintable() else f"[U+{ord(letter):04X}]"


def columns(text: str) -> int:
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_column, text))


def _column(letter: str) -> int:
    if combining(letter):
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1


def padded(text: str, width: int) -> str:
    """Return the text with blanks at its end, so that it takes `width` columns."""
    return text + " " * max(0, width - columns(text))


def wrap(text: str, width: int) -> list[str]:
    """Break the text into lines of at most `width` columns; at least one line, maybe empty.

    A word longer than a line is broken wherever it must be.
    """
    done: list[str] = []
    line = ""
    for word in text.split(" "):
        for piece in _pieces(word, width):
            joined = f"{line} {piece}" if line else piece
            if columns(joined) <= width:
                line = joined
            else:
                done.append(line)
                line = piece
    return [*done, line]


def _pieces(word: str, width: int) -> list[str]:
    pieces: list[str] = []
    while columns(word) > width:
        head = _head(word, width)
        pieces.append(head)
        word = word[len(head) :]
    return [*pieces, word] if word else pieces


def _head(word: str, width: int) -> str:
    """Return as many of the first letters as fit; always at least one."""
    taken = 0

    def fits(letter: str) -> bool:
        nonlocal taken
        taken += _column(letter)
        return taken <= width

    return "".join(takewhile(fits, word)) or word[0]
