"""Files are read with a limit, told by content, and refused with a sentence."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.files import kind_of, read_blob
from mtlskit.lab.pki import self_signed
from mtlskit.material import Blob, Source, Unreadable


def _refused(path: Path | str, **more: int) -> tuple[str, str]:
    with pytest.raises(Unreadable) as caught:
        read_blob(path, **more)
    return caught.value.problem.code, caught.value.problem.text


def test_a_file_is_read_whole_under_its_own_name(tmp_path: Path) -> None:
    """The source is the file's name without its folder."""
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    blob = read_blob(tmp_path / "a.bin")
    assert (blob.data, str(blob.source)) == (b"\0\1", "a.bin")
    assert "\\x01" not in repr(blob)


def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path: Path) -> None:
    """Missing, a directory, empty, a pipe, too large, an impossible name: each its own words."""
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"12345")
    assert _refused(tmp_path / "none") == (
        "missing",
        f"There is no file {tmp_path / 'none'}. Check its name.",
    )
    assert _refused(tmp_path)[0] == "directory"
    assert _refused(tmp_path / "empty")[0] == "empty"
    assert _refused(tmp_path / "large", limit=4)[0] == "too-large"
    assert _refused("a\0b")[0] == "unreadable"
    assert _refused("x" * 5000)[0] == "unreadable"
    assert _refused(tmp_path / "large" / "below")[0] == "unreadable"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    assert _refused(tmp_path / "pipe")[0] == "not-a-file"


def test_a_forbidden_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own words are in the sentence."""

    def forbidden(*_: object) -> None:  # root, as whom tests may run, is forbidden nothing
        raise PermissionError(13, "Permission denied")

    (tmp_path / "closed").write_bytes(b"x")
    monkeypatch.setattr(Path, "open", forbidden)
    code, text = _refused(tmp_path / "closed")
    assert code == "unreadable"
    assert "Permission denied" in text


def test_two_gigabytes_are_refused_unread(tmp_path: Path) -> None:
    """A sparse file of 2 GB is refused by its size."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2 * 1024**3)
    code, text = _refused(tmp_path / "huge")
    assert code == "too-large"
    assert "512 MB" in text


ALONE = self_signed("CN=alone")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (ALONE.pem_chain(), "pem"),
        (b"some words\n" + ALONE.pem_chain(), "pem"),
        (b"\xff\xfe" + ALONE.pem_chain().decode().encode("utf-16-le"), "pem"),
        (ALONE.der, "der"),
        (ALONE.p12("x"), "pkcs12"),
        (b"\xfe\xed\xfe\xed\0\0\0\2", "jks"),
        (b"\xce\xce\xce\xce\0\0\0\2", "jceks"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"\xd4\xc3\xb2\xa1\2\0\4\0", "pcap"),
        (b"\xa1\xb2\x3c\x4d\0\2\0\4", "pcap"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0", "pcapng"),
        (b"# log\nCLIENT_RANDOM 00 11\n", "keylog"),
        (b"SERVER_HANDSHAKE_TRAFFIC_SECRET 00 11\n", "keylog"),
        (b'<?xml version="1.0"?><unload/>', "instance-xml"),
        (b"<unload>" + ALONE.pem_chain() + b"</unload>", "instance-xml"),
        (b'{"result": [{"name": "x"}]}', "instance-json"),
        (b'{"pem": "' + ALONE.pem_chain() + b'"}', "instance-json"),
        (b'"Name","Value"\n"glide.httpclient.x","y"\n', "instance-csv"),
        (b"name;value\nx;y\n", "instance-csv"),
        (b'"Name","Endpoint","Sys ID"\n', "instance-csv"),
        (b"sep=;\r\nname;value\r\nx;y\r\n", "instance-csv"),
        (b"name=value, other=value\n", "text"),
        (b"<!DOCTYPE html><html>", "html"),
        (b"javax.net.ssl|DEBUG|01|main|2026\n", "text"),
        (b"", "empty"),
        (b"\0\1\2\3", "binary"),
    ],
)
def test_a_file_is_told_by_its_content(data: bytes, kind: str) -> None:
    """Whatever the file is called, its bytes say what it is."""
    assert kind_of(Blob(Source("misleading.jks"), data)) == kind


@given(st.binary(max_size=200))
def test_any_bytes_are_of_some_kind(data: bytes) -> None:
    """The answer is a word for every file."""
    assert kind_of(Blob(Source("x"), data))
