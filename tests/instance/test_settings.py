"""Settings: the same from every format, joined from any number of files, newest record first."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mtlskit.certs.keystore import open_store
from mtlskit.instance.exports import read_export
from mtlskit.instance.reading import port_number, store_kind, truth
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.lab.pki import Authority, pem
from mtlskit.material import Blob, Source

Files = dict[str, bytes]


def settings(files: Files) -> Settings:
    """Read files into settings."""
    blobs = (Blob(Source(name), data) for name, data in files.items())
    return settings_from([read_export(blob) for blob in blobs])


def facts(read: Settings) -> object:
    """Everything that the settings say, but for where it stood and which id it has."""
    ids = {one.sys_id: one.name for one in read.certificates or ()}
    ids |= {one.sys_id: one.protocol for one in read.profiles or ()}
    stored = [
        (one.name, one.kind, one.active, one.valid_from, one.expires,
         [file.file_name for file in one.attachments or ()])
        for one in read.certificates or ()
    ]  # fmt: skip
    profiles = [
        (one.protocol, one.port, one.keystore and (one.keystore.name or ids[one.keystore.sys_id]))
        for one in read.profiles or ()
    ]
    messages = [
        (one.kind, one.name, one.url, one.mutual,
         one.profile and (one.profile.name or ids[one.profile.sys_id]))
        for one in read.messages or ()
    ]  # fmt: skip
    return [(one.name, one.value) for one in read.properties or ()], stored, profiles, messages


def per_table(world: lab.World, write: Callable[[Sequence[lab.Made]], bytes]) -> Files:
    """Write one file for each table."""
    return {table: write(world.of(table)) for table in world.tables()}


WAYS: dict[str, Callable[[lab.World], Files]] = {
    "xml": lambda world: {"a.xml": lab.as_unload(world.records, wrapper="xml")},
    "xml per table": lambda world: per_table(world, lab.as_unload),
    "update set": lambda world: {"a.xml": lab.as_update_set(world.records)},
    "update set, CDATA": lambda world: {"a.xml": lab.as_update_set(world.records, cdata=True)},
    "json": lambda world: per_table(world, lab.as_table_api),
    "json, labels": lambda world: per_table(world, lambda r: lab.as_table_api(r, display="true")),
    "json, both": lambda world: per_table(world, lambda r: lab.as_table_api(r, display="all")),
    "csv": lambda world: per_table(world, lab.as_csv),
    "csv, labels": lambda world: per_table(world, lambda r: lab.as_csv(r, labels=True)),
    "workbook": lambda world: per_table(world, lab.as_workbook),
    "workbook, texts in place": lambda world: per_table(
        world, lambda r: lab.as_workbook(r, inline=True)
    ),
}


@pytest.mark.parametrize("world", lab.WORLDS.values(), ids=lambda world: world.id)
@pytest.mark.parametrize("way", WAYS)
def test_every_format_gives_the_same_settings(world: lab.World, way: str) -> None:
    """XML, update sets, JSON with values or labels, and CSV say the same of one instance."""
    wanted = settings({"a.xml": lab.as_unload(world.records)})
    read = settings(WAYS[way](world))
    assert facts(read) == facts(wanted)
    assert read.not_given == ()
    assert read.problems == ()


def test_the_same_records_in_two_formats_count_once() -> None:
    """Giving an export twice, once with and once without ids, changes nothing."""
    world = lab.WORLDS["broken"]
    without_ids = per_table(world, lambda r: lab.as_csv(r).replace(b'"sys_id"', b'"other"'))
    both = WAYS["csv"](world) | {f"{name}.json": data for name, data in WAYS["json"](world).items()}
    once = facts(settings(WAYS["json"](world)))
    assert facts(settings(both)) == once
    del without_ids["sys_attachment"]  # an attachment is found by the id of its record
    mixed = without_ids | {f"{name}.json": data for name, data in WAYS["json"](world).items()}
    assert facts(settings(mixed)) == once


def test_two_records_of_one_name_in_a_file_without_ids_stay_two() -> None:
    """A duplicate is a finding, so reading must not remove it."""
    data = b"protocol,default_port,keystore\r\nmyhttps,443,a\r\nmyhttps,8443,b\r\n"
    assert [one.port for one in settings({"a.csv": data}).profiles or ()] == [443, 8443]


def test_a_table_that_was_not_given_is_none_and_named() -> None:
    """Not looked at is not the same as empty."""
    read = settings({"a.xml": lab.as_unload([lab.profile("myhttps", "8443", None)])})
    assert (read.properties, read.certificates, read.messages) == (None, None, None)
    assert read.not_given == ("sys_properties", "sys_certificate")
    assert read.key_stores is None
    empty = settings({"sys_certificate.json": b'{"result": []}'})
    assert empty.certificates == ()


def changed(made: lab.Made, stamp: str, action: str = "INSERT_OR_UPDATE") -> bytes:
    """Write one record with another time of update and another action."""
    data = lab.as_unload([made]).replace(b"INSERT_OR_UPDATE", action.encode())
    was = b"2026-01-15 09:30:00</sys_updated_on>"
    return data.replace(was, f"{stamp}</sys_updated_on>".encode())


def test_the_newer_of_two_versions_of_a_record_counts() -> None:
    """The order of the files does not matter where the records say when they were updated."""
    old = changed(lab.profile("myhttps", "443", None), "2025-01-01 00:00:00")
    new = changed(lab.profile("myhttps", "8443", None), "2026-01-01 00:00:00")
    for files in ({"a": old, "b": new}, {"a": new, "b": old}):
        assert [one.port for one in settings(files).profiles or ()] == [8443]


def test_a_record_that_an_export_deletes_is_gone() -> None:
    """A deletion in an update set takes the record away, and the table was looked at."""
    made = lab.profile("myhttps", "443", None)
    gone = changed(made, "2026-06-01 00:00:00", "DELETE")
    assert settings({"a": lab.as_unload([made]), "b": gone}).profiles == ()


def test_files_of_two_instances_are_told_apart() -> None:
    """Another instance's name, host or property record in a second file is a problem."""
    mine = lab.as_table_api([lab.profile("myhttps", "443", "a")])
    other = mine.replace(lab.HOST.encode(), b"other.example.com")
    codes = [one.code for one in settings({"a": mine, "b": other}).problems]
    assert codes == ["mixed-instances"]
    named = [lab.as_unload([lab.prop("instance_name", name)]) for name in ("one", "two")]
    (problem,) = settings({"a.xml": named[0], "b.xml": named[1]}).problems
    assert "one and two" in problem.text
    assert problem.source.name == "a.xml, b.xml"
    made = [lab.prop("glide.httpclient.protocol.x.port", "1")]
    first = lab.as_unload(made)
    second = first.replace(lab.sys_id("sys_properties", made[0].key).encode(), b"f" * 32)
    assert [p.code for p in settings({"a": first, "b": second}).problems] == ["mixed-instances"]
    assert settings({"a": first, "b": first}).problems == ()


