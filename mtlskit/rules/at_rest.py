"""Rules that need the client's own material only: what is wrong with it before anyone is called.

Law of this room: what makes a chain unfit is known in `certs.path_rules`; a rule here says which
cause that is. Each rule looks at the chain that was sent, or would be, and names the certificate
that is at fault, with both sides of every mismatch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import in_order, issuers_of
from mtlskit.certs.signing import signed_by, verified
from mtlskit.material import Because
from mtlskit.rules import in_print
from mtlskit.rules.evidence import Offered, at_hand, clause, listed, offered
from mtlskit.rules.rule import Answer, Clear, Found, Inapplicable, rule

if TYPE_CHECKING:
    from mtlskit.certs.path_rules import Reason

_DAY = "%Y-%m-%d %H:%M:%S UTC"
_USE = ("purpose", "key-usage")
"""Reasons that are the leaf's own fault or an issuer's, by where they stand."""
_ISSUING = ("not-a-ca", "basic-constraints", "path-length", "name-constraint")
_WEAK = ("weak-key", "weak-signature")
_PROFILE = ("malformed", "version", "critical-extension", "san", "serial")
_SOME_BYTES, _MOST_BYTES = 16_000, 100_000
_LIMITS = (
    "servers take so much and no more: mbed TLS 16 kB, Java 32 kB "
    "(jdk.tls.maxHandshakeMessageSize), Go 64 or 256 kB, OpenSSL 100 kB "
    "(SSL_CTX_set_max_cert_list), GnuTLS 128 kB"
)


def _told(text: str, certificate: Certificate) -> Because:
    return Because(text, certificate.source)


def _faults(case: Case, ours: Offered) -> list[Reason]:
    """Ask everything of the chain that can be asked without knowing whom the server trusts."""
    from mtlskit.certs import path_rules  # noqa: PLC0415 - a room that a pasted line never needs

    chain = (ours.leaf, *issuers_of(ours.leaf, ours.chain[1:]))
    walk = path_rules.Walk(chain, anchored=False, role="client", at=case.need_time())
    return path_rules.reasons(walk)


def _of_codes(case: Case, ours: Offered, *codes: str) -> tuple[Because, ...]:
    return tuple(_because(one, ours) for one in _faults(case, ours) if one.code in codes)


def _because(one: Reason, ours: Offered) -> Because:
    sides = f" ({one.presented}; needed: {one.expected})" if one.expected else ""
    seen = " and was sent" if ours.sent and one.code in ("expired", "not-yet-valid") else ""
    return clause(f"{one.because.rstrip('.')}{seen}{sides}", one.certificate.source)


@rule(
    "client.expired",
    title="Is a certificate in the client's chain out of date?",
    cites="RFC 5280, 4.1.2.5 and 6.1.3 (a)(2)",
)
def expired(case: Case) -> Answer:
    """Compare each notAfter with the time of the failure."""
    if (told := in_print.expired(case)) is not None:
        return told
    ours = offered(case)
    late = [one for one in _faults(case, ours) if one.code == "expired"]
    if late:
        name = late[0].certificate.label
        return Found(
            tuple(_because(one, ours) for one in late),
            remedy=f"Renew {name} and replace it in the client's key store, with its chain.",
        )
    first = min(ours.chain, key=lambda one: one.not_after)
    return Clear((_told(f"{first.label} is valid until {first.not_after:{_DAY}}", first),))


@rule(
    "client.not-yet-valid",
    title="Is a certificate in the client's chain not valid yet?",
    cites="RFC 5280, 4.1.2.5 and 6.1.3 (a)(2)",
)
def not_yet_valid(case: Case) -> Answer:
    """Compare each notBefore with the time of the failure."""
    if (told := in_print.not_yet_valid(case)) is not None:
        return told
    ours = offered(case)
    early = _of_codes(case, ours, "not-yet-valid")
    if early:
        return Found(early)
    last = max(ours.chain, key=lambda one: one.not_before)
    return Clear((_told(f"{last.label} is valid since {last.not_before:{_DAY}}", last),))


@rule(
    "client.purpose",
    title="May the client's certificate be used for client authentication?",
    cites="RFC 5280, 4.2.1.12 and 4.2.1.3",
)
def purpose(case: Case) -> Answer:
    """Look for clientAuth in the EKU and digitalSignature in the KU, where they are present."""
    if (told := in_print.purpose(case)) is not None:
        return told
    ours = offered(case)
    leaf = ours.leaf
    faults = [one for one in _faults(case, ours) if one.code in _USE and one.certificate is leaf]
    if faults:
        return Found(tuple(_because(one, ours) for one in faults))
    if leaf.eku is None:
        text = f"{leaf.label} has no extended key usage, which allows every purpose"
        return Clear((_told(text, leaf),))
    if "clientAuth" not in leaf.eku:
        text = (
            f"the extended key usage of {leaf.label} is anyExtendedKeyUsage without clientAuth, "
            "which OpenSSL and BoringSSL refuse and others accept"
        )
        return Found((_told(text, leaf),), decisive=False)
    return Clear((_told(f"{leaf.label} has the extended key usage clientAuth", leaf),))


@rule(
    "client.issuer-purpose",
    title="May the CAs in the client's chain issue what they issued?",
    cites="RFC 5280, 4.2.1.9, 4.2.1.10, 4.2.1.3 and 6.1.4 (k) to (n)",
)
def issuer_purpose(case: Case) -> Answer:
    """Look at CA flag, key usage, EKU, path length and name constraints of each issuer."""
    if (told := in_print.issuer_purpose(case)) is not None:
        return told
    ours = offered(case)
    issuers = issuers_of(ours.leaf, ours.chain[1:])
    if not issuers:
        return Inapplicable((Because("no issuer was in the chain that the client has"),))
    faults = tuple(
        _because(one, ours)
        for one in _faults(case, ours)
        if one.code in _ISSUING or (one.code in _USE and one.certificate is not ours.leaf)
    )
    if faults:
        return Found(faults)
    return Clear(
        tuple(_told(f"{one.label} is a CA that may sign certificates", one) for one in issuers)
    )


@rule(
    "client.chain-order",
    title="Does each certificate of the client's chain follow the one that it signed?",
    cites="RFC 5246, 7.4.2; RFC 8446, 4.4.2",
)
def chain_order(case: Case) -> Answer:
    """Compare the order with the one in which issuer follows issuer; most servers take any."""
    ours = offered(case)
    others = ours.chain[1:]
    if in_order(ours.leaf, others):
        return Clear((_told("each certificate follows the one that it signed", ours.leaf),))
    order = ", then ".join(one.label for one in ours.chain)
    right = ", then ".join(one.label for one in (ours.leaf, *issuers_of(ours.leaf, others)))
    text = f"the chain that {ours.verb} goes {order}; in order it is {right}"
    return Found((_told(text, ours.leaf),), decisive=False)


@rule(
    "client.self-signed",
    title="Is the client's certificate its own issuer?",
    cites="RFC 5280, 3.2",
)
def self_signed(case: Case) -> Answer:
    """Look whether the leaf signed itself, and whether the server is seen to list it."""
    if (told := in_print.self_signed(case)) is not None:
        return told
    leaf = offered(case).leaf
    if not leaf.self_issued:
        return Clear((_told(f"{leaf.label} was issued by {leaf.issuer}", leaf),))
    if not signed_by(leaf, leaf):
        return Clear(
            (_told(f"{leaf.label} names itself as issuer, but another key signed it", leaf),)
        )
    if case.trace is not None and case.trace.asked is not None and listed(case, (leaf,)):
        return Inapplicable(
            (Because(f"the server's CA list names {leaf.subject} itself", case.trace.asked.source),)
        )
    text = f"{leaf.label} signed itself: subject and issuer are {leaf.subject}"
    return Found((_told(text, leaf),))


@rule(
    "client.weak",
    title="Is a key or hash in the client's chain too weak?",
    cites="RFC 9155; NIST SP 800-131A",
)
def weak(case: Case) -> Answer:
    """Look at each key's size and each signature's hash; a root's own signature does not count."""
    if (told := in_print.weak(case)) is not None:
        return told
    ours = offered(case)
    faults = _of_codes(case, ours, *_WEAK)
    if faults:
        return Found(faults)
    leaf = ours.leaf
    text = f"{leaf.label} has the key {leaf.key} and the signature {leaf.signature_algorithm}"
    return Clear((_told(text, leaf),))


