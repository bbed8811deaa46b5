"""The first screen: what fails, who refused whom, why, who must act, and what to do.

Law of this file: someone who has never seen TLS understands it in one minute. Whatever takes longer
stands further down or in a fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from mtlskit.certs.certificate import Certificate
from mtlskit.diagnosis.reason import Opinion
from mtlskit.page.blocks import Block, Callout, Code, Fields, Inline, Section, Strong, Tone
from mtlskit.page.track import State, Step, Track
from mtlskit.report import mending
from mtlskit.report.identities import moment
from mtlskit.report.redaction import address
from mtlskit.report.words import counted, listed, sentence, standing_badge, words
from mtlskit.rules.evidence import matched
from mtlskit.trace.events import Stage, Trace

if TYPE_CHECKING:
    from mtlskit.report.judged import Report

STAGES: tuple[Stage, ...] = get_args(Stage)
SURE = ("CONFIRMED", "LIKELY")


def title(report: Report) -> str:
    """Return the title of the whole report: the outcome."""
    if report.case.trace is None:
        return f"What is known about {place(report)}"
    one = connection(report)
    return {
        "accepted": f"The {one} was accepted",
        "refused": f"The {one} was refused",
        "unreachable": f"No {one} came about",
        "undecided": f"It is not known whether the {one} was accepted",
    }[report.outcome]


def connection(report: Report) -> str:
    """Name the connection by its endpoint, or by the file that tells of it."""
    trace, where = report.case.trace, place(report)
    if trace is not None and trace.target is None and where == trace.source.name:
        return f"connection in {where}"
    return f"connection to {where}"


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
    return (callout, *road, _to_find_it(report))


def _to_find_it(report: Report) -> Section | Fields:
    """Tell by what the other side finds this attempt in its logs."""
    trace = report.case.trace
    made = ("Report made", moment(report.made))
    if trace is None:
        return Fields((made,))
    rows: list[tuple[str, Inline]] = [("Attempt made", moment(trace.began))]
    rows += [("Address called", trace.peer)] if trace.peer else []
    if trace.own:
        rows.append(("Called from", f"{trace.own}, before any translation of addresses"))
    for one in (trace.client_chain or ())[:1]:
        rows += [("Certificate sent", one.label), ("Its serial number", Code(f"{one.serial:x}"))]
        rows.append(("Its SHA-256", Code(one.sha256)))
    return Section("To find this attempt in the server's logs", (Fields((*rows, made)),))


def named(one: Certificate) -> Inline:
    """Name a certificate so that it cannot be taken for another."""
    return f"{one.label}, SHA-256 ", Code(one.sha256)


def caveats(report: Report) -> tuple[str, ...]:
    """Return what an acceptance does not show, as keys of the caveats in `words.toml`."""
    case, trace = report.case, report.case.trace
    if trace is None or report.outcome != "accepted":
        return ()
    held = case.chosen is not None or bool(case.identities)
    unasked = trace.asked is None and not trace.asking_hidden and not trace.resumed
    return (
        *(("not_asked",) if held and unasked else ()),
        *(("not_verified",) if case.trust is None else ()),
    )


def _but(report: Report) -> str | None:
    """Return the headline of an acceptance that lacks something; None for any other case."""
    best, lacking = report.best, caveats(report)
    if not lacking or (best is not None and best.cause not in ("none", "server.does-not-ask")):
        return None
    told = ", and ".join(words()["caveat"][one]["title"] for one in lacking)
    return f"The connection was accepted, but {told}."


def headline(report: Report) -> str:
    """Say the most important thing: the cause if it is known well enough, else the outcome."""
    best, but = report.best, _but(report)
    if but is not None:
        return but
    if report.case.trace is None and best is not None and best.cause == "none":
        if _nothing_read(report):
            return "Nothing that was given could be read, so nothing is known."
        return "No fault was found in what was given. No connection was looked at."
    if best is not None and (best.standing in SURE or best.cause in ("none", "unknown")):
        return sentence(best.title)
    if report.case.trace is None:
        return "No connection was looked at; this is what the files say."
    begun = words()["open"].get(report.refused_by or report.outcome)
    between = f": it is open between {found}" if (found := _between(report)) else ""
    return f"{begun} The cause is not certain yet{between}."


def _between(report: Report) -> str:
    """Name those between whom it is open who must act; empty where one alone is named."""
    named = [f"the {words()['party_short'][one]}" for one in report.diagnosis.parties]
    return listed(named) if len(named) > 1 and report.outcome != "undecided" else ""


def _other_clients(report: Report) -> str | None:
    """Say where a Java client would have shown nothing, though the one that was seen showed one."""
    trace = report.case.trace
    if trace is None or not trace.sent_certificate or report.case.traces:
        return None
    found = matched(report.case)
    java = next(
        (one.choice for one in (found.sendings if found else ()) if one.choice.chooser.id == _JAVA),
        None,
    )
    if java is None or java.chosen is not None or not java.withheld:
        return None
    why = java.withheld[0][1].text
    return f"A Java client, such as a ServiceNow instance, would have sent none: {why}."


_JAVA = "jsse-sunx509"
"""Java's default key manager, as `choosers.toml` names it."""


