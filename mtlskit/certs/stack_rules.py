"""The rules of a path as a stack's profile sets them: those of `path_rules`, bent by switches.

Law of this file: where the RFC's rule holds, it is asked and not written again; a switch leaves its
reasons out at the trust anchor, sets its limits, or takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from mtlskit.certs import asn1, extension_rules, name_rules, path_rules
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.constraints import Constraints, broken_by, constraints_from, violations
from mtlskit.certs.dns_constraints import WAYS
from mtlskit.certs.extensions import (
    NAME_CONSTRAINTS,
    SUBJECT_ALT_NAME,
    Extension,
    GeneralName,
)
from mtlskit.certs.path_rules import Reason, Walk
from mtlskit.certs.profiles import Profile
from mtlskit.certs.stack_extras import EXTRAS

_ANY = "anyExtendedKeyUsage"
_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE)
"""What may be a host name, one label or many."""
_HOST_LIMIT = 254
"""Characters (RFC 1035, 2.3.4)."""

StackRule = Callable[[Walk, Profile], Iterator[Reason]]


def judged(walk: Walk, profile: Profile, trusted: Collection[bytes] = ()) -> list[Reason]:
    """Every reason for which a stack does not accept a path, the decisive one first.

    `trusted` has, by their DER, those besides the last one that are spared as an anchor is.
    """
    pinned = walk.anchored and len(walk.certificates) == 1
    if pinned and profile.pinned_leaf == "unjudged":
        return []
    if pinned and profile.pinned_leaf == "dated":
        own = (*path_rules.dates(walk), *_key_usages(walk, profile))
        return path_rules.reasons(walk, (lambda _: iter(own),))
    found = [
        reason
        for kind, rule in _RULES
        for reason in rule(walk, profile)
        if not (kind in profile.anchor_unasked and _spared(reason, walk, trusted))
    ]
    return path_rules.reasons(walk, (lambda _: iter(found),))


def _spared(reason: Reason, walk: Walk, trusted: Collection[bytes]) -> bool:
    """Whether the reason lies in a trust anchor above the leaf."""
    one = reason.certificate
    above = walk.anchored and one is not walk.leaf
    return above and (one is walk.certificates[-1] or one.der in trusted)


def _as_it_is(rule: path_rules.Rule) -> StackRule:
    return lambda walk, _: rule(walk)


def _malformed(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for one in walk.certificates:
        yield from extension_rules.misread(one)
        for extension, why in extension_rules.unread(one):
            if not _passed_over(extension, walk.leaf is one, profile):
                yield extension_rules.told(one, extension, why)


def _passed_over(extension: Extension, of_leaf: bool, profile: Profile) -> bool:  # noqa: FBT001 - where it stands
    """Whether a stack does not notice that this extension cannot be read."""
    names = profile.unread_extensions
    if extension.name in names or (not extension.critical and "not-critical" in names):
        return True
    return of_leaf and f"{extension.name}-of-leaf" in names


def _versions(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for reason in path_rules.versions(walk):
        if reason.certificate is not walk.leaf or profile.leaf_version_3:
            yield reason


def _ca_flags(walk: Walk, profile: Profile) -> Iterator[Reason]:
    anchor = walk.certificates[-1]
    for reason in path_rules.ca_flags(walk):
        one = reason.certificate
        if reason.presented not in {"no CA", "not present"}:
            continue  # a path length without a CA: what few ask, and `stack_extras` have
        at_anchor = walk.anchored and one is anchor and one.ca is None
        if at_anchor and profile.anchor_flag == "not-needed" and one.self_issued:
            continue
        if at_anchor and profile.anchor_flag == "or-key-usage" and "keyCertSign" in (one.ku or ()):
            continue
        yield reason
    if not profile.ca_leaf and walk.leaf.ca:
        text = f"{walk.leaf.label} is a CA, and is used as a TLS {walk.role}."
        yield Reason("basic-constraints", walk.leaf, text, "no CA", "CA")
    if profile.pinned_leaf == "own-issuer" and walk.anchored and len(walk.certificates) == 1:
        yield from _own_issuer(walk.leaf)


def _own_issuer(leaf: Certificate) -> Iterator[Reason]:
    if leaf.ca is False or (leaf.ku is not None and "keyCertSign" not in leaf.ku):
        text = f"{leaf.label} is trusted, but as an issuer only, and it is no CA."
        yield Reason("not-a-ca", leaf, text, "CA", "no CA")


def _path_lengths(walk: Walk, profile: Profile) -> Iterator[Reason]:
    if not profile.self_issued_count:
        yield from path_rules.path_lengths(walk)
        return
    for below, one in enumerate(walk.issuers):
        limit = one.path_length
        if one.ca and limit is not None and 0 <= limit < below:
            text = f"{one.label} allows {limit} CA certificates below it, and the path has {below}."
            yield Reason("path-length", one, text, str(limit), str(below))


def _depth(walk: Walk, profile: Profile) -> Iterator[Reason]:
    if walk.max_depth is None and profile.intermediates >= 0:
        walk = replace(walk, max_depth=profile.intermediates)
    yield from path_rules.depth(walk)


def _key_usages(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for reason in path_rules.key_usages(walk):
        if reason.certificate is not walk.leaf or walk.role == "server":
            yield reason
    leaf, wanted = walk.leaf, profile.leaf_usages
    if walk.role == "client" and wanted and leaf.ku is not None and not set(wanted) & set(leaf.ku):
        text = f"The key usage of {leaf.label} does not allow it to be used by a TLS client."
        yield Reason("key-usage", leaf, text, " or ".join(wanted), ", ".join(leaf.ku) or "nothing")


def _purposes(walk: Walk, profile: Profile) -> Iterator[Reason]:
    yield from _own_purpose(walk, profile)
    if profile.issuer_purposes:
        for reason in path_rules.purposes(walk):
            if reason.certificate is not walk.leaf:
                yield reason
        yield from (
            _any_alone(one, walk)
            for one in walk.issuers
            if "issuers" not in profile.any_purpose and _only_any(one, walk)
        )


def _own_purpose(walk: Walk, profile: Profile) -> Iterator[Reason]:
    leaf = walk.leaf
    if "leaf" not in profile.any_purpose and _only_any(leaf, walk):
        yield _any_alone(leaf, walk)
    for reason in path_rules.purposes(walk):
        if reason.certificate is leaf:
            yield reason


def _only_any(one: Certificate, walk: Walk) -> bool:
    return one.eku is not None and _ANY in one.eku and f"{walk.role}Auth" not in one.eku


def _any_alone(one: Certificate, walk: Walk) -> Reason:
    wanted = f"{walk.role}Auth"
    text = f"The extended key usage of {one.label} has {_ANY}, which does not stand for {wanted}."
    return Reason("purpose", one, text, wanted, _ANY)


def _policies(walk: Walk, profile: Profile) -> Iterator[Reason]:
    if profile.policies:
        for reason in path_rules.certificate_policies(walk):
            if reason.code != "malformed" or "not-critical" not in profile.unread_extensions:
                yield reason


def _critical_extensions(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for one in walk.certificates:
        for extension in one.extensions:
            if extension.critical and extension.name not in profile.critical_known:
                text = f"{one.label} has the critical extension {extension.name}, which is unknown."
                yield Reason("critical-extension", one, text, "known", extension.name)


# Name constraints


@dataclass(frozen=True, slots=True)
class _Limit:
    """The name constraints of one issuer on the path."""

    issuer: Certificate
    at: int
    limits: Constraints
    critical: bool

    @property
    def forms(self) -> set[str]:
        """The forms of name that they speak of."""
        return {one.base.kind for one in (*self.limits.permitted, *self.limits.excluded)}


def _limits(walk: Walk, profile: Profile) -> Iterator[_Limit]:
    """Every issuer's constraints; those of an anchor that is not held to them are left out."""
    spared = walk.anchored and "name-constraint" in profile.anchor_unasked
    for at, issuer in enumerate(walk.certificates[: -1 if spared else None]):
        extension = issuer.extension(NAME_CONSTRAINTS)
        if extension is None:
            continue
        try:
            yield _Limit(issuer, at, constraints_from(extension.value), extension.critical)
        except asn1.Asn1Error:
            continue  # the rule `malformed`, which is asked too, says so


