"""The guide: a rail of steps over one session. Law of this file: it leads, and knows nothing else.

It owns its widgets and is none itself, so that its attributes can be named as the reader would.
"""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import ipywidgets as widgets

from mtlskit.case import Case
from mtlskit.collect.evidence import Given
from mtlskit.collect.files import read_blob
from mtlskit.desk import fields, rail, resume
from mtlskit.desk.asks import Asks
from mtlskit.desk.checks import Checks
from mtlskit.desk.endpoint import Endpoint
from mtlskit.desk.handshake import Handshake
from mtlskit.desk.instance import Instance
from mtlskit.desk.keep import Keep
from mtlskit.desk.kept import opened, written
from mtlskit.desk.keys import Keys
from mtlskit.desk.line import Line
from mtlskit.desk.mend import Mend
from mtlskit.desk.recordings import Others, Recordings
from mtlskit.desk.run import Run
from mtlskit.desk.session import Session
from mtlskit.desk.step import Step
from mtlskit.material import Blob
from mtlskit.report import Report

PLAIN = (
    "The guide is a form: open this notebook in JupyterLab and run the cell. "
    "In a script, use mtlskit.diagnose(…) instead."
)


class Guide:
    """The form of the guided notebook. Cells can use what it found.

    Attributes:
        session: the evidence given, what a run would call, and the report.
        endpoint, checks, keys, asks, instance, handshake, run, mend, keep:
            the steps.
        files, line: the two ways to begin without a connection.
    """

    def __init__(self) -> None:
        self.session = Session()
        self.keys = Keys(self.session)
        self.instance = Instance(self.session, partial(self.keys.receive, "identity"))
        self.run = Run(self.session)
        self.mend = Mend(self.session, self.run)
        self.files = Recordings(self.session, self._others())
        self.line = Line(self.session)
        self.endpoint = Endpoint(self.session, self.files, self.line)
        self.asks = Asks(self.session)
        self.handshake = Handshake(self.session, self.files)
        self.checks = Checks(self.session)
        self.keep = Keep(self.session, self.save_case)
        self.steps = self._in_order()
        self.rail = [
            fields.lead(f"{number} {step.name}", partial(self.go, number - 1))
            for number, step in enumerate(self.steps, 1)
        ]
        self.back = fields.lead("Back", lambda: self.go(self.at - 1))
        self.next = fields.lead("Next", lambda: self.go(self.at + 1))
        self._stack = widgets.Stack([step.box for step in self.steps], selected_index=0)
        self._ui = self._drawn()
        self.session.watch(self._mark)
        self._mark()

    def _others(self) -> Others:
        """Say who takes the files that are dropped in the first step and read in another."""
        return Others(
            store=self.keys.receive,
            export=self.instance.receive,
            report=self.mend.receive,
            case=lambda blob: resume.restore(self, opened(blob)),
        )

    def _in_order(self) -> list[Step]:
        every: list[Step] = [
            self.endpoint,
            self.checks,
            self.keys,
            self.asks,
            self.instance,
            self.handshake,
            self.run,
            self.mend,
            self.keep,
        ]
        return sorted(every, key=lambda step: rail.STEPS.index(step.name))

    def _drawn(self) -> widgets.VBox:
        return widgets.VBox(
            [
                widgets.HTML(f"<style>{_style()}</style>"),
                widgets.GridBox(self.rail).add_class("mtls-rail"),
                self._stack,
                widgets.HBox([self.back, self.next]).add_class("mtls-foot"),
            ]
        ).add_class("mtls-guide")

    @property
    def case(self) -> Case:
        """All evidence at hand: what was given, and after a run what was seen."""
        return self.session.case

    @property
    def report(self) -> Report | None:
        """The latest report; None before the first run."""
        return self.session.report

    def save_case(self, path: str | Path) -> Path:
        """Write everything that was given and found, without any secret; return the path.

        Raises:
            FileExistsError: there is such a file already.
        """
        there = Path(path)
        text = written(resume.kept(self), self.session.standing)
        with there.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return there

    def open_case(self, given: Given) -> Self:
        """Stand as a saved case stood; what stood here before is forgotten.

        Args:
            given: the file's path, or its bytes with a name.

        Raises:
            Unreadable: it is no saved case, was changed since, or is of another version.
        """
        blob = given if isinstance(given, Blob) else read_blob(given)
        resume.restore(self, opened(blob))
        return self

    @property
    def at(self) -> int:
        """The step that is shown, counted from 0."""
        return int(self._stack.selected_index)

    def go(self, index: int) -> None:
        """Show a step, and lead whoever works without a mouse to its heading."""
        self._stack.selected_index = max(0, min(index, len(self.steps) - 1))
        self._mark()
        fields.lead_to(self.steps[self.at].box.children[0])

    def _mark(self) -> None:
        """Say on the rail where we are and how each step stands."""
        for index, (button, step) in enumerate(zip(self.rail, self.steps, strict=True)):
            here = ("mtls-here",) if index == self.at else ()
            button._dom_classes = ("mtls-action", f"mtls-{step.state}", *here)  # noqa: SLF001 - the one way to replace all classes in one message
        self.back.disabled = self.at == 0
        self.next.disabled = self.at == len(self.steps) - 1

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - IPython's signature
        bundle = self._ui._repr_mimebundle_(**options)
        return {**bundle, "text/plain": PLAIN}


_OPEN: list[Guide] = []


def open_guide(*, fresh: bool = False) -> Guide:
    """Return the guide of this kernel, as it was left; `fresh` begins anew."""
    if fresh or not _OPEN:
        _OPEN[:] = [Guide()]
    return _OPEN[0]


def _style() -> str:
    return files("mtlskit.desk").joinpath("desk.css").read_text("utf-8")