def _nothing_read(report: Report) -> bool:
    """Tell whether there were files, and not one of them gave anything."""
    case = report.case
    held = case.identities or case.material or case.settings or case.trust or case.tools
    return bool(case.problems) and not held


def _tone(report: Report) -> Tone:
    best = report.best
    if report.outcome in ("refused", "unreachable"):
        return "bad"
    if report.outcome == "accepted" and (best is None or best.cause == "none"):
        return "warn" if caveats(report) else "good"
    return "warn"


def _rows(report: Report, best: Opinion | None) -> list[tuple[str, Inline]]:
    rows: list[tuple[str, Inline]] = _locked(report)
    many = len(report.case.traces)
    if many > 1 and report.case.trace is not None:
        number = report.case.traces.index(report.case.trace) + 1
        text = f"{number} of {many} in these files; --connection NUMBER judges another one"
        rows.append(("Connection", text))
    if report.case.trace is not None and report.case.trace.views:
        rows.append(("Shown by", "; ".join(map(str, report.case.trace.sources))))
    if report.case.trace is not None:
        rows.append(("What happened", " ".join(_story(report.case.trace, place(report)))))
    if others := _other_clients(report):
        rows.append(("Other clients", others))
    if report.outcome in ("refused", "unreachable"):
        rows.append(("Who refused", _refusal(report)))
    if best is None:
        return [*rows, ("Cause", "Every cause that is known here was looked at and ruled out.")]
    rows += _to_do(report, best) if best.cause == "none" else _opinion(report, best)
    return [*rows, *_as_well(report)]


def _locked(report: Report) -> list[tuple[str, Inline]]:
    """Name what was not opened: whoever reads on must know that it was not looked at."""
    problems = [
        one for one in report.case.problems if one.code in ("no-password", "wrong-password")
    ]
    names = tuple(dict.fromkeys(one.source.name for one in problems))
    if not names or not report.case.traces:
        return []
    which = "No password that was given opens" if problems[0].code != "no-password" else "Locked:"
    how = "Give its password, as by --password-file or --password-env."
    return [("Not looked at", f"{which} {listed(list(names))}. {how}")]


def _to_do(report: Report, best: Opinion) -> list[tuple[str, Inline]]:
    """Tell what is left to do where nothing is wrong."""
    if report.case.trace is None:
        return [("What to do", words()["nothing_found"])]
    lacking = [words()["caveat"][one]["do"] for one in caveats(report)]
    return [("What to do", one) for one in lacking or [best.remedy]]