@rule(
    "client.profile",
    title="Does the client's certificate keep to its profile?",
    cites="RFC 5280, 4.1.2.1, 4.2 and 6.1.3 (a)(1)",
)
def profile(case: Case) -> Answer:
    """Look for a damaged signature, a size that servers refuse, a CA used as leaf, and the like."""
    ours = offered(case)
    leaf = ours.leaf
    faults = _of_codes(case, ours, *_PROFILE) + _not_signed(case, ours)
    size = sum(len(one.der) for one in ours.chain)
    if size > _MOST_BYTES:
        faults += (_told(f"the chain that {ours.verb} has {size:,} bytes; {_LIMITS}", leaf),)
    if leaf.ca and not leaf.self_issued:
        faults += (_told(f"{leaf.label} is a CA certificate used as a client's own", leaf),)
    if faults:
        return Found(faults)
    if size > _SOME_BYTES:
        text = f"the chain that {ours.verb} has {size:,} bytes; {_LIMITS}"
        return Found((_told(text, leaf),), decisive=False)
    text = f"{leaf.label} is a version {leaf.version} certificate without unknown extensions"
    return Clear((_told(text, leaf),))


def _not_signed(case: Case, ours: Offered) -> tuple[Because, ...]:
    """Tell each signature that was not made with the key of the issuer beside it, nor of another.

    Where another certificate of the issuer's name is at hand and fits, only the chain is wrong.
    """
    links = pairwise((ours.leaf, *issuers_of(ours.leaf, ours.chain[1:])))
    return tuple(
        _told(
            f"the signature of {child.label} was not made with the key of {issuer.label}, which "
            f"{ours.verb} with it",
            child,
        )
        for child, issuer in links
        if verified(child, issuer.key.spki) is False
        and not any(signed_by(child, other) for other in at_hand(case))
    )


