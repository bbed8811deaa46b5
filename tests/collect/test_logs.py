from __future__ import annotations

import gzip
import io
import os
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect import logs
from mtlskit.collect.encodings import encoding_of
from mtlskit.collect.logs import open_log
from mtlskit.material import Blob, Source, Unreadable
from mtlskit.trace.dialects.reader import read_log

TEXT = "Received fatal alert: bad_certificate\nZertifikat für Müller\n\nEnde"
LINES = TEXT.split("\n")


def lines_of(data: bytes, **wish: str) -> list[str]:
    with open_log(Blob(Source("node.log"), data), **wish) as log:
        return list(log)


def problem_of(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught, open_log(Blob(Source("node.log"), data)):
        pass
    return caught.value.problem.code


def zipped(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"],
)
def test_every_encoding_gives_the_same_lines(encoding: str) -> None:
    """UTF-8 and UTF-16 with and without a mark, and Windows-1252, are told by content."""
    assert lines_of(TEXT.encode(encoding)) == LINES


def test_a_big_endian_mark_is_known() -> None:
    """UTF-16 with the mark of the big end is read."""
    assert lines_of(b"\xfe\xff" + TEXT.encode("utf-16-be")) == LINES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_line_ends_of_windows_are_taken_off(encoding: str) -> None:
    """CRLF ends a line as LF does."""
    assert lines_of(TEXT.replace("\n", "\r\n").encode(encoding)) == LINES


def test_bytes_that_are_no_utf_8_within_are_letters_of_windows() -> None:
    """A log in which two encodings are mixed keeps the letters of both."""
    assert lines_of("für\n".encode() + "für €\n".encode("cp1252")) == ["für", "für €"]


def test_gzip_is_unpacked() -> None:
    """A rotated log that was packed with gzip is read as it is."""
    assert lines_of(gzip.compress(TEXT.encode())) == LINES


def test_a_zip_of_one_file_is_unpacked() -> None:
    """A zip that holds one log is read, and named."""
    with open_log(
        Blob(Source("logs.zip"), zipped({"node.log": TEXT, "__MACOSX/._node.log": "x"}))
    ) as log:
        assert str(log.source) == "logs.zip, node.log"
        assert list(log) == LINES


def test_a_zip_of_several_names_them() -> None:
    """A zip of several files is not guessed at: it names what it holds, and takes a choice."""
    data = zipped({"a.log": "one", "b.log": "two"})
    assert problem_of(data) == "several"
    assert lines_of(data, member="b.log") == ["two"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"BZh91AY", "compressed"),
        (b"\xfd7zXZ\x00", "compressed"),
        (b"PK\x03\x04broken", "unreadable"),
        (zipped({}), "empty"),
    ],
)
def test_what_is_no_log_is_told(data: bytes, code: str) -> None:
    """Each thing that cannot be read has its own code."""
    assert problem_of(data) == code


def test_a_locked_zip_is_told() -> None:
    """A zip with a password says so, and asks for nothing."""
    data = bytearray(zipped({"node.log": TEXT}))
    data[6] |= 1  # the flag of encryption in the member's own head
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1  # and in the list of members
    assert problem_of(bytes(data)) == "unreadable"


@pytest.mark.parametrize(
    ("what", "code"), [("missing.log", "missing"), (".", "directory"), ("pipe", "not-a-file")]
)
def test_what_is_no_file_is_told(what: str, code: str, tmp_path: Path) -> None:
    """A name that is nothing, a directory, or a pipe that would never end."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable) as caught, open_log(tmp_path / what):
        pass
    assert caught.value.problem.code == code


def test_a_gzip_that_ends_early_gives_what_came_before() -> None:
    """A cut archive gives its lines up to the cut, and tells that it was cut."""
    text = "".join(f"line {number}\n" for number in range(100_000))
    packed = gzip.compress(text.encode())
    with open_log(Blob(Source("node.log.gz"), packed[: len(packed) // 2])) as log:
        lines = list(log)
    assert lines[:2] == ["line 0", "line 1"]
    assert [one.code for one in log.problems] == ["damaged"]


def test_a_line_that_is_too_long_is_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long line its beginning is kept; the next line is read as ever."""
    monkeypatch.setattr(logs, "LINE", 1000)
    monkeypatch.setattr(logs, "_CHUNK", 100)
    with open_log(Blob(Source("node.log"), b"a\n" + b"x" * 50_000 + b"\nb\n")) as log:
        lines = list(log)
    assert (lines[0], lines[2:]) == ("a", ["b"])
    assert lines[1] == "x" * 1000
    assert [str(one.source) for one in log.problems] == ["node.log, line 2"]


def test_a_line_as_long_as_the_file_takes_little_memory(tmp_path: Path) -> None:
    """A file of 300 MB without one line end is read within 20 MB."""
    file = tmp_path / "long.log"
    with file.open("wb") as opened:
        opened.truncate(300 << 20)  # sparse: it takes no room on the disk
    tracemalloc.start()
    try:
        with open_log(file) as log:
            counted = sum(1 for _ in log)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (counted, len(log.problems)) == (1, 1)
    assert peak < 20 << 20


@given(st.binary(max_size=4000))
def test_any_bytes_are_lines_or_told(data: bytes) -> None:
    """Any bytes give lines, or the one error that says why not."""
    with suppress(Unreadable):
        assert all("\n" not in one for one in lines_of(data))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1))
def test_utf_8_comes_back_as_it_was(text: str) -> None:
    """What was written in UTF-8 is read letter by letter, unless it looks packed."""
    data = text.encode()
    if encoding_of(data) != ("utf-8", 0) or data[:2] in (b"\x1f\x8b", b"PK"):
        return
    wanted = text.split("\n")
    assert lines_of(data) == (wanted[:-1] if wanted[-1] == "" else wanted)


def test_a_line_beyond_measure_is_told_once() -> None:
    """Whoever opens the log cuts it before the reader of the log has to."""
    blob = Blob(Source("app.log"), b"a" * 3_000_000 + b"\nReceived fatal alert: bad_certificate\n")
    with open_log(blob) as lines:
        log = read_log(lines, lines.source)
    assert len(lines.problems) == 1
    assert log.problems == ()
    assert len(log.traces) == 1
