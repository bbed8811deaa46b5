"""Text, HTML, Markdown and notebook hold the same statements: word by word, in the same order."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import get_args

import pytest

from mtlskit.page.html import document, fragment
from mtlskit.page.markdown import markdown
from mtlskit.page.text import text
from mtlskit.report import Report
from mtlskit.report.naming import Level
from tests.report.cases import TWELVE

Reports = Callable[[str, str], Report]
WITHIN_A_LINE = {"wbr", "time", "code", "span", "strong"}
UNSAID = {"svg", "style", "nav", "head"}  # a drawing says nothing that its words do not say
WIDE = 100_000  # columns, so that no cell is broken in two
FOLD = "The same in words"  # what opens the words of a drawing on a screen


class Said(HTMLParser):
    """Reads what a browser would show as words."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unsaid = 0
        self._numbers: list[int | None] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        """Part the words, and count the items of a numbered list."""
        self._unsaid += tag in UNSAID
        self._parted(tag)
        if tag in {"ol", "ul"}:
            self._numbers.append(0 if tag == "ol" else None)
        elif tag == "li" and self._numbers and self._numbers[-1] is not None:
            self._numbers[-1] += 1
            self.handle_data(f"{self._numbers[-1]} ")

    def handle_endtag(self, tag: str) -> None:
        """Part the words."""
        if tag in {"ol", "ul"}:
            self._numbers.pop()
        self._unsaid -= tag in UNSAID
        self._parted(tag)

    def handle_data(self, data: str) -> None:
        """Take the words that are shown."""
        if not self._unsaid:
            self.parts.append(data)

    def _parted(self, tag: str) -> None:
        if tag not in WITHIN_A_LINE:
            self.parts.append(" ")


def words(said: str) -> list[str]:
    """The words of a face, without what only arranges them."""
    return re.findall(r"\w+", said.replace(FOLD, "").lower())


def of_html(markup: str) -> list[str]:
    return words("".join(Said(markup).parts))


def of_markdown(written: str) -> list[str]:
    unfenced = re.sub(r"^`{3,}\w*$", "", written, flags=re.MULTILINE)
    return words(re.sub(r"\\(.)", r"\1", unfenced))


@pytest.mark.parametrize(("scene", "tls"), TWELVE)
def test_the_faces_say_the_same(report_of: Reports, scene: str, tls: str) -> None:
    """Nothing is told in one and left out, or put otherwise, in another."""
    page = report_of(scene, tls).page()
    said = words(text(page, WIDE))
    assert len(said) > 500
    assert of_html(document(page)) == said
    assert of_html(fragment(page)) == said
    assert of_markdown(markdown(page)) == said


@pytest.mark.parametrize("level", get_args(Level))
def test_they_say_the_same_at_each_level(incomplete: Report, level: Level) -> None:
    """What is hidden is hidden alike."""
    page = incomplete.redacted(level).page()
    said = words(text(page, WIDE))
    assert of_html(document(page)) == said
    assert of_markdown(markdown(page)) == said
