"""The report as a page: the first screen, then everything that it rests on.

Law of this file: every statement stands beside the place where it was seen. A section that has
nothing to say is left out; what is not known has a section of its own.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

import cryptography
from cryptography.hazmat.backends.openssl import backend

from mtlskit.diagnosis.reason import Opinion
from mtlskit.material import Because
from mtlskit.page.blocks import (
    Badge,
    Block,
    Fields,
    Inline,
    Items,
    Listing,
    Page,
    Paragraph,
    Section,
    Table,
    Tone,
)
from mtlskit.report import (
    asking,
    commands,
    connections,
    experiments,
    first,
    identities,
    instance,
    matched,
    mending,
    messages,
    othertools,
)
from mtlskit.report.identities import moment
from mtlskit.report.preview import MEANS
from mtlskit.report.redaction import renamed
from mtlskit.report.words import alert_meaning, sentence, standing_badge, told, words
from mtlskit.rules.rule import Broken, Clear, Finding, Found, Inapplicable, Unknown, Verdict
from mtlskit.trace import tell
from mtlskit.trace.rungs import ladder_of

if TYPE_CHECKING:
    from mtlskit.page.ladder import Ladder
    from mtlskit.report.judged import Report

_FEW = 5
_ANSWER_TONES: dict[str, Tone] = {"yes": "info", "no": "info", "unknown": "plain"}


FOR_LATER = (
    "The connection, message by message",
    "Identities and certificates",
    "Versions and times",
    "Commands to check it without mtlskit",
    "Commands that mend it",
    messages.TITLE,
)
"""Titles of sections that a terminal names and does not tell: they are long, looked up later, or
copied, which the margin of a terminal's listing would spoil."""


def page_of(report: Report, change: Callable[[str], str] = str) -> Page:
    """Describe the whole report; `change` is done to a drawing's words before it is made."""
    parts = (
        _unreadable(report),
        _why(report),
        experiments.section(report.case),
        _mending(report),
        _found_as_well(report),
        _others(report),
        asking.section(report),
        _asked(report),
        matched.section(report.case),
        _handshake(report, change),
        connections.section(report.case),
        identities.section(report.case),
        instance.section(report.case),
        othertools.section(report.case),
        _checklist(report),
        _unknown(report),
        _ruled_out(report),
        messages.section(report),
        _commands(report),
        _rules(report),
        Section("New to mutual TLS?", (Items(tuple(words()["primer"]["lines"])),), folded=True),
        _made(report),
    )
    return Page(first.title(report), (*first.screen(report), *(one for one in parts if one)))


def _unreadable(report: Report) -> Section | None:
    problems = report.case.problems
    if not problems:
        return None
    rows = tuple((str(one.source), one.text) for one in problems)
    return Section("What could not be read", (Table(("Where", "What and what to do"), rows),))


def _why(report: Report) -> Section | None:
    best = report.best
    if best is None:
        return None
    blocks: list[Block] = [_seen(best.because), *_places(best.because)] if best.because else []
    blocks += _alert(report)
    if best.settle:
        blocks += [Paragraph("This would settle it, cheapest first:"), _steps(best.settle)]
    title = "What speaks for this cause"
    if best.cause in ("none", "unknown"):
        title = "How it ended" if report.case.trace else "What was looked at"
    return Section(title, tuple(blocks)) if blocks else None


def _seen(because: Iterable[Because]) -> Table:
    rows = tuple((sentence(one.text), str(one.source or "")) for one in because)
    return Table(("What was seen", "Where"), rows)


def _places(because: Sequence[Because]) -> list[Block]:
    """Say once what the names of the places mean, and whose servers were measured."""
    where = " ".join(str(one.source) for one in because if one.source)
    said = " ".join(one.text for one in because)
    told = [
        one["means"]
        for one in words()["place"]
        if re.search(one["seen"], said if one.get("in") == "text" else where)
    ]
    return [Paragraph(" ".join(told))] if told else []


def _steps(lines: Iterable[str]) -> Items:
    return Items(tuple(map(sentence, lines)), numbered=True)


def _alert(report: Report) -> list[Block]:
    trace = report.case.trace
    meaning = alert_meaning(trace.ended.symptom.alert) if trace else None
    if trace is None or meaning is None:
        return []
    symptom = trace.ended.symptom
    text = (
        f"By the standard, the alert {symptom.name} ({symptom.alert}) says: {meaning}. "
        "Programs send it for other faults too, so the alert alone proves nothing."
    )
    stack = report.diagnosis.server_stack
    if stack.guess:
        text += f" The server is probably {stack.guess}: {stack.because}."
    return [Paragraph(text)]


