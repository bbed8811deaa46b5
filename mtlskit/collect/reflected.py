"""The mirror's answer over HTTP: what came, as a page, as JSON or as plain text (RFC 9110).

Law of this file: a request is looked at for what form of answer it wants, and for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from mtlskit.collect.met import Met
from mtlskit.page.html import document
from mtlskit.page.text import text


def answer_to(request: bytes, met: Met) -> bytes:
    """Write the whole response to a request, of which only the head is looked at."""
    line, *fields = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, _, rest = line.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    kind = "application/json" if path.rstrip("/").endswith("/json") else _wanted(fields)
    body = _FORMS[kind](met)
    data = body.encode("utf-8")
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(data)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + (b"" if method == "HEAD" else data)


_FORMS: dict[str, Callable[[Met], str]] = {
    "application/json": lambda met: json.dumps(met.plain(), indent=2, ensure_ascii=False),
    "text/html": lambda met: document(met.page()),
    "text/plain": lambda met: f"{text(met.page()).rstrip()}\n",
}


def _wanted(fields: list[str]) -> str:
    """Tell which form is asked for by name, the first that is (RFC 9110, 12.5.1).

    A browser names HTML; curl and most programs name nothing, and are read in a terminal.
    """
    for field in fields:
        name, _, value = field.partition(":")
        if name.strip().lower() == "accept":
            asked = [one.partition(";")[0].strip().lower() for one in value.split(",")]
            return next((one for one in asked if one in _FORMS), "text/plain")
    return "text/plain"
