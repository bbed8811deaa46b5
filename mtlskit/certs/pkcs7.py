"""Certificates and CRLs out of PKCS#7 SignedData (RFC 2315; RFC 5652, 5): ``.p7b`` files.

Law of this room: signatures in it are not looked at; it serves as a bag.
"""

from __future__ import annotations

from mtlskit.certs import asn1
from mtlskit.certs.pile import Pile
from mtlskit.material import Problem, Source


def add_all(pile: Pile, data: bytes, source: Source) -> None:
    """Put every certificate and CRL of a ContentInfo on the pile."""
    try:
        der = asn1.definite(data)
        kind = _kind(der)
        if kind != _SIGNED_DATA:
            text = f"This PKCS#7 file holds no certificates but {_OTHERS.get(kind, kind)}."
            pile.fail(Problem("unsupported", text, source))
            return
        for number, (start, stop) in enumerate(_members(der), 1):
            pile.add(der[start:stop], source.at(f"entry {number}"))
    except asn1.Asn1Error as error:
        text = f"The PKCS#7 file is damaged {error}."
        pile.fail(Problem("damaged", text, source))


_SIGNED_DATA = "1.2.840.113549.1.7.2"
_OTHERS = {
    "1.2.840.113549.1.7.1": "plain data",
    "1.2.840.113549.1.7.3": "data encrypted for a recipient",
    "1.2.840.113549.1.7.5": "a digest",
    "1.2.840.113549.1.7.6": "encrypted data",
}


def _kind(der: bytes) -> str:
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    return asn1.oid(der[slice(*asn1.expect(der, start, stop, asn1.OID))])


def _members(der: bytes) -> list[tuple[int, int]]:
    """Where each certificate and CRL begins and ends."""
    start, stop = asn1.expect(der, 0, len(der), asn1.SEQUENCE)
    _, oid_stop = asn1.expect(der, start, stop, asn1.OID)
    start, stop = asn1.expect(der, oid_stop, stop, asn1.EXPLICIT)
    start, stop = asn1.expect(der, start, stop, asn1.SEQUENCE)
    found = []
    for tag, inner, end in asn1.children(der, start, stop):
        if tag in {asn1.EXPLICIT, asn1.EXPLICIT + 1}:  # certificates [0], crls [1]
            at = inner
            for _, _, after in asn1.children(der, inner, end):
                found.append((at, after))
                at = after
    return found