def _opinion(report: Report, best: Opinion) -> list[tuple[str, Inline]]:
    if report.outcome == "undecided" and best.standing not in SURE:
        return _open(report, best)
    if best.standing not in SURE and _between(report):
        return _undecided(report, best)
    tell = _cause if best.standing in SURE else _guess
    rows = tell(best, _how_sure(report, best))
    lacking = mending.missing(report.case) if best.standing == "CONFIRMED" else ()
    rows += [("Missing certificate", named(one)) for one in lacking]
    if "not_verified" in caveats(report):
        rows.append(("To be sure", words()["caveat"]["not_verified"]["do"]))
    return rows


def _cause(best: Opinion, standing: Inline) -> list[tuple[str, Inline]]:
    """Tell a cause that is known, and what to do about it."""
    shows = [("What shows it", sentence(one.text)) for one in best.because[:1]]
    return [
        ("What that means", words()["meaning"].get(best.cause, sentence(best.title))),
        *shows,
        ("How sure", standing),
        ("Who must act", Strong(words()["party"][best.party])),
        ("What to do", sentence(best.remedy)),
    ]


def _guess(best: Opinion, standing: Inline) -> list[tuple[str, Inline]]:
    """Tell the cause that fits best, and how to find out before anything is changed."""
    if best.cause == "unknown":
        return [("What to do", sentence(one)) for one in (best.remedy, *best.settle[:1])]
    return [
        ("Fits best", sentence(best.title)),
        ("It would mean", words()["meaning"].get(best.cause, sentence(best.title))),
        ("How sure", standing),
        *(("To be sure", sentence(one)) for one in best.settle[:1]),
        ("Who must act", Strong(words()["party"][best.party])),
        ("If it is so", sentence(best.remedy)),
    ]


def _undecided(report: Report, best: Opinion) -> list[tuple[str, Inline]]:
    """Tell what it may be where that would be the one's to mend, or the other's; blame nobody."""
    first_of = [
        next(one for one in report.opinions if one.party == party and one.standing == "POSSIBLE")
        for party in report.diagnosis.parties
    ]
    settle = dict.fromkeys(one.settle[0] for one in first_of if one.settle)
    told = [
        (
            ("Fits best" if one is best else "Or it may be"),
            f"{sentence(one.title)} Then the {words()['party_short'][one.party]} must act.",
        )
        for one in first_of
    ]
    return [
        *told,
        ("How sure", _how_sure(report, best)),
        *(("To be sure", sentence(one)) for one in settle),
        ("Who must act", Strong(f"Not known yet: it is open between {_between(report)}.")),
    ]


def _open(report: Report, best: Opinion) -> list[tuple[str, Inline]]:
    """Name no cause where it is not known whether anything is wrong."""
    text = "None is named, since it was not seen whether anything is wrong."
    trace = report.case.trace
    sealed = trace is not None and any(one.kind == "hidden" for one in trace.events)
    keys = "Give the key log of this connection (SSLKEYLOGFILE), or a debug log of the client."
    settle = (keys,) if sealed else best.settle[:1]
    return [("Cause", text), *(("To be sure", sentence(one)) for one in settle)]


def _how_sure(report: Report, best: Opinion) -> Inline:
    said = words()["standing"][best.standing]
    seen = "unseen" if report.case.trace is None else report.outcome
    return standing_badge(best.standing), " ", said.get(seen, said["means"])


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
    if trace.target is None and where == trace.source.name:
        who = f" of the {trace.seen_by}" if trace.seen_by else ""
        return [f"This is told by {where}, a log{who}.", *_events(trace)]
    called = f" by the name {name}" if name and not where.startswith(name) else ""
    return [f"The client called {where}{called}.", *_events(trace)]


def _events(trace: Trace) -> list[str]:
    agreed = [f"Both sides agreed on TLS {trace.tls}."] if trace.tls else []
    told = [*agreed, *_asking(trace)] if trace.tls or trace.asked else []
    return [*told, *(sentence(one.text) for one in trace.ended.because)]


