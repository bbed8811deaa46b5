"""From findings to opinions, on the scenes of the lab."""

from collections.abc import Callable

import pytest

from mtlskit.case import Case
from mtlskit.diagnosis.proof import helped
from mtlskit.lab import scenes
from mtlskit.report import Report, judge

ReportOf = Callable[[str, str], Report]


ONLY_OTHERS_KNOW = {
    "client.chain-incomplete/not-at-hand",
    "client.untrusted-issuer/re-created",
    "server.trust-incomplete",
    "server.trust-incomplete/depth",
}
"""Scenes in which the client's side cannot see the cause; it must be among the open ones."""

SEEN_BY_ITS_SYMPTOM_ALONE = {"protocol.cipher", "network.timeout", "server.crl-stale"}
"""Scenes of which nothing is seen but a symptom that others share: never more than possible."""


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", [one for one in scenes.SCENES if one not in ONLY_OTHERS_KNOW])
def test_the_staged_cause_comes_first(report_of: ReportOf, scene: str, tls: str) -> None:
    """On each scene the cause that was staged is the first opinion, and it is likely or proved."""
    first = report_of(scene, tls).opinions[0]
    assert first.cause == scenes.SCENES[scene].cause
    sure = scene not in SEEN_BY_ITS_SYMPTOM_ALONE
    assert first.standing in (("CONFIRMED", "LIKELY") if sure else ("POSSIBLE",))


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", sorted(ONLY_OTHERS_KNOW))
def test_a_cause_that_only_others_know_stays_open(
    report_of: ReportOf, scene: str, tls: str
) -> None:
    """It is among the opinions, never ruled out, and says how to settle it."""
    opinions = {one.cause: one for one in report_of(scene, tls).opinions}
    opinion = opinions[scenes.SCENES[scene].cause]
    assert opinion.standing in ("POSSIBLE", "LIKELY")
    assert opinion.settle or opinion.standing == "LIKELY"


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", scenes.SCENES)
def test_the_true_cause_is_never_ruled_out_and_the_wrong_side_never_blamed(
    report_of: ReportOf, scene: str, tls: str
) -> None:
    """Nothing that was staged is ruled out; a client's refusal is never put on the client."""
    report = report_of(scene, tls)
    ruled_out = {one.cause for one in report.opinions if one.standing == "RULED_OUT"}
    assert scenes.SCENES[scene].cause not in ruled_out
    first = report.opinions[0].cause
    if report.refused_by == "client":
        assert not first.startswith("client.")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "scene", ["client.chain-incomplete", "client.wrong-identity", "server.name-mismatch"]
)
def test_what_one_change_mends_is_confirmed(report_of: ReportOf, scene: str, tls: str) -> None:
    """Where the mend is at hand, an experiment makes it, and who refused before does so no more."""
    report = report_of(scene, tls)
    refused = report.case.need_trace()
    assert report.opinions[0].standing == "CONFIRMED"
    assert "one thing was changed" in report.opinions[0].because[0].text
    assert any(helped(one, refused) for one in report.case.attempts if one.cause)


def test_without_evidence_nothing_is_blamed() -> None:
    """An empty case has no likely cause."""
    report = judge(Case())
    assert {one.standing for one in report.opinions} <= {"POSSIBLE"}


def test_the_order_is_standing_first_then_weight(report_of: ReportOf) -> None:
    """Proved before likely before possible before ruled out."""
    order = ["CONFIRMED", "LIKELY", "POSSIBLE", "RULED_OUT"]
    for scene in ("client.expired", "client.chain-incomplete", "none"):
        standings = [order.index(one.standing) for one in report_of(scene, "1.3").opinions]
        assert standings == sorted(standings)


def test_a_change_that_helped_without_its_control_is_likely_alone(report_of: ReportOf) -> None:
    """Stopped before the unchanged call was repeated, an experiment has confirmed nothing."""
    case = report_of("client.chain-incomplete", "1.3").case
    stopped = case.having(attempts=tuple(one for one in case.attempts if not one.repeats))
    assert len(stopped.attempts) < len(case.attempts)
    first = judge(stopped).opinions[0]
    assert (first.cause, first.standing) == ("client.chain-incomplete", "LIKELY")
    assert "the unchanged call was not repeated" in [one.text for one in first.because]
