"""Excel workbooks (XLSX) of records: a zip of XML parts (ECMA-376, part 1, 18.2 to 18.8).

Law of this room: parts are streamed with limits on their number and their unpacked size, so that a
zip bomb ends early. Nothing is worked out: of a formula only the value that was saved beside it is
taken, and that is told. A document type in a part ends the reading.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from xml.parsers import expat

from mtlskit.instance.rows import MAX_FIELD, Export, Gatherer, refused
from mtlskit.instance.sheet import take_lines
from mtlskit.material import Blob, Source, Unreadable

MAX_PARTS = 2000
"""A workbook of a list has about ten parts."""
MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes of all parts together, unpacked."""
MAX_COLUMNS = 1024
MAX_STRINGS = 5_000_000

_CHUNK = 1 << 16
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml\Z")
_REFERENCE = re.compile(r"([A-Z]{1,3})\d+\Z")
_DATE_FORMATS = frozenset((*range(14, 23), *range(45, 48)))
"""The built-in number formats that show a date or a time (18.8.30)."""
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
_NOT_SHOWN = re.compile(r'\[[^\]]*\]|"[^"]*"|\\.')
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    KeyError,
    OSError,
    UnicodeDecodeError,
    RuntimeError,  # a locked part
    NotImplementedError,  # a way of packing that is not known
)
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - no zone is told
_LAST_DAY = 2_958_465  # 31 December 9999


def read_workbook(blob: Blob) -> Export:
    """Read every sheet of a workbook that holds records.

    Raises:
        Unreadable: it is no workbook, is damaged or too large when unpacked, or no sheet of it has
            the columns of a table that is known.
    """
    try:
        with zipfile.ZipFile(BytesIO(blob.data)) as archive:
            return _Workbook(blob.source, archive).export()
    except _DAMAGE as error:
        says = f"begins like an Excel workbook, but cannot be unpacked ({error}). Export it again."
        raise refused(blob.source, "damaged", says) from None


@dataclass(slots=True)
class _Workbook:
    source: Source
    archive: zipfile.ZipFile
    unpacked: int = 0
    strings: list[str] = field(default_factory=list)
    dates: frozenset[int] = frozenset()
    epoch: datetime = _EPOCH

    def export(self) -> Export:
        """Read the parts that all sheets share, then each sheet."""
        sheets = self._sheets()
        self._shared()
        gather = Gatherer(self.source, "xlsx")
        refusals: list[Unreadable] = []
        for number, name in sheets:
            try:
                take_lines(gather, self._lines(name, gather), f"sheet {number}")
            except Unreadable as error:
                if error.problem.code != "not-an-export":
                    raise
                refusals.append(error)
        if len(refusals) == len(sheets):
            raise refusals[0]
        for one in refusals:
            gather.problem(one.problem.code, one.problem.text, *one.problem.source.place)
        return gather.export()

    def _sheets(self) -> list[tuple[int, str]]:
        names = self.archive.namelist()
        if len(names) > MAX_PARTS:
            says = f"is an archive of {len(names):,} parts; a workbook has at most {MAX_PARTS:,}."
            raise refused(self.source, "too-large", says)
        found = sorted((int(match[1]), name) for name in names if (match := _SHEET.match(name)))
        if found and "xl/workbook.xml" in names:
            return found
        says = (
            "is an archive, but no Excel workbook. Unpack it and give what is in it, or export "
            "the list as XML, JSON or CSV."
        )
        raise refused(self.source, "unsupported", says)

    def _shared(self) -> None:
        names = set(self.archive.namelist())
        if "xl/sharedStrings.xml" in names:
            self._strings()
        if "xl/styles.xml" in names:
            self.dates = self._styles()
        for tag, attributes, _ in self.elements("xl/workbook.xml"):
            if tag == "workbookPr" and attributes.get("date1904") in {"1", "true"}:
                self.epoch = _EPOCH_1904

    def _strings(self) -> None:
        parts: list[str] = []
        for tag, attributes, text in self.elements("xl/sharedStrings.xml", within=("rPh",)):
            if tag == "t":
                parts.append(text)
            elif tag == "si" and attributes.get("") == "end":
                self.strings.append("".join(parts))
                parts.clear()
                if len(self.strings) > MAX_STRINGS:
                    says = f"holds more than {MAX_STRINGS:,} texts."
                    raise refused(self.source, "too-large", says)

    def _styles(self) -> frozenset[int]:
        """Return the numbers of the cell styles that show a date."""
        own: set[int] = set()
        found: list[int] = []
        cells = False
        for tag, attributes, _ in self.elements("xl/styles.xml"):
            code = _number(attributes.get("numFmtId"))
            ends = attributes.get("") == "end"
            if tag == "numFmt" and not ends and code is not None:
                shown = _NOT_SHOWN.sub("", attributes.get("formatCode", ""))
                own |= {code} if _DATE_LETTERS.search(shown) else set()
            elif tag == "cellXfs":
                cells = not ends
            elif tag == "xf" and cells and not ends:
                found.append(-1 if code is None else code)
        return frozenset(n for n, code in enumerate(found) if code in own | _DATE_FORMATS)

    def _lines(self, name: str, gather: Gatherer) -> Iterator[tuple[int, list[str]]]:
        """Give each row as texts, as wide as the header; empty cells are left out of the file."""
        width = 0
        for number, cells in _Rows(self, name, gather).rows():
            width = width or max(cells, default=-1) + 1
            if any(place >= width for place in cells):
                width_here = max(cells) + 1
                yield number, ["?"] * width_here  # too long for its header, which is told there
                return
            yield number, [cells.get(place, "") for place in range(width)]

    def value(self, kind: str, style: int | None, text: str) -> str:
        """Return what a cell holds as text, dates as the instance writes them."""
        if kind == "s":
            number = _number(text)
            known = number is not None and 0 <= number < len(self.strings)
            return self.strings[number] if known and number is not None else ""
        if kind == "b":
            return "true" if text == "1" else "false"
        if kind not in {"n", ""} or not text:
            return text.replace("T", " ") if kind == "d" else text
        return self._of_number(style, text)

    def _of_number(self, style: int | None, text: str) -> str:
        try:
            value = float(text)
        except ValueError:
            return text
        if style in self.dates and 0 <= value <= _LAST_DAY:
            moment = self.epoch + timedelta(seconds=round(value * 86400))
            return moment.strftime("%Y-%m-%d %H:%M:%S")
        return str(int(value)) if value.is_integer() else text

    def elements(
        self, name: str, within: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, dict[str, str], str]]:
        """Stream a part: each start with its attributes, each end with its text.

        An end carries the attribute ``"": "end"``, which no XML attribute can be called. What
        stands within the elements named in `within` is passed over.
        """
        events: list[tuple[str, dict[str, str], str]] = []
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        texts: list[str] = []
        inside = [0]

        def start(tag: str, attributes: dict[str, str]) -> None:
            local = tag.rpartition(" ")[2]
            inside[0] += local in within
            texts.clear()
            if not inside[0]:
                events.append((local, attributes, ""))

        def end(tag: str) -> None:
            local = tag.rpartition(" ")[2]
            if not inside[0]:
                events.append((local, {"": "end"}, "".join(texts)))
            inside[0] -= local in within
            texts.clear()

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = texts.append
        parser.StartDoctypeDeclHandler = self._doctype
        for chunk in self._chunks(name):
            self._fed(parser, chunk, name)
            yield from events
            events.clear()
            if sum(map(len, texts)) > MAX_FIELD:
                says = f"holds a cell of more than {MAX_FIELD:,} characters."
                raise refused(self.source.at(name), "too-large", says)
        self._fed(parser, None, name)
        yield from events

    def _doctype(self, *_: object) -> None:
        says = "declares a DOCTYPE in one of its parts, which no workbook does. It was not read."
        raise refused(self.source, "doctype", says)

    def _fed(self, parser: expat.XMLParserType, chunk: bytes | None, name: str) -> None:
        try:
            parser.Parse(chunk or b"", chunk is None)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            says = f"is damaged: its part {name} is not well-formed XML ({why}). Export it again."
            raise refused(self.source.at(name), "damaged", says) from None

    def _chunks(self, name: str) -> Iterator[bytes]:
        """Unpack a part; count what all parts come to, whatever the archive says of them."""
        try:
            opened = self.archive.open(name)
        except ValueError as error:  # a place before the beginning of the file
            raise zipfile.BadZipFile(str(error)) from None
        with opened as part:
            while chunk := part.read(_CHUNK):
                self.unpacked += len(chunk)
                if self.unpacked > MAX_UNPACKED:
                    limit = MAX_UNPACKED // 1024 // 1024
                    says = f"is longer than {limit} MB when unpacked, as a zip bomb is."
                    raise refused(self.source, "too-large", says)
                yield chunk


