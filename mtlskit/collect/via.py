"""Through a proxy: HTTP CONNECT (RFC 9110, 9.3.6) and SOCKS 5 (RFC 1928, RFC 1929).

Law of this file: the proxy resolves the endpoint's name, as it does for the real client; what it
answers is told in its own words; the credentials are sent to it and shown to nobody.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from mtlskit.collect.plain import Plain
from mtlskit.collect.replies import SOCKS
from mtlskit.material import Target

KINDS = ("http", "socks5", "socks5h")
"""Schemes of a proxy's URL. With either word for SOCKS 5 the proxy resolves the name."""

_LONGEST = 255  # bytes of a name, a user or a password in SOCKS (RFC 1928, 4; RFC 1929, 2)
_HEADERS = (b"server", b"via", b"proxy-authenticate", b"proxy-agent", b"x-squid-error")
_NO_ANSWER = {502: "unreachable", 503: "unreachable", 504: "timeout"}
_VERSION, _ANONYMOUS, _PASSWORD, _NONE_OF_THESE = 5, 0, 2, 255


@dataclass(frozen=True, slots=True)
class Proxy:
    """What stands between, and what it wants to know.

    Attributes:
        kind: the language it speaks.
        target: where it listens.
        user: None: no credentials are sent.
        password: sent to the proxy, and shown nowhere.

    Raises:
        ValueError: a part cannot be sent.
    """

    kind: Literal["http", "socks5"]
    target: Target
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.user is None and self.password:
            raise ValueError("A password for the proxy needs its user; give http://USER@HOST:PORT.")
        parts = [self.user or "", self.password or ""]
        if self.kind == "http" and ":" in parts[0]:
            raise ValueError("The proxy's user holds a colon, which Basic cannot carry (RFC 7617).")
        if any(len(one.encode()) > _LONGEST for one in parts):
            raise ValueError(f"User and password of a proxy have at most {_LONGEST} bytes.")

    def __str__(self) -> str:
        return f"{self.kind}://{self.target}"


