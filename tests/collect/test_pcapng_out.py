from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.collect.pcapng_out import PcapngFile, pcapng
from mtlskit.collect.tap import relay
from mtlskit.lab.endpoint import serve
from mtlskit.lab.servers import tls
from mtlskit.material import Chunk, Closing, Secrets, Source, Tap
from mtlskit.trace.handshake import follow
from mtlskit.wire.names import handshake_name

if TYPE_CHECKING:
    from conftest import Parties

BEGAN = datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
CHECKS = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
Fields = Callable[..., list[dict[str, list[str]]]]


@pytest.fixture
def fields(program: Callable[[str], str]) -> Fields:
    """Asks tshark for some fields of every packet of a file."""

    def ask(path: Path, *names: str) -> list[dict[str, list[str]]]:
        wanted = [word for name in names for word in ("-e", name)]
        command = [program("tshark"), "-r", str(path), *CHECKS, "-T", "json", *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [one["_source"]["layers"] for one in json.loads(done.stdout)]

    return ask


def saved(path: Path, tap: Tap, **parts: object) -> Path:
    """Writes one connection to a file."""
    path.write_bytes(pcapng(tap, **parts))
    return path


def a_tap(*chunks: Chunk, **parts: object) -> Tap:
    closing = Closing("server", "fin", 9.0)
    usual = {"began": BEGAN, "own": "10.1.2.3:40000", "peer": "10.9.8.7:443", "closing": closing}
    return Tap(Source("test"), chunks=chunks, **(usual | parts))


@pytest.fixture(scope="module", params=["1.2", "1.3"])
def recorded(request: pytest.FixtureRequest, parties: Parties) -> Iterator[Tap]:
    """A handshake that was relayed, with the client's key log."""
    with serve(tls(parties.demanding(request.param))) as endpoint, relay(endpoint.target) as tap:
        call = Call(tap.target, "localhost", parties.identity(), request=HttpRequest())
        own = connect(call)
        yield replace(tap.taps(1)[0].tap, secrets=own.secrets)


@pytest.mark.needs("tshark")
def test_wireshark_sees_the_same_messages(recorded: Tap, fields: Fields, tmp_path: Path) -> None:
    """With the key log inside, each handshake message is there, in the order of our own trace."""
    path = saved(tmp_path / "one.pcapng", recorded, secrets=True)
    seen = [
        handshake_name(int(one))
        for packet in fields(path, "tls.handshake.type")
        for one in packet.get("tls.handshake.type", ())
    ]
    assert seen == [one.name for one in follow(recorded).events if one.kind == "message"]


@pytest.mark.needs("tshark")
def test_every_number_in_the_headers_is_right(
    recorded: Tap, fields: Fields, tmp_path: Path
) -> None:
    """Checksums hold, and Wireshark's own analysis of the sequence finds nothing odd."""
    path = saved(tmp_path / "one.pcapng", recorded)
    for packet in fields(path, "ip.checksum.status", "tcp.checksum.status", "tcp.analysis.flags"):
        assert packet["ip.checksum.status"] == ["1"]
        assert packet["tcp.checksum.status"] == ["1"]
        assert "tcp.analysis.flags" not in packet


@pytest.mark.needs("tshark")
def test_times_and_addresses_are_the_real_ones(fields: Fields, tmp_path: Path) -> None:
    """Each packet bears the time at which its bytes were seen, to the microsecond."""
    tap = a_tap(Chunk(0.5, "client", b"hello"), Chunk(1.000002, "server", b"x" * 3000))
    packets = fields(
        saved(tmp_path / "one.pcapng", tap), "frame.time_epoch", "ip.src", "tcp.srcport", "tcp.len"
    )
    data = [one for one in packets if one["tcp.len"] != ["0"]]
    told = [(one["ip.src"][0], one["tcp.srcport"][0], one["tcp.len"][0]) for one in data]
    assert told[0] == ("10.1.2.3", "40000", "5")
    assert sum(int(size) for where, _, size in told if where == "10.9.8.7") == 3000
    times = [round(float(one["frame.time_epoch"][0]) - BEGAN.timestamp(), 6) for one in data]
    assert times[0] == pytest.approx(0.5, abs=2e-6)
    assert times[1] == pytest.approx(1.000002, abs=2e-6)


@pytest.mark.needs("tshark")
@pytest.mark.parametrize(
    ("own", "peer", "seen"),
    [
        ("[2001:db8::1]:40000", "[2001:db8::2]:443", "2001:db8::2"),
        ("10.1.2.3:40000", "[2001:db8::2]:443", "2001:db8::2"),
    ],
)
def test_ipv6_and_mixed_families_open_too(
    own: str, peer: str, seen: str, fields: Fields, tmp_path: Path
) -> None:
    """An IPv4 end beside an IPv6 one is written as a mapped address; checksums hold."""
    tap = a_tap(Chunk(0.1, "client", b"hello"), own=own, peer=peer)
    packets = fields(saved(tmp_path / "six.pcapng", tap), "ipv6.dst", "tcp.checksum.status")
    assert packets[0]["ipv6.dst"] == [seen]
    assert {one["tcp.checksum.status"][0] for one in packets} == {"1"}


@pytest.mark.needs("tshark")
@pytest.mark.parametrize(
    ("closing", "flags"),
    [(Closing("server", "fin", 1.0), "fin"), (Closing("client", "reset", 1.0), "reset")],
)
def test_it_ends_as_it_ended(closing: Closing, flags: str, fields: Fields, tmp_path: Path) -> None:
    """An orderly end has two FIN, a reset one RST, by the side that did it."""
    tap = a_tap(Chunk(0.1, "client", b"hello"), closing=closing)
    packets = fields(
        saved(tmp_path / "end.pcapng", tap), f"tcp.flags.{flags}", "ip.src", "tcp.analysis.flags"
    )
    who = [one["ip.src"][0] for one in packets if one[f"tcp.flags.{flags}"][0] in {"1", "True"}]
    assert who == (["10.9.8.7", "10.1.2.3"] if flags == "fin" else ["10.1.2.3"])


@pytest.mark.needs("tshark")
def test_what_was_left_out_is_seen_to_be_missing(fields: Fields, tmp_path: Path) -> None:
    """The sequence leaves room for it, so that Wireshark does not take the rest for the whole."""
    tap = a_tap(Chunk(0.1, "client", b"hello"), Chunk(0.2, "server", b"world"))
    path = saved(tmp_path / "gap.pcapng", tap, left_out={"client": 0, "server": 70000})
    flags = [one for one in fields(path, "tcp.analysis.lost_segment") if one]
    assert flags


def test_the_key_log_stays_out_unless_it_is_asked_for() -> None:
    """No secret is in the file by default."""
    secret = "CLIENT_RANDOM " + "ab" * 32 + " " + "cd" * 48
    tap = a_tap(Chunk(0.1, "client", b"hello"), secrets=Secrets((secret,)))
    assert b"cdcdcd" not in pcapng(tap)
    assert secret.encode() in pcapng(tap, secrets=True)


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    """A capture holds what was said."""
    with PcapngFile(tmp_path / "one.pcapng") as file:
        file.add(a_tap(Chunk(0.1, "client", b"hello")))
    assert stat.S_IMODE((tmp_path / "one.pcapng").stat().st_mode) == 0o600


@pytest.mark.needs("tshark")
def test_several_connections_stand_in_one_file(fields: Fields, tmp_path: Path) -> None:
    """Each is a stream of its own."""
    with PcapngFile(tmp_path / "two.pcapng") as file:
        for port in (40000, 40001, 40002):
            file.add(a_tap(Chunk(0.1, "client", b"hello"), own=f"10.1.2.3:{port}"))
    streams = {one["tcp.stream"][0] for one in fields(tmp_path / "two.pcapng", "tcp.stream")}
    assert streams == {"0", "1", "2"}


SECONDS = st.floats(0, 100, allow_nan=False)
CHUNKS = st.builds(Chunk, SECONDS, st.sampled_from(("client", "server")), st.binary(max_size=3000))
CLOSINGS = st.none() | st.builds(
    Closing,
    st.sampled_from(("client", "server", None)),
    st.sampled_from(("fin", "reset", "deadline", "open")),
    st.none() | SECONDS,
)
ADDRESSES = st.none() | st.text(max_size=20) | st.just("[fe80::1%eth0]:443")


@given(st.lists(CHUNKS, max_size=6), CLOSINGS, ADDRESSES, ADDRESSES)
def test_any_record_can_be_written(
    chunks: list[Chunk], closing: Closing | None, own: str | None, peer: str | None
) -> None:
    """Whatever a tap holds, the file has whole blocks of a length divisible by four."""
    ordered = sorted(chunks, key=lambda one: one.seconds)
    data = pcapng(Tap(Source("any"), None, tuple(ordered), closing, own=own, peer=peer))
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        assert size % 4 == 0
        assert data[at + size - 4 : at + size] == data[at + 4 : at + 8]
        at += size
    assert at == len(data)


def test_a_file_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    """What is there already is replaced, its permissions too."""
    file = tmp_path / "old.pcapng"
    file.write_bytes(b"old")
    file.chmod(0o644)
    with PcapngFile(file, secrets=True):
        assert file.stat().st_mode & 0o777 == 0o600
