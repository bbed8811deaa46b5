from collections.abc import Callable

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire import names, openers, unseal
from mtlskit.wire.conversation import ApplicationData, Conversation, Hidden, Malformed, Seen
from mtlskit.wire.keys import expand_label, hmac
from mtlskit.wire.openers import (
    WRONG,
    CbcOpener,
    NotOpened,
    Tls12AeadOpener,
    Tls13Opener,
)
from mtlskit.wire.records import Record

SECRET = bytes(range(32))
RANDOM = b"r" * 32
KEY, MAC_KEY, IV = b"k" * 16, b"m" * 32, b"i" * 16
LONG = bytes(range(32))  # of which each cipher takes what it needs


def hellos() -> tuple[bytes, bytes]:
    """Make the shortest hellos that agree on TLS 1.3 with TLS_AES_128_GCM_SHA256."""
    versions = {1: bytes.fromhex("0007 002b 0003 02 0304"), 2: bytes.fromhex("0006 002b 0002 0304")}
    found = []
    for kind, suites in ((1, bytes.fromhex("0002 1301 01 00")), (2, bytes.fromhex("1301 00"))):
        body = b"\3\3" + RANDOM + b"\0" + suites + versions[kind]
        message = bytes([kind]) + len(body).to_bytes(3, "big") + body
        found.append(b"\x16\3\3" + len(message).to_bytes(2, "big") + message)
    return found[0], found[1]


def sealed(inner: bytes) -> bytes:
    """Seal the first record of the server's handshake."""
    header = b"\x17\3\3" + (len(inner) + 16).to_bytes(2, "big")
    key, iv = (expand_label(SHA256(), SECRET, part, n) for part, n in (("key", 16), ("iv", 12)))
    return header + AESGCM(key).encrypt(iv, inner, header)


def opened(inner: bytes) -> list[Seen]:
    """Open one record of the server's handshake; then the connection ends."""
    log = [f"SERVER_HANDSHAKE_TRAFFIC_SECRET {RANDOM.hex()} {SECRET.hex()}"]
    conversation = Conversation(log)
    client, server = hellos()
    assert len(conversation.feed("client", client) + conversation.feed("server", server)) == 2
    return conversation.feed("server", sealed(inner)) + conversation.end()


@pytest.mark.parametrize("padding", [0, 1, 100])
def test_padding_is_taken_away(padding: int) -> None:
    """What a TLS 1.3 sender adds to hide a length is no part of the content."""
    (seen,) = opened(b"data\0" + b"\x17" + bytes(padding))
    assert seen.item == ApplicationData(b"data\0")
    assert (seen.content_type, seen.size, seen.sealed) == (23, 5, True)


@pytest.mark.parametrize(("inner", "found"), [(b"", "0"), (bytes(9), "0"), (b"data\x63", "99")])
def test_a_record_without_a_known_type_inside_is_malformed(inner: bytes, found: str) -> None:
    """A record of nothing but padding, or of a type that is none, is told."""
    (seen,) = opened(inner)
    assert isinstance(seen.item, Malformed)
    assert seen.item.error.wanted == "a content type from 20 to 24"
    assert seen.item.error.found == found


def test_a_sealed_message_that_is_cut_off_is_told_as_sealed() -> None:
    """What a sealed record began and no other finished is told at the end."""
    (seen,) = opened(b"\x0b\0\0\x20abc\x16")
    assert isinstance(seen.item, Malformed)
    assert seen.item.error.field == "Certificate"
    assert seen.sealed


BLOCKS = {"AES_128_CBC": AES, "3DES_EDE_CBC": TripleDES, "CAMELLIA_256_CBC": Camellia}


def block(cipher: str = "AES_128_CBC", *, etm: bool) -> CbcOpener:
    """Make an opener of a block cipher with HMAC-SHA256."""
    sizes = names.ciphers()[cipher]
    return CbcOpener(sizes, LONG[: sizes.key_bytes], b"", SHA256(), MAC_KEY, etm=etm)


def encrypted(data: bytes, cipher: str = "AES_128_CBC") -> bytes:
    sizes = names.ciphers()[cipher]
    iv = IV[: sizes.iv_bytes]
    encryptor = Cipher(BLOCKS[cipher](LONG[: sizes.key_bytes]), CBC(iv)).encryptor()
    return iv + encryptor.update(data) + encryptor.finalize()


