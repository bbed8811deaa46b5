"""Packed files that are damaged end in one sentence, whatever they are packed with."""

import io
import zipfile

import pytest

from mtlskit.collect.capture import read_capture
from mtlskit.collect.logs import open_log
from mtlskit.collect.sorting import sort_of
from mtlskit.material import Blob, Source, Unreadable


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
