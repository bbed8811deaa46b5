"""What a caller brought to the mirror, told.

Law of this file: it tells what came, in which order, whether the proof of the key held, and what
speaks against the certificates whomever a server trusts. Whether one trusts their issuer is not
asked here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from mtlskit.certs import paths
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.schemes import grouped
from mtlskit.certs.signing import signed_by
from mtlskit.page.blocks import (
    Block,
    Callout,
    Fields,
    Inline,
    Items,
    Page,
    Paragraph,
    Section,
    Table,
    Tone,
)
from mtlskit.page.plain import Plain, plain
from mtlskit.page.shown import Shown
from mtlskit.trace.events import Trace
from mtlskit.trace.rungs import ladder_of
from mtlskit.wire import messages, names

_SESSION_TICKET, _PRE_SHARED_KEY = 35, 41
_SHOWN = 8
"""Names of a list that are written out; JSON has them all."""
_OF_TRUST = frozenset({"missing-issuer", "untrusted-root"})
"""Reasons that are up to the server: it may hold what was not sent."""


@dataclass(frozen=True, slots=True)
class Met(Shown):
    """One connection that came to the mirror.

    Attributes:
        number: counted from 1, in the order in which they came.
        caller: address and port from which it came.
        trace: who said what.
        proved: whether the caller proved to hold the key of the certificate it sent; None if it
            sent none, or the handshake ended before.
        words: OpenSSL's own, where the handshake failed.
    """

    number: int
    caller: str | None
    trace: Trace = field(repr=False)
    proved: bool | None
    words: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[Certificate, ...] | None:
        """What was sent, in its order; () an empty message, None if none was seen."""
        return self.trace.client_chain

    @property
    def in_order(self) -> bool | None:
        """Whether each certificate is followed by its issuer; None for fewer than two."""
        chain = self.chain or ()
        links = [signed_by(one, two) for one, two in pairwise(chain)]
        return all(links) if links else None

    @property
    def objections(self) -> tuple[paths.Reason, ...]:
        """What any server could hold against what was sent, at the time at which it came.

        Dates, purposes, key usages, signatures within the chain; whether it is trusted is left out.
        """
        if not self.chain or self.trace.began is None:
            return ()
        leaf, *others = self.chain
        found = paths.search(leaf, others, (), role="client", at=self.trace.began)
        return tuple(one for one in found.reasons if one.code not in _OF_TRUST)

    @property
    def hello(self) -> messages.ClientHello | None:
        """The caller's first message."""
        bodies = (one.body for one in self.trace.events)
        return next((one for one in bodies if isinstance(one, messages.ClientHello)), None)

    @property
    def headline(self) -> str:
        """Say in one sentence what came."""
        if self.chain:
            count = len(self.chain)
            what = f"The client sent {count} certificate{'s' * (count != 1)}"
            if self.proved:
                return f"{what} and proved that it holds the key of the first."
            if self.proved is False:
                return f"{what}, but its proof of the key did not hold."
            return f"{what}; the handshake ended before it proved to hold the key."
        if self.chain == ():
            return "The client sent no certificate, though it was asked for one."
        ended = self.trace.ended
        if ended.refused_by == "client":
            name = f" ({ended.symptom.name})" if ended.symptom.name else ""
            return f"The client refused the mirror's own certificate{name}; let it trust that one."
        return "The handshake ended before the client sent a certificate."

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        trace = self.trace
        return {
            "number": self.number,
            "caller": self.caller,
            "headline": self.headline,
            "proved": self.proved,
            "chain": None if self.chain is None else [_told(one) for one in self.chain],
            "in_order": self.in_order,
            "objections": [{"code": one.code, "because": one.because} for one in self.objections],
            "server_name": trace.server_name,
            "tls": trace.tls,
            "cipher": trace.cipher,
            "alpn": trace.alpn,
            "offered": plain(_offered(self.hello)) if self.hello else None,
            "outcome": trace.ended.outcome,
            "refused_by": trace.ended.refused_by,
            "alert": trace.ended.symptom.name,
            "words": list(self.words),
        }

    def page(self) -> Page:
        """Describe what came: the chain, what was offered, then message by message."""
        against = tuple(one.because for one in self.objections)
        sound = self.proved and not against and self.in_order is not False
        tone: Tone = "good" if sound else "bad" if self.proved is False else "warn"
        held = (_AGAINST, Items(against)) if against else ()
        blocks: list[Block] = [Callout(self.headline, held, tone=tone), Fields(self._facts())]
        if self.chain:
            blocks.append(Section("What the client sent", (_table(self.chain),)))
        if self.hello:
            offers = _offered(self.hello).items()
            offered = tuple((_WORDS[key], _said(key, value)) for key, value in offers)
            blocks.append(Section("What it offered", (Fields(offered),)))
        if self.trace.events:
            picture = ladder_of(self.trace).picture()
            blocks.append(Section("Message by message", (picture,)))
        return Page(f"Connection {self.number}, from {self.caller or 'unknown'}", tuple(blocks))

    def _facts(self) -> tuple[tuple[str, Inline], ...]:
        order = {True: "each is followed by its issuer", False: "not each followed by its issuer"}
        rows = (
            ("TLS version", self.trace.tls),
            ("Cipher suite", self.trace.cipher),
            ("Server name sent", self.trace.server_name or "none"),
            ("Application protocol", self.trace.alpn),
            ("Order of the chain", order[self.in_order] if self.in_order is not None else None),
            ("OpenSSL said", "; ".join(self.words)),
        )
        return tuple((name, value) for name, value in rows if value)


