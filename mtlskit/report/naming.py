"""Names and addresses of a case, each with the placeholder that stands for it.

Law of this file: the same name has the same placeholder in every face of one report. What is found
here is kept in memory only: a list of what was replaced by what is shown and never saved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from pathlib import PurePath
from typing import Any, Literal

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate, GeneralName, Name
from mtlskit.certs.keystore import Identity
from mtlskit.page.letters import visible
from mtlskit.report.theirs import (
    IN_DN,
    IPV4,
    IPV6,
    Theirs,
    host,
    is_private,
    listed,
    theirs_of,
    traces,
    url_host,
    values_of,
)
from mtlskit.trace.printed import PrintedCertificate

Level = Literal["secrets", "own", "names"]
LEVELS: tuple[Level, ...] = ("secrets", "own", "names")

_SHORT = 3
"""A shorter name, such as a country's, stands in too many words to be looked for in a text."""
_TELLING = 6
"""A name of so many letters is found within a longer word, too."""
_DATA = (
    ("mtlskit.report", "words.toml"),
    ("mtlskit.report", "messages.toml"),
    ("mtlskit.diagnosis", "causes.toml"),
    ("mtlskit", "checklist.toml"),
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([\w.-]+)", re.IGNORECASE)
_VALUE = re.compile(r"(\b(?:CN|OU?|C|L|ST|DC|UID)=)([^,+\"\]]+)")
_CERTIFICATE = re.compile(
    r"-----BEGIN [A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL
)
_NOT_SHOWN = "[certificate taken out: it holds names]"


@dataclass(slots=True)
class Names:
    """What is replaced by what, in the order in which it was found.

    Attributes:
        replaced: placeholder by name.
        kept: names that are ordinary words: they are replaced in distinguished names only.
        theirs: what the other side showed or named: none of it is replaced.
    """

    replaced: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)  # both of the above, in small letters
    theirs: Theirs = field(default_factory=Theirs)

    def __post_init__(self) -> None:
        self._known |= self.theirs.known

    def add(self, kind: str, *names: str | None) -> None:
        """Give names that mean one thing one placeholder; a name that has one keeps it."""
        for name in names:
            said = (name or "").strip()
            if not said or said.lower() in self._known:
                continue
            self._known.add(said.lower())
            held = self.kept if len(said) < _SHORT or said.lower() in _ordinary() else self.replaced
            held[said] = self._placeholder(kind)

    def add_host(self, host: str | None) -> None:
        """Add a host, and the domain in which it is; or an address."""
        said = (host or "").strip("[]").removeprefix("*.").rstrip(".")
        try:
            version = ip_address(said).version
        except ValueError:
            self.add("host", said)
            parent = said.partition(".")[2]
            if "." in parent:
                self.add("host", parent)
        else:
            self.add(f"ip{version}", said)

    def add_file(self, name: str) -> None:
        """Add a file's name; what commands make of its stem follows it."""
        path = PurePath(name)
        if name.strip().lower() in self._known:
            return
        made = self._placeholder("file")
        ending = path.suffix if re.fullmatch(r"\.\w{1,8}", path.suffix) else ""
        self.replaced[name] = made + ending
        self._known.add(name.lower())
        if len(path.stem) >= _SHORT and path.stem.lower() not in _ordinary() | self.theirs.known:
            self.replaced.setdefault(path.stem, made)
            self._known.add(path.stem.lower())

    def _placeholder(self, kind: str) -> str:
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        forms = {"ip4": f"192.0.2.{number}", "ip6": f"2001:db8::{number:x}"}
        return forms.get(kind, f"{kind}-{number}")

    def stays(self) -> tuple[str, ...]:
        """Return the names of the other side in which one of these stands: they are not changed."""
        every = _any_of(self._table())
        return tuple(one for one in self.theirs.names if every and every.search(one))

    def changer(self) -> Callable[[str], str]:
        """Return what replaces every name in a text; nothing is replaced twice."""
        table = self._table()
        whole = {form.lower() for name in self.stays() for form in _forms(name)} - table.keys()
        every = _any_of(table, whole)
        short = {name.lower(): put for name, put in self.kept.items()}

        def named(found: re.Match[str]) -> str:
            said = " ".join(found[0].lower().split())
            return found[0] if said in whole else table.get(said, "[name taken out]")

        def in_dn(found: re.Match[str]) -> str:
            return found[1] + short.get(found[2].strip().lower(), found[2])

        def change(text: str) -> str:
            if "-----BEGIN " in text:
                text = _CERTIFICATE.sub(_NOT_SHOWN, text)
            if "=" in text:
                text = _VALUE.sub(in_dn, text)
            return every.sub(named, text) if every else text

        return change

    def _table(self) -> dict[str, str]:
        """Return the placeholder by every form in which a name may stand, in small letters."""
        return {form.lower(): put for name, put in self.replaced.items() for form in _forms(name)}


