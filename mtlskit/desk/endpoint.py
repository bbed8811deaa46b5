"""The first step: what is at hand, an endpoint to be called, files, or an error line.

Law of this file: it fills in the plan and calls nothing. An address that was corrected leaves
nothing of itself behind.
"""

from __future__ import annotations

import html
import secrets

from mtlskit.collect.given import target_of
from mtlskit.desk import address, fields, rail, step
from mtlskit.desk.line import Line
from mtlskit.desk.plan import Plan
from mtlskit.desk.recordings import Recordings
from mtlskit.desk.session import Session
from mtlskit.lab import scenes
from mtlskit.material import Target

LAB, OWN, FILES, LINE, SURPRISE = "lab", "own", "files", "line", ""
KINDS = [
    ("A failure staged on this computer, to practise", LAB),
    ("My own endpoint, which can be called from here", OWN),
    ("Files: captures, logs, exports, key stores, a saved case", FILES),
    ("One error line", LINE),
]
VERSIONS = [("Whatever both sides speak", ""), ("TLS 1.3 only", "1.3"), ("TLS 1.2 only", "1.2")]
ELSEWHERE = f"The address in {rail.where(rail.SETTINGS)} led to another host, so it was taken away."


class Endpoint:
    """Choose a failure of the lab, name an endpoint, hand in files, or paste an error."""

    name = rail.BEGIN

    def __init__(self, session: Session, files: Recordings, line: Line) -> None:
        self._session = session
        self.files, self.line = files, line
        self._drawn = ""
        self._read = ""
        self._left: str | None = None
        self.what = fields.either("Look at", KINDS)
        self.scene = fields.choice("Failure", _scenes())
        self.surprise = fields.lead("Surprise me", self.draw)
        self.address = fields.line("Endpoint", "partner.example.com:8443")
        self.server_name = fields.line("Server name", "the host above")
        self.tls = fields.choice("TLS version", VERSIONS)
        self.story, self.message = fields.words(), fields.words()
        self._lab = step.cell(self.scene, step.row(self.surprise), self.story)
        self._own = step.cell(
            self.address,
            fields.hint(
                "Host and port, or the https address that the instance calls. Of an address only "
                "scheme, host, port and path are kept; what follows a question mark is dropped."
            ),
            self.server_name,
            fields.hint("Only if the certificate is asked for by another name (SNI)."),
        )
        self.box = step.page(
            self.name,
            "What do you have?",
            "Practise on a failure that is staged on this computer, call the endpoint that fails "
            "for you, or begin with what was written down. Nothing is called before you say so.",
            step.pair(
                step.cell(self.what, self.tls),
                step.cell(self._lab, self._own, files.box, line.box),
            ),
            self.message,
            line.below,
        )
        for field in (self.what, self.scene, self.address, self.server_name, self.tls):
            step.when_changed(field, self._changed)
        self._changed()

    @property
    def state(self) -> step.State:
        """Done as soon as there is something to call or to judge."""
        if self._session.plan.recorded:
            return "done" if self._session.told.traces or self.files.held else "needs"
        return "done" if self._session.plan.ready else "needs"

    def refresh(self) -> None:
        """Show the half that was chosen, and the failure's story."""
        self._show_half()
        self.surprise.description = "Another one" if self.scene.value == SURPRISE else "Surprise me"
        story = scenes.SCENES[self.scene.value or self._drawn].story
        self.story.value = f"<p>{html.escape(story)}</p>"

    def _show_half(self) -> None:
        what = self.what.value
        shown = {LAB: self._lab, OWN: self._own, FILES: self.files.box, LINE: self.line.box}
        for kind, half in shown.items():
            half.layout.display = "" if kind == what else "none"
        self.line.below.layout.display = shown[LINE].layout.display
        self.tls.layout.display = "none" if what == FILES else ""

    @property
    def begun(self) -> tuple[str, str]:
        """Which way to begin was chosen, and the address as it stands."""
        return str(self.what.value), str(self.address.value)

    def restore(self, begun: tuple[str, str], plan: Plan) -> None:
        """Fill in the fields as they stood in a saved case."""
        self._drawn = plan.scene if plan.scene and plan.surprise else ""
        self.tls.value = plan.tls or ""
        self.server_name.value = plan.server_name or ""
        if plan.scene:
            self.scene.value = SURPRISE if plan.surprise else plan.scene
        self.address.value = begun[1]
        self.what.value = begun[0]

    def draw(self) -> None:
        """Take any other failure of the lab, and do not say which."""
        shown = self.scene.value or self._drawn
        self._drawn = secrets.choice([one for one in scenes.SCENES if one != shown])
        if self.scene.value == SURPRISE:
            self._changed()
        else:
            self.scene.value = SURPRISE

    def _changed(self) -> None:
        self.message.value = ""
        self._show_half()
        with step.told(self.message, named=False):
            begin = {
                LAB: self._stage,
                OWN: self._call_own,
                FILES: self.files.show,
                LINE: self._explain,
            }
            begin[self.what.value]()
        self.refresh()

    def _stage(self) -> None:
        surprise = self.scene.value == SURPRISE
        if surprise and not self._drawn:
            self.draw()
            return
        self._drawn = self._drawn if surprise else ""  # so that the next surprise is a new one
        self._session.intend(
            scene=self.scene.value or self._drawn,
            surprise=surprise,
            target=None,
            recorded=False,
            tls=self.tls.value or None,
        )

    def _explain(self) -> None:
        self._session.intend(tls=self.tls.value or None)
        self.line.show()

    def _call_own(self) -> None:
        text = address.kept(self.address.value)
        if text != self.address.value.strip():
            self.address.value = text  # which brings us here again, to read it
            self.message.value += fields.notice(address.DROPPED, "info")
            return
        tls = self.tls.value or None
        self._session.intend(scene=None, surprise=False, target=None, recorded=False, tls=tls)
        corrected, self._read = text != self._read, text
        if corrected:
            self._take_back()
        if text:
            target, url = target_of(text)
            if corrected:
                self._lead(target, url)
            name = self.server_name.value.strip() or None
            given = address.names_port(text)
            self._session.intend(target=target, server_name=name, port_given=given)

    def _take_back(self) -> None:
        """Drop the URL that the address before this one left in the step of the settings."""
        if self._left is not None and self._session.given.url == self._left:
            self._session.lead_to(None)
        self._left = None

    def _lead(self, target: Target, url: str | None) -> None:
        """Hand in the URL, if one was typed; one of another host is not kept beside the target."""
        before = self._session.given.url
        if url:
            self._left = url
            self._session.lead_to(url)
        elif before and address.host_of(before) != target.host:
            self._session.lead_to(None)
            self.message.value = fields.notice(ELSEWHERE, "info")


def _scenes() -> list[tuple[str, str]]:
    """List the lab's failures by what is wrong in them; the one without a failure comes last."""
    found = [(scene.title, scene.id) for scene in scenes.SCENES.values()]
    listed = sorted(found, key=lambda one: one[1] == "none")
    return [*listed, ("A surprise: its name comes with the answer", SURPRISE)]
