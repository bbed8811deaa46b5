"""Files from disk, and what they are. Law of this file: read with a limit, tell by content.

A file's name counts for nothing but to be shown. Only regular files are read, so that nothing
waits for a pipe that never ends.
"""

from __future__ import annotations

import re
import stat
from os import PathLike
from pathlib import Path

from mtlskit.certs.formats import format_of
from mtlskit.collect.encodings import encoding_of
from mtlskit.instance.othertools.reader import kind_of_tool
from mtlskit.instance.sheet import header_of, table_of
from mtlskit.material import Blob, Problem, Source, Unreadable

LIMIT = 512 * 1024 * 1024
"""Bytes. A larger file is refused: no key store and no log worth reading whole comes near it."""

_HEAD = 64 * 1024
_CAPTURES = {
    b"\xd4\xc3\xb2\xa1": "pcap",
    b"\xa1\xb2\xc3\xd4": "pcap",
    b"\x4d\x3c\xb2\xa1": "pcap",
    b"\xa1\xb2\x3c\x4d": "pcap",
    b"\x0a\x0d\x0d\x0a": "pcapng",
}
_KEY_LOG_LABELS = (
    b"CLIENT_RANDOM ",
    b"RSA ",
    b"CLIENT_EARLY_TRAFFIC_SECRET ",
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET ",
    b"CLIENT_TRAFFIC_SECRET_",
    b"SERVER_TRAFFIC_SECRET_",
    b"EARLY_EXPORTER_SECRET ",
    b"EXPORTER_SECRET ",
)
"""The labels of SSLKEYLOGFILE (RFC 9850, 2)."""
_REPORT = re.compile(rb'\{\s*"schema"\s*:\s*\d')
_PRINTABLE = (
    frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\f\x1b") | frozenset(range(0x80, 0x100))
)


def read_blob(path: str | PathLike[str], limit: int = LIMIT) -> Blob:
    """Read one file whole.

    Raises:
        Unreadable: code ``missing``, ``directory``, ``not-a-file``, ``unreadable``, ``empty`` or
            ``too-large``.
    """
    file = Path(path)
    source = Source(file.name or str(file))
    try:
        _must_be_readable(file, source, limit)
        with file.open("rb") as opened:
            data = opened.read(limit + 1)
    except Unreadable:
        raise
    except FileNotFoundError:
        raise _refused(source, "missing", f"There is no file {file}. Check its name.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        text = f"{file} cannot be read: {why}. Check its permissions."
        raise _refused(source, "unreadable", text) from None
    if not data:
        raise _refused(source, "empty", f"{file} is empty (0 bytes).")
    if len(data) > limit:
        raise _too_large(source, file, limit)
    return Blob(source, data)


def _must_be_readable(file: Path, source: Source, limit: int) -> None:
    found = file.stat()
    if stat.S_ISDIR(found.st_mode):
        text = f"{file} is a folder. Name the files in it, such as {file}/* in a shell."
        raise _refused(source, "directory", text)
    if not stat.S_ISREG(found.st_mode):
        text = f"{file} is a device or a pipe. Save what it gives to a file, and give that."
        raise _refused(source, "not-a-file", text)
    if found.st_size > limit:
        raise _too_large(source, file, limit)


def _refused(source: Source, code: str, text: str) -> Unreadable:
    return Unreadable(Problem(code, text, source))


def _too_large(source: Source, file: Path, limit: int) -> Unreadable:
    text = f"{file} is larger than {limit // 1024 // 1024} MB, the most that is read. Cut it down."
    return _refused(source, "too-large", text)


def kind_of(blob: Blob) -> str:
    """Tell what a file is by its content.

    Returns a key store's format (see `certs.formats.format_of`), ``pcap``, ``pcapng``, ``keylog``,
    ``instance-xml``, ``instance-json``, ``instance-csv``, ``instance-xlsx``, ``soapui``,
    ``postman``, ``curl-command``, ``report-json``, ``html``, ``text``, ``empty`` or ``binary``.
    """
    data = blob.data
    if not data:
        return "empty"
    head = _as_text(data[:_HEAD])
    return (
        _CAPTURES.get(data[:4])
        or kind_of_tool(head)
        or _workbook(data)
        or _markup(head)
        or (None if b"-----BEGIN" in head.partition(b"\n")[0] else _sheet(head))
        or format_of(data)
        or _plain_text(head)
    )


def _workbook(data: bytes) -> str | None:
    """An Excel workbook is an archive that names its parts; its last bytes list them."""
    zipped = data.startswith(b"PK\x03\x04")
    return "instance-xlsx" if zipped and b"xl/workbook.xml" in data[-_HEAD:] else None


def _as_text(head: bytes) -> bytes:
    encoding, mark = encoding_of(head)
    if encoding == "utf-8":
        return head[mark:].lstrip()
    return head[mark:].decode(encoding, "replace").encode("utf-8", "replace").lstrip()


def _markup(head: bytes) -> str | None:
    """XML and JSON go before PEM: an export may carry certificates as PEM in its fields."""
    lower = head[:256].lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        return "html"
    if lower.startswith((b"<?xml", b"<unload", b"<xml", b"<record_update")):
        return "instance-xml"
    if _REPORT.match(head) and b'"outcome"' in head:
        return "report-json"
    if head[:1] in {b"{", b"["} and b'"' in head:
        return "instance-json"
    return None


def _sheet(head: bytes) -> str | None:
    """CSV, by a header line that names the columns of a known table, or their labels."""
    names = header_of(head.decode("utf-8", "replace"))
    return "instance-csv" if len(names) > 1 and table_of(names) else None


def _plain_text(head: bytes) -> str:
    lines = [line for line in head.splitlines() if line and not line.startswith(b"#")]
    if lines and lines[0].startswith(_KEY_LOG_LABELS):
        return "keylog"
    return "text" if all(octet in _PRINTABLE for octet in head) else "binary"
