"""Excel workbooks: the same records as any other export, and nothing that harms the reader."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.files import kind_of
from mtlskit.instance import workbook
from mtlskit.instance.exports import Export, read_export
from mtlskit.lab import exports as lab
from mtlskit.material import Blob, Source, Unreadable

GOOD = lab.as_workbook(lab.WORLDS["broken"].of("sys_properties"))
SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def parts(data: bytes = GOOD) -> dict[str, bytes]:
    """Unpack a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(held: Mapping[str, bytes]) -> bytes:
    """Pack parts into a workbook."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return out.getvalue()


def sheet(rows: str) -> bytes:
    """Make a workbook of one sheet with these rows."""
    text = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return packed(parts() | {SHEET: text.encode()})


def text(place: str, value: str) -> str:
    """Write a cell that holds its own text."""
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


HEAD = f"<row>{text('A1', 'Name')}{text('B1', 'Value')}</row>"


def read(data: bytes) -> Export:
    """Read a workbook."""
    return read_export(Blob(Source("a.xlsx"), data))


def refusal(data: bytes) -> tuple[str, str]:
    """Read what cannot be read; return the code and the sentence."""
    with pytest.raises(Unreadable) as caught:
        read(data)
    return caught.value.problem.code, str(caught.value)


def test_a_workbook_is_told_by_its_content() -> None:
    """Another archive is none, whatever it is called."""
    assert kind_of(Blob(Source("a.bin"), GOOD)) == "instance-xlsx"
    assert kind_of(Blob(Source("a.xlsx"), packed({"a.txt": b"x"}))) == "zip"


def test_dates_are_written_as_the_instance_writes_them() -> None:
    """A number of days with a date's style is a time in UTC; one without is a number."""
    world = lab.WORLDS["healthy"]
    export = read(lab.as_workbook(world.of("sys_certificate")))
    assert {row.text("expires") for row in export.rows} == {"2044-01-01 00:00:00"}
    days = f'{HEAD}<row>{text("A2", "glide.outbound.x")}<c r="B2"><v>4433.0</v></c></row>'
    assert read(sheet(days)).rows[0].text("value") == "4433"


def test_a_cell_that_is_left_out_is_empty_and_moves_nothing() -> None:
    """Cells are placed by their reference; one that is not there leaves a gap."""
    head = f"<row>{text('A1', 'Type')}{text('C1', 'Name')}{text('D1', 'Value')}</row>"
    line = f"<row>{text('C2', 'glide.outbound.x')}{text('D2', 'y')}</row>"
    (row,) = read(sheet(head + line)).rows
    assert (row.text("name"), row.text("value"), row.text("type")) == ("glide.outbound.x", "y", "")


def test_a_formula_is_never_worked_out_and_is_told() -> None:
    """The value that was saved beside a formula is taken, with a word about it."""
    line = f'<row>{text("A2", "glide.outbound.x")}<c r="B2"><f>1+1</f><v>7</v></c></row>'
    export = read(sheet(HEAD + line))
    assert export.rows[0].text("value") == "7"
    assert [one.code for one in export.problems] == ["formula"]


def test_a_sheet_of_something_else_is_named_beside_one_that_is_read() -> None:
    """Nothing is dropped in silence."""
    other = parts(sheet(f"<row>{text('A1', 'Colour')}</row>"))[SHEET]
    export = read(packed(parts() | {"xl/worksheets/sheet2.xml": other}))
    assert export.rows
    assert [one.code for one in export.problems] == ["not-an-export"]
    assert "sheet 2" in str(export.problems[0].source)


BOMB = b'<!DOCTYPE a [<!ENTITY b "x">]><worksheet>&b;</worksheet>'
BAD = [
    (packed({"readme.txt": b"x"}), "unsupported"),
    (packed(parts() | {SHEET: BOMB}), "doctype"),
    (packed(parts() | {"xl/sharedStrings.xml": BOMB}), "doctype"),
    (packed(parts() | {SHEET: b"<worksheet><sheetData>"}), "damaged"),
    (packed(parts() | {SHEET: b""}), "damaged"),
    (GOOD[: len(GOOD) // 2], "damaged"),
    (sheet(f"<row>{text('A1', 'Colour')}</row>"), "not-an-export"),
    (sheet(HEAD + f"<row>{text('A2', 'x')}{text('F2', 'y')}</row>"), "damaged"),
    (sheet(f"<row>{text('ZZZ1', 'x')}</row>"), "too-large"),
]


@pytest.mark.parametrize(("data", "code"), BAD)
def test_bad_workbooks_are_named(data: bytes, code: str) -> None:
    """Damage, entities, strange sheets and other archives are one clear sentence each."""
    found, sentence = refusal(data)
    assert found == code
    assert sentence.endswith(".")


@pytest.mark.parametrize("missing", [300, 1000])
def test_a_workbook_without_its_beginning_is_damaged(missing: int) -> None:
    """Its table then points before the first byte."""
    assert refusal(GOOD[:4] + GOOD[4 + missing :])[0] == "damaged"


def test_a_zip_bomb_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unpacked is counted as it comes, whatever the archive says of itself."""
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 1 << 20)
    assert refusal(sheet(HEAD + "<row/>" * (1 << 19)))[0] == "too-large"
    many = packed({f"{number}": b"" for number in range(workbook.MAX_PARTS + 1)})
    assert refusal(many)[0] == "too-large"


@given(st.binary(max_size=60), st.integers(0, len(GOOD)), st.integers(0, 40))
def test_no_bytes_break_the_reader(noise: bytes, begin: int, length: int) -> None:
    """Whatever is overwritten, the answer is an export or one named problem."""
    with suppress(Unreadable):
        read(GOOD[:begin] + noise + GOOD[begin + length :])


@given(st.text(alphabet="<>/crowvtsi=\"' A1Z", max_size=120))
def test_no_sheet_breaks_the_reader(inner: str) -> None:
    """The same of the XML within."""
    with suppress(Unreadable):
        read(sheet(inner))
