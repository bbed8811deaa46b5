"""How libraries spell alerts and reasons of verification: `alerts.toml` and `reasons.toml`.

Law of this file: a spelling that is not in the table is nobody's guess; it stays a text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mtlskit.wire.names import alert_name


@dataclass(frozen=True, slots=True)
class AlertWord:
    """One alert (RFC 8446, 6; RFC 5246, 7.2).

    Attributes:
        spelled: how libraries write it besides the RFC's own name, folded by `fold`.
        only_from: the side that alone may send it.
        tls: the version that alone has it.
        server: causes when a client sends it, which then refuses the server.
        client: causes when a server sends it, which then refuses the client.
        means: what the standard says it means.
        not_means: what it is taken for and does not say.
    """

    number: int
    name: str
    spelled: tuple[str, ...] = ()
    only_from: str | None = None
    tls: str | None = None
    server: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    means: str = ""
    not_means: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for which a chain is rejected.

    Attributes:
        spelled: how libraries write it, folded by `fold`.
        client: causes where the rejected chain is the client's.
        server: causes where it is the server's.
    """

    id: str
    means: str
    spelled: tuple[str, ...]
    client: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    not_means: str = ""


def fold(text: str) -> str:
    """Return a text as spellings are compared: letters and digits in lower case."""
    return "".join(one for one in text.lower() if one.isalnum())


@cache
def alerts() -> Mapping[int, AlertWord]:
    """Return every alert that has words here, by its number."""
    return {
        int(number): AlertWord(int(number), alert_name(int(number)), **_frozen(row))
        for number, row in _rows("alerts.toml").items()
    }


def alert_spelled(text: str) -> AlertWord | None:
    """Return the alert that a library spells so."""
    return _alert_spellings().get(fold(text))


def reason_spelled(text: str) -> Reason | None:
    """Return the reason that a text begins with, the longest spelling first."""
    folded = fold(text[:200])
    if folded in _reason_spellings():
        return _reason_spellings()[folded]
    known = (one for one in _reason_spellings() if folded.startswith(one))
    best = max(known, key=len, default=None)
    return None if best is None else _reason_spellings()[best]


@cache
def reasons() -> Mapping[str, Reason]:
    """Return every reason by its id."""
    return {name: Reason(name, **_frozen(row)) for name, row in _rows("reasons.toml").items()}


@cache
def _alert_spellings() -> Mapping[str, AlertWord]:
    return {
        fold(spelling): one for one in alerts().values() for spelling in (one.name, *one.spelled)
    }


@cache
def _reason_spellings() -> Mapping[str, Reason]:
    return {fold(spelling): one for one in reasons().values() for spelling in one.spelled}


def _rows(name: str) -> dict[str, Any]:
    return tomllib.loads(files("mtlskit.trace.dialects").joinpath(name).read_text("utf-8"))


def _frozen(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
