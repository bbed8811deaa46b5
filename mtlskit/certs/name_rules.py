"""The names in a path: those that CAs permit, and the one that was called (RFC 5280, RFC 9525).

Law of this room: as in `path_rules`; what would take too long to compare is refused in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from mtlskit.certs import asn1, names
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.constraints import Constraints, constraints_from, violations
from mtlskit.certs.extensions import NAME_CONSTRAINTS, SUBJECT_ALT_NAME
from mtlskit.certs.walk import Reason, Walk

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
        except asn1.Asn1Error:
            continue  # the rule `malformed` says so
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
