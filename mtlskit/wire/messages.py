"""Handshake messages of TLS 1.0 to 1.3. Law: fields stand in wire order, beside each its section.

`read` turns a framed body into one of these, or raises `ParseError`. The hellos are in `hellos`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple

from mtlskit.wire import extensions as ext
from mtlskit.wire import names
from mtlskit.wire.extensions import Extended, Extension, read_extensions, value_of
from mtlskit.wire.hellos import (
    ClientHello,
    EncryptedExtensions,
    HelloRequest,
    HelloRetryRequest,
    ServerHello,
    Ssl2ClientHello,
    client_hello,
    encrypted_extensions,
    server_hello,
)
from mtlskit.wire.items import Alert
from mtlskit.wire.names import TLS12, TLS13
from mtlskit.wire.reader import ParseError, Reader, quantity

__all__ = [
    "Alert",
    "Certificate",
    "CertificateEntry",
    "CertificateRequest",
    "CertificateStatus",
    "CertificateVerify",
    "ClientHello",
    "ClientKeyExchange",
    "CompressedCertificate",
    "EncryptedExtensions",
    "EndOfEarlyData",
    "Finished",
    "Heartbeat",
    "HelloRequest",
    "HelloRetryRequest",
    "KeyUpdate",
    "Message",
    "NewSessionTicket",
    "ServerHello",
    "ServerHelloDone",
    "ServerKeyExchange",
    "Ssl2ClientHello",
    "UnknownMessage",
    "read",
]

INFLATED: Final = 2**20
"""The longest certificate message that is decompressed, in bytes."""


class CertificateEntry(NamedTuple):
    """One certificate of a chain as it was sent (RFC 8446, 4.4.2)."""

    der: bytes  # RFC 8446, 4.4.2: cert_data
    extensions: tuple[Extension, ...] = ()  # RFC 8446, 4.4.2; none up to TLS 1.2


@dataclass(frozen=True, slots=True)
class Certificate:
    """The chain that a side sent, leaf first (RFC 8446, 4.4.2; RFC 5246, 7.4.2); () is none."""

    name: ClassVar[str] = "Certificate"
    certificate_request_context: bytes  # RFC 8446, 4.4.2; empty up to TLS 1.2
    entries: tuple[CertificateEntry, ...] = field(repr=False)  # certificate_list


@dataclass(frozen=True, slots=True)
class CertificateRequest(Extended):
    """The server asks for a certificate (RFC 8446, 4.3.2; RFC 5246, 7.4.4)."""

    name: ClassVar[str] = "CertificateRequest"
    certificate_request_context: bytes  # RFC 8446, 4.3.2; empty up to TLS 1.2
    certificate_types: tuple[int, ...]  # RFC 5246, 7.4.4; () in TLS 1.3
    supported_signature_algorithms: tuple[int, ...]  # RFC 5246, 7.4.4; () in TLS 1.0, 1.1 and 1.3
    certificate_authorities: tuple[bytes, ...] = field(repr=False)  # RFC 5246, 7.4.4; () in TLS 1.3
    extensions: tuple[Extension, ...]  # RFC 8446, 4.3.2; () up to TLS 1.2

    @property
    def types(self) -> tuple[int, ...]:
        """Certificate types of TLS 1.0 to 1.2; () in TLS 1.3, which has none."""
        return self.certificate_types

    @property
    def schemes(self) -> tuple[int, ...]:
        """Signature schemes that the client may sign with, from either shape."""
        default = self.supported_signature_algorithms
        return value_of(self.extensions, ext.SIGNATURE_ALGORITHMS, ext.numbers, default)

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """Names of acceptable issuers, DER, from either shape; () is an empty list."""
        default = self.certificate_authorities
        return value_of(self.extensions, ext.CERTIFICATE_AUTHORITIES, ext.authorities, default)


@dataclass(frozen=True, slots=True)
class CertificateVerify:
    """Proof that the sender holds the certificate's key (RFC 8446, 4.4.3; RFC 5246, 7.4.8)."""

    name: ClassVar[str] = "CertificateVerify"
    algorithm: int | None  # RFC 8446, 4.4.3; None in TLS 1.0 and 1.1
    signature: bytes = field(repr=False)  # RFC 8446, 4.4.3


