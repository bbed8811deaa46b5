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


def files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """List what is no folder; a damaged table may hold names of no length."""
    return [one for one in archive.infolist() if one.filename and not one.is_dir()]


def opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """Open a file within an archive.

    Raises:
        BadZipFile: also where the archive says that it lies before its own beginning.
    """
    try:
        return archive.open(member)
    except ValueError as error:
        raise zipfile.BadZipFile(str(error)) from None


class Gunzipped:
    """What is in a gzip file, as far as it goes: of one that is cut, all that came before the cut.

    `gzip.GzipFile.read` gives nothing at all where it cannot give as much as was asked for.
    """

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes; none at the end.

        Raises:
            EOFError, OSError, zlib.error: it is cut or damaged here.
        """
        return self._file.read1(size)
