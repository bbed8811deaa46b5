"""What a file is, before it is read: a store, an export, a capture, a log, a key log.

Law of this file: content decides, as in `files`; a capture or a log of any size is told by its
beginning, also where it is packed, and is not read whole.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from os import PathLike
from pathlib import Path
from typing import IO

from mtlskit.collect.files import kind_of, read_blob
from mtlskit.collect.packed import DAMAGED, Gunzipped, files_in, opened
from mtlskit.material import Blob, Source

Given = str | PathLike[str] | Blob
"""A file's path, or its bytes with a name."""

CAPTURES = ("pcap", "pcapng")
LOG = "text"

_HEAD = 64 * 1024
_WHOLE = 8 * 1024 * 1024
"""A longer text is a log: it is not read whole to look for a certificate in it."""


def sort_of(given: Given) -> tuple[str, Blob | None]:
    """Tell what a file is; return its bytes too where they were read.

    Returns:
        A kind as in `files.kind_of`; a packed capture is ``pcap``, a packed log is ``text``.

    Raises:
        Unreadable: there is no such file, or it cannot be read.
    """
    with _opened(given) as file:
        head = file.read(_HEAD)
        size = file.seek(0, io.SEEK_END)
        kind = _kind_within(file, head)
    if kind in CAPTURES or (kind == LOG and (_packed(head) or size > _WHOLE)):
        return kind, None
    blob = given if isinstance(given, Blob) else read_blob(given)
    return kind_of(blob), blob


def _opened(given: Given) -> IO[bytes]:
    """Open it; whatever speaks against that is told by `read_blob`, which has the words."""
    if isinstance(given, Blob):
        return io.BytesIO(given.data)
    file = Path(given)
    try:
        if file.is_file():
            return file.open("rb")
    except (OSError, ValueError):
        pass
    return io.BytesIO(read_blob(given).data)


def _packed(head: bytes) -> bool:
    return head.startswith((b"\x1f\x8b", b"PK\x03\x04"))


def _kind_within(file: IO[bytes], head: bytes) -> str:
    """Tell the kind by the beginning of what is inside; damage is for the reader to tell."""
    file.seek(0)
    try:
        if head.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=file) as inner:
                head = Gunzipped(inner).read(_HEAD)
        elif head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(file) as archive:
                members = files_in(archive)
                if len(members) == 1:
                    with opened(archive, members[0]) as inner:
                        head = inner.read(_HEAD)
    except (OSError, *DAMAGED):
        pass
    return kind_of(Blob(Source("head"), head))
