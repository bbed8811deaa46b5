"""XML exports of records: `<unload>`, `<xml>`, `<record_update>`, `<response>`, update sets.

Law of this room: a document is read once, as a stream, and nothing in it is obeyed: a DOCTYPE ends
the reading, so there are no entities and no references to the outside. What is cut short or
damaged is refused as a whole, since half an export answers wrongly.
"""

from __future__ import annotations

from functools import partial
from xml.parsers import expat

from mtlskit.instance.rows import (
    MAX_DEPTH,
    MAX_FIELD,
    Cell,
    Export,
    Gatherer,
    refused,
    tables,
)
from mtlskit.instance.stream import Stream
from mtlskit.material import Blob, Unreadable

_WRAPPERS = ("unload", "xml", "record_update", "response")
_MID, _PARAMETERS = "parameters", "ecc_agent_config"
_PAYLOAD = frozenset({"payload", "name"})
_EVERY = frozenset(column for table in tables().values() for column in table.columns)
_CUT_SHORT = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)


def read_unload(blob: Blob) -> Export:
    """Read an XML export.

    Raises:
        Unreadable: it is cut short, damaged, holds a DOCTYPE, or is no export of records.
    """
    gather = Gatherer(blob.source, "xml")
    _parse(blob.data, gather)
    return gather.export()


def _parse(data: bytes, gather: Gatherer, *at: str, encoding: str | None = None) -> None:
    says = "declares an encoding that is not known. Export it again, as UTF-8."
    unknown = partial(refused, gather.source.at(*at), "damaged", says)
    try:
        Stream(data, encoding).read(_Reader(gather, at), unknown)
    except expat.ExpatError as error:
        raise _damaged(error, gather, at) from None


def _damaged(error: expat.ExpatError, gather: Gatherer, at: tuple[str, ...]) -> Unreadable:
    source = gather.source.at(*at, f"line {error.lineno}")
    if error.code in _CUT_SHORT:
        says = (
            f"is cut short: it ends in line {error.lineno}, after {gather.seen} whole records. "
            "Export it again, and let the download finish."
        )
        return refused(source, "truncated", says)
    says = (
        f"is damaged: line {error.lineno}, column {error.offset + 1} is not well-formed XML "
        f"({expat.ErrorString(error.code)}). Export it again."
    )
    return refused(source, "damaged", says)


