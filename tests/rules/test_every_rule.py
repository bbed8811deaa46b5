"""What holds for every rule, on every scene of the lab."""

from collections.abc import Callable

import pytest

from mtlskit.case import Case
from mtlskit.diagnosis.causes import causes
from mtlskit.lab import scenes
from mtlskit.material import Problem, Source
from mtlskit.report import Report, judge
from mtlskit.rules.rule import Broken, Clear, Found, Inapplicable, Unknown, Verdict, declared

ReportOf = Callable[[str, str], Report]


def verdicts(report: Report) -> dict[str, Verdict]:
    """The verdicts of a report by rule."""
    return {one.rule.id: one.verdict for one in report.diagnosis.findings}


SHOWN_BY_A_CHANGE_ALONE = {
    "protocol.signature",
    "protocol.hello-too-large",
    "network.terminated",
}
"""One connection shows nothing of these; a second one, with one thing changed, proves them."""


def test_every_rule_speaks_of_a_cause_of_the_vocabulary() -> None:
    """A rule's id is a cause; it asks a question and cites what it rests on."""
    judge(Case())
    assert len(declared()) > 30
    for one in declared():
        assert one.id in causes()
        assert one.title.endswith("?")
        assert one.cites


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", scenes.SCENES)
def test_no_rule_breaks_and_each_says_what_it_saw(
    report_of: ReportOf, scene: str, tls: str
) -> None:
    """On every scene every rule answers, and every answer names something."""
    for name, verdict in verdicts(report_of(scene, tls)).items():
        assert not isinstance(verdict, Broken), (name, verdict)
        if isinstance(verdict, Found | Clear):
            assert verdict.because
            assert all(one.text and not one.text.endswith(".") for one in verdict.because), name


def test_an_empty_case_leaves_every_question_open() -> None:
    """Without evidence nothing is found and nothing is ruled out."""
    for name, verdict in verdicts(judge(Case())).items():
        assert isinstance(verdict, Unknown | Inapplicable), (name, verdict)


@pytest.mark.parametrize("code", ["too-costly", "unsupported"])
def test_a_store_that_was_not_opened_says_itself_what_to_do(code: str) -> None:
    """A store that asks for too much work cannot be used, and its own words are the remedy."""
    problem = Problem(code, "The store asks for much. Export it again.", Source("c.p12"))
    found = verdicts(judge(Case(problems=(problem,))))["client.store-unreadable"]
    assert isinstance(found, Found)
    assert (found.remedy, found.decisive) == (problem.text, True)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_on_a_healthy_connection_no_rule_finds_a_fault(report_of: ReportOf, tls: str) -> None:
    """On the scene in which nothing is wrong only `none` is found."""
    found = {name for name, one in verdicts(report_of("none", tls)).items()
             if isinstance(one, Found)}  # fmt: skip
    assert found == {"none"}


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", scenes.SCENES)
def test_the_rule_of_a_scenes_cause_finds_it(report_of: ReportOf, scene: str, tls: str) -> None:
    """Each rule is found in the scenes that stage it, unless only others could know."""
    cause = scenes.SCENES[scene].cause
    if cause in SHOWN_BY_A_CHANGE_ALONE:
        assert report_of(scene, tls).opinions[0].standing == "CONFIRMED"
        return
    verdict = verdicts(report_of(scene, tls))[cause]
    assert isinstance(verdict, Found | Unknown)
    # Of the suites that a server has, an alert for many reasons tells nothing by itself.
    if "/" not in scene and cause != "protocol.cipher":
        assert isinstance(verdict, Found), verdict
