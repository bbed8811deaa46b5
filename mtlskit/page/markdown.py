r"""A page as GitHub-flavoured Markdown, ready to paste into a ticket.

Law of this file: text never becomes markup. What has a meaning in Markdown is escaped, a code span
is fenced by more backticks than it holds, and no raw HTML is written. Folds are not used, since
many trackers show their tags; every statement of the page is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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
from mtlskit.page.letters import visible, visible_lines
from mtlskit.page.text import TONE_WORDS

_DEEPEST = 6
_MARKUP = re.compile(r"[\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_OPENING = re.compile(r"^(\s*)([#+=-])|^(\s*\d{1,9})([.)])")
_BACKTICKS = re.compile(r"`+")


def markdown(page: Page) -> str:
    """Print the page; ends with a line break."""
    parts = [f"# {_escaped(page.title)}", *_blocks(page.blocks, 2)]
    return "\n\n".join(parts) + "\n"


def _blocks(blocks: Iterable[Block], level: int) -> list[str]:
    return [part for block in blocks for part in _block(block, level)]


def _block(block: Block, level: int) -> list[str]:
    match block:
        case Paragraph(said):
            printed = [_opened(_inline(said).strip())]
        case Callout():
            printed = [_callout(block, level)]
        case Fields(rows):
            printed = [
                "\n".join(f"- **{_escaped(name)}:** {_inline(value)}" for name, value in rows)
            ]
        case Table():
            printed = _table(block)
        case Items():
            printed = [_items(block)]
        case Listing(said, language):
            printed = [_fenced(visible_lines(said), language)]
        case Picture(_, words, caption):
            head = [_opened(_escaped(caption))] if caption else []
            printed = [*head, _fenced(visible_lines(words), "text")]
        case Section(title, inner):
            heading = "#" * min(level, _DEEPEST)
            printed = [f"{heading} {_escaped(title)}", *_blocks(inner, level + 1)]
    return printed


def _callout(callout: Callout, level: int) -> str:
    word = TONE_WORDS[callout.tone]
    title = f"**{word}:** " if word else ""
    parts = [f"{title}**{_escaped(callout.title)}**", *_blocks(callout.blocks, level)]
    lines = "\n\n".join(parts).split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _table(table: Table) -> list[str]:
    caption = [_opened(_escaped(table.caption))] if table.caption else []
    if not table.rows:
        return [*caption, "(none)"]
    rows = [
        _row(map(_escaped, table.columns)),
        _row("---" for _ in table.columns),
        *(_row(_cell(cell) for cell in row) for row in table.rows),
    ]
    return [*caption, "\n".join(rows)]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(inline: Inline) -> str:
    return _inline(inline, in_table=True) or " "


def _items(items: Items) -> str:
    marks = [f"{number}. " if items.numbered else "- " for number in range(1, len(items.items) + 1)]
    said = (_opened(_inline(item)) for item in items.items)
    return "\n".join(mark + item for mark, item in zip(marks, said, strict=True))


def _fenced(lines: Sequence[str], language: str) -> str:
    body = "\n".join(lines)
    longest = max((len(run) for run in _BACKTICKS.findall(body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language if language.isalnum() else ''}\n{body}\n{fence}"


def _inline(inline: Inline, *, in_table: bool = False) -> str:
    match inline:
        case str():
            return _escaped(inline)
        case Code(said):
            span = _code(visible(said))
            return span.replace("|", r"\|") if in_table else span
        case Strong(said) | Badge(said):
            return f"**{_escaped(said)}**" if said.strip() else ""
    return "".join(_inline(piece, in_table=in_table) for piece in inline)


def _code(said: str) -> str:
    """Fence a code span (CommonMark 0.31, 6.1)."""
    if not said.strip():
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(said)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if said[0] in "` " or said[-1] in "` " else ""
    return f"{fence}{edge}{said}{edge}{fence}"


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: "\\" + found[0], visible(text))


def _opened(line: str) -> str:
    """Escape what would make a list, a heading or a rule at the beginning of a line."""
    return _OPENING.sub(
        lambda found: (found[1] or "") + (found[3] or "") + "\\" + (found[2] or found[4]), line
    )
