"""A page as Markdown, read back by a parser that is not ours."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlskit.page.blocks import Badge, Callout, Code, Listing, Page, Paragraph, Section, Table
from mtlskit.page.letters import visible
from mtlskit.page.markdown import markdown

mistune = pytest.importorskip("mistune")
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class Reader(HTMLParser):
    """Keeps the tags and the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        del attrs

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data


def rendered(source: str) -> Reader:
    """Render Markdown as GitHub would, raw HTML included."""
    reader = Reader()
    render = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])
    reader.feed(render(source))
    return reader


def letters(text: str) -> str:
    return "".join(text.split())


MARKS = ("# a", "- a", "+ a", "> a", "1. a", "2) a", "***", "___", "===", "_a_ b_c_", "~~a~~")


@pytest.mark.parametrize("text", MARKS)
def test_a_mark_is_only_a_sign(text: str) -> None:
    """What begins a heading, a list, a quote or a rule begins none."""
    read = rendered(markdown(Page("t", (Paragraph(text),))))
    assert read.tags == ["h1", "p"]
    assert letters(read.text) == "t" + letters(text)


@given(st.data())
@quick
def test_text_never_becomes_markup(texts: st.SearchStrategy[str], data: st.DataObject) -> None:
    """A paragraph of foreign text is read back as that text and nothing else."""
    text = data.draw(texts)
    read = rendered(markdown(Page("t", (Paragraph(text),))))
    assert set(read.tags) <= {"h1", "p"}
    assert letters(read.text) == "t" + letters(visible(text))


@given(st.data())
@quick
def test_a_cell_stays_a_cell(texts: st.SearchStrategy[str], data: st.DataObject) -> None:
    """Pipes and backticks in cells neither end a cell nor a code span."""
    plain, code = data.draw(texts), data.draw(texts)
    read = rendered(markdown(Page("t", (Table(("a", "b"), ((plain, Code(code)),)),))))
    assert read.tags.count("td") == 2
    assert set(read.tags) <= {"h1", "table", "thead", "tbody", "tr", "th", "td", "code"}
    # mistune leaves the backslash of a pipe within code, which GFM, 4.10 takes away.
    whole = letters(f"tab{visible(plain)}{visible(code)}").replace("\\|", "|")
    assert letters(read.text).replace("\\|", "|") == whole


@given(st.data())
@quick
def test_a_page_prints_alike_twice(pages: st.SearchStrategy[Page], data: st.DataObject) -> None:
    """Any page can be printed, and always the same."""
    page = data.draw(pages)
    assert markdown(page) == markdown(page)
    assert markdown(page).endswith("\n")


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """A listing that holds a fence does not end early."""
    read = rendered(markdown(Page("t", (Listing("```\n# x\n```", "sh"), Paragraph("after")))))
    assert read.tags == ["h1", "pre", "code", "p"]


def test_a_tone_is_a_word() -> None:
    """Tones are said: a callout by its word, a badge in strong letters."""
    page = Page("t", (Callout("It failed.", (Paragraph(Badge("LIKELY", "warn")),), "bad"),))
    assert "> **PROBLEM:** **It failed.**\n>\n> **LIKELY**" in markdown(page)


def test_sections_are_headings_in_order() -> None:
    """Each level of section is one level of heading, six at most."""
    inner = Section("deep", (Paragraph("x"),))
    for _ in range(8):
        inner = Section("s", (inner,))
    heads = [
        line.split(" ")[0] for line in markdown(Page("t", (inner,))).splitlines() if "#" in line
    ]
    assert heads == ["#", "##", "###", "####", "#####", *["######"] * 5]


def test_a_ladder_is_a_code_fence(sample: Page) -> None:
    """A picture is its words, in a fence that keeps the columns."""
    assert "```text\n   left" in markdown(sample)
