"""What a log prints of the client's certificates, asked as far as it goes.

Law of this room: these are no rules; the rules at rest come here where no certificate itself was
seen. A printed time without a clear zone may be off by half a day and more, and is not judged
closer than that. What cannot be read of one certificate leaves the question open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from mtlskit.case import Case
from mtlskit.material import Because
from mtlskit.rules.rule import Answer, Clear, Found
from mtlskit.trace.printed import PrintedCertificate, midnight_as_zero, moment

_CLIENT = {"clientAuth", "anyExtendedKeyUsage"}
_WEAK = ("MD2", "MD4", "MD5", "SHA1")
_ANY_ZONE = timedelta(hours=14)
"""No zone is further from UTC."""
_SHAPES = (
    (re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"), "%Y-%m-%d %H:%M:%S"),
    (
        re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d) \S+ (\d{4})"),
        "%b %d %H:%M:%S %Y",
    ),
)


def printed(case: Case) -> tuple[PrintedCertificate, ...]:
    """Return what was printed of the certificates that were sent, where that is all there is."""
    trace = case.trace
    if trace is None or trace.client_chain is not None:
        return ()
    return trace.client_printed or ()


def expired(case: Case) -> Answer | None:
    """Compare each printed end with the time of the failure; None: nothing was printed."""
    now = case.need_time()
    return _each(
        case,
        lambda one: _when(one.not_after),
        lambda span: None if span[0] < now <= span[1] else span[1] < now,
        "{0.label} was valid until {0.not_after}, and was sent",
        "{0.label} is valid until {0.not_after}",
    )


def not_yet_valid(case: Case) -> Answer | None:
    """Compare each printed beginning with the time of the failure."""
    now = case.need_time()
    return _each(
        case,
        lambda one: _when(one.not_before),
        lambda span: None if span[0] <= now < span[1] else span[0] > now,
        "{0.label} is valid from {0.not_before}, and was sent before that",
        "{0.label} is valid since {0.not_before}",
    )


def purpose(case: Case) -> Answer | None:
    """Look at the printed extended key usage and key usage of the client's own certificate."""
    held = printed(case)[:1]
    if not held:
        return None
    (leaf,) = held
    if leaf.eku is not None and not _CLIENT & set(leaf.eku):
        text = f"{leaf.label} is for {', '.join(leaf.eku)}; needed: clientAuth"
        return Found((Because(text, leaf.source),))
    if leaf.ku is not None and "digitalSignature" not in leaf.ku:
        text = f"the key of {leaf.label} is for {', '.join(leaf.ku)}; needed: digitalSignature"
        return Found((Because(text, leaf.source),))
    return None if leaf.eku is None else Clear((_said(leaf, "{0.label} allows clientAuth"),))


def self_signed(case: Case) -> Answer | None:
    """Compare the printed subject and issuer of the client's own certificate."""
    held = [one for one in printed(case)[:1] if one.subject and one.issuer]
    if not held:
        return None
    (leaf,) = held
    if leaf.subject is not None and leaf.issuer is not None and leaf.subject.same_as(leaf.issuer):
        return Found((_said(leaf, "{0.label} names itself as its issuer: {0.issuer}"),))
    return Clear((_said(leaf, "{0.label} was issued by {0.issuer}"),))


def weak(case: Case) -> Answer | None:
    """Look at each printed signature algorithm."""
    return _each(
        case,
        lambda one: one.signature_algorithm,
        lambda name: name.upper().replace("-", "").startswith(_WEAK),
        "{0.label} is signed with {0.signature_algorithm}",
        "{0.label} is signed with {0.signature_algorithm}",
    )


def issuer_purpose(case: Case) -> Answer | None:
    """Look whether each printed issuer is a CA."""
    issuers = printed(case)[1:]
    wrong = [one for one in issuers if one.ca is False]
    if wrong:
        return Found(tuple(_said(one, "{0.label} issued, and is no CA") for one in wrong))
    return Clear(tuple(_said(one, "{0.label} is a CA") for one in issuers)) if issuers else None


_T = TypeVar("_T")


def _each(
    case: Case,
    part: Callable[[PrintedCertificate], _T | None],
    wrong: Callable[[_T], bool | None],
    found: str,
    clear: str,
) -> Answer | None:
    """Ask one part of every certificate that was printed; only all of them can be beyond doubt.

    None: of one at least it cannot be told, and no other is at fault.
    """
    held = printed(case)
    values = [(one, value) for one in held if (value := part(one)) is not None]
    seen = [(one, verdict) for one, value in values if (verdict := wrong(value)) is not None]
    faults = tuple(_said(one, found) for one, verdict in seen if verdict)
    if faults:
        return Found(faults)
    clean = bool(held) and len(seen) == len(held)
    return Clear(tuple(_said(one, clear) for one, _ in seen)) if clean else None


def _said(one: PrintedCertificate, words: str) -> Because:
    return Because(words.format(one), one.source)


def _when(text: str | None) -> tuple[datetime, datetime] | None:
    """Return the earliest and the latest moment that a printed time can be."""
    if text is None:
        return None
    if (exact := moment(text)) is not None:
        return exact, exact
    for shape, form in _SHAPES:
        if found := shape.search(midnight_as_zero(text)):
            try:
                near = datetime.strptime(" ".join(found.groups()), form).replace(tzinfo=UTC)
            except ValueError:
                return None
            return near - _ANY_ZONE, near + _ANY_ZONE
    return None
