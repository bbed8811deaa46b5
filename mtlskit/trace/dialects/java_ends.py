"""Exceptions by which Java tells that the TCP connection ended. Law: they are no alert of ours.

When a write fails Java logs a fatal alert of its own (``Fatal (UNEXPECTED_MESSAGE): Broken pipe``),
which never reached anyone: the peer had gone before.
"""

from __future__ import annotations

import re

from mtlskit.material import Source
from mtlskit.trace.dialects.java_story import Ending, Story, other

_ENDS: tuple[tuple[re.Pattern[str], Ending], ...] = (
    (
        re.compile(
            r"Broken pipe|Connection reset|connection was aborted|forcibly closed", re.IGNORECASE
        ),
        "reset",
    ),
    (
        re.compile(
            r"Remote host (?:terminated|closed)|peer shut down|closing inbound before|"
            r"Inbound closed before",
            re.IGNORECASE,
        ),
        "fin",
    ),
    (re.compile(r"timed out", re.IGNORECASE), "deadline"),
)
_WORDS: dict[Ending, str] = {
    "reset": "reset the connection",
    "fin": "closed the connection",
    "deadline": "no answer before the deadline",
}


def exception_ends(story: Story, told: str, at: Source) -> bool:
    """Take an exception that tells of the end of the TCP connection; False: it tells of another."""
    for pattern, kind in _ENDS:
        if pattern.search(told):
            sender = None if kind == "deadline" else other(story.side)
            story.close(sender, kind, _WORDS[kind], at)
            return True
    return False
