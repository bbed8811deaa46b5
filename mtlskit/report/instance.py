"""What the instance's exports say about the call, as a section of the report.

Law of this file: the road of the URL is told step by step, with the record behind each step; a
password field is never told.
"""

from __future__ import annotations

from mtlskit.case import Case
from mtlskit.instance.routes import Route, route
from mtlskit.instance.settings import Settings
from mtlskit.material import Unreadable
from mtlskit.page.blocks import Block, Fields, Inline, Paragraph, Section, Table
from mtlskit.report.redaction import address
from mtlskit.report.words import sentence


def section(case: Case) -> Section | None:
    """Tell what the settings make of the URL; None without settings."""
    if case.settings is None:
        return None
    return Section("The instance's settings", (*_road(case), *_given(case.settings)))


def road_of(case: Case) -> Route | None:
    """Follow the case's URL through its settings; None if one of them is missing or no URL."""
    if case.settings is None or case.url is None:
        return None
    try:
        return route(case.settings, case.url)
    except Unreadable:
        return None


def _road(case: Case) -> tuple[Block, ...]:
    road = road_of(case)
    if road is None:
        said = "Without the URL that the instance calls, it cannot be told what a call would use."
        return (Paragraph(said),)
    offered = road.offered
    rows: tuple[tuple[str, Inline], ...] = (
        ("URL", address(str(case.url))),
        ("Port", str(road.port) if road.port is not None else "cannot be told"),
        ("Key store", road.key_store.name if road.key_store else "none"),
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
        told.append(Paragraph(f"Not exported, so not looked at: {names}."))
    return tuple(told)
