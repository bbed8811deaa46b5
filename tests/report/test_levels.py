"""Redaction by level: no listed name is in any face, and one name has one placeholder."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mtlskit.case import Case
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports
from mtlskit.material import Because, Blob, Source
from mtlskit.report import Report, judge
from mtlskit.report.naming import LEVELS, Level, Names
from tests.report.cases import TWELVE

Reports = Callable[[str, str], Report]
OURS = ("Acme Integration Client", "acme-client", "Acme Corporation", "Acme Issuing CA 2")
THEIRS = ("partner-api.example", "partner.example")


def faces(report: Report, folder: Path) -> str:
    """Everything that leaves: files, notebook and terminal, drawings, messages."""
    shown = [str(report), *report._repr_mimebundle_().values(), *map(str, report.messages())]
    files = report.save(folder / "r", notebook=True)
    shown += [one.read_text("utf-8") for one in files]
    # JSON escapes quotes; what a notebook shows is searched as it is shown.
    shown += json.loads(shown[-1])["cells"][1]["outputs"][0]["data"].values()
    drawn = {found for one in shown for found in re.findall('base64,([^"]+)', one)}
    shown += [b64decode(one).decode() for one in drawn]
    # A name may be broken for the screen by marks and blanks that a reader does not see.
    return " ".join(re.sub(r"<wbr>|</?[a-z][^>]*>", "", one) for one in shown).lower()


def stands_in(name: str, whole: str) -> bool:
    """Whether a name is in a text: a short one or a number as a word of its own."""
    alone = len(name) < 6 or re.fullmatch(r"[0-9a-f.:-]+", name, re.IGNORECASE)
    edge = r"(?![a-z0-9])" if alone else ""
    begin = r"(?<![a-z0-9])" if alone else ""
    return bool(re.search(begin + r"\s+".join(map(re.escape, name.lower().split())) + edge, whole))


@pytest.mark.parametrize(("scene", "tls"), TWELVE)
@pytest.mark.parametrize("level", ["own", "names"])
def test_no_listed_name_is_in_any_face(
    report_of: Reports, tmp_path: Path, scene: str, tls: str, level: Level
) -> None:
    """What the preview lists is nowhere: files, pages, drawings, commands, messages."""
    report = report_of(scene, tls)
    listed = [name for name, _ in report.preview(level).replaced]
    whole = faces(report.redacted(level), tmp_path)
    assert [one for one in listed if stands_in(one, whole)] == []
    if level == "own" and not report.case.identities:
        return  # nobody said which organisation is ours
    wanted = (*OURS, "acme") if level == "own" else (*OURS, *THEIRS, "acme", "127.0.0.1")
    assert [one for one in wanted if one.lower() in whole] == []


@pytest.mark.needs("chromium", "pdftotext")
def test_no_listed_name_is_in_the_pdf(
    incomplete: Report, tmp_path: Path, program: Callable[[str], str]
) -> None:
    """Neither in its words nor in what a PDF says of itself."""
    listed = [name for name, _ in incomplete.preview("names").replaced]
    printed = incomplete.save(tmp_path / "r", pdf=True, redact="names")[-1]
    command = [program("pdftotext"), str(printed), "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.lower()
    assert "who must act" in told
    whole = told + printed.read_bytes().decode("latin-1").lower()
    assert [
        one for one in (*listed, *OURS, *THEIRS) if len(one) > 6 and stands_in(one, whole)
    ] == []


def test_secrets_alone_leave_the_names(incomplete: Report, tmp_path: Path) -> None:
    """The first level hides no name, and lists none."""
    assert incomplete.preview("secrets").replaced == ()
    whole = faces(incomplete.redacted("secrets"), tmp_path)
    assert all(one.lower() in whole for one in (*OURS, "partner-api.example"))


def test_the_other_sides_names_stay_at_the_level_of_ours(report_of: Reports) -> None:
    """Who runs the endpoint can still tell its own name and what was asked for."""
    told = json.dumps(report_of("server.name-mismatch", "1.3").redacted("own").json())
    assert "partner-api.example" in told
    assert "Acme" not in told


def test_one_name_has_one_placeholder(incomplete: Report) -> None:
    """Text, record and drawing speak of the same thing by the same word."""
    put = dict(incomplete.preview("names").replaced)
    assert len(set(put.values())) >= len(put) // 2
    report = incomplete.redacted("names")
    client = put["Acme Integration Client"]
    assert client in str(report)
    assert client in report._repr_html_()
    assert client in report._repr_markdown_()
    assert f"CN={client}" in report.json()["sent"]["by_client"][0]["subject"]
    assert report.json() == report.json()


def test_what_logs_are_searched_by_stays(incomplete: Report) -> None:
    """Serial number and fingerprint are no names; words of our own stay, too."""
    before, after = incomplete.json(), incomplete.redacted("names").json()
    assert after["redacted"] == "names"
    for key in ("outcome", "refused_by", "stage", "symptom", "versions", "began"):
        assert before[key] == after[key]
    leaf = after["sent"]["by_client"][0]
    assert leaf["sha256"] == before["sent"]["by_client"][0]["sha256"]


def test_a_preview_is_shown_and_never_saved(incomplete: Report, tmp_path: Path) -> None:
    """It lists names beside placeholders; no file of the report has one beside the other."""
    assert "acme-client.p12" in str(incomplete.preview("own"))
    paths = incomplete.save(tmp_path / "r", redact="own")
    assert all("acme-client.p12" not in one.read_text("utf-8") for one in paths)
    assert "replaced by placeholders" in paths[0].read_text("utf-8")


def test_an_instances_names_are_hidden(tmp_path: Path) -> None:
    """Records, files and hosts of the exports are hidden at the levels that say so."""
    world = exports.WORLDS["broken"]
    blob = Blob(Source("acme-prod-export.xml"), exports.as_unload(world.records))
    report = judge(Case(settings=settings_from([read_export(blob)]), url=world.url, at=None))
    for level in LEVELS[1:]:
        whole = faces(report.redacted(level), tmp_path)
        listed = [name for name, _ in report.preview(level).replaced]
        assert [one for one in listed if stands_in(one, whole)] == []
        assert "acme-prod-export" not in whole


def test_addresses_of_quoted_lines_are_found(incomplete: Report) -> None:
    """An address that only a quoted line carries is replaced; a private one is ours."""
    trace = incomplete.case.trace
    assert trace is not None
    said = Because("the proxy 10.20.30.40 said no to ops@partner.example of 198.51.100.7")
    ended = replace(trace.ended, because=(said,))
    case = incomplete.case.having(trace=replace(trace, ended=ended))
    report = replace(incomplete, case=case)
    own, every = str(report.redacted("own")), str(report.redacted("names"))
    assert "10.20.30.40" not in own
    assert "198.51.100.7" in own
    assert not any(one in every for one in ("10.20.30.40", "198.51.100.7", "ops@partner"))


def test_an_ordinary_word_is_a_name_in_a_distinguished_name_only() -> None:
    """A client called "client" does not take the word from every sentence."""
    names = Names()
    names.add("client", "client", "DE", "Weird, Inc.", "O'Neil")
    change = names.changer()
    assert change("The client CN=client, sent") == "The client CN=client-1, sent"
    assert change(r"O=Weird\, Inc.") == "O=client-3"
    assert change("cat 'O'\"'\"'Neil' weird,  inc.") == "cat 'client-4' client-3"


def test_certificates_in_commands_are_taken_out() -> None:
    """Base64 hides names from the eye only."""
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    assert Names().changer()(f"cat <<END\n{pem}\nEND").count("taken out") == 1


def test_an_unknown_level_is_refused(incomplete: Report) -> None:
    """A level that nobody knows hides nothing by mistake."""
    with pytest.raises(ValueError, match="expected secrets, own, names"):
        incomplete.redacted("all")


def test_an_instance_that_was_read_is_hidden_by_its_host_alone() -> None:
    """The tables that were read from it keep their names: remedies speak of them."""
    read = Settings(sources=(Source("https://acme.example/sys_properties"),))
    report = judge(Case(settings=read))
    told = dict(report.preview("own").replaced)
    assert told["acme.example"].startswith("host-")
    assert not [name for name in told if "sys_properties" in name]
