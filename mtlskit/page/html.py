"""A page as HTML: a fragment for a notebook, a whole document for a file.

Law of this file: everything from a block is escaped, no script, nothing is fetched. A notebook
strips `<style>` and inline SVG from what it does not trust, so a fragment carries its style inline
and its pictures as images; a document carries one style sheet and its pictures as they are.
How things look stands in `notebook.css` and `page.css`, under the same names.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

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

_RULE = re.compile(r"\.mk-([\w-]+)\s*\{([^}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LONG_RUN = re.compile(r"\S{15,}")
_WHOLE_DATE = r'<time style="white-space:nowrap">\g<0></time>'
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_PIECE = re.compile(r"[^.,:;/=@_+&?-]{1,16}[.,:;/=@_+&?-]?|[.,:;/=@_+&?-]{1,16}")
_DEEPEST = 6
_WORTH_CONTENTS = 4
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)

Dress = Callable[..., str]
"""From the names of a thing's looks to the attribute that gives it them."""


def fragment(page: Page) -> str:
    """Print the page for a notebook's output cell: headings begin at level 3, with any title."""
    press = _Press(_inlined, _image, anchors=False)
    body = press.blocks(page.blocks, 4 if page.title else 3, ())
    title = f"<h3{_inlined('title')}>{_text(page.title)}</h3>" if page.title else ""
    return f"<div{_inlined('page')}>{title}{body}</div>"


def document(page: Page) -> str:
    """Print the page as one self-contained HTML file, light, dark and on paper."""
    body = _Press(_classed, _inline_svg, anchors=True).blocks(page.blocks, 2, ())
    title = escape(visible(page.title))  # plain: no markup, and no hint where to break it
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="generator" content="mtlskit">\n'
        f"<title>{title}</title>\n<style>\n{_sheet('page.css')}</style>\n</head>\n<body>\n"
        f'<div class="mk-layout">\n{_contents(page)}<main class="mk-page">\n'
        f'<h1 class="mk-title">{title}</h1>\n{body}</main>\n</div>\n</body>\n</html>\n'
    )


@cache
def _sheet(name: str) -> str:
    return files("mtlskit.page").joinpath(name).read_text(encoding="utf-8")


@cache
def _looks() -> dict[str, str]:
    """Read the notebook's looks: one rule a name, no selector beyond a class."""
    rules = _RULE.findall(_COMMENT.sub("", _sheet("notebook.css")))
    return {name: " ".join(body.split()).rstrip("; ") for name, body in rules}


def _inlined(*names: str) -> str:
    style = ";".join(_looks()[name] for name in names if name in _looks())
    return f' style="{escape(style)}"' if style else ""


def _classed(*names: str) -> str:
    return f' class="{" ".join("mk-" + name for name in names)}"'


def _text(text: str) -> str:
    """Escape one line. A long run may be broken, with nothing that is copied; a date may not."""
    shown = visible(text)
    done, at = [], 0
    for run in _LONG_RUN.finditer(shown):
        done += [escape(shown[at : run.start()]), _broken(run[0])]
        at = run.end()
    return _DATE.sub(_WHOLE_DATE, "".join([*done, escape(shown[at:])]))


def _broken(run: str) -> str:
    return "<wbr>".join(map(escape, _PIECE.findall(run)))


def _contents(page: Page) -> str:
    """Link to the sections, where there are enough of them to get lost in."""
    links = [
        f'<li><a href="#{_anchor((number,))}">{_text(block.title)}</a></li>\n'
        for number, block in enumerate(page.blocks)
        if isinstance(block, Section)
    ]
    if len(links) < _WORTH_CONTENTS:
        return ""
    return f'<nav class="mk-contents" aria-label="Contents">\n<ol>\n{"".join(links)}</ol>\n</nav>\n'


def _anchor(path: tuple[int, ...]) -> str:
    return "s" + "-".join(map(str, path))


def _image(picture: Picture) -> str:
    data = b64encode(picture.svg.encode()).decode()
    width, height = _measure(picture.svg)
    said = escape(visible(picture.caption or "A drawing; the words beneath it say the same."))
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{said}" '
        f'width="{width}" height="{height}"{_inlined("image")}>'
    )


def _measure(svg: str) -> tuple[str, str]:
    found = re.search(r'<svg[^>]* width="(\d+)" height="(\d+)"', svg)
    return (found[1], found[2]) if found else ("720", "400")


def _inline_svg(picture: Picture) -> str:
    return picture.svg


