"""What weighs for and against a cause: sizes of sealed records, a client's words, vain changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mtlskit.case import Attempt, Case
from mtlskit.diagnosis.habits import share
from mtlskit.diagnosis.stacks import guess_stack
from mtlskit.material import Because, Source, Target
from mtlskit.report import judge
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