def _name_constraints(walk: Walk, profile: Profile) -> Iterator[Reason]:
    return islice(_constrained(walk, profile), name_rules.TOLD_LIMIT)


def _constrained(walk: Walk, profile: Profile) -> Iterator[Reason]:
    limits = list(_limits(walk, profile))
    for limit in limits:
        refused = limit.forms & set(profile.refused_constraints)
        if refused and limit.critical:
            yield _refused(limit, refused)
        for one in walk.certificates[: limit.at]:
            if one is walk.leaf or not one.self_issued:
                yield from _broken(limit, one, profile)
    if limits:
        yield from _common_names(walk, profile, limits)


def _refused(limit: _Limit, forms: set[str]) -> Reason:
    text = (
        f"{limit.issuer.label} has critical name constraints of the form {_listed(forms)}, which "
        "are not known."
    )
    return Reason("name-constraint", limit.issuer, text, "known forms", _listed(forms))


def _broken(limit: _Limit, one: Certificate, profile: Profile) -> Iterator[Reason]:
    if reason := name_rules.too_many_names(limit.limits, limit.issuer, one):
        yield reason
        return
    for bad in violations(limit.limits, one, WAYS[profile.dns_constraints]):
        if bad.name.kind not in profile.unchecked_constraints and not _subject_email(
            bad.name, one, profile
        ):
            yield _violation(limit, one, bad.name.value, bad.because, bad.bases)
    own = (GeneralName("dn", str(one.subject)), *(one.san or ()))
    unmet = _unmet(limit, profile)
    for name in own if one.subject.rdns else own[1:]:
        if name.kind in unmet:
            because = "is of a form whose constraints are not known"
            yield _violation(limit, one, name.value, because, (name.kind,))


