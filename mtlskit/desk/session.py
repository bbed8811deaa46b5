"""What the guide knows so far: the evidence given, how to call the endpoint, and the report.

Law of this file: it holds facts and no widgets, so that cells can use it and the form can be drawn
anew at any time. It never holds a password or the bytes of an upload.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from mtlskit import report as reports
from mtlskit.case import Attempt, Case
from mtlskit.certs.matching import Matching
from mtlskit.checklist import Row
from mtlskit.collect.asked import Asking
from mtlskit.desk import address, rail
from mtlskit.desk.plan import Plan, Watch, asking, diagnosed
from mtlskit.desk.seen import Seen
from mtlskit.desk.told import Told
from mtlskit.lab.stand_in import rehearse
from mtlskit.report import Report
from mtlskit.rules.evidence import matched

OVERTAKEN = "Something that the answer rests on was changed while it was looked for. Run it again."


@dataclass
class Session:
    """The state of one guide.

    Attributes:
        given: what the engineer handed in: identities, trust, material, settings, answers.
        plan: what a run would call.
        told: what captures, logs or a pasted text told of; judged where nobody is called.
        report: what the latest run found; None before it, and when `given` or `plan` changed so
            that it no longer speaks of what is given.
        outdated: there was a report, and what it rests on has changed since.
        before: what the run before the latest found of the same call.
        asking: what the server asks of its clients, if it was asked.
        lab: what the client of the lab's failure held when its server was asked.
    """

    given: Case = field(default_factory=Case)
    plan: Plan = field(default_factory=Plan)
    told: Told = field(default_factory=Told)
    report: Report | None = None
    outdated: bool = False
    asking: Asking | None = None
    before: Report | None = None
    lab: Case | None = field(default=None, repr=False)
    _last: Report | None = field(default=None, repr=False)
    _changes: int = field(default=0, repr=False)
    _watchers: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def case(self) -> Case:
        """All evidence: after a run with what was seen on the wire, before it what was given."""
        if self.report:
            return self.report.case
        return self._used if self.plan.recorded else self.given

    @property
    def standing(self) -> Report:
        """The report, or before a run what can be said without one."""
        return self.report or self._judge(self._used)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The symptom checklist as it stands."""
        return self.standing.checklist

    @property
    def _used(self) -> Case:
        """What a run uses of `given`: a scene of the lab brings everything but the answers."""
        if self.plan.scene:
            return Case(answers=self.given.answers)
        return self.told.added_to(self.given) if self.plan.recorded else self.given

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever something of this session changes."""
        self._watchers.append(changed)

    def tell(self) -> None:
        """Call everyone who watches."""
        for changed in self._watchers:
            changed()

    def intend(self, **parts: Any) -> None:  # noqa: ANN401 - any field of Plan
        """Change what a run would call; whether it tries further changes no call already made."""
        before, self.plan = self.plan, replace(self.plan, **parts)
        if replace(before, experiments=self.plan.experiments) == self.plan:
            self.tell()
        else:
            self.asking = self.lab = self.before = self._last = None
            self._drop_report()

    def replay(self, told: Told) -> None:
        """Judge what was told of, and call nobody: a report of something else no longer holds."""
        self.told = told
        self.asking = self.lab = self.before = self._last = None
        plan = replace(self.plan, scene=None, surprise=False, target=None, recorded=True)
        self.plan = replace(plan, server_name=None)
        self._drop_report()

    def give(self, **evidence: Any) -> None:  # noqa: ANN401 - any field of Case
        """Hand in what a connection depends on: a report of another connection no longer holds."""
        self.given = self.given.having(**evidence)
        if self.plan.scene:  # which uses nothing of what is handed in
            self.tell()
        else:
            self._drop_report()

    def add(self, **evidence: Any) -> None:  # noqa: ANN401 - any field of Case
        """Hand in what judgement depends on: a connection already seen is judged anew."""
        self.given = self.given.having(**evidence)
        self.report = self.report and self._judged(self.report)
        self.tell()

    def lead_to(self, url: str | None) -> None:
        """Say which URL the instance calls: a report of a call to another path no longer holds."""
        if url == self.given.url:
            return
        same = address.path_of(url) == address.path_of(self.given.url)
        (self.add if same else self.give)(url=url)

    def run(self) -> Report:
        """Call the endpoint, or stage the scene and call that, and keep the report.

        Raises:
            ValueError: there is nothing to call yet; the sentence says what is needed.
        """
        self.keep(self.to_run()(Watch()))
        if self.report is None:
            raise ValueError(OVERTAKEN)
        return self.report

    def to_run(self) -> Callable[[Watch], tuple[int, Report]]:
        """Return the work of a run, which may be done beside the form; `keep` takes its result.

        Raises:
            ValueError: there is nothing to call yet.
        """
        plan, used, change = self.plan, self._used, self._changes
        if not plan.ready:
            raise ValueError(
                f"Say in {rail.where(rail.BEGIN)} what you have: "
                "an endpoint, files, or an error line."
            )
        if plan.recorded:
            return lambda _: (change, self._replayed())
        return lambda watch: (change, diagnosed(plan, used, watch))

    def keep(self, found: tuple[int, Report], *, again: bool = True) -> None:
        """Keep what a run found, and what the run before it found of the same call.

        Args:
            found: what the work of `to_run` or `to_rehearse` gave.
            again: a call was made; else the report was added to.

        Raises:
            ValueError: what it rests on was changed while it ran.
        """
        change, report = found
        if change != self._changes:
            raise ValueError(OVERTAKEN)
        if again:
            self.before, self._last = self._last, report
        self.report, self.outdated = self._judged(report), False
        self.tell()

    def to_rehearse(self) -> Callable[[Watch], tuple[int, Report]]:
        """Return the work of a rehearsal on a stand-in; `keep` takes its result."""
        case, change = self.case, self._changes
        return lambda _: (change, rehearse(case.having(attempts=_real(case), stands_in=())))

    def to_ask(self) -> Callable[[Watch], tuple[Plan, Asking, Case]]:
        """Return the work of asking the server what it wants; `keep_asking` takes its result."""
        plan, given = self.plan, self.given
        return lambda watch: (plan, *asking(plan, given, watch))

    def keep_asking(self, plan: Plan, told: Asking, held: Case) -> None:
        """Keep what the server asks for, unless another one is meant by now."""
        if replace(plan, experiments=self.plan.experiments) != self.plan:
            raise ValueError(OVERTAKEN)
        self.asking = told
        self.lab = held if plan.scene else None
        self.tell()

    @property
    def matching(self) -> Matching | None:
        """Each identity at hand against the server's request; None where one is not known."""
        trace = self.case.trace
        if trace is not None and trace.asked is not None:
            return matched(self.case)
        answers = self.asking.answers if self.asking else ()
        seen = next((one.trace for one in answers if one.asked is not None), None)
        held = self.lab or self.given
        return matched(held.having(trace=seen, at=held.at or datetime.now(UTC)))

    def resume(self, found: Seen | None, before: Seen | None, **parts: Any) -> None:  # noqa: ANN401 - as `intend`
        """Stand as a saved case stood; what was found is judged anew by the rules of today.

        Args:
            found: what the latest report was made from.
            before: the same of the report before it.
            **parts: the other attributes of this session.
        """
        for name, value in parts.items():
            setattr(self, name, value)
        self._changes += 1
        self.outdated = False
        self.report, self.before = self._again(found), self._again(before)
        self._last = self.report
        self.tell()

    def _again(self, seen: Seen | None) -> Report | None:
        return None if seen is None else self._judge(seen.case, seen.made)

    def _replayed(self) -> Report:
        case = self._used
        if case == Case(answers=case.answers):
            raise ValueError(
                f"There is nothing to judge yet: add files in {rail.where(rail.BEGIN)}, "
                "or paste an error that is known here."
            )
        now = datetime.now(UTC)
        return self._judge(case.having(at=case.at or now), now)

    def _judge(self, case: Case, made: datetime | None = None) -> Report:
        """Judge a case, knowing the server's software where a pasted text told it."""
        stack = self.told.stack if self.plan.recorded else None
        return reports.judge(case, made, stack)

    def _judged(self, report: Report) -> Report:
        """Judge a connection already seen by what was handed in meanwhile."""
        used = self._used
        told: dict[str, Any] = {"answers": used.answers}
        if not self.plan.scene:
            told |= {"settings": used.settings, "url": used.url}
        if all(getattr(report.case, name) == what for name, what in told.items()):
            return report
        return self._judge(report.case.having(**told), report.made)

    def _drop_report(self) -> None:
        self._changes += 1
        self.outdated = self.outdated or self.report is not None
        self.report = None
        self.tell()


def _real(case: Case) -> tuple[Attempt, ...]:
    """Return the attempts on the real server: a rehearsal takes the place of the one before."""
    return tuple(one for one in case.attempts if not one.stand_in)
