"""What makes a path of certificates unfit, one rule a function (RFC 5280, 6.1, and what TLS adds).

Law of this room: each rule looks at the whole path and yields every place where it is broken, with
both sides. A rule knows nothing of the others, and none of them knows how the path was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Literal

from mtlskit.certs import asn1, names, policies, revocation
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.constraints import Constraints, constraints_from, violations
from mtlskit.certs.extensions import NAME_CONSTRAINTS, SUBJECT_ALT_NAME
from mtlskit.certs.ocsp import Response
from mtlskit.certs.signed import Crl
from mtlskit.certs.signing import verified

Role = Literal["client", "server"]

CODES = (
    # The closed list, in the order in which one is more decisive than another: what cannot be
    # read, what does not lead to an anchor, what does not hold, what is not allowed.
    "malformed",
    "budget",
    "untrusted-root",
    "missing-issuer",
    "bad-signature",
    "revoked",
    "expired",
    "not-yet-valid",
    "version",
    "not-a-ca",
    "basic-constraints",
    "key-usage",
    "path-length",
    "critical-extension",
    "name-constraint",
    "policy",
    "purpose",
    "san",
    "name-mismatch",
    "weak-key",
    "weak-signature",
    "key-identifier",
    "serial",
    "revocation-unknown",
)

_PURPOSE: dict[Role, str] = {"client": "clientAuth", "server": "serverAuth"}
_USAGE: dict[Role, frozenset[str]] = {
    # RFC 8446, 4.4.2.2 and 4.4.2.4; RFC 5246, 7.4.2 allows a server's RSA and static keys
    "client": frozenset({"digitalSignature"}),
    "server": frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"}),
}
_FLOOR = {"RSA": 2048, "RSA-PSS": 2048, "DSA": 2048, "EC": 224}
"""Bits of a key that is not called weak (NIST SP 800-131A)."""
_WEAK_HASHES = ("md2", "md5", "sha1")
"""RFC 9155 and RFC 6151; a signature by such a hash is called weak."""
_SERIAL_OCTETS = 20
"""RFC 5280, 4.1.2.2."""
_PROCESSED = frozenset(
    {
        "authorityKeyIdentifier",
        "basicConstraints",
        "certificatePolicies",
        "extKeyUsage",
        "inhibitAnyPolicy",
        "issuerAltName",
        "keyUsage",
        "nameConstraints",
        "policyConstraints",
        "policyMappings",
        "subjectAltName",
        "subjectKeyIdentifier",
    }
)
"""Extensions that may be critical, because they are looked at (RFC 5280, 4.2)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for which a path is not accepted.

    Attributes:
        code: one of `CODES`.
        certificate: the one at fault.
        because: a sentence with the certificate's name in it.
        expected, presented: both sides, where the matter has two.
    """

    code: str
    certificate: Certificate
    because: str
    expected: str = ""
    presented: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """A path to be judged, and what it is to be used for.

    Attributes:
        certificates: the leaf first, the anchor (or what comes nearest to one) last.
        anchored: whether the last one is trusted.
        crls: revocation lists; if there is one, each certificate must be covered.
        others: further certificates at hand, of which one may have signed a list.
        policies: what the verifier asks of certificate policies.
        responses: OCSP responses; if there is one, the leaf must be covered at least.
    """

    certificates: tuple[Certificate, ...]
    anchored: bool
    role: Role
    at: datetime
    name: str | None = None
    max_depth: int | None = None
    crls: tuple[Crl, ...] = ()
    others: tuple[Certificate, ...] = ()
    policies: policies.Wanted = policies.NOTHING
    responses: tuple[Response, ...] = ()

    @property
    def leaf(self) -> Certificate:
        """The certificate that is asked about."""
        return self.certificates[0]

    @property
    def issuers(self) -> tuple[Certificate, ...]:
        """All but the leaf."""
        return self.certificates[1:]

    def below_anchor(self) -> tuple[Certificate, ...]:
        """All that somebody else vouches for: not a trusted certificate, not a root."""
        last = self.certificates[-1]
        trusted = self.anchored or (last.self_issued and len(self.certificates) > 1)
        return self.certificates[:-1] if trusted else self.certificates


Rule = Callable[[Walk], Iterator[Reason]]


def reasons(walk: Walk, rules: Iterable[Rule] | None = None) -> list[Reason]:
    """Ask the rules (`RULES`); the most decisive reason first, then from the leaf upwards."""
    found = [reason for rule in rules or RULES for reason in rule(walk)]
    place = {one.der: at for at, one in enumerate(walk.certificates)}
    return sorted(found, key=lambda one: (CODES.index(one.code), place[one.certificate.der]))


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "nothing"


def malformed(walk: Walk) -> Iterator[Reason]:
    """What could not be read; a malformed subjectAltName is the rule `san`'s."""
    for one in walk.certificates:
        for problem in one.problems:
            if not problem.text.startswith("The extension subjectAltName is"):
                yield Reason("malformed", one, f"{one.label}: {problem.text}")