def key_store() -> bytes:
    """Make a key store."""
    return Authority.root("CN=Northwind Root CA").client("CN=Northwind Client").p12("changeit")


def test_an_attached_key_store_is_joined_from_its_pieces_and_opens() -> None:
    """Pieces in any order give the file back, byte for byte."""
    store = os.urandom(10_000)
    file, *pieces = lab.attachment("Partner Client Keystore", "partner.p12", store)
    assert len(pieces) > 1
    made = (*reversed(pieces), lab.stored("Partner Client Keystore"), file)
    for data in (lab.as_unload(made), lab.as_update_set(made)):
        (one,) = settings({"a.xml": data}).certificates or ()
        (attached,) = one.attachments or ()
        assert attached.blob is not None
        assert attached.blob.data == store
        assert attached.blob.source.place[-1] == "partner.p12"
    whole = lab.attachment("Partner Client Keystore", "partner.p12", key_store())
    made = (lab.stored("Partner Client Keystore"), *whole)
    (one,) = settings({"a.xml": lab.as_unload(made)}).certificates or ()
    blob = (one.attachments or ())[0].blob
    assert blob is not None
    assert len(open_store(blob, ["changeit"]).identities) == 1


def test_an_attachment_that_was_not_exported_is_known_to_be_missing() -> None:
    """None: no attachments were exported; no blob: the file is named and not carried."""
    alone = settings({"a.xml": lab.as_unload([lab.stored("S")])})
    assert [one.attachments for one in alone.certificates or ()] == [None]
    named = settings({"a.xml": lab.as_unload([lab.stored("S"), *lab.attachment("S", "s.jks")])})
    (one,) = named.certificates or ()
    assert [(file.file_name, file.blob) for file in one.attachments or ()] == [("s.jks", None)]


