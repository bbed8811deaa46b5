"""Handshake messages in a transcript of OpenSSL: the bytes of ``-msg``, the words of ``-state``.

Law of this file: bytes that are all there are read as the wire's are; bytes that are cut are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.material import Side, Source, Unreadable
from mtlskit.trace.dialects.transcript import OTHER, Transcript
from mtlskit.trace.handshake import asked_of
from mtlskit.wire import messages, names
from mtlskit.wire.reader import ParseError

_HEAD = re.compile(
    r"^(?P<way>>>>|<<<) (?P<tls>(?:TLS|SSL) [0-9.]{1,3}|\?\?\?|Not TLS data or unknown version)"
    r"[^,]{0,40},? (?P<kind>Handshake|Alert|ChangeCipherSpec) \[length (?P<size>[0-9a-f]{4,8})\]"
    r"(?:, (?P<name>.{1,60}))?$"
)
_BYTES = re.compile(r"^ {4}[0-9a-f]{2}(?: [0-9a-f]{2}){0,15}(?: - <SPACES/NULS>)?\s{0,4}$")
_LARGEST = 200_000
_FATAL = 2
"""The level of a fatal alert (RFC 5246, 7.2)."""
_STATES: dict[str, tuple[Side, str]] = {
    "write client hello": ("client", "ClientHello"),
    "read client hello": ("client", "ClientHello"),
    "read server hello": ("server", "ServerHello"),
    "write server hello": ("server", "ServerHello"),
    "read encrypted extensions": ("server", "EncryptedExtensions"),
    "write encrypted extensions": ("server", "EncryptedExtensions"),
    "read server certificate": ("server", "Certificate"),
    "write certificate": ("server", "Certificate"),
    "read server certificate verify": ("server", "CertificateVerify"),
    "write server certificate verify": ("server", "CertificateVerify"),
    "read server key exchange": ("server", "ServerKeyExchange"),
    "write key exchange": ("server", "ServerKeyExchange"),
    "read server certificate request": ("server", "CertificateRequest"),
    "write certificate request": ("server", "CertificateRequest"),
    "read server done": ("server", "ServerHelloDone"),
    "write server done": ("server", "ServerHelloDone"),
    "write client certificate": ("client", "Certificate"),
    "read client certificate": ("client", "Certificate"),
    "write client key exchange": ("client", "ClientKeyExchange"),
    "read client key exchange": ("client", "ClientKeyExchange"),
    "write certificate verify": ("client", "CertificateVerify"),
    "read certificate verify": ("client", "CertificateVerify"),
    "read server session ticket": ("server", "NewSessionTicket"),
    "write session ticket": ("server", "NewSessionTicket"),
}
"""What OpenSSL calls its states (``SSL_state_string_long``), without the age before them."""


@dataclass(slots=True)
class Dump:
    """One message of -msg, while its bytes come."""

    sender: Side
    kind: str
    size: int
    name: str
    tls: str
    at: Source
    data: bytearray = field(default_factory=bytearray)

    def add(self, line: str) -> bool:
        """Take a line of bytes; False: it is something else."""
        if not _BYTES.match(line) or len(self.data) >= min(self.size, _LARGEST):
            return False
        self.data += bytes.fromhex(line.partition("-")[0].strip().replace(" ", ""))
        return True


def dumped(line: str, at: Source | None = None, side: Side = "client") -> Dump | None:
    """Begin a message of -msg; None: the line is no head of one."""
    found = _HEAD.match(line)
    if found is None:
        return None
    sender = side if found["way"] == ">>>" else OTHER[side]
    name = (found["name"] or "").strip()
    place = at or Source("transcript")
    return Dump(sender, found["kind"], int(found["size"], 16), name, found["tls"], place)


def from_bytes(story: Transcript, dump: Dump) -> None:
    """Take a message whose bytes are complete, or what its head tells."""
    whole = len(dump.data) == dump.size
    if dump.kind == "Alert":
        _alert(story, dump, whole=whole)
    elif dump.kind == "Handshake" and whole and len(dump.data) >= 4:  # noqa: PLR2004 - the head
        _message(story, dump)
    elif dump.kind == "Handshake" and dump.name:
        _unread(story, dump)


def _alert(story: Transcript, dump: Dump, *, whole: bool) -> None:
    if whole and len(dump.data) == 2:  # noqa: PLR2004 - level and description
        story.alert(dump.sender, dump.data[1], dump.at, fatal=dump.data[0] == _FATAL)


def _unread(story: Transcript, dump: Dump) -> None:
    name = dump.name.split(",")[0].strip()
    if name == "Certificate" and dump.sender == "client" and dump.size <= 8:  # noqa: PLR2004 - RFC 8446, 4.4.2
        story.chains["client"] = ()
    story.message(dump.sender, name, dump.at, size=dump.size, note="its bytes are not all there")


def _message(story: Transcript, dump: Dump) -> None:
    kind, body = dump.data[0], bytes(dump.data[4:])
    version = {"1.3": 0x0304, "1.2": 0x0303}.get(story.tls or "", 0x0303)
    try:
        item = messages.read(kind, body, messages.Shape(version))
    except ParseError:
        _unread(story, dump)
        return
    _learn(story, dump, item)
    story.message(dump.sender, item.name, dump.at, size=len(body), body=item)


def _learn(story: Transcript, dump: Dump, item: messages.Message) -> None:
    match item:
        case messages.ClientHello():
            story.server_name = story.server_name or item.server_name
        case messages.ServerHello():
            story.tls = names.version_name(item.version)
            story.cipher = names.cipher_name(item.cipher_suite)
            story.alpn = story.alpn or item.alpn
        case messages.EncryptedExtensions():
            story.alpn = item.alpn or story.alpn
        case messages.CertificateRequest():
            story.asked = asked_of(item, dump.at)
        case messages.Certificate():
            story.chains[dump.sender] = _chain(item, dump.at)
        case _:
            pass


def _chain(item: messages.Certificate, at: Source) -> tuple[Certificate, ...]:
    chain = []
    for number, entry in enumerate(item.entries, 1):
        try:
            chain.append(read_certificate(entry[0], at.at(f"certificate {number}")))
        except Unreadable:
            continue
    return tuple(chain)


def state_message(story: Transcript, role: str, state: str, at: Source) -> None:
    """Take a line of -state; a message that -msg has told already is not told twice."""
    side: Side = "client" if role == "connect" else "server"
    story.side = side
    words = state.partition(" ")[2]
    known = _STATES.get(words)
    if words.endswith("finished"):
        known = (side if words.startswith("write") else OTHER[side], "Finished")
    if known is None or any(one.body is not None for one in story.events):
        return
    if known not in story.signs.said:
        story.message(*known, at)
