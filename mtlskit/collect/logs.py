"""A log as lines of text, however it was saved. Law of this file: it streams, and it is bounded.

Neither the file nor one line of it is ever held whole. Encoding and packing are told by content:
UTF-8, UTF-16 with or without its mark, Windows-1252 where bytes are no UTF-8; plain, gzip, or a zip
of one file. What goes wrong within is told beside the lines that could still be read.
"""

from __future__ import annotations

import codecs
import gzip
import io
import stat
import zipfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Protocol

from mtlskit.collect.encodings import encoding_of
from mtlskit.collect.packed import DAMAGED, Gunzipped, files_in
from mtlskit.material import Blob, Problem, Source, Unreadable

LINE = 1_000_000
"""Characters of one line that are kept. The rest of a longer line is passed over, and told."""

_CHUNK = 256 * 1024
_HEAD = 4096
_MOST_NAMED = 10
_PACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
}
_MIXED = "mtlskit-windows-1252"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are no UTF-8 as Windows-1252, which holds all of Latin-1's letters."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(_WINDOWS[octet] for octet in wrong), error.end


_WINDOWS = [bytes((octet,)).decode("cp1252", "replace") for octet in range(256)]
codecs.register_error(_MIXED, _as_windows)


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes; none at the end."""


class Lines:
    """The lines of one log, without their ends.

    Attributes:
        source: what was opened.
        encoding: ``utf-8``, ``utf-16-le`` or ``utf-16-be``.
        problems: what went wrong so far; complete when the last line was given.
    """

    __slots__ = ("_decoder", "_stream", "encoding", "problems", "source")

    def __init__(self, stream: Readable, source: Source) -> None:
        self._stream: Readable = stream
        self.source = source
        self.problems: list[Problem] = []
        head = self._read(_HEAD)
        self.encoding, mark = encoding_of(head)
        self._decoder = codecs.getincrementaldecoder(self.encoding)(
            _MIXED if self.encoding == "utf-8" else "replace"
        )
        self._stream = _Again(head[mark:], stream)

    def __iter__(self) -> Iterator[str]:
        """Give the lines, once."""
        number, rest, skipping = 0, "", False
        while True:
            data = self._read(_CHUNK)
            text = self._decoder.decode(data, final=not data)
            if not text and not data:
                break
            pieces = text.split("\n")
            if skipping:
                if len(pieces) == 1:
                    continue
                skipping = False
                pieces[0] = rest  # the line that was cut: its beginning is kept
            else:
                pieces[0] = rest + pieces[0]
            rest = pieces.pop()
            if "\r" in text:
                pieces = [line.removesuffix("\r") for line in pieces]
            yield from pieces
            number += len(pieces)
            if len(rest) > LINE:
                self._cut(number + 1)
                rest, skipping = rest[:LINE], True
        if rest:
            yield rest.removesuffix("\r")

    def _read(self, size: int) -> bytes:
        """Read on; a packed file that ends early or is damaged ends here, and that is told."""
        try:
            return self._stream.read(size)
        except (OSError, *DAMAGED) as error:
            text = f"The log cannot be read to its end: {_why(error)}. What came before was read."
            self.problems.append(Problem("damaged", text, self.source))
            return b""

    def _cut(self, number: int) -> None:
        text = f"This line is longer than {LINE} characters; the rest of it was passed over."
        self.problems.append(Problem("long-line", text, self.source.at(f"line {number}")))


class _Again:
    """A stream whose first bytes were read already."""

    __slots__ = ("_head", "_stream")

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._stream.read(size)


@contextmanager
def open_log(
    given: str | PathLike[str] | Blob, *, member: str | None = None
) -> Generator[Lines, None, None]:
    """Open a log: a file's path, or the bytes of an upload.

    Args:
        given: the file or its bytes.
        member: which file of a zip is meant, where it holds several.

    Raises:
        Unreadable: code ``missing``, ``directory``, ``not-a-file``, ``unreadable``, ``empty``,
            ``compressed`` (of a kind that is not read here) or ``several`` (a zip of many files).
    """
    with ExitStack() as stack:
        stream, source = _opened(given, stack)
        head = stream.read(_HEAD)
        stream.seek(0)
        if not head:
            raise _refused(source, "empty", f"{source.name} is empty (0 bytes).")
        yield Lines(*_unpacked(stream, head, source, member, stack))


def _opened(given: str | PathLike[str] | Blob, stack: ExitStack) -> tuple[IO[bytes], Source]:
    if isinstance(given, Blob):
        return io.BytesIO(given.data), given.source
    file = Path(given)
    source = Source(file.name or str(file))
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _refused(source, "directory", f"{file} is a directory. Give the log in it.")
        if not stat.S_ISREG(mode):
            text = f"{file} is a device or a pipe. Save what it gives to a file, and give that."
            raise _refused(source, "not-a-file", text)
        return stack.enter_context(file.open("rb")), source
    except FileNotFoundError:
        raise _refused(source, "missing", f"There is no file {file}. Check its name.") from None
    except Unreadable:
        raise
    except (OSError, ValueError) as error:
        text = f"{file} cannot be read: {_why(error)}. Check its permissions."
        raise _refused(source, "unreadable", text) from None


def _unpacked(
    stream: IO[bytes], head: bytes, source: Source, member: str | None, stack: ExitStack
) -> tuple[Readable, Source]:
    """Give the stream of the text itself."""
    if head.startswith(b"\x1f\x8b"):
        return Gunzipped(stack.enter_context(gzip.GzipFile(fileobj=stream))), source
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _member(stream, source, member, stack)
    for mark, name in _PACKED.items():
        if head.startswith(mark):
            text = f"{source.name} is packed with {name}, which is not read here. Unpack it first."
            raise _refused(source, "compressed", text)
    return stream, source


def _member(
    stream: IO[bytes], source: Source, member: str | None, stack: ExitStack
) -> tuple[Readable, Source]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(stream))
        names = [one.filename for one in files_in(archive) if _is_content(one)]
        chosen = [one for one in names if member in (None, one)]
        if len(chosen) != 1:
            raise _refused(source, "several" if names else "empty", _which(source, names))
        return stack.enter_context(archive.open(chosen[0])), source.at(chosen[0])
    except Unreadable:
        raise
    except (OSError, ValueError, *DAMAGED) as error:
        text = (
            f"{source.name} cannot be unpacked: {_why(error)}. Unpack it first, and give the log."
        )
        raise _refused(source, "unreadable", text) from None


def _is_content(one: zipfile.ZipInfo) -> bool:
    """Leave out what is empty, and what macOS adds."""
    return bool(one.file_size) and not one.filename.startswith("__MACOSX/")


def _which(source: Source, names: list[str]) -> str:
    if not names:
        return f"{source.name} holds no file with content."
    told = ", ".join(names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    count = f"{len(names)} files" if len(names) > 1 else "one file"
    return f"{source.name} holds {count}: {told}{more}. Unpack it, and give the log that is meant."


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _refused(source: Source, code: str, text: str) -> Unreadable:
    return Unreadable(Problem(code, text, source))
