"""Capture files given to the kit: read in whatever wrapping, listed, told, and never too large."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect import captured
from mtlskit.collect.capture import Capture, read_capture
from mtlskit.material import Blob, Secrets, Source, Unreadable
from tests.wire.conftest import Wire, shaken
from tests.wire.wrapping import BEGAN, enhanced, interface, pcap, pcapng, section, segments, wrapped


@pytest.fixture(scope="module")
def wire() -> Wire:
    """A TLS 1.3 conversation."""
    return shaken("1.3")


@pytest.fixture(scope="module")
def data(wire: Wire) -> bytes:
    """A capture of it."""
    return pcap(wrapped(segments(wire.chunks, part=4000)))


def given_as(data: bytes) -> Capture:
    """Read bytes."""
    return read_capture(Blob(Source("c.pcap"), data))


def zipped(data: bytes, *, copies: int = 1) -> bytes:
    """A zip file of one capture or more."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for number in range(copies):
            archive.writestr(f"folder/{number}.pcap", data)
    return held.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zipped])
def test_a_capture_is_read_as_it_is_and_compressed(
    data: bytes, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """A file, or its bytes, plain or compressed by gzip or zip, give the same connections."""
    path = tmp_path / "c.pcap"
    path.write_bytes(pack(data))
    for capture in (read_capture(path), given_as(pack(data))):
        assert capture.source.name == "c.pcap"
        assert capture.connections[0].trace.tls == "1.3"
        assert not capture.problems


def test_a_damaged_gzip_gives_what_came_before(data: bytes) -> None:
    """What could be decompressed is told, and that the rest could not."""
    packed = gzip.compress(data * 1, compresslevel=0)
    capture = given_as(packed[: len(packed) // 2])
    assert capture.problems[0].code in {"damaged", "truncated"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (b"", "empty"),
        (b"no capture at all", "not-a-capture"),
        (zipped(b"x", copies=2), "not-a-capture"),
        (gzip.compress(b"text within"), "not-a-capture"),
    ],
    ids=["nothing", "text", "zip of two", "gzip of text"],
)
def test_what_is_no_capture_is_refused_in_one_sentence(wrong: bytes, code: str) -> None:
    """The one error type says what the bytes are."""
    with pytest.raises(Unreadable) as refused:
        given_as(wrong)
    assert refused.value.problem.code == code


@pytest.mark.parametrize(("name", "code"), [("absent.pcap", "missing"), (".", "not-a-file")])
def test_a_name_that_leads_to_no_file_is_refused(tmp_path: Path, name: str, code: str) -> None:
    """A missing file and a directory are told apart."""
    with pytest.raises(Unreadable) as refused:
        read_capture(tmp_path / name)
    assert refused.value.problem.code == code


def test_a_connection_knows_its_frames_times_and_ends(data: bytes) -> None:
    """Frames are numbered as Wireshark does, the time is the first packet's."""
    one = given_as(data).connections[0]
    assert (one.number, one.first_frame) == (1, 1)
    assert (one.client, one.server) == ("10.0.0.1:40000", "192.0.2.1:443")
    assert one.began == datetime.fromtimestamp(BEGAN, UTC)
    assert one.trace.events[0].source.place == ("connection 1", "frame 4")
    assert one.trace.began == one.began


def test_times_that_were_not_recorded_are_none(wire: Wire) -> None:
    """A capture without times says so."""
    frames = wrapped(segments(wire.chunks))
    blocks = [section(), interface()]
    for one in frames:
        simple = len(one).to_bytes(4, "little") + one
        padded = simple.ljust((len(simple) + 3) & ~3, b"\0")
        size = (len(padded) + 12).to_bytes(4, "little")
        blocks.append(b"\3\0\0\0" + size + padded + size)
    connection = given_as(b"".join(blocks)).connections[0]
    assert connection.began is None
    assert connection.trace.tls == "1.3"


def test_a_time_beyond_every_clock_is_no_crash(wire: Wire) -> None:
    """A lying time stamp is taken for none."""
    frames = wrapped(segments(wire.chunks))
    blocks = b"".join(enhanced(one, 2**64 - 1) for one in frames)
    assert given_as(section() + interface() + blocks).connections[0].began is None


def test_several_connections_are_listed_and_choosable(wire: Wire) -> None:
    """The page has one line for each connection, with its frames and how it ended."""
    parts = segments(wire.chunks)
    parts += segments(wire.chunks, ports=(40001, 8443), first=(7, 8))
    capture = given_as(pcap(wrapped(parts)))
    assert [one.number for one in capture.connections] == [1, 2]
    text = str(capture)
    assert "server.example" in text
    assert f"{len(parts) // 2 + 1} to {len(parts)}" in text


def test_a_key_log_opens_and_one_of_another_connection_is_told(wire: Wire, data: bytes) -> None:
    """With the key log nothing is hidden; a log that does not fit is named."""
    blob = Blob(Source("c.pcap"), data)
    opened = read_capture(blob, Secrets(tuple(wire.key_log)))
    assert not [one for one in opened.connections[0].trace.events if one.kind == "hidden"]
    assert not opened.problems
    other = read_capture(blob, Secrets(tuple(shaken("1.3").key_log)))
    assert [one.code for one in other.problems] == ["key-log-of-another"]


def test_secrets_are_never_shown(wire: Wire) -> None:
    """Neither the capture nor its connections show the key log that they carry."""
    capture = given_as(pcapng(wrapped(segments(wire.chunks)), log=wire.key_log))
    shown = f"{capture!r} {capture} {capture.connections[0]!r} {capture.connections[0].tap!r}"
    assert not any(line.split()[2] in shown for line in wire.key_log)


def test_no_more_connections_are_listed_than_anyone_reads(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number they are counted, and the capture says so."""
    monkeypatch.setattr(captured, "LISTED", 1)
    parts = [*segments(wire.chunks), *segments(wire.chunks, ports=(40001, 443))]
    capture = given_as(pcap(wrapped(parts)))
    assert len(capture.connections) == 1
    assert [one.code for one in capture.problems] == ["too-many"]


@given(chance=st.data())
def test_any_damage_gives_a_result_or_the_one_error(data: bytes, chance: st.DataObject) -> None:
    """Bytes changed, cut out or put in give connections that can be told, or `Unreadable`."""
    damaged = bytearray(data)
    for _ in range(chance.draw(st.integers(1, 8))):
        at = chance.draw(st.integers(0, len(damaged) - 1))
        until = at + chance.draw(st.integers(0, 40))
        damaged[at:until] = chance.draw(st.binary(max_size=40))
    try:
        capture = given_as(bytes(damaged))
    except Unreadable:
        return
    str(capture)


SAMPLES = Path(__file__).parents[2] / "data" / "captures"
TOLD = {
    "tls1_2-accepted": ("accepted", True, None),
    "tls1_2-no-certificate": ("refused", False, "handshake_failure"),
    "tls1_2-unknown-ca": ("refused", True, "unknown_ca"),
    "tls1_3-accepted": ("undecided", True, None),
    "tls1_3-no-certificate": ("undecided", False, None),
    "tls1_3-unknown-ca": ("undecided", True, None),
}


@pytest.mark.parametrize("name", TOLD)
def test_the_sample_captures_tell_what_they_were_made_for(name: str) -> None:
    """Without key log, TLS 1.2 shows who refused; of TLS 1.3 sizes tell what was sent."""
    trace = read_capture(SAMPLES / f"{name}.pcap").connections[0].trace
    sent = bool(trace.client_chain) if trace.tls == "1.2" else None
    if trace.inferred:
        sent = trace.inferred.sent_certificate
        assert (trace.inferred.alert_after == "server") == ("accepted" not in name)
    assert (trace.ended.outcome, sent, trace.ended.symptom.name) == TOLD[name]


def test_the_sample_captures_are_all_told_of() -> None:
    """No sample lies there unread."""
    assert {path.stem for path in SAMPLES.glob("*.pcap")} == set(TOLD)
