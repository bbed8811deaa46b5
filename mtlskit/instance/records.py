"""The records of an instance that decide how it makes outbound TLS calls.

Law of this room: a record says what its export says and where it stood. A field that the export
does not carry is None. No value of a password field is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mtlskit.certs.certificate import Certificate
from mtlskit.material import Blob, Source

StoreKind = Literal["java-key-store", "pkcs12-key-store", "trust-store", "other"]
"""The kinds of `sys_certificate` record; a protocol profile may only name the first two."""

MessageKind = Literal[
    "rest-message", "rest-method", "soap-message", "soap-function", "http-connection"
]


@dataclass(frozen=True, slots=True)
class Property:
    """One record of `sys_properties`; an empty value is the same as an unset one."""

    name: str
    value: str
    sys_id: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that points to another record, by its sys_id, its display value, or both."""

    sys_id: str | None
    name: str | None

    def __str__(self) -> str:
        return self.name or self.sys_id or ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One record of `sys_protocol_profile`: a URL scheme with its port and its key store.

    Attributes:
        protocol: the scheme, as it is written in the record.
        port: `default_port` as a number; None if it is empty or no number.
        keystore: the key-store record that it points to; None if the field is empty.
    """

    protocol: str
    port: int | None
    keystore: Reference | None
    sys_id: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class Attachment:
    """The file behind a record of `sys_certificate`.

    Attributes:
        file_name: the file's name, as it was uploaded.
        blob: its bytes; None if the exports name the file without carrying it.
    """

    file_name: str
    blob: Blob | None
    source: Source


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """One record of `sys_certificate`: a trusted certificate or a key store.

    Attributes:
        type: the field as exported, a value or a label.
        kind: the same, understood.
        active: None if the export does not carry the field.
        valid_from: as the record says it, in UTC; None if empty. For a key store the instance
            may leave it empty.
        certificates: read from `pem_certificate`; empty for a key store.
        attachments: its files; None if no export carried `sys_attachment`.
    """

    name: str
    type: str
    kind: StoreKind
    active: bool | None
    subject: str | None
    issuer: str | None
    valid_from: datetime | None
    expires: datetime | None
    certificates: tuple[Certificate, ...]
    attachments: tuple[Attachment, ...] | None
    sys_id: str | None
    source: Source

    @property
    def is_key_store(self) -> bool:
        """True if a protocol profile may name this record."""
        return self.kind in ("java-key-store", "pkcs12-key-store")


@dataclass(frozen=True, slots=True)
class Message:
    """A record that makes outbound calls: a REST or SOAP message, or an HTTP connection.

    Attributes:
        mutual: whether mutual authentication is ticked; None if the export does not say.
        profile: the protocol profile that it names; None if none.
        mid: the MID Server that it goes through; None if none. That uses key stores of its own.
    """

    kind: MessageKind
    name: str
    url: str
    mutual: bool | None
    profile: Reference | None
    sys_id: str | None
    source: Source
    mid: Reference | None = None


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """One line of the log of outbound calls (`sys_outbound_http_log`).

    Attributes:
        status: the HTTP status; 0 or -1 where the call got no answer; None if it is not told.
        at: when, in UTC; None if it cannot be told.
    """

    url: str
    method: str
    status: int | None
    at: datetime | None
    source: Source

    @property
    def where(self) -> str:
        """Scheme, host and port of the URL: what follows may be nobody else's business."""
        scheme, _, rest = self.url.partition("://")
        host = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        return f"{scheme}://{host}" if host else "not told"

    @property
    def answered(self) -> bool:
        """True if an HTTP answer came, so that any TLS before it was accepted by both sides."""
        return self.status is not None and self.status > 0


@dataclass(frozen=True, slots=True)
class MidProtocol:
    """A protocol as a MID Server has it: ``mid.httpclient.protocol.NAME.path`` and ``.port``.

    Attributes:
        path: of the key store on the MID Server's own disk.
        agent: which MID Server; "" where the file does not say.
    """

    protocol: str
    path: str
    port: int | None
    agent: str
    source: Source
