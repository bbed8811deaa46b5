"""Which mystery a seed means, at each level.

Law of this file: the same seed and level are the same mystery on every machine: nothing but the two
and ``mysteries.toml`` decides. What may be staged is declared there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Literal, get_args

from mtlskit.lab.scenes import Version

Kind = Literal["called", "recorded", "filed", "settings", "paper", "pairs", "both"]
"""What is staged: see the head of ``mysteries.toml``."""
SEEDS = 10_000
"""Seeds that are drawn where none is given are below this; any other may be given."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level: its title, and what it may stage."""

    number: int
    title: str
    stages: tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """One mystery, not staged yet.

    Attributes:
        kind: how it is staged.
        what: the scene, instance or pair.
        tls: the TLS version.
    """

    seed: int
    level: int
    kind: Kind = field(repr=False)
    what: str = field(repr=False)
    tls: Version = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called among the scores."""
        return f"mystery {self.seed}, level {self.level}"


@cache
def told() -> Mapping[str, Any]:
    """Return what ``mysteries.toml`` says."""
    text = Path(__file__).with_name("mysteries.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def levels() -> Mapping[int, Level]:
    """Return the levels by their number."""
    return MappingProxyType({one["number"]: _level(one) for one in told()["level"]})


def _level(row: Mapping[str, Any]) -> Level:
    kinds: tuple[Kind, ...] = get_args(Kind)
    stages = tuple((kind, what) for kind in kinds for what in row.get(kind, ()))
    return Level(row["number"], row["title"], stages)


def pick(seed: int, level: int) -> Pick:
    """Say which mystery it is.

    Raises:
        ValueError: there is no such level.
    """
    if level not in levels():
        known = ", ".join(map(str, levels()))
        raise ValueError(f"There is no level {level}; the mysteries have the levels {known}.")
    random = Random(f"mystery {seed} of level {level}")  # noqa: S311 - it shall be foreseeable
    stages = levels()[level].stages
    # First the kind and then the fault, or a level's few settings would hardly ever come.
    kind = random.choice(tuple(dict.fromkeys(kind for kind, _ in stages)))
    what = random.choice([what for other, what in stages if other == kind])
    versions: tuple[Version, ...] = get_args(Version)
    return Pick(seed, level, kind, what, random.choice(versions))
