"""Two short messages, ready to paste: to the endpoint's owner, and to the side that calls.

Law of this file: a message says what was seen and how sure that is, and ends with one request: the
thing to do where the cause is known, else what would settle the causes that are open.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from mtlskit.certs.certificate import Certificate
from mtlskit.diagnosis.asking import line_of
from mtlskit.diagnosis.reason import Opinion
from mtlskit.page.blocks import Block, Listing, Paragraph, Section
from mtlskit.page.letters import visible
from mtlskit.page.plain import Plain
from mtlskit.report import first
from mtlskit.report.identities import moment
from mtlskit.report.words import sentence, words
from mtlskit.trace.events import Trace

if TYPE_CHECKING:
    from mtlskit.report.judged import Report

To = Literal["partner", "customer"]
TITLE = "Messages ready to paste"

_OPEN = 3
"""Open causes that a message names; more would not be read."""
_CALLING = ("client-owner", "instance-admin")
"""Who is to act on the side that calls."""
_HEADINGS = {"partner": "To the endpoint's owner", "customer": "To the side that calls"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message: to whom, what about, what was seen, and the one request that ends it."""

    to: To
    subject: str
    seen: tuple[str, ...]
    request: str

    def __str__(self) -> str:
        lines = [f"Subject: {self.subject}", "", "Hello,", "", *self.seen, "", self.request]
        return "\n".join(map(visible, lines))


def messages(report: Report) -> tuple[Message, ...]:
    """Write both messages; none to the endpoint's owner where no connection was looked at."""
    to: tuple[To, ...] = ("partner", "customer") if report.case.trace else ("customer",)
    return tuple(_message(report, one) for one in to)


def section(report: Report) -> Section:
    """Return both messages as a section of the report."""
    blocks: list[Block] = [
        Paragraph("Each says what was seen and asks for one thing. Read it before you send it.")
    ]
    blocks += [Section(_HEADINGS[one.to], (Listing(str(one), "text"),)) for one in messages(report)]
    return Section(TITLE, tuple(blocks), folded=True)


def record(report: Report) -> Plain:
    """Tell them to a program, by whom they are for; null where there is none."""
    every = {one.to: one for one in messages(report)}
    return {
        to: {"subject": every[to].subject, "request": every[to].request, "text": str(every[to])}
        if to in every
        else None
        for to in _HEADINGS
    }


def _message(report: Report, to: To) -> Message:
    when = report.case.trace.began if report.case.trace else None
    subject = _title(report) + (f", {moment(when)}" if when else "")
    request = _to_partner(report) if to == "partner" else _to_customer(report)
    before = _before(report) if to == "partner" else ""
    return Message(to, subject, tuple(_seen(report, before)), request)


def _title(report: Report) -> str:
    """Say how it ended; where that is not known and the cause is, that a cause was found."""
    best = report.best
    found = best is not None and best.standing in first.SURE and best.cause != "none"
    if report.case.trace is not None and report.outcome == "undecided" and found:
        return f"A cause was found for the {first.connection(report)}"
    return first.title(report)


def _before(report: Report) -> str:
    """Tell the endpoint's owner first that it is not for them to act; empty where it is."""
    best = report.best
    if best is None or best.standing not in first.SURE or best.cause == "none":
        return ""
    if best.party not in _CALLING or _words()["partner"].get(best.cause, {}).get("found"):
        return ""
    return f"{_words()['words'][f'ours_{best.standing.lower()}']} "


def _seen(report: Report, before: str) -> Iterable[str]:
    """Tell what was seen, one thing a line, after what is to be read before it."""
    trace = report.case.trace
    yield f"{before}{sentence(_title(report))} This is what was seen:"
    if trace is not None:
        yield from _attempt(trace)
        yield from _sent(trace)
        yield f"- Alert or answer: {_answer(trace)}"
        if report.outcome == "refused":
            stage = words()["stage"].get(report.stage or "", "not told")
            yield f"- Refused by: {report.refused_by or 'cannot be told'}; at the stage: {stage}"
    yield from _cause(report)


def _attempt(trace: Trace) -> Iterable[str]:
    yield f"- Time of the attempt: {moment(trace.began)}"
    if trace.peer:
        yield f"- Address called: {trace.peer}"
    if trace.own:
        yield f"- Called from: {trace.own}, before any translation of addresses"
    if trace.server_name:
        yield f"- Server name asked for (SNI): {trace.server_name}"
    if trace.tls:
        yield f"- Agreed on: TLS {trace.tls}"


