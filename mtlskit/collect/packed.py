"""What compressed files raise when they are damaged, locked or of an unknown kind."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
import zlib
from typing import IO, Final

DAMAGED: Final = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    struct.error,
    NotImplementedError,  # a zip file's method of compression
    RuntimeError,  # a zip file under a password
)


def opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """Open a file within an archive.

    Raises:
        BadZipFile: also where the archive says that it lies before its own beginning.
    """
    try:
        return archive.open(member)
    except ValueError as error:
        raise zipfile.BadZipFile(str(error)) from None
