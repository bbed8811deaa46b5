"""Captures told by us and by tshark: the same messages, alerts and certificates."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from mtlskit.collect.capture import Capture, read_capture
from mtlskit.material import Secrets
from mtlskit.wire import names
from mtlskit.wire.items import Alert
from mtlskit.wire.messages import Certificate
from mtlskit.wire.records import HANDSHAKE
from tests.wire.conftest import VERSIONS, Wire
from tests.wire.wrapping import LINKS, pcap, pcapng, segments, wrapped

KINDS = {name: code for code, name in names.table("handshake_types").items()}
KINDS["HelloRetryRequest"] = KINDS["ServerHello"]
FIELDS = (
    "tcp.srcport",
    "tls.handshake.type",
    "tls.alert_message.desc",
    "tls.handshake.certificate",
)
PORT = "443"
Make = Callable[..., Wire]
Told = dict[str, tuple[list[int], list[int], list[str]]]
"""By sender: handshake types, alerts, certificates in hex."""

pytestmark = pytest.mark.needs("tshark")


def by_tshark(path: Path, log: Path) -> Told:
    """What tshark makes of a capture."""
    command = ["tshark", "-n", "-r", str(path), "-o", f"tls.keylog_file:{log}", "-T", "fields"]
    command += [word for one in FIELDS for word in ("-e", one)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    told: Told = {"client": ([], [], []), "server": ([], [], [])}
    for line in done.stdout.splitlines():
        port, kinds, alerts, chain = line.split("\t")
        one = told["server" if port == PORT else "client"]
        one[0].extend(int(each) for each in kinds.split(",") if each)
        one[1].extend(int(each) for each in alerts.split(",") if each)
        one[2].extend(each.replace(":", "") for each in chain.split(",") if each)
    return told


def by_us(capture: Capture) -> Told:
    """What we make of it."""
    told: Told = {"client": ([], [], []), "server": ([], [], [])}
    for connection in capture.connections:
        for event in connection.trace.events:
            one = told[event.sender or "client"]
            if event.kind == "message" and event.name in KINDS:
                one[0].append(KINDS[event.name])
            elif event.kind == "alert" and isinstance(event.body, Alert):
                one[1].append(event.body.description)
            if isinstance(event.body, Certificate):
                one[2].extend(der.hex() for der, _ in event.body.entries)
    return told


def agree(folder: Path, data: bytes, log: list[str]) -> Told:
    """Write a capture, let both tell it, and hold them equal."""
    path, keys = folder / "c.pcap", folder / "keys.log"
    path.write_bytes(data)
    keys.write_text("".join(f"{line}\n" for line in log))
    ours, theirs = by_us(read_capture(path, Secrets(tuple(log)))), by_tshark(path, keys)
    assert ours == theirs
    assert theirs["client"][0]
    return ours


def _no_client_certificate(client: SSL.Context, server: SSL.Context) -> None:
    del client
    server.set_verify(SSL.VERIFY_NONE, lambda *_: True)


def _refusing_server(client: SSL.Context, server: SSL.Context) -> None:
    del client
    server.set_verify(SSL.VERIFY_PEER, lambda *_: False)


def _refusing_client(client: SSL.Context, server: SSL.Context) -> None:
    del server
    client.set_verify(SSL.VERIFY_PEER, lambda *_: False)


def _asks_late(client: SSL.Context, server: SSL.Context) -> None:
    """Let the client offer post-handshake authentication, and the server ask for nothing yet."""
    SSL._lib.SSL_CTX_set_post_handshake_auth(client._context, 1)
    server.set_verify(SSL.VERIFY_NONE, lambda *_: True)


def _retries(client: SSL.Context, server: SSL.Context) -> None:
    del client
    server.set_tmp_ecdh(ec.SECP384R1())


SUITES12 = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
)


def _suite(name: str) -> Callable[[SSL.Context, SSL.Context], None]:
    def change(client: SSL.Context, server: SSL.Context) -> None:
        del server
        client.set_cipher_list(name.encode() + b":@SECLEVEL=0")

    return change


def _suite13(name: str) -> Callable[[SSL.Context, SSL.Context], None]:
    def change(*ends: SSL.Context) -> None:
        for one in ends:
            one.set_tls13_ciphersuites(name.encode())

    return change


CHANGES = {
    "both certificates": None,
    "no client certificate": _no_client_certificate,
    "the server refuses": _refusing_server,
    "the client refuses": _refusing_client,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["EC", "RSA"])
@pytest.mark.parametrize("version", VERSIONS)
def test_handshakes_of_each_version_agree(
    shaken: Make, tmp_path: Path, version: str, kind: str, change: str
) -> None:
    """TLS 1.0 to 1.3, EC and RSA keys, with and without certificates and refusals: 32 captures."""
    wire = shaken(version, CHANGES[change], kind=kind)
    told = agree(tmp_path, pcap(wrapped(segments(wire.chunks))), wire.key_log)
    if "refuses" in change:
        assert told["client" if "client" in change else "server"][1]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_key_log_what_is_open_agrees(
    shaken: Make, tmp_path: Path, version: str, change: str
) -> None:
    """What is sealed is hidden from both, and neither takes it for something else: 16 captures."""
    wire = shaken(version, CHANGES[change])
    told = agree(tmp_path, pcap(wrapped(segments(wire.chunks))), [])
    assert bool(told["server"][2]) == (version != "1.3")
    (connection,) = read_capture(tmp_path / "c.pcap").connections
    open_to_the_end = version != "1.3" and change == "the client refuses"
    assert ("sealed" in str(connection.trace)) != open_to_the_end


def test_without_a_key_log_a_hello_retry_request_and_a_resumption_agree(
    shaken: Make, tmp_path: Path
) -> None:
    """The retry is in the open, and so is what is resumed."""
    wire = shaken("1.3", _retries)
    again = wire.again()
    again.shake()
    parts = segments(wire.chunks)
    parts += segments(again.chunks, ports=(40001, 443), first=(5, 6))
    told = agree(tmp_path, pcap(wrapped(parts)), [])
    assert told["server"][0][:2] == [2, 2]
    capture = read_capture(tmp_path / "c.pcap")
    assert [one.trace.resumed for one in capture.connections] == [False, True]


@pytest.mark.parametrize("suite", SUITES12)
def test_cipher_suites_of_tls12_agree(shaken: Make, tmp_path: Path, suite: str) -> None:
    """What is sealed by GCM, CBC or ChaCha20 is opened alike."""
    wire = shaken("1.2", _suite(suite))
    told = agree(tmp_path, pcapng(wrapped(segments(wire.chunks), six=True)), wire.key_log)
    assert told["client"][2]


@pytest.mark.parametrize(
    "suite", ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"]
)
def test_cipher_suites_of_tls13_agree(shaken: Make, tmp_path: Path, suite: str) -> None:
    """What is sealed by GCM, CCM or ChaCha20 is opened alike."""
    wire = shaken("1.3", _suite13(suite))
    told = agree(tmp_path, pcapng(wrapped(segments(wire.chunks)), order=">"), wire.key_log)
    assert told["client"][2]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_resumed_sessions_agree(shaken: Make, tmp_path: Path, version: str) -> None:
    """The full and the resumed handshake, in one capture."""
    wire = shaken(version)
    again = wire.again()
    again.shake()
    again.ask()
    parts = segments(wire.chunks)
    parts += segments(again.chunks, ports=(40001, 443), first=(5, 6))
    agree(tmp_path, pcap(wrapped(parts)), wire.key_log)
    capture = read_capture(tmp_path / "c.pcap", Secrets(tuple(wire.key_log)))
    assert [one.trace.resumed for one in capture.connections] == [False, True]


def test_a_hello_retry_request_agrees(shaken: Make, tmp_path: Path) -> None:
    """The server asks for another key share first."""
    wire = shaken("1.3", _retries)
    told = agree(tmp_path, pcap(wrapped(segments(wire.chunks))), wire.key_log)
    assert told["server"][0][:2] == [2, 2]


def test_a_certificate_asked_for_after_the_handshake_agrees(make: Make, tmp_path: Path) -> None:
    """Post-handshake authentication of TLS 1.3."""
    wire = make("1.3", _asks_late)
    wire.shake()
    wire.server.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    assert SSL._lib.SSL_verify_client_post_handshake(wire.server._ssl) == 1
    wire.server.do_handshake()
    wire.pump()
    wire.settle()  # tshark 4.0 opens nothing more that the client sends
    told = agree(tmp_path, pcap(wrapped(segments(wire.chunks))), wire.key_log)
    assert told["client"][2]


def test_a_renegotiation_agrees(make: Make, tmp_path: Path) -> None:
    """TLS 1.2: another handshake within the sealed connection."""
    wire = make("1.2")
    wire.shake()
    wire.server.renegotiate()
    wire.server.do_handshake()
    wire.pump()
    wire.settle()
    wire.ask()
    told = agree(tmp_path, pcap(wrapped(segments(wire.chunks))), wire.key_log)
    assert told["client"][0].count(1) == 2


@pytest.mark.parametrize("part", [11, 97])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_small_segments_agree(shaken: Make, tmp_path: Path, version: str, part: int) -> None:
    """Records spread over many segments."""
    wire = shaken(version)
    agree(tmp_path, pcap(wrapped(segments(wire.chunks, part=part))), wire.key_log)


def _in_records_of(stream: bytes, length: int) -> bytes:
    """Cut the handshake records of a stream, up to its ChangeCipherSpec, into shorter ones."""
    at, joined = 0, b""
    while at < len(stream) and stream[at] == HANDSHAKE:
        size = int.from_bytes(stream[at + 3 : at + 5], "big")
        joined += stream[at + 5 : at + 5 + size]
        at += 5 + size
    pieces = [joined[start : start + length] for start in range(0, len(joined), length)]
    cut = [b"\x16\3\3" + len(one).to_bytes(2, "big") + one for one in pieces]
    return b"".join(cut) + stream[at:]


@pytest.mark.parametrize("length", [50, 300])
def test_fragmented_records_agree(wires: dict[str, Wire], tmp_path: Path, length: int) -> None:
    """Handshake messages spread over several records."""
    wire = wires["1.2"]
    chunks = [(side, _in_records_of(data, length)) for side, data in wire.chunks]
    agree(tmp_path, pcap(wrapped(segments(chunks))), wire.key_log)


@pytest.mark.parametrize("link", LINKS)
def test_link_layers_agree(wires: dict[str, Wire], tmp_path: Path, link: str) -> None:
    """Each link layer is understood as tshark understands it."""
    wire = wires["1.3"]
    frames = wrapped(segments(wire.chunks), link, six=link == "raw 229")
    agree(tmp_path, pcap(frames, link=LINKS[link][0]), wire.key_log)


@pytest.mark.parametrize("order", ["<", ">"])
def test_secrets_that_the_file_carries_agree(
    wires: dict[str, Wire], tmp_path: Path, order: str
) -> None:
    """A Decryption Secrets Block opens the connection without a key log file."""
    wire = wires["1.3"]
    data = pcapng(wrapped(segments(wire.chunks)), order=order, log=wire.key_log)
    told = agree(tmp_path, data, [])
    assert told["client"][2]


def test_frames_are_numbered_as_tshark_numbers_them(wires: dict[str, Wire], tmp_path: Path) -> None:
    """The frame named for a message is the one in which tshark shows it."""
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(wrapped(segments(wires["1.2"].chunks, part=200))))
    command = ["tshark", "-n", "-r", str(path), "-Y", "tls.handshake.type", "-T", "fields"]
    command += ["-e", "frame.number", "-e", "tls.handshake.type"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    theirs = [
        (int(frame), int(kind))
        for frame, kinds in (line.split("\t") for line in done.stdout.splitlines())
        for kind in kinds.split(",")
    ]
    events = read_capture(path).connections[0].trace.events
    ours = [
        (int(one.source.place[-1].removeprefix("frame ")), KINDS[one.name])
        for one in events
        if one.kind == "message"
    ]
    assert ours == theirs
