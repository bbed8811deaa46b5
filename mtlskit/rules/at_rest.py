"""Rules that need the client's own material only: what is wrong with it before anyone is called.

Law of this room: each rule looks at the chain that was sent, or would be, and names the certificate
that is at fault, with both sides of every mismatch.
"""

from __future__ import annotations

from datetime import datetime

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import issuers_of
from mtlskit.certs.signing import signed_by
from mtlskit.material import Because
from mtlskit.rules.evidence import clause, listed, offered
from mtlskit.rules.rule import Answer, Clear, Found, Inapplicable, rule

_WEAK_HASHES = ("md5", "sha1")
_RSA_FLOOR = 2048
"""Bits. OpenSSL's security level 2 and most CAs' rules refuse less."""
_KNOWN_CRITICAL = frozenset(
    {
        "basicConstraints",
        "keyUsage",
        "extKeyUsage",
        "subjectAltName",
        "nameConstraints",
        "certificatePolicies",
        "policyConstraints",
        "policyMappings",
        "inhibitAnyPolicy",
    }
)
"""Extensions that RFC 5280, 4.2 requires everyone to process."""


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _told(text: str, certificate: Certificate) -> Because:
    return Because(text, certificate.source)


@rule(
    "client.expired",
    title="Is a certificate in the client's chain out of date?",
    cites="RFC 5280, 4.1.2.5 and 6.1.3 (a)(2)",
)
def expired(case: Case) -> Answer:
    """Compare each notAfter with the time of the failure."""
    ours, now = offered(case), case.need_time()
    late = [one for one in ours.chain if one.not_after < now]
    if late:
        return Found(
            tuple(
                _told(
                    f"{one.label} expired at {_day(one.not_after)}; it {ours.verb} at {_day(now)}",
                    one,
                )
                for one in late
            ),
            remedy=f"Renew {late[0].label} and replace it in the client's key store, "
            "with its chain.",
        )
    first = min(ours.chain, key=lambda one: one.not_after)
    return Clear((_told(f"{first.label} is valid until {_day(first.not_after)}", first),))


@rule(
    "client.not-yet-valid",
    title="Is a certificate in the client's chain not valid yet?",
    cites="RFC 5280, 4.1.2.5 and 6.1.3 (a)(2)",
)
def not_yet_valid(case: Case) -> Answer:
    """Compare each notBefore with the time of the failure."""
    ours, now = offered(case), case.need_time()
    early = [one for one in ours.chain if one.not_before > now]
    if early:
        return Found(
            tuple(
                _told(
                    f"{one.label} is valid from {_day(one.not_before)}; "
                    f"it {ours.verb} at {_day(now)}",
                    one,
                )
                for one in early
            )
        )
    last = max(ours.chain, key=lambda one: one.not_before)
    return Clear((_told(f"{last.label} is valid since {_day(last.not_before)}", last),))


@rule(
    "client.purpose",
    title="May the client's certificate be used for client authentication?",
    cites="RFC 5280, 4.2.1.12 and 4.2.1.3",
)
def purpose(case: Case) -> Answer:
    """Look for clientAuth in the EKU and digitalSignature in the KU, where they are present."""
    leaf = offered(case).leaf
    faults = []
    if leaf.eku is not None and "clientAuth" not in leaf.eku:
        said = ", ".join(leaf.eku) or "nothing"
        faults.append(
            _told(f"the extended key usage of {leaf.label} is {said}; clientAuth is needed", leaf)
        )
    if leaf.ku is not None and "digitalSignature" not in leaf.ku:
        said = ", ".join(leaf.ku) or "nothing"
        faults.append(
            _told(f"the key usage of {leaf.label} is {said}; digitalSignature is needed", leaf)
        )
    if faults:
        # Some servers take anyExtendedKeyUsage for clientAuth; OpenSSL and BoringSSL do not.
        return Found(tuple(faults), decisive="anyExtendedKeyUsage" not in (leaf.eku or ()))
    said = "has no extended key usage, which allows every purpose"
    if leaf.eku is not None:
        said = "has the extended key usage clientAuth"
    return Clear((_told(f"{leaf.label} {said}", leaf),))


@rule(
    "client.issuer-purpose",
    title="May the CAs in the client's chain issue what they issued?",
    cites="RFC 5280, 4.2.1.9, 4.2.1.3 and 6.1.4 (k) to (n)",
)
def issuer_purpose(case: Case) -> Answer:
    """Look at CA flag, key usage, EKU and path length of each issuer in the chain."""
    ours = offered(case)
    issuers = issuers_of(ours.leaf, ours.chain[1:])
    if not issuers:
        return Inapplicable((Because("no issuer was in the chain that the client has"),))
    faults = [
        fault for below, issuer in enumerate(issuers) for fault in _issuer_faults(issuer, below)
    ]
    if faults:
        return Found(tuple(faults))
    if any(each.name == "nameConstraints" for one in issuers for each in one.extensions):
        raise Missing("a check of the name constraints", "Run mtlskit verify on the chain.")
    return Clear(
        tuple(_told(f"{one.label} is a CA that may sign certificates", one) for one in issuers)
    )