def _any_of(table: Iterable[str], whole: Collection[str] = ()) -> re.Pattern[str] | None:
    """Return what finds any of these forms, the longest first; `whole` as words of their own."""
    words = sorted({*table, *whole}, key=len, reverse=True)
    every = "|".join(_pattern(one, alone=one in whole) for one in words)
    return re.compile(every, re.IGNORECASE) if words else None


def names_of(case: Case, level: Level, said: Iterable[str]) -> Names:
    """Find the names that a level hides.

    Args:
        case: all evidence.
        level: ``own`` hides those of the side that calls, but what the other side showed or named
            itself; ``names`` hides all.
        said: every text of the report: addresses that only a quoted line carries are found in it.
    """
    if level == "secrets":
        return Names()
    found = Names(theirs=theirs_of(case) if level == "own" else Theirs())
    _own(case, found)
    texts = tuple(said)
    if level == "names":
        _others(case, found)
        _quoted(case, found)
    _swept(texts, found, private=level == "own")
    return found


def _own(case: Case, found: Names) -> None:
    """Add what names the side that calls: its files, identities, addresses and settings."""
    for trace in traces(case):
        found.add_host(host(trace.own))
        found.add_host(host(trace.caller))
        for one in (trace.client_named or ())[:1]:
            _add_certificate(one, "client", found)
        for one in trace.client_named[1:]:
            _add_certificate(one, "client-ca", found)
    for held in case.identities or ():
        _identity(held, found)
    for store in case.stores:
        for entry in store.entries:
            found.add("alias", entry.alias)
    for name in _files(case):
        if "://" in name:  # a table that was read from the instance itself: its name tells nothing
            found.add_host(url_host(name))
        else:
            found.add_file(name)
    if case.settings is not None:
        _settings(case, found)
    _relatives(case, found)


def _relatives(case: Case, found: Names) -> None:
    """Add names beside one of ours, such as another CA of the same organisation."""
    held = (*(case.trust or ()), *case.material)
    told: list[Name | str] = [*listed(case)]
    told += [name for one in held for name in (one.subject, one.issuer)]
    ours = {one.lower() for one in found.replaced}
    for name in told:
        values = [value for _, value in values_of(name)]
        if any(one.strip().lower() in ours for one in values) and not found.theirs.named(name):
            found.add("client-ca", *values)


def _identity(held: Identity, found: Names) -> None:
    _add_certificate(held.certificate, "client", found)
    for one in held.chain:
        _add_certificate(one, "client-ca", found)
    found.add("alias", held.alias)


def _settings(case: Case, found: Names) -> None:
    settings = case.settings
    if settings is None:
        return
    found.add("instance", *settings.instances)
    for stored in settings.certificates or ():
        found.add("record", stored.name)
    for message in settings.messages or ():
        found.add("record", message.name)
    for mid in settings.mid or ():
        found.add("mid", mid.agent)


def _others(case: Case, found: Names) -> None:
    """Add what names the endpoint's side, and whoever issued for it."""
    found.add_host(case.target.host if case.target else None)
    found.add_host(url_host(case.url))
    for trace in traces(case):
        found.add_host(trace.target.host if trace.target else None)
        found.add_host(host(trace.peer))
        found.add_host(trace.server_name)
        found.add_host(trace.expected_name)
        for one in (trace.server_chain or trace.server_printed or ())[:1]:
            _add_certificate(one, "server", found)
        for one in trace.server_chain or trace.server_printed or ():
            _add_certificate(one, "ca", found)
    for name in listed(case):
        found.add("ca", *(value for _, value in values_of(name)))
    for one in (*(case.trust or ()), *case.material):
        _add_certificate(one, "ca", found)
    for message in case.settings.messages or () if case.settings else ():
        found.add_host(url_host(message.url))
    for call in case.settings.calls or () if case.settings else ():
        found.add_host(url_host(call.url))