class _Reader:
    """Turns the parser's events into records. `level` counts the elements that are open."""

    def __init__(self, gather: Gatherer, at: tuple[str, ...]) -> None:
        self.gather = gather
        self.at = at
        self.level = 0
        self.record_level = 2
        self.nameless = False
        self.of_mid = False
        self.table: str | None = None
        self.action = ""
        self.wanted: frozenset[str] = frozenset()
        self.cells: dict[str, Cell] = {}
        self.field: str | None = None
        self.display: str | None = None
        self.parts: dict[str, list[str]] = {}
        self.part = ""
        self.size = 0

    def doctype(self, *_: object) -> None:
        """Refuse a document type: it is the only door for entities and outside references."""
        says = (
            "declares a DOCTYPE, which no export of an instance does. It was not read further, "
            "since such a declaration can point outside the file."
        )
        raise refused(self.gather.source.at(*self.at), "doctype", says)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        self.level += 1
        if self.level > MAX_DEPTH:
            says = f"nests elements more than {MAX_DEPTH} deep, which no export does."
            raise refused(self.gather.source.at(*self.at), "too-deep", says)
        if self.level == 1:
            self._root(tag)
        if self.of_mid:
            self._parameter(tag, attributes)
        elif self.level == self.record_level:
            self._open_record(tag, attributes)
        elif self.level == self.record_level + 1 and tag in self.wanted:
            self._open_field(tag, attributes)
        elif self.level == self.record_level + 2 and self.field is not None:
            self.part = tag

    def _root(self, tag: str) -> None:
        self.of_mid = tag == _MID
        if tag in tables():
            self.record_level = 1
        elif self.of_mid:
            self.gather.looks(_PARAMETERS)
        elif tag.rpartition(":")[2].lower() == "html":
            says = (
                "is a web page, not an export; it may be a login page, since the instance shows "
                "one where it no longer knows the session. Sign in and export it again."
            )
            raise refused(self.gather.source.at(*self.at), "web-page", says)
        elif tag not in _WRAPPERS:
            says = (
                f"is XML, but no export of records: its root is <{tag[:40]}>, where <unload>, "
                "<xml> or <record_update> was expected. Export the list with Export > XML."
            )
            raise refused(self.gather.source.at(*self.at), "not-an-export", says)
        self.nameless = tag == "response"

    def _parameter(self, tag: str, attributes: dict[str, str]) -> None:
        """Take a parameter of a MID Server's own file, config.xml."""
        if tag != "parameter" or self.level != self.record_level:
            return
        names = {"param_name": "name", "value": "value"}
        cells = {to: Cell(to, attributes.get(of, "")) for to, of in names.items()}
        secure = attributes.get("secure", "").lower() == "true"
        if secure:
            del cells["value"]  # encrypted, and nobody else's business
        if all(len(one.value) <= MAX_FIELD for one in cells.values()):
            self.gather.record(_PARAMETERS, "", cells, *self.at)

    def _open_record(self, tag: str, attributes: dict[str, str]) -> None:
        self.table = None if self.nameless and tag == "result" else tag
        self.action = attributes.get("action", "")
        self.cells = {}
        if self.table == "sys_update_xml":
            self.wanted = _PAYLOAD
        elif self.table is None:
            self.wanted = _EVERY
        else:
            self.wanted = frozenset(tables()[tag].columns) if tag in tables() else frozenset()

    def _open_field(self, tag: str, attributes: dict[str, str]) -> None:
        self.field = tag
        self.display = attributes.get("display_value", attributes.get("name"))
        self.part, self.parts, self.size = "", {"": []}, 0

    def text(self, text: str) -> None:
        """Take characters, if they belong to a field that is kept."""
        if self.field is None or self.level > self.record_level + 2:
            return
        self.size += len(text)
        if self.size <= MAX_FIELD:
            self.parts.setdefault(self.part, []).append(text)

    def end(self, _tag: str) -> None:
        """Close an element."""
        if self.level == self.record_level + 2:
            self.part = ""
        elif self.level == self.record_level + 1 and self.field is not None:
            self._close_field(self.field)
            self.field = None
        elif self.level == self.record_level and not self.of_mid:
            self._close_record()
        self.level -= 1

    def _close_field(self, name: str) -> None:
        if self.size > MAX_FIELD:
            says = f"The field {name} is longer than {MAX_FIELD:,} characters; it was left out."
            self.gather.problem("too-large", says, *self.at, f"record no. {self.gather.seen + 1}")
            return
        texts = {part: "".join(pieces) for part, pieces in self.parts.items()}
        # Table API, as XML: the value, its label and its link stand in elements of their own.
        value = texts.get("value", texts.get("link", "").rpartition("/")[2] or texts[""])
        self.cells[name] = Cell(name, value, texts.get("display_value", self.display))

    def _close_record(self) -> None:
        if self.table == "sys_update_xml":
            self._unwrap()
        elif self.action.lower() == "delete_multiple":
            if self.table in tables():
                says = (
                    f"It deletes records of {self.table} by a query, without naming them. "
                    "That was not taken into account."
                )
                self.gather.problem("delete-multiple", says, *self.at)
        else:
            self.gather.record(self.table, self.action, self.cells, *self.at)

    def _unwrap(self) -> None:
        """Read the record within an update set's record, whose payload is XML of its own."""
        payload = self.cells.get("payload")
        name = self.cells["name"].value if "name" in self.cells else f"no. {self.gather.seen + 1}"
        if payload is None or not payload.value.strip() or self.at:
            says = "The payload is missing, or is itself an update set; it was left out."
            self.gather.problem("damaged", says, *self.at, f"sys_update_xml {name}")
            return
        try:
            data = payload.value.strip().encode("utf-8", "replace")
            _parse(data, self.gather, f"sys_update_xml {name}", encoding="utf-8")
        except Unreadable as error:
            self.gather.problem(error.problem.code, error.problem.text, *error.problem.source.place)
