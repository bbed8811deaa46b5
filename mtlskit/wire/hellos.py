"""The hellos: what a client offers and what a server chooses. Law: fields stand in wire order.

Beside each field stands where the standard defines it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from mtlskit.wire import extensions as ext
from mtlskit.wire.extensions import Extended, Extension, KeyShare, read_extensions, value_of
from mtlskit.wire.reader import Reader

RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest (RFC 8446, 4.1.3)."""


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """The server wants to negotiate anew (RFC 5246, 7.4.1.1)."""

    name: ClassVar[str] = "HelloRequest"


@dataclass(frozen=True, slots=True)
class ClientHello(Extended):
    """What the client offers (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2)."""

    name: ClassVar[str] = "ClientHello"
    legacy_version: int  # RFC 8446, 4.1.2; client_version in RFC 5246
    random: bytes = field(repr=False)  # RFC 8446, 4.1.2: 32 bytes
    session_id: bytes = field(repr=False)  # RFC 8446, 4.1.2: legacy_session_id, up to 32 bytes
    cipher_suites: tuple[int, ...]  # RFC 8446, 4.1.2
    compression_methods: tuple[int, ...]  # RFC 8446, 4.1.2: legacy_compression_methods
    extensions: tuple[Extension, ...]  # RFC 8446, 4.2

    @property
    def server_name(self) -> str | None:
        """The host name asked for (RFC 6066, 3); None if none was sent."""
        return value_of(self.extensions, ext.SERVER_NAME, ext.server_name, None)

    @property
    def versions(self) -> tuple[int, ...]:
        """Versions offered, in the client's order (RFC 8446, 4.2.1).

        Without the extension: the highest, which is all that the client says.
        """
        default = (self.legacy_version,)
        return value_of(self.extensions, ext.SUPPORTED_VERSIONS, ext.offered_versions, default)

    @property
    def groups(self) -> tuple[int, ...]:
        """Groups for key exchange, in the client's order (RFC 8446, 4.2.7)."""
        return value_of(self.extensions, ext.SUPPORTED_GROUPS, ext.numbers, ())

    @property
    def key_shares(self) -> tuple[KeyShare, ...]:
        """Public values sent along (RFC 8446, 4.2.8)."""
        return value_of(self.extensions, ext.KEY_SHARE, ext.key_shares, ())

    @property
    def schemes(self) -> tuple[int, ...]:
        """Signature schemes accepted from the server (RFC 8446, 4.2.3); () if it did not say."""
        return value_of(self.extensions, ext.SIGNATURE_ALGORITHMS, ext.numbers, ())

    @property
    def alpn(self) -> tuple[str, ...]:
        """Application protocols offered (RFC 7301)."""
        return value_of(self.extensions, ext.ALPN, ext.protocols, ())


@dataclass(frozen=True, slots=True)
class Ssl2ClientHello:
    """What a client offers in the frame of SSL 2.0 (RFC 5246, appendix E.2)."""

    name: ClassVar[str] = "ClientHello in the frame of SSL 2.0"
    version: int  # RFC 5246, E.2
    cipher_specs: tuple[int, ...]  # RFC 5246, E.2: three bytes each
    session_id: bytes = field(repr=False)  # RFC 5246, E.2
    challenge: bytes = field(repr=False)  # RFC 5246, E.2

    @property
    def random(self) -> bytes:
        """The client random that a TLS server makes of the challenge: 32 bytes."""
        return self.challenge.rjust(32, b"\0")[-32:]

    @property
    def cipher_suites(self) -> tuple[int, ...]:
        """Those of the cipher specs that TLS knows."""
        return tuple(spec for spec in self.cipher_specs if spec <= 0xFFFF)  # noqa: PLR2004 - two bytes

    @property
    def versions(self) -> tuple[int, ...]:
        """The highest version, which is all that this frame says."""
        return (self.version,)


@dataclass(frozen=True, slots=True)
class ServerHello(Extended):
    """What the server chose (RFC 8446, 4.1.3; RFC 5246, 7.4.1.3)."""

    name: ClassVar[str] = "ServerHello"
    legacy_version: int  # RFC 8446, 4.1.3; server_version in RFC 5246
    random: bytes = field(repr=False)  # RFC 8446, 4.1.3: 32 bytes
    session_id: bytes = field(repr=False)  # RFC 8446, 4.1.3: legacy_session_id_echo
    cipher_suite: int  # RFC 8446, 4.1.3
    compression_method: int  # RFC 8446, 4.1.3: legacy_compression_method
    extensions: tuple[Extension, ...]  # RFC 8446, 4.2

    @property
    def version(self) -> int:
        """The version negotiated: 0x0304 for TLS 1.3 (RFC 8446, 4.2.1)."""
        default = self.legacy_version
        return value_of(self.extensions, ext.SUPPORTED_VERSIONS, ext.selected, default)

    @property
    def key_share(self) -> KeyShare | None:
        """The server's public value; None up to TLS 1.2."""
        return value_of(self.extensions, ext.KEY_SHARE, ext.key_share, None)

    @property
    def alpn(self) -> str | None:
        """Application protocol chosen (RFC 7301); in TLS 1.3 the EncryptedExtensions say it."""
        return value_of(self.extensions, ext.ALPN, ext.protocol, None)

    @property
    def pre_shared_key(self) -> int | None:
        """Which of the client's pre-shared keys was chosen: a TLS 1.3 session is resumed."""
        return value_of(self.extensions, ext.PRE_SHARED_KEY, ext.selected, None)

    @property
    def preshared(self) -> bool:
        """A pre-shared key was chosen (RFC 8446, 4.2.11)."""
        return self.pre_shared_key is not None