def _unmet(limit: _Limit, profile: Profile) -> set[str]:
    """The forms of name that no certificate below these constraints may have."""
    excluded = {one.base.kind for one in limit.limits.excluded}
    unknown = limit.forms & set(profile.unmet_constraints)
    return unknown | (excluded & set(profile.unmet_exclusions))


def _subject_email(name: GeneralName, one: Certificate, profile: Profile) -> bool:
    """Whether the name stands in the subject only, where this stack does not look."""
    return "subject-email" in profile.unchecked_constraints and name not in (one.san or ())


def _violation(
    limit: _Limit, one: Certificate, name: str, because: str, bases: tuple[str, ...]
) -> Reason:
    shown = name_rules.listed_bases(bases)
    text = f"The name {name} in {one.label} {because} of {limit.issuer.label}: {shown}."
    return Reason("name-constraint", one, text, shown, name)


def _common_names(walk: Walk, profile: Profile, limits: list[_Limit]) -> Iterator[Reason]:
    """Hold the leaf's common names to the constraints on DNS names, as the stack does."""
    leaf, how = walk.leaf, profile.common_name
    if how == "ignored" or any(name.kind == "dns" for name in leaf.san or ()):
        return
    if how == "of-servers" and leaf.eku is not None and "serverAuth" not in leaf.eku:
        return
    hosts = [one for one in _own_names(leaf) if len(one) < _HOST_LIMIT and _HOST.fullmatch(one)]
    if how == "dotted":
        hosts = [one for one in hosts if "." in one]
    if how == "refused":
        if hosts and leaf.extension(SUBJECT_ALT_NAME) is None:
            because = "may be a host name, and there is no subjectAltName below the constraints"
            yield _violation(limits[0], leaf, hosts[0], because, ("a subjectAltName",))
        return
    for limit in limits:
        if name_rules.too_many_names(limit.limits, limit.issuer, leaf):
            continue  # said already
        for host in hosts:
            name, way = GeneralName("dns", host), WAYS[profile.dns_constraints]
            for bad in broken_by(limit.limits, name, dns=way):
                yield _violation(limit, leaf, host, bad.because, bad.bases)


def _own_names(leaf: Certificate) -> list[str]:
    return [value for rdn in leaf.subject.rdns for kind, value in rdn if kind == "CN"]


# Names, keys, serial numbers


