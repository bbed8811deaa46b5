"""The step of the instance's settings: what they would do to a call out.

Law of this file: `mtlskit.instance` reads them and tells what they do; nothing is judged here. The
address that it shows is the one in force, wherever it was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import ipywidgets as widgets

from mtlskit.collect.given import target_of
from mtlskit.desk import address, fields, rail, step
from mtlskit.desk.reading import Reading
from mtlskit.desk.session import Session
from mtlskit.desk.wording import by_fields
from mtlskit.instance.exports import read_export
from mtlskit.instance.live import Live
from mtlskit.instance.overview import overview
from mtlskit.instance.rows import Export
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.material import Blob, Problem, Unreadable
from mtlskit.page.blocks import Block, Page, Paragraph, Section, Table
from mtlskit.page.html import fragment
from mtlskit.report.redaction import clean_page

LAB = (
    f"A failure of the lab is chosen in {rail.where(rail.BEGIN)}. It uses nothing of this step; "
    "what you give here "
    "is kept for your own endpoint."
)
FEW = 4
"""Rows that are shown unfolded."""


class Instance:
    """Hand in exports of the instance's settings, or have them read from the instance itself."""

    name = rail.SETTINGS

    def __init__(self, session: Session, stored: Callable[[tuple[Blob, ...]], None]) -> None:
        """Draw the step.

        Args:
            session: what is known.
            stored: is given the files of key stores that were fetched from an instance.
        """
        self._session, self._stored = session, stored
        self._exports: list[Export] = []
        self._problems: tuple[Problem, ...] = ()
        self._shown: str | None = None
        self._drawn: Settings | None = None
        self.reading = Reading(self._read)
        self.upload = fields.files("Add exports", self.receive)
        self.forget = fields.lead("Forget the settings", self.clear)
        self.url = fields.line("Address that the instance calls", "https://…")
        self.empty = fields.lead("Clear the address", self._emptied)
        self.about, self.message, self.table = fields.words(), fields.words(), fields.words()
        self.box = step.page(
            self.name,
            "How is the instance set up?",
            "If the call comes from an instance, its settings decide which key store is used and "
            "on which port. Add exports of its tables, or have them read from the instance.",
            self.about,
            step.pair(self._files(), self._address()),
            self.message,
            step.part("Or read them from the instance"),
            step.pair(self.reading.left, self.reading.right),
            self.reading.begin,
            self.reading.message,
            self.table,
            step.row(self.forget),
        )
        step.when_changed(self.url, self._addressed)
        session.watch(step.guarded(self.message, self.refresh))
        self.refresh()

    def _files(self) -> widgets.VBox:
        return step.cell(
            self.upload,
            fields.hint(
                "The tables sys_properties, sys_protocol_profile and sys_certificate, as XML or "
                "JSON. Any number of files, in any order."
            ),
        )

    def _address(self) -> widgets.VBox:
        return step.cell(
            self.url,
            fields.hint(
                "As it stands in the REST message, with its scheme and port. Its path is asked for "
                "once the handshake is done; what follows a question mark is dropped."
            ),
            step.row(self.empty),
        )

    @property
    def state(self) -> step.State:
        """Done when settings were read."""
        read = self._session.given.settings is not None
        return "done" if read and not self._session.plan.scene else "optional"

    def refresh(self) -> None:
        """Show what was read, and the address in force."""
        self._show_address()
        self.about.value = fields.notice(LAB, "info") if self._session.plan.scene else ""
        self.empty.layout.display = "" if self.url.value else "none"
        settings = self._session.given.settings
        self.forget.layout.display = "" if settings else "none"
        if settings is not self._drawn:
            self._drawn = settings
            self.table.value = by_fields(fragment(clean_page(self._told(settings))))

    def _told(self, settings: Settings | None) -> Page:
        """List what was read, then what it says."""
        if settings is None:
            return Page("", ())
        files = tuple(
            (
                str(export.source),
                ", ".join(sorted(export.looked)) or "nothing known here",
                str(len(export.rows)),
            )
            for export in self._exports
        )
        held: Block = Table(("Read from", "Tables", "Records"), files)
        if len(files) > FEW:
            held = Section(f"What was read: {len(files)} files or tables", (held,), folded=True)
        saved = Paragraph(f"From a saved case: {', '.join(map(str, settings.sources))}.")
        said = overview(settings, at=datetime.now(UTC)).page().blocks
        fold = Section("What these settings do to a call out", said, folded=True)
        return Page("", (held if files else saved, fold))

    def receive(self, blobs: tuple[Blob, ...]) -> None:
        """Read exports and add them to the case."""
        self.message.value = ""
        for blob in blobs:
            with step.told(self.message):
                self._exports.append(read_export(blob))
        self._hand_over()

    def _read(self, live: Live) -> None:
        """Take what a running instance told; it stands in the place of an earlier reading."""
        told = {one.source for one in live.exports}
        self._exports = [one for one in self._exports if one.source not in told]
        self._exports += live.exports
        self._problems = live.problems
        self._hand_over()
        stores = self._session.given.settings and self._session.given.settings.key_stores
        files = (file for store in stores or () for file in store.attachments or ())
        if found := tuple(file.blob for file in files if file.blob is not None):
            self._stored(found)

    def _hand_over(self) -> None:
        if self._exports:
            read = settings_from(self._exports)
            whole = replace(read, problems=(*self._problems, *read.problems))
            self._session.add(settings=whole)
        self.refresh()

    def restore(self) -> None:
        """Forget the files that were read: the settings of a saved case stand in their place."""
        self._exports, self._problems, self.message.value = [], (), ""

    def clear(self) -> None:
        """Forget the settings."""
        self.restore()
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