@dataclass(frozen=True, slots=True)
class Finished:
    """The sender is done and binds all that was said (RFC 8446, 4.4.4; RFC 5246, 7.4.9)."""

    name: ClassVar[str] = "Finished"
    verify_data: bytes = field(repr=False)  # RFC 8446, 4.4.4


@dataclass(frozen=True, slots=True)
class NewSessionTicket(Extended):
    """What a later session may be resumed with (RFC 8446, 4.6.1; RFC 5077, 3.3)."""

    name: ClassVar[str] = "NewSessionTicket"
    ticket_lifetime: int  # RFC 8446, 4.6.1: seconds; ticket_lifetime_hint in RFC 5077
    ticket_age_add: int | None = field(repr=False)  # RFC 8446, 4.6.1; None up to TLS 1.2
    ticket_nonce: bytes | None = field(repr=False)  # RFC 8446, 4.6.1; None up to TLS 1.2
    ticket: bytes = field(repr=False)  # RFC 8446, 4.6.1
    extensions: tuple[Extension, ...]  # RFC 8446, 4.6.1; () up to TLS 1.2


@dataclass(frozen=True, slots=True)
class ServerKeyExchange:
    """The server's part of the key exchange (RFC 5246, 7.4.3; RFC 8422, 5.4; RFC 4279, 2).

    Attributes:
        psk_identity_hint: None where the key exchange has none.
        params: the rest of the parameters, as they were sent; the whole body where the key
            exchange is not known here.
        named_group: the curve, if it was named.
        prime_bits: length of the prime of a Diffie-Hellman exchange.
    """

    name: ClassVar[str] = "ServerKeyExchange"
    psk_identity_hint: bytes | None = field(repr=False)  # RFC 4279, 2
    params: bytes = field(repr=False)  # RFC 5246, 7.4.3: ServerDHParams; RFC 8422: ServerECDHParams
    named_group: int | None  # RFC 8422, 5.4
    prime_bits: int | None  # RFC 5246, 7.4.3
    algorithm: int | None  # RFC 5246, 4.7; None in TLS 1.0 and 1.1, and where nothing is signed
    signature: bytes | None = field(repr=False)  # RFC 5246, 7.4.3; None where nothing is signed


@dataclass(frozen=True, slots=True)
class ServerHelloDone:
    """The server waits for the client (RFC 5246, 7.4.5)."""

    name: ClassVar[str] = "ServerHelloDone"


@dataclass(frozen=True, slots=True)
class ClientKeyExchange:
    """The client's part of the key exchange (RFC 5246, 7.4.7), as it was sent."""

    name: ClassVar[str] = "ClientKeyExchange"
    exchange_keys: bytes = field(repr=False)  # RFC 5246, 7.4.7


@dataclass(frozen=True, slots=True)
class KeyUpdate:
    """The sender changes its key (RFC 8446, 4.6.3)."""

    name: ClassVar[str] = "KeyUpdate"
    request_update: int  # RFC 8446, 4.6.3: 1 asks the other side to do the same


@dataclass(frozen=True, slots=True)
class EndOfEarlyData:
    """The client has sent all of its early data (RFC 8446, 4.5)."""

    name: ClassVar[str] = "EndOfEarlyData"


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What an OCSP responder says of the server's certificate (RFC 6066, 8)."""

    name: ClassVar[str] = "CertificateStatus"
    status_type: int  # RFC 6066, 8: 1 is OCSP
    response: bytes = field(repr=False)  # RFC 6066, 8