def _quoted(case: Case, found: Names) -> None:
    """Add the distinguished names that logs and pages quote."""
    for trace in traces(case):
        quoted = [*trace.library, *(one.text for one in trace.said)]
        quoted += [value for one in trace.said for value in one.values.values()]
        for text in quoted:
            found.add("name", *(value.strip() for _, value in IN_DN.findall(text)))


def _swept(texts: Iterable[str], found: Names, *, private: bool) -> None:
    """Add addresses, mail addresses and the hosts of URLs; of private addresses only, if asked."""
    for text in texts:
        for said in (*IPV4.findall(text), *IPV6.findall(text)):
            if _is_address(said) and (not private or is_private(said)):
                found.add_host(said)
        if not private:
            found.add("mail", *_MAIL.findall(text))
            for one in _URL_HOST.findall(text):
                found.add_host(one)


def _is_address(said: str) -> bool:
    try:
        one = ip_address(said)
    except ValueError:
        return False
    return not (one.is_loopback or one.is_unspecified)


def _add_certificate(one: Certificate | PrintedCertificate, kind: str, found: Names) -> None:
    """Add the subject's and the issuer's names, and the alternative ones."""
    whose = kind if kind.endswith("ca") else f"{kind}-ca" if kind == "client" else "ca"
    for name, what in ((one.subject, kind), (one.issuer, whose)):
        _add_name(name, what, found)
    for other in one.san or ():
        _add_general(other, kind, found)


def _add_name(name: Name | None, kind: str, found: Names) -> None:
    """Add a distinguished name's values; none of a CA's that the other side named."""
    if kind.endswith("ca") and found.theirs.named(name):
        return
    for what, value in values_of(name):
        if what == "CN" and _looks_like_host(value):
            found.add_host(value)
        else:
            found.add(kind if what == "CN" else "name", value)


def _add_general(one: GeneralName, kind: str, found: Names) -> None:
    if one.kind in ("dns", "ip"):
        found.add_host(one.value)
    elif one.kind == "uri":
        found.add_host(url_host(one.value))
        found.add(kind, one.value)
    elif one.kind == "email":
        found.add("mail", one.value)


def _files(case: Case) -> tuple[str, ...]:
    """Return the names of the files that were given; a connection is no file."""
    sources = [one.source for one in case.identities or ()]
    sources += [one.key_source for one in case.identities or () if one.key_source]
    sources += [one.source for one in case.stores]
    sources += [one.source for one in (*(case.trust or ()), *case.material)]
    sources += [one.source for one in case.problems]
    sources += case.settings.sources if case.settings else ()
    sources += [source for tool in case.tools for source in tool.sources]
    sources += [one.source for one in traces(case)]
    seen = {one.source.name for one in traces(case) if one.target and not one.seen_by}
    live = {str(one.target) for one in traces(case)} | {str(case.target)}
    return tuple(
        dict.fromkeys(
            one.name
            for one in sources
            if one.name not in live and not (one.name in seen and ":" in one.name)
        )
    )


def _looks_like_host(value: str) -> bool:
    return bool(re.fullmatch(r"(?:\*\.)?[\w-]+(?:\.[\w-]+)+", value))


def _forms(name: str) -> Iterator[str]:
    """A name as it may stand: itself, escaped for a DN, made visible, quoted, as a file's name."""
    yield " ".join(name.split())
    yield re.sub(r'([,+"\\<>;])', r"\\\1", " ".join(name.split()))
    yield visible(name)
    yield name.replace("'", "'\"'\"'")
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    if len(word) >= _TELLING and word not in _ordinary():
        yield word


def _pattern(form: str, *, alone: bool) -> str:
    """Find it however its blanks are broken; a short one or a number as a word of its own."""
    said = r"\s+".join(map(re.escape, form.split()))
    alone = alone or len(form) < _TELLING or bool(re.fullmatch(r"[0-9a-f.:-]+", form))
    return rf"(?<![A-Za-z0-9]){said}(?![A-Za-z0-9])" if alone else said


@cache
def _ordinary() -> frozenset[str]:
    """The words in which reports speak: a name that is one of them cannot be told from it."""
    told = (files(room).joinpath(name).read_text("utf-8") for room, name in _DATA)
    words = {word.lower() for text in told for word in re.findall(r"[A-Za-z]+", text)}
    return frozenset(words | {"localhost", "openssl", "curl", "keytool", "test", "root", "chain"})


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON-able value
    """Return every text in a record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
