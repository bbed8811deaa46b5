"""The first HTTP response after a handshake, since some servers refuse only there.

Law of this room: read just the status line, the Server field and what a person would see.
RFC 9112, 4 (status line) and 5 (fields).
"""

from __future__ import annotations

import re

from mtlskit.material import Source
from mtlskit.trace.events import HttpAnswer

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")
_SERVER = re.compile(rb"^server:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_TITLE = re.compile(
    rb"<(?:title|center|h1)>\s*(.*?)\s*</(?:title|center|h1)>", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(rb"<[^>]*>")
_SHOWN = 200
"""Characters of a body that are kept: enough for an error page's one sentence."""


def read_answer(data: bytes, source: Source) -> HttpAnswer | None:
    """Read the start of an HTTP/1 response; None if these bytes are no such thing."""
    status = _STATUS.match(data)
    if status is None:
        return None
    head, _, body = data.partition(b"\r\n\r\n")
    server = _SERVER.search(head)
    return HttpAnswer(
        status=int(status[1]),
        reason=_text(status[2] or b""),
        server=_text(server[1]) if server else None,
        text=_gist(body),
        source=source,
    )


def _gist(body: bytes) -> str:
    """Tell what the page says: its titles, each once, else its first words."""
    titles = list(dict.fromkeys(_text(one) for one in _TITLE.findall(body)))
    if titles:
        return " | ".join(one for one in titles if one)[:_SHOWN]
    return " ".join(_text(_TAG.sub(b" ", body)).split())[:_SHOWN]


def _text(data: bytes) -> str:
    return _TAG.sub(b"", data).decode("utf-8", "replace").strip()
