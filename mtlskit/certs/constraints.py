"""Name constraints: which names a CA may certify (RFC 5280, 4.2.1.10 and 7.5).

Law of this room: a form of name that cannot be compared counts as outside, as the RFC demands of
an extension that cannot be processed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.distinguished import normalised
from mtlskit.certs.extensions import SUBJECT_ALT_NAME, GeneralName, general_name


@dataclass(frozen=True, slots=True)
class Subtree:
    """A base; for a directory name its DER too, by which it is compared."""

    base: GeneralName
    der: bytes = b""


@dataclass(frozen=True, slots=True)
class Constraints:
    """The subtrees of one CA; of a form with permitted subtrees, names must be in one of them."""

    permitted: tuple[Subtree, ...] = ()
    excluded: tuple[Subtree, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A name outside what is permitted, or inside what is excluded."""

    name: GeneralName
    because: str
    bases: tuple[str, ...]


@lru_cache(maxsize=512)
def constraints_from(value: bytes) -> Constraints:
    """Read the extension's value.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    found: dict[int, tuple[Subtree, ...]] = {}
    for tag, start, stop in asn1.sequence(value):
        found[tag & 0x1F] = tuple(_subtrees(value, start, stop))
    return Constraints(found.get(0, ()), found.get(1, ()))


def _subtrees(value: bytes, start: int, stop: int) -> Iterator[Subtree]:
    for tag, inner, end in asn1.children(value, start, stop):
        if tag != asn1.SEQUENCE:
            raise asn1.Asn1Error(inner, "a subtree", asn1.tag_name(tag))
        base_tag, base_start, base_stop = asn1.element(value, inner, end)
        base = general_name(value, base_tag, base_start, base_stop)
        yield Subtree(base, value[base_start:base_stop] if base.kind == "dn" else b"")


def violations(limits: Constraints, certificate: Certificate) -> Iterator[Violation]:
    """Every name of a certificate that the limits do not allow."""
    for name, der in _names(certificate):
        yield from broken_by(limits, name, der)


def broken_by(limits: Constraints, name: GeneralName, der: bytes = b"") -> Iterator[Violation]:
    """What the limits have against one name; a directory name is compared by its DER."""
    alike = [one for one in limits.permitted if one.base.kind == name.kind]
    if alike and not any(_within(name, der, one) for one in alike):
        bases = tuple(one.base.value for one in alike)
        yield Violation(name, "is outside the permitted names", bases)
    for one in limits.excluded:
        if one.base.kind == name.kind and _within(name, der, one):
            yield Violation(name, "is among the excluded names", (one.base.value,))


def _names(certificate: Certificate) -> Iterator[tuple[GeneralName, bytes]]:
    """Its names, the subject among them; e-mail addresses in the subject count without a SAN."""
    if certificate.subject.rdns:
        yield GeneralName("dn", str(certificate.subject)), certificate.subject.der
    if certificate.san and (extension := certificate.extension(SUBJECT_ALT_NAME)):
        names = extension.value
        for tag, start, stop in asn1.sequence(names):
            yield general_name(names, tag, start, stop), names[start:stop]
    if not any(name.kind == "email" for name in certificate.san or ()):
        for rdn in certificate.subject.rdns:
            for kind, value in rdn:
                if kind == "emailAddress":
                    yield GeneralName("email", value), b""


def _within(name: GeneralName, der: bytes, tree: Subtree) -> bool:
    if name.kind == "dn":
        return _directory_within(der, tree.der)
    compare = _COMPARE.get(name.kind)
    return compare is not None and compare(name.value, tree.base.value)


def _directory_within(name: bytes, base: bytes) -> bool:
    wanted = normalised(base)
    return normalised(name)[: len(wanted)] == wanted


def _dns(name: str, base: str) -> bool:
    """Zero or more labels in front of the base (RFC 5280, 4.2.1.10).

    With a dot in front, which the RFC does not foresee, the base itself is outside: so hold
    OpenSSL, GnuTLS, Java and Go.
    """
    host, tree = name.lower().removesuffix("."), base.lower().removesuffix(".")
    if tree.startswith("."):
        return host.endswith(tree)
    return not tree or host == tree or host.endswith("." + tree)


def _host(host: str, base: str) -> bool:
    """A base with a leading dot is a domain, without one a host."""
    host, base = host.lower(), base.lower()
    return host.endswith(base) if base.startswith(".") else host == base


def _email(address: str, base: str) -> bool:
    local, _, host = address.rpartition("@")
    base_local, at, base_host = base.rpartition("@")
    if at:
        return local == base_local and host.lower() == base_host.lower()
    return _host(host, base)


def _uri(uri: str, base: str) -> bool:
    try:
        host = urlsplit(uri).hostname
    except ValueError:
        return False
    return host is not None and _host(host, base)


def _ip(address: str, base: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(base, strict=False)
    except (ValueError, TypeError):
        return False


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "dns": _dns,
    "email": _email,
    "uri": _uri,
    "ip": _ip,
}
