"""What weighs for and against a cause: sizes of sealed records, a client's words, vain changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mtlskit.case import Attempt, Case
from mtlskit.diagnosis.habits import share
from mtlskit.diagnosis.reason import Opinion, reason
from mtlskit.diagnosis.stacks import guess_stack
from mtlskit.material import Because, Source, Target
from mtlskit.report import judge
from mtlskit.rules.rule import Clear, Finding, Found, Inapplicable, Rule, Unknown
from mtlskit.trace.events import Asked, Ended, HttpAnswer, Outcome, RefusedBy, Stage, Symptom, Trace
from mtlskit.trace.inferred import Inferred

HERE = Source("wire")
OPENSSL = (
    "ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed25519",
    "ed448", "rsa_pss_pss_sha256", "rsa_pss_pss_sha384",
)  # fmt: skip


def trace_of(
    symptom: Symptom,
    by: RefusedBy | None = "server",
    stage: Stage | None = "after-handshake",
    outcome: Outcome = "refused",
) -> Trace:
    """A connection of which no more is known than how it ended."""
    ended = Ended(outcome, by, stage, symptom, (Because("it ended so", HERE),))
    return Trace(HERE, Target("h", 1), (), ended, tls=symptom.tls, asking_hidden=True)


def weights(trace: Trace, *attempts: Attempt) -> dict[str, float]:
    """The weight of each open cause."""
    case = Case(trace=trace, at=datetime.now(UTC), attempts=attempts)
    return {one.cause: one.weight for one in judge(case).opinions if one.standing != "RULED_OUT"}


def sealed(*, sent: bool | None) -> Trace:
    """A sealed TLS 1.3 connection whose sizes tell whether a certificate was sent."""
    trace = trace_of(Symptom(tls="1.3", tcp="fin"), None, None, "undecided")
    told = Inferred(
        sent_certificate=sent, asked=True, client_finished=True, client_refused=False,
        alert_after=None, renegotiated=False, because=(Because("by its sizes", HERE),),
    )  # fmt: skip
    return replace(trace, ended=replace(trace.ended, stage="hello"), inferred=told)


@pytest.mark.parametrize(
    ("cause", "needs_one"),
    [
        ("client.expired", True),
        ("server.crl-stale", True),
        ("server.trust-incomplete", True),
        ("client.no-identity", False),
        ("client.withheld-ca-list", False),
    ],
)
def test_sizes_speak_against_what_cannot_be(cause: str, *, needs_one: bool) -> None:
    """Without a certificate none is refused, with one none is missing; neither is excluded."""
    with_one, without = (weights(sealed(sent=sent)).get(cause, 0.0) for sent in (True, False))
    unknown = weights(sealed(sent=None))[cause]
    fits, contradicts = (with_one, without) if needs_one else (without, with_one)
    assert fits == pytest.approx(unknown)
    assert contradicts < unknown / 10


def test_a_sealed_refusal_is_none_that_is_told_in_clear() -> None:
    """What servers refuse at the hello is not among the habits that a sealed end may show."""
    ended = replace(sealed(sent=None).ended, stage="after-handshake")
    late, early = share("client.expired", ended), share("protocol.version", ended)
    assert late is not None
    assert late.likelihood > 0.9
    assert early is None or early.likelihood < 0.1


@pytest.mark.parametrize(
    ("alert", "first"),
    [(45, "server.expired"), (48, "server.untrusted-issuer"), (44, "server.revoked"),
     (42, "server.name-mismatch")],
)  # fmt: skip
def test_a_client_has_words_for_some_of_what_it_refuses(alert: int, first: str) -> None:
    """An alert that names a fault speaks for it; one that names none, against those with a name."""
    said = weights(trace_of(Symptom(alert=alert, tls="1.2"), "client", "server-certificate"))
    assert max(said, key=lambda one: said[one]) == first


def test_a_change_that_changed_nothing_speaks_against_its_cause() -> None:
    """The same end after the change weighs against it; another end, or none tried, does not."""
    trace = trace_of(Symptom(alert=48, tls="1.2"), stage="client-certificate")
    other = trace_of(Symptom(alert=45, tls="1.2"), stage="client-certificate")
    cause = "client.chain-incomplete"
    before = weights(trace)[cause]
    vain = Attempt(cause, "the chain was completed", "Do it.", trace)
    assert weights(trace, vain)[cause] == pytest.approx(before / 4)
    assert weights(trace, replace(vain, trace=other))[cause] == pytest.approx(before)
    assert weights(trace, replace(vain, stand_in=True))[cause] == pytest.approx(before)
    assert weights(trace, replace(vain, cause=None))[cause] == pytest.approx(before)


def asking(*schemes: str, server: str | None = None) -> Trace:
    """A server that asks by these schemes, and answers with this Server field."""
    trace = trace_of(Symptom(alert=48, tls="1.3"))
    http = HttpAnswer(200, "OK", server, "", HERE) if server is not None else None
    return replace(trace, asked=Asked((), (), schemes, (), HERE), http=http)


@pytest.mark.parametrize(
    ("schemes", "guess", "kin"),
    [
        (OPENSSL, "one with OpenSSL", "nginx"),
        (("mldsa65", *OPENSSL), "one with OpenSSL", "redis"),
        ((*OPENSSL[:5], "rsa_pss_rsae_sha256"), "one with Java", "java"),
        (("rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "ed25519"), "one with Go", "caddy"),
    ],
    ids=["openssl", "openssl-with-post-quantum", "java", "go"],
)
def test_a_request_tells_the_library_by_the_order_of_its_schemes(
    schemes: tuple[str, ...], guess: str, kin: str
) -> None:
    """Each TLS library writes the list in an order of its own."""
    found = guess_stack(asking(*schemes))
    assert found.guess == guess
    assert kin in found.kin
    assert found.habits_of == found.kin


def test_what_names_the_software_goes_before_its_library() -> None:
    """A Server field that was measured decides; one that was not leaves the library's habits."""
    assert guess_stack(asking(*OPENSSL, server="nginx/1.22.1")).habits_of == ("nginx",)
    odd = guess_stack(asking(*OPENSSL, server="Oddity/9"))
    assert odd.guess == "oddity"
    assert "nginx" in odd.habits_of
    assert guess_stack(asking("rsa_pkcs1_sha1")).guess is None
    assert guess_stack(asking("rsa_pkcs1_sha1")).habits_of == ()


