"""Exceptions by which Java tells that the TCP connection ended. Law: they are no alert of ours.

When a write fails Java logs a fatal alert of its own (``Fatal (UNEXPECTED_MESSAGE): Broken pipe``),
which never reached anyone: the peer had gone before.
"""

from __future__ import annotations

from mtlskit.material import Source
from mtlskit.trace.dialects.java_phrases import Ending, of_ending
from mtlskit.trace.dialects.java_story import Story, other

_WORDS: dict[Ending, str] = {
    "reset": "reset the connection",
    "fin": "closed the connection",
    "deadline": "no answer before the deadline",
}


def exception_ends(story: Story, told: str, at: Source) -> bool:
    """Take an exception that tells of the end of the TCP connection; False: it tells of another."""
    words = of_ending(told)
    if words is not None:
        sender = None if words.kind == "deadline" else other(story.side)
        story.close(sender, words.kind, _WORDS[words.kind], at)
    return words is not None
