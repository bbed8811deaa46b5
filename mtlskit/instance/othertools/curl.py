"""A command line of curl: what it would send.

Law of this file: a command is read and never run. A password in it is not kept, and so are no
headers, no data and no query.

Source: curl's manual page.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from mtlskit.instance.othertools.tool import HTTPS, Held, Name, Sending, facts_for, refused
from mtlskit.instance.routes import Address, address_of
from mtlskit.material import Because, Blob, Problem, Source, Unreadable

_LONGEST = 1 << 20
_COMMAND = re.compile(r"^\s*(?:[$>#%]\s+|[A-Z]:\\[^>\n]*>\s*)?curl(?:\.exe)?\s", re.MULTILINE)
_CONTINUED = re.compile(r"[\\^`][ \t]*\r?\n")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SHORT: Mapping[str, str] = {
    "E": "--cert",
    "k": "--insecure",
    "x": "--proxy",
    "K": "--config",
}


@cache
def _with_value() -> tuple[frozenset[str], frozenset[str]]:
    """Return the short and the long options that are followed by a value."""
    here = files("mtlskit.instance.othertools")
    known = tomllib.loads(here.joinpath("curl_options.toml").read_text(encoding="utf-8"))
    return frozenset(known["short"]), frozenset(known["long"])


@dataclass(frozen=True, slots=True)
class Curl:
    """One command line.

    Attributes:
        urls: what it calls, without user and query.
        certificate: what `--cert` names.
        cacert: what `--cacert` or `--capath` names.
        elsewhere: what `--resolve`, `--connect-to` and `--proxy` say.
    """

    sources: tuple[Source, ...]
    urls: tuple[str, ...]
    certificate: Held | None = None
    insecure: bool = False
    cacert: str | None = None
    elsewhere: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def name(self) -> Name:
        """What the tool is called."""
        return "curl"

    def sending(self, address: Address) -> Sending:
        """Tell what this command would send; it calls its own URL, whatever the address is."""
        own = [one for one in map(_address, self.urls) if one]
        same = [one for one in own if _same(one, address)]
        source = self.sources[0]
        because = [Because(f"the command calls {one}", source) for one in (same or own)[:1]]
        if own and not same:
            text = f"that is not {address.host}, port {address.port or HTTPS}"
            because.append(Because(text, source))
        held = self.certificate
        text = f"--cert names {held.name}" if held else "the command has no --cert"
        because.append(Because(text, source))
        because += [Because(one, source) for one in self.elsewhere]
        found = ["unverified"] if self.insecure else []
        found += ["store", *([] if held.key else ["no-key"])] if held else []
        return Sending(
            tool="curl",
            address=(same or own or [address])[0],
            sends=held,
            verifies=not self.insecure,
            because=tuple(because),
            facts=facts_for("curl", found),
        )


def _address(url: str) -> Address | None:
    try:
        return address_of(url)
    except Unreadable:
        return None


def _same(one: Address, other: Address) -> bool:
    return (one.host, one.port or HTTPS) == (other.host, other.port or HTTPS)


def is_command(text: str) -> bool:
    """Tell whether a text is a command line of curl, and nothing but that.

    With what curl printed beneath it, it is a transcript.
    """
    match = _COMMAND.match(text)
    if match is None:
        return False
    rest = _CONTINUED.sub(" ", text[match.end() :])
    left = rest[len(_first_line(rest)) :].lstrip()
    return left[:1] in {"", "|", ";"} and "\n" not in left.strip()


def read_curl(blob: Blob) -> Curl:
    """Read a command line, over one line or several.

    Raises:
        Unreadable: there is no command in it, or a quotation mark is missing.
    """
    if len(blob.data) > _LONGEST:
        raise refused(blob.source, "too-large", "is too long for a command line.")
    text = blob.data.decode("utf-8-sig", "replace")
    match = _COMMAND.search(text)
    if match is None:
        raise refused(blob.source, "not-curl", "holds no command that begins with curl.")
    rest = _CONTINUED.sub(" ", text[match.end() :])
    line = _first_line(rest)
    try:
        words = shlex.split(line, posix=True) if "\\" not in line else _split_windows(line)
    except ValueError:
        says = "holds a command of curl in which a quotation mark is missing."
        raise refused(blob.source, "damaged", says) from None
    return _read(tuple(_options(words)), blob.source)


def _first_line(text: str) -> str:
    """Return the command: up to a line end outside of quotation marks, or a pipe."""
    quote = ""
    for place, one in enumerate(text):
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        elif one == "\n" or (one in "|;" and text[place - 1 : place].isspace()):
            return text[:place]
    return text


def _split_windows(line: str) -> list[str]:
    """Split a line in which backslashes stand: they are part of a path, unless before a quote."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="")
    lexer.whitespace_split, lexer.commenters = True, ""
    lexer.escape = "" if _DRIVE.search(line) else "\\"
    return list(lexer)


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with its value; a word that is no option is a URL."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--") and word != "--":
            name, equals, value = word.partition("=")
            if not equals and name in _with_value()[1]:
                value = next(rest, "")
            yield name, value
        elif word.startswith("-") and word != "-":
            yield from _cluster(word[1:], rest)
        else:
            yield "--url", word


def _cluster(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield short options, several in one word; the one with a value takes what is left of it."""
    for place, one in enumerate(letters):
        if one in _with_value()[0]:
            yield _SHORT.get(one, f"-{one}"), letters[place + 1 :] or next(rest, "")
            return
        yield _SHORT.get(one, f"-{one}"), ""


def _read(options: Iterable[tuple[str, str]], source: Source) -> Curl:
    said: dict[str, list[str]] = {}
    for name, value in options:
        said.setdefault(name, []).append(value)

    def last(name: str) -> str | None:
        return said.get(name, [None])[-1] or None

    elsewhere = [
        f"{name} {_without_user(value)}"
        for name in ("--resolve", "--connect-to", "--proxy")
        for value in said.get(name, ())
    ]
    if "--config" in said:
        elsewhere.append("the options that --config names were not given")
    held = last("--cert")
    return Curl(
        sources=(source,),
        urls=tuple(_bare(one) for one in said.get("--url", ()) if one),
        certificate=_held(held, last("--key"), "--pass" in said, source) if held else None,
        insecure="--insecure" in said,
        cacert=last("--cacert") or last("--capath"),
        elsewhere=tuple(elsewhere),
    )


def _held(cert: str, key: str | None, password: bool, source: Source) -> Held:  # noqa: FBT001 - a field's value
    """Take the file out of ``FILE[:PASSWORD]``, where a drive's colon is part of the file."""
    begin = 2 if _DRIVE.match(cert) else 0
    file, colon, secret = cert[begin:].partition(":")
    return Held(cert[:begin] + file, key, password or bool(colon and secret), "--cert", source)


def _without_user(text: str) -> str:
    scheme, mark, rest = text.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]


def _bare(url: str) -> str:
    """Return a URL without user and query; curl takes a host alone for http."""
    whole = url if "://" in url else f"http://{url}"
    scheme, _, rest = whole.partition("://")
    authority, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
