"""What a level of redaction replaces by what, to look at before a report is handed on.

Law of this file: it is shown and never saved: whoever holds it can undo the redaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mtlskit.page.blocks import Block, Page, Paragraph, Section, Table
from mtlskit.page.shown import Shown
from mtlskit.report.naming import Level, Names

MEANS: dict[Level, str] = {
    "secrets": "Secrets are taken out; every name and address stays.",
    "own": (
        "Names and addresses of the side that calls are replaced by placeholders. What the other "
        "side showed or named itself stays: its host, its certificates, the CAs that it lists."
    ),
    "names": "All names and addresses are replaced by placeholders.",
}


_WORD = re.compile(r"\w[\w.@-]*\w")


@dataclass(frozen=True, slots=True)
class Preview(Shown):
    """The names that a level replaces.

    Attributes:
        replaced: each name with its placeholder.
        kept: names that are ordinary words too; they are replaced in distinguished names only.
        parts: longer words in which one of the names stands, each as it will stand.
        stays: names of the other side in which one of the names stands; they are not changed.
    """

    level: Level
    replaced: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    stays: tuple[str, ...] = ()

    def page(self) -> Page:
        """Describe what will be replaced, and what stays."""
        blocks: list[Block] = [Paragraph(MEANS[self.level])]
        if self.level != "secrets":
            blocks.append(Paragraph(_STAYS))
        if self.replaced:
            blocks.append(Table(("Name", "Is replaced by"), self.replaced))
        if self.parts:
            table = Table(("Word", "Will stand as"), self.parts)
            blocks.append(Section("Longer words in which a name stands", (table,)))
        if self.stays:
            table = Table(("Name of the other side",), tuple((one,) for one in self.stays))
            blocks.append(Section("What stays, though a name is part of it", (table,)))
        if self.kept:
            said = "These are ordinary words too. They are replaced in distinguished names only:"
            table = Table(("Name", "Is replaced by"), self.kept)
            blocks.append(Section("What may stay", (Paragraph(said), table)))
        return Page(f"What the level {self.level} replaces", tuple(blocks))


_STAYS = (
    "Serial numbers, fingerprints, times and ports stay, since logs are searched by them: whoever "
    "has the certificate can tell whose it is. This list is shown only; keep it to yourself."
)


def previewed(found: Names, level: Level, texts: Iterable[str]) -> Preview:
    """List what is replaced.

    Args:
        found: the names that the level hides.
        level: the level.
        texts: every text of the report, with its names.
    """
    change = found.changer()
    listed = {one.lower() for one in found.replaced}
    words = sorted({word for text in texts for word in _WORD.findall(text)})
    parts = [(one, change(one)) for one in words if one.lower() not in listed]
    return Preview(
        level,
        tuple(found.replaced.items()),
        tuple(found.kept.items()),
        tuple(one for one in parts if one[0] != one[1]),
        found.stays(),
    )
