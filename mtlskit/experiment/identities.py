"""Changes of what the client shows of itself: another chain, another identity.

Law of this file: what an accepted identity proves is told by what it differs in. One of the same
CA that lacks a single fault of the first proves that fault; any other proves that the first was the
wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import in_order, issuers_of
from mtlskit.certs.keystore import Identity
from mtlskit.certs.schemes import fitting
from mtlskit.collect.call import Call
from mtlskit.experiment.change import Change
from mtlskit.rules import at_rest
from mtlskit.rules.evidence import at_hand
from mtlskit.rules.rule import Found, Rule, ask
from mtlskit.trace.events import Trace

_REVOKED = 44  # certificate_revoked (RFC 8446, 6)
_OF_THE_LEAF = (
    at_rest.expired,
    at_rest.not_yet_valid,
    at_rest.purpose,
    at_rest.issuer_purpose,
    at_rest.weak,
    at_rest.profile,
)
"""Rules whose fault another certificate of the same CA can lack."""


def chains(case: Case, first: Call) -> Iterator[Change]:
    """Send the same certificate with the chain that it should have."""
    identity = first.identity
    if identity is None:
        return
    leaf, sent = identity.certificate, identity.chain if first.chain is None else first.chain
    full = issuers_of(leaf, (*sent, *at_hand(case)))
    without_root = tuple(one for one in full if not one.self_issued)
    added = [one for one in without_root if one.der not in {other.der for other in sent}]
    renewed = _renewed(case, sent, added)
    if renewed is not None:
        old, new = renewed
        yield Change(
            "client.expired",
            f"the expired {old.label} was replaced by its renewed copy ({new.source})",
            f"Replace the expired {old.label} in the client's key store by the copy in "
            f"{new.source}.",
            replace(first, chain=without_root),
        )
    elif added:
        names = ", ".join(f"{one.label} ({one.source})" for one in added)
        yield Change(
            "client.chain-incomplete",
            f"the chain was completed with {names}",
            f"Add {names} to the client's key store, in the chain of the key's entry "
            f"({identity.source}).",
            replace(first, chain=without_root),
        )
    if sent and not in_order(leaf, sent):
        yield Change(
            "client.chain-order",
            "the same certificates were sent in order",
            f"Put the chain of {identity.source} in order: each issuer after the certificate that "
            "it signed.",
            replace(first, chain=tuple(one for one in full if one in sent)),
        )


def _renewed(
    case: Case, sent: tuple[Certificate, ...], added: list[Certificate]
) -> tuple[Certificate, Certificate] | None:
    """Return an issuer that was sent and has expired, and its newer copy at hand."""
    for new in added:
        for old in sent:
            late = case.at is not None and old.not_after < case.at
            if late and not old.self_issued and new.subject.same_as(old.subject):
                return old, new
    return None


def others(case: Case, first: Call) -> Iterator[Change]:
    """Offer each other identity at hand, those first that the server may take."""
    trace = case.need_trace()
    held = [one for one in (*(case.identities or ()), *case.spare) if one.key_matches]
    used = first.identity.certificate.der if first.identity is not None else b""
    others = {one.certificate.der: one for one in held if one.certificate.der != used}
    for one in sorted(others.values(), key=lambda one: _promise(case, trace, one), reverse=True):
        chain = issuers_of(one.certificate, (*one.chain, *at_hand(case)))
        complete = tuple(each for each in chain if not each.self_issued)
        more = any(each not in one.chain for each in complete)
        yield Change(
            _proves(case, trace, first.identity, one),
            f"{one.label} ({one.source}) was offered"
            + ("" if first.identity is None else " instead")
            + (", its chain completed with what is at hand" if more else ""),
            f"Configure this call to use {one.label} ({one.source})"
            + (", with its chain complete." if more else "."),
            replace(first, identity=one, chain=complete if more else None),
        )


def _promise(case: Case, trace: Trace, one: Identity) -> tuple[bool, bool, bool]:
    """Tell what speaks for an identity: its dates, its key, and that the server names its CA."""
    leaf = one.certificate
    in_date = case.at is None or leaf.not_before <= case.at <= leaf.not_after
    if trace.asked is None:
        return in_date, True, True
    names = set(trace.asked.authorities_der)
    chain = issuers_of(leaf, (*one.chain, *at_hand(case)))
    named = not names or any(each.issuer.der in names for each in (leaf, *chain))
    return in_date, named, _signs(one, trace)


def _signs(one: Identity, trace: Trace) -> bool:
    """Tell whether its key can sign by one of the schemes that the server asked for."""
    schemes = trace.asked.schemes if trace.asked is not None else ()
    return not schemes or bool(fitting(one.certificate.key, schemes, trace.tls))


def _proves(case: Case, trace: Trace, used: Identity | None, other: Identity) -> str:
    """Name the cause that is proved if the server takes `other` where it refused `used`."""
    if used is None:
        return "client.no-identity"
    if not _signs(used, trace) and _signs(other, trace):
        return "client.withheld-algorithm" if not trace.client_chain else "protocol.signature"
    if not _same_issuer(used.certificate, other.certificate):
        return "client.wrong-identity"
    if trace.ended.symptom.alert == _REVOKED:
        return "client.revoked"
    faults = _faults(case, used) - _faults(case, other)
    return faults.pop() if len(faults) == 1 else "client.wrong-identity"


def _same_issuer(one: Certificate, other: Certificate) -> bool:
    if not one.issuer.same_as(other.issuer):
        return False
    return one.aki is None or other.aki is None or one.aki == other.aki


def _faults(case: Case, identity: Identity) -> set[str]:
    """Return the faults that the rules find in what this identity sends."""
    alone = case.having(chosen=identity, trace=None, traces=(), attempts=())
    rules: tuple[Rule, ...] = _OF_THE_LEAF
    return {one.rule.id for one in ask(rules, alone) if isinstance(one.verdict, Found)}
