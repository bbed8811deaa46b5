"""One thing fetched over plain HTTP: a certificate, a revocation list, an OCSP response.

Law of this file: bounded in bytes, in time and in the number of forwardings; nothing is concluded
from what comes. The addresses stand in certificates, so they are not trusted: what is no plain
``http`` address is refused before anything is sent.

Who asks for a fetch calls the host that the certificate names, be it in the own network, where a
company's own CA has its lists. Who answers there may forward to a host of the same kind only: a
server on the internet does not make this machine call itself or its neighbours. Nothing on the
local link is called at all; clouds keep credentials there (169.254.169.254).

RFC 5280, 4.2.1.13 and 4.2.2.1 expect HTTP here, without TLS: what is fetched is signed itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from mtlskit.collect.dial import dial
from mtlskit.collect.tcp import Line, NoConnectionError
from mtlskit.material import Blob, Problem, Source, Target, Unreadable

SIZE_LIMIT = 32 * 1024 * 1024
"""Bytes of one answer; the largest revocation lists in use have some ten million."""
_HEAD_LIMIT = 65536
_FORWARDINGS = 3
_URL = re.compile(r"[!-~]{1,2000}")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n|$)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation:[ \t]*([!-~]+)[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_FOUND, _MOVED = 200, frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; without a body it is a GET."""

    url: str
    body: bytes | None = None
    kind: str = ""


def fetch(request: Request, deadline: float, limit: int = SIZE_LIMIT) -> Blob:
    """Fetch what an address has.

    Args:
        request: the address, and what is posted to it, if anything.
        deadline: when to give up, by `time.monotonic`.
        limit: how many bytes are taken at most.

    Raises:
        Unreadable: code ``not-fetched`` or ``too-large``; the sentence says why.
    """
    url, allowed = request.url, None
    for _ in range(_FORWARDINGS + 1):
        asked = Request(url, request.body, request.kind)
        head, body, allowed = _exchange(asked, deadline, limit, allowed)
        status = _STATUS.match(head)
        code = int(status[1]) if status else 0
        if code == _FOUND:
            return Blob(Source(request.url), body)
        location = _LOCATION.search(head)
        if code not in _MOVED or location is None:
            raise _refused(
                request.url, f"the server answered {code or 'something that is no HTTP'}"
            )
        url = urljoin(url, location[1].decode("ascii"))
    raise _refused(request.url, f"it was forwarded more than {_FORWARDINGS} times")


def _refused(url: str, why: str, code: str = "not-fetched") -> Unreadable:
    text = f"{url} could not be fetched: {why}."
    return Unreadable(Problem(code, text, Source(url)))


def _exchange(
    request: Request, deadline: float, limit: int, allowed: str | None
) -> tuple[bytes, bytes, str | None]:
    """Send one request; give the answer's head and body, and where the server is."""
    parts, target = _checked(request.url)
    _permitted(request.url, where(target.host), allowed)
    try:
        with dial(target, deadline) as line:
            # A name may mean any address, so that the one that was reached is asked as well.
            reached = where((line.peer or "").rpartition(":")[0])
            _permitted(request.url, reached, allowed)
            line.put(_written(request, parts))
            return *_received(request.url, line, limit), reached
    except NoConnectionError as error:
        raise _refused(request.url, error.failure.text) from None


_LINK = "the local link"


def where(host: str) -> str | None:
    """Say what kind of place an address is; None: it is a name."""
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified:
        return "this machine"
    if address.is_link_local:
        return _LINK
    return "the internet" if address.is_global else "a private network"


def _permitted(url: str, place: str | None, allowed: str | None) -> None:
    """Refuse the local link, and another kind of place than the one that forwarded here."""
    if place == _LINK:
        raise _refused(url, f"its host is on {_LINK}, where nothing is called")
    if None not in {place, allowed} and place != allowed:
        raise _refused(
            url,
            f"a server on {allowed} forwarded to it, and it is on {place}: that is not followed",
        )


def _checked(url: str) -> tuple[SplitResult, Target]:
    if not _URL.fullmatch(url):
        raise _refused(url[:80], "the address has characters that no address has, or is too long")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refused(url, f"it is no address ({error})") from None
    if parts.scheme.lower() != "http":
        raise _refused(
            url, f"only http is supported here, not {parts.scheme or 'no scheme at all'}"
        )
    if not host:
        raise _refused(url, "it names no host")
    return parts, Target(host, 80 if port is None else port)


def _written(request: Request, parts: SplitResult) -> bytes:
    """HTTP/1.0, so that the answer ends with the connection and comes in one piece."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    method = "GET" if request.body is None else "POST"
    lines = [f"{method} {path} HTTP/1.0", f"Host: {parts.netloc.rpartition('@')[2]}", "Accept: */*"]
    if request.body is not None:
        lines += [f"Content-Type: {request.kind}", f"Content-Length: {len(request.body)}"]
    return "\r\n".join((*lines, "", "")).encode("ascii") + (request.body or b"")


def _received(url: str, line: Line, limit: int) -> tuple[bytes, bytes]:
    """Read until the answer is whole."""
    answer = _Answer(url, limit)
    while piece := line.read(line.deadline):
        answer.take(piece)
        if answer.whole:
            break
    if piece is None:
        raise _refused(url, "the answer was not whole before the deadline")
    return answer.ended(cut=line.trouble is not None)


class _Answer:
    """The head and the body of an answer, as they come in, held to their limits."""

    def __init__(self, url: str, limit: int) -> None:
        self.url = url
        self.limit = limit
        self.head: bytes | None = None
        self.length: int | None = None
        self.data = bytearray()

    def take(self, piece: bytes) -> None:
        self.data += piece
        if self.head is None:
            self._read_head()
        if len(self.data) > self.limit or (self.length or 0) > self.limit:
            raise _refused(self.url, f"it has more than {self.limit} bytes", "too-large")

    def _read_head(self) -> None:
        head, found, rest = bytes(self.data).partition(b"\r\n\r\n")
        if found:
            self.head, self.data = head, bytearray(rest)
            length = _LENGTH.search(head)
            self.length = int(length[1]) if length else None
        elif len(self.data) > _HEAD_LIMIT:
            raise _refused(self.url, "the answer is no HTTP")

    @property
    def whole(self) -> bool:
        """Whether nothing more can come; without a length only the server's closing tells."""
        return self.head is not None and self.length is not None and len(self.data) >= self.length

    def ended(self, *, cut: bool) -> tuple[bytes, bytes]:
        """Give head and body once nothing more comes."""
        if self.head is None:
            raise _refused(self.url, "the answer is no HTTP, or ended within its head")
        if not self.whole and (self.length is not None or cut):
            raise _refused(
                self.url, f"the answer ended after {len(self.data)} bytes, before its end"
            )
        if _CHUNKED.search(self.head):
            raise _refused(self.url, "the answer came in chunks, which HTTP/1.0 does not have")
        return self.head, bytes(self.data[: self.length])


def until(seconds: float) -> float:
    """The deadline that is so many seconds away."""
    return monotonic() + seconds
