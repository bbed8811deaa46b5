"""Where issuers, OCSP responses and revocation lists are to be had (RFC 5280, 4.2.2.1, 4.2.1.13).

Law of this room: addresses are read here and never called.
"""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.extensions import general_name
from mtlskit.certs.revocation_list import DISTRIBUTION_POINTS

_INFORMATION = "1.3.6.1.5.5.7.1.1"
_ISSUERS = "1.3.6.1.5.5.7.48.2"
_OCSP = "1.3.6.1.5.5.7.48.1"


@dataclass(frozen=True, slots=True)
class Access:
    """The addresses in one certificate: those of its issuer, of its status, of its lists."""

    issuers: tuple[str, ...] = ()
    ocsp: tuple[str, ...] = ()
    crls: tuple[str, ...] = ()


def access_of(one: Certificate) -> Access:
    """Read the addresses of a certificate; those that are malformed are left out."""
    information = _information(one)
    return Access(
        tuple(uri for method, uri in information if method == _ISSUERS),
        tuple(uri for method, uri in information if method == _OCSP),
        _lists(one),
    )


def _information(one: Certificate) -> list[tuple[str, str]]:
    """AuthorityInfoAccess: each method with its address."""
    extension = one.extension(_INFORMATION)
    if extension is None:
        return []
    value, found = extension.value, []
    try:
        for _, start, stop in asn1.sequence(value):
            method_start, method_stop = asn1.expect(value, start, stop, asn1.OID)
            name = general_name(value, *asn1.element(value, method_stop, stop))
            if name.kind == "uri":
                found.append((asn1.oid(value[method_start:method_stop]), name.value))
    except ValueError:
        return found
    return found


def _lists(one: Certificate) -> tuple[str, ...]:
    """CRLDistributionPoints: the addresses among the full names."""
    extension = one.extension(DISTRIBUTION_POINTS)
    if extension is None:
        return ()
    value, found = extension.value, []
    try:
        for point in asn1.sequence(value):
            for tag, start, stop in asn1.children(value, *point[1:]):
                if tag == asn1.EXPLICIT:
                    found += _full_names(value, start, stop)
    except ValueError:
        return tuple(found)
    return tuple(found)


def _full_names(value: bytes, start: int, stop: int) -> list[str]:
    tag, at, end = asn1.element(value, start, stop)
    if tag != asn1.EXPLICIT:
        return []  # a name relative to the issuer is no address
    names = [general_name(value, *part) for part in asn1.children(value, at, end)]
    return [name.value for name in names if name.kind == "uri"]
