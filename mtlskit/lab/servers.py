"""What the lab's endpoints do: TLS that demands a client certificate, and rude or broken peers.

Law of this room: a refusal is never staged. OpenSSL verifies for real and says what it always
says, when it always says it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL, crypto

from mtlskit.collect.tls_on_line import request_head, until_done
from mtlskit.lab.endpoint import Behaviour, Line, Over, Visit
from mtlskit.lab.hello import only
from mtlskit.lab.late import ask_late
from mtlskit.lab.pki import Issued

_CHUNK = 16384
_VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
_CRL_CHECK = crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL
_DISORDER: Mapping[str, Any] = {
    "status": 400,
    "title": "400 The SSL certificate error",  # as nginx words it
    "says": "Each certificate must certify the one before it.",
}
_NO_ISSUER = (2, 20, 21, 27)
"""Ends of a path without its issuer, as X509_STORE_CTX_get_error(3) numbers them."""
_ASKING = {
    "none": SSL.VERIFY_NONE,
    "optional": SSL.VERIFY_PEER,
    "required": SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
}


@dataclass(frozen=True, slots=True)
class Tls:
    """A TLS endpoint that answers one HTTP request, and what it demands of the client.

    Attributes:
        identity: its certificate and key, sent with `identity.chain`.
        trust: the authorities by which it verifies clients.
        asks: whether it asks for a client certificate, and whether it insists.
        listed: the authorities that it names as acceptable; None names those it trusts.
        depth: how many issuing authorities may stand between leaf and root; None: OpenSSL's 100.
        versions: lowest and highest TLS version.
        alpn: application protocols that it speaks, refusing all others; () it does not care.
        ciphers: TLS 1.2 cipher list, in OpenSSL's words.
        suites: TLS 1.3 cipher suites, in OpenSSL's words.
        schemes: signature schemes that it signs by and takes, in OpenSSL's words; None: OpenSSL's.
        status: the HTTP status that it answers with.
        says: what stands on the page.
        title: its title; None: the status and its usual words.
        crls: revocation lists that it checks every client certificate against; () none are.
        names: the only server names that it answers to; () it does not care.
        ordered: it takes a chain only if each certificate certifies the one before it (RFC 5246,
            7.4.2), and answers 400 to any other, as gateways that look for themselves do.
        late: it asks only after the handshake: by renegotiation in TLS 1.2, by post-handshake
            authentication in TLS 1.3. Who then shows none is answered 403.
        at: the time by which it judges certificates; None: the present.
        by_name: names (DER) of authorities of which it is taken for granted that it holds them: a
            chain that ends below one of them counts as verified so far.
    """

    identity: Issued
    trust: tuple[x509.Certificate, ...] = ()
    asks: Literal["none", "optional", "required"] = "required"
    listed: tuple[x509.Certificate, ...] | None = None
    depth: int | None = None
    versions: tuple[str, str] = ("1.2", "1.3")
    alpn: tuple[str, ...] = ()
    ciphers: str | None = None
    suites: str | None = None
    schemes: str | None = None
    status: int = 200
    says: str = "Welcome."
    title: str | None = None
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    names: tuple[str, ...] = ()
    ordered: bool = False
    late: bool = False
    at: datetime | None = None
    by_name: tuple[bytes, ...] = ()


def tls(settings: Tls) -> Behaviour:
    """Serve TLS as the settings say."""
    context = _context(settings)

    def behave(line: Line) -> Visit:
        return _Conversation(settings, SSL.Connection(context, None), line).hold()

    return only(settings.names, behave) if settings.names else behave


def _context(settings: Tls) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[settings.versions[0]])
    context.set_max_proto_version(_VERSIONS[settings.versions[1]])
    context.set_session_id(
        b"mtlskit lab"
    )  # else OpenSSL refuses to resume with client certificates
    if settings.ciphers:
        context.set_cipher_list(settings.ciphers.encode())
    if settings.suites:
        context.set_tls13_ciphersuites(settings.suites.encode())
    if settings.schemes:  # pyOpenSSL has no name for it; it is OpenSSL's own function
        Binding.lib.SSL_CTX_set1_sigalgs_list(context._context, settings.schemes.encode())  # noqa: SLF001 - no public way
    if settings.alpn:
        context.set_alpn_select_callback(_alpn(settings.alpn))
    context.use_certificate(settings.identity.certificate)
    for issuer in settings.identity.chain:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(settings.identity.key)
    _demand(context, settings)
    return context


def _demand(context: SSL.Context, settings: Tls) -> None:
    """Say by whom clients must be certified. Purpose and dates OpenSSL checks by itself."""
    if store := context.get_cert_store():
        if settings.at is not None:
            store.set_time(settings.at)
        for anchor in settings.trust:
            store.add_cert(crypto.X509.from_cryptography(anchor))
        if settings.crls:
            store.set_flags(_CRL_CHECK)
        for listed in settings.crls:
            store.add_crl(listed)
    for authority in settings.trust if settings.listed is None else settings.listed:
        context.add_client_ca(authority)
    if settings.depth is not None:
        context.set_verify_depth(settings.depth)
    asks = "none" if settings.late else settings.asks
    context.set_verify(_ASKING[asks], _noting(frozenset(settings.by_name)))


def _noting(
    names: frozenset[bytes],
) -> Callable[[SSL.Connection, crypto.X509, int, int, int], bool]:
    """Note OpenSSL's ruling, and leave it as it is, but for issuers taken for granted."""

    def note(
        connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ruling: int
    ) -> bool:
        if ruling:
            return True
        seen = certificate.to_cryptography()
        if error in _NO_ISSUER and seen.issuer.public_bytes() in names:
            return True
        connection.get_app_data().append((error, depth, seen.subject.rfc4514_string()))
        return False

    return note


