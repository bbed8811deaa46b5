"""A file of another tool, recognised by what it holds and read.

Law of this file: what a file is called counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mtlskit.instance.othertools.curl import is_command, read_curl
from mtlskit.instance.othertools.postman import read_postman
from mtlskit.instance.othertools.soapui import ROOTS, SoapUi, joined, read_soapui
from mtlskit.instance.othertools.tool import Tool
from mtlskit.material import Blob

KINDS: Mapping[str, Callable[[Blob], Tool]] = {
    "soapui": read_soapui,
    "postman": read_postman,
    "curl-command": read_curl,
}
"""What `kind_of_tool` gives, and who reads it."""

_HEAD = 65536


def kind_of_tool(head: bytes) -> str | None:
    """Tell by the beginning of a file whether a tool's settings are in it; None: they are not."""
    text = head[:_HEAD].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<") and any(f":{one}" in text or f"<{one}" in text for one in ROOTS):
        return "soapui"
    if text.startswith(("{", "[")):
        # Each of these words alone may stand in an export of an instance too.
        certificates = '"matches"' in text and ('"cert"' in text or '"pfx"' in text)
        collection = "getpostman.com/" in text or '"_postman_id"' in text
        return "postman" if certificates or collection else None
    return "curl-command" if is_command(text) else None


def read_tool(blob: Blob) -> Tool:
    """Read a tool's file.

    Raises:
        Unreadable: it cannot be read.
        ValueError: it is a file of no tool that is known.
    """
    kind = kind_of_tool(blob.data)
    if kind is None:
        raise ValueError(f"{blob.source} is no file of SoapUI, Postman or curl.")
    return KINDS[kind](blob)


def together(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Join what belongs together: SoapUI's settings and its projects are one tool."""
    every = tuple(tools)
    ours = [one for one in every if isinstance(one, SoapUi)]
    others = tuple(one for one in every if not isinstance(one, SoapUi))
    return ((joined(ours), *others)) if ours else others
