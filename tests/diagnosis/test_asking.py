"""What to ask next: every cause has its question, and the best one stands first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import mtlskit
from mtlskit.case import Case
from mtlskit.diagnosis import asking
from mtlskit.diagnosis.asking import MOST, questions, settling
from mtlskit.diagnosis.causes import causes
from mtlskit.diagnosis.reason import Diagnosis, Opinion
from mtlskit.diagnosis.stacks import StackGuess
from mtlskit.material import Because, Source, Target
from mtlskit.report import Report
from mtlskit.report.asking import section as asked_in
from mtlskit.terminal.door import parser_of_all
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.dialects.sense import sense
from mtlskit.trace.events import Asked, Ended, Symptom, Trace

HERE = Source("partner.example:443")
ROWS = asking._rows()
LINES = asking._lines()


def opinion(cause: str, weight: float = 1.0, standing: str = "POSSIBLE") -> Opinion:
    """An opinion of this weight."""
    row = causes()[cause]
    return Opinion(cause, row.title, standing, row.party, (), row.remedy, (), weight)


def diagnosis(*opinions: Opinion, stack: str | None = None) -> Diagnosis:
    """A diagnosis that rests on nothing."""
    return Diagnosis(opinions, (), StackGuess(stack, "it was named", stack))


def case(**evidence: object) -> Case:
    """A refusal at a known endpoint and time."""
    ended = Ended("refused", "server", "after-handshake", Symptom(), (Because("seen", HERE),))
    trace = Trace(HERE, Target("partner.example", 443), (), ended, server_name="partner.example")
    began = datetime(2026, 11, 23, 10, 42, 17, tzinfo=UTC)
    return Case(trace=replace(trace, began=began, **evidence))


@pytest.mark.parametrize("cause", [one for one in causes() if one not in ("none", "unknown")])
def test_every_cause_is_told_by_some_answer(cause: str) -> None:
    """For each cause there is a question whose answer tells it from all others, or from most."""
    grouped = {one for row in ROWS for group in row.get("together", ()) for one in group}
    assert settling(cause) or cause in grouped
    assert questions(diagnosis(opinion(cause), opinion("client.weak", 0.3)), Case())


def test_the_questions_speak_of_causes_that_exist_and_of_each_once() -> None:
    """A row names no cause twice, and none that is not in the vocabulary."""
    for row in ROWS:
        told = [*row.get("apart", ()), *(one for group in row.get("together", ()) for one in group)]
        assert set(told) <= set(causes()), row["id"]
        assert len(told) == len(set(told)), row["id"]
    assert len({row["id"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda one: one["id"])
def test_a_question_is_a_sentence_and_its_commands_are_ours(row: dict[str, object]) -> None:
    """It ends with a full stop, and every mtlskit command in it is one that can be given."""
    (text,) = {asking._Place(case(), "nginx").filled(str(row["ask"]))}
    assert text[-1] in ".)"
    assert "{" not in text
    for command in re.findall(r"mtlskit ((?:trace|diagnose|inspect)[^,():]*)", text):
        words = shlex.split(command.replace("alone", "").replace("then", ""))
        parser_of_all().parse_args([one for one in words if one])


def test_what_tells_most_for_least_stands_first() -> None:
    """A look at the own key store comes before a letter to another company."""
    told = questions(
        diagnosis(opinion("client.expired"), opinion("client.purpose"), opinion("client.weak")),
        case(),
    )
    assert told[0].id == "key-store"
    assert [one.id for one in told].index("server-log") > 0
    assert len(told) <= MOST


def test_what_cannot_tell_two_causes_apart_is_not_asked() -> None:
    """Whether a certificate was sent says nothing where all open causes mean that one was."""
    told = questions(
        diagnosis(opinion("client.expired"), opinion("client.untrusted-issuer")), case()
    )
    assert "client-message" not in {one.id for one in told}
    assert all(set(one.settles) & {"client.expired", "client.untrusted-issuer"} for one in told)


def test_an_answer_is_worth_the_doubt_that_it_takes_away() -> None:
    """Where one cause is nine times as likely as the other, hardly any doubt is left to take."""
    even, sure = (
        questions(diagnosis(opinion("client.expired", one), opinion("client.weak")), case())[0]
        for one in (1.0, 9.0)
    )
    assert even.id == sure.id
    assert (even.worth, sure.worth) == pytest.approx((0.5, 0.18))


def test_what_is_at_hand_is_not_asked_for() -> None:
    """A CertificateRequest that was seen need not be looked for."""
    open_ones = diagnosis(opinion("client.untrusted-issuer"), opinion("client.withheld-algorithm"))
    seen = Asked(("CN=a",), (b"",), (), (), HERE)
    assert "ca-list" in {one.id for one in questions(open_ones, case())}
    assert "ca-list" not in {one.id for one in questions(open_ones, case(asked=seen))}


def test_nothing_is_asked_where_a_cause_is_confirmed() -> None:
    """An experiment has settled it."""
    sure = opinion("client.expired", standing="CONFIRMED")
    assert questions(diagnosis(sure, opinion("client.weak")), case()) == ()
    assert questions(diagnosis(opinion("none")), case()) == ()


def test_the_time_and_the_line_of_the_log_are_named() -> None:
    """Whoever reads the log knows when to look, and for what."""
    open_ones = [opinion("client.expired"), opinion("client.untrusted-issuer")]
    told = {one.id: one for one in questions(diagnosis(*open_ones, stack="nginx"), case())}
    assert "at 2026-11-23 10:42:17 UTC" in told["server-log"].text
    assert "client SSL certificate verify error: (NN:REASON)" in told["server-log"].text
    assert "error_log at the level info" in told["server-log"].text
    unknown = {one.id: one for one in questions(diagnosis(*open_ones), Case())}
    assert "Apache" in unknown["server-log"].text
    assert "UTC" in unknown["server-log"].text


@pytest.mark.parametrize("line", LINES, ids=lambda one: one["stack"])
def test_the_line_that_is_asked_for_is_one_that_is_understood(line: dict[str, str]) -> None:
    """When it comes back, it is recognised, and never read as the client's refusal."""
    text = line["reads"].replace("NN", "10").replace("REASON", "certificate has expired")
    for one in text.split(", or: "):
        said = read_log([one.replace("ADDRESS", "127.0.0.1:1")], HERE).said
        assert said, one
        senses = [sense(each, "server", assume=True) for each in said]
        assert {each.refused_by for each in senses} <= {"server", None}, one


