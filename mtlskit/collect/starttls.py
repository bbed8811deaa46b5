"""TLS that begins within another protocol: SMTP, IMAP, POP3, LDAP and PostgreSQL.

Law of this file: only what leads to TLS is said; nobody logs in. What the server greets with, and
why it does not begin TLS, is told in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address

from mtlskit.collect.plain import LIMIT, LINES, Plain
from mtlskit.collect.replies import LDAP

_SMTP_REPLY = re.compile(rb"(\d{3})([ -]|$)")
_START_TLS = b"1.3.6.1.4.1.1466.20037"  # RFC 4511, 4.14.1
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL, 55.7: length 8, code 80877103
_SEQUENCE, _INTEGER, _ENUMERATED, _OCTETS = 0x30, 2, 10, 4
_EXTENDED_REQUEST, _EXTENDED_RESPONSE = 0x77, 0x78


def start(protocol: str, plain: Plain, own: str | None) -> None:
    """Have the server begin TLS.

    Args:
        protocol: one of `PROTOCOLS`.
        plain: the conversation; the server is at its other end, and nothing was said yet.
        own: this end's address and port, by which SMTP greets.

    Raises:
        NoConnectionError: the server would not, or does not speak this protocol.
    """
    _WAYS[protocol](plain, own)


def question(protocol: str) -> bytes:
    """Return a harmless request, whose answer shows that TLS was accepted; nobody logs in."""
    return _QUESTIONS[protocol]


def _greeting(plain: Plain) -> bytes:
    """Read what a server says that speaks first."""
    plain.hint = "; a server that expects TLS at once stays silent, too"
    line = plain.line()
    plain.hint = ""
    return line


def _smtp(plain: Plain, own: str | None) -> None:
    """RFC 3207."""
    _expect_smtp(plain, b"220", "its greeting", _greeting(plain))
    name = _literal(own)
    plain.say(f"EHLO {name}\r\n".encode(), f"EHLO {name}")
    offers = _expect_smtp(plain, b"250", "its answer to EHLO")
    if not any(one[4:].strip().upper() == b"STARTTLS" for one in offers):
        words = ", ".join(plain.shown(one[4:]) for one in offers[1:]) or "nothing"
        plain.decline(f"the server does not offer STARTTLS; it offers {words}")
    plain.say(b"STARTTLS\r\n", "STARTTLS")
    _expect_smtp(plain, b"220", "its answer to STARTTLS")


def _literal(own: str | None) -> str:
    """Write an address literal (RFC 5321, 4.1.3): the client has no name to give."""
    host = (own or "127.0.0.1:0").rpartition(":")[0].strip("[]").partition("%")[0]
    return f"[IPv6:{host}]" if ip_address(host).version == 6 else f"[{host}]"  # noqa: PLR2004 - IPv6


def _expect_smtp(plain: Plain, wanted: bytes, what: str, first: bytes | None = None) -> list[bytes]:
    """Read one reply (RFC 5321, 4.2), of many lines perhaps; the first may be there already."""
    lines: list[bytes] = []
    while True:
        line = plain.line() if first is None or lines else first
        lines.append(line)
        match = _SMTP_REPLY.match(line)
        if match is None or len(lines) > LINES:
            words = plain.heard(line)
            plain.decline(f"the server does not speak SMTP: {what} was {words!r}")
        if match[2] != b"-":
            break
    plain.heard(b" | ".join(lines))
    if match[1] != wanted:
        plain.decline(f"the server answered {plain.shown(line)!r}", int(match[1]))
    return lines


def _imap(plain: Plain, _own: str | None) -> None:
    """RFC 9051, 6.2.1."""
    greeting = plain.heard(_greeting(plain))
    if not greeting.upper().startswith(("* OK", "* PREAUTH", "* BYE")):
        plain.decline(f"the server does not speak IMAP: its greeting was {greeting!r}")
    if not greeting.upper().startswith("* OK"):
        plain.decline(f"the server does not begin TLS after the greeting {greeting!r}")
    plain.say(b"a1 STARTTLS\r\n", "STARTTLS")
    for _ in range(LINES):
        words = plain.heard(plain.line())
        if words.lower().startswith("a1 "):
            break
    if not words.lower().startswith("a1 ok"):
        plain.decline(f"the server answered {words!r}")


def _pop3(plain: Plain, _own: str | None) -> None:
    """RFC 2595, 4."""
    greeting = plain.heard(_greeting(plain))
    if not greeting.startswith("+OK"):
        plain.decline(f"the server does not speak POP3: its greeting was {greeting!r}")
    plain.say(b"STLS\r\n", "STLS")
    words = plain.heard(plain.line())
    if not words.startswith("+OK"):
        plain.decline(f"the server answered {words!r}")


def _ldap(plain: Plain, _own: str | None) -> None:
    """RFC 4511, 4.14."""
    plain.say(_extended_request(1, _START_TLS), "extended request StartTLS")
    code, words = _ldap_response(plain)
    name = LDAP.get(code, "a result that is not known")
    told = f"result {code} ({name})" + (f": {plain.shown(words)}" if words else "")
    plain.heard(f"extended response, {told}")
    if code:
        plain.decline(f"the server answered with {told}", code)


def _extended_request(number: int, name: bytes) -> bytes:
    """Write { messageID, extendedReq { [0] requestName } } (RFC 4511, 4.1.1 and 4.12) in BER."""
    size = len(name)
    head = bytes(
        [_SEQUENCE, size + 7, _INTEGER, 1, number, _EXTENDED_REQUEST, size + 2, 0x80, size]
    )
    return head + name


def _ldap_response(plain: Plain) -> tuple[int, bytes]:
    """Read one ExtendedResponse; return resultCode and diagnosticMessage."""
    message = plain.exactly(_length(plain, _SEQUENCE))
    try:
        _, rest = _element(message, _INTEGER)
        response, _ = _element(rest, _EXTENDED_RESPONSE)
        code, rest = _element(response, _ENUMERATED)
        _, rest = _element(rest, _OCTETS)  # matchedDN
        words, _ = _element(rest, _OCTETS)
    except ValueError as error:
        plain.decline(f"the server's answer is no LDAP response to StartTLS: {error}")
    return int.from_bytes(code, signed=True), words


def _length(plain: Plain, wanted: int) -> int:
    """Read identifier and length of the message itself."""
    tag, size = plain.exactly(2)
    if tag != wanted:
        begins = plain.shown(bytes((tag, size)))
        plain.decline(f"the server does not speak LDAP: its answer begins with {begins!r}")
    if size & 0x80:
        count = size & 0x7F
        # Lengths are of the definite form (RFC 4511, 5.1).
        size = int.from_bytes(plain.exactly(count)) if 0 < count <= 4 else LIMIT + 1  # noqa: PLR2004 - see LIMIT
    if size > LIMIT:
        plain.decline(f"the server's answer is longer than {LIMIT >> 10} KiB")
    return size


def _element(data: bytes, wanted: int) -> tuple[bytes, bytes]:
    """Split one BER element off; return its content and what follows."""
    if len(data) < 2 or data[0] != wanted:  # noqa: PLR2004 - identifier and length
        found = f"{data[0]:#04x}" if data else "nothing"
        raise ValueError(f"expected {wanted:#04x}, found {found}")
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start]) if 2 < start <= len(data) else len(data)  # noqa: PLR2004 - as above
    if start + size > len(data):
        raise ValueError(f"an element of {size} bytes does not fit into {len(data) - start}")
    return data[start : start + size], data[start + size :]


def _postgres(plain: Plain, _own: str | None) -> None:
    """PostgreSQL's documentation, "Message Flow", SSL Session Encryption."""
    plain.say(_SSL_REQUEST, "SSLRequest")
    answer = plain.exactly(1)
    if answer == b"S":
        plain.heard("S (yes)")
        return
    if answer == b"N":
        plain.heard("N (no)")
        plain.decline("the server answered N to the SSLRequest: it has TLS switched off")
    if answer != b"E":
        plain.decline(f"the server does not speak PostgreSQL's protocol: it answered {answer!r}")
    words = plain.heard(_postgres_error(plain))
    plain.decline(f"the server answered with an error: {words}")


def _postgres_error(plain: Plain) -> bytes:
    """Read an ErrorResponse; return its message. Before version 7.4 it was a plain text."""
    size = int.from_bytes(plain.exactly(4))
    if not 4 < size <= LIMIT:  # noqa: PLR2004 - the length counts itself
        return b"(unreadable)"
    fields = plain.exactly(size - 4).split(b"\0")
    return next((one[1:] for one in fields if one[:1] == b"M"), b"(without a message)")


_WAYS: dict[str, Callable[[Plain, str | None], None]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ldap": _ldap,
    "postgres": _postgres,
}
_WHO_AM_I = b"1.3.6.1.4.1.4203.1.11.3"  # RFC 4532
_QUESTIONS = {
    "smtp": b"NOOP\r\n",
    "imap": b"a2 NOOP\r\n",
    "pop3": b"CAPA\r\n",
    "ldap": _extended_request(2, _WHO_AM_I),
    # Nothing harmless is answered before a login, so it is asked for TLS again, and says no.
    "postgres": _SSL_REQUEST,
}
PROTOCOLS = tuple(_WAYS)
"""Protocols within which TLS can be begun."""
