"""What stands in the blocks of a Java debug log: hellos, requests, certificates, throwables.

Law of this file: a field is found by its name, never by its place or indent, for logs are pasted
through chats; a block that was cut gives fewer fields, and says so where that matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypedDict

from mtlskit.certs.extensions import GeneralName
from mtlskit.material import Source
from mtlskit.trace.printed import PrintedCertificate, printed_name

_FIELD = re.compile(r'\s*"(?P<name>[^"]{1,60}?)"\s*:\s*(?P<value>.*)$')
_HOST = re.compile(r"type=host_name \(0\), value=(\S+?)\s*$")
_SUITE = re.compile(r'"?(\w+)\(0x')
_VERSION = re.compile(r"(TLS|SSL)v(\d(?:\.\d)?)")
_LIST_LIMIT = 5000
_NOWHERE = Source("")
_PATH_LENGTH = re.compile(r"\s*PathLen:\s*(\d{1,9})\s*$")
_ALPN = re.compile(r"\[([^\]]*)\]")
_HEX_LINE = re.compile(r"\s*[0-9A-Fa-f]{4}: ((?:[0-9A-Fa-f]{2}[ ]+){1,16})")
_EXCEPTION = re.compile(
    r"\s*(?:Caused by: )?((?:[\w$]+\.)+[\w$]*(?:Exception|Error)\w*)(?:: (.*))?$"
)
_RANDOM = re.compile(r"[0-9A-Fa-f]{64}")
_TYPES = ("dns", "DNSName"), ("ip", "IPAddress"), ("email", "RFC822Name"), ("uri", "URIName")
_USAGES = {
    "digitalsignature": "digitalSignature",
    "non_repudiation": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_certsign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ClientHello or a ServerHello shows.

    Attributes:
        tls: the version that a ServerHello chose, ``1.2``.
        suite: the cipher suite of a ServerHello.
        resumes: a ServerHello that takes a pre-shared key.
    """

    tls: str | None = None
    suite: str | None = None
    session: str = ""
    random: bytes = b""
    server_name: str | None = None
    alpn: str | None = None
    resumes: bool = False
    renegotiates: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A CertificateRequest. A tuple is None where the block was cut before it."""

    authorities: tuple[str, ...] | None
    schemes: tuple[str, ...] | None
    types: tuple[str, ...]


Block = Hello | Request | tuple[PrintedCertificate, ...] | None
"""What a message's block shows; None: nothing that is read, or a list that was cut."""


def shown(name: str, body: Sequence[str], source: Source, *, whole: bool) -> Block:
    """Read the block of a handshake message; `whole`: its end was seen."""
    if name in {"ClientHello", "ServerHello", "EncryptedExtensions"}:
        return hello(body, whole=whole)
    if name == "CertificateRequest":
        return request(body, whole=whole)
    return certificates(body, source) if name == "Certificate" and whole else None


def is_retry(body: Sequence[str]) -> bool:
    """Tell whether a ServerHello is a HelloRetryRequest, which Java shows in its block only."""
    return any('"HelloRetryRequest"' in line for line in body[:2])


def version_in(text: str) -> str | None:
    """Give the first TLS version that is named: ``TLSv1`` is 1.0, ``TLSv1.2`` is 1.2."""
    found = _VERSION.search(text)
    if found is None or found[1] == "SSL":
        return None
    return "1.0" if found[2] == "1" else found[2]


