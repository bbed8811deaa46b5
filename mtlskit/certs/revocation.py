"""Whether a certificate on a path is revoked, by lists and OCSP responses (RFC 5280, 6.3).

Law of this room: a list counts only if it is of the right issuer, speaks of this certificate, is
signed by a key that may sign lists, and is of the time in question. Of each list that does not
count it is said why. A certificate that no list covers is not "good": its status is not known.

A list of another issuer counts where the certificate names that issuer for it (an indirect list),
and a list of changes (a delta list) only together with the full one that it amends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Literal

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.ocsp import Response, Word, word_on
from mtlskit.certs.policies import Fault
from mtlskit.certs.revocation_list import (
    ALL_REASONS,
    DISTRIBUTION_POINTS,
    REMOVED,
    RevocationList,
    Revoked,
    Scope,
    contents_of,
    directory_name,
    distribution_points,
    relative_to,
)
from mtlskit.certs.signed import Crl
from mtlskit.certs.signing import made_by, verified

_KEYS = 50
"""Of namesakes of a list's issuer, so many keys are tried on it."""
_HOPS = 3
"""A list's signer whose own status hangs on other signers: so many are followed."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists at hand, and what it takes to judge them.

    Attributes:
        path: the certificates of the path, the one that is asked for first.
        others: certificates at hand beside the path, of which one may have signed a list.
        responses: OCSP responses at hand; one that says "good" hides no list that revokes.
    """

    crls: tuple[Crl, ...]
    path: tuple[Certificate, ...]
    others: tuple[Certificate, ...]
    at: datetime
    hops: int = _HOPS
    responses: tuple[Response, ...] = ()


def faults(lists: Lists) -> Iterator[Fault]:
    """Yield why each certificate below the anchor is refused: revoked, or not known to be good.

    With lists, each is asked for; with OCSP responses alone, only the leaf has to be answered for,
    since TLS servers staple no others. With neither, nobody asked.
    """
    for at, (one, issuer) in enumerate(pairwise(lists.path)):
        if not lists.crls and not lists.responses:
            return
        above = replace(lists, path=lists.path[at:], others=(*lists.path[:at], *lists.others))
        word = word_on(one, issuer, lists.responses, lists.at, partial(_responder, above))
        if word.answer is not None and word.answer.status == "revoked":
            yield _answered(one, word)
        elif lists.crls or one is lists.path[0]:
            fault = _fault(above, one, word.notes)
            if fault is not None and (word.answer is None or fault.code == "revoked"):
                yield fault


def _responder(above: Lists, responder: Certificate) -> Literal["good", "revoked", "unknown"]:
    """What the lists say of a responder, which has the issuer of the one that is asked for."""
    if not above.crls:
        return "unknown"
    fault = _fault(replace(above, path=(responder, *above.path[1:])), responder)
    if fault is None:
        return "good"
    return "revoked" if fault.code == "revoked" else "unknown"


def _answered(one: Certificate, word: Word) -> Fault:
    answer = word.answer
    since = f" since {answer.since:%Y-%m-%d %H:%M:%S} UTC" if answer and answer.since else ""
    why = f" ({answer.reason})" if answer else ""
    text = f"{one.label} is revoked{since}{why}, by the OCSP response {word.source}."
    return Fault("revoked", one, text, "good", "revoked")


def _fault(lists: Lists, one: Certificate, said: Sequence[str] = ()) -> Fault | None:
    """Go through the lists until every reason for revocation is covered (RFC 5280, 6.3.3)."""
    covered: set[int] = set()
    notes = list(said)
    meant = _meant(lists, one)
    changes = [(crl, each) for crl, each in meant if each.changes is not None]
    for crl, contents in meant:
        note = _why_not(lists, one, crl, contents)
        if note is None and contents.changes is None:
            by, entry = _latest(lists, one, (crl, contents), changes)
            if entry is not None:
                return _revoked(one, by, entry)
            covered |= _covered(one, crl, contents)
        elif note is not None:
            listed = contents.entry(one.issuer.der, one.serial)
            notes.append(note + (f" (it lists {one.label} as revoked {listed})" if listed else ""))
    if changes and len(changes) == len(meant):
        notes.append("there are delta CRLs only, and no full list that they amend")
    return None if covered >= ALL_REASONS else _unknown(lists, one, notes, covered)


def _meant(lists: Lists, one: Certificate) -> list[tuple[Crl, RevocationList]]:
    """The lists of the certificate's issuer, and of those whom it names for its lists."""
    named = {name for point in _points(one) for name in point.issuers}
    return [
        (crl, contents_of(crl.der))
        for crl in lists.crls
        if crl.issuer.same_as(one.issuer) or directory_name(crl.issuer.der) in named
    ]


def _latest(
    lists: Lists,
    one: Certificate,
    full: tuple[Crl, RevocationList],
    changes: Sequence[tuple[Crl, RevocationList]],
) -> tuple[Crl, Revoked | None]:
    """What a full list says, amended by the newest list of changes to it (RFC 5280, 5.2.4).

    One that says nothing of the certificate takes nothing back: that would stand in it.
    """
    crl, contents = full
    newest = sorted(changes, key=lambda pair: _age(one, *pair), reverse=True)
    for other, each in newest:
        fits = (
            other.issuer.same_as(crl.issuer)
            and each.scope == contents.scope
            and (each.changes or 0) <= (contents.number or 0) < (each.number or 0)
        )
        entry = each.entry(one.issuer.der, one.serial)
        if fits and entry is not None and _why_not(lists, one, other, each) is None:
            return other, None if entry.reason == REMOVED else entry
    return crl, contents.entry(one.issuer.der, one.serial)


