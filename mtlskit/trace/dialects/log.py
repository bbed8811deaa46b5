"""What was read from one log. Law of this file: values only, in the order of the log."""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.certs.certificate import Certificate
from mtlskit.material import Problem, Source
from mtlskit.page.blocks import Block, Code, Fields, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown
from mtlskit.trace import tell
from mtlskit.trace.events import Trace
from mtlskit.trace.said import Said

_MANY = 50
"""Rows of one table that are shown; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Log(Shown):
    """One log, told.

    Attributes:
        dialect: what wrote it, such as ``openssl`` or ``nginx``; None: nothing in it was known.
        traces: the connections that it tells of, in order.
        said: every phrase that was recognised, in order.
        certificates: those printed in it, each once.
        problems: what could not be read, such as a line that is longer than the limit.
    """

    source: Source
    dialect: str | None
    traces: tuple[Trace, ...] = ()
    said: tuple[Said, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    problems: tuple[Problem, ...] = ()

    def page(self) -> Page:
        """Describe the log: what it is, its connections, its phrases."""
        blocks: list[Block] = [Fields(tuple(self._facts()))]
        if self.traces:
            blocks.append(Section("Connections", (self._connections(),)))
        if self.said:
            blocks.append(Section("Recognised phrases", (self._phrases(),)))
        if not (self.traces or self.said):
            blocks.append(Paragraph("Nothing in it is a phrase about TLS that is known here."))
        blocks += [Paragraph(str(one)) for one in self.problems]
        return Page(f"Log {self.source}", tuple(blocks))

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("Written by", self.dialect or "not recognised"),
            ("Connections", str(len(self.traces))),
            ("Phrases", str(len(self.said))),
            ("Certificates", str(len(self.certificates))),
        ]

    def _connections(self) -> Table:
        rows = tuple((str(one.source), tell.headline(one)) for one in self.traces[:_MANY])
        return Table(("Where", "How it ended"), rows, _left_out(len(self.traces)))

    def _phrases(self) -> Table:
        rows = tuple(
            (str(one.source), one.speaker or "not told", Code(one.text))
            for one in self.said[:_MANY]
        )
        return Table(("Where", "Whose log", "Text"), rows, _left_out(len(self.said)))


def _left_out(number: int) -> str:
    return f"{number - _MANY} more are left out here" if number > _MANY else ""
