"""A saved report is opened again, shown as it was, and held against another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.__main__ import main
from mtlskit.collect.saved import reopen, saved_among
from mtlskit.material import Blob, Source, Unreadable
from mtlskit.page.html import document
from mtlskit.page.text import text
from mtlskit.report import Report, compare_reports
from mtlskit.report.reopened import Reopened, reopened
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

Reports = Callable[[str, str], Report]
Capsys = pytest.CaptureFixture[str]

FIRST = Path(__file__).with_name("vectors") / "first-schema-1.json"
KEYS = st.sampled_from(
    [
        *("outcome", "opinions", "standing", "title", "because", "party", "remedy", "sent"),
        *("by_client", "by_server", "asked", "findings", "rule", "verdict", "symptom", "alert"),
        *("messages", "partner", "text", "settings", "experiments", "versions", "made", "target"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def saved(report: Report, folder: Path, name: str) -> Path:
    """The JSON file of a report."""
    return report.save(folder / name)[2]


def test_a_saved_report_is_shown_again(incomplete: Report, tmp_path: Path, capsys: Capsys) -> None:
    """Outcome, causes with their standing, certificates and messages are those of the record."""
    path = saved(incomplete, tmp_path, "case-1")
    assert main(["read", str(path)]) == REFUSED
    told = capsys.readouterr().out
    (best, *_) = incomplete.opinions
    assert best.title in " ".join(told.replace("|", " ").split())
    assert "CONFIRMED" in told
    assert "unknown_ca (48)" in told
    assert main(["read", str(path), "--json"]) == REFUSED
    assert json.loads(capsys.readouterr().out) == incomplete.json()
    assert main(["read", str(path), "--message", "partner"]) == REFUSED
    assert capsys.readouterr().out == f"{incomplete.messages()[0]}\n"


def test_what_a_saved_report_cannot_do_is_said(
    incomplete: Report, tmp_path: Path, capsys: Capsys
) -> None:
    """It cannot be redacted later: what is hidden is hidden when it is made."""
    path = saved(incomplete, tmp_path, "case-1")
    assert main(["read", str(path), "--redact", "names"]) == USAGE
    told = capsys.readouterr().err
    assert "shown as it was saved" in told
    assert 'redact="own"' in told


def test_before_and_after_are_held_side_by_side(
    report_of: Reports, tmp_path: Path, capsys: Capsys
) -> None:
    """How they ended, what was sent and what was found differ; the rest is alike."""
    before = saved(report_of("client.chain-incomplete", "1.3"), tmp_path, "before")
    after = saved(report_of("none", "1.3"), tmp_path, "after")
    assert main(["read", str(before), str(after)]) == ACCEPTED
    told = capsys.readouterr().out
    assert "The first was refused, and the second was accepted." in told
    assert "before.json" in told
    assert main(["read", str(after), str(before), "--json"]) == REFUSED
    record = json.loads(capsys.readouterr().out)
    outcome = record["differences"][0]
    assert outcome == {"what": "Outcome", "left": "accepted", "right": "refused"}
    named = {one["what"] for one in record["differences"]}
    assert {"Cause", "Alert or answer", "Sent by the client"} <= named
    assert "TLS version: 1.3" in record["alike"]


def test_a_report_does_not_differ_from_itself(incomplete: Report) -> None:
    """Nothing differs, and that is said."""
    compared = compare_reports(incomplete, incomplete)
    assert compared.differences == compared.one_sided == ()
    assert "No differences" in str(compared)


def test_what_one_side_did_not_look_at_is_no_difference(incomplete: Report) -> None:
    """Without settings on one side, their port is told as not looked at."""
    before, after = incomplete.json(), incomplete.json()
    after["settings"] = {"port": 8443, "key_store": None, "offered": []}
    pair = (Reopened(Source("a"), before), Reopened(Source("b"), after))
    compared = compare_reports(*pair)
    assert compared.differences == ()
    assert ("Instance: port", "not looked at", "8443") in [
        (one.what, one.left, one.right) for one in compared.one_sided
    ]


def test_a_later_schema_is_named(tmp_path: Path, capsys: Capsys) -> None:
    """A report of a newer mtlskit is not half understood."""
    path = tmp_path / "new.json"
    path.write_text(json.dumps({"schema": 2, "outcome": "refused"}))
    assert main(["read", str(path)]) == UNREADABLE
    assert "schema 2; this mtlskit reads schemas up to 1" in capsys.readouterr().err


def test_among_evidence_a_report_is_named(
    incomplete: Report, tmp_path: Path, capsys: Capsys
) -> None:
    """It is no evidence: a sentence says how to open it, and the rest is judged."""
    path = saved(incomplete, tmp_path, "case-1")
    log = tmp_path / "app.log"
    log.write_text("javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate\n")
    assert saved_among([path, log]) == ()
    assert main(["read", str(path), str(log)]) == REFUSED
    told = capsys.readouterr()
    assert "bad_certificate" in told.out
    assert "case-1.json is a saved report, and no evidence" in told.err


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"schema": "1"}', b"[" * 100_000])
def test_what_is_no_report_is_said_in_a_sentence(data: bytes) -> None:
    """Damage and other JSON are named, also where it is nested without end."""
    with pytest.raises(Unreadable, match="no saved report"):
        reopen(Blob(Source("x.json"), data))


@given(st.dictionaries(KEYS, VALUES), st.dictionaries(KEYS, VALUES))
def test_any_record_of_the_schema_is_shown(left: object, right: object) -> None:
    """Values of other types than expected are left out; nothing fails."""
    pair = [
        reopened(Blob(Source("x.json"), json.dumps({"schema": 1, **one}).encode()))
        for one in (left, right)
    ]
    for shown in (*pair, compare_reports(*pair)):
        assert text(shown.page())


def test_an_older_record_of_the_schema_is_read(incomplete: Report) -> None:
    """A report that was saved before messages and levels were there opens as well."""
    record = incomplete.json()
    del record["messages"], record["redacted"]
    told = str(Reopened(Source("old.json"), record))
    assert "CONFIRMED" in told
    assert "Messages" not in told


def test_the_first_report_ever_saved_opens(
    incomplete: Report, tmp_path: Path, capsys: Capsys
) -> None:
    """One of the day on which schema 1 began, of a failure of the lab: shown, and compared."""
    assert main(["read", str(FIRST)]) == REFUSED
    told = " ".join(capsys.readouterr().out.replace("|", " ").split())
    assert "The client sent its certificate without the intermediate" in told
    assert "alert unknown_ca (48)" in told
    now = saved(incomplete, tmp_path, "now")
    assert main(["read", str(FIRST), str(now), "--json"]) == REFUSED
    compared = json.loads(capsys.readouterr().out)
    assert not {"Outcome", "Cause", "Alert or answer"} & {
        one["what"] for one in compared["differences"]
    }


def test_nothing_that_the_schema_had_was_taken_away(incomplete: Report) -> None:
    """Keys are only added: whoever read the first reports can read today's."""
    first, now = json.loads(FIRST.read_text()), incomplete.json()
    assert set(first) <= set(now)
    for key in ("symptom", "sent", "server_stack"):
        assert set(first[key]) <= set(now[key])
    for key in ("opinions", "checklist", "findings", "experiments"):
        assert set(first[key][0]) <= set(now[key][0])


def test_hostile_names_of_a_record_are_harmless(incomplete: Report) -> None:
    """A record may come from anybody: marks of direction and markup are shown, not obeyed."""
    record = json.loads(json.dumps(incomplete.json()))
    record["opinions"][0]["title"] = "<script>alert(1)</script>\u202e"
    record["opinions"][0]["remedy"] = "token=abcdef"
    page = replace(Reopened(Source("x.json"), record)).page()
    whole = document(page)
    assert "<script" not in whole
    assert "\u202e" not in whole + text(page)
    assert "abcdef" not in whole