@dataclass(frozen=True, slots=True)
class HelloRetryRequest(Extended):
    """The server wants another ClientHello (RFC 8446, 4.1.4): a ServerHello with a fixed random."""

    name: ClassVar[str] = "HelloRetryRequest"
    legacy_version: int  # RFC 8446, 4.1.3
    random: bytes = field(repr=False)  # RFC 8446, 4.1.3: `RETRY`
    session_id: bytes = field(repr=False)  # RFC 8446, 4.1.3: legacy_session_id_echo
    cipher_suite: int  # RFC 8446, 4.1.3
    compression_method: int  # RFC 8446, 4.1.3: legacy_compression_method
    extensions: tuple[Extension, ...]  # RFC 8446, 4.2

    @property
    def version(self) -> int:
        """The version negotiated (RFC 8446, 4.2.1)."""
        default = self.legacy_version
        return value_of(self.extensions, ext.SUPPORTED_VERSIONS, ext.selected, default)

    @property
    def group(self) -> int | None:
        """The group for which the server wants a key share (RFC 8446, 4.2.8)."""
        return value_of(self.extensions, ext.KEY_SHARE, ext.selected, None)


@dataclass(frozen=True, slots=True)
class EncryptedExtensions(Extended):
    """What the server chose and need not say in clear (RFC 8446, 4.3.1)."""

    name: ClassVar[str] = "EncryptedExtensions"
    extensions: tuple[Extension, ...]  # RFC 8446, 4.2

    @property
    def alpn(self) -> str | None:
        """Application protocol chosen (RFC 7301)."""
        return value_of(self.extensions, ext.ALPN, ext.protocol, None)


def client_hello(reader: Reader) -> ClientHello:
    """Read a ClientHello."""
    return ClientHello(
        reader.number(2, "legacy_version"),
        reader.take(32, "random"),
        _session_id(reader),
        reader.numbers(2, "cipher_suites"),
        reader.numbers(1, "compression_methods", size=1),
        read_extensions(reader, reader.of) if reader else (),
    )


def server_hello(reader: Reader) -> ServerHello | HelloRetryRequest:
    """Read a ServerHello; one with the random of a HelloRetryRequest is one."""
    version, random = reader.number(2, "legacy_version"), reader.take(32, "random")
    made = HelloRetryRequest if random == RETRY else ServerHello
    return made(
        version,
        random,
        _session_id(reader),
        reader.number(2, "cipher_suite"),
        reader.number(1, "compression_method"),
        read_extensions(reader, made.name) if reader else (),
    )


def _session_id(reader: Reader) -> bytes:
    value = reader.vector(1, "session_id")
    if len(value) > 32:  # noqa: PLR2004 - RFC 8446, 4.1.2
        raise reader.error("session_id", "at most 32 bytes", f"{len(value)} bytes", len(value))
    return value


def encrypted_extensions(reader: Reader) -> EncryptedExtensions:
    """Read the EncryptedExtensions."""
    return EncryptedExtensions(read_extensions(reader, reader.of))


def ssl2_client_hello(fragment: bytes) -> Ssl2ClientHello:
    """Read a hello in the frame of SSL 2.0, without the two bytes of its length."""
    reader = Reader(fragment, "ClientHello in the frame of SSL 2.0")
    reader.number(1, "msg_type")
    version = reader.number(2, "version")
    lengths = [reader.number(2, f"{part}_length") for part in ("cipher_spec", "session_id")]
    challenge = reader.number(2, "challenge_length")
    specs = reader.take(lengths[0], "cipher_specs")
    if len(specs) % 3:
        raise reader.error("cipher_specs", "three bytes each", f"{len(specs)} bytes", len(specs))
    found = Ssl2ClientHello(
        version,
        tuple(int.from_bytes(specs[n : n + 3], "big") for n in range(0, len(specs), 3)),
        reader.take(lengths[1], "session_id"),
        reader.take(challenge, "challenge"),
    )
    reader.done()
    return found
