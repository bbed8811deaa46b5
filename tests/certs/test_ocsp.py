"""OCSP responses at hand: who may answer, for what, and when."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

import mtlskit
from mtlskit.__main__ import main
from mtlskit.certs import paths, revocation
from mtlskit.certs.ocsp import read_response, word_on
from mtlskit.certs.signed import read_crl
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority
from mtlskit.lab.responses import Responder, refusal
from mtlskit.material import Blob, Source, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Cast, Maker

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
REASON = x509.ReasonFlags.cessation_of_operation


def _search(make: Maker, cast: Cast, *responses: bytes) -> paths.PathSearch:
    return paths.search(
        make.facts(cast.client),
        [make.facts(cast.issuing)],
        [make.facts(cast.root)],
        role="client",
        at=NOW,
        responses=[read_response(der, Source(f"{at}.ocsp")) for at, der in enumerate(responses, 1)],
    )


def _only(found: paths.PathSearch) -> str:
    (reason,) = found.reasons
    return f"{reason.code}: {reason.because}"


NO_CHECK = (x509.OCSPNoCheck(), False)


def _charged(cast: Cast, **parts: object) -> Responder:
    usual = {"eku": ("OCSPSigning",), "ku": ("digitalSignature",), "extra": [NO_CHECK]}
    return Responder(cast.issuing, cast.issuing.issue("CN=Responder", **{**usual, **parts}))


def test_a_good_answer_of_the_issuer_or_its_delegate_is_enough(make: Maker, cast: Cast) -> None:
    """The issuer itself may sign, or a certificate of its own for this purpose."""
    for responder in (Responder(cast.issuing), _charged(cast)):
        assert _search(make, cast, responder.response(cast.client.certificate)).accepted


def test_a_revoked_certificate_is_told_with_time_and_reason(make: Maker, cast: Cast) -> None:
    """Since when, why and by which response; that others were not given it is said."""
    der = Responder(cast.issuing).response(cast.client.certificate, revoked=REASON)
    found = _search(make, cast, der)
    said = _only(found)
    assert said.startswith("revoked: Acme Client is revoked since 20")
    assert "(cessationOfOperation), by the OCSP response 1.ocsp." in said
    assert [one.verifier for one in found.differences] == ["openssl", "cryptography"]
    assert all(one.why for one in found.differences)


def test_each_answer_that_does_not_count_is_named_with_its_reason(make: Maker, cast: Cast) -> None:
    """Old, early, unknown, by a stranger, by the wrong purpose, late: each says why."""
    client, issuing = cast.client.certificate, Responder(cast.issuing)
    stranger = Authority.root("CN=Stranger").issue("CN=Own", eku=("OCSPSigning",))
    late = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
    cases = {
        "ran out": issuing.response(client, this_update=NOW - 9 * DAY, next_update=NOW - DAY),
        "which is later": issuing.response(client, this_update=NOW + DAY),
        "does not know": issuing.response(client, unknown=True),
        "did not charge": Responder(cast.issuing, stranger).response(client),
        "do not include OCSPSigning": _charged(cast, eku=("serverAuth",)).response(client),
        "not valid at that time": _charged(cast, **late).response(client),
        "does not include digitalSignature": _charged(cast, ku=["keyEncipherment"]).response(
            client
        ),
        "critical extension 1.3.6.1.4.1.55555.9": _charged(
            cast, extra=[NO_CHECK, (_UNKNOWN, True)]
        ).response(client),
        "which is malformed": _charged(cast, extra=[NO_CHECK, (_BROKEN, False)]).response(client),
        "does not have id-pkix-ocsp-nocheck": _charged(cast, extra=[]).response(client),
    }
    for words, der in cases.items():
        said = _only(_search(make, cast, der))
        assert said.startswith("revocation-unknown: Whether Acme Client is revoked is not known")
        assert words in said
        assert "1.ocsp" in said


_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.9"), b"\x05\0")
_BROKEN = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x05\0")


def test_a_responder_without_nocheck_is_looked_up_in_the_lists(make: Maker, cast: Cast) -> None:
    """RFC 6960, 4.2.2.2.1: its own status stands in a list; revoked, its word is worth nothing."""
    responder = _charged(cast, extra=[], ku=None)
    assert responder.own is not None
    good = read_response(responder.response(cast.client.certificate), Source("1.ocsp"))
    one, issuer = make.facts(cast.client), make.facts(cast.issuing)
    for revoked, words in (((), None), ((responder.own.certificate,), "which is revoked itself")):
        listed = read_crl(revocation_list(cast.issuing, *revoked), Source("x.crl"))
        lists = revocation.Lists((listed,), (one, issuer, make.facts(cast.root)), (), NOW)
        status = partial(revocation._responder, lists)
        word = word_on(one, issuer, (good,), NOW, status)
        assert (word.answer is None) == (words is not None)
        assert words is None or words in word.notes[0]


def test_a_responder_that_is_revoked_does_not_clear_a_leaf(make: Maker, cast: Cast) -> None:
    """Its answer is no word on the leaf; that its list is silent about the leaf is one."""
    responder = _charged(cast, extra=[])
    assert responder.own is not None
    only_root = revocation_list(cast.root)
    found = paths.search(
        make.facts(cast.client),
        [make.facts(cast.issuing)],
        [make.facts(cast.root)],
        role="client",
        at=NOW,
        crls=[read_crl(only_root, Source("root.crl"))],
        responses=[read_response(responder.response(cast.client.certificate), Source("1.ocsp"))],
    )
    said = _only(found)
    assert said.startswith("revocation-unknown: Whether Acme Client is revoked is not known")
    assert "it is not known whether it is revoked itself" in said


def test_of_two_certificates_for_the_responders_key_one_is_enough(make: Maker, cast: Cast) -> None:
    """A renewed responder's certificate beside the old one: the one that holds counts."""
    new = _charged(cast)
    assert new.own is not None
    late = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
    old = _charged(cast, key=new.own.key, **late)
    assert old.own is not None
    response = read_response(new.response(cast.client.certificate), Source("o"))
    both = replace(response, certificates=(make.facts(old.own), make.facts(new.own)))
    one, issuer = make.facts(cast.client), make.facts(cast.issuing)
    assert word_on(one, issuer, (both,), NOW).answer is not None
    assert word_on(one, issuer, (replace(both, certificates=both.certificates[:1]),), NOW).notes