@rule(
    "client.key-mismatch",
    title="Does the private key belong to the certificate?",
    cites="RFC 8446, 4.4.3",
)
def key_mismatch(case: Case) -> Answer:
    """Compare the public half of each private key with its certificate's."""
    identities = case.need_identities()
    with_keys = [one for one in identities if one.key is not None]
    wrong = [one for one in with_keys if one.key_matches is False]
    if wrong:
        return Found(
            tuple(
                Because(
                    f"the private key does not belong to {one.certificate.label}: "
                    "their public keys differ",
                    one.source,
                )
                for one in wrong
            ),
            decisive=all(one in wrong for one in ((case.chosen,) if case.chosen else identities)),
        )
    if not with_keys:
        raise Missing("the private key", "Give the key file, or the store that holds the key.")
    return Clear(
        tuple(
            Because(f"the private key belongs to {one.certificate.label}", one.source)
            for one in with_keys
        )
    )


@rule(
    "client.key-locked",
    title="Could the private key be opened?",
    cites="RFC 7292, 4.2.2",
)
def key_locked(case: Case) -> Answer:
    """Look for a key whose password is not the one given."""
    return _unread(case, ("key-password",), "every private key that was given could be opened")


@rule(
    "client.store-unreadable",
    title="Could the client's key store be read?",
    cites="RFC 7292, 4",
)
def store_unreadable(case: Case) -> Answer:
    """Look for a store that could not be opened: password, algorithm or damage, told apart."""
    codes: tuple[str, ...] = ("wrong-password", "damaged", "no-password")
    if case.target is not None and not case.traces:
        # Among the files of a case anything may lie; what was given as identity is meant as one.
        codes = (*codes, "not-recognised", "empty", "archive")
    return _unread(case, (*codes, *_TELL_WHAT_TO_DO), "every file that was given could be read")


_TELL_WHAT_TO_DO = ("unsupported", "too-costly")
_OWN_REMEDY = frozenset({*_TELL_WHAT_TO_DO, "archive"})
"""Problems whose own text says what to do; of the others the cause does."""


def _unread(case: Case, codes: tuple[str, ...], otherwise: str) -> Answer:
    bad = [one for one in case.problems if one.code in codes]
    if not bad:
        case.need_identities()
        return Clear((Because(otherwise),))
    if case.traces and case.trace is not None and case.trace.sent_certificate:
        # Our not being able to open the store is no reason why that connection failed.
        text = "the client had opened its key store: it sent a certificate"
        return Inapplicable((Because(text, case.trace.source),))
    if case.traces and not {one.code for one in bad} - {"no-password"}:
        text = "no password was given for it here; what the client could open is not known"
        return Inapplicable((Because(text, bad[0].source),))
    usable = any(one.key_matches for one in case.identities or ()) or bool(case.traces)
    because = tuple(clause(one.text, one.source) for one in bad)
    remedy = bad[0].text if bad[0].code in _OWN_REMEDY else None
    return Found(because, remedy=remedy, decisive=not usable)