def _alpn(spoken: tuple[str, ...]) -> Callable[[SSL.Connection, list[bytes]], Any]:
    def select_one(_: SSL.Connection, offered: list[bytes]) -> bytes:
        for one in offered:
            if one.decode("ascii", "replace") in spoken:
                return one
        # Raised in this callback, it makes OpenSSL send no_application_protocol (RFC 7301, 3.2).
        raise Over("no application protocol in common")

    return select_one


class _Conversation:
    """One TLS connection over memory buffers, so that every wait is the line's own."""

    def __init__(self, settings: Tls, connection: SSL.Connection, line: Line) -> None:
        self._settings = settings
        self._tls = connection
        self._line = line
        self._rejected: list[tuple[int, int, str]] = []
        connection.set_app_data(self._rejected)
        connection.set_accept_state()

    def hold(self) -> Visit:
        """Shake hands, read a request, answer it, and take leave."""
        seen = Visit()
        try:
            self._until_done(self._tls.do_handshake)
            seen = self._met()
            request_head(self._tls, self._line)
            if self._settings.late:
                ask_late(self._tls, self._line, _noting(frozenset(self._settings.by_name)))
                seen = self._met()
            answer = self._judged(seen)
            self._answer(answer, seen)
            return replace(seen, status=answer.status)
        except SSL.Error as error:
            return replace(seen, ended=_words(error), verify=next(iter(self._rejected), None))
        except (Over, OSError) as end:
            return replace(seen, ended=str(end))

    def _met(self) -> Visit:
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        subject = certificate.subject.rfc4514_string() if certificate else None
        return Visit(version=self._tls.get_protocol_version_name(), client=subject)

    def _judged(self, seen: Visit) -> Tls:
        """Look at what OpenSSL does not: whether a late certificate came, and the chain's order."""
        if self._settings.late and seen.client is None:
            return replace(self._settings, status=403, says="No client certificate reached us.")
        if self._settings.ordered and not self._in_order():
            return replace(self._settings, **_DISORDER)
        return self._settings

    def _in_order(self) -> bool:
        """Tell whether each certificate that was sent certifies the one before it."""
        leaf = self._tls.get_peer_certificate(as_cryptography=True)
        sent = self._tls.get_peer_cert_chain(as_cryptography=True) or []
        chain = [leaf, *(one for one in sent if one != leaf)] if leaf else []
        return all(one.issuer == after.subject for one, after in pairwise(chain))

    def _answer(self, settings: Tls, seen: Visit) -> None:
        page = _page(settings, seen)
        self._until_done(lambda: self._tls.send(page))
        self._until_done(self._tls.shutdown)

    def _until_done(self, step: Callable[[], object]) -> None:
        until_done(self._tls, self._line, step)


