"""The phrases in one line, each with whose program wrote it, where the line tells.

Law of this file: a line is taken alone; what the lines around it tell is the reader's business.
"""

from __future__ import annotations

from collections.abc import Iterator

from mtlskit.material import Side, Source
from mtlskit.trace.dialects.phrases import LINE, find, voice
from mtlskit.trace.said import Said

_TEXT = 400
"""Characters of a recognised phrase that are kept."""


def said_in(line: str, place: Source, *, fallback: bool = False) -> Iterator[Said]:
    """Give the phrases in one line; see `phrases.find`."""
    hits = find(line, fallback=fallback)
    if not hits:
        return
    heard = voice(line[:LINE])
    side: Side | None = heard[1] if heard else None
    for hit in hits:
        text = line[hit.start : min(hit.end, hit.start + _TEXT)].strip()
        yield Said(hit.phrase.id, hit.phrase.speaker or side, text, place, hit.values)
