"""A page as plain text for a terminal, a log or a mail.

Law of this file: ASCII frames, no colour codes, nothing wider than asked except a `Listing` (a
command must stay on its line) and a picture's words. Every statement of the page is there, folded
or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeGuard

from mtlskit.page.blocks import (
    Badge,
    Block,
    Callout,
    Code,
    Fields,
    Inline,
    Items,
    Listing,
    Page,
    Paragraph,
    Picture,
    Section,
    Strong,
    Table,
)
from mtlskit.page.letters import columns, padded, visible, visible_lines, wrap

WIDTH = 96
"""Columns that a page takes if nothing else is said."""

TONE_WORDS = {"good": "GOOD", "bad": "PROBLEM", "warn": "ATTENTION", "info": "NOTE", "plain": ""}
"""What each tone is called, so that it does not live in colour alone."""

_GUTTER = "  "
_NARROWEST = 8
_WIDEST_NAME = 28


def text(page: Page, width: int = WIDTH) -> str:
    """Print the page in `width` columns (20 at least); ends with a line break."""
    width = max(20, width)
    title = wrap(visible(page.title), width)
    lines = [*title, "=" * max(map(columns, title)), "", *_blocks(page.blocks, width, 1)]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def brief(page: Page, elsewhere: str, without: Collection[str] = ()) -> Page:
    """Return the page without its folded sections, for a terminal; the end names what is left out.

    Args:
        page: the whole page.
        elsewhere: where the rest is found, as a sentence; the titles follow it.
        without: titles of further sections to leave out.
    """
    left = [one.title for one in page.blocks if _left_out(one, without)]
    kept = tuple(_unfolded(one) for one in page.blocks if not _left_out(one, without))
    if not left:
        return Page(page.title, kept)
    return Page(page.title, (*kept, Paragraph(f"{elsewhere} {'; '.join(left)}.")))


def _left_out(block: Block, without: Collection[str]) -> TypeGuard[Section]:
    return isinstance(block, Section) and (block.folded or block.title in without)


def _unfolded(block: Block) -> Block:
    """Leave the folds within a section out; its own title says what they are about."""
    if not isinstance(block, Section):
        return block
    kept = (one for one in block.blocks if not _left_out(one, ()))
    return Section(block.title, tuple(map(_unfolded, kept)))


def plain_inline(inline: Inline) -> str:
    """Return the line as bare words: a badge in brackets, the rest unmarked."""
    match inline:
        case str():
            return visible(inline)
        case Badge(said):
            return f"[{visible(said)}]"
        case Code(said) | Strong(said):
            return visible(said)
    return "".join(map(plain_inline, inline))


def _blocks(blocks: Iterable[Block], width: int, depth: int) -> list[str]:
    """Print the blocks, a blank line after each."""
    return [line for block in blocks for line in (*_block(block, width, depth), "")]


def _block(block: Block, width: int, depth: int) -> list[str]:
    match block:
        case Paragraph(said):
            printed = wrap(plain_inline(said), width)
        case Callout():
            printed = _callout(block, width, depth)
        case Fields(rows):
            printed = _fields(rows, width)
        case Table():
            printed = _table(block, width)
        case Items():
            printed = _items(block, width)
        case Listing(said):
            printed = ["    " + line for line in visible_lines(said)]
        case Picture():
            printed = _picture(block, width)
        case Section():
            printed = _section(block, width, depth)
    return printed


def _section(section: Section, width: int, depth: int) -> list[str]:
    title = wrap(visible(section.title), width)
    rule = "-" if depth == 1 else "~"
    body = _blocks(section.blocks, width, depth + 1)
    return [*title, rule * max(map(columns, title)), *_without_last_blank(body)]


def _callout(callout: Callout, width: int, depth: int) -> list[str]:
    word = TONE_WORDS[callout.tone]
    title = f"{word}: {visible(callout.title)}" if word else visible(callout.title)
    body = _without_last_blank(_blocks(callout.blocks, width - 2, depth))
    lines = [*wrap(title, width - 2), *(["", *body] if body else [])]
    return ["| " + line for line in lines]


def _without_last_blank(lines: list[str]) -> list[str]:
    return lines[:-1] if lines and not lines[-1] else lines


def _picture(picture: Picture, width: int) -> list[str]:
    caption = wrap(visible(picture.caption), width) if picture.caption else []
    return [*caption, *visible_lines(picture.words)]


def _items(items: Items, width: int) -> list[str]:
    lines: list[str] = []
    for number, item in enumerate(items.items, 1):
        mark = f"{number}. " if items.numbered else "- "
        lines += _hung(mark, wrap(plain_inline(item), width - len(mark)))
    return lines


def _hung(mark: str, lines: Sequence[str]) -> list[str]:
    """Put the mark before the first line and as many blanks before the others."""
    return [(mark if first else " " * columns(mark)) + line for first, line in _first(lines)]


def _first(lines: Sequence[str]) -> Iterable[tuple[bool, str]]:
    return ((number == 0, line) for number, line in enumerate(lines))


def _fields(rows: Sequence[tuple[str, Inline]], width: int) -> list[str]:
    names = [visible(name) for name, _ in rows]
    widest = min(max(map(columns, names), default=0), _WIDEST_NAME, width // 2)
    lines: list[str] = []
    for name, (_, value) in zip(names, rows, strict=True):
        heads = wrap(name, widest)
        values = wrap(plain_inline(value), width - widest - len(_GUTTER))
        lines += _side_by_side((heads, values), (widest, 0))
    return lines


def _table(table: Table, width: int) -> list[str]:
    caption = wrap(visible(table.caption), width) if table.caption else []
    cells = [[plain_inline(cell) for cell in row] for row in table.rows]
    heads = [visible(name) for name in table.columns]
    if not cells:
        return [*caption, "(none)"]
    widths = _fitted([heads, *cells], width)
    if widths is None:
        return [*caption, *_stacked(heads, cells, width)]
    return [*caption, *_grid(heads, cells, widths)]


def _grid(heads: Sequence[str], cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    printed = [_row(row, widths) for row in cells]
    airy = any(len(row) > 1 for row in printed)
    body = [line for row in printed for line in ([*row, ""] if airy else row)]
    rule = _GUTTER.join("-" * wide for wide in widths)
    return [*_row(heads, widths), rule, *_without_last_blank(body)]


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [wrap(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
    return _side_by_side(wrapped, widths)


def _side_by_side(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    height = max(map(len, cells), default=0)
    return [
        _GUTTER.join(
            padded(cell[line] if line < len(cell) else "", wide)
            for cell, wide in zip(cells, widths, strict=True)
        )
        for line in range(height)
    ]


def _fitted(rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return a width for each column so that the row fits; None if no readable ones do."""
    wanted = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    room = width - len(_GUTTER) * (len(wanted) - 1)
    least = [min(wide, _NARROWEST) for wide in wanted]
    if sum(least) > room:
        return None
    ceiling = _ceiling(wanted, room)
    return [min(wide, ceiling) for wide in wanted]


def _ceiling(wanted: Sequence[int], room: int) -> int:
    """Return the greatest width which, as a limit for every column, makes the row fit."""
    left = room
    for at, wide in enumerate(sorted(wanted)):
        share = left // (len(wanted) - at)
        if wide > share:
            return share
        left -= wide
    return max(wanted)


def _stacked(heads: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[str]:
    """Print each row as names with values, where the columns are too many for the width."""
    lines: list[str] = []
    for row in cells:
        lines += [*_fields(tuple(zip(heads, row, strict=True)), width), ""]
    return _without_last_blank(lines)