def _found_as_well(report: Report) -> Section | None:
    """Tell each further cause that was found, with what to do about it."""
    found = first.found_as_well(report)
    if not found:
        return None
    return Section("What else was found", tuple(map(_finding, found)))


def _finding(one: Opinion) -> Section:
    rows = (
        ("How sure", standing_badge(one.standing)),
        ("Who must act", words()["party"][one.party]),
        ("What to do", sentence(one.remedy)),
    )
    return Section(
        sentence(one.title), (Fields(rows), *((_seen(one.because),) if one.because else ()))
    )


def _others(report: Report) -> Section | None:
    told = ("RULED_OUT", *first.SURE)
    rest = [one for one in report.opinions if one.standing not in told and one != report.best]
    if not rest:
        return None
    if report.best is not None and report.best.standing == "CONFIRMED":
        return Section("What else was considered", (_causes(rest),), folded=True)
    blocks: list[Block] = [_causes(rest[:_FEW])]
    if rest[_FEW:]:
        blocks.append(Section("Causes that fit less well", (_causes(rest[_FEW:]),), folded=True))
    return Section("What else it could be", tuple(blocks))


def _causes(opinions: Sequence[Opinion]) -> Table:
    rows = tuple(_cause(one) for one in opinions)
    return Table(("Cause", "Standing", "Who must act", "What would settle it"), rows)


def _cause(one: Opinion) -> tuple[Inline, ...]:
    settle = sentence(one.settle[0] if one.settle else one.remedy)
    return one.title, standing_badge(one.standing), words()["party_short"][one.party], settle


def _handshake(report: Report, change: Callable[[str], str]) -> Section | None:
    trace = report.case.trace
    if trace is None or not trace.events:
        return None
    text = "Time runs downwards. A dashed arrow travelled encrypted."
    ladder = cast("Ladder", renamed(ladder_of(trace), change))
    blocks = (Fields(tell.facts(trace)), ladder.picture(text))
    return Section(FOR_LATER[0], blocks)


def _asked(report: Report) -> Section | None:
    trace = report.case.trace
    table = tell.asked_and_sent(trace) if trace else None
    return Section("What was asked and what was sent", (table,)) if table else None


def about_an_instance(report: Report) -> bool:
    """Tell whether the case is about an instance's settings, so that its checklist matters."""
    case = report.case
    scheme = (case.url or "").partition("://")[0].lower() if "://" in (case.url or "") else "https"
    by_hand = bool(case.answers) or any(one.by_hand for one in report.checklist)
    return case.settings is not None or scheme != "https" or by_hand


def _findings(report: Report) -> tuple[Finding, ...]:
    """Return the findings that a reader needs; whether all is well is no question about a fault."""
    aside = ("none",) if about_an_instance(report) else ("none", "instance.")
    return tuple(
        one
        for one in report.diagnosis.findings
        if isinstance(one.verdict, Broken) or not one.rule.id.startswith(aside)
    )


def _checklist(report: Report) -> Section | None:
    if not report.checklist or not about_an_instance(report):
        return None
    rows = tuple(
        (
            row.question,
            Badge(row.answer, _ANSWER_TONES[row.answer]),
            _joined(row.because) + (" Answered by hand." if row.by_hand else ""),
            row.follows,
        )
        for row in report.checklist
    )
    return Section("The symptom checklist", (Table(_CHECKS, rows),))


_CHECKS = ("Symptom", "Seen", "Because", "What follows")


def _unknown(report: Report) -> Section | None:
    if report.best is not None and report.best.standing == "CONFIRMED":
        return None  # what is missing would change nothing
    asked = {
        (one.verdict.missing, one.verdict.how): None
        for one in _findings(report)
        if isinstance(one.verdict, Unknown)
    }
    if not asked:
        return None
    rows = tuple((sentence(missing), sentence(how)) for missing, how in asked)
    table = Table(("What is not known", "How to find out"), rows)
    return Section("What is not known, and how to find out", (table,))


