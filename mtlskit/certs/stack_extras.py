"""What strict verifiers demand besides: the letter of RFC 5280's profile, one rule a function.

Law of this file: each rule is named in `stacks.toml` by those stacks that ask it, and by no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.constraints import constraints_from
from mtlskit.certs.extension_rules import told
from mtlskit.certs.extensions import BASIC_CONSTRAINTS, NAME_CONSTRAINTS, SUBJECT_ALT_NAME
from mtlskit.certs.path_rules import Reason, Walk
from mtlskit.certs.policies import CERTIFICATE_POLICIES, policies_from

_Extra = Callable[[Walk], Iterator[Reason]]
_VERSION_3 = 3
_SSL_CLIENT, _SSL_SERVER = 0x80, 0x40
_BIT_STRING = 4  # octets: tag, length, unused bits, and the bits


def _critical_basic_constraints(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.9: conforming CAs mark the extension as critical in CA certificates."""
    for one in walk.certificates:
        extension = one.extension(BASIC_CONSTRAINTS)
        if one.ca and extension is not None and not extension.critical:
            text = f"The basic constraints of {one.label} are not critical."
            yield Reason("basic-constraints", one, text, "critical", "not critical")


def _usage_of_cas(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.3: conforming CAs include the extension in CA certificates."""
    for one in walk.certificates:
        if one.ca and one.ku is None:
            text = f"{one.label} is a CA, and it has no key usage."
            yield Reason("key-usage", one, text, "keyCertSign", "not present")


def _cert_sign_of_cas_only(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.9: keyCertSign without the cA flag is not allowed."""
    for one in walk.certificates:
        if not one.ca and "keyCertSign" in (one.ku or ()):
            text = f"The key usage of {one.label} has keyCertSign, and it is no CA."
            yield Reason("key-usage", one, text, "no keyCertSign", "keyCertSign")


def _path_length_of_cas_only(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.9: pathLenConstraint needs the cA flag and keyCertSign."""
    for one in walk.certificates:
        if one.path_length is not None and not (one.ca and "keyCertSign" in (one.ku or ())):
            text = f"{one.label} has a path length, and is no CA that may sign certificates."
            yield Reason("basic-constraints", one, text, "no path length", str(one.path_length))


def _empty_names(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.1.2.4 and 4.1.2.6: an issuer is named; a subject too, or its SAN is critical."""
    for one in walk.certificates:
        extension = one.extension(SUBJECT_ALT_NAME)
        if not one.issuer.rdns:
            yield Reason("malformed", one, f"{one.label} has no issuer name.", "a name", "empty")
        if not one.subject.rdns and (one.ca or extension is None or not extension.critical):
            text = f"{one.label} has no subject, and no critical subjectAltName in its place."
            yield Reason("san", one, text, "critical", "not critical, or not present")
        if one.san == ():
            yield Reason("san", one, f"The subjectAltName of {one.label} is empty.", "a name", "")


def _own_key_identifier_of_cas(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.2: a CA certificate of version 3 has a subjectKeyIdentifier."""
    for one in walk.certificates:
        if one.ca and one.version == _VERSION_3 and one.ski is None:
            text = f"{one.label} is a CA, and it has no subjectKeyIdentifier."
            yield Reason("key-identifier", one, text, "present", "not present")


def _key_identifier_of_the_issuer(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.1: all but a root name their issuer's key."""
    for one in walk.certificates[:-1]:
        yield from _unnamed(one)


def _key_identifier_of_leaf(walk: Walk) -> Iterator[Reason]:
    """CA/Browser Forum Baseline Requirements, 7.1.2.7.6: a leaf names its issuer's key."""
    if not walk.leaf.extension("2.5.29.35"):
        yield from _unnamed(walk.leaf)


def _unnamed(one: Certificate) -> Iterator[Reason]:
    if one.version == _VERSION_3 and one.aki is None:
        text = f"{one.label} does not name its issuer's key: it has no authorityKeyIdentifier."
        yield Reason("key-identifier", one, text, "present", "not present")


def _identifiers_not_critical(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.1 and 4.2.1.2: neither key identifier is critical."""
    for one in walk.certificates:
        for extension in one.extensions:
            if extension.critical and extension.name.endswith("KeyIdentifier"):
                text = f"The {extension.name} of {one.label} is critical."
                yield Reason("key-identifier", one, text, "not critical", "critical")


def _anchor_is_ca(walk: Walk) -> Iterator[Reason]:
    """A trust anchor above a leaf says that it is a CA, of whatever version it is."""
    anchor = walk.certificates[-1]
    if len(walk.certificates) > 1 and anchor.ca is None:
        text = f"{anchor.label} issued a certificate, and it has no basic constraints."
        yield Reason("basic-constraints", anchor, text, "CA", "not present")


def _san_needed(walk: Walk) -> Iterator[Reason]:
    """CA/Browser Forum Baseline Requirements, 7.1.2.7.12: a leaf has a subjectAltName."""
    if not walk.leaf.extension(SUBJECT_ALT_NAME):
        text = f"{walk.leaf.label} has no subjectAltName."
        yield Reason("san", walk.leaf, text, "present", "not present")


def _critical_san_without_subject_only(walk: Walk) -> Iterator[Reason]:
    """CA/Browser Forum Baseline Requirements, 7.1.2.7.12: critical if the subject is empty only."""
    extension = walk.leaf.extension(SUBJECT_ALT_NAME)
    if extension is not None and extension.critical and walk.leaf.subject.rdns:
        text = f"The subjectAltName of {walk.leaf.label} is critical, and there is a subject."
        yield Reason("san", walk.leaf, text, "not critical", "critical")


def _version_3_everywhere(walk: Walk) -> Iterator[Reason]:
    """CA/Browser Forum Baseline Requirements, 7.1: roots too are of version 3."""
    for one in walk.certificates:
        if one.version != _VERSION_3:
            text = f"{one.label} is a certificate of version {one.version}; version 3 is needed."
            yield Reason("version", one, text, "3", str(one.version))


def _dns_constraints_without_dot(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.10: a DNS name's constraint is a host name, which begins with no dot."""
    if not any(name.kind == "dns" for name in walk.leaf.san or ()):
        return
    for one in walk.certificates:
        extension = one.extension(NAME_CONSTRAINTS)
        for base in _dns_bases(extension.value) if extension else ():
            if base.startswith("."):
                text = f"The DNS name constraint {base} of {one.label} begins with a dot."
                yield Reason("name-constraint", one, text, base.lstrip("."), base)


def _dns_constraints_without_last_dot(walk: Walk) -> Iterator[Reason]:
    """RFC 1034, 3.5: a host name as text ends with a label; Go reads no other as a constraint."""
    for one in walk.certificates:
        extension = one.extension(NAME_CONSTRAINTS)
        for base in _dns_bases(extension.value) if extension else ():
            if base.endswith("."):
                text = f"The DNS name constraint {base} of {one.label} ends with a dot."
                yield Reason("malformed", one, text, base.rstrip("."), base)


def _dns_bases(value: bytes) -> Iterator[str]:
    try:
        limits = constraints_from(value)
    except asn1.Asn1Error:
        return  # told by the rule `malformed`
    for one in (*limits.permitted, *limits.excluded):
        if one.base.kind == "dns":
            yield one.base.value


def _policies_readable(walk: Walk) -> Iterator[Reason]:
    """RFC 5280, 4.2.1.4: a sequence of policies; critical ones are the rule `malformed`'s."""
    for one in walk.certificates:
        extension = one.extension(CERTIFICATE_POLICIES)
        if extension is None or extension.critical:
            continue
        try:
            policies_from(extension.value)
        except asn1.Asn1Error as error:
            yield told(one, extension, error)


def _netscape_type(walk: Walk) -> Iterator[Reason]:
    """Netscape's certificate type, a bit string: bit 0 is an SSL client, bit 1 an SSL server."""
    extension = walk.leaf.extension("2.16.840.1.113730.1.1")
    if extension is None:
        return
    wanted = _SSL_CLIENT if walk.role == "client" else _SSL_SERVER
    if len(extension.value) != _BIT_STRING or not extension.value[-1] & wanted:
        text = f"The Netscape certificate type of {walk.leaf.label} allows no TLS {walk.role}."
        yield Reason("purpose", walk.leaf, text, f"SSL {walk.role}", extension.value.hex())


EXTRAS: Mapping[str, _Extra] = {
    "critical-basic-constraints": _critical_basic_constraints,
    "usage-of-cas": _usage_of_cas,
    "cert-sign-of-cas-only": _cert_sign_of_cas_only,
    "path-length-of-cas-only": _path_length_of_cas_only,
    "empty-names": _empty_names,
    "own-key-identifier-of-cas": _own_key_identifier_of_cas,
    "key-identifier-of-the-issuer": _key_identifier_of_the_issuer,
    "key-identifier-of-leaf": _key_identifier_of_leaf,
    "identifiers-not-critical": _identifiers_not_critical,
    "anchor-is-ca": _anchor_is_ca,
    "netscape-type": _netscape_type,
    "policies-readable": _policies_readable,
    "san-needed": _san_needed,
    "critical-san-without-subject-only": _critical_san_without_subject_only,
    "version-3-everywhere": _version_3_everywhere,
    "dns-constraints-without-dot": _dns_constraints_without_dot,
    "dns-constraints-without-last-dot": _dns_constraints_without_last_dot,
}
