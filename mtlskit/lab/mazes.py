"""Certificates in which a search for a path can lose itself.

Law of this room: small numbers of certificates, huge numbers of paths. Each maze says whether there
is a way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations, product

from mtlskit.lab.pki import Authority, Issued, PrivateKey, new_key


@dataclass(frozen=True, slots=True)
class Maze:
    """One maze.

    Attributes:
        leaf, others, anchors: DER.
        way_out: whether a path from the leaf to an anchor holds.
    """

    id: str
    leaf: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(repr=False)
    anchors: tuple[bytes, ...] = field(repr=False)
    way_out: bool


def mazes() -> Iterator[Maze]:
    """Make every maze, each with a way out and without one."""
    for way_out in (True, False):
        yield _namesakes(300, way_out=way_out)
        yield _crossed(14, way_out=way_out)
        yield _crossed_namesakes(40, way_out=way_out)
        yield _layers(8, 6, way_out=way_out)
        yield _ring(16, way_out=way_out)


def _maze(
    name: str, leaf: Issued, others: list[Authority], anchor: Authority, *, way_out: bool
) -> Maze:
    """With the anchor trusted, or one of the same name with another key."""
    trusted = anchor if way_out else anchor.recreated()
    ders = tuple(one.der for one in others if one.der != trusted.der)
    return Maze(
        f"{name}, {'with' if way_out else 'no'} way out", leaf.der, ders, (trusted.der,), way_out
    )


def _blind(name: str, key: PrivateKey, issuer: Authority) -> Authority:
    """An intermediate that names neither its own key nor its issuer's."""
    return issuer.intermediate(name, key=key, ski=None, aki=None)


def _namesakes(number: int, *, way_out: bool) -> Maze:
    """Hundreds of roots of one name, re-keyed, and a leaf that does not say which it means."""
    roots = [Authority.root("CN=Same", ski=None) for _ in range(number)]
    leaf = roots[0].client("CN=Leaf", aki=None)
    return _maze(f"{number} roots of one name", leaf, roots, roots[0], way_out=way_out)


def _crossed(number: int, *, way_out: bool) -> Maze:
    """Each of many CAs signed every other one."""
    roots = [Authority.root(f"CN=CA {at}") for at in range(number)]
    crossed = [
        _blind(other.certificate.subject.rfc4514_string(), other.key, one)
        for one, other in permutations(roots, 2)
    ]
    leaf = roots[0].client("CN=Leaf", aki=None)
    return _maze(f"{number} CAs that signed each other", leaf, crossed, roots[-1], way_out=way_out)


def _crossed_namesakes(number: int, *, way_out: bool) -> Maze:
    """CAs of one name, each of which signed nine others."""
    roots = [Authority.root("CN=Same", ski=None) for _ in range(number)]
    crossed = [
        _blind("CN=Same", roots[(at + step) % number].key, one)
        for at, one in enumerate(roots)
        for step in range(1, 10)
    ]
    leaf = roots[0].client("CN=Leaf", aki=None)
    return _maze(
        f"{number} namesakes that signed each other", leaf, crossed, roots[-1], way_out=way_out
    )


def _layers(depth: int, width: int, *, way_out: bool) -> Maze:
    """Layers of CAs, each signed by every one of the layer above."""
    top = Authority.root("CN=Top")
    above, found = [top], list[Authority]()
    for layer in range(depth):
        keys = [new_key() for _ in range(width)]
        made = [
            _blind(f"CN=Layer {layer} CA {at}", key, one)
            for one, (at, key) in product(above, enumerate(keys))
        ]
        found += made
        above = made[:width]
    leaf = above[0].client("CN=Leaf", aki=None)
    return _maze(f"{depth} layers of {width} CAs", leaf, found, top, way_out=way_out)


def _ring(number: int, *, way_out: bool) -> Maze:
    """Each CA signed the next one, the last the first; one of them is signed by a root as well."""
    roots = [Authority.root(f"CN=Ring {at}") for at in range(number)]
    ring = [
        _blind(
            roots[(at + 1) % number].certificate.subject.rfc4514_string(),
            roots[(at + 1) % number].key,
            one,
        )
        for at, one in enumerate(roots)
    ]
    leaf = roots[0].client("CN=Leaf", aki=None)
    return _maze(f"a ring of {number} CAs", leaf, ring, roots[number // 2], way_out=way_out)
