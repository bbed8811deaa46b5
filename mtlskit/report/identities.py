"""Certificates as a report shows them: public parts only, with what a reader compares.

Law of this file: a private key is said to be there or not, and to fit or not; nothing more of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.page.blocks import Badge, Block, Code, Fields, Inline, Paragraph, Section, Table

_DAY = "%Y-%m-%d"
_MOMENT = "%Y-%m-%d %H:%M:%S UTC"
_MOST = 40
"""Certificates told in full; a trust store of hundreds would bury the rest."""


def section(case: Case) -> Section | None:
    """Tell the identities at hand and the certificates that were seen; None if there are none."""
    blocks: list[Block] = []
    if case.identities is not None:
        blocks.append(_identities(case, case.identities))
    seen = tuple(_each_once(_seen(case)))
    if seen:
        blocks.append(_certificates(seen, case.at))
    if not blocks:
        return None
    return Section("Identities and certificates", (*blocks, *_in_full(seen)))


def moment(when: datetime | None) -> str:
    """Write a time to the second."""
    return when.strftime(_MOMENT) if when else "not known"


def key_word(identity: Identity) -> tuple[str, Badge]:
    """Say whether the private key is there and belongs to the certificate."""
    if identity.key is None:
        return "not at hand", Badge("not at hand", "warn")
    if identity.key_matches:
        return "present, belongs to the certificate", Badge("present", "good")
    return "present, belongs to another certificate", Badge("does not fit", "bad")


def _identities(case: Case, held: Sequence[Identity]) -> Block:
    if not held:
        text = "No client identity was found in what was given: no certificate with a private key."
        return Paragraph(text)
    rows = tuple(_identity(one, chosen=one is case.chosen) for one in held)
    columns = ("Client identity", "Issued by", "Chain in the store", "Private key", "From")
    return Table(columns, rows, "Client identities at hand")


def _identity(one: Identity, *, chosen: bool) -> tuple[Inline, ...]:
    name: Inline = (one.label, " ", Badge("used", "info")) if chosen else one.label
    chain = ", then ".join(issuer.label for issuer in one.chain) or "the certificate alone"
    return name, str(one.certificate.issuer), chain, key_word(one)[1], str(one.source)


def _seen(case: Case) -> Iterable[tuple[str, Certificate]]:
    trace = case.trace
    for role, chain in (
        ("sent by the client", (trace.client_chain if trace else None) or ()),
        ("sent by the server", (trace.server_chain if trace else None) or ()),
    ):
        yield from ((role, one) for one in chain)
    for identity in case.identities or ():
        yield from (("at hand", one) for one in (identity.certificate, *identity.chain))
    yield from (("trusted by the client", one) for one in case.trust or ())
    yield from (("at hand", one) for one in case.material)


def _each_once(seen: Iterable[tuple[str, Certificate]]) -> Iterable[tuple[str, Certificate]]:
    found: set[bytes] = set()
    for role, one in seen:
        if one.der not in found:
            found.add(one.der)
            yield role, one


def _certificates(seen: Sequence[tuple[str, Certificate]], at: datetime | None) -> Table:
    rows = tuple(
        (one.label, role, str(one.issuer), _validity(one, at), str(one.key)) for role, one in seen
    )
    columns = ("Certificate", "Role", "Issued by", "Valid (UTC)", "Key")
    return Table(columns, rows, "Certificates that were seen")


def _validity(one: Certificate, at: datetime | None) -> Inline:
    span = f"{one.not_before:{_DAY}} to {one.not_after:{_DAY}}"
    if at is not None and at > one.not_after:
        return span, " ", Badge("expired", "bad")
    if at is not None and at < one.not_before:
        return span, " ", Badge("not yet valid", "bad")
    return span


def _in_full(seen: Sequence[tuple[str, Certificate]]) -> tuple[Section, ...]:
    if not seen:
        return ()
    told = tuple(Section(one.label, (Fields(_fields(role, one)),)) for role, one in seen[:_MOST])
    left = len(seen) - _MOST
    more = (Paragraph(f"{left} more are not told in full."),) if left > 0 else ()
    return (Section("Every certificate in full", (*told, *more), folded=True, paper=False),)


def _fields(role: str, one: Certificate) -> tuple[tuple[str, Inline], ...]:
    rows: list[tuple[str, Inline]] = [
        ("Subject", str(one.subject)),
        ("Issuer", str(one.issuer)),
        ("Serial number", Code(f"{one.serial:x}")),
        ("Valid from", moment(one.not_before)),
        ("Valid until", moment(one.not_after)),
        ("Key", str(one.key)),
        ("Signed with", one.signature_algorithm),
        ("Other names", _listed(f"{name.kind}:{name.value}" for name in one.san or ())),
        ("Purposes (EKU)", "every purpose" if one.eku is None else _listed(one.eku)),
        ("Key usage", "every use" if one.ku is None else _listed(one.ku)),
        ("May issue (CA)", {True: "yes", False: "no", None: "not said"}[one.ca]),
        ("SHA-256", Code(one.sha256)),
        ("Seen", f"{role}; {one.source}"),
    ]
    rows += [("Problem", problem.text) for problem in one.problems]
    return tuple(rows)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
