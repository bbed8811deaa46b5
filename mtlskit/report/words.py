"""The words of the report, read from `words.toml`, and how a sentence is made of an observation."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from mtlskit.diagnosis.reason import Standing
from mtlskit.material import Because
from mtlskit.page.blocks import Badge


@cache
def words() -> dict[str, Any]:
    """Return the tables of `words.toml`."""
    return tomllib.loads(files("mtlskit.report").joinpath("words.toml").read_text("utf-8"))


def sentence(text: str) -> str:
    """Write an observation as a sentence; a name at its begin stays as it is."""
    first, blank, rest = text.strip().partition(" ")
    opened = first.capitalize() if first in words()["openers"] else first
    said = opened + blank + rest
    return said if not said or said[-1] in ".!?:" else said + "."


def told(because: Because) -> str:
    """Write an observation as a sentence with the place where it was made."""
    place = f" [{because.source}]" if because.source else ""
    return sentence(because.text) + place


def standing_badge(standing: Standing) -> Badge:
    """Return the standing as a badge."""
    said = words()["standing"][standing]
    return Badge(said["word"], said["tone"])


def alert_meaning(number: int | None) -> str | None:
    """Say what an alert means by the standard; None if it is none of those that are told here."""
    meaning: str | None = words()["alert"].get(str(number))
    return meaning


def counted(number: int, what: str) -> str:
    """Return ``1 certificate`` or ``2 certificates``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return ``one``, ``one and two`` or ``one, two and three``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