def dates(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.3 (a)(2); anchors are held to theirs too, as OpenSSL and Go do."""
    for one in walk.certificates:
        if one.not_after < walk.at:
            text = f"{one.label} expired at {_moment(one.not_after)}."
            yield Reason(
                "expired", one, text, f"valid at {_moment(walk.at)}", _moment(one.not_after)
            )
        elif one.not_before > walk.at:
            text = f"{one.label} is valid from {_moment(one.not_before)} only."
            yield Reason(
                "not-yet-valid", one, text, f"valid at {_moment(walk.at)}", _moment(one.not_before)
            )


def signatures(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.3 (a)(1)."""
    for child, issuer in pairwise(walk.certificates):
        held = verified(child, issuer.key.spki)
        if held is None:
            text = (
                f"The signature on {child.label} ({child.signature_algorithm}) by the key of "
                f"{issuer.label} ({issuer.key}) is of a kind that cannot be checked here."
            )
            yield Reason("bad-signature", child, text, str(issuer.key), child.signature_algorithm)
        elif not held:
            text = (
                f"The signature on {child.label} was not made with the key of {issuer.label}: the "
                "certificate was changed, or another CA of the same name issued it."
            )
            yield Reason("bad-signature", child, text, f"signed by {issuer.key}", "does not verify")


def versions(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.1.2.1 and 6.1.4 (k): version 3; a trusted root may be of version 1."""
    below = len(walk.below_anchor())
    for at, one in enumerate(walk.certificates):
        if one.version != 3 and (at < below or one.version not in {1, 2}):  # noqa: PLR2004 - the version's own number
            text = f"{one.label} is a certificate of version {one.version}; version 3 is needed."
            yield Reason("version", one, text, "3", str(one.version))


def ca_flags(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.4 (k) and 4.2.1.9."""
    for one in walk.issuers:
        if one.ca is False:
            text = f"{one.label} issued a certificate, and its basic constraints say it is no CA."
            yield Reason("not-a-ca", one, text, "CA", "no CA")
        elif one.ca is None and one.version == 3:  # noqa: PLR2004 - the first with extensions
            text = f"{one.label} issued a certificate, and it has no basic constraints."
            yield Reason("basic-constraints", one, text, "CA", "not present")
    for one in walk.certificates:
        if one.path_length is not None and (not one.ca or one.path_length < 0):
            text = f"{one.label} has a path length, which only a CA has, and it is no CA."
            yield Reason("basic-constraints", one, text, "none", str(one.path_length))


def path_lengths(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.4 (l) and (m): self-issued certificates do not count."""
    below = 0
    for one in walk.issuers:
        limit = one.path_length
        if one.ca and limit is not None and 0 <= limit < below:
            text = f"{one.label} allows {limit} CA certificates below it, and the path has {below}."
            yield Reason("path-length", one, text, str(limit), str(below))
        below += not one.self_issued


def depth(walk: Walk) -> Iterator[Reason]:
    """The verifier's own limit: so many intermediates between leaf and anchor."""
    between = len(walk.below_anchor()) - 1
    if walk.max_depth is not None and between > walk.max_depth:
        at_fault = walk.certificates[walk.max_depth + 1]
        text = (
            f"{at_fault.label} lies too deep: the path has {between} intermediate "
            f"certificate{'s' * (between > 1)}, and the verifier goes no deeper than "
            f"{walk.max_depth}."
        )
        yield Reason("path-length", at_fault, text, str(walk.max_depth), str(between))


def key_usages(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.4 (n) for issuers, 4.2.1.3 and TLS for the leaf."""
    for one in walk.issuers:
        if one.ku is not None and "keyCertSign" not in one.ku:
            text = f"{one.label} issued a certificate, and its key usage does not allow that."
            yield Reason("key-usage", one, text, "keyCertSign", _listed(one.ku))
    leaf, wanted = walk.leaf, _USAGE[walk.role]
    if leaf.ku is not None and not wanted & set(leaf.ku):
        text = f"The key usage of {leaf.label} does not allow it to be used by a TLS {walk.role}."
        yield Reason("key-usage", leaf, text, " or ".join(sorted(wanted)), _listed(leaf.ku))


def purposes(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.12; an issuer's EKU limits what it issues, as nearly all verifiers hold."""
    wanted = _PURPOSE[walk.role]
    for one in walk.certificates:
        if one.eku is None or wanted in one.eku or "anyExtendedKeyUsage" in one.eku:
            continue
        what = "may not be used by" if one is walk.leaf else "may not issue certificates for"
        text = f"{one.label} {what} a TLS {walk.role}: its extended key usage lacks {wanted}."
        yield Reason("purpose", one, text, wanted, _listed(one.eku))


def critical_extensions(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.4 (o) and 6.1.5 (f)."""
    for one in walk.certificates:
        for extension in one.extensions:
            if extension.critical and extension.name not in _PROCESSED:
                text = f"{one.label} has the critical extension {extension.name}, which few know."
                yield Reason("critical-extension", one, text, "known", extension.name)


PAIRS_LIMIT = 10_000
"""Names times subtrees that are compared for one certificate and one CA; honest: some hundreds."""
TOLD_LIMIT = 20
"""Broken name constraints that are told of one path."""
_BASES_LIMIT = 5


def name_constraints(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.3 (b) and (c): each CA's limits hold for all below it but self-issued CAs."""
    return islice(_name_constraints(walk), TOLD_LIMIT)


def _name_constraints(walk: Walk) -> Iterator[Reason]:
    for at, issuer in enumerate(walk.certificates):
        extension = issuer.extension(NAME_CONSTRAINTS)
        if extension is None:
            continue
        try:
            limits = constraints_from(extension.value)
        except asn1.Asn1Error as error:
            text = f"The name constraints of {issuer.label} are malformed: {error}."
            yield Reason("malformed", issuer, text)
            continue
        for one in walk.certificates[:at]:
            if one.self_issued and one is not walk.leaf:
                continue
            if reason := too_many_names(limits, issuer, one):
                yield reason
                continue
            for bad in violations(limits, one):
                bases = listed_bases(bad.bases)
                text = (
                    f"The name {bad.name.value} in {one.label} {bad.because} "
                    f"of {issuer.label}: {bases}."
                )
                yield Reason("name-constraint", one, text, bases, bad.name.value)


def too_many_names(limits: Constraints, issuer: Certificate, one: Certificate) -> Reason | None:
    """Why names are not held to the constraints: to compare them all would take too long."""
    named = len(one.san or ()) + sum(map(len, one.subject.rdns)) + 1
    trees = len(limits.permitted) + len(limits.excluded)
    if named * trees <= PAIRS_LIMIT:
        return None
    text = (
        f"{one.label} has {named} names and {issuer.label} {trees} name constraints: "
        "too many to compare them all."
    )
    expected = f"at most {PAIRS_LIMIT} pairs"
    return Reason("malformed", one, text, expected, f"{named * trees} pairs")


def listed_bases(bases: Sequence[str]) -> str:
    """The first few bases, and how many more there are."""
    more = len(bases) - _BASES_LIMIT
    shown = ", ".join(bases[:_BASES_LIMIT])
    return f"{shown} and {more} more" if more > 0 else shown


def certificate_policies(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1: where a policy is demanded, one holds from the anchor to the leaf."""
    for one in policies.faults(walk.below_anchor(), walk.policies):
        yield Reason(one.code, one.certificate, one.because, one.expected, one.presented)


def revocations(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.3, for each certificate whose issuer is on the path."""
    lists = revocation.Lists(
        walk.crls, walk.certificates, walk.others, walk.at, responses=walk.responses
    )
    for one in revocation.faults(lists):
        yield Reason(one.code, one.certificate, one.because, one.expected, one.presented)


def alternative_names(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.6: well-formed, not empty, and critical where the subject is empty."""
    for one in walk.certificates:
        extension = one.extension(SUBJECT_ALT_NAME)
        if extension is not None and not one.san:
            how = "empty" if one.san == () else "malformed"
            text = f"The subjectAltName of {one.label} is {how}."
            yield Reason("san", one, text, "one name at least", how)
        elif not one.subject.rdns and extension is None:
            text = f"{one.label} has neither a subject nor a subjectAltName."
            yield Reason("san", one, text, "a subjectAltName", "not present")
        elif not one.subject.rdns and extension is not None and not extension.critical:
            text = f"{one.label} has no subject, and its subjectAltName is not critical."
            yield Reason("san", one, text, "critical", "not critical")


def wanted_name(walk: Walk) -> Iterator[Reason]:
    """RFC 9525: the leaf speaks for the name that was called."""
    if walk.name is None:
        return
    answer = names.match(walk.leaf, walk.name)
    if not answer.matched:
        code = "name-mismatch" if walk.leaf.extension(SUBJECT_ALT_NAME) else "san"
        shown = ", ".join(answer.presented) or "none"
        text = f"{walk.leaf.label} does not speak for {walk.name}. {answer.because}"
        yield Reason(code, walk.leaf, text, walk.name, shown)


def key_strength(walk: Walk) -> Iterator[Reason]:
    """NIST SP 800-131A; OpenSSL's security level 2."""
    for one in walk.certificates:
        floor = _FLOOR.get(one.key.kind)
        if floor and one.key.bits is not None and one.key.bits < floor:
            text = f"The {one.key.kind} key of {one.label} has {one.key.bits} bits only."
            yield Reason("weak-key", one, text, f"{floor} bits or more", f"{one.key.bits} bits")


def signature_strength(walk: Walk) -> Iterator[Reason]:
    """RFC 9155 and RFC 6151; what a root or anchor says of itself does not count."""
    for one in walk.below_anchor():
        algorithm = one.signature_algorithm.lower().replace("-", "")
        if any(weak in algorithm for weak in _WEAK_HASHES):
            text = f"The signature on {one.label} uses a weak hash: {one.signature_algorithm}."
            yield Reason("weak-signature", one, text, "SHA-256 or better", one.signature_algorithm)


def key_identifiers(walk: Walk) -> Iterator[Reason]:
    """The child names its issuer's key: a hint in RFC 5280, 4.2.1.1; OpenSSL and Java insist."""
    for child, issuer in pairwise(walk.certificates):
        if child.aki and issuer.ski and child.aki != issuer.ski:
            text = (
                f"{child.label} names the key of its issuer otherwise than {issuer.label} does: "
                "authority and subject key identifier differ. OpenSSL and Java refuse that."
            )
            yield Reason("key-identifier", child, text, issuer.ski.hex(), child.aki.hex())


def serials(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.1.2.2: positive, at most 20 octets."""
    for one in walk.below_anchor():
        octets = one.serial.bit_length() // 8 + 1
        if one.serial <= 0 or octets > _SERIAL_OCTETS:
            text = f"The serial number of {one.label} is not positive, or longer than 20 bytes."
            yield Reason("serial", one, text, "1 to 20 bytes, positive", f"{one.serial:x}")


RULES: tuple[Rule, ...] = (
    malformed,
    dates,
    signatures,
    versions,
    ca_flags,
    path_lengths,
    depth,
    key_usages,
    purposes,
    critical_extensions,
    name_constraints,
    certificate_policies,
    revocations,
    alternative_names,
    wanted_name,
    key_strength,
    signature_strength,
    serials,
)
"""The rules of RFC 5280, by which a path is refused."""

HINTS: tuple[Rule, ...] = (key_identifiers,)
"""What RFC 5280 lets pass and well-known verifiers do not."""
