"""What one live attempt shall do: whom to call, as whom, how long to wait.

Law of this file: everything is settled before the first byte is sent, and a wish that cannot be
carried out is refused here, with one sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import quote

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.collect.starttls import PROTOCOLS
from mtlskit.collect.via import Proxy
from mtlskit.material import Target

VERSIONS = ("1.0", "1.1", "1.2", "1.3")
"""TLS versions that can be asked for, lowest first."""

LONGEST = 3600.0
"""Seconds that a whole attempt may be given."""

_HTTPS = 443  # the port that an https authority leaves out (RFC 9110, 4.2.2)
_NAME_LIMIT = 253  # characters of a host name without its trailing dot (RFC 1035, 2.3.4)
_PORTS = range(1, 65536)
_ALPN_LIMIT = 255  # bytes of a protocol's name (RFC 7301, 3.1)
_WORD = re.compile(r"[A-Za-z0-9_+.!@=?*/-]{1,100}")
_URI_MARKS = "/?:@!$&'()*+,;=-._~%#[]"  # RFC 3986, 2.2 and 2.3: these keep their meaning


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP/1.1 request to send once the handshake is done (RFC 9112).

    Attributes:
        path: path and query; characters that have no place in a request line are percent-encoded.
        host: for the Host header, a port included; None: the name and port that are called.
        headers: more header fields, sent as given.
        body: sent as it is, with its Content-Length.

    Raises:
        ValueError: a part holds a line break or another control character, or the host cannot be.
    """

    method: str = "GET"
    path: str = "/"
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        parts = (self.method, self.path, self.host or "", *sum(self.headers, ()))
        if any(not part.isprintable() for part in parts):
            raise ValueError(
                "The HTTP request holds a line break or control character; "
                "give method, path, host and headers as plain text."
            )
        if self.host is not None:
            _ascii_host(self.host)

    def encoded(self, authority: str) -> bytes:
        """Return the bytes of the request; `authority` is the Host where no other was given."""
        host = authority if self.host is None else _ascii_host(self.host)
        lines = [f"{self.method} {quote(self.path or '/', safe=_URI_MARKS)} HTTP/1.1"]
        lines += [f"Host: {host}", "User-Agent: mtlskit", "Accept: */*"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += ["Connection: close", "", ""]
        return "\r\n".join(lines).encode("utf-8") + self.body


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to reach a TLS server.

    Attributes:
        server_name: the name to reach, sent as SNI; None: the target's host, which is sent only
            if it is a name and no address (RFC 6066, 3); an empty text: send none.
        identity: the client certificate and key to offer; None: none.
        chain: issuers to send after the identity's certificate; None: those of the identity.
        trust: None: look on without verifying; else the anchors by which chain and name of the
            server are verified, and refused with an alert if they do not hold.
        versions: lowest and highest TLS version.
        request: what to ask once the handshake is done.
        timeout: seconds for everything together, from looking up the name to the last byte; at
            most `LONGEST`.
        linger: seconds of silence to wait for the server's next word after the handshake, since
            in TLS 1.3 the refusal comes then. After a request it counts once the answer has
            begun; the answer itself is waited for within the timeout, for up to 5 seconds.
        via: the proxy to go through; None: call directly.
        starttls: the protocol within which TLS is begun, one of `PROTOCOLS`; None: at once.
        question: what to say after the handshake where that is not HTTP, to hear any answer.
        address: what to connect to, if that is settled already: an earlier call's `Tap.peer`,
            so that a second attempt meets the same machine. With a proxy it is the proxy's.
        alpn: application protocols to offer, the first one preferred; (): no such extension.
        ciphers: cipher suites to offer, in OpenSSL's words or the RFCs' names. TLS 1.3 has suites
            of its own: of either kind, those that OpenSSL offers if none is given.
        schemes: signature schemes to take and to sign with (RFC 8446, 4.2.3); (): OpenSSL's.
        groups: groups for the key exchange (RFC 8446, 4.2.7); (): OpenSSL's.
        hello: ``large`` sends a post-quantum key share, which fills more than one packet;
            ``small`` sends none; None: as `groups` or OpenSSL say.
        post_handshake: offer to be asked for a certificate later (RFC 8446, 4.2.6).

    Raises:
        ValueError: the port, a version, a duration, a name or another wish cannot be.
    """

    target: Target
    server_name: str | None = None
    identity: Identity | None = None
    chain: tuple[Certificate, ...] | None = None
    trust: tuple[Certificate, ...] | None = None
    versions: tuple[str, str] = ("1.2", "1.3")
    request: HttpRequest | None = None
    timeout: float = 10.0
    linger: float = 1.0
    via: Proxy | None = None
    starttls: str | None = None
    question: bytes = field(default=b"", repr=False)
    address: Target | None = None
    alpn: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    hello: Literal["small", "large"] | None = None
    post_handshake: bool = False

    def __post_init__(self) -> None:
        if self.target.port not in _PORTS:
            raise ValueError(f"Port {self.target.port} cannot be; give one from 1 to 65535.")
        low, high = self.versions
        if low not in VERSIONS or high not in VERSIONS or low > high:
            raise ValueError(
                f"TLS versions {low} to {high} cannot be asked for; "
                f"give the lowest and the highest of {', '.join(VERSIONS)}."
            )
        if not 0 < self.timeout <= LONGEST:
            raise ValueError(f"The timeout must be above 0 and at most {LONGEST:.0f} seconds.")
        if not 0 <= self.linger <= LONGEST:
            raise ValueError(f"The linger must be from 0 to {LONGEST:.0f} seconds.")
        for name in (self.target.host, self.expected_name):
            if not _is_address(name):
                _wire_name(name)
        self._check_way()
        self._check_hello()

    def _check_way(self) -> None:
        if self.starttls is not None and self.starttls not in PROTOCOLS:
            raise ValueError(
                f"TLS cannot be begun within {self.starttls[:20]!r}; "
                f"give one of {', '.join(PROTOCOLS)}."
            )
        if self.request is not None and (self.starttls or self.question):
            raise ValueError("An HTTP request cannot be sent within another protocol.")
        if self.via is not None and "%" in self.target.host:
            raise ValueError("An address with a zone counts on this machine alone, for no proxy.")

    def _check_hello(self) -> None:
        for one in self.alpn:
            if not one.isascii() or not 0 < len(one) <= _ALPN_LIMIT:
                raise ValueError(f"{one[:60]!r} is no application protocol, such as http/1.1.")
        for one in (*self.ciphers, *self.schemes, *self.groups):
            if not _WORD.fullmatch(one):
                raise ValueError(f"{one[:60]!r} names no cipher suite, scheme or group.")
        if self.hello is not None and self.groups:
            raise ValueError(
                "Give either the groups, or a small or large hello: they say the same."
            )
        if self.hello == "large" and self.versions[1] != "1.3":
            raise ValueError(
                "A large ClientHello needs TLS 1.3: before, it holds no key share to be large."
            )

    @property
    def expected_name(self) -> str:
        """The name or address that the server is expected to prove."""
        return (self.server_name or self.target.host).rstrip(".")

    @property
    def authority(self) -> str:
        """What stands in the Host header (RFC 9110, 7.2): no default port, IPv6 in brackets."""
        name = self.expected_name
        if _is_address(name):
            # A zone counts on this machine alone (RFC 6874, 4).
            host = f"[{name.partition('%')[0]}]" if ":" in name else name
        else:
            host = _wire_name(name).decode("ascii")
        return host if self.target.port == _HTTPS else f"{host}:{self.target.port}"

    @property
    def wire_host(self) -> str:
        """The target's host as a proxy is told of it: an address, or a name in ASCII."""
        host = self.target.host
        return host if _is_address(host) else _wire_name(host).decode("ascii")

    @property
    def sni(self) -> bytes | None:
        """What stands in the server_name extension; None: the extension is not sent."""
        if self.server_name == "" or _is_address(self.expected_name):
            return None
        return _wire_name(self.expected_name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _ascii_host(host: str) -> str:
    """Return a given Host with its name as A-labels; what is ASCII stays as it was given."""
    if host.isascii():
        return host
    name, colon, port = host.partition(":")
    return _wire_name(name).decode("ascii") + colon + port


def _wire_name(name: str) -> bytes:
    """Return `name` as it goes over the wire (RFC 5890 A-labels where it is not ASCII)."""
    wire = b""
    if name.isprintable() and " " not in name:
        try:
            wire = name.encode("ascii") if name.isascii() else name.encode("idna")
        except UnicodeError:
            wire = b""
    if not 0 < len(wire) <= _NAME_LIMIT:
        raise ValueError(
            f"{name[:60]!r} is no host name; give a name such as partner.example or an IP address."
        )
    return wire
