"""A TLS server's steps, taken by OpenSSL over memory BIOs, with every wait the line's own.

Law of this file: what OpenSSL has to say is sent, its last alert too; whether anyone heard it
counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from OpenSSL import SSL

from mtlskit.collect.listening import Line, Over

PIECE = 16384
"""Bytes of plaintext in one TLS record (RFC 8446, 5.1)."""

_REQUEST = 16384


def until_done(tls: SSL.Connection, line: Line, step: Callable[[], Any]) -> Any:  # noqa: ANN401 - as the step gives
    """Repeat a step of OpenSSL until it has what it needs; deliver its alert if it fails.

    Raises:
        SSL.Error: OpenSSL goes no further.
        Over, OSError: the line ended.
    """
    while True:
        try:
            done = step()
        except SSL.WantReadError:
            _flush(tls, line)
            tls.bio_write(line.receive())
        except (SSL.Error, Over):
            with suppress(Over, OSError):  # what OpenSSL said counts, not that nobody heard it
                _flush(tls, line)
            raise
        else:
            _flush(tls, line)
            return done


def _flush(tls: SSL.Connection, line: Line) -> None:
    with suppress(SSL.WantReadError):
        while True:
            line.send(tls.bio_read(PIECE))


def request_head(tls: SSL.Connection, line: Line) -> bytes:
    """Read until the empty line after the head of an HTTP request, or to a limit."""
    request = b""
    while b"\r\n\r\n" not in request and len(request) < _REQUEST:
        request += until_done(tls, line, lambda: tls.recv(PIECE))
    return request