def _age(one: Certificate, crl: Crl, contents: RevocationList) -> tuple[int, datetime, bool]:
    """What sorts lists of changes; of two alike, the one that revokes is the later."""
    entry = contents.entry(one.issuer.der, one.serial)
    return contents.number or 0, crl.this_update, entry is not None and entry.reason != REMOVED


def _revoked(one: Certificate, crl: Crl, entry: Revoked) -> Fault:
    text = f"{one.label} is revoked {entry}, by the {crl.label} ({crl.source})."
    return Fault("revoked", one, text, "not revoked", f"serial number {one.serial:x} listed")


def _unknown(lists: Lists, one: Certificate, notes: Sequence[str], covered: set[int]) -> Fault:
    text = f"Whether {one.label} is revoked is not known: "
    if notes:
        text += "; ".join(notes) + "."
    elif covered:
        text += "the lists at hand speak of some reasons for revocation only."
    else:
        kind = "revocation list" if lists.crls else "OCSP response"
        text += f"no {kind} of {one.issuer} is at hand."
    expected = f"a valid revocation list of {one.issuer}"
    return Fault("revocation-unknown", one, text, expected, f"{len(notes)} that cannot be used")


def _why_not(lists: Lists, one: Certificate, crl: Crl, contents: RevocationList) -> str | None:
    """Why this list does not count, a sentence; None: it does."""
    named = f"the {crl.label} ({crl.source})"
    if contents.unusable:
        return f"{named} {contents.unusable[0]}"
    if outside := _outside(one, crl, contents):
        return f"{named} {outside}"
    if crl.this_update > lists.at:
        return f"{named} is of {crl.this_update:%Y-%m-%d %H:%M} UTC, which is later"
    if crl.next_update is not None and crl.next_update < lists.at:
        return f"{named} ran out at {crl.next_update:%Y-%m-%d %H:%M} UTC"
    return _unsigned(lists, one, crl, named)


def _outside(one: Certificate, crl: Crl, contents: RevocationList) -> str | None:
    """Why a list does not speak of this certificate (RFC 5280, 6.3.3 (b)(2))."""
    scope = contents.scope
    if scope.attributes_only:
        return "is for attribute certificates only"
    if scope.users_only and one.ca:
        return "is for the certificates of users only"
    if scope.authorities_only and not one.ca:
        return "is for the certificates of CAs only"
    if not _covered(one, crl, contents):
        return "is of another distribution point than the certificate names"
    return None


def _covered(one: Certificate, crl: Crl, contents: RevocationList) -> frozenset[int]:
    """The reasons for which this list covers the certificate."""
    own = relative_to(crl.issuer.der, contents.scope.names)
    found: frozenset[int] = frozenset()
    for point in _points(one):
        if point.issuers:
            charged = contents.indirect and directory_name(crl.issuer.der) in point.issuers
        else:
            charged = crl.issuer.same_as(one.issuer)
        names = relative_to(crl.issuer.der, point.names) or point.issuers
        if charged and (not own or own & names):
            found |= contents.scope.reasons & point.reasons
    return found


def _points(one: Certificate) -> tuple[Scope, ...]:
    """Its distribution points by its own issuer; without any, the issuer's name is one."""
    whole = Scope(frozenset({directory_name(one.issuer.der)}))
    extension = one.extension(DISTRIBUTION_POINTS)
    if extension is None:
        return (whole,)
    try:
        return distribution_points(extension.value)
    except asn1.Asn1Error:
        return (whole,)


def _unsigned(lists: Lists, one: Certificate, crl: Crl, named: str) -> str | None:
    """Why the signature on a list does not count; None: it does."""
    namesakes = [
        other
        for other in dict.fromkeys((*lists.path, *lists.others))
        if other.subject.same_as(crl.issuer)
    ]
    keys = list(dict.fromkeys(other.key.spki for other in namesakes))[:_KEYS]
    key = next((spki for spki in keys if made_by(crl.der, spki)), None)
    signers = [other for other in namesakes if other.key.spki == key]
    if not signers:
        return f"the signature on {named} was not made with a key of its issuer that is at hand"
    allowed = [other for other in signers if other.ku is None or "cRLSign" in other.ku]
    if not allowed:
        return f"{named} is signed by {signers[0].label}, whose key usage does not allow it"
    if not any(_trusted(lists, one, signer) for signer in allowed):
        return f"{named} is signed by {allowed[0].label}, a certificate that does not hold"
    return None


def _trusted(lists: Lists, one: Certificate, signer: Certificate) -> bool:
    """A signer is a CA above the one that is asked for, or vouched for by one, and not revoked.

    The one that is asked for cannot vouch: if it is revoked, its word is worth nothing.
    A signer whose own status stands in its own list is not asked for twice: its issuer chose so.
    """
    if any(signer.der == known.der for known in lists.path[1:]):
        return True
    if lists.hops == 0 or not signer.not_before <= lists.at <= signer.not_after:
        return False
    vouching = any(
        signer.issuer.same_as(known.subject) and verified(signer, known.key.spki)
        for known in lists.path[1:]
    )
    if not vouching or signer.der == one.der:
        return vouching
    return _fault(replace(lists, hops=lists.hops - 1), signer) is None
