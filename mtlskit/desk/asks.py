"""The step of the endpoint: what it asks of its clients, and which identity at hand fits.

Law of this file: it calls `mtlskit.asked` and shows its answer and the matching; it judges nothing.
"""

from __future__ import annotations

from typing import Any

from mtlskit.desk import fields, rail, step
from mtlskit.desk.session import Session
from mtlskit.desk.twin import asking_twin
from mtlskit.desk.wording import by_fields
from mtlskit.desk.work import Work
from mtlskit.page.blocks import Listing, Page, Section
from mtlskit.page.html import fragment

ASKING = "Calling the endpoint without a certificate, a few times. This takes a few seconds."
STOPPING = "Stopping: the call that is under way is brought to its end."
STOPPED = "It was stopped: not every version was asked in. Ask again to see them all."
WAITING = "Nobody has asked the server yet."
RECORDED = (
    "Nobody is called, for what was written down is judged. "
    "What it shows of the server's request stands below."
)
UNSEEN = "The server's request for a certificate was not seen."
UNMATCHED = (
    "Which identity fits is told here as soon as the server's request was seen and a key store is "
    f"at hand ({rail.where(rail.KEYS)})."
)


class Asks:
    """Ask the server what it wants, and hold the identities against it."""

    name = rail.ASKS

    def __init__(self, session: Session) -> None:
        self._session = session
        self.work = Work()
        self.button = fields.action("Ask the server", self.ask, primary=True)
        self.halt = fields.lead("Stop asking", self.stop)
        self.halt.layout.display = "none"
        self.message = fields.words()
        self.answer, self.matching, self.more = fields.words(), fields.words(), fields.words()
        self._shown: tuple[int, ...] = ()
        self.box = step.page(
            self.name,
            "What does the server ask for?",
            "The server is called without a certificate, with its name and without, in TLS 1.2 and "
            "1.3: so it is seen whether it wants a certificate, and from which authorities. Each "
            "identity at hand is then held against that.",
            step.row(self.button, self.halt),
            self.message,
            self.answer,
            self.matching,
            self.more,
        )
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    @property
    def state(self) -> step.State:
        """Done when the request was seen; something was found if no identity fits it."""
        found = self._session.matching
        if found is not None:
            return "done" if found.fitting else "found"
        return "done" if self._session.asking else "optional"

    def ask(self) -> None:
        """Ask, and show the answer or why there is none."""
        if self.work.going:
            return
        self._going(on=True)
        self.message.value = fields.notice(ASKING, "info")
        self.work.start(self._session.to_ask(), self._told, self._ended)

    def stop(self) -> None:
        """Make no further call; what was asked until then is shown."""
        self.work.stop()
        self.halt.disabled = True
        self.message.value = fields.notice(STOPPING, "info")

    def _going(self, *, on: bool) -> None:
        self.button.disabled, self.halt.disabled = on, False
        self.halt.layout.display = "" if on else "none"

    def _told(self, _: int, text: str) -> None:
        if not self.work.stopped:
            self.message.value = fields.notice(text, "info")

    def refresh(self) -> None:
        """Show what was asked, and the matching as it stands."""
        told, found = self._session.asking, self._session.matching
        recorded = self._session.plan.recorded
        self.button.layout.display = "none" if recorded else ""
        if not self.work.going:
            self.button.disabled = not self._session.plan.ready
            self.message.value = self._said()
        self.answer.value = by_fields(told._repr_html_()) if told else ""
        self.matching.value = by_fields(found._repr_html_()) if found else ""
        code = asking_twin(self._session)
        fold = Section("The same in Python", (Listing(code, "python"),), folded=True)
        self.more.value = fragment(Page("", (fold,))) if code else ""

    def _said(self) -> str:
        """Say what is not shown here, and why."""
        if self._session.matching:
            return fields.notice(RECORDED) if self._session.plan.recorded else ""
        trace = self._session.case.trace
        seen = self._session.asking is not None or (trace is not None and trace.asked is not None)
        if seen:
            return fields.notice(UNMATCHED)
        return fields.notice(UNSEEN if self._session.plan.recorded else WAITING)

    def _ended(self, result: Any, error: Exception | None) -> None:  # noqa: ANN401 - as `Work` has it
        self._going(on=False)
        with step.told(self.message):
            if error is not None:
                raise error
            self._session.keep_asking(*result)
        if error is None and self.work.stopped:
            self.message.value += fields.notice(STOPPED, "warn")
