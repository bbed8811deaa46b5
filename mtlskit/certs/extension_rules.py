"""Extensions that cannot be read, or that nobody here knows (RFC 5280, 4.2).

Law of this room: what is critical is read or refused. What is not critical and is looked at by a
rule is refused by that rule if it cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mtlskit.certs import asn1, policies
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.constraints import constraints_from
from mtlskit.certs.extensions import ISSUER_ALT_NAME, NAME_CONSTRAINTS, Extension, subject_alt_name
from mtlskit.certs.walk import Reason, Walk

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


_READERS: Mapping[str, Callable[[bytes], object]] = {
    ISSUER_ALT_NAME: subject_alt_name,
    policies.CERTIFICATE_POLICIES: policies.policies_from,
    policies.POLICY_MAPPINGS: policies.mappings_from,
    policies.POLICY_CONSTRAINTS: policies.limits_from,
    policies.INHIBIT_ANY_POLICY: policies.number_from,
}
"""Those extensions that `read_certificate` leaves as they are, but for name constraints."""


def malformed(walk: Walk) -> Iterator[Reason]:
    """What could not be read; a malformed subjectAltName is the rule `san`'s."""
    for one in walk.certificates:
        yield from misread(one)
        for extension, why in unread(one):
            yield told(one, extension, why)


def misread(one: Certificate) -> Iterator[Reason]:
    """What was found to be malformed when the certificate was read."""
    for problem in one.problems:
        if not problem.text.startswith("The extension subjectAltName is"):
            yield Reason("malformed", one, f"{one.label}: {problem.text}")


def told(one: Certificate, extension: Extension, why: asn1.Asn1Error) -> Reason:
    """Say that an extension cannot be read."""
    text = f"{one.label}: The extension {extension.name} is malformed: {why}."
    return Reason("malformed", one, text)


def unread(one: Certificate) -> Iterator[tuple[Extension, asn1.Asn1Error]]:
    """Name constraints that cannot be read, and what is critical and cannot be."""
    for extension in one.extensions:
        reader = _READERS.get(extension.oid) if extension.critical else None
        if extension.oid == NAME_CONSTRAINTS:
            reader = constraints_from
        try:
            if reader is not None:
                reader(extension.value)
        except asn1.Asn1Error as error:
            yield extension, error


def critical_extensions(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 6.1.4 (o) and 6.1.5 (f)."""
    for one in walk.certificates:
        for extension in one.extensions:
            if extension.critical and extension.name not in _PROCESSED:
                text = f"{one.label} has the critical extension {extension.name}, which few know."
                yield Reason("critical-extension", one, text, "known", extension.name)
