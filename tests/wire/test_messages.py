import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.wire import extensions as ext
from mtlskit.wire import messages as m
from mtlskit.wire.hellos import RETRY, ssl2_client_hello
from mtlskit.wire.reader import ParseError

TLS10, TLS12, TLS13 = m.Shape(0x0301), m.Shape(0x0303), m.Shape(0x0304)


def vec(width: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return len(data).to_bytes(width, "big") + data


def extension(code: int, *parts: bytes) -> bytes:
    return code.to_bytes(2, "big") + vec(2, *parts)


def client_hello(*extensions: bytes) -> m.ClientHello:
    fixed = b"\x03\x03" + bytes(range(32)) + vec(1, b"id") + vec(2, b"\x13\x01\xc0\x2f")
    found = m.read(1, fixed + vec(1, b"\0") + (vec(2, *extensions) if extensions else b""), TLS12)
    assert isinstance(found, m.ClientHello)
    return found


def server_hello(*extensions: bytes, random: bytes = bytes(32)) -> m.Message:
    fixed = b"\x03\x03" + random + vec(1, b"") + b"\x13\x01\0"
    return m.read(2, fixed + vec(2, *extensions), TLS12)


# What real ends send.


def test_a_client_hello_says_what_the_client_offers(wires: dict) -> None:
    """All that a client offers can be asked of its hello."""
    hello = next(one.item for one in wires["1.3"].heard() if one.item.name == "ClientHello")
    assert isinstance(hello, m.ClientHello)
    assert hello.server_name == "server.example"
    assert hello.versions == (0x0304,)
    assert hello.random == wires["1.3"].client.client_random()
    assert 0x1301 in hello.cipher_suites
    assert 0x0403 in hello.schemes
    assert {share.group for share in hello.key_shares} <= set(hello.groups)
    assert hello.alpn == ()
    assert hello.problems == ()


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_a_server_hello_says_what_was_negotiated(wires: dict, version: str) -> None:
    """Version, cipher suite and random are those that the library negotiated."""
    wire = wires[version]
    hello = next(one.item for one in wire.heard() if one.item.name == "ServerHello")
    assert isinstance(hello, m.ServerHello)
    assert hello.version == wire.client.get_protocol_version()
    assert hello.random == wire.client.server_random()
    assert not hello.preshared
    assert (hello.key_share is not None) == (version == "1.3")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_a_certificate_request_has_one_face_for_both_shapes(wires: dict, version: str) -> None:
    """Issuers, schemes and types are asked for alike, whatever the version."""
    asked = next(one.item for one in wires[version].heard() if one.item.name.endswith("Request"))
    assert isinstance(asked, m.CertificateRequest)
    (issuer,) = asked.authorities
    attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")
    assert issuer == x509.Name([attribute]).public_bytes()
    assert (0x0403 in asked.schemes) == (version in {"1.2", "1.3"})
    assert (64 in asked.types) == (version != "1.3")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_certificates_are_given_as_they_were_sent(wires: dict, version: str) -> None:
    """Each entry is the certificate, DER, and its extensions."""
    wire = wires[version]
    sent = [one for one in wire.heard() if isinstance(one.item, m.Certificate)]
    ders = {one.sender: [der for der, _ in one.item.entries] for one in sent}
    for side, end in (("client", wire.server), ("server", wire.client)):
        certificate = end.get_peer_certificate(as_cryptography=True)
        assert [x509.load_der_x509_certificate(der) for der in ders[side]] == [certificate]


def test_a_key_exchange_is_told_with_its_group_and_its_scheme(wires: dict) -> None:
    """The named group is told; a scheme is told from TLS 1.2 on."""
    for version, schemed in (("1.0", False), ("1.2", True)):
        said = [one.item for one in wires[version].heard()]
        exchange = next(one for one in said if isinstance(one, m.ServerKeyExchange))
        assert exchange.named_group == 29
        assert exchange.signature
        assert (exchange.algorithm is not None) == schemed


# What is made by hand.


def test_a_hello_retry_request_is_a_server_hello_with_its_own_random() -> None:
    """The fixed random makes it one, and it names the group that is wanted."""
    found = server_hello(extension(43, b"\x03\x04"), extension(51, b"\0\x18"), random=RETRY)
    assert isinstance(found, m.HelloRetryRequest)
    assert (found.version, found.group, found.problems) == (0x0304, 0x18, ())


def test_a_hello_without_extensions_is_read() -> None:
    """An old hello ends after its compression methods; it offers the version it names."""
    hello = client_hello()
    assert hello.extensions == ()
    assert hello.versions == (0x0303,)
    assert (hello.server_name, hello.groups, hello.schemes) == (None, (), ())
    assert hello.session_id == b"id"


def test_what_is_not_known_is_kept_as_bytes() -> None:
    """Unknown extensions and unknown messages keep their bytes and are no errors."""
    hello = client_hello(extension(0x4A4A, b"abc"), extension(0xFFFE, b"def"))
    assert [(one.type, one.data) for one in hello.extensions] == [
        (0x4A4A, b"abc"),
        (0xFFFE, b"def"),
    ]
    assert hello.problems == ()
    unknown = m.read(99, b"xyz", TLS12)
    assert unknown == m.UnknownMessage(99, b"xyz")
    assert unknown.name == "unknown (0x63)"


def test_a_malformed_extension_costs_nothing_but_itself() -> None:
    """The hello is read without it, and what is wrong with it is told with its place."""
    hello = client_hello(extension(10, b"\0\x05\0\x17"), extension(16, vec(2, vec(1, b"h2"))))
    assert hello.groups == ()
    assert hello.alpn == ("h2",)
    (problem,) = hello.problems
    assert problem.field == "ClientHello.supported_groups.list"
    body = b"\x03\x03" + bytes(32) + b"\x02id\0\x04abcd\1\0"
    assert problem.at == len(body) + 2 + 4 + 2


def test_a_name_that_is_not_ascii_is_shown_escaped() -> None:
    """No byte of a name is lost, and none can break what it is shown on."""
    name = vec(2, b"\0", vec(2, b"caf\xe9\n"))
    assert client_hello(extension(0, name)).server_name == "caf\\xe9\n"


@pytest.mark.parametrize("code", sorted({code for of, code in ext._READERS if of == "ClientHello"}))
def test_a_known_extension_with_bytes_left_over_has_a_problem(code: int) -> None:
    """Every extension that is read ends where its length says."""
    hello = client_hello(extension(code, b"\0" * 9))
    assert len(hello.problems) == 1


def test_early_data_binders_and_the_rest_are_read() -> None:
    """A hello that resumes is well formed, whatever it offers."""
    psk = vec(2, vec(2, b"ticket"), bytes(4)) + vec(2, vec(1, bytes(32)))
    hello = client_hello(
        extension(ext.EARLY_DATA),
        extension(ext.PSK_KEY_EXCHANGE_MODES, b"\1\1"),
        extension(ext.COOKIE, vec(2, b"c")),
        extension(ext.COMPRESS_CERTIFICATE, vec(1, b"\0\1")),
        extension(ext.RENEGOTIATION_INFO, b"\0"),
        extension(ext.PRE_SHARED_KEY, psk),
    )
    assert hello.problems == ()
    found = hello.extension(ext.PRE_SHARED_KEY)
    assert found is not None
    assert found.read(ext.identities) == (b"ticket",)
    chosen = server_hello(extension(ext.PRE_SHARED_KEY, b"\0\0"), extension(43, b"\3\4"))
    assert isinstance(chosen, m.ServerHello)
    assert chosen.preshared


def test_a_session_id_has_a_limit() -> None:
    """A session id of more than 32 bytes is told with its place."""
    with pytest.raises(ParseError) as raised:
        m.read(1, b"\3\3" + bytes(32) + vec(1, bytes(33)), TLS12)
    assert (raised.value.field, raised.value.at) == ("ClientHello.session_id", 35)


def test_an_empty_chain_is_a_chain() -> None:
    """A client that has nothing to send says so by an empty list."""
    for shape, body in ((TLS12, bytes(3)), (TLS13, bytes(4))):
        found = m.read(11, body, shape)
        assert found == m.Certificate(b"", ())


def test_each_entry_of_a_chain_has_its_own_extensions() -> None:
    """In TLS 1.3 a stapled status belongs to one certificate."""
    entries = vec(3, b"leaf") + vec(2, extension(5, b"ocsp")) + vec(3, b"issuer") + vec(2)
    found = m.read(11, b"\0" + vec(3, entries), TLS13)
    assert isinstance(found, m.Certificate)
    (leaf, issuer) = found.entries
    assert (leaf.der, leaf.extensions[0].data) == (b"leaf", b"ocsp")
    assert issuer == (b"issuer", ())


def test_key_exchanges_are_told_apart_by_the_cipher_suite() -> None:
    """What a ServerKeyExchange holds depends on the suite; an unknown one is kept as bytes."""
    dh = vec(2, b"\x0f" + bytes(255)) + vec(2, b"\2") + vec(2, bytes(256))
    signed = b"\4\1" + vec(2, b"sig")
    cases = {
        "DHE_RSA": (dh + signed, (None, dh, None, 2044, 0x0401, b"sig")),
        "DH_anon": (dh, (None, dh, None, 2044, None, None)),
        "PSK": (vec(2, b"hint"), (b"hint", b"", None, None, None, None)),
        "ECDHE_PSK": (
            vec(2, b"hint") + b"\3\0\x1d\1x",
            (b"hint", b"\3\0\x1d\1x", 29, None, None, None),
        ),
        "SRP_SHA": (b"what", (None, b"what", None, None, None, None)),
    }
    for exchange, (body, wanted) in cases.items():
        found = m.read(12, body, m.Shape(0x0303, exchange))
        assert found == m.ServerKeyExchange(*wanted), exchange
    with pytest.raises(ParseError, match=r"curve_type, at byte 0: wanted 3 \(named_curve\)"):
        m.read(12, b"\1abc", m.Shape(0x0303, "ECDHE_RSA"))


def test_tickets_have_two_shapes() -> None:
    """Up to TLS 1.2 a ticket has a lifetime; in TLS 1.3 also a nonce and extensions."""
    old = m.read(4, b"\0\0\0\x64" + vec(2, b"t"), TLS12)
    assert old == m.NewSessionTicket(100, None, None, b"t", ())
    early = extension(42, b"\0\0\x40\0")
    body = b"\0\0\0\x64" + bytes(4) + vec(1, b"n") + vec(2, b"t") + vec(2, early)
    new = m.read(4, body, TLS13)
    assert isinstance(new, m.NewSessionTicket)
    assert (new.ticket_nonce, new.ticket, new.problems) == (b"n", b"t", ())
    assert new.extensions[0].read(ext.most_early_data) == 0x4000


@pytest.mark.parametrize(
    ("kind", "name"),
    [(0, "HelloRequest"), (5, "EndOfEarlyData"), (14, "ServerHelloDone")],
)
def test_a_message_that_says_all_by_its_type_is_empty(kind: int, name: str) -> None:
    """Such a message has no body, and one that has is malformed."""
    assert m.read(kind, b"", TLS12).name == name
    with pytest.raises(ParseError, match=f"{name}, at byte 0: wanted its end"):
        m.read(kind, b"x", TLS12)


def test_small_messages_are_read() -> None:
    """A stapled status, a change of keys, a proof without a scheme, an empty Finished."""
    assert m.read(22, b"\1" + vec(3, b"ocsp"), TLS12) == m.CertificateStatus(1, b"ocsp")
    assert m.read(24, b"\1", TLS13) == m.KeyUpdate(1)
    assert m.read(15, vec(2, b"s"), TLS10) == m.CertificateVerify(None, b"s")
    with pytest.raises(ParseError, match="Finished"):
        m.read(20, b"", TLS12)


def compressed(body: bytes, length: int | None = None, algorithm: int = 1) -> m.Message:
    size = len(body) if length is None else length
    packed = zlib.compress(body)
    data = algorithm.to_bytes(2, "big") + size.to_bytes(3, "big") + vec(3, packed)
    return m.read(25, data, TLS13)


def test_a_compressed_chain_is_decompressed() -> None:
    """The chain inside is given as if it had been sent in clear."""
    body = b"\0" + vec(3, vec(3, b"leaf") + vec(2))
    found = compressed(body)
    assert isinstance(found, m.CompressedCertificate)
    assert found.certificate == m.read(11, body, TLS13)
    assert found.problem is None


@pytest.mark.parametrize(
    ("body", "length", "problem"),
    [
        (bytes(1000), 10, "wanted 10 bytes once decompressed, found more"),
        (bytes(10), 1000, "wanted 1000 bytes once decompressed, found 10 bytes"),
        (bytes(10), 2**20 + 1, "wanted at most 1048576 bytes"),
        (b"\0\0\0\5", None, "certificate_list"),
    ],
)
def test_a_compressed_chain_that_lies_is_told(
    body: bytes, length: int | None, problem: str
) -> None:
    """A length that is not kept, or a body that is no chain, is a problem, not an error."""
    found = compressed(body, length)
    assert isinstance(found, m.CompressedCertificate)
    assert found.certificate is None
    assert problem in str(found.problem)


def test_a_chain_that_cannot_be_decompressed_here_is_kept() -> None:
    """Of another algorithm only the bytes are kept; damaged data is a problem."""
    other = compressed(b"abc", algorithm=2)
    assert isinstance(other, m.CompressedCertificate)
    assert (other.certificate, other.problem) == (None, None)
    damaged = m.read(25, b"\0\1" + b"\0\0\5" + vec(3, b"damaged"), TLS13)
    assert isinstance(damaged, m.CompressedCertificate)
    assert "wanted zlib data" in str(damaged.problem)


def test_a_bomb_is_not_unpacked() -> None:
    """A few bytes that would become many are not decompressed beyond their stated length."""
    packed = zlib.compress(bytes(50_000_000), 9)
    body = b"\0\1" + (1000).to_bytes(3, "big") + vec(3, packed)
    tracemalloc.start()
    found = m.read(25, body, TLS13)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, m.CompressedCertificate)
    assert "found more" in str(found.problem)
    assert most < 5_000_000


