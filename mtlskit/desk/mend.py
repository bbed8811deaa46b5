"""The step of mending: what to do, a rehearsal on a stand-in, and before and after side by side.

Law of this file: remedies, plans and comparisons are shown as their makers tell them.
"""

from __future__ import annotations

from typing import Any

from mtlskit.desk import fields, rail, step
from mtlskit.desk.run import Run
from mtlskit.desk.session import Session
from mtlskit.desk.wording import by_fields
from mtlskit.desk.work import Work
from mtlskit.material import Blob
from mtlskit.page.blocks import Badge, Block, Fields, Inline, Listing, Page, Section, Table
from mtlskit.page.html import fragment
from mtlskit.report import Report, experiments, planning
from mtlskit.report.compared import compare_reports
from mtlskit.report.mending import mends
from mtlskit.report.redaction import clean_page
from mtlskit.report.reopened import Reopened, reopened
from mtlskit.report.words import sentence, standing_badge, words
from mtlskit.trace.compare import compare

WAITING = f"There is something to mend after the diagnosis ({rail.where(rail.DIAGNOSIS)})."
REHEARSING = "Playing the server's part on this computer, and changing one thing at a time."
AGAIN = "Calling again. This takes a few seconds."
RECORDED = (
    "Nobody is called. When it was mended, record the call once more, add it in "
    f"{rail.where(rail.BEGIN)} and compare the two in {rail.where(rail.HANDSHAKE)}."
)
TWIN = "import mtlskit\n\nmtlskit.rehearse(guide.case)"


class Mend:
    """See what to do, rehearse it, do it, and try again."""

    name = rail.MEND

    def __init__(self, session: Session, run: Run) -> None:
        self._session, self._run = session, run
        self.work = Work()
        self.again = fields.action("Try again", self.retry, primary=True)
        self.halt = fields.lead("Stop calling", self.stop)
        self.halt.layout.display = "none"
        self._again = False
        self.rehearsal = fields.action("Rehearse on a stand-in", self.rehearse)
        self.message, self.todo, self.after = fields.words(), fields.words(), fields.words()
        self.earlier = fields.files("Compare with a saved report", self.receive)
        self.said, self.compared = fields.words(), fields.words()
        self._other: Reopened | None = None
        self._drawn: tuple[Report | None, Reopened | None] = (None, None)
        self.box = step.page(
            self.name,
            "What is to be done, and did it help?",
            "A change can be rehearsed on a stand-in, which plays the server as it was seen and "
            "runs on this computer. When the real thing was mended, try again: before and after "
            "are then shown side by side.",
            self.todo,
            step.row(self.again, self.halt, self.rehearsal),
            self.message,
            self.after,
            step.row(self.earlier),
            fields.hint(
                "A report that was saved before, or on a computer where it works: the file that "
                "ends in .json."
            ),
            self.said,
            self.compared,
        )
        step.when_changed(run.progress, self._follow)
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    @property
    def state(self) -> step.State:
        """Done when it was refused before and is accepted now."""
        report = self._session.report
        if report is None:
            return "later"
        return "done" if report.outcome == "accepted" else "needs"

    def retry(self) -> None:
        """Make the same run again."""
        self._again = True
        self.again.disabled, self.halt.disabled = True, False
        self.halt.layout.display = ""
        self.message.value = fields.notice(AGAIN, "info")
        self._run.run()

    def stop(self) -> None:
        """Have the run begin no further call."""
        self._run.stop()
        self.halt.disabled = True

    def _follow(self) -> None:
        """Say here too how far a run is that was begun here, and how it ended."""
        if not self._again:
            return
        self._again = bool(self._run.button.disabled)
        self.message.value = self._run.progress.value
        if not self._again:
            self.again.disabled, self.halt.layout.display = False, "none"

    def rehearse(self) -> None:
        """Try the changes on a stand-in of the server."""
        if self.work.going:
            return
        self.rehearsal.disabled = True
        self.message.value = fields.notice(REHEARSING, "info")
        self.work.start(self._session.to_rehearse(), lambda _number, _text: None, self._ended)

    def _ended(self, found: Any, error: Exception | None) -> None:  # noqa: ANN401 - as `Work` has it
        self.rehearsal.disabled = False
        self.message.value = ""
        with step.told(self.message):
            if error is not None:
                raise error
            self._session.keep(found, again=False)

    def receive(self, blobs: tuple[Blob, ...]) -> None:
        """Take a saved report to compare with; the last of several."""
        self.said.value = ""
        with step.told(self.said):
            for blob in blobs:
                self._other = reopened(blob)
        self._compare()

    def _compare(self) -> None:
        """Show the saved report, beside the present one if there is one."""
        report, other = self._session.report, self._other
        if self._drawn[0] is report and self._drawn[1] is other:
            return
        self._drawn = (report, other)
        if other is None:
            self.compared.value = ""
            return
        page = compare_reports(other, report).page() if report else other.page()
        self.compared.value = by_fields(fragment(Page("", (Section(page.title, page.blocks),))))

    def refresh(self) -> None:
        """Show what to do, and what became of it."""
        self._compare()
        report, recorded = self._session.report, self._session.plan.recorded
        self.again.layout.display = "none" if recorded or report is None else ""
        self.rehearsal.layout.display = "" if _can_be_rehearsed(report) else "none"
        if not self.work.going and not self._again:
            said = RECORDED if recorded and report else "" if report else WAITING
            self.message.value = fields.notice(said) if said else ""
        self.todo.value = by_fields(fragment(clean_page(_todo(report)))) if report else ""
        self.after.value = by_fields(fragment(clean_page(self._became(report)))) if report else ""

    def _became(self, report: Report) -> Page:
        """Put before and after side by side, then what was tried on the stand-in."""
        blocks: list[Block] = []
        before = self._session.before
        if before is not None:
            blocks += _beside(before, report)
        tried = experiments.section(report.case)
        if tried is not None:
            blocks.append(tried)
        if _can_be_rehearsed(report):
            blocks.append(Section("The same in Python", (Listing(TWIN, "python"),), folded=True))
        return Page("", tuple(blocks))


