"""What the instance's exports say about the call, as a section of the report.

Law of this file: the road of the URL is told step by step, with the record behind each step; a
password field is never told.
"""

from __future__ import annotations

from mtlskit.case import Case
from mtlskit.instance.offering import named_in, offering
from mtlskit.instance.overview import risks
from mtlskit.instance.routes import Route, route
from mtlskit.instance.settings import Settings
from mtlskit.material import Unreadable
from mtlskit.page.blocks import Block, Code, Fields, Inline, Items, Paragraph, Section, Table
from mtlskit.report import planning
from mtlskit.report.redaction import address
from mtlskit.report.words import sentence
from mtlskit.rules.configured import called


def section(case: Case) -> Section | None:
    """Tell what the settings make of the URL; None without settings."""
    if case.settings is None:
        return None
    settings = case.settings
    told = (*_road(case), *_sent(case), *_risks(settings), *_given(settings), *_mended(case))
    return Section("The instance's settings", told)


def _sent(case: Case) -> tuple[Block, ...]:
    """Tell what JSSE would send, where key stores were opened and the server's request is known."""
    trace = case.trace
    if road_of(case) is None or case.settings is None or trace is None or trace.asked is None:
        return ()
    told = offering(
        case.settings,
        str(called(case, case.settings)),
        wanted=trace.asked.wanted(trace.tls),
        at=case.at,
        stores=case.stores,
    )
    if not any(one.opened for one in told.stores or ()):
        return ()
    rows = tuple((one.record.name, one.says) for one in told.stores or ())
    return (Paragraph(told.answer), Table(("Key store", "What JSSE would send of it"), rows))


def _risks(settings: Settings) -> tuple[Block, ...]:
    """Name the properties that weaken TLS: a risk, and not the cause of a refusal."""
    rows = tuple((Code(one.record.name), one.record.value, one.says) for one in risks(settings))
    if not rows:
        return ()
    return (Table(("Risk, not a cause", "Value", "What it does"), rows),)


def _mended(case: Case) -> tuple[Block, ...]:
    """Put before and after side by side, where the exports decide what would mend it."""
    plan = planning.told(case)
    if plan is None or plan.what_if is None or not plan.steps:
        return ()
    steps = Items(tuple(f"{one.what} {one.why}" for one in plan.steps), numbered=True)
    said = Paragraph(
        "Worked out from the exports, with these changes made on paper. mtlskit plan tells how to "
        "back each up first, and how to undo it."
    )
    return (Section("What the changes would do", (steps, said, plan.what_if.table())),)


def road_of(case: Case) -> Route | None:
    """Follow the URL that is called; None if it or the settings are missing, or it is no URL."""
    url = called(case, case.settings) if case.settings else None
    if case.settings is None or url is None:
        return None
    try:
        return route(case.settings, url)
    except Unreadable:
        return None


def _road(case: Case) -> tuple[Block, ...]:
    road = road_of(case)
    if road is None:
        said = "Without the URL that the instance calls, it cannot be told what a call would use."
        return (Paragraph(said),)
    offered = road.offered
    rows: tuple[tuple[str, Inline], ...] = (
        ("URL", address(str(called(case, case.need_settings())))),
        ("Port", str(road.port) if road.port is not None else "cannot be told"),
        ("Key store of the profile", named_in(road)),
        (
            "May be offered",
            "cannot be told"
            if offered is None
            else ", ".join(one.name for one in offered) or "none",
        ),
    )
    steps = tuple((sentence(one.text), str(one.source or "")) for one in road.because)
    table = Table(("What a call of this URL would do", "Where it is set"), steps)
    return (Fields(rows), *((table,) if steps else ()))


def _given(settings: Settings) -> tuple[Block, ...]:
    told: list[Block] = []
    if settings.problems:
        rows = tuple((str(one.source), one.text) for one in settings.problems)
        told.append(Table(("Where", "What is wrong with the exports"), rows))
    if settings.not_given:
        names = ", ".join(settings.not_given)
        told.append(Paragraph(f"Not given, so not looked at: {names}."))
    return tuple(told)
