"""The stacks' profiles: switches over one path engine, read from `stacks.toml`.

Law of this file: a switch is data with its source. What a value does is said in `stack_paths` and
`stack_rules`; what is known of a stack is said in the table alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Building = Literal["search", "as-sent", "valid-first", "first", "sorted"]


@dataclass(frozen=True, slots=True)
class Switch:
    """What is known of one switch of one stack.

    Attributes:
        value: as in the profile's field of this name.
        says: what it means, a clause for people.
        source: where it was seen.
    """

    value: object
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """How one stack judges a path; each field but the first three is a switch of the table.

    Attributes:
        building: how a path is found.
        partial: whether a trusted certificate that is not self-signed ends a path.
        pinned_leaf: what is asked of a leaf that is trusted itself: ``judged`` all, ``plain`` all
            but the extras, ``dated`` dates and key usage, ``unjudged`` nothing, ``own-issuer``
            what is asked of an issuer.
        names: whether issuers are found by ``folded`` names (RFC 5280, 7.1) or by their ``bytes``.
        key_identifiers: which of them decide who is an issuer: none, ``key``, ``key-and-serial``.
        anchor_unasked: the kinds of rule that a trust anchor is not held to.
        anchor_flag: which trust anchors without basic constraints are taken.
        any_purpose: where anyExtendedKeyUsage stands for every purpose.
        leaf_usages: the key usages of which one is needed; (): none.
        intermediates, searched_intermediates, sent: limits; -1: none.
        rsa_bits, leaf_rsa_bits: the least size of an issuer's and of the leaf's key.
        refused_keys, refused_issuer_keys: kinds of key, as `PublicKey` prints them.
        unreadable_keys: kinds of key that are refused wherever they stand in what was sent.
        unchecked_constraints: forms of name that are let through.
        refused_constraints: forms of name that are refused wherever a constraint has them.
        unmet_constraints: forms of name that are refused where a certificate has such a name.
        unmet_exclusions: the same, for constraints that exclude names of this form.
        dns_constraints: how DNS names are held to name constraints (`dns_constraints.WAYS`).
        common_name: when a common name counts as a host name below name constraints.
        unread_extensions: those of which it is not noticed that they are malformed; with
            ``-of-leaf`` behind a name, in a leaf; ``not-critical``, all that are not critical.
        extras: names of rules in `stack_rules`, asked besides.
        signing_keys: the leaf's kinds of key that the TLS 1.3 library has a signature scheme for.
    """

    name: str
    title: str
    table: Mapping[str, Switch] = field(repr=False)
    building: Building
    partial: bool
    pinned_leaf: str
    names: str
    key_identifiers: str
    anchor_unasked: tuple[str, ...]
    anchor_flag: str
    policies: bool
    any_purpose: tuple[str, ...]
    issuer_purposes: bool
    leaf_usages: tuple[str, ...]
    ca_leaf: bool
    intermediates: int
    searched_intermediates: int
    sent: int
    self_issued_count: bool
    rsa_bits: int
    leaf_rsa_bits: int
    refused_hashes: tuple[str, ...]
    refused_keys: tuple[str, ...]
    refused_issuer_keys: tuple[str, ...]
    unreadable_keys: tuple[str, ...]
    unchecked_constraints: tuple[str, ...]
    refused_constraints: tuple[str, ...]
    unmet_constraints: tuple[str, ...]
    unmet_exclusions: tuple[str, ...]
    dns_constraints: str
    common_name: str
    critical_known: tuple[str, ...]
    unread_extensions: tuple[str, ...]
    leaf_version_3: bool
    serials: str
    alternative_names: str
    extras: tuple[str, ...]
    signing_keys: tuple[str, ...]

    def differing(self, other: Profile) -> tuple[str, ...]:
        """The names of the switches that are set otherwise than in another profile.

        How a path is built comes last: it turns more verdicts than it explains.
        """
        order = sorted(SWITCHES, key=lambda one: one == "building")
        return tuple(one for one in order if getattr(self, one) != getattr(other, one))

    def with_switch(self, name: str, other: Profile) -> Profile:
        """This profile with one switch set as in another."""
        return replace(self, **{name: getattr(other, name)})


SWITCHES = tuple(one.name for one in fields(Profile))[3:]
BASE = "rfc5280"


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by its name, the RFC's first, in the order of the table."""
    text = files("mtlskit.certs").joinpath("stacks.toml").read_text("utf-8")
    rows = tomllib.loads(text)["stack"]
    return {name: _profile(name, rows) for name in rows}


def profile(name: str) -> Profile:
    """The profile of this name.

    Raises:
        ValueError: there is none.
    """
    found = profiles().get(name)
    if found is None:
        known = ", ".join(profiles())
        raise ValueError(f"There is no profile {name!r}. There are: {known}.")
    return found


def _profile(name: str, rows: Mapping[str, dict[str, Any]]) -> Profile:
    table = {one: _switch(row) for one, row in _lineage(name, rows).items()}
    return Profile(
        name,
        rows[name]["title"],
        table,
        **{one: table[one].value for one in SWITCHES},  # type: ignore[arg-type]  # as the table says; a test holds it
    )


def _lineage(name: str, rows: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of a stack over those of the one that it is like, over the RFC's."""
    own = {one: row for one, row in rows[name].items() if isinstance(row, dict)}
    if name == BASE:
        return own
    return _lineage(rows[name].get("like", BASE), rows) | own


def _switch(row: Mapping[str, Any]) -> Switch:
    value = tuple(row["is"]) if isinstance(row["is"], list) else row["is"]
    return Switch(value, row["says"], row["source"])
