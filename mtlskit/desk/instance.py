"""The step of the instance's settings: exports in, what they would do to a call out.

Law of this file: it reads exports with `mtlskit.instance` and judges nothing.
"""

from __future__ import annotations

from mtlskit.desk import fields, step
from mtlskit.desk.session import Session
from mtlskit.experiment import target_of
from mtlskit.instance.exports import read_export
from mtlskit.instance.rows import Export
from mtlskit.instance.settings import settings_from
from mtlskit.material import Blob
from mtlskit.page.blocks import Page, Table
from mtlskit.page.html import fragment


class Instance:
    """Hand in exports of the instance's settings."""

    name = "Settings"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._exports: list[Export] = []
        self.upload = fields.files("Add exports", self.receive)
        self.url = fields.line("Address that the instance calls", "https://…")
        self.message, self.table = fields.words(), fields.words()
        self.box = step.page(
            "How is the instance set up?",
            "If the call comes from an instance, its settings decide which key store is used and "
            "on which port. Export the tables sys_properties, sys_protocol_profile and "
            "sys_certificate as XML or JSON and add the files here.",
            step.pair(
                step.cell(self.upload, fields.hint("Any number of files, in any order.")),
                step.cell(
                    self.url,
                    fields.hint("As it stands in the REST message, with its scheme and port."),
                ),
            ),
            self.message,
            self.table,
        )
        step.when_changed(self.url, self._addressed)

    @property
    def state(self) -> step.State:
        """Done when exports were read."""
        return "done" if self._exports else "optional"

    def refresh(self) -> None:
        """Show the files that were read."""
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

    def _addressed(self) -> None:
        self.message.value = ""
        url = self.url.value.strip() or None
        with step.told(self.message, named=False):
            if url:
                target_of(url)  # says what is wrong with it, if anything is
            self._session.add(url=url)
