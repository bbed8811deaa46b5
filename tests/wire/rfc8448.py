"""The traces of RFC 8448 worked out from their numbers: keys, clear messages, key-log lines.

Everything here is derived from the two private keys and the records, by the key schedule of RFC
8446 (section 7) written anew over `cryptography`: nothing of the package under test takes part.
"""

from __future__ import annotations

import hashlib
import hmac
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from mtlskit.material import Side

NUMBERS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="ascii"))
SIMPLE, RESUMED, RETRIED, AUTHENTICATED, COMPATIBLE = "34567"

CLIENT_HELLO, SERVER_HELLO, TICKET, END_OF_EARLY_DATA, FINISHED = 1, 2, 4, 5, 20
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()
ZEROS = bytes(32)


def records(section: str) -> list[tuple[Side, bytes]]:
    """The records of both sides, in their order."""
    return [(side, bytes.fromhex(data)) for side, data in NUMBERS[section]["flow"]]


def hashed(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def derive(secret: bytes, label: str, context: bytes = b"", length: int = 32) -> bytes:
    """HKDF-Expand-Label (RFC 8446, 7.1)."""
    full = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return HKDFExpand(SHA256(), length, info).derive(secret)


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract (RFC 5869, 2.2)."""
    return hmac.digest(salt, secret, "sha256")


def verify_data(secret: bytes, transcript: bytes) -> bytes:
    """What a Finished, or a binder, has to hold (RFC 8446, 4.4.4)."""
    return hmac.digest(derive(secret, "finished"), hashed(transcript), "sha256")


def agreed(section: str, server_hello: bytes, client_hello: bytes) -> bytes:
    """The secret of the key exchange; both private keys have to lead to it."""
    ours, theirs = NUMBERS[section]["client_key"], NUMBERS[section]["server_key"]
    if section == RETRIED:
        keys = [ec.derive_private_key(int(one, 16), ec.SECP256R1()) for one in (ours, theirs)]
        publics = [one[(at := one.index(b"\x00\x17\x00\x41") + 4) : at + 65]
                   for one in (server_hello, client_hello)]  # fmt: skip
        points = [ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), one)
                  for one in publics]  # fmt: skip
        both = [key.exchange(ec.ECDH(), one) for key, one in zip(keys, points, strict=True)]
    else:
        secrets = [
            X25519PrivateKey.from_private_bytes(bytes.fromhex(one)) for one in (ours, theirs)
        ]
        shares = [one[(at := one.index(b"\x00\x1d\x00\x20") + 4) : at + 32]
                  for one in (server_hello, client_hello)]  # fmt: skip
        both = [key.exchange(X25519PublicKey.from_public_bytes(one))
                for key, one in zip(secrets, shares, strict=True)]  # fmt: skip
    assert both[0] == both[1], "the two private keys do not belong to the two key shares"
    return both[0]


@dataclass
class Played:
    """One trace, opened.

    Attributes:
        secrets: by label of a key log.
        messages: handshake messages in their order, each with its sender and the transcript hash's
            input before it.
        data, alerts: what else was sealed, in order.
        resumption: the resumption master secret.
    """

    section: str
    psk: bytes = ZEROS
    secrets: dict[str, bytes] = field(default_factory=dict)
    messages: list[tuple[Side, bytes, bytes]] = field(default_factory=list)
    data: list[tuple[Side, bytes]] = field(default_factory=list)
    alerts: list[tuple[Side, bytes]] = field(default_factory=list)
    resumption: bytes = b""
    _transcript: bytes = b""
    _master: bytes = b""
    _keys: dict[Side, tuple[bytes, int]] = field(default_factory=dict)

    def play(self) -> Played:
        """Open every record."""
        for side, record in records(self.section):
            kind, content = record[0], record[5:]
            if kind == 23:
                kind, content = self._opened(side, record)
            if kind == 22:
                self._handshake(side, content)
            elif kind == 23:
                self.data.append((side, content))
            elif kind == 21:
                self.alerts.append((side, content))
        return self

    @property
    def random(self) -> bytes:
        """The client's, by which a key log tells connections apart."""
        return self.messages[0][1][6:38]

    @property
    def key_log(self) -> list[str]:
        """The secrets as lines of a key log."""
        return [f"{label} {self.random.hex()} {one.hex()}" for label, one in self.secrets.items()]

    def named(self, side: Side, kind: int) -> tuple[bytes, bytes]:
        """The only message of a kind from one side: its body, and the transcript before it."""
        (found,) = [(whole[4:], before) for sender, whole, before in self.messages
                    if sender == side and whole[0] == kind]  # fmt: skip
        return found

    def ticket_key(self) -> bytes:
        """The pre-shared key that belongs to the ticket (RFC 8446, 4.6.1)."""
        body, _ = self.named("server", TICKET)
        nonce = body[9 : 9 + body[8]]
        return derive(self.resumption, "resumption", nonce)

    def _opened(self, side: Side, record: bytes) -> tuple[int, bytes]:
        secret, number = self._keys[side]
        key, iv = derive(secret, "key", length=16), derive(secret, "iv", length=12)
        nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
        try:
            inner = AESGCM(key).decrypt(nonce, record[5:], record[:5]).rstrip(b"\0")
        except InvalidTag:
            raise AssertionError(f"record {number} of the {side} does not open") from None
        self._keys[side] = secret, number + 1
        return inner[-1], inner[:-1]

    def _handshake(self, side: Side, content: bytes) -> None:
        while content:
            size = 4 + int.from_bytes(content[1:4], "big")
            whole, content = content[:size], content[size:]
            self.messages.append((side, whole, self._transcript))
            self._transcript += whole
            self._next(side, whole)

    def _next(self, side: Side, whole: bytes) -> None:
        """Go on in the key schedule (RFC 8446, 7.1)."""
        kind = whole[0]
        if kind == CLIENT_HELLO and self.psk != ZEROS:
            self._use(
                "client", self._label("CLIENT_EARLY_TRAFFIC_SECRET", self.early, "c e traffic")
            )
        elif kind == SERVER_HELLO and whole[6:38] == RETRY_RANDOM:
            first = hashed(self.messages[0][1])
            self._transcript = b"\xfe\x00\x00\x20" + first + whole
        elif kind == SERVER_HELLO:
            self._shared(whole)
        elif kind == END_OF_EARLY_DATA:
            self._use("client", self.secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"])
        elif kind == FINISHED and side == "server":
            for label, name in (("CLIENT_TRAFFIC_SECRET_0", "c ap traffic"),
                                ("SERVER_TRAFFIC_SECRET_0", "s ap traffic"),
                                ("EXPORTER_SECRET", "exp master")):  # fmt: skip
                self._label(label, self._master, name)
            self._use("server", self.secrets["SERVER_TRAFFIC_SECRET_0"])
        elif kind == FINISHED:
            self.resumption = derive(self._master, "res master", hashed(self._transcript))
            self._use("client", self.secrets["CLIENT_TRAFFIC_SECRET_0"])

    @property
    def early(self) -> bytes:
        """The early secret, of the pre-shared key alone."""
        return extract(ZEROS, self.psk)

    def _shared(self, server_hello: bytes) -> None:
        hello = [whole for _, whole, _ in self.messages if whole[0] == CLIENT_HELLO][-1]
        salt = derive(self.early, "derived", hashed(b""))
        handshake = extract(salt, agreed(self.section, server_hello, hello))
        self._master = extract(derive(handshake, "derived", hashed(b"")), ZEROS)
        client = self._label("CLIENT_HANDSHAKE_TRAFFIC_SECRET", handshake, "c hs traffic")
        self._use(
            "server", self._label("SERVER_HANDSHAKE_TRAFFIC_SECRET", handshake, "s hs traffic")
        )
        if self.psk == ZEROS:
            self._use("client", client)

    def _label(self, label: str, secret: bytes, name: str) -> bytes:
        found = self.secrets[label] = derive(secret, name, hashed(self._transcript))
        return found

    def _use(self, side: Side, secret: bytes) -> None:
        self._keys[side] = secret, 0
