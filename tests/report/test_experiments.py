"""What an experiment shows, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtlskit.case import Attempt, Case
from mtlskit.material import Because, Source
from mtlskit.page.blocks import Page
from mtlskit.page.text import text
from mtlskit.report import experiments
from mtlskit.trace.events import Ended, HttpAnswer, Outcome, Symptom, Trace

HERE = Source("partner.example:443")


def trace(outcome: Outcome = "refused", page: str = "", **symptom: object) -> Trace:
    """An attempt that ended so."""
    http = HttpAnswer(400, "Bad Request", None, page, HERE) if page else None
    because = (Because("it was seen", HERE),)
    ended = Ended(outcome, "server", "application", Symptom(**symptom), because)
    return Trace(HERE, None, (), ended, http=http, client_chain=(object(),))


def told(after: Trace, before: Trace, cause: str | None = None) -> str:
    """The words of the table."""
    case = Case(trace=before, attempts=(Attempt(cause, "one thing was changed", "", after),))
    section = experiments.section(case)
    assert section is not None
    return " ".join(text(Page("", (section,)), 2000).split())


def test_another_page_is_another_answer() -> None:
    """Two refusals with HTTP 400 differ if their pages do, and both are told."""
    before = trace(page="400 The SSL certificate error | nginx", http=400)
    after = trace(page="400 No required SSL certificate was sent | nginx", http=400)
    said = told(after, before)
    assert 'the page was "400 The SSL certificate error"' in said
    assert 'now "400 No required SSL certificate was sent"' in said
    assert "the certificate reached it and was looked at" in said


def test_another_alert_is_another_answer() -> None:
    """The alert of both attempts is told."""
    before, after = (
        trace(alert=48, name="unknown_ca"),
        trace(alert=116, name="certificate_required"),
    )
    said = told(after, before)
    assert "by the alert unknown_ca (48), now by the alert certificate_required (116)." in said


def test_a_control_that_ends_alike_proves_nothing() -> None:
    """The same answer with and without a certificate does not tell what was looked at."""
    same = trace(alert=40, name="handshake_failure")
    said = told(same, same)
    assert "It ended in the same way: by the alert handshake_failure (40)." in said
    assert "it proves nothing by itself" in said
    assert "does not tell whether it looked at it" in said


def test_a_control_where_nothing_was_sent_before_is_no_control() -> None:
    """If the client had sent none anyway, leaving it out changes nothing."""
    before = replace(trace(alert=116, name="certificate_required"), client_chain=())
    assert "no certificate was sent before either" in told(before, before)


def test_a_control_that_is_let_in_says_what_was_refused() -> None:
    """Where a client without a certificate comes in, the certificate was what was refused."""
    assert "lets in a client that shows no certificate" in told(trace("accepted"), trace(alert=42))


@pytest.mark.parametrize("outcome", ["accepted", "refused"])
def test_a_change_helps_or_does_not(outcome: Outcome) -> None:
    """A change with a cause is told as what was wrong only if the endpoint then accepted."""
    said = told(trace(outcome), trace(), "client.chain-incomplete")
    assert ("This is what was wrong." in said) == (outcome == "accepted")
    assert ("By itself this change does not help." in said) == (outcome == "refused")
