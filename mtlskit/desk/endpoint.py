"""The first step: what is to be called.

Law of this file: it fills in the plan and calls nothing.
"""

from __future__ import annotations

import html

from mtlskit.desk import fields, step
from mtlskit.desk.session import Session
from mtlskit.experiment import target_of
from mtlskit.lab import scenes

LAB, OWN = "lab", "own"
VERSIONS = [("Whatever both sides speak", ""), ("TLS 1.3 only", "1.3"), ("TLS 1.2 only", "1.2")]


class Endpoint:
    """Choose a failure of the lab, or name an endpoint."""

    name = "Endpoint"

    def __init__(self, session: Session) -> None:
        self._session = session
        self.what = fields.either(
            "Look at",
            [("A failure staged on this computer, to practise", LAB), ("My own endpoint", OWN)],
        )
        self.scene = fields.choice("Failure", _scenes())
        self.address = fields.line("Endpoint", "partner.example.com:8443")
        self.server_name = fields.line("Server name", "the host above")
        self.tls = fields.choice("TLS version", VERSIONS)
        self.story, self.message = fields.words(), fields.words()
        self._lab = step.cell(self.scene, self.story)
        self._own = step.cell(
            self.address,
            fields.hint("Host and port, or the https address that the instance calls."),
            self.server_name,
            fields.hint("Only if the certificate is asked for by another name (SNI)."),
        )
        self.box = step.page(
            "Where does it fail?",
            "Practise on a failure that is staged on this computer, or call the endpoint that "
            "fails for you. Nothing is called before you say so in step 5.",
            step.pair(step.cell(self.what, self.tls), step.cell(self._lab, self._own)),
            self.message,
        )
        for field in (self.what, self.scene, self.address, self.server_name, self.tls):
            step.when_changed(field, self._changed)
        self._changed()

    @property
    def state(self) -> step.State:
        """Done as soon as there is something to call."""
        return "done" if self._session.plan.ready else "needs"

    def refresh(self) -> None:
        """Show the half that was chosen."""
        own = self.what.value == OWN
        self._own.layout.display = "" if own else "none"
        self._lab.layout.display = "none" if own else ""
        self.story.value = f"<p>{html.escape(scenes.SCENES[self.scene.value].story)}</p>"

    def _changed(self) -> None:
        self.message.value = ""
        with step.told(self.message, named=False):
            if self.what.value == LAB:
                self._session.intend(
                    scene=self.scene.value, target=None, tls=self.tls.value or None
                )
            else:
                self._call_own()
        self.refresh()

    def _call_own(self) -> None:
        self._session.intend(scene=None, target=None, tls=self.tls.value or None)
        if self.address.value.strip():
            target, url = target_of(self.address.value.strip())
            name = self.server_name.value.strip() or None
            self._session.intend(target=target, server_name=name)
            if url:
                self._session.give(url=url)


def _scenes() -> list[tuple[str, str]]:
    """List the lab's failures by what is wrong in them; the one without a failure comes last."""
    found = [(scene.title, scene.id) for scene in scenes.SCENES.values()]
    return sorted(found, key=lambda one: one[1] == "none")
