"""What the client's own CA publishes, and what the endpoint's owner says that the server trusts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.ocsp import read_response
from mtlskit.certs.signed import Crl, read_crl
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued, now
from mtlskit.lab.responses import Responder
from mtlskit.material import Because, Source, Target
from mtlskit.report import judge
from mtlskit.rules.rule import Clear, Found, Inapplicable, Unknown, Verdict
from mtlskit.trace.events import Asked, Ended, Symptom, Trace

HERE = Source("wire")


@cache
def root() -> Authority:
    """A root, made once."""
    return Authority.root("CN=A Root, O=Somebody")


@cache
def issuing() -> Authority:
    """Its intermediate, made once."""
    return root().intermediate("CN=An Intermediate, O=Somebody")


@cache
def client() -> Issued:
    """A client of that intermediate, made once."""
    return issuing().client("CN=Client")


def read(one: x509.Certificate | Issued) -> Certificate:
    """A certificate of the lab, as the kit reads it."""
    made = one.certificate if isinstance(one, Issued) else one
    return read_certificate(made.public_bytes(Encoding.DER), HERE)


def listing(authority: Authority, *revoked: Issued, **parts: datetime) -> Crl:
    """A revocation list, as the kit reads it."""
    der = revocation_list(authority, *(one.certificate for one in revoked), **parts)
    return read_crl(der, Source(f"{authority.certificate.subject.rfc4514_string()}.crl"))


def refused(
    issued: Issued, *names: Authority, alert: int | None = None, **evidence: object
) -> Case:
    """A server that lists these names was sent a chain and refused it without a word."""
    chain = tuple(map(read, (issued.certificate, *issued.chain)))
    listed = tuple(read(one).subject for one in names)
    asked = Asked(
        tuple(map(str, listed)), tuple(one.der for one in listed), ("ecdsa_secp256r1_sha256",),
        (), HERE,
    )  # fmt: skip
    ended = Ended(
        "refused", "server", "after-handshake",
        Symptom(alert=alert, tcp=None if alert else "fin", tls="1.3"),
        (Because("the server refused", HERE),),
    )  # fmt: skip
    trace = Trace(
        HERE, Target("h", 1), (), ended, tls="1.3", asked=asked, client_chain=chain, proved=True
    )
    return Case(trace=trace, at=datetime.now(UTC)).having(**evidence)


def verdict(case: Case, name: str) -> Verdict:
    """What the rule for this cause says."""
    return next(one.verdict for one in judge(case).diagnosis.findings if one.rule.id == name)


def test_a_listed_certificate_is_revoked_whatever_the_server_says() -> None:
    """The list names it: found, decisive, and first, with the client's owner to act."""
    case = refused(client(), root(), crls=(listing(issuing(), client()), listing(root())))
    found = verdict(case, "client.revoked")
    assert isinstance(found, Found)
    assert found.decisive
    assert "is revoked since" in found.because[0].text
    report = judge(case)
    assert (report.opinions[0].cause, report.opinions[0].standing) == ("client.revoked", "LIKELY")
    assert report.diagnosis.parties == ("client-owner",)


def test_current_lists_of_the_whole_chain_rule_it_out() -> None:
    """Leaf and intermediate stand in no list: revocation is not the reason."""
    lists = (listing(issuing()), listing(root()))
    case = refused(client(), root(), crls=lists, material=(read(root()),))
    assert isinstance(verdict(case, "client.revoked"), Clear)


@pytest.mark.parametrize("lists", ["leaf alone", "out of date", "of another", "none"])
def test_what_does_not_cover_the_chain_rules_nothing_out(lists: str) -> None:
    """Without a current list of each issuer the question stays open."""
    late = {"this_update": now() - timedelta(days=9), "next_update": now() - timedelta(days=2)}
    other = Authority.root("CN=Another Root")
    given = {
        "leaf alone": (listing(issuing()),),
        "out of date": (listing(issuing(), **late), listing(root())),
        "of another": (listing(other),),
        "none": (),
    }[lists]
    answer = verdict(
        refused(client(), root(), crls=given, material=(read(root()),)), "client.revoked"
    )
    assert isinstance(answer, Unknown)
    assert (answer.doubt > 1) is (lists == "leaf alone")


def test_a_response_that_says_good_is_not_enough_for_the_chain() -> None:
    """OCSP answers for the leaf; the intermediate may be revoked all the same."""
    good = read_response(Responder(issuing()).response(client().certificate), HERE)
    answer = verdict(refused(client(), root(), responses=(good,)), "client.revoked")
    assert isinstance(answer, Unknown)
    assert answer.doubt > 1
    gone = Responder(issuing()).response(
        client().certificate, revoked=x509.ReasonFlags.key_compromise
    )
    case = refused(client(), root(), responses=(read_response(gone, HERE),))
    assert isinstance(verdict(case, "client.revoked"), Found)


