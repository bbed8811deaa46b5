"""What it costs to read a capture: every connection found, put in order and told.

Peer: `tshark` printing handshake types, alerts and the names of certificates of the same file. Both
are whole processes; measured is their CPU time, start included. Ours tells each connection whole
(`trace`), reads its certificates and prints the same facts.

Two files: nothing but handshakes (TLS 1.2 and 1.3, with client certificates, recorded in memory and
repeated from other addresses), and 1 GB of which nearly all is application data, other TCP and UDP.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from struct import pack

from OpenSSL import SSL
from table import Row, alternate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Secrets

ROUNDS = 3
CONNECTIONS = 4000
BULK = 1 << 30
PART = 1448  # bytes of TCP data in one packet
RECORD = 16401
MEMORY = 250
FIELDS = ("tls.handshake.type", "tls.alert_message.desc", "x509sat.printableString",
          "x509sat.uTF8String", "x509ce.dNSName")  # fmt: skip
_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16


def measure() -> list[Row]:
    """Compare on both files."""
    with tempfile.TemporaryDirectory() as folder:
        few, much = Path(folder, "handshakes.pcap"), Path(folder, "bulk.pcap")
        templates = [_template(version) for version in ("1.2", "1.3")]
        _write(few, (_moved(templates[n % 2], n) for n in range(CONNECTIONS)))
        _write(much, _bulk(templates))
        rows = [_compare("nothing but handshakes", few, 1.0, ROUNDS)]
        rows += [_compare("1 GB, mostly application data", much, 3.0, 1)]
        rows += [_memory(few, "nothing but handshakes"), _memory(much, "1 GB")]
    return rows


def _compare(what: str, path: Path, least: float, rounds: int) -> Row:
    fields = [word for one in FIELDS for word in ("-e", one)]
    tshark = ["tshark", "-n", "-r", str(path), "-T", "fields", *fields]
    ours, peer = alternate(rounds, lambda: _cost(_ours(path))[0], lambda: _cost(tshark)[0])
    ratio = peer / ours
    size = path.stat().st_size / 1e6
    return Row(f"{what} ({size:.0f} MB)", "tshark", ours, peer, f"{ratio:.1f} times as fast",
               f"at least {least:g} times", ratio >= least)  # fmt: skip


def _memory(path: Path, what: str) -> Row:
    used = _cost(_ours(path))[1]
    return Row(f"memory, {what}", "none", f"{used} MB", "", f"{used} MB", f"under {MEMORY} MB",
               used < MEMORY)  # fmt: skip


def _ours(path: Path) -> list[str]:
    return [sys.executable, __file__, str(path)]


def _cost(command: list[str]) -> tuple[float, int]:
    """Run a process; give its CPU time in seconds, and its greatest size in MB."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def _once(path: str) -> None:
    """Read a capture and print what it says."""
    from mtlskit.collect.capture import read_capture  # noqa: PLC0415 - not loaded by the measurer

    for one in read_capture(path, Secrets()).connections:
        trace = one.trace
        said = [each.name for each in trace.events if each.kind in {"message", "alert"}]
        chains = (*(trace.server_chain or ()), *(trace.client_chain or ()))
        print(one.number, *said, *(str(each.subject) for each in chains), trace.ended.outcome)


def _template(version: str) -> list[tuple[str, bytes]]:
    """Record one handshake in memory: who sent which bytes."""
    authority = Authority.root("CN=Bench Root").intermediate("CN=Bench Issuing")
    client = SSL.Connection(_context(authority.client("CN=Bench Client"), version), None)
    server = SSL.Connection(_context(authority.server("CN=Bench", "bench.test"), version), None)
    client.set_connect_state()
    client.set_tlsext_host_name(b"bench.test")
    server.set_accept_state()
    said: list[tuple[str, bytes]] = []
    for _ in range(6):
        for name, one, other in (("client", client, server), ("server", server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            try:
                data = one.bio_read(1 << 20)
            except SSL.WantReadError:
                continue
            said.append((name, data))
            other.bio_write(data)
    return said


def _context(issued: Issued, version: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    number = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[version]
    context.set_min_proto_version(number)
    context.set_max_proto_version(number)
    context.use_certificate(issued.certificate)
    context.use_privatekey(issued.key)
    for one in issued.chain:
        context.add_extra_chain_cert(one)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    return context


def _write(path: Path, packets: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.write(pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number, one in enumerate(packets):
            del number
            file.write(one)


def _moved(said: list[tuple[str, bytes]], number: int) -> bytes:
    """One connection from an address of its own."""
    return b"".join(_packets(said, b"\x0a" + number.to_bytes(3, "big"), 443))


def _packets(said: list[tuple[str, bytes]], client: bytes, port: int) -> Iterator[bytes]:
    server = bytes([192, 0, 2, 1])
    ends = {"client": (client, server, 40000, port), "server": (server, client, port, 40000)}
    seq = {"client": 1000, "server": 5000}
    other = {"client": "server", "server": "client"}

    def packet(side: str, flags: int, data: bytes = b"") -> bytes:
        made = _tcp(*ends[side], seq[side], seq[other[side]], flags, data)
        seq[side] += len(data) + (1 if flags & (_SYN | _FIN) else 0)
        return made

    yield packet("client", _SYN)
    yield packet("server", _SYN | _ACK)
    yield packet("client", _ACK)
    for side, data in said:
        for number, at in enumerate(range(0, len(data), PART)):
            yield packet(side, _PSH | _ACK, data[at : at + PART])
            if number % 2:
                yield packet(other[side], _ACK)
        yield packet(other[side], _ACK)
    yield packet("client", _FIN | _ACK)
    yield packet("server", _FIN | _ACK)
    yield packet("client", _ACK)


def _tcp(  # noqa: PLR0913, PLR0917 - the fields of a segment
    source: bytes, target: bytes, sport: int, dport: int, seq: int, ack: int, flags: int,
    data: bytes,
) -> bytes:  # fmt: skip
    tcp = pack(
        ">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0
    )
    return _ip(6, source, target, tcp + data)


def _ip(protocol: int, source: bytes, target: bytes, body: bytes) -> bytes:
    ip = pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0)
    frame = b"\2" * 12 + b"\x08\0" + ip + source + target + body
    return pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame


def _bulk(templates: list[list[tuple[str, bytes]]]) -> Iterator[bytes]:
    """Rounds of connections with much data, a plain download and UDP, until the file is full."""
    noise = random.Random(1)  # noqa: S311 - filler
    record = b"\x17\x03\x03" + pack(">H", RECORD) + noise.randbytes(RECORD)
    asked = b"\x17\x03\x03\0\x60" + noise.randbytes(0x60)
    plain = [("client", b"GET / HTTP/1.1\r\n\r\n"), ("server", noise.randbytes(1 << 20))]
    udp = pack(">HHHH", 40000, 40001, 1208, 0) + noise.randbytes(1200)
    size, number = 0, 0
    while size < BULK:
        number += 1
        address = b"\x0a" + number.to_bytes(3, "big")
        said = templates[number % 2] + [("client", asked), ("server", record * 200)]
        parts = [*_packets(said, address, 443), *_packets(plain, address, 80)]
        parts += [_ip(17, address, address, udp)] * 500
        yield (whole := b"".join(parts))
        size += len(whole)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _once(sys.argv[1])
