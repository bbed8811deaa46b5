"""A pasted error line, explained: who spoke, what it says and does not say, what may be behind it.

Law of this file: it is pure and works offline. Where the text does not tell whose log it is, the
usual reading is taken, and that is said beside the other one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mtlskit.case import Case
from mtlskit.checklist import certificate_request_note
from mtlskit.diagnosis.apart import Apart, by_server
from mtlskit.diagnosis.asking import questions
from mtlskit.diagnosis.causes import causes
from mtlskit.diagnosis.reason import Opinion
from mtlskit.diagnosis.stacks import StackGuess, named_stack
from mtlskit.material import Side, Source
from mtlskit.page.blocks import (
    Block,
    Callout,
    Code,
    Fields,
    Inline,
    Items,
    Page,
    Paragraph,
    Section,
    Table,
)
from mtlskit.page.plain import Plain
from mtlskit.page.text import text as as_text
from mtlskit.report.judged import Report, judge
from mtlskit.report.redaction import clean_page
from mtlskit.report.words import sentence, standing_badge, words
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.minimal import trace_of
from mtlskit.trace.dialects.phrases import families
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.dialects.sense import Sense, sense
from mtlskit.trace.events import Trace
from mtlskit.trace.said import Said
from mtlskit.trace.tell import headline

VERSIONS = ("1.0", "1.1", "1.2", "1.3")
_ALIKE = 3
"""Open causes from which on it is told what separates them."""
_SHOWN = 6
"""Causes and phrases that are told on the page."""
_SHORT = 20
"""Lines of a text in which words that say little are looked for; more are a log."""
_CSR = re.compile(r"\b(?:CSRs?|certificate signing requests?)\b", re.IGNORECASE)
_NO_ADVICE = frozenset({"The handshake did not come so far."})
"""What a rule says of a connection that was seen; how far it came, a line of text does not tell."""
_OTHER = {"client": "server", "server": "client"}


@dataclass(frozen=True, slots=True)
class Explained(Report):
    """What a pasted text says about a connection, and what may be behind it.

    Attributes:
        text: what was pasted.
        senses: the phrases in it, understood, in order.
        log: all that was read from it.
    """

    text: str = field(default="", repr=False)
    senses: tuple[Sense, ...] = ()
    log: Log | None = None

    @property
    def connections(self) -> tuple[Trace, ...]:
        """Every connection that the text tells of, in order; the one explained is among them."""
        return self.log.traces if self.log is not None else ()

    @property
    def main(self) -> Sense | None:
        """The phrase of the explained connection that tells most; None if none was recognised."""
        trace = self.case.trace
        told = {one.source for one in trace.said} if trace is not None else set()
        own = [one for one in self.senses if one.said.source in told]
        return max(own or self.senses, key=lambda one: one.phrase.rank, default=None)

    def page(self) -> Page:
        """Tell it, shortly."""
        return clean_page(_page_of(self))

    def json(self) -> dict[str, Plain]:
        """Tell it to a program, by schema 1 of a report, with what each phrase says."""
        told = Report.json(self)
        return {
            **told,
            "explained": [_told(one) for one in self.senses],
            "by_server": [
                {"servers": list(one.servers), "causes": list(one.causes)} for one in _apart(self)
            ],
        }

    def __str__(self) -> str:
        return as_text(self.page())


def explain(
    text: str,
    tls: str | None = None,
    stack: str | None = None,
    *,
    seen_by: Side | None = None,
    name: str = "pasted text",
) -> Explained:
    """Explain an error line, or a page of log.

    Args:
        text: what a client or server wrote.
        tls: the TLS version of the connection, ``1.2`` or ``1.3``, where it is known.
        stack: the server's software, where it is known: ``nginx``, ``java``, ``go`` ...
        seen_by: whose log it is, where that is known and the text does not tell.
        name: what the text is called, such as the name of its file.

    Raises:
        ValueError: there is no such TLS version, or nothing was measured of such a stack.
    """
    if tls is not None and tls not in VERSIONS:
        raise ValueError(f"{tls!r} is no TLS version; say one of {', '.join(VERSIONS)}")
    known = named_stack(stack) if stack else None
    place = Source(name)
    log = read_log(text.splitlines(), place)
    said = log.said or _bare(text, place)
    senses = tuple(sense(one, seen_by, assume=True) for one in said)
    trace = _told_by(log, seen_by, tls) or trace_of(senses, place, tls=tls)
    case = Case(trace=trace, material=log.certificates)
    report = judge(case, stack=known or _guess(senses), settings=False)
    return Explained(
        report.case, report.diagnosis, report.checklist, text=text, senses=senses, log=log
    )


def _bare(text: str, place: Source) -> tuple[Said, ...]:
    """Return words that say little, where a short text holds no others."""
    lines = text.splitlines()
    if len(lines) > _SHORT:
        return ()
    return tuple(
        one
        for number, line in enumerate(lines, 1)
        for one in said_in(line, Source(place.name, (f"line {number}",)), fallback=True)
    )


def _told_by(log: Log, seen_by: Side | None, tls: str | None) -> Trace | None:
    """Return the connection to explain: the last that failed, read as its usual side's."""
    failed = [one for one in log.traces if one.ended.outcome != "accepted"]
    last = (failed or list(log.traces))[-1:]
    for one in last:
        if one.ended.refused_by is not None or not one.said:
            return one
        senses = [sense(said, seen_by or one.seen_by, assume=True) for said in one.said]
        return trace_of(senses, one.source, tls=one.tls or tls, target=one.target) or one
    return None


