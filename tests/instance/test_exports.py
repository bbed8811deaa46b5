"""Exports: every format is read alike, nothing in a file is obeyed, and bad input is named."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.instance import rows
from mtlskit.instance.exports import Export, read_export
from mtlskit.lab import exports as lab
from mtlskit.material import Blob, Source, Unreadable

BROKEN = lab.WORLDS["broken"]


def read(data: bytes, name: str = "export") -> Export:
    """Read bytes as a file of that name."""
    return read_export(Blob(Source(name), data))


def refusal(data: bytes) -> tuple[str, str]:
    """Read bytes that cannot be read; return the problem's code and its whole sentence."""
    with pytest.raises(Unreadable) as caught:
        read(data, "bad.file")
    return caught.value.problem.code, str(caught.value)


def test_a_record_keeps_its_fields_its_label_and_its_place() -> None:
    """A row carries values, labels of references, and where it stood."""
    export = read(lab.as_unload(BROKEN.records), "instance.xml")
    (row, _) = export.of("sys_protocol_profile")
    assert (row.text("protocol"), row.text("default_port")) == ("myhttps", "8443")
    keystore = row.cell("keystore")
    assert keystore is not None
    assert keystore.display == "Partner Client Keystore"
    assert re.fullmatch("[0-9a-f]{32}", keystore.value)
    assert str(row.source) == f"instance.xml, sys_protocol_profile record {row.text('sys_id')}"


FORMS: list[Callable[[list[lab.Made]], bytes]] = [
    lab.as_unload,
    lambda records: lab.as_unload(records, wrapper="xml"),
    lab.as_update_set,
    lambda records: lab.as_update_set(records, cdata=True),
    lambda records: lab.as_unload(records).decode().encode("utf-16"),
    lambda records: b"\xef\xbb\xbf\r\n" + lab.as_table_api(records),
    lambda records: lab.as_table_api(records, display="true"),
    lambda records: lab.as_table_api(records, display="all"),
    lab.as_csv,
    lambda records: lab.as_csv(records, labels=True, encoding="utf-8-sig"),
    lambda records: lab.as_csv(records).replace(b",", b";"),
    lab.as_workbook,
    lambda records: lab.as_workbook(records, inline=True),
]


@pytest.mark.parametrize("write", FORMS)
@pytest.mark.parametrize("table", ["sys_properties", "sys_protocol_profile", "sys_certificate"])
def test_every_format_names_its_table_and_its_records(
    write: Callable[[list[lab.Made]], bytes], table: str
) -> None:
    """Whatever the format, the table is told by content, and the same records come out."""
    wanted = read(lab.as_unload(BROKEN.of(table)))
    export = read(write(list(BROKEN.of(table))))
    assert [row.text("sys_id") for row in export.rows] == [
        row.text("sys_id") for row in wanted.rows
    ]
    assert {row.table for row in export.rows} == {table}
    assert export.problems == ()


def test_a_single_record_and_a_record_update_are_exports_too() -> None:
    """One Table API record, one record update and a bare record are read like lists."""
    (one,) = BROKEN.of("sys_rest_message")
    answer = json.loads(lab.as_table_api([one]))
    single = json.dumps({"result": answer["result"][0]}).encode()
    update = lab.as_unload([one], wrapper="record_update")
    bare = update.replace(b"<record_update>", b"").replace(b"</record_update>", b"")
    for data in (single, update, bare, json.dumps({"records": answer["result"]}).encode()):
        assert [row.text("name") for row in read(data).rows] == ["Partner Orders"]


def test_the_table_api_answers_in_xml_as_well() -> None:
    """In a response the table is told by the columns, and a field may hold value and label."""
    data = b"""<?xml version="1.0"?><response><result><protocol>myhttps</protocol>
    <keystore><display_value>Mine</display_value><value>0123456789abcdef0123456789abcdef</value>
    </keystore></result></response>"""
    (row,) = read(data).of("sys_protocol_profile")
    keystore = row.cell("keystore")
    assert keystore is not None
    assert (keystore.value, keystore.display) == ("0123456789abcdef0123456789abcdef", "Mine")


def test_an_empty_list_counts_as_looked_at_if_its_file_is_named_by_the_table() -> None:
    """No record is not the same as no export."""
    assert read(b'{"result": []}', "sys_protocol_profile.json").looked == {"sys_protocol_profile"}
    assert read(b'{"result": []}', "answer.json").looked == frozenset()


@pytest.mark.parametrize("write", FORMS)
def test_no_password_field_is_kept(write: Callable[[list[lab.Made]], bytes]) -> None:
    """Neither a key store's password nor a property of a password type reaches a row."""
    for table in ("sys_certificate", "sys_properties"):
        secret = lab.prop("glide.outbound.made.up", "MADE-UP-PASSWORD-FIELD", "password2")
        made = [*BROKEN.of(table), *([secret] if table == "sys_properties" else [])]
        written = write(made).replace(b"\0", b"")
        assert b"MADE-UP-" in written or written.startswith(b"PK")  # which is packed
        kept = [cell for row in read(write(made)).rows for cell in row.cells]
        assert "MADE-UP-PASSWORD-FIELD" not in str(kept)