@dataclass(frozen=True, slots=True)
class CompressedCertificate:
    """A Certificate message, compressed (RFC 8879, 4).

    Attributes:
        certificate: the message inside; None where it was not decompressed, see `problem`.
        problem: why it was not; None if it was, or if its algorithm is not read here.
    """

    name: ClassVar[str] = "CompressedCertificate"
    algorithm: int  # RFC 8879, 4
    uncompressed_length: int  # RFC 8879, 4
    compressed: bytes = field(repr=False)  # RFC 8879, 4: compressed_certificate_message
    certificate: Certificate | None
    problem: ParseError | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life, in records of its own (RFC 6520, 3)."""

    name: ClassVar[str] = "HeartbeatMessage"
    data: bytes = field(repr=False)  # RFC 6520, 4


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message that is not read here, kept as bytes."""

    type: int
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Its name in the registry, if it has one."""
        return names.handshake_name(self.type)


Message = (
    HelloRequest
    | ClientHello
    | Ssl2ClientHello
    | ServerHello
    | HelloRetryRequest
    | EncryptedExtensions
    | NewSessionTicket
    | EndOfEarlyData
    | Certificate
    | ServerKeyExchange
    | CertificateRequest
    | ServerHelloDone
    | CertificateVerify
    | ClientKeyExchange
    | Finished
    | CertificateStatus
    | KeyUpdate
    | CompressedCertificate
    | Heartbeat
    | UnknownMessage
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What was agreed on, as far as it shapes the messages that follow.

    Attributes:
        version: the version negotiated.
        key_exchange: of the cipher suite, as in `names.CipherSuite`.
    """

    version: int = TLS12
    key_exchange: str = ""


def read(kind: int, body: bytes, shape: Shape) -> Message:
    """Read the body of a handshake message of type `kind`; raises `ParseError`."""
    reads = _READERS.get(kind)
    if reads is None:
        return UnknownMessage(kind, body)
    reader = Reader(body, names.handshake_name(kind))
    message = reads(reader, shape)
    reader.done()
    return message


def _certificate(reader: Reader, shape: Shape) -> Certificate:
    if shape.version < TLS13:
        ders = reader.vectors(3, 3, "certificate_list", least=1)
        return Certificate(b"", tuple(CertificateEntry(der) for der in ders))
    context = reader.vector(1, "certificate_request_context")
    part = reader.part(3, "certificate_list")
    entries = []
    while part:
        der = part.vector(3, "cert_data", least=1)
        entries.append(CertificateEntry(der, read_extensions(part, "CertificateEntry")))
    return Certificate(context, tuple(entries))


def _certificate_request(reader: Reader, shape: Shape) -> CertificateRequest:
    if shape.version >= TLS13:
        context = reader.vector(1, "certificate_request_context")
        return CertificateRequest(context, (), (), (), read_extensions(reader, reader.of))
    types = reader.numbers(1, "certificate_types", size=1)
    schemes: tuple[int, ...] = ()
    if shape.version >= TLS12:
        schemes = reader.numbers(2, "supported_signature_algorithms")
    authorities = reader.vectors(2, 2, "certificate_authorities", least=1)
    return CertificateRequest(b"", types, schemes, authorities, ())


def _certificate_verify(reader: Reader, shape: Shape) -> CertificateVerify:
    algorithm = reader.number(2, "algorithm") if shape.version >= TLS12 else None
    return CertificateVerify(algorithm, reader.vector(2, "signature"))


def _finished(reader: Reader, shape: Shape) -> Finished:
    del shape
    if not reader:
        raise reader.error("verify_data", "at least 12 bytes", "no bytes")
    return Finished(reader.rest())


def _new_session_ticket(reader: Reader, shape: Shape) -> NewSessionTicket:
    lifetime = reader.number(4, "ticket_lifetime")
    if shape.version < TLS13:
        return NewSessionTicket(lifetime, None, None, reader.vector(2, "ticket"), ())
    return NewSessionTicket(
        lifetime,
        reader.number(4, "ticket_age_add"),
        reader.vector(1, "ticket_nonce"),
        reader.vector(2, "ticket", least=1),
        read_extensions(reader, reader.of),
    )