def _asking(trace: Trace) -> list[str]:
    if trace.asked is None:
        seen = trace.server_chain is not None and not trace.asking_hidden and not trace.resumed
        return ["The server did not ask for a client certificate."] if seen else []
    if trace.sent_certificate is False:
        return ["The server asked for a client certificate, and the client sent none."]
    if not trace.client_named:
        return ["The server asked for a client certificate."]
    leaf, *issuers = trace.client_named
    more = (
        f", with {counted(len(issuers), 'more certificate')}" if issuers else ", and nothing else"
    )
    sent = f"the client sent the certificate {leaf.label}{more}"
    return [f"The server asked for a client certificate, and {sent}."]


def _refusal(report: Report) -> str:
    if report.outcome == "unreachable":
        return "Nobody: the connection did not come about, so TLS never began."
    by = report.refused_by or "nobody"
    told = words()["refusal"].get(by, {}).get(report.stage or "")
    return str(
        told or words()["refusal_somewhere"].get(by, "It cannot be told which side refused.")
    )


def track(report: Report) -> Track:
    """Draw how far the connection came, stage by stage."""
    trace = report.case.trace
    if trace is None:
        return Track(tuple(Step(words()["stage"][one], "unknown") for one in STAGES))
    end = STAGES.index(trace.ended.stage) if trace.ended.stage else len(STAGES)
    return Track(tuple(_step(report, trace, one, end) for one in STAGES))


def _step(report: Report, trace: Trace, stage: Stage, end: int) -> Step:
    name, at = words()["stage"][stage], STAGES.index(stage)
    if trace.ended.outcome == "undecided" and (at > end or trace.tls is not None):
        # Where the end was not seen, only what was seen is told.
        return Step(name, *_glimpsed(report, trace, stage))
    if at > end:
        return Step(name, "not reached")
    if at == end:
        return Step(name, *_halt(report))
    if trace.ended.outcome != "accepted" and trace.ended.stage is None:
        return Step(name, *_glimpsed(report, trace, stage))
    return Step(name, *_passed(report, trace, stage))


def _glimpsed(report: Report, trace: Trace, stage: Stage) -> tuple[State, str]:
    """Tell a stage of a connection of which nobody said where it ended."""
    seen = {
        "connect": bool(trace.events),
        "hello": trace.tls is not None,
        "server-certificate": bool(trace.server_chain or trace.server_printed),
        "client-certificate": trace.sent_certificate is not None,
    }
    return _passed(report, trace, stage) if seen.get(stage) else ("unknown", "not known")


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
            passed = _client_shown(report, trace)
        case "application":
            passed = ("done", f"HTTP {trace.http.status}" if trace.http else "accepted")
        case _:
            passed = ("done", "reached" if stage == "connect" else "done")
    return passed


def _server_shown(report: Report, trace: Trace) -> tuple[State, str]:
    if trace.resumed:
        return "done", "session resumed"
    if trace.server_chain is None and not trace.server_printed:
        return "unknown", "not seen"
    return "done", "shown" if report.case.trust is None else "accepted"


def _number_sent(trace: Trace) -> str:
    return f"{len(trace.client_named)} sent" if trace.client_named else "sent"


def _client_shown(report: Report, trace: Trace) -> tuple[State, str]:
    if trace.sent_certificate:
        best = report.best
        blamed = best is not None and best.cause.startswith("client.")
        refused_later = report.refused_by == "server" and blamed
        return "doubtful" if refused_later else "done", _number_sent(trace)
    if trace.sent_certificate is False:
        return "doubtful", "none sent"
    if trace.asked is not None or trace.asking_hidden or trace.server_chain is None:
        return "unknown", "not seen"
    missed = report.best is not None and report.best.cause == "server.does-not-ask"
    return "doubtful" if missed or "not_asked" in caveats(report) else "done", "not asked for"
