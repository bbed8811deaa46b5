"""A Java log that holds dumps alone: its bytes are read as the wire's, and nothing is made up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Chunk, Closing, Secrets, Side, Source, Tap
from mtlskit.trace.dialects import java_raw
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from tests.wire.conftest import shaken

Talk = list[tuple[Side, bytes]]
CLOCK = "2026-11-20 10:42:01.123 UTC"


def _asked(version: str) -> Talk:
    """A real handshake in which a certificate was asked for and sent, record by record."""
    found: Talk = []
    for side, data in shaken(version).chunks:
        at = 0
        while at < len(data):
            size = 5 + int.from_bytes(data[at + 3 : at + 5], "big")
            found.append((side, data[at : at + size]))
            at += size
    return found


TALKS = {version: _asked(version) for version in ("1.2", "1.3")}


def rows(data: bytes) -> Iterator[str]:
    """Bytes as Java dumps them: sixteen a line, and what is printable of them."""
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        pairs = " ".join(f"{byte:02X}" for byte in row[:8])
        if row[8:]:
            pairs += "   " + " ".join(f"{byte:02X}" for byte in row[8:])
        shown = "".join(chr(byte) if 0x20 <= byte <= 0x7A else "." for byte in row)
        yield f"{at:04X}: {pairs:<49}  {shown}"


def new(talk: Talk, side: Side = "client", thread: str = "01|main") -> list[str]:
    """A log of Java 11 or later; what is read comes as header and body."""
    lines = []
    for sender, data in talk:
        way = "write" if sender == side else "read"
        for part in (data,) if way == "write" else (data[:5], data[5:]):
            lines.append(f"javax.net.ssl|DEBUG|{thread}|{CLOCK}|S.java:1|Raw {way} (")
            lines += [f"  {one}" for one in rows(part)]
            lines.append(")")
    return lines


def old(talk: Talk, side: Side = "client") -> list[str]:
    """A log of Java up to 8u25x."""
    lines = []
    for sender, data in talk:
        way = "write" if sender == side else "read"
        for part in (data,) if way == "write" else (data[:5], data[5:]):
            lines.append(f"[Raw {way}]: length = {len(part)}")
            lines += rows(part)
    return lines


def wire(talk: Talk) -> Trace:
    chunks = tuple(Chunk(0.0, side, data) for side, data in talk)
    return follow(Tap(Source("wire"), chunks=chunks, closing=Closing(None, "open"),
                      secrets=Secrets(())))  # fmt: skip


def story(trace: Trace) -> list[tuple[Side | None, str, int]]:
    return [(one.sender, one.name, one.size) for one in trace.events]


def pasted(lines: list[str]) -> list[str]:
    """As a chat leaves them: no blank twice, none at the edges."""
    return [re.sub(" +", " ", one).strip() for one in lines]


def wrapped(lines: list[str]) -> list[str]:
    return [f"10:42:01,123 INFO  [stdout] (main) {one}" for one in lines]


def as_is(lines: list[str]) -> list[str]:
    return lines


@pytest.mark.parametrize("change", [as_is, pasted, wrapped])
@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("form", [new, old])
@pytest.mark.parametrize("version", TALKS)
def test_what_is_dumped_is_read_as_the_wire_is(
    version: str,
    form: Callable[[Talk, Side], list[str]],
    side: Side,
    change: Callable[[list[str]], list[str]],
) -> None:
    """Whichever Java wrote it, on whichever side, and however it was passed on."""
    (trace,) = read_log(change(form(TALKS[version], side)), Source("java.log")).traces
    seen = wire(TALKS[version])
    assert story(trace) == story(seen)
    assert trace.tls == version
    assert trace.client_chain == seen.client_chain or [c.der for c in trace.client_chain or ()] == [
        c.der for c in seen.client_chain or ()
    ]
    assert trace.randoms == seen.randoms
    if form is new:
        assert trace.clock == CLOCK


def test_two_threads_are_two_connections() -> None:
    """What two threads wrote in turns is told apart by the thread."""
    first, second = new(TALKS["1.2"]), new(TALKS["1.3"], thread="02|other")
    together = [one for number in range(max(len(first), len(second)))
                for one in (first[number : number + 1] + second[number : number + 1])]  # fmt: skip
    assert len(together) == len(first) + len(second)
    blocks = [*_blocks(first), *_blocks(second)]
    mixed = [line for pair in _turns(_blocks(first), _blocks(second)) for line in pair]
    assert len(blocks) == len(_blocks(mixed))
    found = read_log(mixed, Source("java.log")).traces
    assert sorted(one.tls for one in found) == ["1.2", "1.3"]
    assert {str(story(one)) for one in found} == {str(story(wire(one))) for one in TALKS.values()}


def _blocks(lines: list[str]) -> list[list[str]]:
    found: list[list[str]] = []
    for line in lines:
        if "Raw " in line:
            found.append([])
        found[-1].append(line)
    return found


def _turns(first: list[list[str]], second: list[list[str]]) -> Iterator[list[str]]:
    for number in range(max(len(first), len(second))):
        yield from (each[number] for each in (first, second) if number < len(each))


def test_one_after_another_on_one_thread_are_two_connections() -> None:
    """A ClientHello of a new random begins a new one."""
    found = read_log([*new(TALKS["1.2"]), *new(TALKS["1.3"])], Source("java.log")).traces
    assert [one.tls for one in found] == ["1.2", "1.3"]


def test_a_log_that_names_its_messages_is_not_read_by_its_dumps() -> None:
    """Where both are there, the messages count."""
    lines = new(TALKS["1.2"])
    assert java_raw.fits(lines)
    told = f"javax.net.ssl|DEBUG|01|main|{CLOCK}|C.java:1|Produced ClientHello handshake message ("
    assert not java_raw.fits([*lines, told])
    assert not java_raw.fits([told])


def test_bytes_that_are_missing_in_a_dump_are_a_gap() -> None:
    """A line that was cut out leaves a hole of known size; the records after it are found."""
    lines, whole = new(TALKS["1.2"]), wire(TALKS["1.2"])
    hello = next(number for number, line in enumerate(lines) if line == ")")
    cut = [number for number, line in enumerate(lines) if line.startswith("  ") and number > hello]
    for number in cut:
        (trace,) = read_log([*lines[:number], *lines[number + 1 :]], Source("java.log")).traces
        assert any(one.name in ("not captured", "unreadable") for one in trace.events)
        assert trace.ended.outcome in ("undecided", whole.ended.outcome)


def test_words_beside_the_dumps_tell_what_is_sealed() -> None:
    """An alert that came sealed is named by the log's own line, and counts as the refusal."""
    alert = [
        f"javax.net.ssl|DEBUG|01|main|{CLOCK}|Alert.java:238|Received alert message (",
        '"Alert": {',
        '  "level"      : "fatal",',
        '  "description": "certificate_required"',
        "}",
        ")",
    ]
    (trace,) = read_log([*new(TALKS["1.3"]), *alert], Source("java.log")).traces
    assert (trace.ended.refused_by, trace.ended.symptom.name) == ("server", "certificate_required")
    assert trace.tls == "1.3"
    assert any(one.name == "ServerHello" for one in trace.events)
    assert trace.events[-1].name == "certificate_required"


@given(st.binary(min_size=1, max_size=16), st.booleans())
def test_a_row_gives_its_bytes_back(data: bytes, collapsed: bool) -> None:  # noqa: FBT001 - drawn
    """Also where the text beside the bytes looks like bytes, and the blanks are gone."""
    (row,) = rows(data)
    line = re.sub(" +", " ", row).strip() if collapsed else row
    dump = java_raw._Dump(1, "", "", written=True)
    assert dump.add(line)
    found = bytes(dump.parts[0][1])
    # Without blanks a row may be read in two ways; then the longer one that shows its text counts.
    assert found == data or (collapsed and found.startswith(data))


words = st.sampled_from([*new(TALKS["1.2"]), *old(TALKS["1.3"]), "0000: ", "FFFFFFF0: 16 03 03"])


@given(st.lists(st.one_of(words, st.text(max_size=60)), max_size=40))
def test_any_lines_lead_to_a_result(lines: list[str]) -> None:
    """Dumps torn apart and mixed end in traces, or in none."""
    traces, left = java_raw.read(lines, Source("java.log"))
    assert left == 0
    for one in traces:
        one.page()
