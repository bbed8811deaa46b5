"""The words of Java's debug log that are no message, read from ``java.toml``. Law: data only."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from mtlskit.material import Source
from mtlskit.trace.dialects.java_lines import LOGGER
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.said import Said

Ending = Literal["fin", "reset", "deadline"]
"""How a TCP connection ended, as `material.Closing` names it."""


_LONGEST = 2000
_NOWHERE = Source("")
NONE_CAME = re.compile(r"Empty (?:client|server) certificate chain|null cert chain")
"""A server's words for an empty Certificate message; Java 8 and 11 say "server" by mistake."""

_CLASS = re.compile(r"^(?:[\w.$]{1,200}(?:Exception|Error): )?(?:\(\w+\) )?")
"""What may stand before an exception's message: its class, and from Java 25 on its alert."""


@dataclass(frozen=True, slots=True)
class KeyManagerWords:
    """What Java's key manager says of its choice.

    Attributes:
        sent_none: it says outright that the client's Certificate message was empty.
    """

    id: str
    pattern: re.Pattern[str]
    means: str
    not_means: str
    sample: str
    seen: str
    sent_none: bool = False


@dataclass(frozen=True, slots=True)
class EndingWords:
    """An exception by which Java tells that the TCP connection ended."""

    kind: Ending
    pattern: re.Pattern[str]
    means: str
    not_means: str
    sample: str
    seen: str


@cache
def key_manager() -> tuple[KeyManagerWords, ...]:
    """Give the words of the key manager."""
    return tuple(
        KeyManagerWords(**{**row, "pattern": re.compile(row["pattern"])})
        for row in _table()["key_manager"]
    )


@cache
def endings() -> tuple[EndingWords, ...]:
    """Give the words of the connection's end."""
    return tuple(
        EndingWords(**{**row, "pattern": re.compile(row["pattern"])}) for row in _table()["ended"]
    )


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    text = Path(__file__).with_name("java.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def of_key_manager(text: str) -> KeyManagerWords | None:
    """Recognise words of the key manager."""
    return next((one for one in key_manager() if one.pattern.match(text)), None)


def of_ending(text: str) -> EndingWords | None:
    """Recognise words of a connection's end, with or without the exception's class before them.

    They must be the message itself: a refusal of ours may tell within its own that a list of
    revoked certificates could not be fetched in time.
    """
    bare = _CLASS.sub("", text)
    return next((one for one in endings() if one.pattern.match(bare)), None)


@lru_cache(maxsize=512)
def heard(text: str) -> tuple[Said, ...]:
    """Give the phrases that are known of Java in a message, without their place.

    The same few messages fill a log, so what was found in one is remembered.
    """
    return tuple(said_in(f"{LOGGER} {text}"[:_LONGEST], _NOWHERE))
