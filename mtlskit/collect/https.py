"""One thing asked over HTTPS, and the answer.

Law of this file: it sends GET and nothing else, so that nothing can be changed by it. The server's
certificate is verified, always, for the name that was called. Every wait ends at a deadline and
every answer has a limit. A redirection is an answer like any other and is not followed here. Who
asks is said in one header, which is written straight into the encryption and is kept nowhere; no
key log is written, whatever the environment wants.
"""

from __future__ import annotations

import io
import json
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import Any, NoReturn

from mtlskit.certs.certificate import Certificate
from mtlskit.collect.dial import dial
from mtlskit.collect.plain import Plain
from mtlskit.collect.tcp import Line, NoConnectionError
from mtlskit.collect.via import Proxy, pass_through
from mtlskit.material import Problem, Source, Target, Unreadable

LIMIT = 64 * 1024 * 1024
"""Bytes of one answer."""
_PIECE = 65536
_HTTPS = 443


class Lost(Exception):  # noqa: N818 - the answer was lost, and may be asked for again
    """No whole answer came: the connection failed, was cut, or was too slow."""


_ERRORS = 400
"""From here on the status of an answer is that of an error (RFC 9110, 15.5)."""
_TELLING = 3
"""A shorter secret stands in any text by chance."""


class Login:
    """Who asks: a user with a password, or a token. No repr, no copy and no pickle shows it.

    Attributes:
        user: None with a token.
    """

    __slots__ = ("_secret", "user")

    def __init__(
        self, *, user: str | None = None, password: str | None = None, token: str | None = None
    ) -> None:
        """Take a user and a password, or a token (RFC 7617, RFC 6750).

        Raises:
            ValueError: a part is missing, or cannot be sent. No sentence repeats a secret.
        """
        if (token is None) == (user is None or password is None):
            raise ValueError("Give a user and a password, or a token.")
        if user is not None and ":" in user:
            raise ValueError("The user holds a colon, which Basic cannot carry (RFC 7617, 2).")
        if token is not None and (not token.isascii() or not token.isprintable() or " " in token):
            raise ValueError("The token holds characters that no token has; give it alone.")
        self.user = user
        self._secret = token if user is None else password

    def header(self) -> str:
        """Return the value of the header `Authorization`. Whoever asks must not keep it."""
        if self.user is None:
            return f"Bearer {self._secret}"
        return f"Basic {b64encode(f'{self.user}:{self._secret}'.encode()).decode('ascii')}"

    def struck_from(self, body: bytes) -> bytes:
        """Strike the secret out of what a server said: some repeat the login that they refuse."""
        spoken = {str(self._secret), self.header().partition(" ")[2]}
        written = {json.dumps(one)[1:-1] for one in spoken}
        for one in sorted(spoken | written, key=len, reverse=True):
            if len(one) >= _TELLING:
                body = body.replace(one.encode(), b"[struck out]")
        return body

    def __repr__(self) -> str:
        return f"<Login of {self.user or 'the owner of a token'}, not shown>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A login stays in memory: it is never pickled or copied")


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask, and by what its certificate is verified.

    Attributes:
        trust: None: what this machine trusts; else these certificates, and no others.
        via: a proxy that stands between.
    """

    target: Target
    trust: tuple[Certificate, ...] | None = None
    via: Proxy | None = None

    @property
    def authority(self) -> str:
        """The host, with its port where that is not the usual one."""
        port = self.target.port
        return str(self.target).removesuffix(f":{port}") if port == _HTTPS else str(self.target)

    def __str__(self) -> str:
        return f"https://{self.authority}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered.

    Attributes:
        headers: by name in small letters; of one that came twice, the first.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def get(server: Server, path: str, login: Login, deadline: float, limit: int = LIMIT) -> Answer:
    """Ask for one thing.

    Args:
        server: whom to ask.
        path: path and query, encoded.
        login: who asks.
        deadline: when to give up, by `time.monotonic`.
        limit: how many bytes of the answer are taken at most.

    Raises:
        Lost: no whole answer came; to ask again may help.
        Unreadable: code ``not-verified`` the server's certificate was refused; ``no-tls``,
            ``too-large``, ``no-proxy``: to ask again does not help.
    """
    try:
        with dial(server.via.target if server.via else server.target, deadline) as line:
            if server.via is not None:
                _pass(server.via, server.target, line)
            secure = _Secure(line, server)
            secure.send(_written(server, path, login))
            answer = _received(server, secure, limit)
            return answer if answer.status < _ERRORS else _struck(answer, login)
    except NoConnectionError as error:
        if error.failure.by == "between":
            raise _refused(server, "no-proxy", f"{error.failure.text}.") from None
        raise Lost(error.failure.text) from None


def _struck(answer: Answer, login: Login) -> Answer:
    """Of an error's words a few are told to people; a login is never among them."""
    return replace(answer, body=login.struck_from(answer.body))


