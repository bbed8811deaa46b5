"""From one row to one record, by the columns of its table.

Law of this room: what cannot be understood becomes a problem beside the record, never a guess.
Values and labels are understood alike, since one export carries the one and the next the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import open_store
from mtlskit.instance.records import (
    Attachment,
    Message,
    MessageKind,
    MidProtocol,
    OutboundCall,
    Profile,
    Property,
    Reference,
    StoredCertificate,
    StoreKind,
)
from mtlskit.instance.rows import Row
from mtlskit.material import Blob, Problem

MAX_PORT = 65535
_SYS_ID = re.compile(r"[0-9a-f]{32}\Z")
_GROUPED = re.compile(r"\d{1,3}(?:[,.'\s\u00a0\u202f]\d{3})+\Z")
_MID = re.compile(r"mid\.httpclient\.protocol\.(?P<protocol>.+)\.(?P<what>path|port)\Z")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

MESSAGES: Mapping[str, tuple[MessageKind, str, tuple[str, ...], str]] = {
    # table: kind, name, URL columns in order of preference, the profile's column
    "sys_rest_message": ("rest-message", "name", ("rest_endpoint",), "protocol_name"),
    "sys_rest_message_fn": ("rest-method", "function_name", ("rest_endpoint",), "protocol_name"),
    "sys_soap_message": ("soap-message", "name", ("soap_endpoint", "wsdl"), "protocol_name"),
    "sys_soap_message_function": (
        "soap-function",
        "function_name",
        ("soap_endpoint",),
        "protocol_name",
    ),
    "http_connection": ("http-connection", "name", ("connection_url",), "protocol_profile"),
}


def property_of(row: Row) -> Property:
    """Read a record of `sys_properties`."""
    return Property(row.text("name"), row.text("value"), row.text("sys_id") or None, row.source)


def profile_of(row: Row, problems: list[Problem]) -> Profile:
    """Read a record of `sys_protocol_profile`."""
    text = row.text("default_port")
    if text and port_number(text) is None:
        says = f"default_port is “{text[:40]}”, where a number from 1 to {MAX_PORT} was expected."
        problems.append(Problem("not-a-port", says, row.source))
    return Profile(
        protocol=row.text("protocol"),
        port=port_number(text),
        keystore=reference(row, "keystore"),
        sys_id=row.text("sys_id") or None,
        source=row.source,
    )


def stored_of(
    row: Row, attachments: tuple[Attachment, ...] | None, problems: list[Problem]
) -> StoredCertificate:
    """Read a record of `sys_certificate`."""
    return StoredCertificate(
        name=row.text("name"),
        type=row.text("type"),
        kind=store_kind(row.text("type")),
        active=truth(row.text("active")),
        subject=row.text("subject") or None,
        issuer=row.text("issuer") or None,
        valid_from=_time(row, "valid_from", problems),
        expires=_time(row, "expires", problems),
        certificates=_pem(row, problems),
        attachments=attachments,
        sys_id=row.text("sys_id") or None,
        source=row.source,
    )


def message_of(row: Row) -> Message:
    """Read a record that makes outbound calls."""
    kind, name, urls, profile = MESSAGES[row.table]
    within = reference(row, "rest_message") or reference(row, "soap_message")
    own = row.text(name)
    return Message(
        kind=kind,
        name=f"{within.name}, {own}" if within and within.name else own,
        url=next((row.text(url) for url in urls if row.text(url)), _built(row, profile)),
        mutual=truth(row.text("use_mutual_auth")),
        profile=reference(row, profile),
        sys_id=row.text("sys_id") or None,
        source=row.source,
        mid=reference(row, "use_mid_server"),
    )


def _built(row: Row, profile: str) -> str:
    """Put together the URL of a connection that is given in parts; "" without a host."""
    host, port = row.text("host"), row.text("port")
    if not host:
        return ""
    named = reference(row, profile) if truth(row.text("use_mutual_auth")) else None
    scheme = (named.name if named else None) or row.text("protocol") or "https"
    return f"{scheme}://{host}{f':{port}' if port else ''}{row.text('base_path')}"


def call_of(row: Row, problems: list[Problem]) -> OutboundCall:
    """Read a record of `sys_outbound_http_log`."""
    text = row.text("response_status")
    digits = text.removeprefix("-")
    known = digits.isascii() and digits.isdigit() and len(digits) <= len("599")
    return OutboundCall(
        url=row.text("url"),
        method=row.text("http_method"),
        status=int(text) if known else None,
        at=_time(row, "sys_created_on", problems),
        source=row.source,
    )


def mid_of(rows: Iterable[Row]) -> tuple[MidProtocol, ...]:
    """Put together the protocols of MID Servers, of parameters and properties."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        match = _MID.match(row.named)
        agent = reference(row, "ecc_agent")
        if match:
            key = (str(agent or ""), match["protocol"])
            found.setdefault(key, {})[match["what"]] = row
    return tuple(
        MidProtocol(
            protocol,
            parts["path"].text("value") if "path" in parts else "",
            port_number(parts["port"].text("value")) if "port" in parts else None,
            agent,
            next(iter(parts.values())).source,
        )
        for (agent, protocol), parts in found.items()
    )


def _pem(row: Row, problems: list[Problem]) -> tuple[Certificate, ...]:
    text = row.text("pem_certificate")
    if not text:
        return ()
    # Only certificates are taken from it: a private key pasted by mistake is let go here.
    store = open_store(Blob(row.source.at("pem_certificate"), text.encode("utf-8", "replace")))
    problems += store.problems
    return tuple(store.certificates)


def _time(row: Row, name: str, problems: list[Problem]) -> datetime | None:
    text = row.text(name)
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        says = (
            f"{name} is “{text[:40]}”: a date in a user's own format, which can be read in more "
            "than one way. Export as XML to have it in UTC."
        )
        problems.append(Problem("date-format", says, row.source))
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def store_kind(text: str) -> StoreKind:
    """Understand the `type` of a `sys_certificate` record, be it a value or a label."""
    word = text.lower().replace("_", " ").replace("-", " ")
    if "pkcs12" in word or "pkcs 12" in word or "p12" in word:
        return "pkcs12-key-store"
    if "trust" in word:
        return "trust-store"
    return "java-key-store" if "key store" in word or "keystore" in word else "other"


def truth(text: str) -> bool | None:
    """Understand a true/false field; None if it is empty or neither."""
    return _TRUTH.get(text.lower())


def port_number(text: str) -> int | None:
    """Read a TCP port, also one with a separator as a list shows it (4,433); None if it is none."""
    digits = re.sub(r"\D", "", text) if _GROUPED.match(text) else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(MAX_PORT)):
        return None
    return int(digits) if 1 <= int(digits) <= MAX_PORT else None


def reference(row: Row, name: str) -> Reference | None:
    """Read a reference field, which may hold a sys_id, a label, or both; None if empty."""
    cell = row.cell(name)
    value = cell.value.strip() if cell else ""
    if not value:
        return None
    display = (cell.display or "").strip() if cell else ""
    if _SYS_ID.match(value) or (display and display != value):
        return Reference(value, display or None)
    return Reference(None, value)
