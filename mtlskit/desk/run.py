"""The step that calls the endpoint and shows what was found.

Law of this file: it calls `Session.run` and shows the report; it knows no cause and no alert.
"""

from __future__ import annotations

from mtlskit.desk import fields, step
from mtlskit.desk.session import Session
from mtlskit.desk.twin import twin
from mtlskit.lab import scenes
from mtlskit.page.blocks import Fields, Listing, Page, Section, Tone
from mtlskit.page.html import fragment
from mtlskit.report import Report

WAITING = "Nothing has been called yet."
CALLING = "Calling the endpoint and looking at every message. This takes a few seconds."
SCENE_SHOWS = "what the client of this failure holds"
TRYING = (
    "Calling the endpoint, then changing one thing at a time and calling again. "
    "This takes a few seconds, or up to a minute where an endpoint does not answer."
)


class Run:
    """Run the diagnosis and read the answer."""

    name = "Diagnosis"

    def __init__(self, session: Session) -> None:
        self._session = session
        self.plan, self.answer, self.more = fields.words(), fields.words(), fields.words()
        self.progress = fields.words(fields.notice(WAITING))
        self.experiments = fields.tick(
            "Afterwards, change one thing at a time and try again. This proves the cause.", on=True
        )
        self.button = fields.action("Run the diagnosis", self.run, primary=True)
        self.box = step.page(
            "What goes wrong, and why?",
            "The connection is made once, for real, and every message of both sides is read. "
            "After the handshake one GET is sent, so that a refusal by the web server is seen too.",
            self.plan,
            self.experiments,
            step.row(self.button),
            self.progress,
            self.answer,
            self.more,
        )
        step.when_changed(self.experiments, self._chosen)
        session.watch(self.refresh)
        self.refresh()

    @property
    def state(self) -> step.State:
        """Whether a run found something."""
        if self._session.report is None:
            return "needs"
        return "done" if self._session.report.outcome == "accepted" else "found"

    def run(self) -> None:
        """Call, and show the answer or the reason why there is none."""
        says = TRYING if self.experiments.value else CALLING
        self.progress.value = fields.notice(says, "info")
        self.answer.value = ""
        with step.busy(self.button, "Running …"), step.told(self.progress):
            self._session.run()

    def refresh(self) -> None:
        """Show the report as it stands, and the plan if there is none."""
        report = self._session.report
        self.plan.value = fragment(_plan(self._session))
        self.answer.value = report._repr_html_() if report else ""
        self.progress.value = fields.notice(*_standing(report))
        self.more.value = fragment(_more(self._session)) if self._session.plan.ready else ""

    def _chosen(self) -> None:
        self._session.intend(experiments=self.experiments.value)


def _standing(report: Report | None) -> tuple[str, Tone]:
    """Say in a line what the run found, by the stable name of its cause."""
    if report is None:
        return WAITING, "plain"
    if report.best is None:
        return "Every cause that is known here was ruled out.", "warn"
    standing = report.best.standing.lower().replace("_", " ")
    tone: Tone = "good" if report.outcome == "accepted" else "bad"
    return f"Cause: {report.best.cause}, {standing}. The report follows.", tone


def _plan(session: Session) -> Page:
    """Say what a run would call, and with what."""
    plan, given = session.plan, session.given
    if plan.scene:
        scene = scenes.SCENES[plan.scene]
        rows = [("Call", f"a server on this computer. {scene.title}"), ("Show", SCENE_SHOWS)]
    else:
        shown = ", ".join(one.label for one in (given.identities or ())[:1])
        believed = (
            f"{len(given.trust)} certificates" if given.trust else "the server is not examined"
        )
        rows = [
            ("Call", str(plan.target or "no endpoint yet: name it in step 1")),
            ("Show", shown or "no client certificate"),
            ("Trust", believed),
        ]
    return Page("What will be called", (Fields((*rows, ("TLS", plan.tls or "1.2 or 1.3"))),))


def _more(session: Session) -> Page:
    """Show the scripted twin and, after a run of a scene, what the lab had broken: both folded."""
    code = Listing(twin(session), "python")
    sections = [Section("The same in Python", (code,), folded=True)]
    if session.report and session.plan.scene:
        scene = scenes.SCENES[session.plan.scene]
        told = Fields((("What was wrong", scene.broken), ("What mends it", scene.mend)))
        sections.append(Section("What the lab had broken", (told,), folded=True))
    return Page("About this run", tuple(sections))