def _words(error: SSL.Error) -> str:
    """Give OpenSSL's own words of an error."""
    if isinstance(error, SSL.ZeroReturnError):
        return "the client said goodbye"
    if isinstance(error.args[0], list):
        return "; ".join(reason for *_, reason in error.args[0])
    return str(error)


def _page(settings: Tls, seen: Visit) -> bytes:
    """Write the HTTP response: the status, what the endpoint says, and what it saw."""
    phrase = f"{settings.status} {HTTPStatus(settings.status).phrase}"
    client = seen.client or "no certificate"
    title = html.escape(settings.title or phrase)
    body = (
        f"<!doctype html>\n<title>{title}</title>\n<h1>{phrase}</h1>\n"
        f"<p>{html.escape(settings.says)}</p>\n"
        f"<p>{seen.version}, client: {html.escape(client)}</p>\n"
    ).encode()
    return _http(phrase, body)


def _http(phrase: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {phrase}\r\nServer: partner-gateway\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def plain_http(line: Line) -> Visit:
    """Speak HTTP without TLS: answer whatever comes with 400, as web servers do."""
    line.receive()
    phrase = "400 Bad Request"
    line.send(_http(phrase, f"<html><head><title>{phrase}</title></head></html>\n".encode()))
    return Visit(status=400)


def greeting(banner: bytes = b"SSH-2.0-OpenSSH_9.6\r\n") -> Behaviour:
    """Speak first, as mail, SSH and database servers do, and wait for an answer."""

    def behave(line: Line) -> Visit:
        line.send(banner)
        line.receive()
        return Visit(ended="what came was not in this protocol")

    return behave


def silent(line: Line) -> Visit:
    """Take everything and never answer."""
    while True:
        line.receive()


def close_at_once(_: Line) -> Visit:
    """Close before anything is read."""
    return Visit(ended="closed at once")


def reset_on_hello(line: Line) -> Visit:
    """Read the ClientHello and cut the connection, as many firewalls do."""
    line.receive()
    line.reset()
    return Visit(ended="reset after the ClientHello")


def drip(
    data: bytes = bytes.fromhex("16030300fa020000f60303") + bytes(244), every: float = 1.0
) -> Behaviour:
    """Send one byte at a time: by default what looks like a ServerHello, one byte a second."""

    def behave(line: Line) -> Visit:
        line.receive()
        for place in range(len(data)):
            line.send(data[place : place + 1])
            line.pause(every)
        return Visit(ended="all dripped")

    return behave


def flood(total: int = 1 << 24, message: bytes | None = None) -> Behaviour:
    """Send so many bytes of handshake: by default of one ServerHello that claims that length.

    A `message` is sent over and over instead: `bytes(4)` is a HelloRequest, which TLS 1.2 clients
    pass over in the middle of a handshake (RFC 5246, 7.4.1.1).
    """
    filling = (message or b"\0") * (_CHUNK // len(message or b"\0"))
    first = b"" if message else b"\x02\xff\xff\xff"

    def behave(line: Line) -> Visit:
        line.receive()
        fragment, sent = (first + filling)[:_CHUNK], 0
        while sent < total:
            line.send(b"\x16\x03\x03" + len(fragment).to_bytes(2, "big") + fragment)
            sent, fragment = sent + len(fragment), filling
        return Visit(ended="all sent")

    return behave
