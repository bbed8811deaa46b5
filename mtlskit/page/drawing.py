"""What every drawing of ours is made of: measured words, lines and colours that fit any theme.

Law of this file: SVG text stays text, colours are the page's variables with light fall-backs (an
image in a notebook sees no variables), and everything foreign is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import combining, east_asian_width

from mtlskit.page.letters import visible

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif"

INK = "var(--mk-ink,#1a212c)"
MUTED = "var(--mk-muted,#545f70)"
LINE = "var(--mk-line,#dde2e9)"
CARD = "var(--mk-card,#ffffff)"
STRONG_LINE = "var(--mk-plain-line,#98a3b3)"
TONE = {
    "bad": "var(--mk-bad,#a4271a)",
    "warn": "var(--mk-warn,#7d4a00)",
    "good": "var(--mk-good,#0e6237)",
    "info": "var(--mk-info,#1d4f97)",
    "plain": "var(--mk-plain,#3c4655)",
}
SOFT = {
    "bad": "var(--mk-bad-soft,#fcefed)",
    "warn": "var(--mk-warn-soft,#fdf4e2)",
    "good": "var(--mk-good-soft,#ebf7f0)",
    "info": "var(--mk-info-soft,#edf3fc)",
    "plain": "var(--mk-plain-soft,#eef0f4)",
}

_STROKES = {
    "bad": "M-3,-3L3,3M-3,3L3,-3",
    "warn": "M0,-4L0,1M0,3.6L0,4",
    "good": "M-3.4,0L-1,3L3.6,-3",
}
_NARROW = frozenset("iljtfrI.,:;'|!()[]{}/\\ `\"-1")
_BROAD = frozenset("mwMWOQGD@%&—")


def drawing(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    """Return a whole SVG with a ground of its own, so that it can stand anywhere."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(visible(label))}" '
        f'font-family="{FONT}">\n'
        f'<rect width="{width}" height="{height}" style="fill:{CARD}"/>\n'
        f"{''.join(parts)}</svg>"
    )


def reach(text: str, size: float) -> float:
    """How far the text reaches in pixels: an estimate that is rather too long than too short."""
    return sum(map(_breadth, text)) * size


def _breadth(letter: str) -> float:
    if combining(letter):
        return 0.0
    if letter in _NARROW:
        return 0.36
    if letter in _BROAD:
        return 0.92
    if east_asian_width(letter) in "WF":
        return 1.0
    return 0.7 if letter.isupper() else 0.58


def fitted(text: str, size: float, room: float, most: int) -> list[str]:
    """Break the text into at most `most` lines of `room` pixels; what is left out ends in "..."."""
    lines = [""]
    for word in visible(text).split(" "):
        for piece in _pieces(word, size, room):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if reach(joined, size) <= room:
                lines[-1] = joined
            else:
                lines.append(piece)
        if len(lines) > most:
            return [*lines[: most - 1], _cut(lines[most - 1], size, room)]
    return lines


def _pieces(word: str, size: float, room: float) -> list[str]:
    if reach(word, size) <= room:
        return [word]
    pieces = [""]
    for letter in word:
        if pieces[-1] and reach(pieces[-1] + letter, size) > room:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _cut(line: str, size: float, room: float) -> str:
    while line and reach(line + "...", size) > room:
        line = line[:-1]
    return line + "..."


def write(  # noqa: PLR0913 - a text on a drawing has a place, a size, a colour and a weight
    x: float,
    y: float,
    lines: Sequence[str],
    *,
    size: float,
    colour: str = INK,
    anchor: str = "middle",
    weight: int = 400,
    step: float = 0.0,
) -> str:
    """Return the lines as text, the first with its base line at `y`, the others `step` beneath."""
    look = f"fill:{colour};font-size:{size:g}px;font-weight:{weight};text-anchor:{anchor}"
    return "".join(
        f'<text x="{x:g}" y="{y + at * step:g}" style="{look}">{escape(line)}</text>\n'
        for at, line in enumerate(lines)
        if line
    )


def sign(x: float, y: float, tone: str, scale: float = 1.0) -> str:
    """Return a small disc: a cross for bad, a stroke for warn, a tick for good."""
    if tone not in _STROKES:
        return ""
    return (
        f'<g transform="translate({x:g},{y:g}) scale({scale:g})">'
        f'<circle r="8" style="fill:{TONE[tone]}"/>'
        f'<path d="{_STROKES[tone]}" style="fill:none;stroke:{CARD};stroke-width:1.9;'
        f'stroke-linecap:round;stroke-linejoin:round"/></g>\n'
    )