@dataclass(frozen=True, slots=True)
class _Press:
    """Prints blocks in one of the two ways."""

    dress: Dress
    draw: Callable[[Picture], str]
    anchors: bool

    def blocks(self, blocks: Iterable[Block], level: int, path: tuple[int, ...]) -> str:
        return "".join(self.block(one, level, (*path, at)) for at, one in enumerate(blocks))

    def block(self, block: Block, level: int, path: tuple[int, ...]) -> str:
        match block:
            case Paragraph(said):
                printed = f"<p{self.dress('paragraph')}>{self.inline(said)}</p>\n"
            case Callout():
                printed = self.callout(block, level, path)
            case Fields(rows):
                printed = self.fields(rows)
            case Table():
                printed = self.table(block)
            case Items():
                printed = self.items(block)
            case Listing(said):
                printed = self.listing(said)
            case Picture():
                printed = self.picture(block)
            case Section():
                printed = self.section(block, level, path)
        return printed

    def inline(self, inline: Inline) -> str:
        match inline:
            case str():
                printed = _text(inline)
            case Code(said):
                printed = f'<code dir="auto"{self.dress("code")}>{_text(said)}</code>'
            case Strong(said):
                printed = f"<strong{self.dress('strong')}>{_text(said)}</strong>"
            case Badge(said, tone):
                printed = f"<span{self.dress('badge', f'badge-{tone}')}>{_text(said)}</span>"
            case tuple():
                printed = "".join(map(self.inline, inline))
        return printed

    def section(self, section: Section, level: int, path: tuple[int, ...]) -> str:
        rank = min(level, _DEEPEST)
        mark = f' id="{_anchor(path)}"' if self.anchors else ""
        title = _text(section.title)
        inner = self.blocks(section.blocks, level + 1, path)
        off = () if section.paper else ("off-paper",)
        if section.folded:
            return (
                f"<details{self.dress('fold', *off)}><summary{self.dress('summary')}>"
                f"<h{rank}{self.dress('fold-title')}>{title}</h{rank}></summary>\n"
                f"<div{mark}{self.dress('folded')}>\n{inner}</div></details>\n"
            )
        heading = f"<h{rank}{self.dress('heading', f'heading-{level}')}>{title}</h{rank}>"
        return f"<section{mark}{self.dress('section', *off)}>\n{heading}\n{inner}</section>\n"

    def callout(self, callout: Callout, level: int, path: tuple[int, ...]) -> str:
        word = TONE_WORDS[callout.tone].capitalize()
        tone = callout.tone
        said = f"<p{self.dress('tone', f'tone-{tone}')}>{word}</p>\n" if word else ""
        return (
            f"<div{self.dress('callout', f'callout-{tone}')}>\n{said}"
            f"<p{self.dress('callout-title')}>{_text(callout.title)}</p>\n"
            f"{self.blocks(callout.blocks, level, path)}</div>\n"
        )

    def fields(self, rows: Iterable[tuple[str, Inline]]) -> str:
        printed = "".join(
            f'<tr{self.dress("row")}><th scope="row"{self.dress("name")}>{_text(name)}</th>'
            f"<td{self.dress('value')}>{self.inline(value)}</td></tr>\n"
            for name, value in rows
        )
        return f"<table{self.dress('fields')}><tbody>\n{printed}</tbody></table>\n"

    def table(self, table: Table) -> str:
        if not table.rows:
            said = f"{_text(table.caption)}: none" if table.caption else "None."
            return f"<p{self.dress('paragraph')}>{said}</p>\n"
        return (
            f"<table{self.dress('table')}>\n{self.caption(table.caption)}"
            f"<thead><tr{self.dress('row')}>{self.heads(table.columns)}</tr></thead>\n"
            f"<tbody>\n{''.join(map(self.row, table.rows))}</tbody></table>\n"
        )

    def heads(self, names: Iterable[str]) -> str:
        return "".join(
            f'<th scope="col"{self.dress("head")}>{_text(name)}</th>'
            if name
            else f"<td{self.dress('head')}></td>"
            for name in names
        )

    def row(self, cells: Iterable[Inline]) -> str:
        printed = "".join(f"<td{self.dress('cell')}>{self.inline(cell)}</td>" for cell in cells)
        return f"<tr{self.dress('row')}>{printed}</tr>\n"

    def caption(self, said: str) -> str:
        return f"<caption{self.dress('caption')}>{_text(said)}</caption>\n" if said else ""

    def items(self, items: Items) -> str:
        tag = "ol" if items.numbered else "ul"
        printed = "".join(
            f"<li{self.dress('item')}>{self.inline(item)}</li>\n" for item in items.items
        )
        return f"<{tag}{self.dress('items')}>\n{printed}</{tag}>\n"

    def listing(self, said: str) -> str:
        lines = escape("\n".join(visible_lines(said)))
        return f"<pre{self.dress('listing')}><code{self.dress('lines')}>{lines}</code></pre>\n"

    def picture(self, picture: Picture) -> str:
        said = f"<figcaption{self.dress('figcaption')}>{_text(picture.caption)}</figcaption>\n"
        return (
            f"<figure{self.dress('figure')}>\n{self.draw(picture)}\n"
            f"{said if picture.caption else ''}"
            f"<details{self.dress('words')}><summary{self.dress('words-summary')}>The same in words"
            f"</summary>{self.listing(picture.words)}</details>\n</figure>\n"
        )
