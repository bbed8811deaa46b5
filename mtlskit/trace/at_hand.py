"""A trace read from a log, joined with the certificates that are at hand.

Law of this file: a printed certificate becomes the real one only if all of its printed fields are
that one's; a chain is joined whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.distinguished import Name
from mtlskit.trace.events import Asked, Trace
from mtlskit.trace.printed import PrintedCertificate, printed_name
from mtlskit.trace.views import as_one


def joined(trace: Trace, at_hand: Iterable[Certificate]) -> Trace:
    """Give the trace with the real certificates and names wherever they are at hand."""
    held = tuple(at_hand)
    if trace.views:
        return as_one([joined(one, held) for one in trace.views])
    client, server = trace.client_chain, trace.server_chain
    if client is None and trace.client_printed:
        client = real_chain(trace.client_printed, held)
    if server is None and trace.server_printed:
        server = real_chain(trace.server_printed, held)
    told = trace.seen_by is not None and trace.asked is not None
    asked = real_names(trace.asked, held) if told and trace.asked else trace.asked
    return replace(trace, client_chain=client, server_chain=server, asked=asked)


def real_chain(
    printed: Sequence[PrintedCertificate], at_hand: Sequence[Certificate]
) -> tuple[Certificate, ...] | None:
    """Give the certificates that were printed, in their order; None if one is not at hand."""
    chain = []
    for one in printed:
        real = next((other for other in at_hand if one.is_of(other)), None)
        if real is None:
            return None
        chain.append(replace(real, source=one.source))
    return tuple(chain)


def real_names(asked: Asked, at_hand: Sequence[Certificate]) -> Asked:
    """Give the request with the encodings that certificates at hand carry of the same names.

    A list that was printed on one line does not tell where a name ends, so a name at hand whose
    text stands in the list is taken for one of its names, too.
    """
    known = {name.normal: name for held in at_hand for name in (held.subject, held.issuer)}
    der = []
    for text, old in zip(asked.authorities, asked.authorities_der, strict=False):
        name = printed_name(text)
        real = known.get(name.normal) if name is not None else None
        der.append(real.der if real is not None else old)
    whole = f", {_folded(', '.join(asked.authorities))},"
    der += [
        one.der
        for one in known.values()
        if one.der not in der and f", {_folded(_java(one))}," in whole
    ]
    return replace(asked, authorities_der=tuple(der))


def _java(name: Name) -> str:
    return ", ".join(" + ".join(f"{k}={v}" for k, v in rdn) for rdn in reversed(name.rdns))


def _folded(text: str) -> str:
    return " ".join(text.replace('"', "").casefold().split())
