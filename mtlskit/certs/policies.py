"""Certificate policies along a path (RFC 5280, 6.1, as RFC 9618 amends it).

Law of this room: what is decided here is whether a policy holds all the way, for those who ask
for one. Which policy is good enough is nobody's business but the verifier's (`Wanted`).

The policies of one certificate are a level: each policy with the policies of the level above that
it comes from. Where RFC 5280 grows a tree, whose size certificates could drive up without end, RFC
9618 keeps this graph, which says the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate

CERTIFICATE_POLICIES = "2.5.29.32"
POLICY_MAPPINGS = "2.5.29.33"
POLICY_CONSTRAINTS = "2.5.29.36"
INHIBIT_ANY_POLICY = "2.5.29.54"
ANY = "2.5.29.32.0"
_NOTHING = asn1.encode(asn1.SEQUENCE, b"")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the verifier asks for (RFC 5280, 6.1.1 (c) to (g)); by default nothing.

    Attributes:
        policies: acceptable policies, dotted OIDs; `ANY` stands for all of them.
        explicit: one of them must hold, even if no certificate demands it.
        no_mapping: policies must not be mapped to others.
        no_any: anyPolicy does not count in certificates.
    """

    policies: frozenset[str] = frozenset({ANY})
    explicit: bool = False
    no_mapping: bool = False
    no_any: bool = False


NOTHING = Wanted()
"""No demands of its own: only what the certificates themselves demand."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the policies of a path fail, and why; `code` is one of the closed list of reasons."""

    code: str
    certificate: Certificate
    because: str
    expected: str = ""
    presented: str = ""


@dataclass(slots=True)
class _Node:
    """One policy of one level: where it comes from, and as what it goes on."""

    parents: set[str]
    expected: set[str]


_Level = dict[str, _Node]


@dataclass(frozen=True, slots=True)
class _Said:
    """What one certificate says of policies; None: nothing."""

    policies: tuple[str, ...] | None = None
    mappings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    require_explicit: int | None = None
    inhibit_mapping: int | None = None
    inhibit_any: int | None = None


def faults(certificates: Sequence[Certificate], wanted: Wanted) -> Iterator[Fault]:
    """Walk a path from below its anchor down to the leaf; yield why no policy holds, if so.

    Args:
        certificates: the leaf first; without the anchor.
        wanted: the verifier's own demands.
    """
    if wanted == NOTHING and not any(_speaks(one) for one in certificates):
        return
    walk = _Descent(len(certificates), wanted)
    for one in reversed(certificates):
        try:
            said = _said(one)
        except asn1.Asn1Error as error:
            yield Fault("malformed", one, f"The policies of {one.label} are malformed: {error}.")
            return
        fault = walk.down(one, said, last=one is certificates[0])
        if fault is not None:
            yield fault
            return


def _speaks(one: Certificate) -> bool:
    """Whether a certificate can make a path fail for its policies, malformed ones too."""
    return any(
        extension.oid in {POLICY_MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY}
        for extension in one.extensions
    )


class _Descent:
    """The state of RFC 5280, 6.1.2: the levels so far, and three counters."""

    def __init__(self, length: int, wanted: Wanted) -> None:
        self.wanted = wanted
        self.levels: list[_Level] = [{ANY: _Node(set(), {ANY})}]
        self.explicit = 0 if wanted.explicit else length + 1
        self.mapping = 0 if wanted.no_mapping else length + 1
        self.any = 0 if wanted.no_any else length + 1
        self.demanded_by = "the verifier"

    def down(self, one: Certificate, said: _Said, *, last: bool) -> Fault | None:
        """Take one certificate in (6.1.3 (d) to (f)), and get ready for the next (6.1.4)."""
        self._grow(one, said, last=last)
        if last:
            return self._end(one, said)
        if self.explicit == 0 and not self.levels[-1]:
            return self._unmet(one, said)
        if ANY in said.mappings or any(ANY in targets for targets in said.mappings.values()):
            text = f"{one.label} maps anyPolicy, or maps to it, which RFC 5280 forbids."
            return Fault("policy", one, text, "no mapping of anyPolicy", "anyPolicy mapped")
        self._map(said)
        self._count(one, said)
        return None

    def _grow(self, one: Certificate, said: _Said, *, last: bool) -> None:
        above, level = self.levels[-1], _Level()
        for policy in said.policies or ():
            if policy == ANY:
                continue
            parents = {name for name, node in above.items() if policy in node.expected}
            parents = parents or ({ANY} & above.keys())
            if parents:
                level[policy] = _Node(parents, {policy})
        any_counts = self.any > 0 or (one.self_issued and not last)
        if any_counts and ANY in (said.policies or ()):
            _carry_over(above, level)
        self.levels.append(level)

    def _map(self, said: _Said) -> None:
        """6.1.4 (b)."""
        level, above = self.levels[-1], self.levels[-2]
        for policy, targets in said.mappings.items():
            if self.mapping == 0:
                level.pop(policy, None)
            elif policy in level:
                level[policy].expected = set(targets)
            elif ANY in level and ANY in above:
                level[policy] = _Node({ANY}, set(targets))

    def _count(self, one: Certificate, said: _Said) -> None:
        """6.1.4 (h) to (j)."""
        if not one.self_issued:
            self.explicit = max(self.explicit - 1, 0)
            self.mapping = max(self.mapping - 1, 0)
            self.any = max(self.any - 1, 0)
        if said.require_explicit is not None and said.require_explicit < self.explicit:
            self.explicit, self.demanded_by = said.require_explicit, one.label
        if said.inhibit_mapping is not None:
            self.mapping = min(self.mapping, said.inhibit_mapping)
        if said.inhibit_any is not None:
            self.any = min(self.any, said.inhibit_any)

    def _end(self, leaf: Certificate, said: _Said) -> Fault | None:
        """6.1.5 (a), (b) and (g)."""
        explicit = max(self.explicit - 1, 0)
        if said.require_explicit == 0 and explicit:
            explicit, self.demanded_by = 0, leaf.label
        return self._unmet(leaf, said) if explicit == 0 and not self._held() else None

    def _held(self) -> bool:
        """Whether a policy that the verifier accepts reaches the last level."""
        if not self.levels[-1]:
            return False
        if ANY in self.wanted.policies or ANY in self.levels[-1]:
            return True
        return bool(self.wanted.policies & self._roots())

    def _roots(self) -> set[str]:
        """The policies that lead to the last level, as their first issuer named them."""
        roots: set[str] = set()
        alive = set(self.levels[-1])
        for level in reversed(self.levels[1:]):
            reached = [level[name] for name in alive if name in level]
            roots |= {name for name in alive if name in level and ANY in level[name].parents}
            alive = set().union(*(node.parents for node in reached))
        return roots - {ANY}

    def _unmet(self, one: Certificate, said: _Said) -> Fault:
        above = set().union(*(node.expected for node in self.levels[-2].values()))
        expected = _listed(self.wanted.policies if self.levels[-1] else above)
        text = (
            f"A policy must hold on the whole path, which {self.demanded_by} demands, and at "
            f"{one.label} none does."
        )
        return Fault("policy", one, text, expected, _listed(said.policies or ()))


