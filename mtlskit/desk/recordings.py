"""What is at hand without a connection: files of any kind.

Law of this file: it hands each file to the step that reads it. A key log is used in the callback
that takes it and then forgotten.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import ipywidgets as widgets

from mtlskit.collect.evidence import Given
from mtlskit.collect.files import read_blob
from mtlskit.desk import fields, rail, step
from mtlskit.desk.held import Held, Role
from mtlskit.desk.kept import holds_case
from mtlskit.desk.session import Session
from mtlskit.desk.told import Recording, joined_up, sort_out
from mtlskit.material import Blob

USED = "The key log {} opened the captures here as far as it goes, and was forgotten."
UNUSED = (
    "The key log {} was read and forgotten, for there is no capture here yet. "
    "Add it together with the capture that it belongs to."
)
MOVED = "{} went to {}."
ELSEWHERE = f"{rail.where(rail.MEND)}, {rail.MEND}: it is a saved report, to compare with"
OPENED = "The case of {} was opened: everything stands as it was saved."


@dataclass(frozen=True, slots=True)
class Others:
    """Who takes the files that are read elsewhere.

    Attributes:
        store: a key store, by its role; `export`: of an instance's settings.
        report: a saved report; `case`: one that holds a case to go on with.
    """

    store: Callable[[Role, tuple[Blob, ...]], None]
    export: Callable[[tuple[Blob, ...]], None]
    report: Callable[[tuple[Blob, ...]], None]
    case: Callable[[Blob], None]


class Recordings:
    """Drop files of any kind, and see what each one told."""

    def __init__(self, session: Session, others: Others) -> None:
        self._session, self._to = session, others
        self.held: list[Recording] = []
        self.chosen: int | None = None
        self.upload = fields.files("Add files", self.receive)
        self.path = fields.line("Or the path of a file on this computer", "capture.pcapng")
        self.read = fields.action("Read this file", self.fetch)
        fields.entered(self.path, self.fetch)
        self.message = fields.words()
        self.list = widgets.VBox().add_class("mtls-files")
        self.box = step.cell(
            self.upload,
            fields.hint(
                "Captures with their key log, debug logs, transcripts, exports and key stores, in "
                "any mixture, or a case that was saved here; up to 8 MB in all at once. What a "
                "file is, is told by its content. They are read in memory; nothing of them is "
                "written anywhere."
            ),
            self.path,
            fields.hint("For larger files: they are read where they lie."),
            step.row(self.read),
            self.message,
            self.list,
        )

    @property
    def told(self) -> bool:
        """Whether a connection is known."""
        return any(one.told.traces for one in self.held)

    def receive(self, given: Iterable[Given]) -> None:
        """Read files and put each where it belongs."""
        self.message.value = ""
        with step.told(self.message):
            found = sort_out(given, self.held)
            if any(map(self._resumed, found.reports)):
                return
            self.held = list(found.recordings)
            said = [self._said(name) for name in found.key_logs]
            said += [self._store(one) for one in found.stores]
            said += [self._export(one) for one in found.exports]
            said += [self._report(one) for one in found.reports]
            self.message.value = fields.notice(" ".join(said), "info") if said else ""
        self.show()

    def fetch(self) -> None:
        """Read the file whose path was typed."""
        path, self.path.value = self.path.value.strip(), ""
        if path:
            self.receive([path])

    def choose(self, number: int) -> None:
        """Take another connection to be judged, counted from 0."""
        self.chosen = number
        self._session.replay(joined_up(self.held, self.chosen))

    def remove(self, one: Recording) -> None:
        """Forget one file."""
        self.held = [held for held in self.held if held is not one]
        self.show()

    def restore(self, held: Iterable[Recording], chosen: int | None) -> None:
        """List the files of a saved case."""
        self.held = list(held)
        self.show()
        self.chosen = chosen

    def show(self) -> None:
        """List the files, and hand over what they told."""
        self.chosen = None
        old = self.list.children
        self.list.children = [_row(self, one) for one in self.held]
        for row in old:
            row.close()
        self._session.replay(joined_up(self.held))

    def _said(self, name: str) -> str:
        captures = any(one.given is not None for one in self.held)
        return (USED if captures else UNUSED).format(name)

    def _store(self, given: Given) -> str:
        blob = _bytes(given)
        held = Held.opened("material", blob, None)
        own = held.keyed or held.blob is not None
        self._to.store("identity" if own else "material", (blob,))
        return MOVED.format(held.name, f"{rail.where(rail.KEYS)}, {rail.KEYS}")

    def _export(self, given: Given) -> str:
        blob = _bytes(given)
        self._to.export((blob,))
        return MOVED.format(blob.source.name, f"{rail.where(rail.SETTINGS)}, {rail.SETTINGS}")

    def _report(self, given: Given) -> str:
        blob = _bytes(given)
        self._to.report((blob,))
        return MOVED.format(blob.source.name, ELSEWHERE)

    def _resumed(self, given: Given) -> bool:
        """Open the case of a saved file, which replaces everything; False if it holds none."""
        blob = _bytes(given)
        if not holds_case(blob):
            return False
        self._to.case(blob)
        self.message.value = fields.notice(OPENED.format(blob.source.name), "good")
        return True


def _bytes(given: Given) -> Blob:
    return given if isinstance(given, Blob) else read_blob(given)


def _row(panel: Recordings, one: Recording) -> widgets.HBox:
    name, said = html.escape(one.name), html.escape(one.said)
    told = fields.words(f"<p><code>{name}</code></p><p>{said}</p>")
    button = fields.lead("Remove", partial(panel.remove, one))
    button.tooltip = f"Remove {one.name}"
    return widgets.HBox([told, button]).add_class("mtls-file")
