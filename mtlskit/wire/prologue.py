"""Where TLS begins, and what was said before it. Law: by the bytes, never by the port.

A ClientHello or ServerHello in a record (RFC 8446, 5.1), an alert in its place, or a hello in the
frame of SSL 2.0 (RFC 5246, appendix E.2). What may stand before: HTTP CONNECT (RFC 9110, 9.3.6),
STARTTLS (RFC 3207, 2595, 4511), PostgreSQL's and MySQL's own requests, the PROXY protocol, SOCKS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mtlskit.material import Chunk, Side, Target
from mtlskit.wire import records

_LEAST: Final = 6
_HELLOS: Final = (1, 2)
_ALERT: Final = (b"\x00\x02\x01", b"\x00\x02\x02")
_SSL2_HELLO: Final = 1
_PROXY_2: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_TURN: Final = 1 << 16
"""Bytes of one turn after which it is taken to lead to no TLS."""
_PROXY_MOST: Final = 107
"""The longest header of the PROXY protocol, version 1."""
_LINE: Final = 120
SAMPLE: Final = 2048
"""Bytes of the prologue that are kept, to tell what it was."""
_BEGIN: Final = (
    (b"PROXY ", "the PROXY protocol named another sender"),
    (_PROXY_2, "the PROXY protocol named another sender"),
    (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", "PostgreSQL was asked for TLS"),
)


def is_tls(data: bytes, *, late: bool) -> bool | None:
    """Tell whether these bytes begin TLS; None: they are too few to tell.

    With `late` any record will do, since the hello may have been missed.
    """
    if data and data[0] & 0x80:
        return _ssl2(data) if len(data) >= 5 else None  # noqa: PLR2004 - length, type, version
    if not _may_begin(data):
        return False
    if len(data) < _LEAST:
        return None
    if late and _chain(data, 0):
        return True
    if data[0] == records.HANDSHAKE:
        return data[2] <= 4 and data[5] in _HELLOS and data[3:5] != b"\0\0"  # noqa: PLR2004 - 3.4
    return data[0] == records.ALERT and data[3:6] in _ALERT


def _may_begin(data: bytes) -> bool:
    """Tell whether the type and the major version, as far as they are here, are those of TLS."""
    if data and not records.CHANGE_CIPHER_SPEC <= data[0] <= records.HEARTBEAT:
        return False
    return len(data) < 2 or data[1] == 3  # noqa: PLR2004 - type, version


def _ssl2(data: bytes) -> bool:
    return data[2] == _SSL2_HELLO and (data[3] == 3 or data[3:5] == b"\0\2")  # noqa: PLR2004 - TLS


def hello(data: bytes) -> int:
    """Tell which hello a record begins with: 1 the client's, 2 the server's, 0 neither."""
    clear = len(data) > 9 and data[0] == records.HANDSHAKE and data[6] == 0 and data[9] == 3  # noqa: PLR2004 - a length below 64 KiB, a version 3.x
    return data[5] if clear and data[5] in _HELLOS else 0


def tls_within(data: bytes, *, records: bool = False) -> int | None:
    """Find where TLS begins in bytes that begin with something else; None: nowhere.

    With `records` any two records in a row are looked for, or one up to the end; otherwise a hello
    after a header of the PROXY protocol.
    """
    if records:
        return _first_record(data)
    if data.startswith(b"PROXY "):
        at = data.find(b"\r\n", 0, _PROXY_MOST) + 2
    elif data.startswith(_PROXY_2) and len(data) > len(_PROXY_2) + 4:
        at = 16 + int.from_bytes(data[14:16], "big")
    else:
        return None
    return at if at > 1 and is_tls(data[at : at + 16], late=False) else None


def _first_record(data: bytes) -> int | None:
    at = data.find(b"\x03")
    while at > 0:
        if _chain(data, at - 1):
            return at - 1
        at = data.find(b"\x03", at + 1)
    return None


def _chain(data: bytes, at: int) -> bool:
    """Tell whether a record begins here, and another (or the end) is where it ends."""
    end = _ends(data, at)
    if end is None:
        return False
    return len(data) == end or _ends(data, end) is not None


def _ends(data: bytes, at: int) -> int | None:
    head = data[at : at + records.HEADER]
    if len(head) < records.HEADER or head[1] != 3 or head[2] > 4:  # noqa: PLR2004 - TLS
        return None
    if not records.CHANGE_CIPHER_SPEC <= head[0] <= records.HEARTBEAT:
        return None
    length = head[3] << 8 | head[4]
    return at + records.HEADER + length if 0 < length <= records.MOST else None


def split(chunks: Sequence[Chunk]) -> tuple[tuple[Chunk, ...], tuple[Chunk, ...]]:
    """Split what was recorded from its beginning on: what was said before TLS, and TLS itself.

    Where TLS never begins, nothing is split off: then there is nothing that came before it.
    """
    turn, data, speaker = 0, b"", None
    for number, one in enumerate(chunks):
        if one.sender != speaker:
            turn, data, speaker = number, b"", one.sender
        data += one.data
        if is_tls(data, late=False):
            return _parted(chunks, turn, 0)
        if number > turn and is_tls(one.data, late=False):
            return _parted(chunks, number, 0)
        if at := tls_within(data):
            return _parted(chunks, turn, at)
        if len(data) > _TURN:
            break
    return (), tuple(chunks)


def _parted(
    chunks: Sequence[Chunk], number: int, at: int
) -> tuple[tuple[Chunk, ...], tuple[Chunk, ...]]:
    """Part them `at` so many bytes after the beginning of one of them."""
    while at >= len(chunks[number].data) and at:
        at -= len(chunks[number].data)
        number += 1
    if not at:
        return tuple(chunks[:number]), tuple(chunks[number:])
    one = chunks[number]
    head, tail = replace(one, data=one.data[:at]), replace(one, data=one.data[at:])
    return (*chunks[:number], head), (tail, *chunks[number + 1 :])


def note(said: Sequence[tuple[Side, bytes]], size: int) -> str:
    """Say what came before TLS began; `size`: how many bytes, of which `said` may be a part."""
    what = told(tuple(said)) or "another protocol was spoken"
    return f"Before TLS began ({size} bytes), {what}."


def sample(chunks: Sequence[Chunk]) -> tuple[tuple[Side, bytes], ...]:
    """As much of what was said as is needed to tell what it was."""
    found: list[tuple[Side, bytes]] = []
    room = SAMPLE
    for one in chunks:
        found.append((one.sender, one.data[:room]))
        room -= len(found[-1][1])
    return tuple(one for one in found if one[1])


def told(said: tuple[tuple[Side, bytes], ...]) -> str | None:
    """Say which protocol spoke before TLS; None: it is not known.

    Args:
        said: the side and its bytes, in order.
    """
    clients = b"".join(data for side, data in said if side == "client")
    servers = b"".join(data for side, data in said if side == "server")
    if clients.startswith(b"CONNECT "):
        return f"an HTTP proxy was asked: {_line(clients)}, and answered: {_line(servers)}"
    if clients.startswith(b"\x05") and servers.startswith(b"\x05"):
        return "a SOCKS proxy was asked"
    known = next((name for start, name in _BEGIN if clients.startswith(start)), None)
    return known or _upgrade(clients.upper(), servers)


def _line(data: bytes) -> str:
    """The first line, which carries no credentials."""
    return repr(_first(data).decode("latin-1")[:_LINE])


def _first(data: bytes) -> bytes:
    """What stands before the first end of a line, be it CR LF or one of them alone."""
    return data.replace(b"\r", b"\n").split(b"\n")[0]


def _upgrade(clients: bytes, servers: bytes) -> str | None:
    if b"1.3.6.1.4.1.1466.20037" in clients:
        return "LDAP was asked for TLS (StartTLS)"
    for word, name in ((b"AUTH TLS", "FTP"), (b"STLS", "POP3")):
        if word in clients:
            return f"{name} was asked for TLS ({word.decode()})"
    if b"STARTTLS" not in clients:
        return None
    names = ((b"* ", "IMAP"), (b"220", "SMTP"), (b"<", "XMPP"))
    name = next((name for start, name in names if servers.startswith(start)), "the server")
    return f"{name} was asked for TLS (STARTTLS)"


def connected(said: tuple[tuple[Side, bytes], ...]) -> Target | None:
    """The endpoint that an HTTP proxy was asked for; None: none was."""
    clients = b"".join(data for side, data in said if side == "client")
    words = _first(clients).split()
    if len(words) < 2 or words[0] != b"CONNECT":  # noqa: PLR2004 - method and authority
        return None
    host, _, port = words[1].decode("latin-1").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    return Target(host[:255], int(port)) if host and port.isdecimal() and len(port) < 6 else None  # noqa: PLR2004 - 65535
