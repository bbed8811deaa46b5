"""One description, many faces."""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.page.blocks import Page, Paragraph
from mtlskit.page.shown import Shown


@dataclass(frozen=True, slots=True)
class Greeting(Shown):
    name: str

    def page(self) -> Page:
        """Describe it."""
        return Page("Greeting", (Paragraph(f"Hello, {self.name}."),))


def test_a_result_shows_itself_everywhere() -> None:
    """Text, HTML and Markdown are printed from the one page, for IPython in a bundle."""
    shown = Greeting("<you>")
    assert str(shown) == "Greeting\n========\n\nHello, <you>.\n"
    bundle = shown._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"text/plain", "text/html", "text/markdown"}
    assert "Hello, &lt;you&gt;." in bundle["text/html"]
    assert bundle["text/html"] == shown._repr_html_()
    assert bundle["text/markdown"] == shown._repr_markdown_() == "# Greeting\n\nHello, \\<you\\>.\n"


def test_the_mixin_takes_no_room() -> None:
    """A slotted dataclass stays slotted, and its repr stays its own."""
    assert not hasattr(Greeting("a"), "__dict__")
    assert repr(Greeting("a")) == "Greeting(name='a')"