def _pass(proxy: Proxy, target: Target, line: Line) -> None:
    plain = Plain(line, [])
    pass_through(proxy, target, target.host, plain)
    line.begin_anew(plain.left())


def _refused(server: Server, code: str, says: str) -> Unreadable:
    return Unreadable(Problem(code, says, Source(str(server))))


def _written(server: Server, path: str, login: Login) -> bytes:
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError("The path holds characters that no path has.")
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {server.authority}",
        "Accept: application/json, */*;q=0.1",
        "Accept-Encoding: identity",
        "User-Agent: mtlskit",
        f"Authorization: {login.header()}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _context(trust: tuple[Certificate, ...] | None) -> ssl.SSLContext:
    """Verify chain and name. Unlike `ssl.create_default_context` it obeys no SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # this one verifies, by its own defaults
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif trust:
        context.load_verify_locations(cadata=b"".join(one.der for one in trust))
    return context


class _Secure:
    """TLS over a line; every wait ends at the line's deadline.

    Attributes:
        ended: whether the server said that nothing more comes.
    """

    def __init__(self, line: Line, server: Server) -> None:
        self.ended = False
        self._line = line
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context(server.trust).wrap_bio(
            self._incoming, self._outgoing, server_hostname=server.target.host
        )
        try:
            self._done(self._tls.do_handshake)
        except ssl.SSLCertVerificationError as error:
            raise _refused(server, "not-verified", _distrusted(error)) from None
        except ssl.SSLError as error:
            words = error.reason or "the connection ended"
            says = f"No TLS came about: {words.replace('_', ' ').lower()}."
            if "EOF" in words or isinstance(error, ssl.SSLEOFError):
                raise Lost("the connection ended within the handshake") from None
            raise _refused(server, "no-tls", says) from None

    def send(self, data: bytes) -> None:
        """Encrypt and send."""
        try:
            self._done(lambda: self._tls.write(data))
        except ssl.SSLError:
            raise Lost("the connection ended before the question was sent") from None

    def read(self, size: int) -> bytes:
        """Return what comes next; nothing once the connection has ended."""
        try:
            data: bytes = self._done(lambda: self._tls.read(size))
        except ssl.SSLZeroReturnError:
            data, self.ended = b"", True
        except ssl.SSLError:
            return b""
        return data

    def _done(self, step: Callable[[], Any]) -> Any:  # noqa: ANN401 - as the step gives
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._line.put(self._outgoing.read())
                self._take()
            except ssl.SSLError:
                self._line.put(self._outgoing.read())  # an alert tells the server why
                raise
            else:
                self._line.put(self._outgoing.read())
                return done

    def _take(self) -> None:
        data = self._line.read(self._line.deadline)
        if data is None:
            raise Lost("no whole answer came in time")
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def _distrusted(error: ssl.SSLCertVerificationError) -> str:
    return (
        f"The server's certificate was not accepted: {error.verify_message.rstrip('.')}. If your "
        "company's own authority stands behind it, give that authority's certificate as trust "
        "(--trust FILE); the certificate is never left unchecked, and no login was sent."
    )


class _Raw(io.RawIOBase):
    """The decrypted bytes as a file, as the standard library's reader of HTTP wants them.

    Attributes:
        headed: whether an answer's head came to its end: that reader takes a part for the whole.
    """

    def __init__(self, secure: _Secure) -> None:
        super().__init__()
        self.headed = False
        self._secure = secure
        self._last = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        data = self._secure.read(len(buffer))
        self.headed = self.headed or b"\r\n\r\n" in self._last + data
        self._last = (self._last + data)[-3:]
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return this file, buffered; a socket would do so."""
        return io.BufferedReader(self, _PIECE)


def _received(server: Server, secure: _Secure, limit: int) -> Answer:
    raw = _Raw(secure)
    response = HTTPResponse(raw, method="GET")  # type: ignore[arg-type] # all it needs of a socket is makefile
    try:
        response.begin()
        body = _body(server, response, limit)
    except (HTTPException, ValueError, OSError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Lost("the answer was cut, or is no HTTP") from None
    if not raw.headed:
        raise Lost("the answer was cut within its head")
    unclosed = response.length is None and not response.chunked and not secure.ended
    if response.length or (unclosed and response.status not in {204, 304}):
        raise Lost(f"the answer was cut after {len(body)} bytes")
    headers = {name.lower(): value for name, value in reversed(response.getheaders())}
    return Answer(response.status, headers, body)


def _body(server: Server, response: HTTPResponse, limit: int) -> bytes:
    body = bytearray()
    while piece := response.read(_PIECE):
        body += piece
        if len(body) > limit:
            says = f"An answer was longer than {limit:,} bytes; no more of it was taken."
            raise _refused(server, "too-large", says)
    return bytes(body)


def until(seconds: float) -> float:
    """The deadline that is so many seconds away, by `time.monotonic`."""
    return monotonic() + seconds
