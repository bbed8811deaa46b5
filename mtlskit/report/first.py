"""The first screen: what fails, who refused whom, why, who must act, and what to do.

Law of this file: someone who has never seen TLS understands it in one minute. Whatever takes longer
stands further down or in a fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from mtlskit.diagnosis.reason import Opinion
from mtlskit.page.blocks import Block, Callout, Fields, Inline, Items, Section, Strong, Tone
from mtlskit.page.track import State, Step, Track
from mtlskit.report.redaction import address
from mtlskit.report.words import counted, sentence, standing_badge, words
from mtlskit.trace.events import Stage, Trace

if TYPE_CHECKING:
    from mtlskit.report.judged import Report

STAGES: tuple[Stage, ...] = get_args(Stage)
SURE = ("CONFIRMED", "LIKELY")


def title(report: Report) -> str:
    """Return the title of the whole report: the outcome."""
    trace, where = report.case.trace, place(report)
    if trace is None:
        return f"What is known about {where}"
    return {
        "accepted": f"The connection to {where} was accepted",
        "refused": f"The connection to {where} was refused",
        "unreachable": f"No connection to {where} came about",
        "undecided": f"It is not known whether {where} accepted the connection",
    }[report.outcome]


def place(report: Report) -> str:
    """Name the endpoint, as far as it is known."""
    case = report.case
    target = case.target or (case.trace.target if case.trace else None)
    if target is not None:
        return str(target)
    if case.url is not None:
        return address(case.url)
    return case.trace.source.name if case.trace else "the connection"


def screen(report: Report) -> tuple[Block, ...]:
    """Return the blocks of the first screen."""
    best, trace = report.best, report.case.trace
    callout = Callout(headline(report), (Fields(tuple(_rows(report, best))),), tone=_tone(report))
    road = (track(report).picture("How far the connection came"),) if trace else ()
    lines = Items(tuple(words()["primer"]["lines"]))
    return (callout, *road, Section("New to mutual TLS?", (lines,), folded=True))


def headline(report: Report) -> str:
    """Say the most important thing: the cause if it is known well enough, else the outcome."""
    best = report.best
    if report.case.trace is None and best is not None and best.cause == "none":
        return "No fault was found in what was given. No connection was looked at."
    if best is not None and (best.standing in SURE or best.cause in ("none", "unknown")):
        return sentence(best.title)
    if report.case.trace is None:
        return "No connection was looked at; this is what the files say."
    return (
        f"{words()['open'].get(report.refused_by or report.outcome)} The cause is not certain yet."
    )


def _tone(report: Report) -> Tone:
    best = report.best
    if report.outcome in ("refused", "unreachable"):
        return "bad"
    if report.outcome == "accepted" and (best is None or best.cause == "none"):
        return "good"
    return "warn"


def _rows(report: Report, best: Opinion | None) -> list[tuple[str, Inline]]:
    rows: list[tuple[str, Inline]] = []
    seen = report.case.trace is not None
    if report.case.trace is not None:
        rows.append(("What happened", " ".join(_story(report.case.trace, place(report)))))
    if report.outcome in ("refused", "unreachable"):
        rows.append(("Who refused", _refusal(report)))
    if best is None:
        return [*rows, ("Cause", "Every cause that is known here was looked at and ruled out.")]
    if best.cause == "none":
        rows.append(("What to do", best.remedy if seen else words()["nothing_found"]))
    else:
        tell = _cause if best.standing in SURE else _guess
        rows += tell(best, seen=seen)
    return [*rows, *_as_well(report)]


def _cause(best: Opinion, *, seen: bool) -> list[tuple[str, Inline]]:
    """Tell a cause that is known, and what to do about it."""
    shows = [("What shows it", sentence(one.text)) for one in best.because[:1]]
    return [
        ("What that means", words()["meaning"].get(best.cause, sentence(best.title))),
        *shows,
        ("How sure", _standing(best, seen=seen)),
        ("Who must act", Strong(words()["party"][best.party])),
        ("What to do", sentence(best.remedy)),
    ]


def _guess(best: Opinion, *, seen: bool) -> list[tuple[str, Inline]]:
    """Tell the cause that fits best, and how to find out before anything is changed."""
    if best.cause == "unknown":
        return [("What to do", sentence(one)) for one in (best.remedy, *best.settle[:1])]
    return [
        ("Fits best", sentence(best.title)),
        ("It would mean", words()["meaning"].get(best.cause, sentence(best.title))),
        ("How sure", _standing(best, seen=seen)),
        *(("To be sure", sentence(one)) for one in best.settle[:1]),
        ("Who must act", Strong(words()["party"][best.party])),
        ("If it is so", sentence(best.remedy)),
    ]


def _standing(best: Opinion, *, seen: bool) -> Inline:
    said = words()["standing"][best.standing]
    means = said["means"] if seen else said.get("unseen", said["means"])
    return standing_badge(best.standing), " ", means


def found_as_well(report: Report) -> tuple[Opinion, ...]:
    """Return what else was found and needs to be mended, besides the best cause."""
    best = report.best
    sure = (one for one in report.opinions if one.standing in SURE and one != best)
    return tuple(one for one in sure if one.cause != "none")


def _as_well(report: Report) -> list[tuple[str, Inline]]:
    told = " ".join(sentence(one.title) for one in found_as_well(report))
    return [("Found as well", told)] if told else []


def _story(trace: Trace, where: str) -> list[str]:
    name = trace.expected_name
    called = f" by the name {name}" if name and not where.startswith(name) else ""
    told = [f"The client called {where}{called}."]
    if trace.tls:
        told += [f"Both sides agreed on TLS {trace.tls}.", *_asking(trace)]
    return [*told, *(sentence(one.text) for one in trace.ended.because)]


def _asking(trace: Trace) -> list[str]:
    if trace.asked is None:
        seen = trace.server_chain is not None and not trace.asking_hidden and not trace.resumed
        return ["The server did not ask for a client certificate."] if seen else []
    if trace.client_chain is None:
        return ["The server asked for a client certificate."]
    if not trace.client_chain:
        return ["The server asked for a client certificate, and the client sent none."]
    leaf, *issuers = trace.client_chain
    more = (
        f", with {counted(len(issuers), 'more certificate')}" if issuers else ", and nothing else"
    )
    sent = f"the client sent the certificate {leaf.label}{more}"
    return [f"The server asked for a client certificate, and {sent}."]


def _refusal(report: Report) -> str:
    if report.outcome == "unreachable":
        return "Nobody: the connection did not come about, so TLS never began."
    told = words()["refusal"].get(report.refused_by or "nobody", {}).get(report.stage or "")
    if told is None:
        return "It cannot be told which side refused."
    return str(told)


def track(report: Report) -> Track:
    """Draw how far the connection came, stage by stage."""
    trace = report.case.trace
    if trace is None:
        return Track(tuple(Step(words()["stage"][one], "unknown") for one in STAGES))
    end = STAGES.index(trace.ended.stage) if trace.ended.stage else len(STAGES)
    return Track(tuple(_step(report, trace, one, end) for one in STAGES))


def _step(report: Report, trace: Trace, stage: Stage, end: int) -> Step:
    name, at = words()["stage"][stage], STAGES.index(stage)
    if at > end:
        return Step(name, "not reached")
    if at == end:
        return Step(name, *_halt(report))
    if trace.ended.outcome == "undecided" and trace.ended.stage is None:
        return Step(name, "unknown")
    return Step(name, *_passed(report, trace, stage))


def _halt(report: Report) -> tuple[State, str]:
    if report.outcome == "undecided":
        return "doubtful", "cannot be told"
    if report.outcome == "unreachable":
        return "failed", "failed"
    who = f"{report.refused_by} refused" if report.refused_by in ("client", "server") else "ended"
    return "failed", who


def _passed(report: Report, trace: Trace, stage: Stage) -> tuple[State, str]:
    match stage:
        case "hello":
            passed: tuple[State, str] = ("done", f"TLS {trace.tls}" if trace.tls else "done")
        case "server-certificate":
            passed = _server_shown(report, trace)
        case "client-certificate":
            passed = _client_shown(trace)
        case "application":
            passed = ("done", f"HTTP {trace.http.status}" if trace.http else "accepted")
        case _:
            passed = ("done", "reached" if stage == "connect" else "done")
    return passed


def _server_shown(report: Report, trace: Trace) -> tuple[State, str]:
    if trace.resumed:
        return "done", "session resumed"
    if trace.server_chain is None:
        return "unknown", "not seen"
    return "done", "shown" if report.case.trust is None else "accepted"


def _client_shown(trace: Trace) -> tuple[State, str]:
    if trace.client_chain:
        return "done", f"{len(trace.client_chain)} sent"
    if trace.client_chain is not None:
        return "doubtful", "none sent"
    if trace.asked is not None or trace.asking_hidden or trace.server_chain is None:
        return "unknown", "not seen"
    return "done", "not asked for"
