"""Names in and of key stores that some program will not find, or not tell from another.

Law of this file: a name is odd if it has anything but lower-case letters, digits, dots, dashes and
underscores, and it is said what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from mtlskit.certs.entries import Store
from mtlskit.material import Source

_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class OddName:
    """An alias or a file name that some program will not find, or not tell from another.

    Attributes:
        what: ``alias`` or ``file``.
        because: a sentence.
    """

    what: Literal["alias", "file"]
    name: str
    source: Source
    because: str


def odd_names(store: Store) -> Iterator[OddName]:
    """Find them: the file's own name, then the aliases; Java's do not differ by case."""
    file = PurePath(store.source.name.replace("\\", "/")).name
    if because := _odd(file):
        yield OddName("file", file, store.source, because)
    seen: dict[str, str] = {}
    for entry in store.entries:
        alias = entry.alias
        if alias is None:
            continue
        twin = seen.setdefault(alias.casefold(), alias)
        if twin != alias:
            text = f"It differs from {twin} in case alone; Java's key stores take them for one."
            yield OddName("alias", alias, entry.source, text)
        elif because := _odd(alias):
            yield OddName("alias", alias, entry.source, because)


def _odd(name: str) -> str:
    """Say what is odd about a name, or nothing."""
    if not name or _PLAIN_NAME.fullmatch(name):
        return ""
    odd = sorted({letter for letter in name if not re.fullmatch(r"[A-Za-z0-9._-]", letter)})
    parts = ["upper case"] if any(letter.isupper() for letter in name) else []
    parts += map(_letter, odd[:8])
    if not parts:
        return "It begins with a mark, which some programs take for an option or a hidden file."
    return f"It has {', '.join(parts)}; some programs look for it in another spelling."


def _letter(letter: str) -> str:
    if letter == " ":
        return "a blank"
    return f"the letter {letter}" if letter.isalpha() else f"the character U+{ord(letter):04X}"
