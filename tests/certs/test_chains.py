"""Hundreds of chains, each broken in one known way: the first reason is that one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache

from mtlskit.certs import paths, rulings
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.path_rules import CODES
from mtlskit.certs.signed import read_crl
from mtlskit.lab.chains import Chain, chains
from mtlskit.material import Source

NOT_STAGED = {"budget", "key-identifier"}
"""Budget is no fault of a certificate; key identifiers are a hint, and no reason by RFC 5280."""


def _read(ders: Sequence[bytes], what: str) -> list[Certificate]:
    return [read_certificate(der, Source(f"{what} {at}")) for at, der in enumerate(ders, 1)]


@cache
def _judged() -> tuple[tuple[Chain, paths.PathSearch], ...]:
    return tuple(_each())


def _each() -> Iterator[tuple[Chain, paths.PathSearch]]:
    for chain in chains():
        yield (
            chain,
            paths.search(
                *_read([chain.leaf], "leaf"),
                _read(chain.others, "sent"),
                _read(chain.anchors, "trusted"),
                role=chain.role,
                at=chain.at,
                name=chain.name,
                max_depth=chain.max_depth,
                crls=[read_crl(der, Source("list")) for der in chain.crls],
            ),
        )


def _right(chain: Chain, found: paths.PathSearch) -> bool:
    first = found.reasons[0]
    return (first.code, first.certificate.der) == (chain.code, chain.at_fault)


def test_there_are_hundreds_of_chains_with_every_reason_in_every_place() -> None:
    """All codes that can be staged are, for both roles; the names of the chains are their own."""
    broken = [chain for chain, _ in _judged() if chain.code]
    assert len(broken) >= 400
    assert {chain.code for chain in broken} == set(CODES) - NOT_STAGED
    assert len({chain.id for chain in broken}) == len(broken)
    places = Counter(chain.id.split("/")[2] for chain in broken)
    assert all(places[place] >= 60 for place in ("leaf", "intermediate", "root"))
    assert Counter(chain.role for chain in broken).keys() == {"client", "server"}


def test_the_first_reason_is_the_right_one_on_the_right_certificate() -> None:
    """In at least 99 of 100 broken chains code and certificate are those that were staged."""
    broken = [(chain, found) for chain, found in _judged() if chain.code]
    wrong = [
        (chain.id, [(reason.code, reason.certificate.label) for reason in found.reasons])
        for chain, found in broken
        if found.accepted or not _right(chain, found)
    ]
    assert len(wrong) <= len(broken) // 100, wrong


def test_every_broken_chain_is_refused_with_both_sides_and_a_remedy() -> None:
    """No broken chain is accepted; each reason is a sentence, each refusal has a way out."""
    for chain, found in _judged():
        assert found.accepted == (chain.code is None), chain.id
        for reason in found.reasons:
            assert reason.because.endswith("."), reason
            assert reason.certificate.label in reason.because, reason
        assert bool(found.repair) == bool(found.reasons)
        assert not any("{" in step.text for step in found.repair)


def test_sound_chains_are_accepted_by_all_three() -> None:
    """We, OpenSSL and cryptography accept each chain that nobody broke."""
    sound = [found for chain, found in _judged() if chain.code is None]
    assert len(sound) >= 10
    for found in sound:
        assert (found.accepted, found.differences) == (True, ())
        assert all(one.accepted for one in rulings.ask(found.question).values())


def test_whatever_other_verifiers_rule_otherwise_is_explained() -> None:
    """For each verdict of OpenSSL and cryptography that is not ours the reason is known."""
    told = [(chain.id, one) for chain, found in _judged() for one in found.differences]
    assert [(name, one.verifier, one.words) for name, one in told if one.why is None] == []
    assert all(one.accepted for _, one in told)


def test_a_difference_nobody_knows_is_told_as_such() -> None:
    """An unexplained verdict is marked, and nothing is made up."""
    asked = {"openssl": rulings.Ruling(accepted=True, words="accepted")}
    (one,) = rulings.differences(asked, ("missing-issuer",))
    assert one.why is None
    assert "Why is not known" in str(one)


def test_the_time_of_a_chain_is_now() -> None:
    """Chains are made anew, so that none of them ever runs out."""
    chain, _ = _judged()[0]
    assert abs((chain.at - datetime.now(UTC)).total_seconds()) < 600
