import copy
from collections.abc import Callable

import pytest
from OpenSSL import SSL

from mtlskit.wire import names, unseal
from mtlskit.wire.conversation import Alert, ApplicationData, ChangeCipherSpec, Hidden
from mtlskit.wire.messages import CertificateVerify, Finished, ServerHello
from mtlskit.wire.openers import WRONG
from mtlskit.wire.unseal import KeyLog

NO_ENCRYPT_THEN_MAC = 1 << 19  # SSL_OP_NO_ENCRYPT_THEN_MAC, which pyOpenSSL does not name

TLS13_SUITES = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
]
AEAD_SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-CCM": "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
    "ECDHE-ECDSA-AES256-CCM": "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
    "ECDHE-ECDSA-AES128-CCM8": "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
    "ECDHE-ECDSA-AES256-CCM8": "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
}
CBC_SUITES = {
    "ECDHE-ECDSA-AES128-SHA": "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "ECDHE-ECDSA-AES128-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "ECDHE-ECDSA-AES256-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "ECDHE-ECDSA-CAMELLIA256-SHA384": "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384",
    "AES256-SHA256": "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA",
}


def opened(wire: object, suite: str) -> None:
    """Hold that all that was sealed was opened, and is what both ends said."""
    heard = wire.heard()
    assert wire.errors == []
    assert not [one for one in heard if isinstance(one.item, Hidden)]
    (hello,) = [one.item for one in heard if isinstance(one.item, ServerHello)]
    assert names.cipher_name(hello.cipher_suite) == suite
    data = [one.item.data for one in heard if isinstance(one.item, ApplicationData)]
    assert [one for one in data if one] == [b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    assert all(one.sealed for one in heard if isinstance(one.item, ApplicationData | Finished))
    assert [one.item.name for one in heard if isinstance(one.item, Alert)] == ["close_notify"] * 2
    assert any(isinstance(one.item, CertificateVerify) for one in heard if one.sender == "client")


def choose(suite: str) -> Callable[[SSL.Context, SSL.Context], None]:
    def change(*ends: SSL.Context) -> None:
        for end in ends:
            end.set_cipher_list(f"{suite}:@SECLEVEL=0".encode())

    return change


@pytest.mark.parametrize("suite", TLS13_SUITES)
def test_every_suite_of_tls_1_3_is_opened(shaken: Callable, suite: str) -> None:
    """With a key log, everything after the ServerHello is told as if it had been in clear."""

    def change(*ends: SSL.Context) -> None:
        for end in ends:
            end.set_cipher_list(b"ALL:@SECLEVEL=0")
            end.set_tls13_ciphersuites(suite.encode())

    opened(shaken("1.3", change), suite)


@pytest.mark.parametrize(("suite", "name"), AEAD_SUITES.items(), ids=AEAD_SUITES)
def test_authenticating_ciphers_of_tls_1_2_are_opened(
    shaken: Callable, suite: str, name: str
) -> None:
    """GCM, CCM and ChaCha20-Poly1305, with either hash and any key exchange."""
    kind = "EC" if "ECDSA" in suite else "RSA"
    opened(shaken("1.2", choose(suite), kind=kind), name)


@pytest.mark.parametrize("etm", [True, False], ids=["encrypt-then-mac", "mac-then-encrypt"])
@pytest.mark.parametrize(("suite", "name"), CBC_SUITES.items(), ids=CBC_SUITES)
def test_block_ciphers_of_tls_1_2_are_opened(
    shaken: Callable, suite: str, name: str, *, etm: bool
) -> None:
    """CBC with each hash, whichever of MAC and padding comes first."""

    def change(*ends: SSL.Context) -> None:
        choose(suite)(*ends)
        for end in ends:
            end.set_options(0 if etm else NO_ENCRYPT_THEN_MAC)

    wire = shaken("1.2", change, kind="EC" if "ECDSA" in suite else "RSA")
    opened(wire, name)
    hello = next(one.item for one in wire.heard() if isinstance(one.item, ServerHello))
    assert (hello.extension(22) is not None) == etm


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("etm", [True, False], ids=["encrypt-then-mac", "mac-then-encrypt"])
def test_block_ciphers_of_older_versions_are_opened(
    shaken: Callable, version: str, *, etm: bool
) -> None:
    """TLS 1.0 chains its records; TLS 1.1 does not; both use the older PRF."""

    def change(*ends: SSL.Context) -> None:
        choose("ECDHE-ECDSA-AES256-SHA")(*ends)
        for end in ends:
            end.set_options(0 if etm else NO_ENCRYPT_THEN_MAC)

    opened(shaken(version, change), "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA")


# Without secrets, or with the wrong ones.


def test_without_a_key_log_tls_1_3_hides_all_but_sizes(wires: dict) -> None:
    """Each sealed record is told with its size, and nothing is said of what is inside."""
    wire = wires["1.3"]
    heard = wire.heard(key_log=False)
    hidden = [one for one in heard if isinstance(one.item, Hidden)]
    assert {one.item for one in hidden} == {Hidden(None)}
    assert {one.content_type for one in hidden} == {23}
    assert all(one.sealed and one.size > 16 for one in hidden)
    clear = [(one.sender, one.item.name) for one in heard if not isinstance(one.item, Hidden)]
    assert clear == [
        ("client", "ClientHello"),
        ("server", "ServerHello"),
        ("server", "ChangeCipherSpec"),
        ("client", "ChangeCipherSpec"),
    ]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_without_a_key_log_older_versions_still_tell_the_type(wires: dict, version: str) -> None:
    """Up to TLS 1.2 the type of a sealed record is in clear: a Finished, the data, an alert."""
    heard = wires[version].heard(key_log=False)
    for side in ("client", "server"):
        hidden = [one for one in heard if isinstance(one.item, Hidden) and one.sender == side]
        assert [one.item.inner_type for one in hidden if one.size > 32] != []
        assert hidden[0].item == Hidden(22)
        assert hidden[-1].item == Hidden(21)
        assert {one.item.inner_type for one in hidden[1:-1]} == {23}


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (lambda line: line[:-8] + "00000000", WRONG),
        (lambda line: line.replace(line.split()[1], "00" * 32), unseal.UNKNOWN),
        (lambda line: line[:-1], unseal.UNKNOWN),
        (lambda line: line[:-2] + "zz", unseal.UNKNOWN),
        (lambda line: f"# a comment {line}", ""),
    ],
    ids=["wrong", "another's", "odd", "not-hex", "comment"],
)
def test_a_wrong_secret_hides_and_says_so(
    wires: dict, hear: Callable, version: str, spoil: Callable[[str], str], note: str
) -> None:
    """A key log that does not fit changes nothing but the note that says why."""
    wire = wires[version]
    heard = hear(wire.chunks, [spoil(line) for line in wire.key_log])
    hidden = [one.item for one in heard if isinstance(one.item, Hidden)]
    assert {one.note for one in hidden} == {note}
    without = wire.heard(key_log=False)
    assert [(one.at, one.size, one.sealed) for one in heard] == [
        (one.at, one.size, one.sealed) for one in without
    ]


