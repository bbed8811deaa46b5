"""The chain that goes with a leaf, picked from what lies beside it.

Law of this room: links are followed by name and key identifier alone; whether they hold is the
question of `paths`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mtlskit.certs.certificate import Certificate

LENGTH_LIMIT = 32
"""No chain of more issuers is put together."""


def issuers_of(leaf: Certificate, pool: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Give the issuers of a leaf, its own first, up to a self-issued one or as far as they go."""
    left = [one for one in pool if one.der != leaf.der]
    chain: list[Certificate] = []
    current = leaf
    while not current.self_issued and len(chain) < LENGTH_LIMIT:
        candidates = [one for one in left if one.subject.same_as(current.issuer)]
        if not candidates:
            break
        current = max(candidates, key=lambda one: _likeness(current, one))
        left.remove(current)
        chain.append(current)
    return tuple(chain)


def _likeness(child: Certificate, issuer: Certificate) -> tuple[bool, float]:
    """How well an issuer of the right name fits: by key identifier, then the one valid longest."""
    fits = child.aki is not None and child.aki == issuer.ski
    return fits, issuer.not_after.timestamp()


def in_order(leaf: Certificate, others: Sequence[Certificate]) -> bool:
    """Whether `others` begin with the leaf's issuers in the order in which TLS sends them."""
    chain = issuers_of(leaf, others)
    return tuple(one.der for one in others[: len(chain)]) == tuple(one.der for one in chain)
