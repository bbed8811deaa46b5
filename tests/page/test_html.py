"""A page as HTML: a fragment for a notebook and a document for a file."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlskit.page import html
from mtlskit.page.blocks import Page, Paragraph, Section, Table
from mtlskit.page.html import document, fragment
from mtlskit.page.letters import visible

quick = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
OURS = frozenset(
    re.findall(
        r"\w+",
        "html head meta title style body div main nav ol ul li a h1 h2 h3 h4 h5 h6 p span strong "
        "code pre table caption thead tbody tr th td section details summary figure figcaption "
        "wbr time img svg rect line path circle g text tspan",
    )
)
WITHOUT_END = {"meta", "wbr", "img"}


class Reader(HTMLParser):
    """Keeps tags with attributes, checks that they nest, and gathers the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and that it is open."""
        self.tags.append((tag, dict(attrs)))
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Hold the end against the latest begin."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of this name."""
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize("print_it", [document, fragment])
@given(data=st.data())
@quick
def test_foreign_text_never_becomes_an_element(
    print_it: html.Dress, pages: st.SearchStrategy[Page], data: st.DataObject
) -> None:
    """Whatever the texts hold, only our elements come out, they nest, and none can act."""
    page = data.draw(pages)
    printed = print_it(page)
    read = Reader(printed)
    assert read.open == []
    assert {tag for tag, _ in read.tags} <= OURS
    for _, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
        assert (attributes.get("src") or "data:image/svg+xml;base64,").startswith("data:image/svg")
    assert "url(" not in printed
    assert print_it(page) == printed


@given(data=st.data())
@quick
def test_text_is_read_back_as_it_was(texts: st.SearchStrategy[str], data: st.DataObject) -> None:
    """Escaping loses nothing: a reader sees the visible text, and copies no break marks."""
    text = data.draw(texts)
    assert Reader(fragment(Page("", (Paragraph(text),)))).text == visible(text) + "\n"


def test_a_document_asks_for_nothing(sample: Page) -> None:
    """Its policy forbids everything but its own style, and no address stands in it."""
    printed = document(sample)
    assert "default-src 'none'" in printed
    assert "<script" not in printed
    assert set(re.findall(r"\w+://[^\s\"']+", printed)) == {"http://www.w3.org/2000/svg"}


def test_a_document_is_ordered_for_those_who_hear_it(sample: Page) -> None:
    """It has a language, one main heading, headings without gaps, and named table heads."""
    read = Reader(document(sample))
    assert read.named("html") == [{"lang": "en"}]
    ranks = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert ranks[0] == 1
    assert ranks.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(ranks))
    assert all(head["scope"] in ("col", "row") for head in read.named("th"))
    assert all(drawn["aria-label"] and drawn["role"] == "img" for drawn in read.named("svg"))
    assert "The same in words" in read.text


def test_contents_lead_to_sections_that_are_there(sample: Page) -> None:
    """Every link of the contents has its goal, once."""
    read = Reader(document(sample))
    goals = [one["id"] for _, one in read.tags if "id" in one]
    links = [str(one["href"])[1:] for one in read.named("a")]
    assert len(links) == 4
    assert set(links) <= set(goals)
    assert len(set(goals)) == len(goals)


def test_a_short_page_has_no_contents() -> None:
    """Contents are printed only where one could get lost."""
    assert "<nav" not in document(Page("t", (Section("one", (Paragraph("x"),)),)))


def test_a_fragment_survives_an_untrusted_notebook(sample: Page) -> None:
    """It has no style sheet, class, id, script or inline drawing: those would be stripped."""
    read = Reader(fragment(sample))
    assert not {"style", "svg", "script", "link"} & {tag for tag, _ in read.tags}
    assert not any({"class", "id"} & set(attributes) for _, attributes in read.tags)
    (image,) = read.named("img")
    assert int(str(image["width"])) > 0
    assert int(str(image["height"])) > 0
    assert image["alt"] == "Time runs down."
    drawn = b64decode(str(image["src"]).partition(",")[2]).decode()
    assert drawn.startswith("<svg xmlns=")
    assert '<rect width="780"' in drawn


def test_a_fragment_follows_the_notebooks_theme() -> None:
    """Variables are the theme's and have a fall-back; cells are aligned to the left."""
    looks = " ".join(html._looks().values())
    assert re.findall(r"var\((--jp-[\w-]+), ", looks)
    assert re.findall(r"var\(--(?!jp-)", looks) == []
    assert all("," in one for one in re.findall(r"var\([^)]*\)?", looks))
    assert "text-align: left" in html._looks()["cell"]


def test_every_look_of_the_notebook_is_worn() -> None:
    """A look that nothing wears is a slip of the pen in one of the two files."""
    source = files("mtlskit.page").joinpath("html.py").read_text("utf-8")
    families = ("callout-", "badge-", "heading")
    for name in html._looks():
        worn = re.search(rf'["\'({{,]\s*f?["\']{name}["\']', source) or f"'{name}'" in source
        assert worn or name.startswith(families), name


def test_an_empty_head_is_no_head() -> None:
    """A column without a name is not announced as a heading."""
    read = Reader(document(Page("t", (Table(("", "b"), (("1", "2"),)),))))
    assert len(read.named("th")) == 1


def _palette(sheet: str) -> dict[str, str]:
    return dict(re.findall(r"--mk-([\w-]+):\s*(#[0-9a-f]{6})", sheet))


def _light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(theme: str) -> None:
    """Every text has a contrast of 4.5 to 1 or more to what it stands on (WCAG 2.2, AA)."""
    sheet = files("mtlskit.page").joinpath("page.css").read_text("utf-8")
    light, dark = (_palette(part) for part in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2])
    colours = light if theme == "light" else light | dark
    assert set(light) == set(dark)
    tones = ("bad", "warn", "good", "info", "plain")
    pairs = [
        *(
            (text, ground)
            for text in ("ink", "muted", "link")
            for ground in ("paper", "card", "well")
        ),
        *((tone, ground) for tone in tones for ground in (f"{tone}-soft", "card")),
        *(("ink", f"{tone}-soft") for tone in tones),
    ]
    poor = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


def test_the_title_is_plain_text() -> None:
    """A window's title and a PDF's take no markup, and the heading breaks only where it must."""
    page = Page("The connection to orders.northwind.example:9443 was refused", ())
    printed = document(page)
    assert f"<title>{page.title}</title>" in printed
    assert f'<h1 class="mk-title">{page.title}</h1>' in printed


def test_what_stays_off_paper_is_marked() -> None:
    """A section that is not printed carries a class of its own, folded or not."""
    for folded in (True, False):
        page = Page("P", (Section("S", (), folded=folded, paper=False),))
        assert "mk-off-paper" in document(page).partition("</style>")[2]
        assert "mk-off-paper" not in fragment(page)
