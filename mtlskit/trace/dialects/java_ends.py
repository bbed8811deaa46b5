"""Exceptions by which Java tells that the TCP connection ended. Law: they are no alert of ours.

When a write fails Java logs a fatal alert of its own (``Fatal (UNEXPECTED_MESSAGE): Broken pipe``),
which never reached anyone: the peer had gone before.
"""

from __future__ import annotations

from collections.abc import Sequence

from mtlskit.material import Source
from mtlskit.trace.dialects.java_phrases import Ending, of_ending
from mtlskit.trace.dialects.java_story import Story, other

_WORDS: dict[Ending, str] = {
    "reset": "reset the connection",
    "fin": "closed the connection",
    "deadline": "no answer before the deadline",
}
_INPUT_OUTPUT = ("java.net.", "java.io.", "java.nio.")
"""Packages whose exceptions are of the socket, and not of TLS."""


def exception_ends(story: Story, told: str, at: Source) -> bool:
    """Take an exception that tells of the end of the TCP connection; False: it tells of another."""
    words = of_ending(told)
    if words is not None:
        sender = None if words.kind == "deadline" else other(story.side)
        story.close(sender, words.kind, _WORDS[words.kind], at)
    return words is not None


def is_of_tcp(text: str, thrown: Sequence[tuple[str, str]]) -> bool:
    """Tell whether a fatal entry is of input and output, and so no refusal.

    The entry's own words may say less than the exception (``Couldn't kickstart handshaking``).
    """
    if of_ending(text) is not None:
        return True
    name, said = thrown[0] if thrown else ("", "")
    return name.startswith(_INPUT_OUTPUT) or of_ending(said) is not None


def tcp_ended(story: Story, text: str, thrown: Sequence[tuple[str, str]], at: Source) -> bool:
    """Tell the same, and take the connection's end from it.

    Whatever Java writes of a socket, such as ``Socket closed`` by another of its own threads, is
    no refusal, even where it tells of no end that the peer made.
    """
    if not is_of_tcp(text, thrown):
        return False
    if not exception_ends(story, text, at) and thrown:
        exception_ends(story, thrown[0][1], at)
    return True
