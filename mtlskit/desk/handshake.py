"""The step of the handshake: every connection at hand as a ladder, and any two side by side.

Law of this file: it shows traces and their comparison as they show themselves.
"""

from __future__ import annotations

from mtlskit.case import Case
from mtlskit.desk import fields, rail, step
from mtlskit.desk.recordings import Recordings
from mtlskit.desk.session import Session
from mtlskit.desk.wording import by_fields
from mtlskit.page.blocks import Listing, Page, Section
from mtlskit.page.html import fragment
from mtlskit.trace.compare import compare
from mtlskit.trace.events import Trace

WAITING = (
    "No connection is known yet. There is one after the diagnosis "
    f"({rail.where(rail.DIAGNOSIS)}), or in a capture or a log ({rail.where(rail.BEGIN)})."
)
NOTHING = -1
LONG = 90
"""Characters of a connection's name in the list."""


class Handshake:
    """Choose a connection, see who said what, and compare two."""

    name = rail.HANDSHAKE

    def __init__(self, session: Session, files: Recordings) -> None:
        self._session, self._files = session, files
        self._traces: tuple[Trace, ...] = ()
        self._judged: int | None = None
        self.one = fields.choice("Connection", [])
        self.other = fields.choice("Compare it with", [])
        self.judge = fields.lead("Judge this one", self._choose)
        self.message, self.ladder, self.more = fields.words(), fields.words(), fields.words()
        self._pair = step.pair(self.one, self.other)
        self.box = step.page(
            self.name,
            "Who said what?",
            "Every message of both sides, in order, and where it broke off. Where several "
            "connections are known, choose one, or compare two: a good one with a bad one shows "
            "where they part.",
            self._pair,
            step.row(self.judge),
            self.message,
            self.ladder,
            self.more,
        )
        drawn = step.guarded(self.message, self._draw)
        step.when_changed(self.one, drawn)
        step.when_changed(self.other, drawn)
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    @property
    def state(self) -> step.State:
        """Found something if the judged connection failed."""
        trace = self._session.case.trace
        if trace is None:
            return "later"
        return "done" if trace.ended.outcome == "accepted" else "found"

    def refresh(self) -> None:
        """Offer the connections that are known, the judged one chosen at first."""
        case = self._session.case
        named = _named(case)
        traces = tuple(trace for _, trace in named)
        self._judged = next((n for n, one in enumerate(traces) if one is case.trace), None)
        entries = [(label, number) for number, (label, _) in enumerate(named)]
        if list(self.one.options) != entries:
            self._traces = ()  # while the lists are changed there is nothing to draw
            self.one.options, self.other.options = entries, [("nothing", NOTHING), *entries]
            self.one.value, self.other.value = self._judged, NOTHING
        self._traces = traces
        self._draw()

    def _draw(self) -> None:
        """Show the chosen connection, or two of them side by side."""
        known = bool(self._traces) and self.one.value is not None
        several = len(self._traces) > 1
        self._pair.layout.display = "" if several else "none"
        offered = several and self._session.plan.recorded and self.one.value != self._judged
        self.judge.layout.display = "" if offered else "none"
        self.message.value = "" if known else fields.notice(WAITING)
        self.ladder.value = by_fields(self._picture()) if known else ""
        self.more.value = fragment(self._twin()) if known else ""

    def _picture(self) -> str:
        one: int = self.one.value
        other: int = self.other.value
        left = self._traces[one]
        if other in (NOTHING, one):
            return left._repr_html_()
        titles = (str(self.one.options[one][0]), str(self.other.options[other + 1][0]))
        return compare(left, self._traces[other], titles)._repr_html_()

    def _twin(self) -> Page:
        """Name what is shown, as a cell would."""
        one, other = self._called(self.one.value), self.other.value
        code = one
        if other not in (NOTHING, self.one.value):
            pair = f"compare({one}, {self._called(other)})"
            code = f"from mtlskit.trace.compare import compare\n\n{pair}"
        fold = Section("The same in Python", (Listing(code, "python"),), folded=True)
        return Page("", (fold,))

    def _called(self, number: int) -> str:
        if self._session.case.traces:
            return f"guide.case.traces[{number}]"
        return f"guide.case.attempts[{number - 1}].trace" if number else "guide.case.trace"

    def _choose(self) -> None:
        """Have the chosen connection judged instead."""
        self._files.choose(self.one.value)


def _named(case: Case) -> list[tuple[str, Trace]]:
    """Name every connection: those of the files, or the first call and what was tried."""
    if case.traces:
        return [(_name(f"{n}", one), one) for n, one in enumerate(case.traces, 1)]
    first = [(_name("The first call", case.trace), case.trace)] if case.trace else []
    return first + [(_name(one.change, one.trace), one.trace) for one in case.attempts]


def _name(what: str, trace: Trace) -> str:
    where = f", {trace.source}" if trace.source.place else ""
    label = f"{what}{where}: {trace.ended.outcome}"
    return label if len(label) <= LONG else f"{label[: LONG - 1]}…"
