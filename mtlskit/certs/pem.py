"""PEM (RFC 7468 and its elders): every block in a text, in any order, with anything around them.

Law of this room: what a block holds is told by its bytes, its label is only read where they do not
say; a broken block is a problem, and the next one is read.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mtlskit.certs import dek, keys, pbe, pkcs7
from mtlskit.certs.chain import Pool
from mtlskit.certs.distinguished import visible
from mtlskit.certs.entries import Entry, Store
from mtlskit.certs.formats import UTF16_MARKS, der_kind
from mtlskit.certs.pile import Pile, leaves, paired
from mtlskit.material import Blob, Problem, Source, Unreadable

_BOUNDARY = re.compile(rb"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 .#]{0,63})-----")
_FRIENDLY = b"friendlyName: "
_NOT_OURS = frozenset({"EC PARAMETERS", "DH PARAMETERS", "DSA PARAMETERS", "X9.42 DH PARAMETERS"})
_SPACE = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Block:
    """One encapsulated block.

    Attributes:
        at: the offset of its BEGIN line.
        body: what stands between its two lines; None: the END line is missing.
        alias: a friendly name in the text before it, as ``openssl pkcs12`` writes it.
    """

    number: int
    label: str
    at: int
    body: bytes | None = field(repr=False)
    alias: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """``Proc-Type`` and the like (RFC 1421)."""
        head, _ = self._split()
        lines = (line.partition(":") for line in head.decode("latin-1").splitlines())
        return {name.strip(): value.strip() for name, _, value in lines}

    @property
    def der(self) -> bytes:
        """The decoded body.

        Raises:
            binascii.Error: it is not base64.
        """
        return binascii.a2b_base64(self._split()[1].translate(None, _SPACE), strict_mode=True)

    def _split(self) -> tuple[bytes, bytes]:
        body = self.body or b""
        if b":" not in body:
            return b"", body
        head, _, rest = body.replace(b"\r\n", b"\n").partition(b"\n\n")
        return head, rest


def read(blob: Blob, passwords: Sequence[str] = ()) -> Store:
    """Read every block of a text."""
    pile = Pile(passwords)
    for block in blocks(_octets(blob.data)):
        _add(pile, block, blob.source.at(f"block {block.number}"))
    entries, problems = paired(pile.entries)
    entries, disorder = _ordered(entries)
    found = (*pile.problems, *problems, *disorder)
    if not entries and not found:
        text = "The PEM text holds no certificate and no key."
        found = (Problem("empty", text, blob.source),)
    return Store(blob.source, "pem", tuple(entries), found)


def _octets(data: bytes) -> bytes:
    """Windows tools save PEM as UTF-16 at times; all else is read as it is."""
    if data[:2] in UTF16_MARKS:
        return data.decode("utf-16", "replace").encode("ascii", "replace")
    return data


def blocks(data: bytes) -> Iterator[Block]:
    """Find the blocks of a text, those without an END line too."""
    begun: re.Match[bytes] | None = None
    number, free = 0, 0
    for line in _BOUNDARY.finditer(data):
        if line[1] == b"BEGIN":
            if begun:
                yield _block(data, number, begun, None, free)
            begun, number = line, number + 1
        elif begun and line[2] == begun[2]:
            yield _block(data, number, begun, line, free)
            begun, free = None, line.end()
    if begun:
        yield _block(data, number, begun, None, free)


def _block(
    data: bytes, number: int, begin: re.Match[bytes], end: re.Match[bytes] | None, free: int
) -> Block:
    body = data[begin.end() : end.start()] if end else None
    alias = _friendly_name(data, max(free, begin.start() - 4096), begin.start())
    return Block(number, begin[2].decode("ascii"), begin.start(), body, alias)


def _friendly_name(data: bytes, at: int, stop: int) -> str | None:
    """The last friendly name in the text before a block; openssl prints Latin-1 where it can."""
    found = data.rfind(_FRIENDLY, at, stop)
    if found < 0:
        return None
    name = data[found + len(_FRIENDLY) : stop].partition(b"\n")[0].strip()[:200]
    try:
        return visible(name.decode("utf-8"))
    except UnicodeDecodeError:
        return visible(name.decode("latin-1"))


def _add(pile: Pile, block: Block, source: Source) -> None:
    if block.label in _NOT_OURS:
        return
    try:
        _add_decoded(pile, block, source)
    except Unreadable as error:
        pile.fail(error.problem, block.alias, locked="KEY" in block.label)


def _add_decoded(pile: Pile, block: Block, source: Source) -> None:
    der = _decoded(block, source)
    scheme = _encryption(block, source)
    if scheme:
        key = keys.first_that_opens(scheme, der, pile.passwords, source, pile.work)
        pile.add_key(key, source, block.alias)
    elif pile.add(der, source, block.alias):
        return
    elif der_kind(der) == "pkcs7":
        pkcs7.add_all(pile, der, source)
    else:
        raise Unreadable(_left_aside(block, source))


def _decoded(block: Block, source: Source) -> bytes:
    where = f"The PEM block {block.label} that begins at byte {block.at}"
    if block.body is None:
        text = f"{where} is cut short: its line -----END {block.label}----- is missing."
        raise Unreadable(Problem("damaged", text, source))
    try:
        return block.der
    except binascii.Error as error:
        text = f"{where} is damaged: {str(error).rstrip('.')}."
        raise Unreadable(Problem("damaged", text, source)) from None


def _encryption(block: Block, source: Source) -> pbe.Scheme | None:
    try:
        return dek.scheme(block.headers)
    except pbe.Unsupported as error:
        text = f"The private key is encrypted with {error}, which is not supported here."
        raise Unreadable(Problem("unsupported", text, source)) from None
    except ValueError:
        text = f"The DEK-Info line of the block that begins at byte {block.at} is damaged."
        raise Unreadable(Problem("damaged", text, source)) from None


def _left_aside(block: Block, source: Source) -> Problem:
    if block.label == "OPENSSH PRIVATE KEY":
        text = (
            "This is an OpenSSH key, which TLS programs do not read. "
            "Convert a copy of it with: ssh-keygen -p -m PKCS8 -f FILE"
        )
        return Problem("unsupported", text, source)
    if block.label in _LABELS:
        text = f"The PEM block {block.label} that begins at byte {block.at} is damaged: "
        return Problem("damaged", text + "its contents are something else.", source)
    text = f"The PEM block {block.label} holds no certificate or private key."
    return Problem("unsupported", text, source)


_LABELS = frozenset(
    {
        "CERTIFICATE",
        "X509 CERTIFICATE",
        "TRUSTED CERTIFICATE",
        "PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "CERTIFICATE REQUEST",
        "NEW CERTIFICATE REQUEST",
        "X509 CRL",
        "PKCS7",
    }
)


def _ordered(entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Say of one leaf's file if its certificates stand in another order than TLS sends."""
    own = [one for one in entries if one.identity] or _lone(entries)
    listed = [one.certificate.der for one in entries if one.certificate]
    if len(own) != 1 or not own[0].certificate:
        return entries, []
    leaf = own[0].certificate
    chain = own[0].chain or Pool(one.certificate for one in entries if one.certificate).issuers_of(
        leaf
    )
    wanted = [one.der for one in (leaf, *chain)]
    if listed[: len(wanted)] == wanted or (not chain and not own[0].identity):
        return entries, []
    text = (
        "The certificates stand in another order than TLS sends them (the leaf first, then each "
        "issuer). Programs that send the file as it is will send them in the wrong order."
    )
    problem = Problem("chain-order", text, own[0].source)
    noted = replace(own[0], problems=(*own[0].problems, problem))
    return [noted if one is own[0] else one for one in entries], [problem]


def _lone(entries: list[Entry]) -> list[Entry]:
    """The leaves of a file without any key, as a CA or a partner sends it; a long one is a list."""
    return leaves(entries) if len(entries) <= _CHAIN else []


_CHAIN = 50
"""Entries. No server takes a longer chain."""
