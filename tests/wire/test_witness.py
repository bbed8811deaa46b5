"""The same conversations, told by others: OpenSSL's own transcript and tshark's dissection."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from mtlskit.material import Side
from mtlskit.wire import names
from mtlskit.wire.conversation import Alert, ApplicationData, ChangeCipherSpec, Hidden, Seen
from mtlskit.wire.messages import Certificate, HelloRetryRequest, KeyUpdate
from mtlskit.wire.openers import WRONG
from mtlskit.wire.unseal import EARLY

PATIENCE = 20.0
KINDS = {name: code for code, name in names.table("handshake_types").items()}
KINDS["HelloRetryRequest"] = KINDS["ServerHello"]


class Relay:
    """Carries one connection to a port on loopback and keeps what it carries, in order."""

    def __init__(self, port: int) -> None:
        self.chunks: list[tuple[Side, bytes]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(port,))
        self._thread.start()

    def _serve(self, port: int) -> None:
        near, _ = self._listener.accept()
        with near, socket.create_connection(("127.0.0.1", port), PATIENCE) as far:
            near.settimeout(PATIENCE)
            back = threading.Thread(target=self._carry, args=("server", far, near))
            back.start()
            self._carry("client", near, far)
            back.join()

    def _carry(self, sender: Side, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                with self._lock:
                    self.chunks.append((sender, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive()


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Let a program live for as long as it is needed, and no longer."""
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    with process:
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()
            watch.join()


