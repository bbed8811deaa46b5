"""Extensions of handshake messages. Law: what is not known is kept as bytes.

An extension is read when it is asked for, so that a malformed one costs nothing but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from mtlskit.wire import names
from mtlskit.wire.reader import ParseError, Reader

T = TypeVar("T")

SERVER_NAME: Final = 0
SUPPORTED_GROUPS: Final = 10
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
CLIENT_CERTIFICATE_TYPE: Final = 19  # RFC 7250
ENCRYPT_THEN_MAC: Final = 22
EXTENDED_MASTER_SECRET: Final = 23
COMPRESS_CERTIFICATE: Final = 27
SESSION_TICKET: Final = 35
PRE_SHARED_KEY: Final = 41
EARLY_DATA: Final = 42
SUPPORTED_VERSIONS: Final = 43
COOKIE: Final = 44
PSK_KEY_EXCHANGE_MODES: Final = 45
CERTIFICATE_AUTHORITIES: Final = 47
POST_HANDSHAKE_AUTH: Final = 49
SIGNATURE_ALGORITHMS_CERT: Final = 50
KEY_SHARE: Final = 51
RENEGOTIATION_INFO: Final = 0xFF01


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension (RFC 8446, 4.2).

    Attributes:
        of: name of the message that holds it.
        at: where `data` stands in that message's body.
    """

    type: int  # extension_type
    data: bytes = field(repr=False)  # extension_data
    of: str
    at: int

    @property
    def name(self) -> str:
        """The extension's name: ``server_name``."""
        return names.extension_name(self.type)

    @property
    def problem(self) -> ParseError | None:
        """What is wrong with its bytes; None if it is well formed or not known here."""
        try:
            self.read(_READERS.get((self.of, self.type), Reader.rest))
        except ParseError as error:
            return error
        return None

    def read(self, how: Callable[[Reader], T]) -> T:
        """Read the bytes; raises `ParseError`, whose offset counts from the message's body."""
        reader = Reader(self.data, f"{self.of}.{self.name}", self.at)
        value = how(reader)
        reader.done()
        return value


def read_extensions(reader: Reader, of: str) -> tuple[Extension, ...]:
    """Read the list of extensions of the message named `of`."""
    part = reader.part(2, "extensions")
    found = []
    while part:
        code = part.number(2, "extension_type")
        data = part.vector(2, "extension_data")
        found.append(Extension(code, data, of, part.at - len(data)))
    return tuple(found)


def value_of(
    extensions: Sequence[Extension], code: int, how: Callable[[Reader], T], default: T
) -> T:
    """Read the extension of this number; `default` if there is none or it is malformed."""
    for extension in extensions:
        if extension.type == code:
            try:
                return extension.read(how)
            except ParseError:
                return default
    return default


class Extended:
    """What every message with extensions can be asked."""

    __slots__ = ()
    extensions: tuple[Extension, ...]

    def extension(self, code: int) -> Extension | None:
        """Return the extension of this number; None if the message has none."""
        return next((one for one in self.extensions if one.type == code), None)

    @property
    def problems(self) -> tuple[ParseError, ...]:
        """What is wrong with the extensions whose form is known here."""
        return tuple(error for one in self.extensions if (error := one.problem))


# What each extension holds, in the message that sends it.


@dataclass(frozen=True, slots=True)
class KeyShare:
    """A public value for one group (RFC 8446, 4.2.8)."""

    group: int
    key_exchange: bytes = field(repr=False)


def text(data: bytes) -> str:
    """Decode a name that should be ASCII; other bytes are shown escaped."""
    return data.decode("ascii", "backslashreplace")


def server_name(reader: Reader) -> str | None:
    """Read the host name that a client asks for (RFC 6066, 3)."""
    part = reader.part(2, "server_name_list", least=1)
    found = None
    while part:
        kind = part.number(1, "name_type")
        value = part.vector(2, "host_name")
        if kind == 0 and found is None:
            found = text(value)
    return found


def protocols(reader: Reader) -> tuple[str, ...]:
    """Read a list of application protocols (RFC 7301, 3.1)."""
    return tuple(text(one) for one in reader.vectors(2, 1, "protocol_name_list", least=1))


def protocol(reader: Reader) -> str | None:
    """Read the application protocol that a server chose (RFC 7301, 3.1)."""
    return next(iter(protocols(reader)), None)


def numbers(reader: Reader) -> tuple[int, ...]:
    """Read a list of two-byte numbers: groups, or signature schemes."""
    return reader.numbers(2, "list")


