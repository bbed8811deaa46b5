"""Real handshakes in memory: pyOpenSSL at both ends, keys made anew, every byte and key kept."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL

from mtlskit.material import Side
from mtlskit.wire.conversation import Conversation, Seen

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Party:
    certificate: x509.Certificate
    key: Key


@dataclass
class Wire:
    """What went over the wire: who sent which bytes, in order, and the key log."""

    chunks: list[tuple[Side, bytes]] = field(default_factory=list)
    key_log: list[str] = field(default_factory=list)
    client: SSL.Connection | None = None
    server: SSL.Connection | None = None
    errors: list[tuple[Side, str]] = field(default_factory=list)

    def heard(self, *, key_log: bool = True) -> list[Seen]:
        """Read it all, chunk by chunk."""
        conversation = Conversation(self.key_log if key_log else ())
        found: list[Seen] = []
        for sender, data in self.chunks:
            found += conversation.feed(sender, data)
        return found + conversation.end()

    def names(self, **how: bool) -> list[str]:
        """Who said what, in short."""
        return [f"{seen.sender}: {seen.item.name}" for seen in self.heard(**how)]


@cache
def party(name: str, kind: str = "EC") -> Party:
    """Make a self-signed party; both ends trust each other without a word."""
    key: Key = ec.generate_private_key(ec.SECP256R1())
    if kind == "RSA":
        key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return Party(made, key)


Change = Callable[[SSL.Context, SSL.Context], None]


def contexts(wire: Wire, version: str, change: Change | None, kind: str) -> list[SSL.Context]:
    """Make a client's and a server's context that ask each other for certificates."""
    number = {
        "1.0": SSL.TLS1_VERSION,
        "1.1": SSL.TLS1_1_VERSION,
        "1.2": SSL.TLS1_2_VERSION,
        "1.3": SSL.TLS1_3_VERSION,
    }[version]
    found = []
    for method, name in ((SSL.TLS_CLIENT_METHOD, "client"), (SSL.TLS_SERVER_METHOD, "server")):
        context = SSL.Context(method)
        context.set_min_proto_version(number)
        context.set_max_proto_version(number)
        this = party(name, kind)
        context.use_certificate(this.certificate)
        context.use_privatekey(this.key)
        mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if name == "server" else 0)
        context.set_verify(mode, lambda *_: True)
        if version in {"1.0", "1.1"}:
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
        found.append(context)
    found[0].set_keylog_callback(lambda _connection, line: wire.key_log.append(line.decode()))
    found[1].add_client_ca(party("Some issuer").certificate)
    found[1].set_session_id(b"tests")
    if change:
        change(*found)
    return found


def shake(
    version: str = "1.3",
    *,
    change: Change | None = None,
    kind: str = "EC",
    session: object | None = None,
    ask: bytes | None = b"GET / HTTP/1.1\r\n\r\n",
    fragment: int | None = None,
) -> Wire:
    """Shake hands; then the client asks, the server answers, and both close."""
    wire = Wire()
    client_context, server_context = contexts(wire, version, change, kind)
    wire.client = SSL.Connection(client_context, None)
    wire.server = SSL.Connection(server_context, None)
    wire.client.set_tlsext_host_name(b"server.example")
    if session is not None:
        wire.client.set_session(session)
    wire.client.set_connect_state()
    wire.server.set_accept_state()
    _drive(wire, lambda connection: connection.do_handshake())
    if ask and not wire.errors:
        wire.client.send(ask)
        pump(wire)
        wire.server.recv(100)
        wire.server.send(b"HTTP/1.1 200 OK\r\n\r\n")
        pump(wire)
        wire.client.recv(100)
        wire.client.shutdown()
        wire.server.shutdown()
        pump(wire)
    return wire


def _drive(wire: Wire, step: Callable[[SSL.Connection], object]) -> None:
    done: set[Side] = set()
    while len(done) < 2:
        for side in ("client", "server"):
            connection = wire.client if side == "client" else wire.server
            assert connection is not None
            try:
                step(connection)
                done.add(side)
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                wire.errors.append((side, str(error)))
                pump(wire)
                return
        if not pump(wire):
            break


def pump(wire: Wire) -> bool:
    """Carry what each end wants to send to the other; tell whether there was anything."""
    moved = False
    ends: tuple[tuple[Side, SSL.Connection | None, SSL.Connection | None], ...] = (
        ("client", wire.client, wire.server),
        ("server", wire.server, wire.client),
    )
    for sender, one, other in ends:
        assert one is not None
        assert other is not None
        try:
            data = one.bio_read(1 << 20)
        except SSL.WantReadError:
            continue
        wire.chunks.append((sender, data))
        other.bio_write(data)
        moved = True
    return moved
