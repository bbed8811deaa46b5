"""Packed files that are damaged end in one sentence, whatever they are packed with."""

import io
import zipfile

import pytest

from mtlskit.collect.logs import open_log
from mtlskit.collect.sorting import sort_of
from mtlskit.material import Blob, Source


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