def _ruled_out(report: Report) -> Section | None:
    out = [one for one in report.opinions if one.standing == "RULED_OUT" and one.cause != "none"]
    if not about_an_instance(report):
        out = [one for one in out if not one.cause.startswith("instance.")]
    if not out:
        return None
    rows = tuple((one.title, _joined(one.because)) for one in out)
    table = Table(("Cause", "What speaks against it"), rows)
    return Section("What was ruled out", (table,), folded=True)


def _commands(report: Report) -> Section | None:
    checks = commands.checks(report.case)
    if not checks:
        return None
    intro = Paragraph(
        "These need no mtlskit: OpenSSL, curl and a JDK's keytool are enough. Run them one after "
        "the other in bash, in the folder where the files are."
    )
    return Section(FOR_LATER[3], (intro, *_listed(checks)))


def _mending(report: Report) -> Section | None:
    steps = mending.mends(report.case)
    if not steps:
        return None
    if report.level != "secrets":
        # They write certificates, whose names are hidden here, into a store of the client's.
        return Section("How it is mended for good", (Paragraph(_MENDED_ELSEWHERE),))
    what = "This makes the change that helped a lasting one."
    if not mending.proved(report.case):
        what = (
            "This completes the client's chain with what is at hand. It was not tried on the "
            "server: the last command does that."
        )
    intro = Paragraph(
        f"{what} Run the commands one after the other in "
        "bash, in the folder where the files are; what is in use stays as it is until its owner "
        "replaces it."
    )
    return Section(FOR_LATER[4], (intro, *_listed(steps)))


_MENDED_ELSEWHERE = (
    "The commands for it are for the client's owner. They hold names that this report hides, so "
    "they stand in the report that was not redacted."
)


def _listed(checks: Iterable[commands.Check]) -> list[Block]:
    return [
        block
        for check in checks
        for block in (Paragraph(check.purpose), Listing(check.command, "sh"))
    ]


def _rules(report: Report) -> Section:
    findings = _findings(report)
    broken = tuple(
        f"{one.rule.id}: {one.verdict.error}" for one in findings if isinstance(one.verdict, Broken)
    )
    faults: tuple[Block, ...] = ()
    if broken:
        said = "These checks failed through a fault of mtlskit. Please report it."
        faults = (Paragraph(said), Items(broken))
    rows = tuple((one.rule.title, *_verdict(one.verdict), one.rule.cites) for one in findings)
    table = Table(("Question", "Answer", "What was seen", "By"), rows)
    title = "Every question that was asked"
    return Section(title, (*faults, table), folded=not broken, paper=bool(broken))


def _verdict(verdict: Verdict) -> tuple[Inline, Inline]:
    match verdict:
        case Found(because):
            seen: tuple[Inline, Inline] = Badge("fault found", "bad"), _joined(because)
        case Clear(because):
            seen = Badge("no fault", "good"), _joined(because)
        case Inapplicable(because):
            seen = Badge("does not apply"), _joined(because)
        case Unknown(missing):
            seen = Badge("not known"), sentence(f"missing: {missing}")
        case Broken():
            seen = Badge("check failed", "warn"), "A fault of mtlskit."
    return seen


def _joined(because: Iterable[Because]) -> str:
    return " ".join(map(told, because))


def _made(report: Report) -> Section:
    case = report.case
    rows: list[tuple[str, Inline]] = [
        ("Dates judged at", moment(case.at)),
        *((name, value) for name, value in versions().items()),
    ]
    sources = {one.source.name: None for one in case.identities or ()}
    sources |= {one.source.name: None for one in (*(case.trust or ()), *case.material)}
    sources |= {one.name: None for one in (case.settings.sources if case.settings else ())}
    if sources:
        rows.append(("Looked at", ", ".join(sources)))
    secret = "This report holds no private key, no password and no key log."  # noqa: S105 - says so
    paper = (
        "On paper, every certificate in full and every question that was asked are left out; they "
        "stand in the HTML, Markdown and JSON files."
    )
    hidden = "" if report.level == "secrets" else f" {MEANS[report.level]}"
    return Section(FOR_LATER[2], (Fields(tuple(rows)), Paragraph(f"{secret}{hidden} {paper}")))


def versions() -> dict[str, str]:
    """Name the versions of what the judgement rests on."""
    from mtlskit import __version__  # noqa: PLC0415 - the package is whole by now

    return {
        "mtlskit": __version__,
        "Python": platform.python_version(),
        "cryptography": cryptography.__version__,
        "OpenSSL": backend.openssl_version_text(),
    }
