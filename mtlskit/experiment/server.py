"""Changes of what the client expects of the server, where the client refused it.

Law of this file: whoever is not trusted yet is shown neither our certificate nor a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import issuers_of
from mtlskit.certs.names import match
from mtlskit.collect.call import Call
from mtlskit.experiment.change import Change
from mtlskit.experiment.hello import named, names_at_hand
from mtlskit.rules.evidence import at_hand


def changes(case: Case, first: Call) -> Iterator[Change]:
    """Call by another name, or trust more, to see whether that was all."""
    trace = case.trace
    if trace is None or not trace.server_chain:
        return
    leaf = trace.server_chain[0]
    if not match(leaf, first.expected_name).matched:
        yield from _another_name(case, first, leaf)
    yield from _more_trust(case, first, trace.server_chain)


def _another_name(case: Case, first: Call, leaf: Certificate) -> Iterator[Change]:
    """Call by a name that the certificate carries: one of those at hand, else its own first."""
    names = [one for one in names_at_hand(case, first) if match(leaf, one).matched]
    for name in names[:1]:
        yield Change(
            "server.name-mismatch",
            f"the endpoint was called by the name {name}",
            f"Call the endpoint as {name}, or have its owner issue a certificate for "
            f"{first.expected_name}.",
            _unshown(named(first, name)),
        )


def _unshown(call: Call) -> Call:
    """Return the call as one that shows nothing: a name of the server's own vouches for nobody."""
    return replace(call, identity=None, request=None)


def _more_trust(case: Case, first: Call, chain: tuple[Certificate, ...]) -> Iterator[Change]:
    """Trust the CA of the server, or know the intermediate that the server did not send."""
    held = {one.der for one in first.trust or ()}
    full = issuers_of(chain[0], (*chain[1:], *at_hand(case)))
    unsent = [one for one in full if one not in chain and not one.self_issued]
    unsent = [one for one in unsent if one.der not in held]
    roots = [one for one in full if one.self_issued]
    more = (*unsent, *(one for one in roots if one.der not in held))
    if not more or not roots:
        return
    call = _unshown(replace(first, trust=(*(first.trust or ()), *more)))
    root = roots[0]
    if root.der in held:
        names = ", ".join(f"{one.label} ({one.source})" for one in unsent)
        yield Change(
            "server.chain-incomplete",
            f"{names} was known as well, which the server did not send",
            f"Have the endpoint's owner send {unsent[0].label} with the server's certificate; "
            "until then, add it to the client's trust store.",
            call,
        )
    else:
        yield Change(
            "server.untrusted-issuer",
            f"{root.label} ({root.source}) was trusted as well",
            f"Add {root.label} to the client's trust store, after the endpoint's owner confirmed "
            f"its SHA-256 fingerprint {root.sha256}.",
            call,
        )