def fields(body: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Give the named fields with their line's index; quotes and trailing commas are taken off."""
    for at, line in enumerate(body):
        found = _FIELD.match(line) if '"' in line else None
        if found is not None:
            name = " ".join(found["name"].split())
            yield at, name, _bare(found["value"])


def _bare(value: str) -> str:
    value = value.strip().removesuffix(",").rstrip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def hello(body: Sequence[str], *, whole: bool = True) -> Hello:
    """Read the block of a ClientHello or ServerHello.

    Where it was cut, the version is that of its extension or none: a ServerHello of TLS 1.3 names
    1.2 at its head (RFC 8446, 4.1.3).
    """
    known = {name: (at, value) for at, name, value in reversed(list(fields(body)))}

    def value(name: str) -> str:
        return known[name][1] if name in known else ""

    suite = _SUITE.match(value("cipher suite"))
    chosen = value("selected version") or (value("server version") if whole else "")
    named = (_HOST.search(line) for line in body if "host_name" in line)
    host = next((found[1] for found in named if found), None)
    return Hello(
        tls=version_in(chosen),
        suite=suite[1] if suite else None,
        session=value("session id"),
        random=_random(value("random")),
        server_name=host,
        alpn=_alpn(body),
        resumes="pre_shared_key (41)" in known,
        renegotiates=_renegotiates(value("renegotiated connection")),
    )


def _random(value: str) -> bytes:
    """Read a random; empty where it is cut or garbled."""
    digits = "".join(value.split())
    return bytes.fromhex(digits) if _RANDOM.fullmatch(digits) else b""


def _renegotiates(value: str) -> bool:
    return bool(value) and "no renegotiated" not in value and value not in ("[]", "[")


def _alpn(body: Sequence[str]) -> str | None:
    for at, line in enumerate(body):
        if "application_layer_protocol_negotiation (16)" in line:
            found = _ALPN.search(" ".join(body[at + 1 : at + 3]))
            return found[1].strip() if found else None
    return None


def request(body: Sequence[str], *, whole: bool) -> Request:
    """Read the block of a CertificateRequest, of TLS 1.2 or of TLS 1.3; `whole`: it was not cut."""
    schemes = authorities = None
    types: tuple[str, ...] = ()
    for at, name, value in fields(body):
        if name in {"supported signature algorithms", "signature schemes"} and schemes is None:
            schemes = _words(value)
        elif name == "certificate types":
            types = _words(value) or ()
        elif name == "certificate authorities":
            authorities = _names(value, body[at + 1 :])
    if authorities is None and whole and not any("certificate authorities" in one for one in body):
        authorities = ()  # TLS 1.3 leaves an empty list out (RFC 8446, 4.2.4)
    return Request(authorities if whole else None, schemes, types)


def _words(value: str) -> tuple[str, ...] | None:
    value = value.strip()
    if not value.endswith("]"):
        return None
    return tuple(one.strip() for one in value[1:-1].split(",") if one.strip())


def _names(value: str, following: Sequence[str]) -> tuple[str, ...] | None:
    """Take a list of names apart: on one line, or one name a line. None: its end is missing."""
    if value.endswith("]"):
        return split_names(value[1:-1].strip())
    names = [value.removeprefix("[").strip()]
    for line in following[:_LIST_LIMIT]:
        text = line.strip()
        names.append(text.removesuffix("]").removesuffix(",").strip())
        if text.endswith("]"):
            return tuple(one for one in names if one)
    return None


@lru_cache(maxsize=256)
def split_names(text: str) -> tuple[str, ...]:
    """Take names that are joined by commas apart, though names have commas within.

    Java prints the parts of a name from the most specific to the country. A new name begins where
    a part comes that cannot follow: after a country, a domain component or the highest part so far.
    """
    if not text:
        return ()
    pieces = _pieces(text)
    names: list[list[str]] = []
    rank = -1
    for piece in pieces:
        kind = piece.split("=", 1)[0].strip().upper()
        new = _RANKS.get(kind, max(rank, 0))
        if not names or new < rank or (new == rank and kind in _ONCE):
            names.append([])
        names[-1].append(piece)
        rank = new
    if any(_is_place(one) for one in names):
        return (text,)  # written from the country down, so where a name ends cannot be told
    return tuple(", ".join(one) for one in names)


def _is_place(pieces: Sequence[str]) -> bool:
    """Tell whether a name would hold a country, state or town alone, which names no authority."""
    return all(one.split("=", 1)[0].strip().upper() in _PLACES for one in pieces)


_ORDER = ("EMAILADDRESS", "SERIALNUMBER", "CN", "OU", "O", "STREET", "L", "ST", "C")
_RANKS = {kind: rank for rank, kind in enumerate(_ORDER)} | {"DC": 9, "S": 7}
_PLACES = frozenset({"C", "ST", "S", "L"})
_ONCE = frozenset({"CN", "O", "C"})
"""Parts of which a name seldom has two: a second one begins a new name."""


def _pieces(text: str) -> list[str]:
    """Split at the commas that stand outside quotes and before a keyword."""
    pieces, start, quoted = [], 0, False
    for found in re.finditer(r'\\.|"|,\s*(?=(?:OID\.)?[A-Za-z0-9.]{1,40}\s*=)', text):
        if found[0] == '"':
            quoted = not quoted
        elif found[0][0] == "," and not quoted:
            pieces.append(text[start : found.start()])
            start = found.end()
    return [*pieces, text[start:]]


def certificates(body: Sequence[str], source: Source) -> tuple[PrintedCertificate, ...] | None:
    """Read the certificates of a Certificate message; None: the block shows no list."""
    starts = [at for at, line in enumerate(body) if '"certificate"' in line]
    if not starts:
        return () if _empty_list(body) else None
    ends = [*starts[1:], len(body)]
    return tuple(
        replace(_certificate(tuple(body[start:end])), source=source.at(f"certificate {number}"))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    )


def _empty_list(body: Sequence[str]) -> bool:
    text = " ".join(one.strip() for one in body[:20])
    return bool(
        re.search(r'"Certificates"\s*:\s*<empty list>', text)
        or re.search(r'"certificate_list"\s*:\s*\[\s*\]', text)
    )


@lru_cache(maxsize=256)
def _certificate(body: tuple[str, ...]) -> PrintedCertificate:
    """Read one certificate; the same few are met again and again."""
    known: dict[str, str] = {}
    for _, name, value in fields(body):
        known.setdefault(name, value)
    return PrintedCertificate(
        source=_NOWHERE,
        subject=printed_name(known["subject"]) if "subject" in known else None,
        issuer=printed_name(known["issuer"]) if "issuer" in known else None,
        serial=serial(known.get("serial number", "")),
        not_before=known.get("not before"),
        not_after=known.get("not after"),
        key=known.get("subject public key"),
        signature_algorithm=known.get("signature algorithm"),
        **extensions(body),
    )


class Extensions(TypedDict):
    """The extensions of a certificate that are read."""

    san: tuple[GeneralName, ...] | None
    eku: tuple[str, ...] | None
    ku: tuple[str, ...] | None
    ca: bool | None
    path_length: int | None
    ski: bytes | None
    aki: bytes | None


def extensions(body: Sequence[str]) -> Extensions:
    """Read the extensions of one certificate, which all dialects print in the same words."""
    identifiers = _identifiers(body)
    return {
        "san": _san(body),
        "eku": _listed(body, "ExtendedKeyUsages ["),
        "ku": _usages(body),
        "ca": _flag(body),
        "path_length": _path_length(body),
        "ski": identifiers.get("SubjectKeyIdentifier"),
        "aki": identifiers.get("AuthorityKeyIdentifier"),
    }


def serial(text: str) -> int | None:
    """Read a serial number in hex, with colons (Java 17) or with blanks (Java 11) or neither."""
    digits = re.sub(r"[\s:]", "", text)
    return int(digits, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,80}", digits) else None


def _san(body: Sequence[str]) -> tuple[GeneralName, ...] | None:
    at = _index(body, "SubjectAlternativeName [")
    if at is None:
        return None
    names = []
    for line in body[at + 1 :]:
        if line.strip().startswith("]"):
            break
        for kind, word in _TYPES:
            if line.strip().startswith(word + ":"):
                names.append(GeneralName(kind, line.split(":", 1)[1].strip()))
    return tuple(names)


def _index(body: Sequence[str], words: str) -> int | None:
    return next((at for at, line in enumerate(body) if words in line), None)


def _listed(body: Sequence[str], words: str) -> tuple[str, ...] | None:
    at = _index(body, words)
    if at is None:
        return None
    out: list[str] = []
    for line in body[at + 1 :]:
        if "]" in line:
            return tuple(out)
        out.append(line.strip())
    return None


def _usages(body: Sequence[str]) -> tuple[str, ...] | None:
    # "ExtendedKeyUsages [" does not hold "KeyUsage [", for it is in the plural.
    listed = _listed(body, "KeyUsage [")
    if listed is None:
        return None
    return tuple(_USAGES.get(one.lower().replace(" ", "_"), one) for one in listed)


def _flag(body: Sequence[str]) -> bool | None:
    for line in body:
        word = line.strip().lower()
        if word.startswith("ca:"):
            return word == "ca:true"
    return None


def _path_length(body: Sequence[str]) -> int | None:
    for line in body:
        if found := _PATH_LENGTH.match(line):
            return int(found[1])
    return None


def _identifiers(body: Sequence[str]) -> dict[str, bytes]:
    known: dict[str, bytes] = {}
    kind = ""
    for line in body:
        if "KeyIdentifier [" in line and line.strip() != "KeyIdentifier [":
            kind = line.strip().removesuffix("[").strip()
        elif kind and (found := _HEX_LINE.match(line)):
            known[kind] = known.get(kind, b"") + bytes.fromhex(found[1])
        elif line.strip() == "]":
            kind = ""
    return known


def alert(body: Sequence[str]) -> tuple[str, str] | None:
    """Read an alert's level and name."""
    known = {name: value for _, name, value in fields(body)}
    if "level" in known and "description" in known:
        return known["level"], known["description"]
    return None


def throwables(body: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Give the exceptions of a stack, outermost first: class and message."""
    found = (_EXCEPTION.match(line) for line in body)
    return tuple((one[1], (one[2] or "").strip()) for one in found if one)