def test_properties_that_are_not_about_connections_are_counted_and_let_go() -> None:
    """Of the properties only those about outbound connections are kept, and of tables the known."""
    other = lab.Made("incident", "one", (("number", "INC1"),))
    export = read(lab.as_unload((*BROKEN.records, other)))
    names = {row.text("name") for row in export.of("sys_properties")}
    assert "glide.ui.theme" not in names
    assert "glide.httpclient.protocol.myhttps.class" in names
    assert dict(export.skipped) == {
        "incident": 1,
        "sys_properties (not about outbound connections)": 2,
    }


LOGIN = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>User name</body></html>"
BAD = [
    (b"", "empty"),
    (b" \r\n\t", "empty"),
    (LOGIN, "login-page"),
    (b"\xef\xbb\xbf\n<html><body>Instance is hibernating</body></html>", "web-page"),
    (b"PK\x03\x04rest of a spreadsheet", "damaged"),
    (b"\x00\x01\x02binary", "not-an-export"),
    (b"just a line of text", "not-an-export"),
    (b"colour,shape\r\nred,round\r\n", "not-an-export"),
    (b"<rss><channel/></rss>", "not-an-export"),
    (b'{"name": "something else"}', "not-an-export"),
    (b'{"result": [1, 2]}', "not-an-export"),
    (b'{"error":{"message":"User Not Authenticated","detail":"x"},"status":"failure"}',
     "error-message"),
    (b'<?xml version="1.0" encoding="x-unknown"?><unload/>', "damaged"),
    (b"<unload><sys_properties><name>a</value></sys_properties></unload>", "damaged"),
    (b"<unload>\x01</unload>", "damaged"),
    (b'{"result": [}', "damaged"),
    (b'{"result": "\xff"}', "damaged"),
    (b"[" * 100_000, "damaged"),
    (b'{"result": [{"value": ' + b"9" * 5000 + b"}]}", "damaged"),
    (b"name,value\r\na,b,c\r\n", "damaged"),
    (b"name;value\r\nglide.outbound.x,y\r\n", "damaged"),
    (b'<?xml version="1.0"?><html><body>User name</body></html>', "web-page"),
    (b'name,value\r\n"a"b,c\r\n', "damaged"),
    (b"<unload>" + b"<a>" * 100, "too-deep"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code"), BAD)
def test_bad_input_is_one_clear_sentence(data: bytes, code: str) -> None:
    """What is no export is named for what it is, in one or two sentences, without a traceback."""
    found, sentence = refusal(data)
    assert found == code
    assert sentence.startswith("bad.file")
    assert sentence.endswith(".")
    assert len(sentence) < 300


@pytest.mark.parametrize("share", [0.2, 0.5, 0.999])
@pytest.mark.parametrize("write", FORMS[:4] + FORMS[6:8])
def test_an_export_that_is_cut_short_is_refused_and_called_so(
    write: Callable[[list[lab.Made]], bytes], share: float
) -> None:
    """Half an export answers wrongly, so it gives no answer at all."""
    data = write(list(BROKEN.of("sys_certificate"))).rstrip()
    code, sentence = refusal(data[: int(len(data) * share)])
    assert code == "truncated"
    assert "cut short" in sentence


BOMB = b"""<?xml version="1.0"?><!DOCTYPE unload [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><unload><sys_properties><name>&b;</name>
</sys_properties></unload>"""
OUTSIDE = b"""<!DOCTYPE unload [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<unload><sys_properties><name>&x;</name></sys_properties></unload>"""


@pytest.mark.parametrize("data", [BOMB, OUTSIDE, b'<!DOCTYPE unload SYSTEM "http://x/"><unload/>'])
def test_no_entity_is_expanded_and_no_outside_reference_followed(data: bytes) -> None:
    """A DOCTYPE ends the reading, before any entity is known."""
    assert refusal(data)[0] == "doctype"


def test_a_doctype_within_a_payload_is_refused_and_the_rest_is_read() -> None:
    """An update set's payload is read by the same law; its fault is a problem of that record."""
    good = lab.as_update_set(BROKEN.of("sys_protocol_profile")).decode()
    payload = "&lt;!DOCTYPE x&gt;&lt;record_update/&gt;"
    bad = f"<sys_update_xml><name>odd</name><payload>{payload}</payload></sys_update_xml></unload>"
    export = read(good.replace("</unload>", bad).encode())
    assert len(export.of("sys_protocol_profile")) == 2
    assert [(one.code, one.source.place) for one in export.problems] == [
        ("doctype", ("sys_update_xml odd",))
    ]


def test_an_update_set_within_an_update_set_is_not_followed() -> None:
    """Payloads nest once; deeper ones are told, not unwrapped."""
    inner = lab.Made("sys_update_xml", "x", (("name", "inner"), ("payload", "<a/>")))
    export = read(lab.as_update_set([inner]))
    assert [one.code for one in export.problems] == ["damaged"]


def test_a_query_that_deletes_many_records_is_told() -> None:
    """A deletion that names no record cannot be applied, and is not dropped in silence."""
    export = read(b'<unload><sys_properties action="delete_multiple" query="name=a"/></unload>')
    assert [one.code for one in export.problems] == ["delete-multiple"]
    assert export.rows == ()


def test_a_formula_in_a_sheet_is_text() -> None:
    """A cell that a spreadsheet would run is kept as it stands."""
    (row,) = read(b'name,value\r\nglide.httpclient.x,"=HYPERLINK(""http://x"")"\r\n').rows
    assert row.text("value") == '=HYPERLINK("http://x")'


def test_a_spreadsheets_own_ways_of_saving_are_read() -> None:
    """A first line that tells the separator, and Unicode text with its mark, are no obstacle."""
    lines = "name;value\r\nglide.outbound.x;a,b\r\n"
    for data in (f"sep=;\r\n{lines}".encode(), lines.encode("utf-16")):
        (row,) = read(data).rows
        assert row.text("value") == "a,b"


def test_columns_in_another_language_are_refused_whatever_the_file_is_called() -> None:
    """Nothing is dropped in silence because its label is not known."""
    with pytest.raises(Unreadable, match="another language"):
        read(b"Nom;Valeur\r\nglide.outbound.x;443\r\n", "sys_properties.csv")


def test_windows_1252_is_read_where_it_is_not_utf_8() -> None:
    """The instance's own default for CSV is Windows-1252."""
    (row,) = read("name,type,expires\r\nSchlüssel “neu”,key_store,\r\n".encode("cp1252")).rows
    assert row.text("name") == "Schlüssel “neu”"


def test_a_value_that_is_too_long_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit is a problem of the record, not the end of the file."""
    monkeypatch.setattr("mtlskit.instance.unload.MAX_FIELD", 100)
    monkeypatch.setattr("mtlskit.instance.tableapi.MAX_FIELD", 100)
    made = [lab.profile("myhttps", "8443", None), lab.profile("x" * 101, "1", None)]
    for data in (lab.as_unload(made), lab.as_table_api(made)):
        export = read(data, "sys_protocol_profile.json")
        assert [one.code for one in export.problems] == ["too-large"]
        assert [row.text("protocol") for row in export.rows] == ["myhttps", ""]


def test_too_many_bytes_or_records_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reader has a limit."""
    data = lab.as_unload(BROKEN.records)
    monkeypatch.setattr(rows, "MAX_ROWS", 3)
    assert refusal(data)[0] == "too-large"
    monkeypatch.setattr("mtlskit.instance.exports.MAX_BYTES", len(data) - 1)
    assert refusal(data)[0] == "too-large"


def test_a_long_export_is_read_as_a_stream() -> None:
    """What a file adds to memory is what is kept of it, and not its size."""
    filler = b"<sys_properties><name>glide.other</name><value>" + b"x" * 1000 + b"</value>"
    data = b"<unload>" + (filler + b"</sys_properties>") * 5000 + b"</unload>"
    tracemalloc.start()
    try:
        export = read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert dict(export.skipped) == {"sys_properties (not about outbound connections)": 5000}
    assert peak < len(data) / 5


def survives(data: bytes) -> None:
    """Read any bytes: the answer is an export or a refusal in words."""
    try:
        assert isinstance(read(data), Export)
    except Unreadable as error:
        assert str(error).endswith(".")  # noqa: PT017 - both ends are right, and both are checked


@given(st.binary(max_size=300))
def test_any_bytes_are_an_export_or_a_refusal(data: bytes) -> None:
    """No bytes lead to a traceback."""
    survives(data)


@given(st.data())
def test_any_damaged_export_is_an_export_or_a_refusal(data: st.DataObject) -> None:
    """A few changed bytes in a good export lead to no traceback either."""
    write = data.draw(st.sampled_from(FORMS))
    good = bytearray(write(list(BROKEN.of("sys_certificate"))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    survives(bytes(good))


@given(st.text(alphabet="<>/&;\"'= ![]{}:,?-abcdlnopsuy_\n", max_size=120))
def test_any_text_like_an_export_is_an_export_or_a_refusal(text: str) -> None:
    """What looks like XML, JSON or CSV is refused in words if it is none."""
    for start in ("", "<unload>", '{"result": ', "name,value\n"):
        survives((start + text).encode())