def _guess(senses: Sequence[Sense]) -> StackGuess | None:
    """Name the server by the words of its own log."""
    for one in senses:
        family = families()[one.phrase.family]
        if one.reading == "server" and not one.assumed and family.stack:
            why = f"{family.name} wrote {one.said.text!r}"
            return StackGuess(family.name, why, family.stack)
    return None


def _not_a_csr(text: str) -> tuple[Block, ...]:
    """Say gently what a CSR is, where a text that speaks of a handshake names one."""
    return (Paragraph(certificate_request_note()),) if _CSR.search(text) else ()


def _page_of(this: Explained) -> Page:
    main = this.main
    if main is None:
        return Page("What this text says", (_nothing(), *_not_a_csr(this.text)))
    blocks: list[Block] = [Callout(_headline(this), (_facts(this, main),), tone="info")]
    blocks += [_others(this)] if len(this.connections) > 1 else []
    blocks += [_all_phrases(this)] if len(this.senses) > 1 else []
    blocks += [_causes(this)] if _open(this) else []
    blocks += _by_server(this)
    blocks += [_next(this)] if _to_collect(this) else []
    blocks += _not_a_csr(this.text)
    return Page("What this text says", tuple(blocks))


def _nothing() -> Block:
    said = words()["explain"]
    return Callout(said["nothing"], (Items(tuple(said["paste"])),), tone="warn")


def _headline(this: Explained) -> str:
    return str(words()["open"].get(this.refused_by or this.outcome))


def _facts(this: Explained, main: Sense) -> Fields:
    rows: list[tuple[str, Inline]] = [
        ("The words", Code(main.said.text)),
        ("Who spoke", _speaker(main)),
        ("What it says", main.means),
    ]
    if main.alert is not None and main.alert.means:
        rows.append((f"The alert {main.alert.name}", main.alert.means))
    if main.reason is not None:
        rows.append(("The reason", main.reason.means))
    denied = _denied(main)
    if main.phrase.misleads:
        denied.insert(0, str(words()["explain"]["misleads"]))
    rows += [("What it does not say", " ".join(denied))] if denied else []
    if main.assumed and main.reading:
        rows.append(("Read the other way", _other_way(main)))
    version = this.case.trace.tls if this.case.trace else None
    rows.append(("TLS version", version or "not told"))
    return Fields(tuple(rows))


def _denied(main: Sense) -> list[str]:
    """Return what it does not say: the phrase, the alert, the reason."""
    parts = (main, main.alert, main.reason)
    return [one.not_means for one in parts if one is not None and one.not_means]


def _speaker(main: Sense) -> str:
    family = families()[main.phrase.family].name
    if main.reading is None:
        return f"{family}. The text does not tell whether it is the client's or the server's log."
    if main.assumed:
        return f"{family}. Nothing tells whose log it is; it is read as the {main.reading}'s."
    return f"{family}, as the {main.reading}."


def _other_way(main: Sense) -> str:
    side = _OTHER[main.reading or "client"]
    return f"If this is the {side}'s log: {_turned(main, side)}"


