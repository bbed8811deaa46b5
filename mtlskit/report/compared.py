"""Two reports side by side: before and after a change, or what works and what fails.

Law of this file: a difference is told with both sides. What one of them did not look at is told as
that, never as different. Which difference is the cause is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlskit.material import Source
from mtlskit.page.blocks import Block, Callout, Items, Page, Paragraph, Section, Table, Tone
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown
from mtlskit.report.redaction import clean_page
from mtlskit.report.reopened import Record, Reopened, answer, cause, part, rows, said

if TYPE_CHECKING:
    from mtlskit.report.judged import Report

NOT_LOOKED_AT = "not looked at"
_ENDED = {
    ("refused", "accepted"): ("The first was refused, and the second was accepted.", "good"),
    ("unreachable", "accepted"): ("The first came to no connection; the second did.", "good"),
    ("accepted", "refused"): ("The first was accepted, and the second was refused.", "bad"),
    ("accepted", "unreachable"): ("The first was accepted; the second came to none.", "bad"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two reports differ, with what each says."""

    what: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Compared(Shown):
    """Two reports compared.

    Attributes:
        left, right: the reports.
        differences: what differs, how they ended first.
        alike: what both say alike.
        one_sided: what one of them did not look at.
    """

    left: Reopened
    right: Reopened
    differences: tuple[Difference, ...]
    alike: tuple[str, ...]
    one_sided: tuple[Difference, ...]

    def page(self) -> Page:
        """Describe how they ended, what differs, what is alike and what cannot be compared."""
        names = (self.left.source.name, self.right.source.name)
        blocks: list[Block] = [_callout(self)]
        blocks += _section("What differs", names, self.differences)
        blocks += _section("What only one of them looked at", names, self.one_sided)
        if self.alike:
            blocks.append(Section("What both say alike", (Items(self.alike),)))
        return clean_page(Page(f"{names[0]} and {names[1]}", tuple(blocks)))

    def json(self) -> dict[str, Plain]:
        """Tell it to a program."""
        return {
            "left": self.left.source.name,
            "right": self.right.source.name,
            "differences": [_told(one) for one in self.differences],
            "one_sided": [_told(one) for one in self.one_sided],
            "alike": list(self.alike),
        }


def compare_reports(left: Report | Reopened, right: Report | Reopened) -> Compared:
    """Compare two reports, as made or opened again."""
    first, second = _opened(left, "the first report"), _opened(right, "the second report")
    told = [Difference(what, ask(first), ask(second)) for what, ask in _QUESTIONS]
    told += list(_findings(first.record, second.record))
    apart = [one for one in told if one.left != one.right]
    return Compared(
        first,
        second,
        tuple(one for one in apart if NOT_LOOKED_AT not in (one.left, one.right)),
        tuple(
            f"{one.what}: {one.left}"
            for one in told
            if one.left == one.right and one.left != NOT_LOOKED_AT
        ),
        tuple(one for one in apart if NOT_LOOKED_AT in (one.left, one.right)),
    )


def _opened(report: Report | Reopened, name: str) -> Reopened:
    return report if isinstance(report, Reopened) else Reopened(Source(name), report.json())


def _callout(compared: Compared) -> Callout:
    ends = (compared.left.outcome, compared.right.outcome)
    both = f"Both ended alike: {ends[0] or 'not told'}."
    plain = both if ends[0] == ends[1] else f"The first: {ends[0]}. The second: {ends[1]}."
    text, tone = _ENDED.get(ends, (plain, "info"))
    number = len(compared.differences)
    more = f"{number or 'No'} difference{'' if number == 1 else 's'} in what both looked at."
    many = Paragraph(f"{more} A difference is not yet the cause.")
    tones: dict[str, Tone] = {"good": "good", "bad": "bad"}
    return Callout(text, (many,), tones.get(tone, "info"))


def _section(title: str, names: tuple[str, str], told: tuple[Difference, ...]) -> list[Block]:
    cells = tuple((one.what, one.left, one.right) for one in told)
    return [Section(title, (Table(("What", *names), cells),))] if cells else []


def _told(one: Difference) -> Plain:
    return {"what": one.what, "left": one.left, "right": one.right}


def _plain(*keys: str) -> Callable[[Reopened], str]:
    """Ask for one value of the record, however deep it stands."""

    def ask(report: Reopened) -> str:
        held: Record = report.record
        for key in keys[:-1]:
            held = part(held, key)
        value: Any = held.get(keys[-1])
        return _flat(value)

    return ask


def _flat(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return NOT_LOOKED_AT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(_flat, value)) or "none"
    return str(value)


def _chain(key: str) -> Callable[[Reopened], str]:
    """Ask for a chain: each certificate by its subject, serial number and fingerprint."""

    def ask(report: Reopened) -> str:
        sent = part(report.record, "sent")
        if sent.get(key) is None:
            return NOT_LOOKED_AT
        told = [
            f"{said(one, 'subject')}, until {said(one, 'not_after')}, {_mark(one)}"
            for one in rows(sent, key)
        ]
        return "; then ".join(told) or "none"

    return ask


def _mark(one: Record) -> str:
    """Return so much of a fingerprint that no other certificate begins alike."""
    return f"SHA-256 {said(one, 'sha256')[:16]}..."


def _ended(key: str) -> Callable[[Reopened], str]:
    return lambda report: said(report.record, key) or "none"


_QUESTIONS: tuple[tuple[str, Callable[[Reopened], str]], ...] = (
    ("Outcome", _ended("outcome")),
    ("Refused by", _ended("refused_by")),
    ("Stage", _ended("stage")),
    ("Alert or answer", lambda report: answer(report.record)),
    ("Cause", lambda report: cause(report.best)),
    ("TLS version", _plain("symptom", "tls")),
    ("Endpoint", _plain("target")),
    ("URL", _plain("url")),
    ("Client certificate asked for", _plain("sent", "asked")),
    ("CAs that the server accepts", _plain("sent", "accepted_issuers")),
    ("Signature schemes that the server accepts", _plain("sent", "accepted_schemes")),
    ("Sent by the client", _chain("by_client")),
    ("Sent by the server", _chain("by_server")),
    ("Instance: port", _plain("settings", "port")),
    ("Instance: key store", _plain("settings", "key_store")),
    ("Instance: may be offered", _plain("settings", "offered")),
    ("mtlskit", _plain("versions", "mtlskit")),
    ("OpenSSL", _plain("versions", "OpenSSL")),
)


def _findings(left: Record, right: Record) -> Iterator[Difference]:
    """Tell each question that the two answer differently; a fault is told with what shows it."""
    before, after = (
        {said(one, "rule"): one for one in rows(it, "findings")} for it in (left, right)
    )
    titles = {said(one, "cause"): said(one, "title") for one in rows(left, "opinions")}
    titles |= {said(one, "cause"): said(one, "title") for one in rows(right, "opinions")}
    for rule in [*before, *(one for one in after if one not in before)]:
        pair = before.get(rule, {}), after.get(rule, {})
        verdicts = [said(one, "verdict") for one in pair]
        if rule != "none" and verdicts[0] != verdicts[1] and "found" in verdicts:
            yield Difference(f"Finding: {titles.get(rule, rule)}", *map(_verdict, pair))


def _verdict(one: Record) -> str:
    if not one or said(one, "verdict") == "unknown":
        return NOT_LOOKED_AT
    word = {"found": "fault found", "clear": "no fault", "inapplicable": "does not apply"}
    shown = word.get(said(one, "verdict"), said(one, "verdict"))
    return f"{shown}: {said(one, 'because')}"
