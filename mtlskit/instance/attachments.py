"""The files attached to records: key stores, carried in pieces by `sys_attachment_doc`.

Law of this room: a file is given whole or not at all. An attachment is stored gzipped, cut into
pieces, each piece base64, ordered by `position`. (The tables are documented; how an XML export
carries them was told by users of the instance and not seen first-hand.)
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mtlskit.instance.records import Attachment
from mtlskit.instance.rows import Row
from mtlskit.material import Blob, Problem, Source

MAX_FILE = 16 * 1024 * 1024
"""A key store is thousands of bytes; a longer attachment is left out, and told."""
_GZIP = 16 + zlib.MAX_WBITS


def attachments_of(
    files: Iterable[Row], pieces: Iterable[Row], table: str
) -> tuple[Mapping[str, tuple[Attachment, ...]], tuple[Problem, ...]]:
    """Return the attachments of the records of `table`, by the record's sys_id."""
    by_file: dict[str, list[Row]] = defaultdict(list)
    for piece in pieces:
        by_file[piece.text("sys_attachment")].append(piece)
    found: dict[str, tuple[Attachment, ...]] = {}
    problems: list[Problem] = []
    for row in files:
        if row.text("table_name") != table:
            continue
        blob, problem = _join(row, by_file.get(row.text("sys_id"), ()))
        problems += [problem] if problem else []
        one = Attachment(row.text("file_name"), blob, row.source)
        record = row.text("table_sys_id")
        found[record] = (*found.get(record, ()), one)
    return found, tuple(problems)


def _join(row: Row, pieces: Sequence[Row]) -> tuple[Blob | None, Problem | None]:
    """Return the file's bytes, or why they cannot be had; neither if no piece was exported."""
    source = Source(row.source.name, (*row.source.place, row.text("file_name")))
    if not pieces:
        return None, None
    if sum(len(piece.text("data")) for piece in pieces) > MAX_FILE:
        text = f"The attachment is longer than {MAX_FILE:,} characters; it was left out."
        return None, Problem("too-large", text, source)
    try:
        ordered = sorted(pieces, key=lambda piece: int(piece.text("position") or 0))
        _check_positions([int(piece.text("position") or 0) for piece in ordered])
        joined = b"".join(
            base64.b64decode("".join(piece.text("data").split()), validate=True)
            for piece in ordered
        )
        return Blob(source, _unpacked(joined)), None
    except (binascii.Error, ValueError, zlib.error) as error:
        text = (
            f"The attachment's pieces do not make a file ({error}); it was left out. "
            "Download the key store from its record instead."
        )
        return None, Problem("damaged", text, source)


def _check_positions(positions: Sequence[int]) -> None:
    if list(positions) != list(range(len(positions))):
        raise ValueError("a piece is missing or there twice")


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(_GZIP)
    plain = unpacker.decompress(data, MAX_FILE)
    if not unpacker.eof:
        raise ValueError("it is cut short, or too long when unpacked")
    return plain