def _carry_over(above: _Level, level: _Level) -> None:
    """AnyPolicy goes on with whatever the level above expects (6.1.3 (d)(2))."""
    for policy in set().union(*(node.expected for node in above.values())) - level.keys():
        parents = {name for name, node in above.items() if policy in node.expected}
        level[policy] = _Node(parents, {policy})


def _listed(policies: Sequence[str] | frozenset[str] | set[str]) -> str:
    names = sorted("any policy" if one == ANY else one for one in policies)
    return ", ".join(names) or "no policy"


def _said(one: Certificate) -> _Said:
    """Read the four extensions.

    Raises:
        asn1.Asn1Error: one is malformed.
    """
    value = {extension.oid: extension.value for extension in one.extensions}
    limits = limits_from(value.get(POLICY_CONSTRAINTS, _NOTHING))
    return _Said(
        policies_from(value[CERTIFICATE_POLICIES]) if CERTIFICATE_POLICIES in value else None,
        mappings_from(value.get(POLICY_MAPPINGS, _NOTHING)),
        limits.get(0),
        limits.get(1),
        number_from(value[INHIBIT_ANY_POLICY]) if INHIBIT_ANY_POLICY in value else None,
    )


def policies_from(value: bytes) -> tuple[str, ...]:
    """CertificatePolicies (RFC 5280, 4.2.1.4): the policies, dotted OIDs.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    found = []
    for tag, start, stop in asn1.sequence(value):
        if tag != asn1.SEQUENCE:
            raise asn1.Asn1Error(start, "a policy", asn1.tag_name(tag))
        found.append(asn1.oid(value[slice(*asn1.expect(value, start, stop, asn1.OID))]))
    return tuple(found)


def mappings_from(value: bytes) -> dict[str, frozenset[str]]:
    """PolicyMappings: each issuer's policy with those of the subject that it stands for.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    found: dict[str, frozenset[str]] = {}
    for _, start, stop in asn1.sequence(value):
        first = asn1.expect(value, start, stop, asn1.OID)
        second = asn1.expect(value, first[1], stop, asn1.OID)
        issuer, subject = (asn1.oid(value[slice(*one)]) for one in (first, second))
        found[issuer] = found.get(issuer, frozenset()) | {subject}
    return found


def limits_from(value: bytes) -> dict[int, int]:
    """PolicyConstraints: requireExplicitPolicy [0] and inhibitPolicyMapping [1].

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    parts = asn1.sequence(value)
    return {tag & 0x1F: _count(value, start, stop) for tag, start, stop in parts}


def number_from(value: bytes) -> int:
    """InhibitAnyPolicy: a number of certificates.

    Raises:
        asn1.Asn1Error: it is malformed.
    """
    start, stop = asn1.expect(value, 0, len(value), asn1.INTEGER)
    if stop != len(value):
        raise asn1.Asn1Error(stop, "the end of the data", f"{len(value) - stop} more bytes")
    return _count(value, start, stop)


def _count(value: bytes, start: int, stop: int) -> int:
    """SkipCerts, a number of certificates (RFC 5280, 4.2.1.11)."""
    found = asn1.integer(value, start, stop)
    if found < 0:
        raise asn1.Asn1Error(start, "a number of certificates, zero or more", str(found))
    return found