def _server_key_exchange(reader: Reader, shape: Shape) -> ServerKeyExchange:
    family = shape.key_exchange.partition("_")[0]
    if family not in {"DHE", "DH", "ECDHE", "ECDH", "PSK"}:
        return ServerKeyExchange(None, reader.rest(), None, None, None, None)
    hint = reader.vector(2, "psk_identity_hint") if "PSK" in shape.key_exchange else None
    start = reader.at
    group, bits = _exchanged(reader, family)
    params = reader.since(start)
    scheme, signature = _signed(reader, shape)
    return ServerKeyExchange(hint, params, group, bits, scheme, signature)


def _exchanged(reader: Reader, family: str) -> tuple[int | None, int | None]:
    """Pass over the public values; give the named group and the length of the prime."""
    if family in {"DHE", "DH"}:
        prime = reader.vector(2, "dh_p", least=1)
        reader.vector(2, "dh_g", least=1)
        reader.vector(2, "dh_Ys", least=1)
        return None, int.from_bytes(prime, "big").bit_length()
    if family == "PSK":
        return None, None
    kind = reader.number(1, "curve_type")
    if kind != 3:  # noqa: PLR2004 - named_curve, RFC 8422, 5.4
        raise reader.error("curve_type", "3 (named_curve)", str(kind), back=1)
    group = reader.number(2, "named_curve")
    reader.vector(1, "public", least=1)
    return group, None


def _signed(reader: Reader, shape: Shape) -> tuple[int | None, bytes | None]:
    if shape.key_exchange.endswith(("anon", "PSK")):
        return None, None
    scheme = reader.number(2, "algorithm") if shape.version >= TLS12 else None
    return scheme, reader.vector(2, "signature")


def _certificate_status(reader: Reader, shape: Shape) -> CertificateStatus:
    del shape
    return CertificateStatus(reader.number(1, "status_type"), reader.vector(3, "response", least=1))


def _compressed(reader: Reader, shape: Shape) -> CompressedCertificate:
    algorithm = reader.number(2, "algorithm")
    length = reader.number(3, "uncompressed_length")
    data = reader.vector(3, "compressed_certificate_message", least=1)
    if names.compression_name(algorithm) != "zlib":
        return CompressedCertificate(algorithm, length, data, None)
    try:
        certificate = _certificate(Reader(_inflate(data, length), reader.of), shape)
    except ParseError as error:
        return CompressedCertificate(algorithm, length, data, None, error)
    return CompressedCertificate(algorithm, length, data, certificate)


def _inflate(data: bytes, length: int) -> bytes:
    field_name = "CompressedCertificate.compressed_certificate_message"
    if length > INFLATED:
        raise ParseError(field_name, 0, f"at most {INFLATED} bytes", quantity(length))
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(data, length + 1)
    except zlib.error as error:
        raise ParseError(field_name, 0, "zlib data", str(error)) from None
    if len(found) != length:
        more = "more" if len(found) > length else quantity(len(found))
        raise ParseError(field_name, 0, f"{quantity(length)} once decompressed", more)
    return found


_Read = Callable[[Reader, Shape], Message]

_READERS: Final[Mapping[int, _Read]] = {
    0: lambda _reader, _shape: HelloRequest(),
    1: lambda reader, _shape: client_hello(reader),
    2: lambda reader, _shape: server_hello(reader),
    4: _new_session_ticket,
    5: lambda _reader, _shape: EndOfEarlyData(),
    8: lambda reader, _shape: encrypted_extensions(reader),
    11: _certificate,
    12: _server_key_exchange,
    13: _certificate_request,
    14: lambda _reader, _shape: ServerHelloDone(),
    15: _certificate_verify,
    16: lambda reader, _shape: ClientKeyExchange(reader.rest()),
    20: _finished,
    22: _certificate_status,
    24: lambda reader, _shape: KeyUpdate(reader.number(1, "request_update")),
    25: _compressed,
}
