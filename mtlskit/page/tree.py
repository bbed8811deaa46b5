"""A tree of things, each with how it stands: from one root to where its branches end.

Law of this file: it knows of nodes, words and tones, and nothing of what they mean. The picture
and its words say the same; a tone is a sign and a colour, never a colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from mtlskit.page.blocks import Picture, Tone
from mtlskit.page.drawing import (
    CARD,
    MUTED,
    SOFT,
    STRONG_LINE,
    TONE,
    drawing,
    fitted,
    reach,
    sign,
    write,
)
from mtlskit.page.letters import visible, wrap

NODES_DRAWN = 60
"""A tree of more nodes is cut; the last line says how many there are beside."""
_WIDE, _INDENT, _ROW, _CARD_HIGH = 780, 34, 58, 46
_DEEPEST = 8
"""Deeper nodes are drawn no further to the right."""
_LABEL, _SMALL = 13.0, 11.5
_BOLD = 1.14
_LEAST = 150.0
_MARKS = {"bad": "!!", "warn": "!", "good": "ok", "info": "", "plain": ""}
_COLUMNS = 92


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the tree.

    Attributes:
        said: how it stands, in a few words, or nothing.
        children: what hangs on it, the most telling first.
    """

    label: str
    said: str = ""
    tone: Tone = "plain"
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node with its depth, its line, the line of its parent, and which ancestors go on."""

    node: Node
    depth: int
    line: int
    parent: int | None
    goes_on: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """One root and all that hangs on it."""

    root: Node

    def picture(self, caption: str = "") -> Picture:
        """Return the drawing with the words that say the same."""
        return Picture(self.svg(), self.words(), caption)

    def svg(self) -> str:
        """Draw it, 780 wide and as high as it needs to be."""
        every, left_out = self._lines()
        height = 12 + _ROW * len(every) + (24 if left_out else 0)
        label = "; ".join(_full(one.node) for one in every[:12])
        more = write(20, height - 12, [_left_out(left_out)], size=_SMALL, anchor="start")
        parts = [*(_elbow(one, every) for one in every), *map(_card, every)]
        return drawing(_WIDE, height, label, [*parts, more if left_out else ""])

    def words(self) -> str:
        """Say it, a node a line, in lines of at most 92 columns."""
        every, left_out = self._lines()
        lines = [line for one in every for line in _said(one)]
        return "\n".join([*lines, *([_left_out(left_out)] if left_out else [])])

    def _lines(self) -> tuple[list[_Placed], int]:
        every = list(_placed(self.root))
        return every[:NODES_DRAWN], max(0, len(every) - NODES_DRAWN)


def _left_out(count: int) -> str:
    return f"and {count} more"


def _placed(root: Node) -> Iterator[_Placed]:
    """Give every node, each before its children, without recursion: a tree may be deep."""
    waiting: list[tuple[Node, int | None, tuple[bool, ...]]] = [(root, None, ())]
    line = 0
    while waiting:
        node, parent, goes_on = waiting.pop()
        yield _Placed(node, len(goes_on), line, parent, goes_on)
        last = len(node.children) - 1
        following = [
            (child, line, (*goes_on, at != last)) for at, child in enumerate(node.children)
        ]
        waiting += reversed(following)
        line += 1


def _full(node: Node) -> str:
    return visible(f"{node.label}: {node.said}" if node.said else node.label)


# The drawing.


def _left(one: _Placed) -> float:
    return 10.0 + _INDENT * min(one.depth, _DEEPEST)


def _top(line: int) -> float:
    return 8.0 + _ROW * line


def _elbow(one: _Placed, every: list[_Placed]) -> str:
    """Draw the line from the parent's card down and to the right."""
    if one.parent is None:
        return ""
    x = min(_left(every[one.parent]), _left(one) - 12) + 18
    y = _top(one.line) + _CARD_HIGH / 2
    start = _top(one.parent) + _CARD_HIGH
    end = max(_left(one), x + 4)
    look = f"fill:none;stroke:{STRONG_LINE};stroke-width:1.5"
    return f'<path d="M{x:g},{start:g}V{y:g}H{end:g}" style="{look}"/>\n'


def _card(one: _Placed) -> str:
    node, x, y = one.node, _left(one), _top(one.line)
    inset = 34.0 if node.tone in ("bad", "warn", "good") else 14.0
    room = _WIDE - 10 - x - inset - 14
    label = fitted(node.label, _LABEL, room / _BOLD, 1)
    said = fitted(node.said, _SMALL, room, 1) if node.said else []
    widest = max(reach(label[0], _LABEL) * _BOLD, reach(said[0], _SMALL) if said else 0.0)
    wide = min(max(_LEAST, widest + inset + 14), _WIDE - 10 - x)
    loud = node.tone in ("bad", "warn", "good")
    ground, edge = (SOFT[node.tone], TONE[node.tone]) if loud else (CARD, STRONG_LINE)
    first = y + (20 if said else 28)
    return (
        f"<g><title>{escape(_full(node))}</title>\n"
        f'<rect x="{x:g}" y="{y:g}" width="{wide:.1f}" height="{_CARD_HIGH}" rx="7" '
        f'style="fill:{ground};stroke:{edge}"/>\n{sign(x + 18, y + _CARD_HIGH / 2, node.tone)}'
        + write(x + inset, first, label, size=_LABEL, anchor="start", weight=600)
        + write(
            x + inset, y + 37, said, size=_SMALL, anchor="start",
            colour=TONE[node.tone] if loud else MUTED,
        )
        + "</g>\n"
    )  # fmt: skip


# The words.


def _said(one: _Placed) -> list[str]:
    stems = ["|   " if on else "    " for on in one.goes_on[:-1]]
    branch = [("|-- " if one.goes_on[-1] else "`-- ")] if one.goes_on else []
    under = [("|   " if one.goes_on[-1] else "    ")] if one.goes_on else []
    cut = max(0, len(stems) - _DEEPEST)
    head, hang = "".join([*stems[cut:], *branch]), "".join([*stems[cut:], *under])
    mark = _MARKS[one.node.tone]
    text = _full(one.node) + (f" [{mark}]" if mark else "")
    first, *more = wrap(text, _COLUMNS - len(head) - 4)
    return [head + first, *(hang + "    " + line for line in more)]
