"""What stands between client and server: a firewall that drops large hellos, a proxy that ends TLS.

Law of this file: both are real. The firewall hands on every byte of what it lets through; the proxy
speaks TLS with either side for itself, so the client's certificate never gets past it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from http import HTTPStatus

from OpenSSL import SSL

from mtlskit.lab.endpoint import Behaviour, Line, Over, Visit
from mtlskit.lab.hello import Again, read_hello
from mtlskit.lab.servers import Tls, silent, tls
from mtlskit.material import Target

PACKET = 1400
"""Bytes of a ClientHello that such firewalls let through: what fits into one packet."""
_PATIENCE = 5.0
_ANSWER_LIMIT = 65536
_REQUEST = b"GET / HTTP/1.1\r\nHost: partner-api.example\r\nConnection: close\r\n\r\n"


def firewall(behind: Behaviour, largest: int = PACKET) -> Behaviour:
    """Let through what begins with a ClientHello of one packet; drop all else without a word."""

    def behave(line: Line) -> Visit:
        first, _ = read_hello(line)
        if len(first) > largest:
            return silent(line)
        return behind(Again(line, first))

    return behave


def ending(shown: Tls, behind: Target) -> Behaviour:
    """End the client's TLS and begin a connection of its own to the server, without a certificate.

    Args:
        shown: the certificate that the proxy shows to clients. It asks for none of theirs.
        behind: the server, which is asked for ``/``; what it answers is handed on. If it refuses,
            the proxy answers 502, as proxies do.
    """

    def behave(line: Line) -> Visit:
        status, words = _asked(behind)
        page = Tls(identity=shown.identity, asks="none", versions=shown.versions,
                   status=status, says=words)  # fmt: skip
        return tls(page)(line)

    return behave


def declining(status: int = 403) -> Behaviour:
    """Be a proxy that opens a way to nobody (RFC 9110, 9.3.6)."""

    def behave(line: Line) -> Visit:
        _asked_for(line)
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        line.send(head.encode("ascii"))
        return Visit(status=status)

    return behave


def opening(then: Behaviour) -> Behaviour:
    """Be a proxy that says it opened the way, and then speaks TLS for itself."""

    def behave(line: Line) -> Visit:
        _asked_for(line)
        line.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return then(line)

    return behave


def _asked_for(line: Line) -> None:
    """Read the head of a CONNECT request."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += line.receive()
        if len(head) > _ANSWER_LIMIT:
            raise Over("the head of the request does not end")


def _asked(behind: Target) -> tuple[int, str]:
    """Ask the server, and return the status and the words to hand on."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    try:
        with socket.create_connection((behind.host, behind.port), _PATIENCE) as sock:
            answer = _talk(SSL.Connection(context, None), sock)
    except (SSL.Error, OSError):
        answer = b""
    line = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(line) < 2 or not line[1].isdigit():  # noqa: PLR2004 - the version and the status
        return HTTPStatus.BAD_GATEWAY, "The server behind did not answer."
    return int(line[1]), "This was handed on."


def _talk(connection: SSL.Connection, sock: socket.socket) -> bytes:
    connection.set_connect_state()
    sent, answer = False, b""
    while len(answer) < _ANSWER_LIMIT:
        try:
            if not sent:
                connection.do_handshake()
                connection.send(_REQUEST)
                sent = True
            answer += connection.recv(_ANSWER_LIMIT)
        except SSL.WantReadError:
            _flush(connection, sock)
            if not (more := sock.recv(_ANSWER_LIMIT)):
                break
            connection.bio_write(more)
        except SSL.ZeroReturnError:
            break
    return answer


def _flush(connection: SSL.Connection, sock: socket.socket) -> None:
    with suppress(SSL.WantReadError):
        while True:
            sock.sendall(connection.bio_read(_ANSWER_LIMIT))
