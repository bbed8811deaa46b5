"""The first HTTP response after a handshake, since some servers refuse only there.

Law of this room: read just the status line, the Server field and what a person would see, from a
bounded part of the bytes and in one pass: they are a stranger's. RFC 9112, 4 (status line) and 5
(fields).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mtlskit.material import Source
from mtlskit.trace.events import HttpAnswer

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]{0,200}))?[^\n]{0,200}\n")
_HEAD = 16384
"""Bytes of the head that are looked at."""
_BODY = 4096
"""Bytes of the body that are looked at: an error page's one sentence stands near its begin."""
_TITLES = (b"title", b"center", b"h1")
_SHOWN = 200
"""Characters of a body that are kept."""


def read_answer(data: bytes, source: Source) -> HttpAnswer | None:
    """Read the start of an HTTP/1 response; None if these bytes are no such thing."""
    status = _STATUS.match(data)
    if status is None:
        return None
    head, _, body = data.partition(b"\r\n\r\n")
    return HttpAnswer(
        status=int(status[1]),
        reason=_text(status[2] or b""),
        server=_field(head[:_HEAD], b"server"),
        text=_gist(body[:_BODY]),
        source=source,
    )


def _field(head: bytes, name: bytes) -> str | None:
    for line in head.split(b"\n"):
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == name:
            return _text(value)
    return None


def _gist(body: bytes) -> str:
    """Tell what the page says: its titles, each once, else its first words."""
    pieces = list(_pieces(body))
    titles = [text for tag, text in pieces if tag in _TITLES]
    words = titles or [text for _, text in pieces]
    return (" | " if titles else " ").join(dict.fromkeys(one for one in words if one))[:_SHOWN]


def _pieces(body: bytes) -> Iterator[tuple[bytes, str]]:
    """Cut a page into its texts, each with the tag that it stands in."""
    tag = b""
    for part in body.split(b"<"):
        opened, closed, text = part.partition(b">")
        if closed:
            tag = opened.split(b" ")[0].lower().strip()
        yield tag, _text(text if closed else part)


def _text(data: bytes) -> str:
    return " ".join(data.decode("utf-8", "replace").split())
