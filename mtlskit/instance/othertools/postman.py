"""Postman's client certificates: which of them it would send to an address.

Law of this file: an entry is matched as Postman does it, where an empty port means 443 and nothing
else. A passphrase is not kept.

Source: postman-collection, `certificate.js`, `certificate-list.js`, `url-match-pattern.js`;
Postman Learning Center, "Add and manage certificates".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mtlskit.instance.othertools.tool import (
    HTTPS,
    MAX_BYTES,
    Held,
    Name,
    Sending,
    facts_for,
    refused,
)
from mtlskit.instance.routes import Address
from mtlskit.instance.rows import MAX_DEPTH
from mtlskit.material import Because, Blob, Problem, Source

_PATTERN = re.compile(
    r"(?P<schemes>[a-z*+]+)://(?P<host>\*|\*\.[^*/:]+|[^*/:]+)(?::(?P<port>\*|\d+))?(?P<path>/.*)\Z"
)
_EVERY = "<all_urls>"


@dataclass(frozen=True, slots=True)
class Entry:
    """One client certificate and the addresses for which it is kept.

    Attributes:
        patterns: as Postman writes them: ``https://host:port/*``.
    """

    held: Held
    patterns: tuple[str, ...]

    def fits(self, address: Address) -> bool:
        """Tell whether Postman would send it there."""
        return any(_fits(one, address, port=True) for one in self.patterns)

    def fits_but_for_the_port(self, address: Address) -> bool:
        """Tell whether host and path fit, and the port does not."""
        host = any(_fits(one, address, port=False) for one in self.patterns)
        return host and not self.fits(address)


@dataclass(frozen=True, slots=True)
class Postman:
    """What a file of Postman says.

    Attributes:
        verifies: what the collection says of `strictSSL`; None: nothing.
    """

    sources: tuple[Source, ...]
    entries: tuple[Entry, ...]
    verifies: bool | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> Name:
        """What the tool is called."""
        return "Postman"

    def sending(self, address: Address) -> Sending:
        """Tell which certificate would be sent to an address, and why."""
        fitting = [one for one in self.entries if one.fits(address)]
        beside = [one for one in self.entries if one.fits_but_for_the_port(address)]
        found = ["unknown-verification"] if self.verifies is None else []
        if fitting:
            found += ["store", *(["several"] if fitting[1:] else [])]
        elif any(_portless(one) for one in beside):
            found.append("empty-port")
        return Sending(
            tool="Postman",
            address=address,
            sends=fitting[0].held if fitting else None,
            verifies=self.verifies,
            because=tuple(_why(address, fitting, beside, self.sources[0])),
            facts=facts_for("Postman", found),
        )


def _why(
    address: Address, fitting: list[Entry], beside: list[Entry], source: Source
) -> Iterator[Because]:
    if fitting:
        patterns = ", ".join(fitting[0].patterns)
        yield Because(f"the entry for {patterns} fits", fitting[0].held.source)
    elif beside:
        port = address.port or HTTPS
        patterns = ", ".join(beside[0].patterns)
        kept = "port 443 alone" if _portless(beside[0]) else "another port"
        text = f"the entry for {patterns} is for {kept}, and the call goes to port {port}"
        yield Because(text, beside[0].held.source)
    else:
        yield Because(f"no entry is for the host {address.host}", source)


def _fits(pattern: str, address: Address, *, port: bool) -> bool:
    if pattern == _EVERY:
        return True
    match = _PATTERN.match(pattern)
    if match is None or not {"https", "*"} & set(match["schemes"].split("+")):
        return False
    kept = match["port"] or str(HTTPS)
    if port and kept not in {"*", str(address.port or HTTPS)}:
        return False
    glob = re.escape(match["path"]).replace(r"\*", ".*").replace(r"\?", ".")
    return _host_fits(match["host"].lower(), address.host) and bool(
        re.fullmatch(glob, address.path or "/")
    )


def _host_fits(pattern: str, host: str) -> bool:
    if not pattern.startswith("*"):
        return pattern == host
    return pattern == "*" or host == pattern[2:] or host.endswith(pattern[1:])


def _portless(entry: Entry) -> bool:
    matches = [_PATTERN.match(one) for one in entry.patterns]
    return any(match is not None and match["port"] is None for match in matches)


def read_postman(blob: Blob) -> Postman:
    """Read a collection, a list of client certificates, or one entry of it.

    Raises:
        Unreadable: it is no JSON, or holds neither a certificate nor a collection.
    """
    if len(blob.data) > MAX_BYTES:
        raise refused(blob.source, "too-large", f"is longer than {MAX_BYTES >> 20} MB.")
    try:
        document = json.loads(blob.data.decode(json.detect_encoding(blob.data)))
    except (ValueError, RecursionError):
        says = "is not JSON that can be read: cut short, or damaged. Export it again."
        raise refused(blob.source, "damaged", says) from None
    entries = tuple(_entries(document, blob.source))
    collection = isinstance(document, dict) and isinstance(document.get("info"), dict)
    if not entries and not collection and document != []:
        says = (
            "is JSON, but no collection of Postman and no list of client certificates: entries "
            "with “matches” or “host” and “cert” or “pfx” were expected."
        )
        raise refused(blob.source, "not-postman", says)
    return Postman((blob.source,), entries, _strict(document))


def _strict(document: Any) -> bool | None:  # noqa: ANN401 - any JSON value
    behaviour = document.get("protocolProfileBehavior") if isinstance(document, dict) else None
    said = behaviour.get("strictSSL") if isinstance(behaviour, dict) else None
    return said if isinstance(said, bool) else None


def _entries(document: Any, source: Source, depth: int = 0) -> Iterator[Entry]:  # noqa: ANN401 - JSON
    """Find certificates wherever they stand: in a list, or in the requests of a collection."""
    if depth > MAX_DEPTH:
        return
    if isinstance(document, dict):
        entry = _entry(document, source)
        if entry is not None:
            yield entry
            return
    inner = document.values() if isinstance(document, dict) else document
    for one in inner if isinstance(document, dict | list) else ():
        yield from _entries(one, source, depth + 1)


def _entry(one: Mapping[str, Any], source: Source) -> Entry | None:
    file = _file(one, "pfx", "pfxPath") or _file(one, "cert", "crt", "certPath", "crtPath")
    patterns = _patterns(one)
    if not file or not patterns:
        return None
    name = one.get("name") if isinstance(one.get("name"), str) else ""
    held = Held(
        file=file,
        key=_file(one, "key", "keyPath"),
        password=bool(one["passphrase"]) if "passphrase" in one else None,
        where="Settings, Certificates, Client certificates",
        source=source.at(f"entry {name or patterns[0]}"),
    )
    return Entry(held, patterns)


def _file(one: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        held = one.get(name)
        text = held.get("src") if isinstance(held, dict) else held
        if isinstance(text, str) and text:
            return text
    return None


def _patterns(one: Mapping[str, Any]) -> tuple[str, ...]:
    matches = one.get("matches")
    if isinstance(matches, list):
        return tuple(text for text in matches if isinstance(text, str))
    host, port = one.get("host"), one.get("port")
    if not isinstance(host, str) or not host:
        return ()
    return (f"https://{host}{f':{port}' if port else ''}/*",)