@dataclass(slots=True)
class _Rows:
    """The rows of one sheet, as its part tells them (18.3.1)."""

    book: _Workbook
    name: str
    gather: Gatherer
    cells: dict[int, str] = field(default_factory=dict)
    place: int = -1
    kind: str = ""
    style: int | None = None
    held: list[str] = field(default_factory=list)
    formulas: int = 0

    def rows(self) -> Iterator[tuple[int, dict[int, str]]]:
        """Give each row's number and its cells by column, the first column being 0."""
        number = 0
        for tag, attributes, text in self.book.elements(self.name, within=("rPh",)):
            ends = attributes.get("") == "end"
            if tag == "row" and not ends:
                number = _number(attributes.get("r")) or number + 1
                self.cells, self.place = {}, -1
            elif tag == "row":
                yield number, self.cells
            elif tag == "c":
                self._cell(attributes, ends=ends)
            elif ends and tag in {"v", "t"}:
                self.held.append(text)
            self.formulas += tag == "f" and ends
        if self.formulas:
            says = (
                f"{self.formulas} cells hold formulas. None was worked out: the value that was "
                "saved beside each was taken."
            )
            self.gather.problem("formula", says, self.name)

    def _cell(self, attributes: dict[str, str], *, ends: bool) -> None:
        if ends:
            self.cells[self.place] = self.book.value(self.kind, self.style, "".join(self.held))
            return
        self.kind, self.style = attributes.get("t", "n"), _number(attributes.get("s"))
        self.held = []
        self.place = _column(attributes.get("r", ""), self.place)
        if self.place >= MAX_COLUMNS:
            says = f"has a row of more than {MAX_COLUMNS:,} columns, which no list has."
            raise refused(self.book.source.at(self.name), "too-large", says)


def _column(reference: str, before: int) -> int:
    """Return the column of ``AB12``, counted from 0; without a reference the next one."""
    match = _REFERENCE.match(reference)
    if match is None:
        return before + 1
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - no count here is longer