def _sent(trace: Trace) -> Iterable[str]:
    """Tell the client's certificate by all that a server's log may name it by."""
    said = {False: "none; an empty list", None: "not seen", True: "one was sent, and not seen"}
    if not trace.client_named:
        yield f"- Certificate that the client sent: {said[trace.sent_certificate]}"
        return
    leaf = trace.client_named[0]
    yield f"- Certificate that the client sent: {leaf.label}"
    if leaf.serial is not None:
        yield f"- Its serial number: {leaf.serial:x}"
    if isinstance(leaf, Certificate):
        yield f"- Its issuer: {leaf.issuer}"
        yield f"- Its SHA-256: {leaf.sha256}"
    yield f"- Certificates sent with it: {len(trace.client_named) - 1}"


def _answer(trace: Trace) -> str:
    """Return the alert or the answer word for word."""
    symptom, http = trace.ended.symptom, trace.http
    if symptom.alert is not None:
        return f"alert {symptom.name} ({symptom.alert})"
    if http is not None:
        told = f": {http.text}" if http.text else ""
        return f"HTTP {http.status} {http.reason}".rstrip() + told
    ends = {"fin": "closed", "reset": "reset", "deadline": "silent until the deadline"}
    if symptom.tcp:
        return f"none; the connection was {ends.get(symptom.tcp, symptom.tcp)}"
    return trace.failure.text if trace.failure else "none was seen"


def _cause(report: Report) -> Iterable[str]:
    best = report.best
    if best is None:
        yield "- Cause: every cause that is known was looked at and ruled out"
        return
    if best.cause in ("none", "unknown"):
        yield f"- Cause: {first.headline(report)}"
        return
    yield from (f"- {_named(one)}" for one in _causes(report, best))
    if best.because:
        what = "it" if best.standing in first.SURE else "the first of these"
        yield f"- What speaks for {what}: {sentence(best.because[0].text)}"


def _named(one: Opinion) -> str:
    said = words()["standing"][one.standing]["word"]
    return f"Cause, {said}: {sentence(one.title)}"


def _causes(report: Report, best: Opinion) -> list[Opinion]:
    """Return the sure cause alone, or the first few of those that are open."""
    if best.standing in first.SURE:
        return [best]
    return [one for one in report.opinions if one.standing == "POSSIBLE"][:_OPEN]


def _to_partner(report: Report) -> str:
    best, said = report.best, _words()["words"]
    if best is None or best.cause == "none":
        return str(said["accepted_partner"] if report.outcome == "accepted" else f"{said['log']}.")
    asked = _words()["partner"].get(best.cause, {}).get("found")
    if best.standing in first.SURE and (asked or best.party == "endpoint-owner"):
        return str(asked or f"Please look at this: {sentence(best.remedy)}")
    if best.standing == "CONFIRMED":
        return str(said["proved_partner"])
    if best.standing == "LIKELY" and best.party in _CALLING:
        return _still_needed(report, best) or str(said["nothing_partner"])
    return _to_settle(report, best)


def _still_needed(report: Report, best: Opinion) -> str:
    """Ask only for what the client's side cannot mend without; empty if it can."""
    one = _words()["partner"].get(best.cause, {})
    asked = report.case.trace.asked if report.case.trace else None
    listed = asked is not None and bool(asked.authorities)
    needed = one.get("needed") == "always" or (one.get("needed") == "unlisted" and not listed)
    return f"{_words()['words']['needed']} {one['settle']}." if needed else ""


def _to_settle(report: Report, best: Opinion) -> str:
    """Ask for the log, and for what else would settle the open causes."""
    said, every = _words()["words"], _words()["partner"]
    told = (every.get(one.cause, {}).get("settle") for one in _causes(report, best))
    wanted = [one for one in dict.fromkeys(told) if one]
    line = line_of(report.diagnosis.server_stack.measured_as)
    told_so = f" {line}." if line else ""
    if not wanted:
        return f"{said['log']}.{told_so}"
    number = "this one" if best.standing in first.SURE else "the open causes"
    return f"{said['log']}, and tell {', and '.join(wanted)}. That would settle {number}.{told_so}"


def _to_customer(report: Report) -> str:
    best, said = report.best, _words()["words"]
    if best is None or best.cause == "none":
        lacking = [words()["caveat"][one]["do"] for one in first.caveats(report)]
        missing = words()["nothing_found"] if report.case.trace is None else "Nothing is asked."
        return str(lacking[0] if lacking else missing)
    if best.standing not in first.SURE:
        step = best.settle[0] if best.settle else best.remedy
        return f"The cause is not certain yet. Please do this next: {sentence(step)}"
    if best.party == "endpoint-owner":
        return str(said["pass_on"])
    if best.party == "network":
        return f"{said['network']}: {sentence(best.remedy)}"
    return f"Please do this: {sentence(best.remedy)}"


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files("mtlskit.report").joinpath("messages.toml").read_text("utf-8"))
