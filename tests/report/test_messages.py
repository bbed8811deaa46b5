"""Messages: what was seen, how sure it is, and one request that would settle what is open."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files

import pytest

from mtlskit.case import Case
from mtlskit.diagnosis.causes import causes
from mtlskit.page.text import text
from mtlskit.report import Report, judge
from mtlskit.trace.events import HttpAnswer

Reports = Callable[[str, str], Report]


def message(report: Report, to: str) -> str:
    """The message to one side."""
    (found,) = [str(one) for one in report.messages() if one.to == to]
    return found


def test_a_message_tells_what_a_log_is_searched_by(incomplete: Report) -> None:
    """Time, address, serial number, fingerprint and the alert word for word."""
    trace = incomplete.case.trace
    assert trace is not None
    assert trace.client_chain
    leaf = trace.client_chain[0]
    for to in ("partner", "customer"):
        said = message(incomplete, to)
        assert f"Time of the attempt: {trace.began:%Y-%m-%d %H:%M:%S UTC}" in said
        assert f"Address called: {trace.peer}" in said
        assert f"serial number: {leaf.serial:x}" in said
        assert f"SHA-256: {leaf.sha256}" in said
        assert "alert unknown_ca (48)" in said
        assert "Cause, CONFIRMED: The client sent its certificate without" in said


def test_after_a_proof_only_who_must_act_is_asked(incomplete: Report) -> None:
    """The own side is told what to add; the endpoint's owner has nothing to do."""
    assert "Nothing is asked of you" in message(incomplete, "partner")
    assert "Please do this: Add Acme Issuing CA 2" in message(incomplete, "customer")


def test_open_causes_are_settled_by_one_request(report_of: Reports) -> None:
    """What is not known is asked for by name, and no cause is called sure."""
    report = report_of("client.chain-incomplete/not-at-hand", "1.3")
    said = message(report, "partner")
    assert said.count("Please") == 1
    assert "lines of your server's log" in said
    assert "CA certificates that your server trusts" in said
    assert "CONFIRMED" not in said
    assert "LIKELY" not in said
    assert "not certain yet" in message(report, "customer")


@pytest.mark.parametrize(
    ("scene", "asked"),
    [
        ("client.untrusted-issuer", "add the CA that issued this certificate"),
        ("server.name-mismatch", "by which name the endpoint is to be called"),
        ("server.expired", "renew your server's certificate"),
        ("application.forbidden", "line of your application's log"),
    ],
)
def test_the_endpoints_owner_is_asked_to_mend(report_of: Reports, scene: str, asked: str) -> None:
    """Where it is for the endpoint's owner to act, the message asks for that act."""
    report = report_of(scene, "1.3")
    assert asked in message(report, "partner").rpartition("\n\n")[2]
    assert "pass the message to the endpoint's owner" in message(report, "customer")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_who_need_not_act_is_told_so_first(report_of: Reports, tls: str) -> None:
    """Where the cause lies with the client, its endpoint's owner is asked for nothing."""
    report = report_of("client.chain-incomplete", tls)
    trace = report.case.trace
    assert trace is not None
    ended = replace(trace.ended, outcome="undecided")
    (best, *rest) = report.opinions
    for standing in ("LIKELY", "CONFIRMED"):
        likely = replace(best, standing=standing, party="client-owner")
        weighed = replace(report.diagnosis, opinions=(likely, *rest))
        case = report.case.having(trace=replace(trace, ended=ended))
        said = message(replace(report, case=case, diagnosis=weighed), "partner")
        assert said.startswith("Subject: A cause was found for the connection to ")
        assert said.split("\n\n")[2].startswith("For your information: the cause")
        assert said.rpartition("\n\n")[2].startswith("Nothing is asked of you")
        assert "not known" not in said.partition("This is what was seen")[0]


def test_only_what_is_still_needed_is_asked_for(report_of: Reports) -> None:
    """Which CAs are accepted is asked where the server did not list them, and there alone."""
    report = report_of("client.no-identity", "1.2")
    trace = report.case.trace
    assert trace is not None
    assert trace.asked is not None
    (best, *rest) = report.opinions
    likely = replace(best, cause="client.no-identity", standing="LIKELY", party="client-owner")
    report = replace(report, diagnosis=replace(report.diagnosis, opinions=(likely, *rest)))
    for names, asked in ((trace.asked.authorities or ("CN=CA",), False), ((), True)):
        listed = replace(trace.asked, authorities=names)
        case = report.case.having(trace=replace(trace, asked=listed))
        said = message(replace(report, case=case), "partner").rpartition("\n\n")[2]
        assert ("please tell the CAs from which your server accepts" in said) is asked
        assert "your server's log" not in said or not asked


def test_what_was_not_seen_is_not_said(report_of: Reports) -> None:
    """Without a connection nobody's log is asked for; of an unsent certificate nothing is told."""
    assert [one.to for one in judge(Case()).messages()] == ["customer"]
    assert judge(Case()).json()["messages"]["partner"] is None
    said = message(report_of("network.refused", "1.3"), "partner")
    assert "Certificate that the client sent: not seen" in said
    assert "SHA-256" not in said


def test_a_message_holds_no_secret_and_no_hidden_mark(incomplete: Report) -> None:
    """Words of the other side are shown in one line, and cleaned as everything else."""
    trace = incomplete.case.trace
    assert trace is not None
    hostile = "a\u202eb\nSubject: x password=pa55word"
    answer = HttpAnswer(403, "No", None, hostile, trace.source)
    ended = replace(trace.ended, symptom=replace(trace.ended.symptom, alert=None, name=None))
    case = incomplete.case.having(trace=replace(trace, http=answer, ended=ended))
    said = message(replace(incomplete, case=case), "partner")
    assert "a[U+202E]b Subject: x password=[taken out]" in said
    assert len(re.findall("^Subject", said, re.MULTILINE)) == 1


def test_every_face_holds_the_messages(incomplete: Report) -> None:
    """The page and the record carry the same words that are handed out."""
    told = incomplete.json()["messages"]
    for one in incomplete.messages():
        assert told[one.to]["text"] == str(one)
        assert one.request in text(incomplete.page(), 100_000)


def test_requests_name_known_causes() -> None:
    """No request stands for a cause that nobody can find."""
    written = files("mtlskit.report").joinpath("messages.toml").read_text("utf-8")
    assert set(tomllib.loads(written)["partner"]) <= set(causes())
