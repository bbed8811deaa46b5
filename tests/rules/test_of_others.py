"""What the other side alone knows, and what the certificates and the hello themselves tell."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.lab.pki import Authority, Issued, new_key
from mtlskit.material import Because, Closing, Source, Tap, Target
from mtlskit.report import Report, judge
from mtlskit.rules.rule import Clear, Found, Inapplicable, Unknown, Verdict
from mtlskit.trace.events import Asked, Ended, Symptom, Trace
from mtlskit.trace.handshake import follow

HERE = Source("wire")
SCHEMES = ("ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256")


@cache
def authority() -> Authority:
    """An authority with an intermediate, made once."""
    return Authority.root("CN=A Root").intermediate("CN=An Intermediate")


def sent(issued: Issued) -> tuple[Certificate, ...]:
    """The chain that is sent for an identity."""
    shown: tuple[x509.Certificate, ...] = (issued.certificate, *issued.chain)
    return tuple(read_certificate(one.public_bytes(Encoding.DER), HERE) for one in shown)


def refusal(
    chain: tuple[Certificate, ...], alert: int | None = None, *, names: int = 1, tls: str = "1.3"
) -> Case:
    """A case in which the server asked, was sent a chain, and refused."""
    der = chain[-1].issuer.der if chain else b"0\x00"
    asked = Asked(("CN=A Root",) * names, (der,) * names, SCHEMES, (), HERE)
    ended = Ended(
        "refused",
        "server",
        "after-handshake",
        Symptom(alert=alert, tcp=None if alert else "fin", tls=tls),
        (Because("the server refused", HERE),),
    )
    trace = Trace(HERE, Target("h", 1), (), ended, tls=tls, asked=asked, client_chain=chain)
    return Case(trace=trace, at=datetime.now(UTC))


def verdict(case: Case, name: str) -> Verdict:
    """What the rule for this cause says."""
    return next(one.verdict for one in judge(case).diagnosis.findings if one.rule.id == name)


def best(report: Report) -> str:
    """The first cause of a report."""
    return report.opinions[0].cause


def test_a_signature_that_the_issuer_did_not_make_is_found() -> None:
    """The leaf names the issuer that was sent with it, and another key signed it."""
    good = refusal(sent(authority().client("CN=C")), 42)
    bad = refusal(sent(authority().client("CN=C", signer=new_key())), 42)
    assert isinstance(verdict(good, "client.profile"), Clear)
    found = verdict(bad, "client.profile")
    assert isinstance(found, Found)
    assert "was not made with the key of An Intermediate" in found.because[0].text
    assert best(judge(bad)) == "client.profile"
    assert isinstance(verdict(Case(), "client.profile"), Unknown)


def test_a_signature_by_another_issuer_at_hand_is_no_damage() -> None:
    """Where a namesake at hand did sign it, only the wrong issuer was sent."""
    other = Authority.root("CN=Other").intermediate("CN=An Intermediate")
    leaf = sent(other.client("CN=C"))
    case = refusal((leaf[0], sent(authority().client("CN=D"))[1]), 42)
    assert isinstance(verdict(case, "client.profile"), Found)
    assert isinstance(verdict(case.having(material=leaf[1:]), "client.profile"), Clear)


@pytest.mark.parametrize(("size", "decisive"), [(1_000, None), (40_000, False), (150_000, True)])
def test_a_chain_that_servers_find_too_large_is_found(size: int, *, decisive: bool | None) -> None:
    """Below every limit it is clear, between the limits it may be, above them it is the cause."""
    filling = b"\x04\x83" + size.to_bytes(3, "big") + bytes(size)
    large = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.2"), filling)
    case = refusal(sent(authority().client("CN=C", extra=((large, False),))), 47)
    told = verdict(case, "client.profile")
    assert told.decisive is decisive if isinstance(told, Found) else decisive is None


def test_a_curve_that_tls_does_not_sign_by_is_found() -> None:
    """A key on secp256k1 fits no scheme of TLS 1.3, and nobody takes it in TLS 1.2."""
    odd = sent(authority().client("CN=C", key=ec.generate_private_key(ec.SECP256K1())))
    assert isinstance(verdict(refusal(odd, 47, tls="1.2"), "protocol.signature"), Found)
    usual = refusal(sent(authority().client("CN=C")), 47, tls="1.2")
    assert isinstance(verdict(usual, "protocol.signature"), Inapplicable)


def test_expired_is_the_servers_word_for_its_own_list_when_all_is_in_date() -> None:
    """With 45 and sound dates its revocation list is named first; with a late leaf it is not."""
    sound = refusal(sent(authority().client("CN=C")), 45)
    assert isinstance(verdict(sound, "server.crl-stale"), Found)
    assert best(judge(sound)) == "server.crl-stale"
    late = datetime(2020, 1, 1, tzinfo=UTC)
    old = authority().client("CN=C", not_before=late, not_after=datetime(2021, 1, 1, tzinfo=UTC))
    assert isinstance(verdict(refusal(sent(old), 45), "server.crl-stale"), Unknown)
    assert best(judge(refusal(sent(old), 45))) == "client.expired"
    assert isinstance(verdict(refusal(()), "server.crl-stale"), Inapplicable)


def test_revoked_is_found_where_the_server_says_so() -> None:
    """Alert 44 says it; other refusals leave it open; an empty message cannot be revoked."""
    chain = sent(authority().client("CN=C"))
    assert isinstance(verdict(refusal(chain, 44), "client.revoked"), Found)
    assert best(judge(refusal(chain, 44))) == "client.revoked"
    assert isinstance(verdict(refusal(chain), "client.revoked"), Unknown)
    assert isinstance(verdict(refusal(()), "client.revoked"), Inapplicable)


def test_a_full_handshake_is_not_refused_for_resumption() -> None:
    """Only a session that was resumed leaves the question open."""
    case = refusal(sent(authority().client("CN=C")))
    assert isinstance(verdict(case, "server.resumption"), Clear)
    resumed = case.having(trace=replace(case.need_trace(), resumed=True))
    assert isinstance(verdict(resumed, "server.resumption"), Unknown)
    nothing = case.having(trace=replace(case.need_trace(), tls=None))
    assert isinstance(verdict(nothing, "server.resumption"), Inapplicable)


def test_the_size_of_the_ca_list_is_measured() -> None:
    """A few names are clear; more than a record of them may be too many; sealed is unknown."""
    chain = sent(authority().client("CN=C"))
    assert isinstance(verdict(refusal(chain), "server.ca-list-too-large"), Clear)
    assert isinstance(verdict(refusal(chain, names=1000), "server.ca-list-too-large"), Found)
    sealed = replace(refusal(chain).need_trace(), asked=None, asking_hidden=True)
    assert isinstance(verdict(Case(trace=sealed), "server.ca-list-too-large"), Unknown)


def test_what_nobody_measured_does_not_outweigh_what_was() -> None:
    """A mute close after a sound chain is never put on a name list that nobody has seen."""
    report = judge(refusal(sent(authority().client("CN=C")), 48))
    places = [one.cause for one in report.opinions]
    assert places.index("client.name-refused") > places.index("server.crl-stale")


def test_a_hello_that_nobody_answered_is_looked_at() -> None:
    """Without a hello nothing is said of its size; a close before it is a reset."""
    silent = follow(Tap(HERE, Target("h", 1), closing=Closing("server", "fin")))
    case = Case(trace=silent)
    assert isinstance(verdict(case, "protocol.hello-too-large"), Inapplicable)
    assert isinstance(verdict(case, "network.reset"), Found)
    assert isinstance(verdict(case, "protocol.version"), Inapplicable)


def test_a_ca_of_the_same_name_at_hand_decides_by_its_signature() -> None:
    """The server's CA at hand signed the chain: doubt; it did not: found; our own copy: no word."""
    old, new = Authority.root("CN=A Root"), Authority.root("CN=A Root")
    (held,) = sent(Issued(old.certificate, old.key, ()))
    issued = new.client("CN=C")
    case = refusal(sent(issued), 48)
    assert isinstance(told := verdict(case, "client.untrusted-issuer"), Unknown)
    assert isinstance(verdict(case.having(material=(held,)), "client.untrusted-issuer"), Found)
    (own,) = sent(Issued(new.certificate, new.key, ()))
    known = verdict(case.having(material=(own,)), "client.untrusted-issuer")
    assert isinstance(known, Unknown)
    assert known.doubt > told.doubt > 1
    with_own = refusal((*sent(issued), own), 48)
    assert isinstance(verdict(with_own, "client.untrusted-issuer"), Unknown)
    beside = with_own.having(material=(held,))
    assert isinstance(verdict(beside, "client.untrusted-issuer"), Found)
