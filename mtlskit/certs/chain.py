"""The chain that goes with a leaf, picked from what lies beside it.

Law of this room: links are followed by name and key identifier alone; whether they hold is the
question of `paths`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.distinguished import normalised

LENGTH_LIMIT = 32
"""No chain of more issuers is put together."""


class Pool:
    """Certificates that may issue others, found by their subject."""

    __slots__ = ("_by_subject",)

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self._by_subject: dict[object, dict[bytes, Certificate]] = {}
        for one in certificates:
            self._by_subject.setdefault(one.subject.normal, {}).setdefault(one.der, one)

    def named(self, der: bytes) -> tuple[Certificate, ...]:
        """Every certificate whose subject is this name (RFC 5280, 7.1), each once."""
        return tuple(self._by_subject.get(normalised(der), {}).values())

    def issuers_of(self, leaf: Certificate) -> tuple[Certificate, ...]:
        """Give a leaf's issuers, its own first, up to a self-issued one or as far as they go."""
        chain: list[Certificate] = []
        seen = {leaf.der}
        current = leaf
        while not current.self_issued and len(chain) < LENGTH_LIMIT:
            candidates = [one for one in self.named(current.issuer.der) if one.der not in seen]
            if not candidates:
                break
            child = current
            current = max(candidates, key=lambda one: _likeness(child, one))
            seen.add(current.der)
            chain.append(current)
        return tuple(chain)


def issuers_of(leaf: Certificate, pool: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Give the issuers of a leaf, its own first, up to a self-issued one or as far as they go."""
    return Pool(pool).issuers_of(leaf)


def _likeness(child: Certificate, issuer: Certificate) -> tuple[bool, float]:
    """How well an issuer of the right name fits: by key identifier, then the one valid longest."""
    fits = child.aki is not None and child.aki == issuer.ski
    return fits, issuer.not_after.timestamp()


def in_order(leaf: Certificate, others: Sequence[Certificate]) -> bool:
    """Whether `others` begin with the leaf's issuers in the order in which TLS sends them."""
    chain = issuers_of(leaf, others)
    return tuple(one.der for one in others[: len(chain)]) == tuple(one.der for one in chain)
