"""What compressed files raise when they are damaged, locked or of an unknown kind."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from typing import Final

DAMAGED: Final = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    NotImplementedError,  # a zip file's method of compression
    RuntimeError,  # a zip file under a password
)
