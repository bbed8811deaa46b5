"""What a tool would send: the words that all readers of this room share.

Law of this file: of a password only whether one is set is kept. What a file does not say is None.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal, Protocol

from mtlskit.instance.routes import Address
from mtlskit.material import Because, Problem, Source, Unreadable

Name = Literal["SoapUI", "Postman", "curl"]
HTTPS = 443
MAX_BYTES = 64 * 1024 * 1024
"""A longer file is refused: no project and no collection worth reading is that long."""


@dataclass(frozen=True, slots=True)
class Held:
    """A client certificate as a tool is set to use it.

    Attributes:
        file: the key store, or the certificate's file, as the setting names it.
        key: the private key's file, if it is another one.
        password: whether a password is set; None: the file does not say.
        where: the setting, as a person would find it.
    """

    file: str
    key: str | None
    password: bool | None
    where: str
    source: Source

    @property
    def name(self) -> str:
        """The file's name without its folder, of whichever system."""
        return PurePosixPath(PureWindowsPath(self.file).as_posix()).name or self.file


@dataclass(frozen=True, slots=True)
class Sending:
    """What a tool would do at one address.

    Attributes:
        sends: the certificate that it holds ready; None: it would send none.
        verifies: whether it verifies the server; None: the file does not say.
        because: why, each with its setting.
        facts: ids in `facts.toml` of what is good to know then.
    """

    tool: Name
    address: Address
    sends: Held | None
    verifies: bool | None
    because: tuple[Because, ...]
    facts: tuple[str, ...]

    @property
    def known(self) -> tuple[Fact, ...]:
        """What is good to know of the tool at this call."""
        return tuple(fact for one in self.facts if (fact := known_of(self.tool).get(one)))


class Tool(Protocol):
    """A tool's settings, as a file of it tells them."""

    @property
    def name(self) -> Name:
        """What the tool is called."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read in them."""

    def sending(self, address: Address) -> Sending:
        """Tell what it would do at an address."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known of a tool, and where it was seen."""

    id: str
    when: str
    says: str
    source: str


@cache
def known_of(tool: Name) -> Mapping[str, Fact]:
    """Return everything that is known of a tool, by id."""
    text = files("mtlskit.instance.othertools").joinpath("facts.toml").read_text(encoding="utf-8")
    return {name: Fact(name, **row) for name, row in tomllib.loads(text)[tool.lower()].items()}


def facts_for(tool: Name, found: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of what is told where these things were found."""
    words = {"always", *found}
    return tuple(one.id for one in known_of(tool).values() if one.when in words)


def refused(source: Source, code: str, says: str) -> Unreadable:
    """Make the error that says why a tool's file cannot be read."""
    return Unreadable(Problem(code, f"The file {says}", source))
