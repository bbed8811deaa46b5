"""What the guide knows so far: the evidence given, how to call the endpoint, and the report.

Law of this file: it holds facts and no widgets, so that cells can use it and the form can be drawn
anew at any time. It never holds a password or the bytes of an upload.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mtlskit import report as reports
from mtlskit.case import Case
from mtlskit.checklist import Row
from mtlskit.experiment import diagnose
from mtlskit.lab import scenes
from mtlskit.material import Target
from mtlskit.report import Report

TLS = Literal["1.2", "1.3"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be called, and how.

    Attributes:
        scene: the lab's scene to stage; None: call the engineer's own endpoint.
        target: the engineer's own endpoint; None while it is not known.
        server_name: the name to ask for; None: the endpoint's own.
        tls: the one TLS version to speak; None: whatever both sides speak.
        experiments: whether to change one thing at a time afterwards and try again.
    """

    scene: str | None = None
    target: Target | None = None
    server_name: str | None = None
    tls: TLS | None = None
    experiments: bool = True

    @property
    def ready(self) -> bool:
        """Whether there is something to call."""
        return self.scene is not None or self.target is not None


@dataclass
class Session:
    """The state of one guide.

    Attributes:
        given: what the engineer handed in: identities, trust, material, settings, answers.
        plan: what a run would call.
        report: what the latest run found; None before it, and when `given` or `plan` changed so
            that it no longer speaks of what is given.
    """

    given: Case = field(default_factory=Case)
    plan: Plan = field(default_factory=Plan)
    report: Report | None = None
    _watchers: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def case(self) -> Case:
        """All evidence: after a run with what was seen on the wire, before it what was given."""
        return self.report.case if self.report else self.given

    @property
    def rows(self) -> tuple[Row, ...]:
        """The symptom checklist as it stands."""
        return (self.report or reports.judge(self.given)).checklist

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever something of this session changes."""
        self._watchers.append(changed)

    def tell(self) -> None:
        """Call everyone who watches."""
        for changed in self._watchers:
            changed()

    def intend(self, **parts: Any) -> None:  # noqa: ANN401 - any field of Plan
        """Change what a run would call."""
        self.plan = replace(self.plan, **parts)
        self._drop_report()

    def give(self, **evidence: Any) -> None:  # noqa: ANN401 - any field of Case
        """Hand in what a connection depends on: a report of another connection no longer holds."""
        self.given = self.given.having(**evidence)
        self._drop_report()

    def add(self, **evidence: Any) -> None:  # noqa: ANN401 - any field of Case
        """Hand in what judgement depends on: a connection already seen is judged anew."""
        self.given = self.given.having(**evidence)
        if self.report:
            self.report = reports.judge(self.report.case.having(**evidence), self.report.made)
        self.tell()

    def run(self) -> Report:
        """Call the endpoint, or stage the scene and call that, and keep the report.

        Raises:
            ValueError: there is nothing to call yet; the sentence says what is needed.
        """
        if not self.plan.ready:
            raise ValueError(
                "Give the endpoint, or choose a failure of the lab, in the first step."
            )
        self.report = self._staged(self.plan.scene) if self.plan.scene else self._called()
        self.tell()
        return self.report

    def _called(self) -> Report:
        plan = self.plan
        return diagnose(
            self.given.having(target=plan.target),
            server_name=plan.server_name,
            tls=plan.tls,
            experiments=plan.experiments,
        )

    def _staged(self, scene: str) -> Report:
        with scenes.stage(scene, tls=self.plan.tls or "1.3") as staged:
            return diagnose(
                staged.target,
                identity=staged.identity_files,
                trust=staged.trust_files,
                material=staged.material_files,
                password=staged.password,
                server_name=staged.server_name,
                tls=self.plan.tls,
                experiments=self.plan.experiments,
            )

    def _drop_report(self) -> None:
        self.report = None
        self.tell()