def _alternative_names(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for reason in path_rules.alternative_names(walk):
        if profile.alternative_names == "profile" or reason.presented == "malformed":
            yield reason


def _key_sizes(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for one in walk.certificates:
        if one.key.kind in {"EC", "Ed25519", "Ed448"} or one.key.bits is None:
            continue
        floor = profile.leaf_rsa_bits if one is walk.leaf else profile.rsa_bits
        if one.key.bits < floor:
            text = f"The {one.key.kind} key of {one.label} has {one.key.bits} bits only."
            yield Reason("weak-key", one, text, f"{floor} bits or more", f"{one.key.bits} bits")


def _key_kinds(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for one in walk.certificates:
        named = {one.key.kind, str(one.key)}
        refused = not named.isdisjoint(profile.refused_keys)
        if refused or (one is not walk.leaf and not named.isdisjoint(profile.refused_issuer_keys)):
            text = f"The key of {one.label}, {one.key}, is of a kind that is not accepted."
            yield Reason("weak-key", one, text, "a kind of key that is known", str(one.key))


def _signature_strength(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for one in walk.below_anchor():
        algorithm = one.signature_algorithm.lower().replace("-", "")
        if any(weak in algorithm for weak in profile.refused_hashes):
            text = f"The signature on {one.label} uses a weak hash: {one.signature_algorithm}."
            yield Reason("weak-signature", one, text, "a better hash", one.signature_algorithm)


def _serials(walk: Walk, profile: Profile) -> Iterator[Reason]:
    for reason in path_rules.serials(walk):
        negative = reason.certificate.serial < 0
        if profile.serials == "bounded" or (profile.serials == "not-negative" and negative):
            yield reason


def _extras(walk: Walk, profile: Profile) -> Iterator[Reason]:
    alone = len(walk.certificates) == 1 and profile.pinned_leaf == "plain"
    for name in () if alone else profile.extras:
        yield from EXTRAS[name](walk)


def issues(child: Certificate, issuer: Certificate, profile: Profile) -> bool:
    """Whether a stack takes `issuer` for the one that issued `child`, by name and identifiers."""
    if profile.names == "bytes":
        named = child.issuer.der == issuer.subject.der
    else:
        named = child.issuer.same_as(issuer.subject)
    return named and identified(child, issuer, profile)


def identified(child: Certificate, issuer: Certificate, profile: Profile) -> bool:
    """Whether the authority key identifier does not speak against this issuer."""
    if profile.key_identifiers == "ignored":
        return True
    if child.aki and issuer.ski and child.aki != issuer.ski:
        return False
    return profile.key_identifiers != "key-and-serial" or _serial_fits(child, issuer)


def _serial_fits(child: Certificate, issuer: Certificate) -> bool:
    """RFC 5280, 4.2.1.1: authorityCertSerialNumber, [2] of the extension's value."""
    extension = child.extension("2.5.29.35")
    if extension is None:
        return True
    try:
        parts = asn1.sequence(extension.value)
        given = [asn1.integer(extension.value, *one[1:]) for one in parts if one[0] == _SERIAL]
    except asn1.Asn1Error:
        return True
    return not given or given[0] == issuer.serial


_SERIAL = asn1.CONTEXT + 2


def _listed(forms: set[str]) -> str:
    return ", ".join(sorted(forms))


_RULES: tuple[tuple[str, StackRule], ...] = (
    ("malformed", _malformed),
    ("dates", _as_it_is(path_rules.dates)),
    ("signature", _as_it_is(path_rules.signatures)),
    ("version", _versions),
    ("ca", _ca_flags),
    ("path-length", _path_lengths),
    ("depth", _depth),
    ("key-usage", _key_usages),
    ("purpose", _purposes),
    ("critical-extension", _critical_extensions),
    ("name-constraint", _name_constraints),
    ("policy", _policies),
    ("revocation", _as_it_is(path_rules.revocations)),
    ("san", _alternative_names),
    ("name", _as_it_is(path_rules.wanted_name)),
    ("key-size", _key_sizes),
    ("key-kind", _key_kinds),
    ("signature-strength", _signature_strength),
    ("serial", _serials),
    ("extras", _extras),
)
"""Each rule with its kind, by which `anchor_unasked` names it."""
