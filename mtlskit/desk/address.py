"""What is kept of an address that was typed.

Law of this file: scheme, host, port and path, and nothing else. A user, a query or a fragment may
hold a password or a token, and none of them is needed to find out why a connection fails.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

DROPPED = (
    "Only the scheme, host, port and path of the address were kept. The rest was dropped, for it "
    "may hold a password or a token."
)
_QUERY = re.compile(r"[?#]")


def kept(typed: str) -> str:
    """Return ``scheme://host:port/path`` or ``host:port`` of what was typed, and no more of it."""
    scheme, mark, rest = _QUERY.split(typed.strip(), maxsplit=1)[0].partition("://")
    if not mark:
        scheme, rest = "", scheme
    authority, slash, path = rest.partition("/")
    return scheme + mark + authority.rpartition("@")[2] + slash + path


def path_of(url: str | None) -> str:
    """Return the path that is asked for."""
    return (urlsplit(url).path if url else "") or "/"


def host_of(url: str) -> str | None:
    """Return the host that a URL names, in small letters; None if it names none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def names_port(address: str) -> bool:
    """Whether the address says which port to call."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").port is not None
    except ValueError:
        return False