def small_numbers(reader: Reader) -> tuple[int, ...]:
    """Read a list of one-byte numbers: point formats, or ways to use a pre-shared key."""
    return reader.numbers(1, "list", size=1)


def offered_versions(reader: Reader) -> tuple[int, ...]:
    """Read the versions that a client offers (RFC 8446, 4.2.1)."""
    return reader.numbers(1, "versions")


def selected(reader: Reader) -> int:
    """Read the one number that a server chose: a version, a group, or a pre-shared key."""
    return reader.number(2, "selected")


def key_share(reader: Reader) -> KeyShare:
    """Read one key share (RFC 8446, 4.2.8)."""
    return KeyShare(reader.number(2, "group"), reader.vector(2, "key_exchange", least=1))


def key_shares(reader: Reader) -> tuple[KeyShare, ...]:
    """Read the key shares of a client."""
    part = reader.part(2, "client_shares")
    found = []
    while part:
        found.append(key_share(part))
    return tuple(found)


def authorities(reader: Reader) -> tuple[bytes, ...]:
    """Read distinguished names of issuers, DER each (RFC 8446, 4.2.4)."""
    return reader.vectors(2, 2, "authorities", least=1)


def cookie(reader: Reader) -> bytes:
    """Read a cookie (RFC 8446, 4.2.2)."""
    return reader.vector(2, "cookie", least=1)


def identities(reader: Reader) -> tuple[bytes, ...]:
    """Read the identities of the pre-shared keys that a client offers (RFC 8446, 4.2.11)."""
    part = reader.part(2, "identities", least=7)
    found = []
    while part:
        found.append(part.vector(2, "identity", least=1))
        part.number(4, "obfuscated_ticket_age")
    reader.vectors(2, 1, "binders", least=32)
    return tuple(found)


def compressions(reader: Reader) -> tuple[int, ...]:
    """Read the algorithms by which a certificate may be compressed (RFC 8879, 3)."""
    return reader.numbers(1, "algorithms")


def renegotiated(reader: Reader) -> bytes:
    """Read what ties a renegotiation to its connection (RFC 5746, 3.2)."""
    return reader.vector(1, "renegotiated_connection")


def most_early_data(reader: Reader) -> int:
    """Read how many bytes of early data a ticket allows (RFC 8446, 4.2.10)."""
    return reader.number(4, "max_early_data_size")


def nothing(reader: Reader) -> None:
    """Read an extension whose presence is all it says."""
    reader.done()


_ANY_HELLO: Final[Mapping[int, Callable[[Reader], object]]] = {
    ENCRYPT_THEN_MAC: nothing,
    EXTENDED_MASTER_SECRET: nothing,
    RENEGOTIATION_INFO: renegotiated,
}
_ASKING: Final[Mapping[int, Callable[[Reader], object]]] = {
    SIGNATURE_ALGORITHMS: numbers,
    SIGNATURE_ALGORITHMS_CERT: numbers,
    CERTIFICATE_AUTHORITIES: authorities,
    COMPRESS_CERTIFICATE: compressions,
}
_BY_MESSAGE: Final[Mapping[str, Mapping[int, Callable[[Reader], object]]]] = {
    "ClientHello": {
        **_ANY_HELLO,
        **_ASKING,
        SERVER_NAME: server_name,
        SUPPORTED_GROUPS: numbers,
        ALPN: protocols,
        PRE_SHARED_KEY: identities,
        EARLY_DATA: nothing,
        SUPPORTED_VERSIONS: offered_versions,
        COOKIE: cookie,
        PSK_KEY_EXCHANGE_MODES: small_numbers,
        POST_HANDSHAKE_AUTH: nothing,
        KEY_SHARE: key_shares,
    },
    "ServerHello": {
        **_ANY_HELLO,
        SERVER_NAME: nothing,
        ALPN: protocols,
        PRE_SHARED_KEY: selected,
        SUPPORTED_VERSIONS: selected,
        KEY_SHARE: key_share,
    },
    "HelloRetryRequest": {SUPPORTED_VERSIONS: selected, COOKIE: cookie, KEY_SHARE: selected},
    "EncryptedExtensions": {
        SERVER_NAME: nothing,
        SUPPORTED_GROUPS: numbers,
        ALPN: protocols,
        EARLY_DATA: nothing,
    },
    "CertificateRequest": _ASKING,
    "NewSessionTicket": {EARLY_DATA: most_early_data},
}
_READERS: Final = {
    (of, code): how for of, readers in _BY_MESSAGE.items() for code, how in readers.items()
}
