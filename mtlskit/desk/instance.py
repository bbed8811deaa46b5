"""The step of the instance's settings: exports in, what they would do to a call out.

Law of this file: it reads exports with `mtlskit.instance` and judges nothing. The address that it
shows is the one in force, wherever it was typed.
"""

from __future__ import annotations

from mtlskit.collect.given import target_of
from mtlskit.desk import address, fields, rail, step
from mtlskit.desk.session import Session
from mtlskit.instance.exports import read_export
from mtlskit.instance.rows import Export
from mtlskit.instance.settings import settings_from
from mtlskit.material import Blob, Unreadable
from mtlskit.page.blocks import Page, Table
from mtlskit.page.html import fragment

LAB = (
    f"A failure of the lab is chosen in {rail.where(rail.BEGIN)}. It uses nothing of this step; "
    "what you give here "
    "is kept for your own endpoint."
)


class Instance:
    """Hand in exports of the instance's settings."""

    name = rail.SETTINGS

    def __init__(self, session: Session) -> None:
        self._session = session
        self._exports: list[Export] = []
        self._shown: str | None = None
        self.upload = fields.files("Add exports", self.receive)
        self.forget = fields.lead("Remove the exports", self.clear)
        self.url = fields.line("Address that the instance calls", "https://…")
        self.empty = fields.lead("Clear the address", self._emptied)
        self.about, self.message, self.table = fields.words(), fields.words(), fields.words()
        self.box = step.page(
            "How is the instance set up?",
            "If the call comes from an instance, its settings decide which key store is used and "
            "on which port. Export the tables sys_properties, sys_protocol_profile and "
            "sys_certificate as XML or JSON and add the files here.",
            self.about,
            step.pair(
                step.cell(self.upload, fields.hint("Any number of files, in any order.")),
                step.cell(
                    self.url,
                    fields.hint(
                        "As it stands in the REST message, with its scheme and port. Its path is "
                        "asked for once the handshake is done; what follows a question mark is "
                        "dropped."
                    ),
                    step.row(self.empty),
                ),
            ),
            self.message,
            self.table,
            step.row(self.forget),
        )
        step.when_changed(self.url, self._addressed)
        session.watch(self.refresh)
        self.refresh()

    @property
    def state(self) -> step.State:
        """Done when exports were read."""
        return "done" if self._exports and not self._session.plan.scene else "optional"

    def refresh(self) -> None:
        """Show the files that were read, and the address in force."""
        self._show_address()
        self.about.value = fields.notice(LAB, "info") if self._session.plan.scene else ""
        self.empty.layout.display = "" if self.url.value else "none"
        self.forget.layout.display = "" if self._exports else "none"
        rows = tuple(
            (
                str(export.source),
                ", ".join(sorted(export.looked)) or "nothing known here",
                str(len(export.rows)),
            )
            for export in self._exports
        )
        table = Table(("File", "Tables", "Records"), rows)
        self.table.value = fragment(Page("", (table,))) if rows else ""

    def receive(self, blobs: tuple[Blob, ...]) -> None:
        """Read exports and add them to the case."""
        self.message.value = ""
        for blob in blobs:
            with step.told(self.message):
                self._exports.append(read_export(blob))
        if self._exports:
            self._session.add(settings=settings_from(self._exports))
        self.refresh()

    def clear(self) -> None:
        """Forget every export."""
        self._exports, self.message.value = [], ""
        self._session.add(settings=None)

    def _show_address(self) -> None:
        """Show the address that another step gave or took away; leave what is being typed."""
        url = self._session.given.url
        if url != self._shown:
            self._shown = url
            self.message.value, self.url.value = "", url or ""

    def _emptied(self) -> None:
        self.url.value = ""
        self._addressed()

    def _addressed(self) -> None:
        text = address.kept(self.url.value)
        if text != self.url.value.strip():
            self.url.value = text  # which brings us here again, to read it
            self.message.value += fields.notice(address.DROPPED, "info")
            return
        self.message.value, url = "", text or None
        with step.told(self.message, named=False):
            self._lead(url)
        self.refresh()

    def _lead(self, url: str | None) -> None:
        """Hand in the address; one that cannot be followed takes the former away too."""
        self._shown = None
        try:
            called = target_of(url)[0] if url else None
        except Unreadable:
            self._session.lead_to(None)
            raise
        self._shown = url
        self._session.lead_to(url)
        planned = self._session.plan.target
        if called and planned and called.host != planned.host:
            first = rail.where(rail.BEGIN)
            said = f"The diagnosis calls {planned}, as {first} says, and asks it for this path."
            self.message.value = fields.notice(said, "warn")