def test_a_damaged_attachment_is_a_problem_and_no_file() -> None:
    """A missing piece, a wrong character and a cut archive each leave the file out, in words."""
    file, first, *rest = lab.attachment("S", "s.p12", os.urandom(10_000))
    fields = {**dict(first.fields), "data": "§§§§"}
    odd = lab.Made(first.table, first.key, tuple(fields.items()))
    cases = [(file, *rest), (file, first, *rest[:-1]), (file, odd, *rest)]
    for made in cases:
        read = settings({"a.xml": lab.as_unload([lab.stored("S"), *made])})
        (one,) = read.certificates or ()
        assert [attached.blob for attached in one.attachments or ()] == [None]
        assert [problem.code for problem in read.problems] == ["damaged"]


def test_an_archive_that_unpacks_without_end_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attachment's unpacked size has a limit."""
    monkeypatch.setattr("mtlskit.instance.attachments.MAX_FILE", 10_000)
    bomb = lab.attachment("S", "s.p12", bytes(1_000_000))
    read = settings({"a.xml": lab.as_unload([lab.stored("S"), *bomb])})
    assert [problem.code for problem in read.problems] == ["damaged"]


def test_a_pasted_certificate_is_read_and_a_pasted_key_let_go() -> None:
    """`pem_certificate` gives certificates; a private key beside them is kept nowhere."""
    root = Authority.root("CN=Northwind Root CA")
    client = root.client("CN=Northwind Client")
    key = client.pem_key().decode()
    pasted = pem([root.certificate]).decode() + key
    made = lab.stored("Partner Root CA", "trust_store", pem=pasted)
    read = settings({"a.xml": lab.as_unload([made])})
    (one,) = read.certificates or ()
    assert [str(each.subject) for each in one.certificates] == ["CN=Northwind Root CA"]
    assert key.splitlines()[1] not in repr(read)


def test_dates_are_utc_and_a_date_in_a_users_format_is_told() -> None:
    """A date that can be read in two ways is not guessed."""
    read = settings({"a.csv": b"name,type,expires\r\nS,key_store,2031-02-03 04:05:06\r\n"})
    (one,) = read.certificates or ()
    assert one.expires == datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert one.expires.utcoffset() == timedelta(0)
    read = settings({"a.csv": b"name,type,expires\r\nS,key_store,03/02/2031 04:05\r\n"})
    assert [one.expires for one in read.certificates or ()] == [None]
    assert [one.code for one in read.problems] == ["date-format"]


def test_a_port_that_is_none_is_told() -> None:
    """A default port that is no number is no port, and a problem."""
    read = settings({"a.xml": lab.as_unload([lab.profile("myhttps", "https", None)])})
    assert [one.port for one in read.profiles or ()] == [None]
    assert [one.code for one in read.problems] == ["not-a-port"]


@pytest.mark.parametrize(
    ("text", "port"),
    [("443", 443), ("4,433", 4433), ("4.433", 4433), ("4 433", 4433), ("65535", 65535),
     ("", None), ("0", None), ("65536", None), ("-1", None), ("4,43", None), ("٤٤٣", None),
     ("9" * 5000, None)],
)  # fmt: skip
def test_a_port_is_read_with_or_without_a_separator(text: str, port: int | None) -> None:
    """Lists show 4,433 for 4433."""
    assert port_number(text) == port


@pytest.mark.parametrize(
    ("text", "kind"),
    [("key_store", "java-key-store"), ("Java Key Store", "java-key-store"),
     ("trust_store", "trust-store"), ("Trust Store Cert", "trust-store"),
     ("pkcs12_key_store", "pkcs12-key-store"), ("PKCS12 Key Store", "pkcs12-key-store"),
     ("p12", "pkcs12-key-store"), ("", "other"), ("ldap", "other")],
)  # fmt: skip
def test_values_and_labels_of_a_type_are_understood_alike(text: str, kind: str) -> None:
    """One export carries the value and the next the label."""
    assert store_kind(text) == kind


def test_a_tick_is_true_false_or_not_said() -> None:
    """An empty field is neither."""
    assert (truth("true"), truth("False"), truth("")) == (True, False, None)


def test_a_reference_by_a_name_that_two_records_have_is_not_guessed() -> None:
    """Where only the label was exported and it fits two records, neither is taken."""
    data = {
        "p.csv": b"protocol,default_port,keystore\r\nmyhttps,443,Twin\r\n",
        "c.csv": b"name,type,expires\r\nTwin,key_store,\r\nTwin,key_store,\r\n",
    }
    read = settings(data)
    assert len(read.key_stores or ()) == 2
    assert read.certificate_of((read.profiles or ())[0].keystore) is None
