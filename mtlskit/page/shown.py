"""How a result shows itself: one description, many faces.

Law of this file: a result writes `page()` once; what a terminal, a notebook or a ticket shows is
printed from that page. The printers are loaded when something is shown, not before.
"""

from __future__ import annotations

from abc import abstractmethod

from mtlskit.page.blocks import Page


class Shown:
    """Mix in, write `page`, and the value shows itself everywhere.

    It keeps no state and has no slots of its own, so a frozen, slotted dataclass can inherit it.
    """

    __slots__ = ()

    @abstractmethod
    def page(self) -> Page:
        """Describe this value as a page of blocks."""

    def __str__(self) -> str:
        from mtlskit.page.text import text  # noqa: PLC0415 - loaded when shown

        return text(self.page())

    def _repr_html_(self) -> str:
        from mtlskit.page.html import fragment  # noqa: PLC0415 - loaded when shown

        return fragment(self.page())

    def _repr_markdown_(self) -> str:
        from mtlskit.page.markdown import markdown  # noqa: PLC0415 - loaded when shown

        return markdown(self.page())

    def _repr_mimebundle_(self, **_wanted: object) -> dict[str, str]:
        return {
            "text/plain": str(self),
            "text/html": self._repr_html_(),
            "text/markdown": self._repr_markdown_(),
        }