def answer(cause: str, verdict: Found | Clear | Unknown) -> Finding:
    """A finding of the rule for this cause."""
    return Finding(Rule(cause, "Is it so?", "", "here", lambda _: Inapplicable()), verdict)


SEEN = (Because("it was seen", HERE),)


def judged(trace: Trace, *findings: Finding, attempts: tuple[Attempt, ...] = ()) -> list[Opinion]:
    """The opinions on a trace of which only these questions were asked."""
    case = Case(trace=trace, at=datetime.now(UTC), attempts=attempts)
    return list(reason(case, findings).opinions)


def test_what_explains_the_failure_weighs_more_than_what_makes_it_possible() -> None:
    """Decisive evidence is likely, a hint possible; both go before what nothing speaks for."""
    trace = trace_of(Symptom(alert=48, tls="1.3"))
    weight, cause = {}, "client.untrusted-issuer"
    for decisive in (True, False):
        found = judged(trace, answer(cause, Found(SEEN, decisive=decisive)))
        mine = next(one for one in found if one.cause == cause)
        assert mine.standing == ("LIKELY" if decisive else "POSSIBLE")
        weight[decisive] = mine.weight
    bare = next(one for one in judged(trace) if one.cause == cause).weight
    assert weight[True] > 5 * weight[False] > 5 * bare


def test_a_doubt_weighs_against_an_open_cause_by_so_much() -> None:
    """What speaks against a cause without deciding makes it that many times lighter."""
    trace = trace_of(Symptom(alert=48, tls="1.3"))
    weight = {}
    for doubt in (1.0, 5.0):
        found = judged(trace, answer("client.untrusted-issuer", Unknown("x", "Look.", doubt)))
        mine = next(one for one in found if one.cause == "client.untrusted-issuer")
        weight[doubt] = mine.weight
        assert mine.settle[0] == "Look."
    assert weight[1.0] == pytest.approx(5 * weight[5.0])


