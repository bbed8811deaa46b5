"""A stand-in plays the server as it was seen, so that a fix can be tried without the server."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mtlskit import experiment
from mtlskit.case import Case, Missing
from mtlskit.collect.given import case_of
from mtlskit.lab import scenes
from mtlskit.lab.stand_in import playing, rehearse
from mtlskit.page.text import text
from mtlskit.report import judge
from mtlskit.rules.rule import Unknown


def observed(scene: str, tls: str = "1.3") -> Case:
    """The case of a scene whose endpoint was called once, and is gone now."""
    with scenes.stage(scene, tls) as staged:
        case = case_of(
            staged.target,
            staged.identity_files,
            staged.trust_files,
            staged.material_files,
            (),
            staged.password,
        )
        report = experiment.diagnose(case, server_name=staged.server_name, experiments=False)
    return report.case


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", ["client.chain-incomplete", "client.wrong-identity"])
def test_what_would_mend_it_is_found_without_the_server(scene: str, tls: str) -> None:
    """The change that helps on the stand-in is the scene's own cause, likely and not proved."""
    case = observed(scene, tls)
    assert case.trace is not None
    report = rehearse(case)
    best = report.opinions[0]
    assert (best.cause, best.standing) == (scene, "LIKELY")
    assert "a stand-in of the server" in best.because[0].text
    assert report.case.attempts[0].trace.ended.outcome == "refused"
    assert all(one.stand_in for one in report.case.attempts)


def test_the_report_says_that_it_was_a_stand_in() -> None:
    """What was played as seen and what was assumed are told, and the server was not called."""
    told = text(rehearse(observed("client.chain-incomplete")).page(), 200)
    assert "The server itself was not called." in told
    assert "It lists CN=Acme Root CA" in told
    assert "It verifies as OpenSSL does" in told
    assert "CONFIRMED" not in told


def test_what_does_not_lie_in_the_material_is_not_found_on_it() -> None:
    """A server that refuses for a reason of its own has a stand-in that accepts: this is said."""
    case = observed("none")
    assert case.trace is not None
    refused = replace(case.trace.ended, outcome="refused", refused_by="server")
    report = rehearse(case.having(trace=replace(case.trace, ended=refused)))
    assert report.case.attempts[0].trace.ended.outcome == "accepted"
    assert "it does not play" in text(report.page(), 200)
    assert not any("stand-in" in str(one.because) for one in report.opinions)


def test_a_stand_in_needs_to_know_whom_the_server_trusts() -> None:
    """Where the server's list names nobody, it is said what is missing and who has it."""
    case = observed("client.chain-incomplete")
    assert case.trace is not None
    assert case.trace.asked is not None
    silent = replace(case.trace, asked=replace(case.trace.asked, authorities_der=()))
    with pytest.raises(Missing, match="its list names none"):
        rehearse(case.having(trace=silent))


def test_it_judges_dates_by_the_time_of_the_failure() -> None:
    """What was in date then is in date on the stand-in, whenever it is asked."""
    case = observed("none")
    later = case.having(at=datetime(2099, 1, 1, tzinfo=UTC))
    assert judge(later).case.at != case.at
    with playing(later) as (_, built):
        assert built.settings.at == later.at
    report = rehearse(later)
    assert report.case.attempts[0].trace.ended.symptom.name == "certificate_expired"


def test_it_takes_the_signatures_that_the_server_takes() -> None:
    """A server that takes RSA alone has a stand-in that withholds from an EC key, too."""
    case = observed("client.chain-incomplete", "1.3")
    assert case.trace is not None
    assert case.trace.asked is not None
    asked = replace(case.trace.asked, schemes=("rsa_pss_rsae_sha256", "rsa_pkcs1_sha256"))
    report = rehearse(case.having(trace=replace(case.trace, asked=asked)))
    first = report.case.attempts[0].trace
    assert first.asked is not None
    assert first.asked.schemes == asked.schemes
    assert first.sent_certificate is False
    assert "It takes signatures by rsa_pss_rsae_sha256" in text(report.page(), 200)


def test_what_the_stand_in_accepts_rules_nothing_out_about_the_server() -> None:
    """It was built to trust what the list names: that it does so is no evidence."""
    report = rehearse(observed("client.chain-incomplete"))
    verdicts = {one.rule.id: one.verdict for one in report.diagnosis.findings}
    assert isinstance(verdicts["client.untrusted-issuer"], Unknown)
    told = text(report.page(), 200)
    assert "the server accepted the completed chain" not in told.lower()
    assert "This is what was wrong" not in told
    assert "on the stand-in" in told


def withheld(case: Case) -> Case:
    """The same case, told by a client that showed no certificate, and used none that is known."""
    trace = case.need_trace()
    ended = replace(trace.ended, outcome="refused", refused_by="server", stage="after-handshake")
    bare = replace(trace, client_chain=(), ended=ended)
    return case.having(trace=bare, chosen=None)


def test_a_client_that_withheld_is_played_as_one() -> None:
    """Nothing is sent until an issuer is listed; what completes the chain is named and placed."""
    report = rehearse(withheld(observed("client.chain-incomplete")))
    first, mended, *_ = report.case.attempts
    assert first.trace.sent_certificate is False
    assert first.trace.ended.outcome == "refused"
    assert (mended.cause, mended.trace.ended.outcome) == ("client.withheld-ca-list", "accepted")
    best = report.opinions[0]
    assert (best.cause, best.standing) == ("client.withheld-ca-list", "LIKELY")
    assert "is missing from its chain" in best.title
    assert best.remedy.startswith("Add ")
    assert "client.chain-incomplete" not in {one.cause for one in report.opinions}
    assert not any("an empty list means" in one for each in report.opinions for one in each.settle)


def test_without_a_rehearsal_the_missing_certificate_is_named_with_the_commands() -> None:
    """What is known to link the chain to the list stands in the remedy and in the commands."""
    report = judge(withheld(observed("client.chain-incomplete")))
    best = report.opinions[0]
    assert (best.cause, best.standing) == ("client.withheld-ca-list", "LIKELY")
    assert best.remedy.startswith("Add ")
    told = text(report.page(), 200)
    assert "Commands that mend it" in told
    assert "It was not tried on the server" in told


def test_a_store_that_fits_is_what_the_call_did_not_use() -> None:
    """Where the store at hand would be shown, it is tried, and said to work on the stand-in."""
    report = rehearse(withheld(observed("none")))
    assert [one.trace.ended.outcome for one in report.case.attempts] == ["refused", "accepted"]
    best = report.opinions[0]
    assert best.cause == "client.no-identity"
    assert "at hand fits" in best.title
    assert "holds a private key" not in best.remedy
