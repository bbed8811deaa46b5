"""What makes a path of certificates unfit, one rule a function (RFC 5280, 6.1, and what TLS adds).

Law of this room: each rule looks at the whole path and yields every place where it is broken, with
both sides. A rule knows nothing of the others, and none of them knows how the path was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from mtlskit.certs import policies, revocation
from mtlskit.certs.extension_rules import critical_extensions, malformed, unread
from mtlskit.certs.name_rules import alternative_names, name_constraints, wanted_name
from mtlskit.certs.signing import verified
from mtlskit.certs.walk import CODES, Reason, Role, Rule, Walk

__all__ = [
    "CODES",
    "HINTS",
    "RULES",
    "Reason",
    "Role",
    "Rule",
    "Walk",
    "alternative_names",
    "ca_flags",
    "certificate_policies",
    "critical_extensions",
    "dates",
    "depth",
    "key_identifiers",
    "key_strength",
    "key_usages",
    "malformed",
    "name_constraints",
    "path_lengths",
    "purposes",
    "reasons",
    "revocations",
    "serials",
    "signature_strength",
    "signatures",
    "versions",
    "wanted_name",
]

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


def reasons(walk: Walk, rules: Iterable[Rule] | None = None) -> list[Reason]:
    """Ask the rules (`RULES`); the most decisive reason first, then from the leaf upwards."""
    found = [reason for rule in rules or RULES for reason in rule(walk)]
    place = {one.der: at for at, one in enumerate(walk.certificates)}
    return sorted(found, key=lambda one: (CODES.index(one.code), place[one.certificate.der]))


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "nothing"


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


def certificate_policies(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1: where a policy is demanded, one holds from the anchor to the leaf."""
    for one in policies.faults(walk.below_anchor(), walk.policies):
        if one.code == "malformed" and any(unread(one.certificate)):
            continue  # the rule `malformed` says so
        yield Reason(one.code, one.certificate, one.because, one.expected, one.presented)


def revocations(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.3, for each certificate whose issuer is on the path."""
    lists = revocation.Lists(
        walk.crls, walk.certificates, walk.others, walk.at, responses=walk.responses
    )
    for one in revocation.faults(lists):
        yield Reason(one.code, one.certificate, one.because, one.expected, one.presented)


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
