"""The first screen, read as someone reads it who has never seen TLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from mtlskit.case import Case
from mtlskit.diagnosis.causes import Party, causes
from mtlskit.diagnosis.reason import Standing
from mtlskit.material import Target
from mtlskit.page.blocks import Callout, Fields, Page, Section
from mtlskit.page.text import plain_inline, text
from mtlskit.report import Report, judge
from mtlskit.report.first import STAGES, headline, screen, title, track
from mtlskit.report.mending import missing
from mtlskit.report.words import counted, sentence, words

Reports = Callable[[str, str], Report]


def told(report: Report) -> dict[str, str]:
    """The rows of the first screen."""
    callout = screen(report)[0]
    assert isinstance(callout, Callout)
    fields = callout.blocks[0]
    assert isinstance(fields, Fields)
    return {name: plain_inline(value) for name, value in fields.rows}


def test_a_proved_cause_is_the_headline(incomplete: Report) -> None:
    """The page opens with the outcome, then the cause, then who must act and what to do."""
    rows = told(incomplete)
    assert title(incomplete).endswith("was refused")
    assert headline(incomplete).startswith("The client sent its certificate without the interm")
    assert "Both sides agreed on TLS 1.3." in rows["What happened"]
    assert "unknown_ca (48)" in rows["What happened"]
    assert rows["Who refused"].startswith("The server refused the client, just after")
    assert rows["How sure"].startswith("[CONFIRMED] ")
    assert rows["What shows it"].startswith("One thing was changed, and the server accepted")
    assert rows["Who must act"].startswith("The owner of the client")
    assert rows["What to do"].startswith("Add Acme Issuing CA 2")


def test_the_first_screen_is_short(incomplete: Report) -> None:
    """It is read in a minute: at most 250 words."""
    assert len(" ".join(told(incomplete).values()).split()) <= 250


def test_a_client_that_refused_is_named(report_of: Reports) -> None:
    """Where the client refused the server, the screen says so."""
    rows = told(report_of("server.untrusted-issuer", "1.2"))
    assert rows["Who refused"].startswith("The client refused the server")
    assert rows["What that means"].startswith("Here it is the client that refused")


def test_an_empty_certificate_message_is_told(report_of: Reports) -> None:
    """That the client sent none is said in the story and drawn on the road."""
    report = report_of("client.no-identity", "1.3")
    assert "and the client sent none" in told(report)["What happened"]
    assert ("Client's certificate", "none sent") in [
        (step.name, step.said) for step in track(report).steps
    ]


def test_a_guess_says_how_to_find_out_before_what_to_change(report_of: Reports) -> None:
    """A possible cause is called a guess, and what would settle it comes first."""
    report = report_of("server.trust-incomplete/depth", "1.3")
    assert headline(report).endswith("The cause is not certain yet.")
    names = list(told(report))
    assert names.index("To be sure") < names.index("If it is so")
    assert "Fits best" in names


def test_nobody_is_blamed_while_it_is_open_who_must_act(report_of: Reports) -> None:
    """Where the client's side fits as well as the endpoint's, both are named, and what settles."""
    report = report_of("client.chain-incomplete/not-at-hand", "1.3")
    assert len(report.diagnosis.parties) > 1
    open_ = "open between the client's owner and the endpoint's owner"
    assert open_ in headline(report)
    rows = told(report)
    assert rows["Who must act"].startswith("Not known yet")
    assert "must act" in rows["Or it may be"]
    assert "To be sure" in rows
    assert "If it is so" not in rows
    assert report.json()["parties"] == list(report.diagnosis.parties)


def test_an_acceptance_is_good_news(report_of: Reports) -> None:
    """Nothing to do, nobody to act, every step done."""
    report = report_of("none", "1.3")
    callout = screen(report)[0]
    assert isinstance(callout, Callout)
    assert callout.tone == "good"
    assert report.json()["parties"] == []
    assert told(report)["What to do"] == "Nothing needs to be done on this connection."
    assert {step.state for step in track(report).steps} == {"done"}


def test_a_connection_that_never_was_is_told(report_of: Reports) -> None:
    """Nobody refused in TLS, and the road ends at its first step."""
    report = report_of("network.refused", "1.2")
    assert title(report).startswith("No connection to ")
    assert told(report)["Who refused"].startswith("Nobody")
    assert [step.state for step in track(report).steps] == ["failed", *["not reached"] * 5]


@pytest.mark.parametrize(
    ("scene", "tls", "halt"),
    [
        ("client.expired", "1.2", "Client's certificate"),
        ("client.expired", "1.3", "After the handshake"),
        ("protocol.version", "1.2", "Agree on TLS"),
        ("server.expired", "1.3", "Server's certificate"),
        ("application.forbidden", "1.3", "Application"),
    ],
)
def test_the_road_ends_where_the_refusal_came(
    report_of: Reports, scene: str, tls: str, halt: str
) -> None:
    """Exactly one step failed, the one at which the refusal was seen; none after it was reached."""
    steps = track(report_of(scene, tls)).steps
    failed = [at for at, step in enumerate(steps) if step.state == "failed"]
    assert [steps[at].name for at in failed] == [halt]
    assert {step.state for step in steps[failed[0] + 1 :]} <= {"not reached"}


def test_nothing_given_is_no_good_news() -> None:
    """Without a connection nothing is called accepted."""
    report = judge(Case())
    assert headline(report) == "No fault was found in what was given. No connection was looked at."
    assert report.outcome == "undecided"
    assert (
        title(judge(Case(target=Target("a.example", 443)))) == "What is known about a.example:443"
    )


def test_all_ruled_out_is_said(incomplete: Report) -> None:
    """If no cause is left, the screen says that each was looked at."""
    out = tuple(replace(one, standing="RULED_OUT") for one in incomplete.opinions)
    report = replace(incomplete, diagnosis=replace(incomplete.diagnosis, opinions=out))
    assert report.best is None
    assert told(report)["Cause"].startswith("Every cause that is known here")


def test_there_are_words_for_everything() -> None:
    """Every cause, standing, party, stage and refusal of the vocabulary is put in plain words."""
    known = words()
    assert set(known["meaning"]) == set(causes())
    assert set(known["standing"]) == set(get_args(Standing))
    assert set(known["party"]) == set(known["party_short"]) == set(get_args(Party))
    assert set(known["stage"]) == set(STAGES)
    assert all(set(known["refusal"][one]) <= set(STAGES) for one in known["refusal"])


@pytest.mark.parametrize(
    ("observed", "written"),
    [
        ("the server said no", "The server said no."),
        ("acme (a.p12) expired", "acme (a.p12) expired."),
        ("partner.example is late.", "partner.example is late."),
        ("", ""),
    ],
)
def test_a_sentence_leaves_names_alone(observed: str, written: str) -> None:
    """Only known first words are written large; a full stop is added where it is missing."""
    assert sentence(observed) == written


def test_things_are_counted_in_english() -> None:
    """One certificate, two certificates."""
    assert [counted(number, "certificate") for number in (1, 2)] == [
        "1 certificate",
        "2 certificates",
    ]


def test_a_certificate_that_was_refused_later_is_not_green(incomplete: Report) -> None:
    """What was sent and is the likely reason of the refusal is marked, in the same words."""
    steps = {step.name: step for step in track(incomplete).steps}
    assert (steps["Client's certificate"].state, steps["Client's certificate"].said) == (
        "doubtful",
        "1 sent",
    )


def test_a_certificate_is_green_where_something_else_was_refused(report_of: Reports) -> None:
    """An application that says no for its own reasons casts no doubt on the certificate."""
    report = report_of("application.forbidden", "1.3")
    assert {step.name: step.state for step in track(report).steps}["Client's certificate"] == "done"


def test_the_other_side_can_find_the_attempt(incomplete: Report) -> None:
    """When, from where and to where it was made, and with which certificate, stand up front."""
    section = screen(incomplete)[-1]
    trace = incomplete.case.trace
    assert isinstance(section, Section)
    assert trace is not None
    said = text(Page("", (section,)), 400)
    assert f"{trace.began:%Y-%m-%d %H:%M:%S} UTC" in said
    assert str(trace.peer) in said
    assert str(trace.own) in said
    assert trace.client_chain
    assert f"{trace.client_chain[0].serial:x}" in said
    assert trace.client_chain[0].sha256 in said
    assert "Report made" in said


def test_the_missing_certificate_is_named_by_its_fingerprint(incomplete: Report) -> None:
    """A reader can compare what is to be added with what its issuer publishes."""
    (lacking,) = missing(incomplete.case)
    assert lacking.sha256 in told(incomplete)["Missing certificate"]


def test_an_acceptance_without_verification_is_no_plain_good_news(report_of: Reports) -> None:
    """Where the server was not verified, the screen says so and what to do."""
    report = report_of("none", "1.3")
    unverified = replace(report, case=report.case.having(trust=None))
    callout = screen(unverified)[0]
    assert isinstance(callout, Callout)
    assert callout.tone == "warn"
    assert callout.title == "The connection was accepted, but the server was not verified."
    assert "--trust" in told(unverified)["What to do"]


def test_an_acceptance_without_a_request_is_no_plain_good_news(report_of: Reports) -> None:
    """A certificate that nobody asked for was not tried."""
    report = report_of("none", "1.3")
    assert report.case.trace is not None
    quiet = replace(report.case.trace, asked=None, client_chain=None, proved=False)
    unasked = replace(report, case=report.case.having(trace=quiet))
    callout = screen(unasked)[0]
    assert isinstance(callout, Callout)
    assert callout.tone == "warn"
    assert callout.title.endswith("accepted, but no client certificate was asked for.")
    assert {step.name: step.state for step in track(unasked).steps}[
        "Client's certificate"
    ] == "doubtful"


def test_nothing_failed_where_it_was_accepted(report_of: Reports) -> None:
    """A likely fault beside an acceptance is not said to fit a failure."""
    report = report_of("none", "1.3")
    (best, *rest) = report.opinions
    likely = replace(best, cause="instance.port", standing="LIKELY")
    settled = replace(report, diagnosis=replace(report.diagnosis, opinions=(likely, *rest)))
    assert "failed" not in told(settled)["How sure"]
