"""The guide names its own fields where a text meant for every reader names an option.

Law of this file: only what is said is changed, never a command that is shown to be copied.
"""

from __future__ import annotations

import re

from mtlskit.desk import rail

FIELDS = {
    "identity": f"{rail.where(rail.KEYS)}, Add the key store",
    "trust": f"{rail.where(rail.KEYS)}, Add trust files",
    "material": f"{rail.where(rail.KEYS)}, Add other certificates",
    "settings": f"{rail.where(rail.SETTINGS)}, Add exports",
}
_BRACKETED = re.compile(rf"\(--({'|'.join(FIELDS)})\)")
_WITH = re.compile(rf"\bwith --({'|'.join(FIELDS)})\b")


def by_fields(text: str) -> str:
    """Return the text, or the markup, with the names of fields instead of those of options."""
    said = _BRACKETED.sub(lambda found: f"({FIELDS[found[1]]})", text)
    return _WITH.sub(lambda found: f"in the guide ({FIELDS[found[1]]})", said)
