"""The checklist: answered by the evidence where there is any, by hand where there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mtlskit.case import Attempt, Case
from mtlskit.certs.keystore import identities_of, open_store
from mtlskit.checklist import Row, answers, certificate_request_note
from mtlskit.instance.exports import read_export
from mtlskit.instance.othertools.reader import read_tool
from mtlskit.instance.protocols import FACTORY
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Target
from mtlskit.report.explained import explain
from mtlskit.rules import in_settings
from mtlskit.rules.rule import Rule, ask
from mtlskit.trace.events import Asked, Ended, Outcome, Symptom, Trace

RULES = [one for one in vars(in_settings).values() if isinstance(one, Rule)]
SOURCE = Source("partner.example.com:8443")
IDS = ["without-mutual-authentication", "several-key-stores", "another-tool", "settings-resolve"]


def settings(records: Sequence[lab.Made]) -> Settings:
    """Read made-up records."""
    return settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(records)))])


def checklist(case: Case) -> dict[str, Row]:
    """Fill the checklist."""
    return {row.id: row for row in answers(case, ask(RULES, case))}


def world(name: str) -> Case:
    """Return the case of a made-up instance."""
    made = lab.WORLDS[name]
    return Case(settings=settings(made.records), url=made.url)


def traced(outcome: Outcome, *, asked: bool = False, hidden: bool = False) -> Trace:
    """Make the trace of a connection on which no certificate was sent."""
    request = Asked((), (), (), (), SOURCE) if asked else None
    ended = Ended(outcome, None, None, Symptom(), ())
    target = Target("partner.example.com", 8443)
    return Trace(SOURCE, target, (), ended, asked=request, asking_hidden=hidden)


def test_the_four_symptoms_stand_in_their_order_and_without_evidence_are_unknown() -> None:
    """Each row asks a question and says how to find the answer."""
    rows = answers(Case(), ())
    assert [row.id for row in rows] == IDS
    for row in rows:
        assert row.question.endswith("?")
        assert row.answer == "unknown"
        assert row.follows
        assert not row.by_hand


def test_the_broken_sample_answers_symptoms_2_and_4_and_says_what_to_set() -> None:
    """The exports alone name the key stores, the properties, their values and why."""
    rows = checklist(world("broken"))
    assert rows["several-key-stores"].answer == "yes"
    names = "SAML 2.0 SP Keystore, Partner Client Keystore, Partner Test Keystore"
    assert rows["several-key-stores"].because[0].text == f"active key stores: {names}"
    resolve = rows["settings-resolve"]
    assert resolve.answer == "unknown"
    assert "on paper" in resolve.because[0].text
    assert "Nobody tried it yet" in resolve.follows
    assert not resolve.by_hand
    assert "glide.httpclient.protocol.myhttps.port (now 4433)" in resolve.follows
    assert resolve.follows.count("set to empty") == 1
    assert any("4433" in one.text and "8443" in one.text for one in resolve.because)
    assert any(one.source is not None for one in resolve.because)


def test_the_healthy_sample_has_nothing_to_set() -> None:
    """The stock key store is counted, and said to do no harm; no setting is to be changed."""
    rows = checklist(world("healthy"))
    assert rows["settings-resolve"].answer == "no"
    stores = rows["several-key-stores"]
    assert stores.answer == "yes"
    assert stores.because[-1].text == "only Partner Client Keystore may be offered"


def test_one_key_store_answers_no() -> None:
    """A trust store and an inactive record are no second key store."""
    made = (lab.stored("S"), lab.stored("Old", active=False), lab.stored("R", "trust_store"))
    row = checklist(Case(settings=settings(made)))["several-key-stores"]
    assert (row.answer, [one.text for one in row.because]) == (
        "no",
        ["active key stores: S"],
    )
    none = checklist(Case(settings=settings(made[2:])))["several-key-stores"]
    assert (none.answer, len(none.because)) == ("no", 1)


def test_a_table_that_is_missing_leaves_its_rows_unknown() -> None:
    """The answer is not guessed, and the row names what is missing."""
    rows = checklist(Case(settings=settings([lab.profile("myhttps", "8443", "S")])))
    assert rows["several-key-stores"].answer == "unknown"
    resolve = rows["settings-resolve"]
    assert resolve.answer == "unknown"
    assert "sys_properties" in resolve.because[0].text


@pytest.mark.parametrize(
    ("trace", "answer"),
    [
        (traced("accepted"), "yes"),
        (traced("accepted", asked=True), "yes"),
        (traced("accepted", hidden=True), "unknown"),
        (traced("refused"), "unknown"),
        (traced("unreachable"), "unknown"),
    ],
)
def test_a_connection_accepted_without_a_certificate_answers_symptom_1(
    trace: Trace, answer: str
) -> None:
    """The failing connection itself or any attempt counts; what was sealed does not."""
    attempt = Attempt("control", "without an identity", "", trace)
    for case in (Case(trace=trace), Case(trace=traced("refused"), attempts=(attempt,))):
        row = checklist(case)["without-mutual-authentication"]
        assert row.answer == answer
        assert len(row.because) == (answer == "yes")


def test_an_answer_by_hand_counts_more_and_keeps_the_evidence_beside_it() -> None:
    """Both are shown where they differ."""
    case = world("broken").having(answers=(("settings-resolve", "no"), ("another-tool", "yes")))
    rows = checklist(case)
    resolve = rows["settings-resolve"]
    assert (resolve.answer, resolve.by_hand) == ("no", True)
    assert resolve.because[0].text == "answered by hand"
    assert "on paper" in resolve.because[1].text
    assert len(resolve.because) > 2
    assert "Nobody tried it" not in resolve.follows
    healthy = checklist(world("healthy").having(answers=(("settings-resolve", "yes"),)))
    assert healthy["settings-resolve"].because[1].text == "the evidence alone would say no"
    assert "set to empty" not in resolve.follows
    tool = rows["another-tool"]
    assert (tool.answer, tool.by_hand) == ("yes", True)
    assert "SoapUI" in tool.follows


def test_an_answer_by_hand_that_agrees_is_not_contradicted() -> None:
    """What to set stays in view."""
    row = checklist(world("broken").having(answers=(("settings-resolve", "yes"),)))
    assert "set to empty" in row["settings-resolve"].follows
    assert not any("alone would say" in one.text for one in row["settings-resolve"].because)


def test_where_the_term_appears_it_is_said_that_it_is_no_csr() -> None:
    """A CertificateRequest is told apart from a certificate signing request."""
    assert re.search("not a certificate signing request", certificate_request_note())
    for answer in ("yes", "no"):
        given = tuple((name, answer) for name in IDS)
        for row in answers(Case(answers=given), ()):
            assert ("CertificateRequest" in row.follows) == (
                certificate_request_note() in row.follows
            )
            assert row.answer == answer


def test_the_old_way_with_two_key_stores_says_how_to_leave_one() -> None:
    """Without a profile nothing is overridden, and the row on key stores says what to do itself."""
    made = (
        lab.prop("glide.httpclient.protocol.myhttps.class", FACTORY),
        lab.prop("glide.httpclient.protocol.myhttps.port", "8443"),
        lab.profile("unrelated", "443", None),
        lab.stored("One"),
        lab.stored("Two"),
    )
    case = Case(settings=settings(made), url="myhttps://partner.example.com:8443/")
    rows = checklist(case)
    assert rows["several-key-stores"].follows.startswith("Let a protocol profile myhttps name one")
    resolve = rows["settings-resolve"]
    assert (resolve.answer, resolve.by_hand) == ("unknown", False)
    assert resolve.follows.startswith("The row on key stores says what to change.")


def test_a_change_that_the_endpoint_accepted_answers_symptom_4() -> None:
    """An attempt on the real endpoint counts; one on a stand-in, or refused, does not."""
    helped = Attempt("instance.port", "port 8443 was called", "", traced("accepted"))
    for attempt, answer in (
        (helped, "yes"),
        (replace(helped, stand_in=True), "unknown"),
        (replace(helped, trace=traced("refused")), "unknown"),
    ):
        row = checklist(world("broken").having(attempts=(attempt,)))["settings-resolve"]
        assert row.answer == answer
        assert ("port 8443 was called" in row.because[0].text) == (answer == "yes")


def test_files_of_another_tool_say_what_it_would_send_and_not_what_it_got() -> None:
    """Symptom 3 stays open, with the comparison beside it."""
    command = b"curl --cert-type P12 --cert partner.p12 -k https://partner.example.com:8443/orders"
    tool = read_tool(Blob(Source("call.sh"), command))
    row = checklist(world("broken").having(tools=(tool,)))["another-tool"]
    assert row.answer == "unknown"
    said = " ".join(one.text for one in row.because)
    assert "curl is set to send partner.p12 to https://partner.example.com:8443" in said
    assert "the instance may offer any of" in said
    without = checklist(Case(tools=(tool,)))["another-tool"]
    assert without.because == ()


def logged(*calls: tuple[str, str]) -> Case:
    """Return a sound instance with a log of outbound calls: URL and status."""
    made = [
        lab.Made("sys_outbound_http_log", f"{number}", (("url", url), ("response_status", status)))
        for number, (url, status) in enumerate(calls)
    ]
    world = lab.WORLDS["healthy"]
    return Case(settings=settings((*world.records, *made)), url=world.url)


@pytest.mark.parametrize(
    ("calls", "answer"),
    [
        ((("https://weather.example.com/?key=s3cret", "200"),), "yes"),
        ((("https://a.example.com/", "-1"), ("https://b.example.com/", "403")), "yes"),
        ((("https://a.example.com/", "0"), ("https://b.example.com/", "-1")), "no"),
        ((("myhttps://partner.example.com:8443/orders", "200"),), "unknown"),
        ((("http://a.example.com/", "200"),), "unknown"),
        ((), "unknown"),
    ],
)
def test_the_log_of_outbound_calls_answers_symptom_1(
    calls: tuple[tuple[str, str], ...], answer: str
) -> None:
    """Calls by plain https that were answered show that TLS without a certificate works."""
    row = checklist(logged(*calls))["without-mutual-authentication"]
    assert row.answer == answer
    assert "s3cret" not in str(row)
    assert bool(row.because) == (answer != "unknown")


@pytest.mark.parametrize(
    ("outcome", "answer"), [("refused", "yes"), ("accepted", "no"), ("unreachable", "unknown")]
)
def test_our_own_call_is_the_other_tool(outcome: Outcome, answer: str) -> None:
    """With the instance's exports at hand, mtlskit's own call answers symptom 3."""
    issued = Authority.root("CN=R").client("CN=orders")
    blobs = (Blob(Source("chain.pem"), issued.pem_chain()), Blob(Source("k"), issued.pem_key()))
    (identity,) = identities_of([open_store(blob) for blob in blobs])
    case = world("healthy").having(trace=traced(outcome, asked=True), chosen=identity)
    row = checklist(case)["another-tool"]
    assert row.answer == answer
    assert checklist(case.having(settings=None))["another-tool"].answer == "unknown"


def test_a_text_that_calls_the_request_a_csr_is_gently_put_right() -> None:
    """Wherever the term appears, it is said what the message is, and what a CSR is."""
    text = "the server sends a CSR; Received fatal alert: bad_certificate"
    for one in (text, "the endpoint's CSR generates the keys"):
        assert "not a certificate signing request" in str(explain(one)).replace("\n", " ")
    assert "signing request" not in str(explain("Received fatal alert: bad_certificate"))