def test_a_report_asks_in_that_order() -> None:
    """The page and the JSON tell the same questions."""
    report = mtlskit.explain("Received fatal alert: bad_certificate")
    told = report.json()["questions"]
    assert [one["id"] for one in told][:2] == ["key-store", "client-message"]
    assert told[0]["text"].split(" (")[0] in str(report)
    assert all(0 < one["worth"] <= 1 for one in told)


def test_a_message_names_the_line_where_the_server_is_known() -> None:
    """Whoever is asked for a log is told what to look for."""
    report = mtlskit.explain("Received fatal alert: bad_certificate", stack="nginx")
    (partner,) = [one for one in report.messages() if one.to == "partner"]
    assert "client SSL certificate verify error" in partner.request
    assert asking.line_of("nginx1.22") == asking.line_of("nginx")
    assert asking.line_of("unheard-of") == asking.line_of(None) == ""


def test_a_report_asks_only_where_several_causes_are_open(
    report_of: Callable[[str, str], Report],
) -> None:
    """What would settle a single cause stands beside it already."""
    assert asked_in(report_of("client.untrusted-issuer", "1.3")) is None
    assert asked_in(report_of("client.chain-incomplete", "1.3")) is None
    assert asked_in(mtlskit.explain("Received fatal alert: bad_certificate")) is not None
