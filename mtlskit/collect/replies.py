"""The numbers by which proxies and servers answer before TLS. Law of this file: data, read once."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any, Literal

_Kind = Literal["refused", "timeout", "unreachable", "declined"]


def _table(name: str) -> dict[int, Any]:
    text = files(__package__).joinpath("replies.toml").read_text("utf-8")
    return {int(code): value for code, value in tomllib.loads(text)[name].items()}


SOCKS: dict[int, tuple[_Kind, str]] = {
    code: (value["kind"], value["text"]) for code, value in _table("socks").items()
}
"""SOCKS 5 replies: what kind of failure, and the words."""

LDAP: dict[int, str] = _table("ldap")
"""LDAP result codes and their names."""
