"""What can be seen on a connection besides handshake messages. Law: what is hidden says so.

Handshake messages are in `messages`; together they are the items of a `conversation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mtlskit.wire import names
from mtlskit.wire.reader import ParseError


@dataclass(frozen=True, slots=True)
class Alert:
    """One side complains, or says that it is done (RFC 8446, 6)."""

    level: int  # 1 warning, 2 fatal; TLS 1.3 goes by the description alone
    description: int

    @property
    def name(self) -> str:
        """The alert's name: ``bad_certificate``."""
        return names.alert_name(self.description)

    @property
    def fatal(self) -> bool:
        """Sent as fatal: the connection ends with it."""
        return self.level == 2  # noqa: PLR2004 - AlertLevel.fatal, RFC 8446, 6

    def __str__(self) -> str:
        return f"{self.name} ({'fatal' if self.fatal else 'warning'} {self.description})"


@dataclass(frozen=True, slots=True)
class ChangeCipherSpec:
    """From here on this side's records are sealed (RFC 5246, 7.1).

    In TLS 1.3 it means nothing: it is sent for the sake of middleboxes (RFC 8446, appendix D.4).
    """

    name: ClassVar[str] = "ChangeCipherSpec"


@dataclass(frozen=True, slots=True)
class ApplicationData:
    """What the connection is for, opened with the key log (RFC 8446, 5)."""

    data: bytes = field(repr=False)
    name: ClassVar[str] = "ApplicationData"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A sealed record that was not opened, or bytes before the first record.

    Attributes:
        inner_type: content type of what is inside, where the record says it (up to TLS 1.2);
            None in TLS 1.3, where it is sealed too.
        note: why it stayed hidden, as a sentence, where there is more to say than that no key
            log was given.
    """

    inner_type: int | None
    note: str = ""
    name: ClassVar[str] = "hidden"


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not what the standard says should be there."""

    error: ParseError
    name: ClassVar[str] = "malformed"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Records of application data that a reader of captures did not keep."""

    size: int
    records: int
    name: ClassVar[str] = "left out"


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes that were sent and not captured.

    Attributes:
        within: content type of the record to which all of them belong; None: whole records may be
            among them, or the record's type is not known.
    """

    size: int
    within: int | None = None
    name: ClassVar[str] = "not captured"


@dataclass(frozen=True, slots=True)
class NotTls:
    """This side does not speak TLS.

    Attributes:
        first_bytes: the first bytes that it sent, cut at `records.SAMPLE` bytes.
    """

    first_bytes: bytes
    name: ClassVar[str] = "not TLS"

    @property
    def guess(self) -> str | None:
        """The protocol that these bytes look like: ``HTTP``, ``SSH``; None if that is not told."""
        return next((name for start, name in _STARTS if self.first_bytes.startswith(start)), None)


_STARTS = (
    (b"HTTP/", "HTTP"),
    (b"GET ", "HTTP"),
    (b"POST ", "HTTP"),
    (b"PUT ", "HTTP"),
    (b"HEAD ", "HTTP"),
    (b"OPTIONS ", "HTTP"),
    (b"CONNECT ", "HTTP"),
    (b"PRI * HTTP/2", "HTTP/2"),
    (b"<", "HTML or XML"),
    (b"SSH-", "SSH"),
    (b"220 ", "SMTP or FTP"),
    (b"220-", "SMTP or FTP"),
    (b"* OK", "IMAP"),
    (b"+OK", "POP3"),
    (b"PROXY ", "the PROXY protocol"),
    (b"\r\n\r\n\x00\r\nQUIT\n", "the PROXY protocol"),
    (b"\x05\x01", "SOCKS"),
    (b"\x05\x02", "SOCKS"),
)
