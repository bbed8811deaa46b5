"""Certificates that only a log prints: asked as far as they go, and no further."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mtlskit.case import Case
from mtlskit.material import Because, Source
from mtlskit.rules import in_print
from mtlskit.rules.rule import Clear, Found
from mtlskit.trace.events import Ended, Symptom, Trace
from mtlskit.trace.printed import PrintedCertificate, printed_name

SOURCE = Source("java.log", ("line 40",))
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def case(**parts: object) -> Case:
    """A case in which the client's certificate was printed with these parts."""
    names = {"subject": printed_name("CN=client"), "issuer": printed_name("CN=Issuing")}
    one = PrintedCertificate(SOURCE, serial=1, **(names | parts))
    ended = Ended("refused", "server", None, Symptom(), (Because("it ended", SOURCE),))
    trace = Trace(Source("java.log"), None, (), ended, client_printed=(one,), seen_by="client")
    return Case(trace=trace, at=AT)


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        ("2026-11-24 11:59:59.000 UTC", Found),
        ("2026-11-24 12:00:01.000 UTC", Clear),
        ("2026-11-23 21:00:00.000 CEST", Found),
        ("2026-11-24 11:00:00.000 CEST", type(None)),
        ("2026-11-26 11:00:00.000 CEST", Clear),
        ("Fri Nov 20 10:28:49 CEST 2026", Found),
        ("2026-11-24 24:00:00.000 UTC", Found),
        ("2026-11-25 24:00:00.000 UTC", Clear),
        ("2026-11-23 24:00:00.000 CEST", Found),
        ("some day", type(None)),
    ],
)
def test_a_printed_end_is_judged_as_closely_as_its_zone_allows(printed: str, verdict: type) -> None:
    """A zone that is an abbreviation leaves half a day open on either side."""
    assert isinstance(in_print.expired(case(not_after=printed)), verdict)


def test_a_date_that_cannot_be_read_leaves_the_question_open() -> None:
    """The dates of the other certificates rule nothing out then; an expired one is still found."""
    told = case(not_after="some day")
    assert told.trace is not None
    (leaf,) = told.trace.client_printed or ()

    def beside(until: str) -> Case:
        both = (leaf, replace(leaf, not_after=until))
        return told.having(trace=replace(told.trace, client_printed=both))

    assert in_print.expired(beside("2036-11-24 11:59:59.000 UTC")) is None
    assert isinstance(in_print.expired(beside("2026-11-01 11:59:59.000 UTC")), Found)


def test_a_beginning_in_the_future_is_found() -> None:
    """Not yet valid is the mirror of expired."""
    answer = in_print.not_yet_valid(case(not_before="2026-12-24 11:00:00.000 UTC"))
    assert isinstance(answer, Found)
    assert answer.because[0].source == SOURCE


def test_purposes_are_read() -> None:
    """A printed extended key usage without clientAuth is found; none printed is not known."""
    assert isinstance(in_print.purpose(case(eku=("serverAuth",))), Found)
    assert isinstance(in_print.purpose(case(eku=("clientAuth",))), Clear)
    assert isinstance(in_print.purpose(case(ku=("keyAgreement",))), Found)
    assert in_print.purpose(case()) is None


def test_names_tell_who_is_its_own_issuer() -> None:
    """Subject and issuer alike are the sign of a self-signed certificate."""
    assert isinstance(in_print.self_signed(case(issuer=printed_name("CN=client"))), Found)
    assert isinstance(in_print.self_signed(case()), Clear)


def test_a_weak_signature_is_found() -> None:
    """Java and OpenSSL write the algorithm differently."""
    assert isinstance(in_print.weak(case(signature_algorithm="SHA1withRSA")), Found)
    assert isinstance(in_print.weak(case(signature_algorithm="sha1WithRSAEncryption")), Found)
    assert isinstance(in_print.weak(case(signature_algorithm="SHA256withECDSA")), Clear)


def test_a_chain_that_was_seen_is_not_asked_here() -> None:
    """Print counts for nothing where the certificates themselves are at hand."""
    seen = case(eku=("serverAuth",))
    assert seen.trace is not None
    assert in_print.printed(seen)
    whole = seen.having(trace=replace(seen.trace, client_chain=()))
    assert in_print.printed(whole) == ()