def test_a_hello_in_the_frame_of_ssl_2_is_read() -> None:
    """Its specs that TLS knows are cipher suites, and its challenge makes the random."""
    fixed = bytes.fromhex("01 0303 0006 0000 0010")
    hello = ssl2_client_hello(fixed + bytes.fromhex("00002f 010080") + b"c" * 16)
    assert hello.cipher_suites == (0x2F,)
    assert hello.versions == (0x0303,)
    assert hello.random == bytes(16) + b"c" * 16
    with pytest.raises(ParseError, match="three bytes each"):
        ssl2_client_hello(bytes.fromhex("01 0303 0004 0000 0000 00000000"))


KINDS = sorted(m._READERS)
EXCHANGES = ["", "ECDHE_RSA", "DHE_RSA", "DH_anon", "PSK", "DHE_PSK", "ECDHE_PSK", "SRP_SHA"]


def look_at_all(message: m.Message) -> None:
    """Ask a message everything that it can be asked."""
    for name in dir(message):
        if not name.startswith("_"):
            getattr(message, name)
    assert message.name
    assert repr(message)


@given(
    st.sampled_from([*KINDS, 99]),
    st.binary(max_size=120),
    st.sampled_from([0x0300, 0x0301, 0x0303, 0x0304, 0x7F1C]),
    st.sampled_from(EXCHANGES),
)
def test_any_bytes_are_a_message_or_a_parse_error(
    kind: int, body: bytes, version: int, exchange: str
) -> None:
    """Whatever the bytes are, there is a message that answers all questions, or a `ParseError`."""
    try:
        message = m.read(kind, body, m.Shape(version, exchange))
    except ParseError as error:
        at = error.at
        assert 0 <= at <= len(body)
    else:
        look_at_all(message)


@pytest.fixture(scope="session")
def bodies(wires: dict, hear: Callable) -> list[tuple[int, bytes, m.Shape]]:
    """Give the messages of real handshakes as bytes, by spying on how they are read."""
    from mtlskit.wire import conversation  # noqa: PLC0415 - what is spied on

    found: list[tuple[int, bytes, m.Shape]] = []

    def spy(kind: int, body: bytes, shape: m.Shape) -> m.Message:
        found.append((kind, body, shape))
        return m.read(kind, body, shape)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversation, "read", spy)
        for wire in wires.values():
            hear(wire.chunks, wire.key_log)
    return found


@given(data=st.data())
def test_damaged_messages_are_a_message_or_a_parse_error(
    bodies: list[tuple[int, bytes, m.Shape]], data: st.DataObject
) -> None:
    """A real message with some bytes changed, cut or added is read, or says what is wrong."""
    kind, body, shape = data.draw(st.sampled_from(bodies))
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(damaged))) :]
    damaged += data.draw(st.binary(max_size=5))
    try:
        look_at_all(m.read(kind, bytes(damaged), shape))
    except ParseError as error:
        at = error.at
        assert 0 <= at <= max(len(damaged), 2**20)
