"""The mirror's side of one TLS connection, over memory BIOs.

Law of this file: OpenSSL asks for a certificate, takes any chain, and checks one thing alone: that
the caller holds the key of the certificate it shows. What a caller may send is bounded, and so is
the time it is given.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any

from cryptography import x509
from OpenSSL import SSL

from mtlskit.collect.listening import Line, Over
from mtlskit.collect.met import Met
from mtlskit.collect.openssl import VERSIONS, reasons
from mtlskit.collect.own_certificate import OwnCertificate
from mtlskit.collect.reflected import answer_to
from mtlskit.collect.tls_on_line import PIECE, request_head, until_done
from mtlskit.material import Chunk, Closing, Secrets, Side, Tap

PATIENCE = 15.0
"""Seconds for one caller, from its first byte to the end of the answer."""

FLOOD = 1 << 20
"""Bytes of one caller after which it is given up; a handshake and a request need far fewer."""


@dataclass(slots=True)
class Reflection:
    """What was seen of one connection so far.

    Attributes:
        shaken: the handshake was done, so the proof of the key held if there was one.
        words: OpenSSL's own, if it complained.
    """

    chunks: list[Chunk] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list, repr=False)
    closing: Closing | None = None
    shaken: bool = False
    words: tuple[str, ...] = ()

    def recorded(self, blank: Tap) -> Tap:
        """Return the record of it; its key log is for telling it, and not to be kept."""
        return replace(
            blank,
            chunks=tuple(self.chunks),
            closing=self.closing,
            secrets=Secrets(tuple(self.secrets)),
            library=self.words,
        )


class _Line(Line):
    """A line that keeps what goes over it."""

    def __init__(self, sock: socket.socket, stop: socket.socket, seen: Reflection) -> None:
        super().__init__(sock, stop, PATIENCE)
        self._seen = seen
        self._began = monotonic()
        self._received = 0

    def receive(self) -> bytes:
        """Return what came; note it, or note that the caller is gone."""
        try:
            data = super().receive()
        except Over as end:
            self.closed(None if "closed" not in str(end) else "client")
            raise
        except OSError:
            self._close(Closing("client", "reset", self._seconds))
            raise
        self._received += len(data)
        if self._received > FLOOD:
            raise Over(f"the client sent more than {FLOOD >> 20} MiB")
        self._seen.chunks.append(Chunk(self._seconds, "client", data))
        return data

    def send(self, data: bytes) -> None:
        """Send all of it, and note it."""
        super().send(data)
        self._seen.chunks.append(Chunk(self._seconds, "server", data))

    def closed(self, sender: Side | None) -> None:
        """Note who closed first; None: the time was up."""
        self._close(Closing(sender, "fin" if sender else "deadline", self._seconds))

    def _close(self, closing: Closing) -> None:
        self._seen.closing = self._seen.closing or closing

    @property
    def _seconds(self) -> float:
        return monotonic() - self._began


@dataclass(frozen=True, slots=True)
class Glass:
    """How the mirror presents itself, and how it holds one connection.

    Attributes:
        own: its certificate and key.
        listed: the authorities that it names as acceptable.
        versions: lowest and highest TLS version.
    """

    own: OwnCertificate
    listed: tuple[x509.Certificate, ...]
    versions: tuple[str, str]

    def hold(
        self, sock: socket.socket, stop: socket.socket, tell: Callable[[Reflection], Met]
    ) -> Reflection:
        """Shake hands, answer the request with what came, and take leave."""
        seen = Reflection()
        line = _Line(sock, stop, seen)
        try:
            tls = SSL.Connection(self._context(seen), None)
            tls.set_accept_state()
            until_done(tls, line, tls.do_handshake)
            seen.shaken = True
            _answer(tls, line, lambda: tell(seen))
        except SSL.Error as error:
            seen.words = reasons(error)
        except (Over, OSError):
            pass
        line.closed("server")
        line.close()
        return seen

    def _context(self, seen: Reflection) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(VERSIONS[self.versions[0]])
        context.set_max_proto_version(VERSIONS[self.versions[1]])
        # Level 0 takes short keys and weak digests: they shall be seen, not refused.
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        # A resumed session would show no certificate.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_keylog_callback(lambda _, line: seen.secrets.append(line.decode("ascii")))
        context.set_alpn_select_callback(_protocol)
        leaf, *issuers = self.own.chain
        context.use_certificate(leaf)
        context.use_privatekey(self.own.key)  # type: ignore[arg-type] # of a certificate that can sign
        for issuer in issuers:
            context.add_extra_chain_cert(issuer)
        for authority in self.listed:
            context.add_client_ca(authority)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        return context


def _protocol(_: SSL.Connection, offered: list[bytes]) -> Any:  # noqa: ANN401 - bytes or a mark
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _answer(tls: SSL.Connection, line: Line, tell: Callable[[], Met]) -> None:
    """Read a request and answer it with what came."""
    request = request_head(tls, line)
    rest = memoryview(answer_to(request, tell()))
    while rest:
        piece = bytes(rest[:PIECE])
        until_done(tls, line, partial(tls.send, piece))
        rest = rest[len(piece) :]
    until_done(tls, line, tls.shutdown)