@pytest.mark.parametrize("hashed", [None, hashes.SHA256()], ids=["sha1", "sha256"])
def test_an_issuer_is_named_by_its_name_and_by_its_key(
    make: Maker, cast: Cast, hashed: hashes.HashAlgorithm | None
) -> None:
    """RFC 6960, 4.1.1: another CA of the same name, or of the same key, is not the one meant."""
    der = Responder(cast.issuing).response(cast.client.certificate, hashed=hashed)
    (answer,) = read_response(der, Source("x")).answers
    one, issuer = make.facts(cast.client), make.facts(cast.issuing)
    namesake = make.facts(Authority.root(str(issuer.subject)))
    same_key = make.facts(Authority.root("CN=Other", key=cast.issuing.key))
    assert namesake.subject.der == issuer.subject.der
    assert answer.about(one, issuer)
    assert not answer.about(one, namesake)
    assert not answer.about(one, same_key)
    assert not answer.about(make.facts(cast.second), issuer)


def test_of_several_answers_revoked_decides_in_whatever_order(make: Maker, cast: Cast) -> None:
    """An answer that is good, be it newer, does not hide one that is revoked."""
    client, issuing = cast.client.certificate, Responder(cast.issuing)
    good = issuing.response(client)
    revoked = [
        issuing.response(client, revoked=reason, this_update=NOW - age * DAY)
        for reason, age in ((REASON, 2), (x509.ReasonFlags.superseded, 1))
    ]
    for order in ((good, *revoked), (*reversed(revoked), good)):
        assert "(superseded)" in _only(_search(make, cast, *order))