def test_a_proof_leaves_no_guess_beside_it() -> None:
    """Once a change was accepted only what was found stands beside it."""
    trace = trace_of(Symptom(alert=48, tls="1.3"))
    good = replace(trace, ended=replace(trace.ended, outcome="accepted", refused_by=None))
    cause = "client.chain-incomplete"
    proof = Attempt(cause, "the chain was completed", "Add it.", good)
    likely = answer("client.profile", Found(SEEN))
    told = judged(trace, likely, attempts=(proof,))
    assert [one.cause for one in told] == [cause, "client.profile"]
    assert told[0].remedy == "Add it."
    repeated = Attempt(None, "nothing was changed", "", good, repeats=True)
    told = judged(trace, likely, attempts=(proof, repeated))
    assert "CONFIRMED" not in {one.standing for one in told}
    rehearsed = judged(trace, likely, attempts=(replace(proof, stand_in=True),))
    assert "CONFIRMED" not in {one.standing for one in rehearsed}


def test_what_was_looked_at_and_is_not_there_is_ruled_out_and_comes_last() -> None:
    """It stays in the list, with its reason, behind everything that is open."""
    trace = trace_of(Symptom(alert=48, tls="1.3"))
    told = judged(trace, answer("client.untrusted-issuer", Clear(SEEN)))
    assert (told[-1].cause, told[-1].standing) == ("client.untrusted-issuer", "RULED_OUT")
    assert told[-1].because == SEEN
    open_ = [one.weight for one in told[:-1]]
    assert open_ == sorted(open_, reverse=True)
    assert min(open_) >= 0.02 * max(open_)


def test_the_habits_of_the_server_at_hand_count_before_those_of_all() -> None:
    """A page for a missing certificate is nginx's way, and no other server's."""
    page = trace_of(Symptom(http=400, tls="1.3"), stage="application")
    named = replace(page, http=HttpAnswer(400, "Bad Request", "nginx/1.22.1", "", HERE))
    assert weights(named)["client.no-identity"] > 3 * weights(page)["client.no-identity"]


def test_where_nothing_was_sent_the_server_saw_an_empty_message() -> None:
    """Every cause of the client's is met by what servers answer to an empty message."""
    trace = replace(trace_of(Symptom(alert=116, tls="1.3")), client_chain=())
    told = judged(trace, answer("client.key-unusable", Unknown("x", "Look.")))
    mine = next(one for one in told if one.cause == "client.key-unusable")
    assert "measured server stacks" in mine.because[-1].text
    assert mine.weight > 0.3


@pytest.mark.parametrize(
    ("by", "cause", "fits"),
    [
        ("server", "server.expired", False),
        ("client", "server.expired", True),
        ("client", "client.expired", False),
        (None, "server.expired", True),
    ],
)
def test_a_cause_of_one_side_is_no_reason_of_the_other(
    by: RefusedBy | None, cause: str, *, fits: bool
) -> None:
    """What the client finds wrong with the server explains no refusal by the server."""
    trace = trace_of(Symptom(tls="1.2", tcp="fin"), by, "server-certificate")
    assert (cause in weights(trace)) is fits


def test_the_stage_is_told_by_the_rest_of_the_trace() -> None:
    """A refusal right after the server's flight is about what the client sent in answer."""
    trace = trace_of(Symptom(alert=80, tls="1.3"), stage="hello")
    asked = replace(trace, asked=Asked((), (), OPENSSL, (), HERE), asking_hidden=False)
    assert "client.profile" not in weights(trace)
    assert "client.profile" in weights(asked)


def test_an_empty_message_is_the_habit_of_every_cause_that_led_to_it() -> None:
    """Whatever kept the certificate back, servers answer what they answer to none."""
    trace = replace(trace_of(Symptom(alert=116, tls="1.3")), client_chain=())
    told = judged(trace, answer("client.purpose", Unknown("x", "Look.")))
    assert next(one for one in told if one.cause == "client.purpose").weight > 1


def test_a_stack_counts_by_the_part_of_the_faults_that_it_answers_so() -> None:
    """Of two faults of a cause one is answered so: that is one half, and not certain."""
    ended = trace_of(Symptom(alert=48, tls="1.3")).ended
    half = share("server.crl-stale", ended, "openssl")
    assert half is not None
    assert 0.3 < half.likelihood < 0.7


def test_what_the_nearest_were_not_seen_to_do_is_unlikely_and_not_impossible() -> None:
    """Beside the stack at hand all the others count a little."""
    ended = trace_of(Symptom(alert=116, tls="1.3")).ended
    page = share("client.no-identity", ended, "nginx")
    assert page is not None
    assert 0 < page.likelihood < 0.3
