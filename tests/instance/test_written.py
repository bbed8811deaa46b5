"""What was read is written so that it reads the same again, and without a password field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.instance.exports import read_export
from mtlskit.instance.rows import Cell, Export, Row
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.instance.written import as_json, as_xml
from mtlskit.lab.exports import WORLDS, as_unload
from mtlskit.material import Blob, Source

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def told(settings: Settings) -> str:
    """Everything that the settings say, without where they were read."""
    return repr(
        (
            [(one.name, one.value, one.sys_id) for one in settings.properties or ()],
            [(one.protocol, one.port, str(one.keystore)) for one in settings.profiles or ()],
            [
                (one.name, one.kind, one.active, one.expires, len(one.attachments or ()))
                for one in settings.certificates or ()
            ],
            [(one.name, one.url, one.mutual, str(one.profile)) for one in settings.messages or ()],
            settings.not_given,
        )
    )


@pytest.fixture(params=sorted(WORLDS))
def export(request: pytest.FixtureRequest) -> Export:
    data = as_unload(WORLDS[request.param].records)
    return read_export(Blob(Source("instance.xml"), data))


def test_json_reads_the_same_again(export: Export) -> None:
    """One file for each table; the settings in them are the same."""
    files = as_json(export)
    again = [read_export(Blob(Source(name), data)) for name, data in files.items()]
    assert set(files) == {f"{table}.json" for table in export.looked}
    assert told(settings_from(again)) == told(settings_from([export]))


def test_xml_reads_the_same_again(export: Export) -> None:
    """One document of all tables; the settings in it are the same."""
    data = as_xml([export], NOW)
    assert b'<unload unload_date="2026-01-15 09:30:00">' in data
    again = read_export(Blob(Source("saved.xml"), data))
    assert told(settings_from([again])) == told(settings_from([export]))


def test_no_password_field_is_written(export: Export) -> None:
    """The made-up password of the samples stands in neither form."""
    every = b"".join((as_xml([export], NOW), *as_json(export).values()))
    assert b"MADE-UP-PASSWORD-FIELD" not in every


def test_a_table_that_was_empty_stays_known_as_empty() -> None:
    """In JSON by the file's name; () is not the same as not given."""
    empty = Export(Source("x"), "json", (), frozenset({"sys_protocol_profile"}))
    ((name, data),) = as_json(empty).items()
    assert settings_from([read_export(Blob(Source(name), data))]).profiles == ()


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
    st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
)
def test_any_text_survives_both_forms(value: str, display: str | None) -> None:
    """Markup, line ends and quotes are values like any other; what XML cannot carry is left out."""
    cells = (Cell("name", "glide.httpclient.x"), Cell("value", value, display))
    row = Row("sys_properties", "", cells, Source("x"))
    export = Export(Source("x"), "json", (row,), frozenset({"sys_properties"}))
    ((name, data),) = as_json(export).items()
    (read,) = read_export(Blob(Source(name), data)).rows
    assert read.cell("value") is not None
    assert read.text("value") == value.strip()
    (seen,) = read_export(Blob(Source("a.xml"), as_xml([export], NOW))).rows
    kept = "".join(one for one in value if one in "\t\n\r" or " " <= one not in "\ufffe\uffff")
    assert seen.text("value") == kept.strip()
