"""The beginning of what a server says after the handshake, and whether it is all.

Law of this file: bounded, and no opinion; it only tells when waiting longer brings nothing
(RFC 9112, 6.3). Every byte is walked over once, however small the pieces in which it comes. What
the answer means is read from the wire, elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LIMIT = 65536
"""Bytes of an answer that are read; the rest adds nothing to a diagnosis."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*\bchunked[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]{0,200}\r\n")
_END = b"\r\n\r\n"


class Answer:
    """Collects an HTTP/1 response to a request that was made with `method`.

    Without one it is another protocol's answer, whose first bytes are enough to know of it.

    Attributes:
        begun: whether anything but interim responses (RFC 9110, 15.2) has come.
        complete: whether the response has ended, or is longer than is worth reading.
    """

    __slots__ = ("_any", "_at", "_bodiless", "_data", "_ended", "_final", "_searched", "_step")

    def __init__(self, method: str | None) -> None:
        self._any = method is None
        self._bodiless = method == "HEAD"
        self._data = bytearray()
        self._at = 0  # where the part begins that is walked now
        self._searched = 0  # up to where its end was looked for in vain
        self._ended = False
        self._final = False
        self._step: Callable[[], bool] | None = self._head

    @property
    def begun(self) -> bool:
        """Whether anything but interim responses has come."""
        return self._final or (len(self._data) > self._at and not self._interim())

    @property
    def complete(self) -> bool:
        """Whether the response has ended, or is longer than is worth reading."""
        return self._ended or len(self._data) >= LIMIT or (self._any and self.begun)

    def feed(self, data: bytes) -> None:
        """Take the next decrypted bytes."""
        if self.complete:
            return
        self._data += data
        while self._step is not None and self._step():
            pass

    def _interim(self) -> bool:
        status = _STATUS.match(self._data, self._at)
        return status is not None and status[1].startswith(b"1")

    def _found_end(self) -> int:
        """Return where the next empty line ends; -1 if it has not come yet."""
        place = self._data.find(_END, max(self._at, self._searched - len(_END) + 1))
        self._searched = len(self._data)
        return place + len(_END) if place >= 0 else -1

    def _head(self) -> bool:
        """Walk over one head; True if there is more to walk over."""
        end = self._found_end()
        if end < 0:
            return False
        head = bytes(self._data[self._at : end - len(_END)])
        interim, status = self._interim(), _STATUS.match(head)
        self._at = self._searched = end
        if not interim:
            self._final = True
            self._step = self._body(head, status[1]) if status else None
        return self._step is not None

    def _body(self, head: bytes, status: bytes) -> Callable[[], bool] | None:
        """Choose how the end of the body is told; None: the server's closing tells it."""
        length = _LENGTH.search(head)
        if self._bodiless or status in {b"204", b"304"}:
            return self._whole
        if _CHUNKED.search(head):
            return self._chunk
        if length is None:
            return None
        self._at += int(length[1])
        return self._whole

    def _whole(self) -> bool:
        self._ended = len(self._data) >= self._at
        return False

    def _chunk(self) -> bool:
        """Walk over one chunk (RFC 9112, 7.1); the last one is empty."""
        chunk = _CHUNK.match(self._data, self._at)
        if chunk is None:
            return False
        size = int(chunk[1], 16)
        if size:
            self._at = chunk.end() + size + 2
        else:
            self._at = self._searched = chunk.end() - 2
            self._step = self._trailer
        return True

    def _trailer(self) -> bool:
        self._ended = self._found_end() >= 0
        return False
