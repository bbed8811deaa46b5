"""The beginning of what a server says after the handshake, and whether it is all.

Law of this file: bounded, and no opinion; it only tells when waiting longer brings nothing
(RFC 9112, 6.3). What the answer means is read from the wire, elsewhere.
"""

from __future__ import annotations

import re

LIMIT = 65536
"""Bytes of an answer that are read; the rest adds nothing to a diagnosis."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*\bchunked[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]{0,200}\r\n")


class Answer:
    """Collects an HTTP/1 response to a request that was made with `method`."""

    __slots__ = ("_bodiless", "_data")

    def __init__(self, method: str) -> None:
        self._bodiless = method == "HEAD"
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next decrypted bytes."""
        self._data += data

    @property
    def complete(self) -> bool:
        """Whether the response has ended, or is longer than is worth reading."""
        if len(self._data) >= LIMIT:
            return True
        rest = bytes(self._data)
        while True:
            head, found, rest = rest.partition(b"\r\n\r\n")
            status = _STATUS.match(head)
            if not (found and status):
                return False
            if not 100 <= int(status[1]) < 200:  # noqa: PLR2004 - interim responses, RFC 9110, 15.2
                return self._bodiless or status[1] in {b"204", b"304"} or _body_ended(head, rest)


def _body_ended(head: bytes, body: bytes) -> bool:
    if _CHUNKED.search(head):
        return _chunks_ended(body)
    length = _LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])


def _chunks_ended(body: bytes) -> bool:
    """Walk the chunks (RFC 9112, 7.1); True once the last, empty one is there."""
    at = 0
    while chunk := _CHUNK.match(body, at):
        size = int(chunk[1], 16)
        if size == 0:
            return body.find(b"\r\n\r\n", chunk.end() - 2) >= 0
        at = chunk.end() + size + 2
    return False
