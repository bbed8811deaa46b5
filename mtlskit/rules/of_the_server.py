"""Rules about the server's certificate, as the client saw it.

Law of this room: these explain a refusal by the client. Where the client did not refuse, a fault
of the server's chain is told as an observation, never as the reason of the failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlskit.case import Case, Missing
from mtlskit.certs import names
from mtlskit.certs.certificate import Certificate
from mtlskit.material import Because
from mtlskit.rules.evidence import clause
from mtlskit.rules.rule import Answer, Clear, Found, Inapplicable, rule
from mtlskit.trace.events import Trace

if TYPE_CHECKING:
    from mtlskit.certs.paths import PathSearch

_DAY = "%Y-%m-%d %H:%M:%S UTC"
_WEAK = ("weak-key", "weak-signature")


def _chain(case: Case) -> tuple[Trace, tuple[Certificate, ...]]:
    trace = case.need_trace()
    if trace.server_chain:
        return trace, trace.server_chain
    if trace.failure is not None or trace.tls is None:
        raise Missing("the server's certificate", "The handshake did not come so far.")
    raise Missing("the server's certificate", "Give the key log of this connection.")


def _found(trace: Trace, *because: Because) -> Found:
    return Found(because, decisive=trace.ended.refused_by == "client")


@rule("server.expired", title="Is the server's certificate in date?", cites="RFC 5280, 4.1.2.5")
def expired(case: Case) -> Answer:
    """Compare each notAfter with the time of the failure."""
    (trace, chain), now = _chain(case), case.need_time()
    late = next((one for one in chain if one.not_after < now), None)
    if late is not None:
        return _found(
            trace, Because(f"{late.label} expired at {late.not_after:{_DAY}}", late.source)
        )
    leaf = chain[0]
    return Clear((Because(f"{leaf.label} is valid until {leaf.not_after:{_DAY}}", leaf.source),))


@rule(
    "server.not-yet-valid",
    title="Has the server's certificate become valid?",
    cites="RFC 5280, 4.1.2.5",
)
def not_yet_valid(case: Case) -> Answer:
    """Compare each notBefore with the time of the failure."""
    (trace, chain), now = _chain(case), case.need_time()
    early = next((one for one in chain if one.not_before > now), None)
    if early is not None:
        return _found(
            trace, Because(f"{early.label} is valid from {early.not_before:{_DAY}}", early.source)
        )
    leaf = chain[0]
    return Clear((Because(f"{leaf.label} is valid since {leaf.not_before:{_DAY}}", leaf.source),))


@rule(
    "server.name-mismatch",
    title="Does the server's certificate carry the name that was called?",
    cites="RFC 9525, 6",
)
def name_mismatch(case: Case) -> Answer:
    """Match the expected name against the subject alternative names."""
    trace, chain = _chain(case)
    wanted = trace.expected_name or trace.server_name
    if wanted is None:
        raise Missing(
            "the name that the client called",
            "Give it by --server-name, or the URL that was called by --url.",
        )
    matched = names.match(chain[0], wanted)
    if matched.matched:
        return Clear((clause(matched.because, chain[0].source),))
    return _found(trace, clause(matched.because, chain[0].source))


@rule(
    "server.purpose",
    title="May the server's certificate be used by a server?",
    cites="RFC 5280, 4.2.1.12",
)
def purpose(case: Case) -> Answer:
    """Look for serverAuth in the EKU, where one is present."""
    trace, chain = _chain(case)
    leaf = chain[0]
    if leaf.eku is not None and not {"serverAuth", "anyExtendedKeyUsage"} & set(leaf.eku):
        said = ", ".join(leaf.eku) or "nothing"
        return _found(
            trace,
            Because(
                f"the extended key usage of {leaf.label} is {said}; serverAuth is needed",
                leaf.source,
            ),
        )
    return Clear((Because(f"the extended key usage of {leaf.label} allows a server", leaf.source),))


@rule(
    "server.chain-incomplete",
    title="Did the server send every intermediate?",
    cites="RFC 8446, 4.4.2",
)
def chain_incomplete(case: Case) -> Answer:
    """Look whether the chain that was sent stops short of what the client trusts."""
    trace, chain = _chain(case)
    found = _search(case, chain, chain[1:])
    if found.accepted or not _lacks_issuer(found):
        return Clear((Because("the chain that the server sent is linked", chain[0].source),))
    material = (*chain[1:], *case.material)
    if _lacks_issuer(_search(case, chain, material)):
        return Inapplicable((Because("no intermediate at hand would complete it"),))
    reason = found.reasons[0]
    return _found(trace, clause(reason.because, chain[0].source))


@rule(
    "server.untrusted-issuer",
    title="Does the client trust the CA of the server's certificate?",
    cites="RFC 5280, 6.1",
)
def untrusted_issuer(case: Case) -> Answer:
    """Search a path from the server's certificate to what the client trusts."""
    trace, chain = _chain(case)
    found = _search(case, chain, (*chain[1:], *case.material))
    lacking = [one for one in found.reasons if one.code in ("untrusted-root", "missing-issuer")]
    if lacking:
        return _found(trace, *(clause(one.because, one.certificate.source) for one in lacking))
    return Clear(
        (
            Because(
                "a path leads from the server's certificate to one that the client trusts",
                chain[0].source,
            ),
        )
    )


@rule("server.weak", title="Are the server's keys and hashes strong enough?", cites="RFC 9155")
def weak(case: Case) -> Answer:
    """Look for weak keys and signatures along the path."""
    trace, chain = _chain(case)
    found = _search(case, chain, chain[1:])
    faults = [one for one in found.reasons if one.code in _WEAK]
    if faults:
        return _found(trace, *(clause(one.because, one.certificate.source) for one in faults))
    return Clear((Because(f"{chain[0].label} has the key {chain[0].key}", chain[0].source),))


def _lacks_issuer(found: PathSearch) -> bool:
    return any(one.code == "missing-issuer" for one in found.reasons)


def _search(
    case: Case, chain: tuple[Certificate, ...], others: tuple[Certificate, ...]
) -> PathSearch:
    from mtlskit.certs import paths  # noqa: PLC0415 - a room that a pasted line never needs

    return paths.search(
        chain[0], others, case.need_trust(), role="server", at=case.need_time(), name=None
    )
