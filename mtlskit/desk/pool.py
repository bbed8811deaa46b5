"""Evidence as JSON and back, without secrets. Law of this file: what it does not know, it refuses.

Every value that holds others stands once in a pool, after all that it holds, and is referred to by
its place: so what was the same thing stays the same thing, and a file cannot ask for endless depth.
Of a private key its public half is written, of a file's bytes nothing; a text loses what has the
form of a secret.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, NoReturn

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.private_key import PrivateKey
from mtlskit.certs.public_key import key_from
from mtlskit.material import Blob, Secrets
from mtlskit.report.redaction import clean
from mtlskit.wire.items import ApplicationData

_ROOMS = (
    "case",
    "certs",
    "collect",
    "desk",
    "diagnosis",
    "instance",
    "material",
    "trace",
    "wire",
)
"""Rooms of which a file may name a class; only those that hold nothing but fields are made."""
_UNWRITTEN = (Blob, ApplicationData)
"""What may hold a key, a password or what was said under the seal: None stands in its place."""
_KEY = "The private key was not kept with the case. Add the key store again to call with it."

Json = Any


class AbsentKey(PrivateKey):
    """A private key that was not kept: its public half is known, and nothing can be signed."""

    __slots__ = ()

    def __init__(self, spki: bytes) -> None:
        self.public = key_from(spki)

    def unlocked(self) -> NoReturn:
        """Say what to do to have it again."""
        raise ValueError(_KEY)

    def __repr__(self) -> str:
        return f"<AbsentKey {self.public}>"


def pooled(value: object) -> list[Json]:
    """Return the value as a pool, itself at the end.

    Raises:
        TypeError: it holds something that is not known here.
    """
    return _Pool().of(value)


def unpooled(pool: Sequence[Json]) -> Any:  # noqa: ANN401 - whatever was pooled
    """Return what the pool holds at its end.

    Raises:
        ValueError, TypeError, LookupError: it is damaged, or of another version.
    """
    made: list[Any] = []
    for node in pool:
        made.append(_made(node, made))
    return made[-1][0]


class _Pool:
    """What was written so far."""

    def __init__(self) -> None:
        self._nodes: list[Json] = []
        self._places: dict[int, list[int]] = {}
        self._held: list[object] = []  # so that no place is taken by another value

    def of(self, value: object) -> list[Json]:
        self._nodes.append({"tuple": [self._written(value)]})
        return self._nodes

    def _written(self, value: object) -> Json:
        """Return a plain value as it is, any other as a reference."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, _UNWRITTEN):
            return None
        place = self._places.get(id(value))
        if place is None:
            self._nodes.append(self._node(value))
            place = self._places[id(value)] = [len(self._nodes) - 1]
            self._held.append(value)
        return place

    def _node(self, value: object) -> Json:
        """Write a value by its kind."""
        match value:
            case bytes() | datetime() | PrivateKey():
                return _leaf(value)
            case Certificate():
                return {"certificate": _text(value.der), "source": self._written(value.source)}
            case tuple() if hasattr(value, "_fields"):
                return {"of": _name(type(value)), "in": self._each(value)}
            case tuple() | list() | frozenset():
                kind = "set" if isinstance(value, frozenset) else "tuple"
                return {kind: self._each(value)}
            case Mapping():
                return {"map": [self._each(pair) for pair in value.items()]}
        return self._fields(value)

    def _each(self, values: Iterable[object]) -> list[Json]:
        return [self._written(one) for one in values]

    def _fields(self, value: object) -> Json:
        if isinstance(value, Secrets) or not is_dataclass(value) or isinstance(value, type):
            raise TypeError(f"{type(value).__name__} is not kept with a case.")
        held = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        told = {name: self._written(inner) for name, inner in held.items()}
        return {"of": _name(type(value)), "has": told}


def _leaf(value: bytes | datetime | PrivateKey) -> Json:
    """Write what holds nothing else; of a private key its public half."""
    match value:
        case bytes():
            return {"bytes": _text(value)}
        case datetime():
            return {"time": value.isoformat()}
    return {"key": _text(value.spki)}


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _name(kind: type) -> str:
    return f"{kind.__module__.removeprefix('mtlskit.')}:{kind.__qualname__}"


def _made(node: Json, made: list[Any]) -> object:
    """Make the value of one node; it refers to nothing but what was made before."""

    def of(value: Json) -> Any:  # noqa: ANN401 - whatever was made
        return made[_place(value, len(made))] if isinstance(value, list) else value

    match node:
        case {"certificate": str(text), "source": source}:
            return read_certificate(_data(text), of(source))
        case {"of": str(name), "in": list(inner)}:
            return _class(name, tuple)(*map(of, inner))
        case {"of": str(name), "has": dict(told)}:
            kind = _class(name, object)
            known = {one.name for one in fields(kind) if one.init}
            return kind(**{key: of(value) for key, value in told.items() if key in known})
    ((kind, value),) = node.items()
    return _KINDS[kind](value, of)


def _data(text: str) -> bytes:
    return b64decode(text, validate=True)


_KINDS: dict[str, Callable[[Any, Callable[[Json], Any]], object]] = {
    "bytes": lambda text, _: _data(text),
    "time": lambda text, _: datetime.fromisoformat(text),
    "key": lambda text, _: AbsentKey(_data(text)),
    "tuple": lambda inner, of: tuple(map(of, inner)),
    "set": lambda inner, of: frozenset(map(of, inner)),
    "map": lambda pairs, of: {of(key): of(value) for key, value in pairs},
}
"""What makes a value of each kind; `of` gives what a reference means."""


def _place(value: list[Json], made: int) -> int:
    match value:
        case [int(place)] if 0 <= place < made:
            return place
    raise ValueError("A part of the case is missing.")


def _class(name: str, base: type) -> Any:  # noqa: ANN401 - a class of ours
    """Find a class that holds fields and nothing else, in a room that holds evidence."""
    module, _, kind = name.partition(":")
    if module.partition(".")[0] not in _ROOMS:
        raise ValueError(f"{name} is no part of a case.")
    found = getattr(import_module(f"mtlskit.{module}"), kind)
    plain = is_dataclass(found) if base is object else hasattr(found, "_fields")
    if not (isinstance(found, type) and plain and issubclass(found, base)):
        raise TypeError(f"{name} is no part of a case.")
    return found
