"""Name constraints: which names a CA may certify (RFC 5280, 4.2.1.10 and 7.5).

Law of this room: a name is inside a subtree, outside it, or it cannot be told. What cannot be told
is neither permitted nor free of what is excluded: the RFC refuses what cannot be processed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.distinguished import name_from
from mtlskit.certs.dns_constraints import Within, by_the_rfc
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


_PERMITTED, _EXCLUDED = _LISTS = (asn1.EXPLICIT, asn1.EXPLICIT + 1)


@lru_cache(maxsize=512)
def constraints_from(value: bytes) -> Constraints:
    """Read the extension's value.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    found: dict[int, tuple[Subtree, ...]] = {}
    for tag, start, stop in asn1.sequence(value):
        if tag not in _LISTS or tag in found or start == stop:
            raise asn1.Asn1Error(start, "one list of subtrees of a kind", asn1.tag_name(tag))
        found[tag] = tuple(_subtrees(value, start, stop))
    if not found:
        raise asn1.Asn1Error(0, "permitted or excluded subtrees", "neither")
    return Constraints(found.get(_PERMITTED, ()), found.get(_EXCLUDED, ()))


def _subtrees(value: bytes, start: int, stop: int) -> Iterator[Subtree]:
    for tag, inner, end in asn1.children(value, start, stop):
        if tag != asn1.SEQUENCE:
            raise asn1.Asn1Error(inner, "a subtree", asn1.tag_name(tag))
        base_tag, base_start, base_stop = asn1.element(value, inner, end)
        for part, at, last in asn1.children(value, base_stop, end):
            if part != asn1.CONTEXT or any(value[at:last]):  # minimum 0 says nothing, and no more
                raise asn1.Asn1Error(at, "a subtree of any depth", "a minimum or a maximum")
        base = general_name(value, base_tag, base_start, base_stop)
        yield Subtree(base, value[base_start:base_stop] if base.kind == "dn" else b"")


def violations(
    limits: Constraints, certificate: Certificate, dns: Within = by_the_rfc
) -> Iterator[Violation]:
    """Every name of a certificate that the limits do not allow.

    Args:
        limits: the constraints of one CA above it.
        certificate: whose names are asked for.
        dns: how DNS names are compared, one of `dns_constraints.WAYS`.
    """
    for name, der in _names(certificate):
        yield from broken_by(limits, name, der, dns)


def broken_by(
    limits: Constraints, name: GeneralName, der: bytes = b"", dns: Within = by_the_rfc
) -> Iterator[Violation]:
    """What the limits have against one name; a directory name is compared by its DER."""
    alike = [one for one in limits.permitted if form(one.base) == form(name)]
    if alike and not any(_within(name, der, one, dns) for one in alike):
        bases = tuple(one.base.value for one in alike)
        yield Violation(name, "is outside the permitted names", bases)
    for one in limits.excluded:
        if form(one.base) != form(name) or (inside := _within(name, der, one, dns)) is False:
            continue
        because = "is among" if inside else "cannot be told from"
        yield Violation(name, f"{because} the excluded names", (one.base.value,))


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


def form(name: GeneralName) -> tuple[str, str]:
    """The form of a name: limits on one form say nothing of another.

    Each type of otherName is a form of its own (RFC 5280, 4.2.1.6).
    """
    return name.kind, name.value.partition(":")[0] if name.kind == "other" else ""


def _within(name: GeneralName, der: bytes, tree: Subtree, dns: Within) -> bool | None:
    """Whether a name is inside; None: it cannot be told."""
    if name.kind == "dn":
        return _directory_within(der, tree.der)
    compare = dns if name.kind == "dns" else _COMPARE.get(name.kind)
    if compare is None or "\\" in name.value + tree.base.value:  # bytes that are no letters
        return None
    return compare(name.value, tree.base.value)


def _directory_within(name: bytes, base: bytes) -> bool | None:
    try:
        whole, wanted = name_from(name).normal, name_from(base).normal
    except asn1.Asn1Error:
        return None
    return whole[: len(wanted)] == wanted


def _host(host: str, base: str) -> bool | None:
    """A base with a leading dot is a domain, without one a host."""
    host, base = host.lower().rstrip("."), base.lower().rstrip(".")
    if not base or not _HOST.fullmatch(host):
        return None
    return host.endswith(base) if base.startswith(".") else host == base


def _email(address: str, base: str) -> bool | None:
    local, sign, host = address.rpartition("@")
    base_local, at, base_host = base.rpartition("@")
    if not sign:
        return None
    if at and local != base_local:
        return False
    return _host(host, base_host)


def _uri(uri: str, base: str) -> bool | None:
    """An address in place of a host's name cannot be told (RFC 5280, 4.2.1.10)."""
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        return None
    last = host.rstrip(".").rpartition(".")[2]
    return None if not last or last.isdigit() else _host(host, base)


def _ip(address: str, base: str) -> bool | None:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(base, strict=False)
    except (ValueError, TypeError):
        return None


_HOST = re.compile(r"[a-z0-9_.-]+")
_COMPARE: dict[str, Within] = {
    "email": _email,
    "uri": _uri,
    "ip": _ip,
}