_AGAINST = Paragraph("A server may refuse it all the same, whomever it trusts:")


def _told(one: Certificate) -> dict[str, Plain]:
    return {
        "subject": str(one.subject),
        "issuer": str(one.issuer),
        "serial": f"{one.serial:x}",
        "not_before": plain(one.not_before),
        "not_after": plain(one.not_after),
        "key": str(one.key),
        "signature_algorithm": one.signature_algorithm,
        "sha256": one.sha256,
    }


def _table(chain: tuple[Certificate, ...]) -> Table:
    following = (*chain[1:], None)
    rows = tuple(
        (
            str(number),
            str(one.subject),
            str(one.issuer),
            f"{one.not_after:%Y-%m-%d}",
            str(one.key),
            "-" if after is None else "yes" if signed_by(one, after) else "no",
        )
        for number, (one, after) in enumerate(zip(chain, following, strict=True), 1)
    )
    columns = ("", "Subject", "Issuer", "Valid until", "Key", "Signed by the next")
    return Table(columns, rows)


_WORDS = {
    "versions": "TLS versions",
    "schemes": "Signature schemes",
    "cipher_suites": "Cipher suites",
    "groups": "Groups",
    "alpn": "Application protocols",
    "resumption": "A session to resume",
}


def _offered(hello: messages.ClientHello) -> dict[str, list[str] | bool]:
    resumes = any(
        one.type == _PRE_SHARED_KEY or (one.type == _SESSION_TICKET and one.data)
        for one in hello.extensions
    )
    return {
        "versions": [names.version_name(one) for one in hello.versions],
        "schemes": [names.scheme_name(one) for one in hello.schemes],
        "cipher_suites": [names.cipher_name(one) for one in hello.cipher_suites],
        "groups": [names.group_name(one) for one in hello.groups],
        "alpn": list(hello.alpn),
        "resumption": resumes,
    }


def _said(key: str, value: list[str] | bool) -> str:  # noqa: FBT001 - one of the values above
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "schemes":
        return grouped(value) or "none"
    shown = ", ".join(value[:_SHOWN]) or "none"
    return (
        shown if len(value) <= _SHOWN else f"{len(value)}: {shown} and {len(value) - _SHOWN} more"
    )