@pytest.fixture
def pems(tmp_path: Path, party: Callable) -> list[str]:
    """Write the certificate and the key of a party; give the arguments that name them."""
    this = party("openssl")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(this.certificate.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        this.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return ["-cert", str(certificate), "-key", str(key)]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["openssl", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        bufsize=1,
    )


@contextmanager
def serving(pems: list[str], *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `openssl s_server`; give it and its port."""
    with ended(start("s_server", "-accept", "127.0.0.1:0", *pems, *arguments)) as process:
        assert process.stdout is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            assert line, "s_server ended"
            found = re.match(r"ACCEPT 127\.0\.0\.1:(\d+)", line)
        yield process, int(found[1])


def type_in(process: subprocess.Popen[str], words: str) -> None:
    """Write a line to a program."""
    assert process.stdin is not None
    process.stdin.write(words)
    process.stdin.flush()


def say(process: subprocess.Popen[str], words: str, answer: str = "") -> str:
    """Write a line to a program; read what it prints until the answer comes, or to its end."""
    type_in(process, words)
    assert process.stdout is not None
    found = ""
    for line in process.stdout:
        found += line
        if answer and answer in line:
            return found
    assert not answer, found
    return found


def transcript(text: str) -> list[tuple[Side, str, int]]:
    """Read what `s_client -msg` printed: who said what, and how many bytes it was."""
    pattern = r"(<<<|>>>) [^,]*, (?:Handshake|Alert) \[length (\w{4})\], (.*)"
    return [
        ("server" if arrow == "<<<" else "client", rest.split()[-1], int(size, 16))
        for arrow, size, rest in re.findall(pattern, text)
    ]


def told(heard: list[Seen]) -> list[tuple[Side, str, int]]:
    """What was heard, in the terms of that transcript, which leaves some things out."""
    found = []
    for one in heard:
        if isinstance(one.item, ApplicationData | ChangeCipherSpec):
            continue
        head = 0 if isinstance(one.item, Alert) else 4
        name = "ServerHello" if isinstance(one.item, HelloRetryRequest) else one.item.name
        found.append((one.sender, name, one.size + head))
    return found


def by_side(found: list[tuple[Side, str, int]]) -> dict[str, list[tuple[str, int]]]:
    return {
        side: [(name, size) for sender, name, size in found if sender == side]
        for side in ("client", "server")
    }


WAYS = {
    "1.3": (["-tls1_3"], []),
    "1.3 retry": (["-tls1_3", "-groups", "P-384"], []),
    "1.3 small": (["-tls1_3"], ["-max_send_frag", "512", "-split_send_frag", "512"]),
    "1.3 ChaCha20": (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], []),
    "1.3 refused": (["-tls1_3", "-verify_return_error"], []),
    "1.2": (["-tls1_2"], []),
    "1.2 small": (["-tls1_2"], ["-max_send_frag", "512"]),
    "1.2 CBC": (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"], []),
    "1.2 refused": (["-tls1_2", "-verify_return_error"], []),
}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("way", WAYS)
def test_openssl_tells_the_same_of_the_same_conversation(
    tmp_path: Path, pems: list[str], hear: Callable, way: str
) -> None:
    """Message by message, in both directions, name and length are those of `s_client -msg`."""
    log = tmp_path / "keys"
    there, here = WAYS[way]
    with serving(pems, "-Verify", "1", "-rev", *there) as (_, port), Relay(port) as relay:
        known = ["-connect", f"127.0.0.1:{relay.port}", "-msg", "-keylogfile", str(log)]
        with ended(start("s_client", *known, *pems, *here)) as client:
            # The reversed line comes back after all that the server says by itself.
            text = "" if way.endswith("refused") else say(client, "hello\n", "olleh")
            text += say(client, "" if way.endswith("refused") else "Q\n")
    heard = hear(relay.chunks, log.read_text().splitlines())
    ours, theirs = by_side(told(heard)), by_side(transcript(text))
    assert ours["client"] == theirs["client"]
    # A client that has closed no longer reads the server's goodbye.
    assert ours["server"] in (theirs["server"], [*theirs["server"], ("close_notify", 2)])
    assert not [one for one in heard if isinstance(one.item, Hidden)]
    assert any(isinstance(one.item, HelloRetryRequest) for one in heard) == ("retry" in way)


@pytest.mark.needs("openssl")
def test_keys_that_are_changed_on_the_way_are_followed(
    tmp_path: Path, pems: list[str], hear: Callable
) -> None:
    """After a KeyUpdate of either side, what that side says is still opened."""
    log = tmp_path / "keys"
    with serving(pems, "-rev", "-tls1_3") as (_, port), Relay(port) as relay:
        known = ["-connect", f"127.0.0.1:{relay.port}", "-keylogfile", str(log)]
        with ended(start("s_client", *known)) as client:
            for words, answer in (
                ("one\n", "eno"),
                ("K\n", "KEYUPDATE"),
                ("two\n", "owt"),
                ("k\n", "KEYUPDATE"),
                ("three\n", "eerht"),
            ):
                say(client, words, answer)
            say(client, "Q\n")
    heard = hear(relay.chunks, log.read_text().splitlines())
    data = [one.item.data for one in heard if isinstance(one.item, ApplicationData)]
    assert data == [b"one\n", b"eno\n", b"two\n", b"owt\n", b"three\n", b"eerht\n"]
    updates = [(one.sender, one.item) for one in heard if isinstance(one.item, KeyUpdate)]
    assert updates == [("client", KeyUpdate(1)), ("server", KeyUpdate(0)), ("client", KeyUpdate(0))]
    assert not [one for one in heard if isinstance(one.item, Hidden)]


@pytest.mark.needs("openssl")
def test_early_data_is_opened_where_the_log_holds_its_secret(
    tmp_path: Path, pems: list[str], hear: Callable
) -> None:
    """Data sent before the server spoke is told; without its secret it is named as early data."""
    log, session, early = (tmp_path / name for name in ("keys", "session", "early"))
    early.write_text("early\n")
    with serving(pems, "-tls1_3", "-early_data") as (server, port):
        known = ["-tls1_3", "-keylogfile", str(log)]
        address = f"127.0.0.1:{port}"
        first = start("s_client", "-connect", address, *known, "-sess_out", str(session))
        with ended(first) as client:
            type_in(server, "hi\n")  # which comes after the tickets
            say(client, "", "hi")
            say(client, "Q\n")
        with Relay(port) as relay:
            address = f"127.0.0.1:{relay.port}"
            again = ["-sess_in", str(session), "-early_data", str(early)]
            with ended(start("s_client", "-connect", address, *known, *again)) as client:
                type_in(server, "again\n")
                say(client, "", "again")
                say(client, "Q\n")
    lines = log.read_text().splitlines()
    heard = hear(relay.chunks, lines)
    said = [one.item for one in heard if one.sender == "client"]
    assert ApplicationData(b"early\n") in said
    assert [one.name for one in said if not isinstance(one, ApplicationData)] == [
        "ClientHello",
        "ChangeCipherSpec",
        "EndOfEarlyData",
        "Finished",
        "close_notify",
    ]
    without = hear(relay.chunks, [line for line in lines if "EARLY" not in line])
    hidden = [one.item for one in without if isinstance(one.item, Hidden)]
    assert hidden == [Hidden(None, EARLY), Hidden(None, WRONG)]  # the data, and its end


@pytest.mark.needs("openssl")
def test_a_certificate_asked_for_late_is_told(
    tmp_path: Path, pems: list[str], hear: Callable
) -> None:
    """A request after the handshake, and the chain that answers it, are opened."""
    log = tmp_path / "keys"
    with serving(pems, "-tls1_3", "-verify", "1") as (server, port), Relay(port) as relay:
        known = ["-connect", f"127.0.0.1:{relay.port}", "-keylogfile", str(log), "-enable_pha"]
        with ended(start("s_client", *known, *pems)) as client:
            type_in(client, "hello\n")
            say(server, "", "hello")
            say(server, "c\n", "SSL_do_handshake")
            type_in(server, "done\n")
            say(client, "", "done")
            say(client, "Q\n")
    heard = hear(relay.chunks, log.read_text().splitlines())
    assert not [one for one in heard if isinstance(one.item, Hidden)]
    names_told = [f"{one.sender} {one.item.name}" for one in heard]
    assert names_told.count("server CertificateRequest") == 2
    assert names_told.count("client Certificate") == 2


def capture(chunks: list[tuple[Side, bytes]]) -> bytes:
    """Write a capture file: raw IPv4, one TCP connection, every segment of at most 1400 bytes."""
    sent = {"client": 1, "server": 1}
    found = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    whole = (
        (side, data[at : at + 1400]) for side, data in chunks for at in range(0, len(data), 1400)
    )
    for number, (side, part) in enumerate(whole):
        near, far, other = (1, 2, "server") if side == "client" else (2, 1, "client")
        ports = (40000, 443) if side == "client" else (443, 40000)
        addresses = bytes([10, 0, 0, near, 10, 0, 0, far])
        tcp = struct.pack(">HHIIBBHHH", *ports, sent[side], sent[other], 0x50, 0x18, 65535, 0, 0)
        length = 20 + len(tcp) + len(part)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, length, number, 0, 64, 6, 0) + addresses
        packet = ip + tcp + part
        found += struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet
        sent[side] += len(part)
    return found


FIELDS = ["tls.handshake.type", "tls.alert_message.desc", "tls.handshake.certificate"]


def dissect(tmp_path: Path, wire: object) -> list[list[str]]:
    """Let tshark tell the types of messages, the alerts and the certificates, by side."""
    file, log = tmp_path / "wire.pcap", tmp_path / "keys"
    file.write_bytes(capture(wire.chunks))
    log.write_text("\n".join(wire.key_log))
    found = []
    wanted = [part for name in FIELDS for part in ("-e", name)]
    known = ["tshark", "-r", str(file), "-o", f"tls.keylog_file:{log}", "-T", "fields", *wanted]
    known += ["-E", "aggregator=;"]
    for port in (40000, 443):
        told = subprocess.run(
            [*known, "-Y", f"tls && tcp.srcport=={port}"],
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout.decode()
        rows = [line.split("\t") for line in told.splitlines()]
        found += [[one for row in rows for one in row[n].split(";") if one] for n in range(3)]
    return found


def listed(heard: list[Seen]) -> list[list[str]]:
    """What was heard, as tshark tells it."""
    found = []
    for side in ("client", "server"):
        items = [one.item for one in heard if one.sender == side]
        chains = [one for one in items if isinstance(one, Certificate)]
        found += [
            [str(KINDS[one.name]) for one in items if one.name in KINDS],
            [str(one.description) for one in items if isinstance(one, Alert)],
            [der.hex() for chain in chains for der, _ in chain.entries],
        ]
    return found


def refusing(_client: SSL.Context, server: SSL.Context) -> None:
    server.set_verify(SSL.VERIFY_PEER, lambda *_: False)


def retrying(_client: SSL.Context, server: SSL.Context) -> None:
    server.set_tmp_ecdh(ec.SECP384R1())


def block(*ends: SSL.Context) -> None:
    for end in ends:
        end.set_cipher_list(b"ECDHE-ECDSA-AES128-SHA256")


@pytest.mark.needs("tshark")
@pytest.mark.parametrize(
    "change", [None, refusing, retrying, block], ids=["plain", "refused", "retry", "CBC"]
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tshark_tells_the_same_of_the_same_bytes(
    tmp_path: Path, shaken: Callable, version: str, change: Callable | None
) -> None:
    """Types of messages, alerts and certificates, opened with the key log, are the same."""
    wire = shaken(version, change)
    assert listed(wire.heard()) == dissect(tmp_path, wire)


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tshark_tells_the_same_of_a_resumed_session(
    tmp_path: Path, shaken: Callable, version: str
) -> None:
    """A session that is resumed is told alike."""
    wire = shaken(version).again()
    wire.shake()
    wire.ask()
    assert listed(wire.heard()) == dissect(tmp_path, wire)
