"""Packed files that are damaged end in one sentence, whatever they are packed with."""

import bz2
import gzip
import io
import os
import zipfile

import pytest

from mtlskit.collect.capture import read_capture
from mtlskit.collect.given import read
from mtlskit.collect.logs import open_log
from mtlskit.collect.sorting import sort_of
from mtlskit.material import Blob, Source, Unreadable
from mtlskit.report import judge


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_is_told_and_nothing_raises(method: int) -> None:
    """Each method of compression has its own error; all of them are one problem here."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.writestr("app.log", b"Received fatal alert: bad_certificate\n" * 4000)
    data = bytearray(held.getvalue())
    for at in range(60, len(data) - 120):
        data[at] ^= 0x5A
    blob = Blob(Source("app.zip"), bytes(data))
    assert sort_of(blob)[0]
    with open_log(blob) as lines:
        list(lines)
        assert lines.problems


@pytest.mark.parametrize("missing", [10, 61, 300])
def test_an_archive_without_its_beginning_is_told(missing: int) -> None:
    """Its table then points before the first byte, which is damage and nothing else."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("app.pcap", b"\xd4\xc3\xb2\xa1" + bytes(4000))
    blob = Blob(Source("app.zip"), b"PK\x03\x04" + held.getvalue()[4 + missing :])
    assert sort_of(blob)[0]
    assert "cannot be read after packet 0" in read_capture(blob).problems[0].text
    with pytest.raises(Unreadable, match="cannot be unpacked"), open_log(blob):
        pass


def test_a_file_without_a_name_is_none() -> None:
    """A damaged table of an archive may hold one, and the standard library stumbles on it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr("x", b"Received fatal alert: bad_certificate")
    data = held.getvalue()
    at = data.rindex(b"PK\x01\x02")
    nameless = data[: at + 28] + b"\0\0" + data[at + 30 : at + 46] + data[at + 47 :]
    end = nameless.rindex(b"PK\x05\x06")
    size = (end - at).to_bytes(4, "little")
    blob = Blob(Source("app.zip"), nameless[: end + 12] + size + nameless[end + 16 :])
    with zipfile.ZipFile(io.BytesIO(blob.data)) as archive:
        assert [one.filename for one in archive.infolist()] == [""]
    assert sort_of(blob)[0]
    with pytest.raises(Unreadable, match="no file with content"), open_log(blob):
        pass
    with pytest.raises(Unreadable, match="zip file of 0 files"):
        read_capture(blob)


LOG = (
    b"2026-11-24 08:00:00 ERROR calling partner.example\n"
    b"javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate\n"
)


def archive(**files: bytes) -> bytes:
    """A zip of these files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return held.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        archive(one=LOG, two=LOG),
        bz2.compress(LOG),
        gzip.compress(os.urandom(3000) + LOG)[:2000],
        b"<?xml version='1.0'?><unload><sys_properties>",
        b"\xd4\xc3\xb2\xa1" + bytes(20) + b"\xff" * 40,
    ],
    ids=["several", "bzip2", "cut", "export", "capture"],
)
def test_what_is_no_key_store_is_not_called_one_that_is_damaged(data: bytes) -> None:
    """That a file cannot be read says nothing of what the client holds."""
    case = read(Blob(Source("given"), data))
    report = judge(case)
    assert case.problems
    assert "client.store-unreadable" not in {
        one.cause for one in report.opinions if one.standing != "RULED_OUT"
    }


def test_of_a_log_that_is_cut_what_came_before_is_read() -> None:
    """Though it is shorter than what is read at once."""
    lines = b"".join(b"line %d %s\n" % (n, os.urandom(20).hex().encode()) for n in range(2000))
    blob = Blob(Source("app.log.gz"), gzip.compress(LOG + lines)[:-2000])
    assert sort_of(blob) == ("text", None)
    with open_log(blob) as opened:
        found = list(opened)
    assert found[1] == LOG.decode().splitlines()[1]
    assert len(found) > 1000
    assert "ended before" in opened.problems[0].text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-8-sig"])
def test_a_log_of_any_encoding_is_a_log(encoding: str) -> None:
    """With or without a mark."""
    blob = Blob(Source("app.log"), ("Grüße\n" + LOG.decode() * 3).encode(encoding))
    assert sort_of(blob)[0] == "text"
    case = read(blob)
    assert case.trace is not None
    assert case.trace.ended.symptom.alert == 42