def mac(content: bytes) -> bytes:
    header = bytes(8) + b"\x17\3\3" + len(content).to_bytes(2, "big")
    return hmac(SHA256(), MAC_KEY, header + content)


@pytest.mark.parametrize("cipher", BLOCKS)
@pytest.mark.parametrize("padding", [4, 20])
def test_a_block_record_is_opened_whatever_its_padding(cipher: str, padding: int) -> None:
    """Padding up to a block or more, all of its bytes alike, is taken away."""
    content, end = b"x" * 12, bytes([padding - 1]) * padding
    record = Record(23, 0x0303, encrypted(content + mac(content) + end, cipher), 0, 0)
    assert block(cipher, etm=False).open(record) == (23, content)
    data = encrypted(content + end, cipher)
    record = Record(23, 0x0303, data + mac(data), 0, 0)
    assert block(cipher, etm=True).open(record) == (23, content)


@pytest.mark.parametrize("end", [b"\3\3\2\3", b"\1\3\3\3", b"\xff\xff\xff\xff"])
def test_wrong_padding_is_not_taken_for_right(end: bytes) -> None:
    """Padding whose bytes differ, or that is longer than the record, opens nothing."""
    data = encrypted(b"x" * 12 + end)
    record = Record(23, 0x0303, data + mac(data), 0, 0)
    with pytest.raises(NotOpened, match=WRONG):
        block(etm=True).open(record)


@given(st.binary(max_size=80), st.integers(20, 24))
def test_any_bytes_are_opened_or_not(data: bytes, kind: int) -> None:
    """No fragment makes an opener fail otherwise than by saying that it was not opened."""
    ciphers = names.ciphers()
    kinds = [
        Tls13Opener(ciphers["AES_128_GCM"], KEY, b"i" * 12),
        Tls12AeadOpener(ciphers["AES_128_GCM"], KEY, b"i" * 4),
        Tls12AeadOpener(ciphers["AES_128_CCM_8"], KEY, b"i" * 4),
        Tls12AeadOpener(ciphers["CHACHA20_POLY1305"], KEY * 2, b"i" * 12),
        block(etm=True),
        block(etm=False),
        CbcOpener(ciphers["AES_128_CBC"], KEY, IV, SHA256(), MAC_KEY, etm=False),
    ]
    for opener in kinds:
        with pytest.raises(NotOpened):
            opener.open(Record(kind, 0x0303, data, 0, 0))


def test_a_lock_without_a_key_says_why() -> None:
    """Where no key could be made, the reason is told for each record."""
    with pytest.raises(NotOpened, match="because"):
        unseal.Tls12Lock(None, "because").open(Record(23, 0x0303, b"", 0, 0))
    unseal.Tls12Lock(None).update()


@pytest.mark.parametrize(
    "use",
    [
        lambda: Tls13Opener(names.ciphers()["AES_128_GCM"], KEY, b"i" * 12),
        lambda: block(etm=False).open(Record(23, 0x0303, bytes(64), 0, 0)),
    ],
    ids=["GCM", "CBC"],
)
def test_what_the_library_does_not_offer_is_told(
    monkeypatch: pytest.MonkeyPatch, use: Callable[[], object]
) -> None:
    """A library that was built without a cipher hides what needs it, and says so."""

    def refuse(*_: object) -> None:
        raise UnsupportedAlgorithm("not built in")

    monkeypatch.setattr(openers, "AESGCM", refuse)
    monkeypatch.setattr(openers, "Cipher", refuse)
    with pytest.raises(NotOpened, match=openers.MISSING):
        use()


def test_a_prf_that_the_library_does_not_offer_is_told(
    monkeypatch: pytest.MonkeyPatch, wires: dict
) -> None:
    """A library without the hashes of TLS 1.0 hides its records, and says so."""

    def refuse(*_: object) -> None:
        raise UnsupportedAlgorithm("not built in")

    monkeypatch.setattr(unseal, "prf", refuse)
    notes = {one.item.note for one in wires["1.0"].heard() if isinstance(one.item, Hidden)}
    assert notes == {openers.MISSING}
