"""What kind of key a SubjectPublicKeyInfo holds (RFC 5280, 4.1.2.7).

Law of this room: an unknown kind of key is named by its OID, never refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from mtlskit.certs import asn1
from mtlskit.certs.oids import CURVES, KEYS


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key.

    Attributes:
        kind: ``RSA``, ``EC``, ``Ed25519`` and so on; a dotted OID where we know no name.
        bits: its size; None where it cannot be told.
        curve: the curve's name for ``EC``, such as ``P-256``; None else or if given by parameters.
        spki: the SubjectPublicKeyInfo in DER.
    """

    kind: str
    bits: int | None
    curve: str | None
    spki: bytes = field(repr=False)

    def __str__(self) -> str:
        if self.curve:
            return f"{self.kind} {self.curve}"
        return f"{self.kind} {self.bits}" if self.bits and self.kind in _SIZED else self.kind

    def plain(self) -> str:
        """Tell it to a program as to a person: ``RSA 2048``, ``EC P-256``."""
        return str(self)


_SIZED = frozenset({"RSA", "RSA-PSS", "DSA", "EC"})


@lru_cache(maxsize=1024)
def key_from(spki: bytes) -> PublicKey:
    """Read a SubjectPublicKeyInfo.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    algorithm, key = asn1.sequence(spki)[:2]
    parts = asn1.children(spki, algorithm[1], algorithm[2])
    if not parts or parts[0][0] != asn1.OID:
        raise asn1.Asn1Error(algorithm[1], "the key's algorithm", "something else")
    oid = asn1.oid(spki[parts[0][1] : parts[0][2]])
    kind, bits = KEYS.get(oid, (oid, None))
    curve = None
    if kind == "EC":
        curve, bits = _curve(spki, parts)
    elif kind in {"RSA", "RSA-PSS"}:
        bits = _modulus_bits(spki, key[1] + 1, key[2])
    elif kind == "DSA" and len(parts) > 1:
        bits = _first_integer_bits(spki, parts[1])
    return PublicKey(kind, bits, curve, spki)


def _curve(spki: bytes, parts: list[asn1.Element]) -> tuple[str | None, int | None]:
    if len(parts) < 2 or parts[1][0] != asn1.OID:  # noqa: PLR2004 - algorithm and parameters
        return None, None  # explicit parameters, which RFC 5480, 2.1.1 forbids
    oid = asn1.oid(spki[parts[1][1] : parts[1][2]])
    return CURVES.get(oid, (oid, None))


def _modulus_bits(spki: bytes, at: int, stop: int) -> int:
    start, stop = asn1.expect(spki, at, stop, asn1.SEQUENCE)
    return _first_integer_bits(spki, (asn1.SEQUENCE, start, stop))


def _first_integer_bits(spki: bytes, parent: asn1.Element) -> int:
    start, stop = asn1.expect(spki, parent[1], parent[2], asn1.INTEGER)
    return int.from_bytes(spki[start:stop], "big").bit_length()