def test_a_key_log_may_be_written_in_upper_case(wires: dict, hear: Callable) -> None:
    """Hexadecimal digits are read in either case."""
    wire = wires["1.3"]
    lines = [
        f"{label} {random.upper()} {secret.upper()}"
        for label, random, secret in map(str.split, wire.key_log)
    ]
    assert hear(wire.chunks, lines) == wire.heard()


def test_a_secret_of_the_wrong_length_hides(wires: dict, hear: Callable) -> None:
    """Half a master secret opens nothing, and breaks nothing."""
    wire = wires["1.2"]
    heard = hear(wire.chunks, [line[:-48] for line in wire.key_log])
    assert {one.item.note for one in heard if isinstance(one.item, Hidden)} == {WRONG}


def test_secrets_of_one_side_open_that_side(wires: dict, hear: Callable) -> None:
    """What can be opened is, whatever else is missing from the log."""
    wire = wires["1.3"]
    heard = hear(wire.chunks, [line for line in wire.key_log if line.startswith("SERVER")])
    hidden = [one for one in heard if isinstance(one.item, Hidden)]
    assert {one.sender for one in hidden} == {"client"}
    assert {one.item.note for one in hidden} == {unseal.UNKNOWN}


def test_application_secrets_alone_open_what_they_seal(wires: dict, hear: Callable) -> None:
    """Without the handshake's secrets the handshake stays hidden and the data is read."""
    wire = wires["1.3"]
    heard = hear(wire.chunks, [line for line in wire.key_log if "TRAFFIC_SECRET_0" in line])
    names_told = [one.item.name for one in heard if not isinstance(one.item, Hidden)]
    assert "Certificate" not in names_told
    assert names_told.count("ApplicationData") == 2
    assert names_told.count("NewSessionTicket") == 2
    hidden = {one.item.note for one in heard if isinstance(one.item, Hidden)}
    assert hidden == {WRONG}


def test_a_suite_that_is_not_opened_here_is_named(shaken: Callable) -> None:
    """A suite whose cipher is not known to be opened hides its records and says which it is."""
    wire = shaken("1.2", choose("ECDHE-ECDSA-ARIA128-GCM-SHA256"))
    notes = {one.item.note for one in wire.heard() if isinstance(one.item, Hidden)}
    assert notes == {"TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256 is not opened here."}


def test_a_damaged_record_hides_itself(wires: dict, hear: Callable) -> None:
    """One changed byte is noticed, and nothing of the record is told."""
    for version, wire in wires.items():
        chunks = list(wire.chunks)
        side, data = chunks[-1]
        chunks[-1] = (side, data[:-1] + bytes([data[-1] ^ 1]))
        last = hear(chunks, wire.key_log)[-1]
        assert last.item == Hidden(None if version == "1.3" else 21, WRONG)


def test_the_switch_of_tls_1_3_means_nothing(wires: dict) -> None:
    """A ChangeCipherSpec for the sake of middleboxes is told and changes nothing."""
    heard = wires["1.3"].heard()
    switches = [one for one in heard if isinstance(one.item, ChangeCipherSpec)]
    assert [one.sealed for one in switches] == [False, False]


def test_a_key_log_shows_no_secret(wires: dict) -> None:
    """Neither the log nor what holds it shows a secret when it is printed."""
    log = KeyLog(wires["1.3"].key_log)
    assert repr(log) == "<KeyLog: 5 secrets, not shown>"
    assert log
    assert not KeyLog(["", "#", "a b", "a b c d"])
    with pytest.raises(TypeError, match="never pickled or copied"):
        copy.copy(log)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nothing_that_is_seen_shows_a_secret(wires: dict, version: str) -> None:
    """No repr of what was seen holds a secret of the log or the opened data."""
    wire = wires[version]
    shown = repr(wire.heard())
    assert "GET /" not in shown
    for line in wire.key_log:
        secret = bytes.fromhex(line.split()[2])
        assert secret.hex() not in shown
        assert repr(secret) not in shown
