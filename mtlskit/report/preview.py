"""What a level of redaction replaces by what, to look at before a report is handed on.

Law of this file: it is shown and never saved: whoever holds it can undo the redaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.page.blocks import Block, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown
from mtlskit.report.naming import Level

MEANS: dict[Level, str] = {
    "secrets": "Secrets are taken out; every name and address stays.",
    "own": "Names and addresses of the side that calls are replaced by placeholders.",
    "names": "All names and addresses are replaced by placeholders.",
}


@dataclass(frozen=True, slots=True)
class Preview(Shown):
    """The names that a level replaces.

    Attributes:
        replaced: each name with its placeholder.
        kept: names that are ordinary words too; they are replaced in distinguished names only.
    """

    level: Level
    replaced: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...] = ()

    def page(self) -> Page:
        """Describe what will be replaced, and what stays."""
        blocks: list[Block] = [Paragraph(MEANS[self.level])]
        if self.level != "secrets":
            blocks.append(Paragraph(_STAYS))
        if self.replaced:
            blocks.append(Table(("Name", "Is replaced by"), self.replaced))
        if self.kept:
            said = "These are ordinary words too. They are replaced in distinguished names only:"
            table = Table(("Name", "Is replaced by"), self.kept)
            blocks.append(Section("What may stay", (Paragraph(said), table)))
        return Page(f"What the level {self.level} replaces", tuple(blocks))


_STAYS = (
    "Serial numbers, fingerprints, times and ports stay, since logs are searched by them: whoever "
    "has the certificate can tell whose it is. This list is shown only; keep it to yourself."
)