def test_a_good_answer_without_an_end_is_used_for_a_week(make: Maker, cast: Cast) -> None:
    """RFC 6960, 4.2.2.1: without nextUpdate there is newer information at any time."""
    one, issuer = make.facts(cast.client), make.facts(cast.issuing)
    whole = read_response(Responder(cast.issuing).response(cast.client.certificate), Source("x"))
    for days, used in ((6, True), (8, False)):
        answer = replace(whole.answers[0], this_update=NOW - days * DAY, next_update=None)
        word = word_on(one, issuer, (replace(whole, answers=(answer,)),), NOW)
        assert (word.answer is not None) == used
        assert used or "more than 7 days old" in word.notes[0]


def test_a_good_answer_hides_no_list_that_revokes(make: Maker, cast: Cast) -> None:
    """The list decides; without it, the answer does."""
    lists = revocation_list(cast.root), revocation_list(cast.issuing, cast.client.certificate)
    found = paths.search(
        make.facts(cast.client),
        [make.facts(cast.issuing)],
        [make.facts(cast.root)],
        role="client",
        at=NOW,
        crls=[read_crl(der, Source("x.crl")) for der in lists],
        responses=[
            read_response(Responder(cast.issuing).response(cast.client.certificate), Source("o"))
        ],
    )
    assert _only(found).startswith("revoked: Acme Client is revoked")


def test_a_signature_by_another_key_does_not_count(make: Maker, cast: Cast) -> None:
    """A changed response is signed by nobody."""
    der = Responder(cast.issuing).response(cast.client.certificate)
    changed = der[:-1] + bytes((der[-1] ^ 1,))
    assert "not signed by the issuer" in _only(_search(make, cast, changed))


def test_an_answer_for_another_certificate_answers_nothing(make: Maker, cast: Cast) -> None:
    """Serial number and issuer have to be those of the certificate."""
    der = Responder(cast.issuing).response(cast.second.certificate)
    assert "no OCSP response of CN=Acme Issuing CA" in _only(_search(make, cast, der))
    assert not _search(make, cast, refusal()).accepted
    assert read_response(refusal(), Source("r")).refusal == "try later"


def test_an_answer_and_lists_go_together(make: Maker, cast: Cast, tmp_path: Path) -> None:
    """The leaf is answered for by OCSP, the intermediate by a list; both doors take both."""
    files = {
        "chain.pem": cast.client.pem_chain(),
        "root.pem": cast.root.pem_chain(chain=False),
        "root.crl": revocation_list(cast.root),
        "good.ocsp": Responder(cast.issuing).response(cast.client.certificate),
        "bad.ocsp": Responder(cast.issuing).response(cast.client.certificate, revoked=REASON),
    }
    at = {name: tmp_path / name for name in files}
    for name, data in files.items():
        at[name].write_bytes(data)
    asked = {"trust": at["root.pem"], "crls": at["root.crl"]}
    assert mtlskit.verify(at["chain.pem"], ocsp=at["good.ocsp"], **asked).accepted
    assert not mtlskit.verify(at["chain.pem"], **asked).accepted
    terminal = ["verify", str(at["chain.pem"]), "--trust", str(at["root.pem"]), "--ocsp"]
    assert main([*terminal, str(at["good.ocsp"])]) == 0
    assert main([*terminal, str(at["bad.ocsp"])]) == 1
    with pytest.raises(Unreadable, match="damaged"):
        mtlskit.verify(at["chain.pem"], ocsp=Blob(Source("x.ocsp"), b"no"), **asked)
    assert make is not None


_RESPONSE = Responder(Authority.root("CN=R")).response(Authority.root("CN=R").certificate)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_response_is_refused_or_read_and_nothing_fails(data: st.DataObject) -> None:
    """Whatever byte is changed: a response, or one sentence."""
    der = bytearray(_RESPONSE)
    der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        assert read_response(bytes(der), Source("x")).der == bytes(der)


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=200))
def test_what_is_no_response_is_refused_in_a_sentence(data: bytes) -> None:
    """Any bytes, and too many bytes."""
    with pytest.raises(Unreadable):
        read_response(data, Source("x"))


def test_a_response_beyond_the_limit_is_refused() -> None:
    """A megabyte is more than any response has."""
    with pytest.raises(Unreadable, match="too many"):
        read_response(bytes(2 * 1024 * 1024), Source("x"))