def proxy_from(url: str, password: str | None = None) -> Proxy:
    """Read a proxy's URL, such as ``http://user@proxy.example:3128``.

    Args:
        url: its scheme is ``http`` or ``socks5``; a port is needed.
        password: the user's, if it does not stand in the URL.

    Raises:
        ValueError: it is no such URL. The sentence does not repeat it: it may hold a password.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit("//"), None, None
    if parts.scheme not in KINDS or not host or not port or parts.path.strip("/"):
        raise ValueError(
            "The proxy cannot be read; give http://HOST:PORT or socks5://HOST:PORT, "
            "with USER@ before the host if it wants credentials."
        )
    kind: Literal["http", "socks5"] = "http" if parts.scheme == "http" else "socks5"
    said = _part(parts, "password")
    return Proxy(kind, Target(host, port), _part(parts, "username"), said or password)


def _part(parts: SplitResult, name: Literal["username", "password"]) -> str | None:
    said: str | None = getattr(parts, name)
    return unquote(said) if said else None


def pass_through(proxy: Proxy, target: Target, wire_host: str, plain: Plain) -> None:
    """Have the proxy connect to the endpoint; after that the line leads there.

    Args:
        proxy: how it is spoken to.
        target: the endpoint.
        wire_host: its name as it goes over the wire, or its address.
        plain: the conversation; the proxy is at its other end.

    Raises:
        NoConnectionError: the proxy would not, or could not.
    """
    plain.speaker, plain.who = "between", f"the proxy {proxy.target}"
    (_connect if proxy.kind == "http" else _socks)(proxy, Target(wire_host, target.port), plain)
    plain.speaker, plain.who, plain.hint = "server", "the server", ""


def _connect(proxy: Proxy, target: Target, plain: Plain) -> None:
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "User-Agent: mtlskit"]
    told = lines[0]
    if proxy.user is not None:
        pair = f"{proxy.user}:{proxy.password or ''}"
        coded = b64encode(pair.encode()).decode()
        plain.hide(coded, pair, proxy.password or "")
        lines.append(f"Proxy-Authorization: Basic {coded}")
        told += ", with credentials (Basic)"
    plain.say("\r\n".join((*lines, "", "")).encode(), told)
    while True:
        status, said, head = _answer(plain)
        if not 100 <= status < 200:  # noqa: PLR2004 - interim answers, RFC 9110, 15.2
            break
    if not 200 <= status < 300:  # noqa: PLR2004 - success, RFC 9110, 15.3
        _no(proxy, status, said, head, plain)


def _answer(plain: Plain) -> tuple[int, str, list[bytes]]:
    """Read one head; return its status, its first line as shown, and its fields."""
    first = plain.line()
    version, _, rest = first.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or len(code) != 3 or not code.isdigit():  # noqa: PLR2004 - RFC 9112, 4
        plain.decline(
            f"{plain.who} did not answer as an HTTP proxy does: {plain.shown(first[:60])!r}"
        )
    head = plain.head()
    told = [one for one in head if one.partition(b":")[0].strip().lower() in _HEADERS]
    plain.heard(b"; ".join((first, *told)))
    return int(code), plain.shown(first), head


def _no(proxy: Proxy, status: int, said: str, head: list[bytes], plain: Plain) -> None:
    text = f"{plain.who} answered {said}"
    if status == 407:  # noqa: PLR2004 - Proxy Authentication Required, RFC 9110, 15.5.8
        text += f": {_about_credentials(proxy, head, plain)}"
    if status == 403:  # noqa: PLR2004 - Forbidden, RFC 9110, 15.5.4
        text += ": it does not let this connection through"
    kind = _NO_ANSWER.get(status)
    if kind == "timeout":
        plain.fail("timeout", f"{text}: it got no answer from the endpoint in time", status)
    if kind is not None:
        plain.fail("unreachable", f"{text}: it could not connect to the endpoint", status)
    plain.decline(text, status)


def _about_credentials(proxy: Proxy, head: list[bytes], plain: Plain) -> str:
    ways = [
        value.strip()
        for name, _, value in (one.partition(b":") for one in head)
        if name.strip().lower() == b"proxy-authenticate"
    ]
    words = [one.split()[0].decode("ascii", "replace") for one in ways if one.split()]
    if words and not any(one.casefold() == "basic" for one in words):
        return f"it takes {', '.join(map(plain.shown, words))}, and only Basic can be sent"
    if proxy.user is None:
        return "it wants credentials, and none were given"
    return "it did not accept the credentials"


def _socks(proxy: Proxy, target: Target, plain: Plain) -> None:
    plain.hint = "; a proxy of another kind does so too"
    ways = bytes([_ANONYMOUS] if proxy.user is None else [_ANONYMOUS, _PASSWORD])
    plain.say(bytes([_VERSION, len(ways)]) + ways, f"SOCKS 5, {_named(ways)}")
    version, way = plain.exactly(2)
    plain.hint = ""
    if version != _VERSION:
        plain.decline(f"{plain.who} does not speak SOCKS 5: its answer begins with byte {version}")
    if way == _NONE_OF_THESE or way not in ways:
        wants = "it wants credentials of a user, and none were given"
        plain.decline(
            f"{plain.who} took none of the ways to log in ({_named(ways)})"
            + (f"; as a rule {wants}" if proxy.user is None else ""),
            way,
        )
    plain.heard(f"SOCKS 5, {_named(bytes([way]))}")
    if way == _PASSWORD:
        _log_in(proxy, plain)
    request = bytes([_VERSION, 1, 0]) + _where(target.host) + target.port.to_bytes(2)
    plain.say(request, f"SOCKS 5, connect to {target}")
    _reply(plain)


def _named(ways: bytes) -> str:
    names = {_ANONYMOUS: "no credentials", _PASSWORD: "user and password"}
    return " or ".join(names[one] for one in ways)


def _log_in(proxy: Proxy, plain: Plain) -> None:
    user, password = (proxy.user or "").encode(), (proxy.password or "").encode()
    plain.hide(proxy.password or "")
    pair = bytes([len(user)]) + user + bytes([len(password)]) + password
    plain.say(b"\x01" + pair, "SOCKS 5, user and password")
    _, status = plain.exactly(2)
    if status:
        plain.decline(f"{plain.who} did not accept user and password", status)
    plain.heard("SOCKS 5, logged in")


def _where(host: str) -> bytes:
    """Write an address, or a name for the proxy to resolve (RFC 1928, 5)."""
    try:
        address = ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes([3, len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed  # noqa: PLR2004 - IPv4


def _reply(plain: Plain) -> None:
    """Read the answer to the request (RFC 1928, 6)."""
    version, code, _, kind = plain.exactly(4)
    if version != _VERSION:
        plain.decline(f"{plain.who} does not speak SOCKS 5: its reply begins with byte {version}")
    if code:
        how, words = SOCKS.get(code, ("declined", "a reply that RFC 1928 does not know"))
        text = f"{plain.who} replied {code}: {words}"
        if how == "declined":
            plain.decline(text, code)
        plain.fail(how, text, code)
    sizes = {1: 4, 4: 16}
    if kind == 3:  # noqa: PLR2004 - a name, RFC 1928, 5
        sizes[3] = plain.exactly(1)[0]
    if kind not in sizes:
        plain.decline(f"{plain.who} replied with an address of the unknown kind {kind}")
    plain.exactly(sizes[kind] + 2)
    plain.heard(f"SOCKS 5, connected ({code})")
