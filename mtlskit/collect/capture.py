"""Connections from a capture file. Law: what is in the file is told; nothing is made up.

The file is read once, from its beginning to its end, in blocks; it may be larger than memory, and
compressed by gzip or zip. Every TLS connection in it becomes a `Tap`, as if it had been recorded
here.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final

from mtlskit.collect import captured_told
from mtlskit.collect.captured import Captured, Counter
from mtlskit.collect.packed import DAMAGED, files_in, opened
from mtlskit.material import Blob, Problem, Secrets, Source, Unreadable
from mtlskit.page.blocks import Page
from mtlskit.page.shown import Shown
from mtlskit.wire import packets as frames
from mtlskit.wire.capfile import NotCapture, Notes, packets
from mtlskit.wire.streams import Streams

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Capture(Shown):
    """A capture file.

    Attributes:
        format: ``pcap`` or ``pcapng``.
        packets: how many packets it holds.
        connections: those that speak TLS, and attempts at its ports that nobody answered.
        plain: how many TCP connections spoke no TLS.
        problems: what was wrong with the file, or is missing in it.
    """

    source: Source
    format: str
    packets: int
    connections: tuple[Captured, ...]
    plain: int
    problems: tuple[Problem, ...]

    def page(self) -> Page:
        """Describe it: a table of its connections."""
        return captured_told.page_of(self)


def read_capture(given: str | PathLike[str] | Blob, secrets: Secrets | None = None) -> Capture:
    """Read a capture.

    Args:
        given: a file's name, or its bytes; pcap or pcapng, as it is or compressed by gzip or zip.
        secrets: a key log; the secrets that a pcapng file carries itself are added.

    Raises:
        Unreadable: it is no capture, or cannot be read at all; code ``missing``, ``not-a-file``,
            ``unreadable``, ``empty`` or ``not-a-capture``.
    """
    source = given.source if isinstance(given, Blob) else Source(Path(given).name or str(given))
    notes, counter = Notes(), Counter(source, secrets or Secrets())
    streams = Streams(counter.done, counter.aside)
    try:
        with ExitStack() as stack:
            read = _opened(given, source, stack)
            streams.read(packets(read, notes))
    except NotCapture as error:
        text = f"{source} is no capture that is read here. {error}"
        raise Unreadable(Problem("not-a-capture", text, source)) from None
    except DAMAGED as error:
        text = f"The compressed file cannot be read after packet {notes.packets}: {error}."
        notes.problems.append(("damaged", text))
    except OSError as error:
        text = f"{source} cannot be read: {error.strerror or error}."
        raise Unreadable(Problem("unreadable", text, source)) from None
    streams.end()
    return _told(source, notes, streams, counter)


def _opened(
    given: str | PathLike[str] | Blob, source: Source, stack: ExitStack
) -> Callable[[int], bytes]:
    """Open it, and whatever it is wrapped in."""
    if isinstance(given, Blob):
        file: BinaryIO = io.BytesIO(given.data)
    else:
        _must_be_file(Path(given), source)
        file = Path(given).open("rb")  # noqa: SIM115 - the stack closes it
    stack.enter_context(file)
    head = file.read(4)
    file.seek(0)
    if head.startswith(_GZIP):
        return stack.enter_context(gzip.GzipFile(fileobj=file)).read
    if head == _ZIP:
        return _within_zip(stack.enter_context(zipfile.ZipFile(file)), stack)
    if not head:
        raise Unreadable(Problem("empty", f"{source} is empty (0 bytes).", source))
    return file.read


def _within_zip(archive: zipfile.ZipFile, stack: ExitStack) -> Callable[[int], bytes]:
    members = files_in(archive)
    if len(members) != 1:
        names = f"It is a zip file of {len(members)} files. Give the capture in it alone."
        raise NotCapture(names)
    return stack.enter_context(opened(archive, members[0])).read


def _must_be_file(path: Path, source: Source) -> None:
    try:
        if path.is_file():
            return
        missing = not path.exists()
    except ValueError:  # a name that no file can have
        missing = True
    text = f"There is no file {path}." if missing else f"{path} is no file."
    code = "missing" if missing else "not-a-file"
    raise Unreadable(Problem(code, f"{text} Check its name.", source))


def _told(source: Source, notes: Notes, streams: Streams, counter: Counter) -> Capture:
    connections = counter.connections(notes.secrets)
    problems = [Problem(code, text, source) for code, text in notes.problems]
    problems += [Problem(code, text, source) for code, text in _passed_over(streams)]
    problems += counter.problems()
    if not connections:
        text = (
            f"No TLS was found in {notes.packets} packets ({streams.plain} TCP connections without "
            "it). Capture while the client tries to connect."
        )
        problems.append(Problem("no-tls", text, source))
    return Capture(source, notes.format, notes.packets, connections, streams.plain, tuple(problems))


def _passed_over(streams: Streams) -> Iterator[tuple[str, str]]:
    """Tell what was not understood."""
    for link, count in sorted(streams.dissector.links.items()):
        name = frames.NAMES.get(link, "not known here")
        text = f"{count} packets are of link type {link} ({name}), which is not read."
        yield "link-type", text
    if missing := streams.dissector.unfinished():
        yield "fragments", f"{missing} fragmented IP packets are not complete; they were left out."