def _turned(main: Sense, side: str) -> str:
    turned = sense(main.said, side)  # type: ignore[arg-type] # one of the two sides
    if turned.refused_by is None:
        return turned.means
    return f"the {turned.refused_by} refused the {_OTHER.get(turned.refused_by, 'client')}."


def _others(this: Explained) -> Section:
    """Tell every connection of the text, and which of them is explained."""
    explained = this.case.trace.source if this.case.trace is not None else None
    rows = tuple(
        (
            _line_of(one.source),
            headline(one),
            "explained here" if one.source == explained else "",
        )
        for one in this.connections[: 4 * _SHOWN]
    )
    left = len(this.connections) - len(rows)
    more = f"{left} more are left out here" if left > 0 else ""
    said = (
        f"The text tells of {len(this.connections)} connections. The last one that failed is "
        "explained; give another one's lines alone to have it explained."
    )
    table = Table(("Where", "How it ended", ""), rows, more)
    return Section("The connections in this text", (Paragraph(said), table))


def _line_of(source: Source) -> str:
    return str(source.place[-1] if source.place else "")


def _all_phrases(this: Explained) -> Section:
    rows = tuple(
        (
            _line_of(one.said.source),
            Code(one.said.text),
            one.means,
        )
        for one in this.senses[: 4 * _SHOWN]
    )
    return Section(
        "Every phrase that was recognised", (Table(("Where", "Words", "What it says"), rows),)
    )


def _causes(this: Explained) -> Section:
    rows = tuple(_cause(one) for one in _open(this)[:_SHOWN])
    stack = this.diagnosis.server_stack
    how = (
        f"Ordered by what {stack.guess} servers do: {stack.because}."
        if stack.guess
        else str(words()["explain"]["all_stacks"])
    )
    columns = ("Cause", "Standing", "Who must act", "Why")
    return Section("What may be behind it, in order", (Paragraph(how), Table(columns, rows)))


def _apart(this: Explained) -> tuple[Apart, ...]:
    """Return what separates causes that look alike, where the server is not known."""
    trace = this.case.trace
    alike = [one for one in _open(this) if one.standing == "POSSIBLE"]
    if trace is None or this.diagnosis.server_stack.guess or len(alike) < _ALIKE:
        return ()
    found = by_server(trace.ended, alike)
    # Where all answer alike, nothing is separated.
    return found if len(found) > 1 else ()


def _by_server(this: Explained) -> list[Block]:
    rows = tuple(
        (", ".join(one.servers), "; ".join(causes()[each].title for each in one.causes))
        for one in _apart(this)
    )
    if not rows:
        return []
    table = Table(("If the server is", "then most likely"), rows)
    said = Paragraph(str(words()["explain"]["by_server"]))
    return [Section("What separates them", (said, table))]


def _open(this: Explained) -> list[Opinion]:
    """Return the causes that may be; a text that tells of no connection shows none."""
    if this.case.trace is None:
        return []
    return [one for one in this.opinions if one.standing != "RULED_OUT"]


def _cause(one: Opinion) -> tuple[Inline, ...]:
    why = "; ".join(because.text for because in one.because[:2])
    party = words()["party_short"][one.party]
    return sentence(one.title), standing_badge(one.standing), party, sentence(why) if why else ""


def _next(this: Explained) -> Section:
    return Section("What to collect next", (Items(_to_collect(this), numbered=True),))


def _to_collect(this: Explained) -> tuple[str, ...]:
    """Return what would settle it: the phrases' own advice, then what settles most, then more."""
    asked = [text for one in this.senses for text in one.phrase.collect]
    if this.case.trace is not None:
        asked += [one.text for one in questions(this.diagnosis, this.case)]
    if not asked:
        asked = [text for opinion in _open(this)[:3] for text in opinion.settle[:2]]
    return tuple(one for one in dict.fromkeys(asked) if one not in _NO_ADVICE)[:_SHOWN]


def _told(one: Sense) -> dict[str, Plain]:
    return {
        "phrase": one.phrase.id,
        "text": one.said.text,
        "source": str(one.said.source),
        "speaker": one.reading,
        "speaker_assumed": one.assumed,
        "refused_by": one.refused_by,
        "alert": one.alert.number if one.alert else None,
        "sent": one.phrase.sent,
        "means": one.means,
        "does_not_mean": one.not_means,
        "misleads": one.phrase.misleads,
    }
