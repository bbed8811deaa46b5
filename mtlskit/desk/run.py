"""The step that calls the endpoint and shows what was found.

Law of this file: it calls `Session.run` and shows the report; it knows no cause and no alert.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mtlskit.case import Case
from mtlskit.desk import fields, rail, step
from mtlskit.desk.address import path_of
from mtlskit.desk.plan import Plan
from mtlskit.desk.session import Session
from mtlskit.desk.told import Told
from mtlskit.desk.twin import twin
from mtlskit.desk.wording import by_fields
from mtlskit.desk.work import Work
from mtlskit.experiment import MOST_CONNECTIONS
from mtlskit.lab import scenes
from mtlskit.page.blocks import (
    Callout,
    Fields,
    Listing,
    Page,
    Section,
    Tone,
)
from mtlskit.page.html import fragment
from mtlskit.report import Report
from mtlskit.report.words import counted

Row = tuple[str, str]
_CALLED = {True: "What was judged", False: "What was called"}
WAITING = "Nothing has been called yet."
OUTDATED = (
    "What was found before no longer holds: something that it rests on has changed. "
    "Run the diagnosis again."
)
CALLING = "Calling the endpoint and looking at every message. This takes a few seconds."
UNNAMED = "What is wrong with it is said with the answer."
SCENE_SHOWS = "what the client of this failure holds"
TRYING = (
    "Calling the endpoint, then changing one thing at a time and calling again. "
    "This takes a few seconds, or up to a minute where an endpoint does not answer."
)
NAME = "Run the diagnosis"
OPEN = 3
"""Sections of the report that are shown unfolded."""
STOPPING = "Stopping: the call that is under way is brought to its end."
STOPPED = "It was stopped: not every change was tried. Run it again to try them all."
JUDGING = "Holding what was told against every cause that is known."
REPLAYED = (
    "Nobody is called. What your files or the pasted text tell is held against every cause, "
    "together with the identities, settings and answers that you gave in the other steps."
)
LEAD = (
    "The endpoint is called for real, and every message of both sides is read. After the handshake "
    "one GET is sent, so that a refusal by the web server is seen too. If the endpoint refuses and "
    "the box is ticked, it is called again with one thing changed each time, "
    f"{MOST_CONNECTIONS} calls in all at the most."
)


class Run:
    """Run the diagnosis and read the answer."""

    name = rail.DIAGNOSIS

    def __init__(self, session: Session) -> None:
        self._session = session
        self._drawn: Report | None = None
        self.plan, self.answer, self.more = fields.words(), fields.words(), fields.words()
        self.progress = fields.words(fields.notice(WAITING))
        self.experiments = fields.tick(
            "If it refuses, change one thing at a time and try again: this proves the cause.",
            on=True,
        )
        self.work = Work()
        self.button = fields.action(NAME, self.run, primary=True)
        self.halt = fields.lead("Stop", self.stop)
        self.bar = fields.meter("Calls made", MOST_CONNECTIONS)
        self._meter(on=False)
        self.box = step.page(
            self.name,
            "What goes wrong, and why?",
            "",
            self.plan,
            step.row(self.button, self.halt, self.experiments),
            self.bar,
            self.progress,
            self.answer,
            self.more,
        )
        step.when_changed(self.experiments, self._chosen)
        session.watch(step.guarded(self.progress, self.refresh))
        self.refresh()

    @property
    def state(self) -> step.State:
        """Whether a run found something."""
        if self._session.report is None:
            return "again" if self._session.outdated else "needs"
        return "done" if self._session.report.outcome == "accepted" else "found"

    def run(self) -> None:
        """Call, and show the answer or the reason why there is none."""
        if self.work.going:
            return
        says = TRYING if self.experiments.value else CALLING
        says = JUDGING if self._session.plan.recorded else says
        self._show(None)
        self._going(says)
        try:
            work = self._session.to_run()
        except ValueError as error:
            self._ended(None, error)
        else:
            self.work.start(work, self._told, self._ended)

    def stop(self) -> None:
        """Begin no further call; the one under way is brought to its end."""
        self.work.stop()
        self.halt.disabled = True
        self.progress.value = fields.notice(STOPPING, "info")

    def _going(self, says: str) -> None:
        """Say that it runs, and offer to stop it."""
        self.button.disabled, self.button.description = True, "Running …"
        self.halt.disabled, self.bar.value = False, 0
        self._meter(on=not self._session.plan.recorded)
        self.progress.value = fields.notice(says, "info")

    def _meter(self, *, on: bool) -> None:
        for one in (self.halt, self.bar):
            one.layout.display = "" if on else "none"

    def _told(self, number: int, text: str) -> None:
        """Say what the latest call showed."""
        self.bar.value = min(number, self.bar.max)
        if not self.work.stopped:
            self.progress.value = fields.notice(f"{counted(number, 'call')} made. {text}", "info")

    def _ended(self, found: Any, error: Exception | None) -> None:  # noqa: ANN401 - as `Work` has it
        """Take the report, or say why there is none."""
        self._meter(on=False)
        self.button.disabled, self.button.description = False, NAME
        with step.told(self.progress):
            if error is not None:
                raise error
            self._session.keep(found)
        if error is None and self.work.stopped:
            self.progress.value += fields.notice(STOPPED, "warn")

    def refresh(self) -> None:
        """Show the report as it stands, and the plan if there is none."""
        report = self._session.report
        self.plan.value = _plan(self._session)
        self.plan.layout.display = "none" if report else ""
        self.experiments.layout.display = "none" if self._session.plan.recorded else ""
        self._show(report)
        if not self.work.going:
            self.progress.value = fields.notice(*_standing(self._session))
        self.more.value = fragment(_more(self._session)) if self._session.plan.ready else ""

    def _show(self, report: Report | None) -> None:
        """Draw the report if it is another one than that which is shown."""
        if report is not self._drawn or report is None:
            self._drawn = report
            page = _folded(report.page()) if report else Page("", ())
            self.answer.value = by_fields(fragment(page)) if report else ""

    def _chosen(self) -> None:
        self._session.intend(experiments=self.experiments.value)


def _folded(page: Page) -> Page:
    """Leave open what is read in the first minute, and what speaks for it; fold the rest."""
    sections = [one for one in page.blocks if isinstance(one, Section)]
    rest = {id(one) for one in sections[OPEN:]}
    blocks = (
        replace(one, folded=True) if isinstance(one, Section) and id(one) in rest else one
        for one in page.blocks
    )
    return Page(page.title, tuple(blocks))


def _standing(session: Session) -> tuple[str, Tone]:
    """Say in a line what the run found, by the stable name of its cause if something failed."""
    report = session.report
    if report is None:
        return (OUTDATED, "warn") if session.outdated else (WAITING, "plain")
    if report.best is None:
        return "Every cause that is known here was ruled out.", "warn"
    if report.outcome == "accepted":
        first = next(one for one in report.page().blocks if isinstance(one, Callout))
        return f"{first.title} The report follows.", first.tone
    standing = report.best.standing.lower().replace("_", " ")
    return f"Cause: {report.best.cause}, {standing}. The report follows.", "bad"


def _plan(session: Session) -> str:
    """Say what a run would call, and with what; once it was made, its answer stands here."""
    if session.report:
        return ""
    if session.plan.recorded:
        said = fields.paragraph(REPLAYED)
        return said + fragment(Page("What will be judged", (Fields(_rows(session)),)))
    said = fields.paragraph(LEAD)
    return said + fragment(Page("What will be called", (Fields(_rows(session)),)))


def _rows(session: Session) -> tuple[Row, ...]:
    plan = session.plan
    if plan.recorded:
        return _told(session)
    parts = _staged(session) if plan.scene else _own(session)
    return (*parts, ("TLS", plan.tls or "1.2 or 1.3"))


def _staged(session: Session) -> tuple[Row, ...]:
    """Describe a failure of the lab; a surprise keeps its name until there is an answer."""
    scene = scenes.SCENES[session.plan.scene or ""]
    what = UNNAMED if _secret(session) else f"{scene.title}."
    return ("Call", f"A server on this computer. {what}"), ("Show", SCENE_SHOWS)


def _told(session: Session) -> tuple[Row, ...]:
    """Describe what is judged where nobody is called."""
    told, given = session.told, session.given
    return (
        ("Told by", ", ".join(told.names) or ("a pasted text" if told.line else "nothing yet")),
        ("Connection", _which(told)),
        ("Identities", _at_hand(given)),
        ("Trust", _believed(given)),
    )


def _at_hand(given: Case) -> str:
    return ", ".join(one.label for one in given.identities or ()) or "none at hand"


def _which(told: Told) -> str:
    """Name the connection that is judged."""
    if told.judged is None:
        return "none is known"
    trace = told.traces[told.judged]
    which = f"{told.judged + 1} of {len(told.traces)}: " if len(told.traces) > 1 else ""
    return f"{which}{trace.ended.outcome}, to {trace.server_name or trace.target or 'a server'}"


def _secret(session: Session) -> bool:
    return session.plan.surprise and session.report is None


def _own(session: Session) -> tuple[Row, ...]:
    return (
        ("Call", _called(session.plan)),
        ("Ask for", f"GET {path_of(session.given.url)}"),
        ("Show", _shown(session.given)),
        ("Trust", _believed(session.given)),
    )


def _called(plan: Plan) -> str:
    if plan.target is None:
        return f"no endpoint yet: name it in {rail.where(rail.BEGIN)}"
    where = f"{plan.target.host}, port {plan.target.port}"
    where += "" if plan.port_given else " (none was given)"
    return f"{where}, by the name {plan.server_name}" if plan.server_name else where


def _shown(given: Case) -> str:
    """Name the certificate that will be offered: the first with its key."""
    usable = [one.label for one in given.identities or () if one.key_matches]
    if usable:
        return usable[0]
    return "no client certificate" + (
        ""
        if given.identities is None
        else f": what was added in {rail.where(rail.KEYS)} holds none with its key"
    )


def _believed(given: Case) -> str:
    if given.trust is None:
        return "the server is not examined"
    return counted(len(given.trust), "certificate")


def _more(session: Session) -> Page:
    """Show what was called, the scripted twin, and what the lab had broken, each in a fold."""
    sections = []
    if session.report:
        called = (Fields(_rows(session)),)
        sections.append(Section(_CALLED[session.plan.recorded], called, folded=True))
    if not _secret(session):
        code = Listing(twin(session), "python")
        sections.append(Section("The same in Python", (code,), folded=True))
    if session.report and session.plan.scene:
        broken = (Fields(_broken(session.plan.scene)),)
        sections.append(Section("What the lab had broken", broken, folded=True))
    return Page("About this run" if session.report else "", tuple(sections))


def _broken(scene_id: str) -> tuple[Row, ...]:
    scene = scenes.SCENES[scene_id]
    told = (("Failure", scene.title), ("What was wrong", scene.broken))
    return (*told, ("What mends it", scene.mend))
