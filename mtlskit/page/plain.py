"""Any value of ours as JSON-able values, for programs.

Law of this file: what a value hides from its own repr is not told, and what refuses to be copied
(a private key, a password, a key log) is left out; nothing else is dropped in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from typing import Any

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_LEFT_OUT = object()
# Inside a string JSON may name any character by its number; outside one there are no such ones.
_UNPRINTED = re.compile(r"[^\n -~]")
_AS_TEXT = (str, PurePath, IPv4Address, IPv6Address)


def plain(value: object, also: Collection[str] = ()) -> Plain:
    """Return the value as None, bool, int, float, str, list and dict.

    Bytes are hex, times ISO 8601 in UTC with a Z, spans of time seconds; a dataclass is its
    fields, unless it has a method ``plain()`` by which it tells itself. Fields that the repr hides
    are left out, except those named in `also`.

    Raises:
        TypeError: the value is a secret, or of a kind that this function does not know.
    """
    told = _told(value, frozenset(also))
    if told is _LEFT_OUT:
        raise TypeError(f"a {type(value).__name__} is a secret: it is not told")
    return told  # type: ignore[return-value] # what is left out was caught in the line above


def _told(value: Any, also: frozenset[str]) -> object:  # noqa: ANN401, PLR0911 - one return a kind
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return _told(value.value, also)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case datetime():
            return _time(value)
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return _pairs(((str(key), inner) for key, inner in value.items()), also)
        case _ if isinstance(value, _AS_TEXT):
            return str(value)
    return _told_more(value, also)


def _told_more(value: Any, also: frozenset[str]) -> object:  # noqa: ANN401 - any value
    if callable(getattr(value, "plain", None)):
        return value.plain()
    if is_dataclass(value):
        return _LEFT_OUT if _is_secret(value) else _by_fields(value, also)
    if isinstance(value, AbstractSet):
        return sorted((_told(inner, also) for inner in value), key=str)
    if isinstance(value, Collection):
        return [told for inner in value if (told := _told(inner, also)) is not _LEFT_OUT]
    if _is_secret(value):
        return _LEFT_OUT
    raise TypeError(f"a {type(value).__name__} has no plain form")


def by_fields(value: object, also: Collection[str] = ()) -> dict[str, Plain]:
    """Tell a dataclass by its fields even if it has a ``plain()``, which may add to them."""
    return _by_fields(value, frozenset(also))  # type: ignore[return-value] # nothing left out is in


def _by_fields(value: Any, also: frozenset[str]) -> dict[str, object]:  # noqa: ANN401 - a dataclass
    shown = (each.name for each in fields(value) if each.repr or each.name in also)
    return _pairs(((name, getattr(value, name)) for name in shown), also)


def _pairs(pairs: Any, also: frozenset[str]) -> dict[str, object]:  # noqa: ANN401 - any values
    told = {name: _told(value, also) for name, value in pairs}
    return {name: value for name, value in told.items() if value is not _LEFT_OUT}


def _time(moment: datetime) -> str:
    """Say the moment in UTC; one without a zone is taken to be UTC already."""
    aware = moment.astimezone(UTC) if moment.tzinfo else moment
    return aware.replace(tzinfo=None).isoformat() + "Z"


def _is_secret(value: object) -> bool:
    """Whether the value refuses to be copied, which is how our secrets are recognised."""
    try:
        value.__reduce_ex__(4)
    except TypeError:
        return True
    return False


def json_text(told: object, indent: int | None = 2) -> str:
    """Write JSON that a person may look at too: what hides or reorders is told by its number.

    Args:
        told: what `json` can write.
        indent: as `json` has it; None: all in one line.
    """
    return _UNPRINTED.sub(_numbered, json.dumps(told, indent=indent, ensure_ascii=False))


def _numbered(found: re.Match[str]) -> str:
    letter = found[0]
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]