def _issuer_faults(issuer: Certificate, cas_below: int) -> list[Because]:
    faults = []
    if not issuer.ca:
        faults.append("its basic constraints do not say that it is a CA")
    elif issuer.path_length is not None and issuer.path_length < cas_below:
        faults.append(
            f"it allows {issuer.path_length} CA certificates below it, and there are {cas_below}"
        )
    if issuer.ku is not None and "keyCertSign" not in issuer.ku:
        said = ", ".join(issuer.ku) or "nothing"
        faults.append(f"its key usage is {said}; keyCertSign is needed")
    if issuer.eku is not None and not {"clientAuth", "anyExtendedKeyUsage"} & set(issuer.eku):
        faults.append(f"its extended key usage is {', '.join(issuer.eku)}; clientAuth is needed")
    return [_told(f"{issuer.label} issued a certificate, and {one}", issuer) for one in faults]


@rule(
    "client.self-signed",
    title="Is the client's certificate its own issuer?",
    cites="RFC 5280, 3.2",
)
def self_signed(case: Case) -> Answer:
    """Look whether the leaf signed itself, and whether the server is seen to list it."""
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
    cites="RFC 9155; OpenSSL security level 2",
)
def weak(case: Case) -> Answer:
    """Look at each key's size and each signature's hash; a root's own signature does not count."""
    chain = offered(case).chain
    faults = [fault for one in chain for fault in _weakness(one)]
    if faults:
        return Found(tuple(faults))
    return Clear(
        (
            _told(
                f"{chain[0].label} has the key {chain[0].key} and the signature "
                f"{chain[0].signature_algorithm}",
                chain[0],
            ),
        )
    )


def _weakness(one: Certificate) -> list[Because]:
    faults = []
    if one.key.kind == "RSA" and one.key.bits is not None and one.key.bits < _RSA_FLOOR:
        faults.append(f"the RSA key of {one.label} has {one.key.bits} bits; {_RSA_FLOOR} is needed")
    algorithm = one.signature_algorithm.lower().replace("-", "")
    if not one.self_issued and any(weak in algorithm for weak in _WEAK_HASHES):
        faults.append(f"the signature on {one.label} is {one.signature_algorithm}")
    return [_told(text, one) for text in faults]


@rule(
    "client.profile",
    title="Does the client's certificate keep to its profile?",
    cites="RFC 5280, 4.1.2.1 and 4.2",
)
def profile(case: Case) -> Answer:
    """Look for a CA used as leaf, unknown critical extensions, and what could not be read."""
    chain = offered(case).chain
    faults = [
        _told(f"{one.label} has the critical extension {extension.name}, which few know", one)
        for one in chain
        for extension in one.extensions
        if extension.critical and extension.name not in _KNOWN_CRITICAL
    ]
    faults += [
        clause(f"{one.label}: {bad.text}", bad.source) for one in chain for bad in one.problems
    ]
    faults += _leaf_faults(chain[0])
    if faults:
        return Found(tuple(faults))
    return Clear(
        (
            _told(
                f"{chain[0].label} is a version {chain[0].version} certificate without "
                "unknown critical extensions",
                chain[0],
            ),
        )
    )


def _leaf_faults(leaf: Certificate) -> list[Because]:
    if leaf.version is not None and leaf.version < 3:  # noqa: PLR2004 - RFC 5280, 4.1.2.1
        return [_told(f"{leaf.label} is a version {leaf.version} certificate; 3 is needed", leaf)]
    if leaf.ca and not leaf.self_issued:
        return [_told(f"{leaf.label} is a CA certificate used as a client's own", leaf)]
    return []


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
    codes = ("wrong-password", "unsupported", "damaged", "not-recognised", "empty", "no-password")
    return _unread(case, codes, "every file that was given could be read")


def _unread(case: Case, codes: tuple[str, ...], otherwise: str) -> Answer:
    bad = [one for one in case.problems if one.code in codes]
    if not bad:
        case.need_identities()
        return Clear((Because(otherwise),))
    usable = any(one.key_matches for one in case.identities or ())
    because = tuple(clause(one.text, one.source) for one in bad)
    return Found(because, remedy=bad[0].text, decisive=not usable)