def test_the_servers_own_word_stands_against_a_list_that_says_nothing() -> None:
    """A server may hold a newer list than the one at hand."""
    lists = (listing(issuing()), listing(root()))
    case = refused(client(), root(), alert=44, crls=lists, material=(read(root()),))
    found = verdict(case, "client.revoked")
    assert isinstance(found, Found)
    assert "is not revoked" in found.because[-1].text


def test_what_the_owner_names_decides_whether_the_issuer_is_trusted() -> None:
    """A chain that leads to a named CA is trusted; one of the same name and another key is not."""
    held = refused(client(), root(), server_trust=(read(root()),))
    assert isinstance(verdict(held, "client.untrusted-issuer"), Clear)
    assert isinstance(verdict(held, "client.chain-incomplete"), Clear)
    other = refused(client(), root(), server_trust=(read(root().recreated()),))
    found = verdict(other, "client.untrusted-issuer")
    assert isinstance(found, Found)
    assert found.decisive
    assert judge(other).opinions[0].cause == "client.untrusted-issuer"


def test_an_intermediate_that_lacks_is_told_from_a_ca_that_is_not_trusted() -> None:
    """With the intermediate at hand the chain leads to what the owner named."""
    bare = Issued(client().certificate, client().key)
    held = {"server_trust": (read(root()),)}
    case = refused(bare, root(), material=(read(issuing()),), **held)
    assert isinstance(verdict(case, "client.chain-incomplete"), Found)
    assert isinstance(verdict(case, "client.untrusted-issuer"), Clear)
    assert isinstance(verdict(refused(bare, root(), **held), "client.untrusted-issuer"), Found)


def test_an_intermediate_without_its_root_is_the_servers_fault() -> None:
    """What the owner named holds the intermediate alone: servers with OpenSSL want the root."""
    case = refused(client(), server_trust=(read(issuing()),))
    assert isinstance(verdict(case, "server.trust-incomplete"), Found)
    whole = refused(client(), server_trust=(read(root()), read(issuing())))
    assert isinstance(verdict(whole, "server.trust-incomplete"), Unknown)
    none = refused(client(), server_trust=(read(root().recreated()),))
    assert isinstance(verdict(none, "server.trust-incomplete"), Inapplicable)


def test_a_chain_longer_than_servers_follow_is_found() -> None:
    """Many intermediates are decisive, two a possibility, one nothing at all."""
    authority, seen = root(), []
    for number in range(7):
        authority = authority.intermediate(f"CN=Layer {number}")
        answer = verdict(
            refused(authority.client("CN=Deep"), server_trust=(read(root()),)),
            "server.trust-incomplete",
        )
        seen.append(answer.decisive if isinstance(answer, Found) else None)
    assert seen == [None, False, False, False, False, True, True]


def test_a_list_that_does_not_name_what_is_trusted_is_wrong() -> None:
    """The CA list is held against what the owner named, not against the client's chain."""
    other = Authority.root("CN=Another Root")
    wrong = refused(client(), other, server_trust=(read(root()),))
    assert isinstance(verdict(wrong, "server.ca-list-wrong"), Found)
    right = refused(client(), root(), server_trust=(read(root()),))
    assert isinstance(verdict(right, "server.ca-list-wrong"), Clear)
    empty = refused(client(), server_trust=(read(root()),))
    assert isinstance(verdict(empty, "server.ca-list-wrong"), Inapplicable)


def test_an_empty_list_leaves_what_the_server_trusts_open() -> None:
    """Servers that name no CA at all may well trust an intermediate alone."""
    assert isinstance(verdict(refused(client()), "server.trust-incomplete"), Unknown)


def test_a_resumption_is_refused_only_if_a_whole_handshake_is_not() -> None:
    """The same server accepted a connection made from nothing, and refused the resumed one."""
    case = refused(client(), root())
    trace = replace(case.need_trace(), resumed=True, client_chain=None, proved=False, asked=None)
    good = replace(
        trace, resumed=False, ended=replace(trace.ended, outcome="accepted", refused_by=None)
    )
    alone = case.having(trace=trace, traces=(trace,))
    assert isinstance(verdict(alone, "server.resumption"), Unknown)
    both = case.having(trace=trace, traces=(good, trace))
    assert isinstance(verdict(both, "server.resumption"), Found)
    elsewhere = replace(good, target=Target("elsewhere", 1))
    other = case.having(trace=trace, traces=(elsewhere, trace))
    assert isinstance(verdict(other, "server.resumption"), Unknown)
    assert isinstance(verdict(case, "server.resumption"), Clear)


def test_the_endpoint_s_own_certificate_is_known_by_a_file_and_not_by_what_was_shown() -> None:
    """A transcript holds what the client was shown, also by a proxy that ends TLS."""
    shown = read(root().server("CN=partner.example", "partner.example"))
    case = refused(client())
    case = case.having(trace=replace(case.need_trace(), server_chain=(shown,)))
    told = case.having(material=(replace(shown, source=HERE),))
    assert isinstance(verdict(told, "network.terminated"), Unknown)
    saved = case.having(material=(replace(shown, source=Source("from-the-owner.pem")),))
    assert isinstance(verdict(saved, "network.terminated"), Clear)
