"""Real handshakes in memory: pyOpenSSL at both ends, keys made anew, every byte and key kept."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL

from mtlskit.material import Side
from mtlskit.wire.conversation import Conversation, Seen

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Change = Callable[[SSL.Context, SSL.Context], None]

VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
MOST = 1 << 20


@dataclass(frozen=True)
class Party:
    certificate: x509.Certificate
    key: Key


@cache
def party(name: str, kind: str = "EC") -> Party:
    """Make a self-signed party; in these tests both ends accept whatever comes."""
    key: Key = ec.generate_private_key(ec.SECP256R1())
    if kind == "RSA":
        key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return Party(made, key)


@dataclass
class Wire:
    """Two ends, what went between them (who sent which bytes, in order), and the key log."""

    client: SSL.Connection
    server: SSL.Connection
    key_log: list[str]
    chunks: list[tuple[Side, bytes]] = field(default_factory=list)
    errors: list[tuple[Side, str]] = field(default_factory=list)

    def shake(self) -> None:
        """Let both ends shake hands until both are done, one fails, or nothing moves."""
        waiting: dict[Side, SSL.Connection] = {"client": self.client, "server": self.server}
        while waiting:
            for side, connection in tuple(waiting.items()):
                try:
                    connection.do_handshake()
                    del waiting[side]
                except SSL.WantReadError:
                    pass
                except SSL.Error as error:
                    self.errors.append((side, str(error)))
                    self.pump()
                    return
            if not self.pump():
                return

    def settle(self) -> None:
        """Let both ends read until nothing moves, as a renegotiation needs."""
        for _ in range(6):
            for end in (self.client, self.server):
                with contextlib.suppress(SSL.WantReadError):
                    end.recv(1)
                self.pump()

    def again(self) -> Wire:
        """Make a second connection of the same two ends, which resumes this one's session."""
        client = SSL.Connection(self.client.get_context(), None)
        server = SSL.Connection(self.server.get_context(), None)
        client.set_session(self.client.get_session())
        client.set_connect_state()
        server.set_accept_state()
        return Wire(client, server, self.key_log)

    def ask(self) -> None:
        """Let the client ask, the server answer, and both close."""
        for sender, reader, words in (
            (self.client, self.server, b"GET / HTTP/1.1\r\n\r\n"),
            (self.server, self.client, b"HTTP/1.1 200 OK\r\n\r\n"),
        ):
            sender.send(words)
            self.pump()
            assert reader.recv(100) == words
        self.client.shutdown()
        self.server.shutdown()
        self.pump()

    def pump(self) -> bool:
        """Carry what each end wants to send to the other; tell whether there was anything."""
        moved = False
        for sender, one, other in (
            ("client", self.client, self.server),
            ("server", self.server, self.client),
        ):
            try:
                data = one.bio_read(MOST)
            except SSL.WantReadError:
                continue
            self.chunks.append((sender, data))
            other.bio_write(data)
            moved = True
        return moved

    def heard(self, *, key_log: bool = True) -> list[Seen]:
        """Read it all, chunk by chunk."""
        return hear(self.chunks, self.key_log if key_log else ())

    def names(self, sender: Side | None = None) -> list[str]:
        """What was said, by one side or by both."""
        return [seen.item.name for seen in self.heard() if sender in {None, seen.sender}]


def hear(chunks: list[tuple[Side, bytes]], key_log: list[str] | tuple[str, ...] = ()) -> list[Seen]:
    """Read chunks of bytes in order, to their end."""
    conversation = Conversation(key_log)
    found = [seen for sender, data in chunks for seen in conversation.feed(sender, data)]
    return found + conversation.end()


def make(
    version: str = "1.3",
    change: Change | None = None,
    *,
    kind: str = "EC",
) -> Wire:
    """Make two ends of one version that ask each other for certificates."""
    key_log: list[str] = []
    ends = [SSL.Context(SSL.TLS_CLIENT_METHOD), SSL.Context(SSL.TLS_SERVER_METHOD)]
    for context, name in zip(ends, ("client", "server"), strict=True):
        context.set_min_proto_version(VERSIONS[version])
        context.set_max_proto_version(VERSIONS[version])
        if version in {"1.0", "1.1"}:
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.use_certificate(party(name, kind).certificate)
        context.use_privatekey(party(name, kind).key)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    ends[0].set_keylog_callback(lambda _connection, line: key_log.append(line.decode()))
    ends[1].add_client_ca(party("issuer").certificate)
    ends[1].set_session_id(b"tests")
    if change:
        change(*ends)
    wire = Wire(SSL.Connection(ends[0], None), SSL.Connection(ends[1], None), key_log)
    wire.client.set_tlsext_host_name(b"server.example")
    wire.client.set_connect_state()
    wire.server.set_accept_state()
    return wire


def shaken(
    version: str = "1.3",
    change: Change | None = None,
    *,
    kind: str = "EC",
) -> Wire:
    """Make two ends, let them shake hands, ask, answer and close."""
    wire = make(version, change, kind=kind)
    wire.shake()
    if not wire.errors:
        wire.ask()
    return wire


@pytest.fixture(scope="session", name="make")
def _make() -> Callable[..., Wire]:
    return make


@pytest.fixture(scope="session", name="shaken")
def _shaken() -> Callable[..., Wire]:
    return shaken


@pytest.fixture(scope="session", name="party")
def _party() -> Callable[..., Party]:
    return party


@pytest.fixture(scope="session", name="hear")
def _hear() -> Callable[..., list[Seen]]:
    return hear


@pytest.fixture(scope="session")
def wires() -> dict[str, Wire]:
    """Give one whole conversation of each version."""
    return {version: shaken(version) for version in VERSIONS}
