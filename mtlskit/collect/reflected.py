"""The mirror's answer over HTTP: what came, as a page or as JSON (RFC 9110).

Law of this file: a request is looked at for what form of answer it wants, and for nothing else.
"""

from __future__ import annotations

import json

from mtlskit.collect.met import Met
from mtlskit.page.html import document


def answer_to(request: bytes, met: Met) -> bytes:
    """Write the whole response to a request, of which only the head is looked at."""
    line, *fields = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, _, rest = line.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if path.rstrip("/").endswith("/json") or _wants_json(fields):
        kind, body = "application/json", json.dumps(met.plain(), indent=2, ensure_ascii=False)
    else:
        kind, body = "text/html", document(met.page())
    data = body.encode("utf-8")
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(data)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + (b"" if method == "HEAD" else data)


def _wants_json(fields: list[str]) -> bool:
    """Tell whether JSON is accepted by name, and before HTML (RFC 9110, 12.5.1)."""
    for field in fields:
        name, _, value = field.partition(":")
        if name.strip().lower() == "accept":
            wanted = [one.partition(";")[0].strip().lower() for one in value.split(",")]
            found = [one for one in wanted if one in {"application/json", "text/html"}]
            return found[:1] == ["application/json"]
    return False