def _can_be_rehearsed(report: Report | None) -> bool:
    """Whether enough was seen to build a stand-in, and the server refused."""
    if report is None or report.outcome == "accepted" or not report.case.identities:
        return False
    trace = report.case.trace
    return trace is not None and trace.asked is not None


def _todo(report: Report) -> Page:
    best = report.best
    if best is None or report.outcome == "accepted":
        return Page("", ())
    rows: list[tuple[str, Inline]] = [
        ("Cause", (sentence(best.title), " ", standing_badge(best.standing))),
        ("Who must act", str(words()["party_short"][best.party])),
        ("What to do", sentence(best.remedy)),
    ]
    blocks: list[Block] = [Fields(tuple(rows))]
    commands = [Section(one.purpose, (Listing(one.command, "sh"),)) for one in mends(report.case)]
    if commands:
        blocks.append(Section("Commands that do it", tuple(commands), folded=True))
    plan = planning.told(report.case)
    if plan is not None:
        blocks.append(Section("In the instance's settings", plan.blocks(), folded=True))
    return Page("", tuple(blocks))


def _beside(before: Report, after: Report) -> list[Block]:
    rows = [
        ("Outcome", _outcome(before), _outcome(after)),
        ("Cause", _cause(before), _cause(after)),
    ]
    blocks: list[Block] = [
        Section("Before and after", (Table(("", "Before", "After"), tuple(rows)),))
    ]
    left, right = before.case.trace, after.case.trace
    if left is not None and right is not None:
        page = compare(left, right, ("before", "after")).page()
        blocks.append(Section("The two connections", page.blocks, folded=True))
    return blocks


def _outcome(report: Report) -> Inline:
    return Badge(report.outcome, "good" if report.outcome == "accepted" else "bad")


def _cause(report: Report) -> Inline:
    if report.outcome == "accepted" or report.best is None:
        return "none"
    return sentence(report.best.title), " ", standing_badge(report.best.standing)
