"""Pages made of anything: every block, with text that nobody expects."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from mtlskit.page.blocks import (
    Badge,
    Callout,
    Code,
    Fields,
    Items,
    Listing,
    Page,
    Paragraph,
    Picture,
    Section,
    Strong,
    Table,
)
from mtlskit.page.ladder import Ladder, Rung

HOSTILE = (
    "<script>alert(1)</script>",
    "\u202egpj.exe",
    "a|b|c",
    "`` ` ``",
    "]](javascript:x)",
    "![x](http://evil.example/p.png)",
    "# no heading",
    "1. no list",
    "=cmd()|' /C calc'!A0",
    "\x1b[31mred\x07",
    "&lt;&#60;",
    "x" * 300,
    "証明書" * 9,
    "\ud800",
    "--- * _ ~",
    '"><img src=x onerror=alert(1)>',
    "",
)
TONES = st.sampled_from(["good", "bad", "warn", "info", "plain"])
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
PIECES = st.one_of(
    TEXTS, TEXTS.map(Code), TEXTS.map(Strong), st.builds(Badge, text=TEXTS, tone=TONES)
)
INLINES = st.one_of(PIECES, st.lists(PIECES, max_size=3).map(tuple))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw a table; each row has as many cells as there are columns."""
    columns = draw(st.lists(TEXTS, min_size=1, max_size=14).map(tuple))
    cells = st.tuples(*[INLINES] * len(columns))
    return Table(columns, tuple(draw(st.lists(cells, max_size=3))), draw(TEXTS))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Draw a ladder's picture."""
    rungs = st.builds(
        Rung,
        direction=st.sampled_from(["left", "right", "note"]),
        label=TEXTS,
        detail=TEXTS,
        tone=TONES,
        sealed=st.booleans(),
        size=TEXTS,
    )
    ladder = Ladder(draw(TEXTS), draw(TEXTS), tuple(draw(st.lists(rungs, max_size=3))))
    return ladder.picture(draw(TEXTS))


BLOCKS = st.recursive(
    st.one_of(
        st.builds(Paragraph, INLINES),
        st.builds(Fields, st.lists(st.tuples(TEXTS, INLINES), min_size=1, max_size=3).map(tuple)),
        tables(),
        st.builds(Items, st.lists(INLINES, max_size=3).map(tuple), numbered=st.booleans()),
        st.builds(Listing, TEXTS, TEXTS),
        pictures(),
    ),
    lambda blocks: st.one_of(
        st.builds(Callout, TEXTS, st.lists(blocks, max_size=2).map(tuple), tone=TONES),
        st.builds(Section, TEXTS, st.lists(blocks, max_size=2).map(tuple), folded=st.booleans()),
    ),
    max_leaves=6,
)
PAGES = st.builds(Page, TEXTS, st.lists(BLOCKS, max_size=4).map(tuple))


@pytest.fixture(scope="session")
def pages() -> st.SearchStrategy[Page]:
    """Gives a strategy for pages."""
    return PAGES


@pytest.fixture(scope="session")
def texts() -> st.SearchStrategy[str]:
    """Gives a strategy for text that nobody expects."""
    return TEXTS


@pytest.fixture(scope="session")
def sample() -> Page:
    """Gives one page with every kind of block, as a report would use them."""
    rungs = (
        Rung("note", "connected"),
        Rung("right", "Hello", "offers 2 and 3", size="12 bytes"),
        Rung("left", "Answer", tone="good", sealed=True),
        Rung("left", "Alert: no", "fatal", tone="bad", sealed=True, size="2 bytes"),
    )
    return Page(
        "What was found",
        (
            Callout(
                "The server refused.",
                (Fields((("Who", Strong("them")), ("Sure", Badge("LIKELY", "warn")))),),
                "bad",
            ),
            Section(
                "First",
                (
                    Paragraph(("Set ", Code("a.b"), " to 1 by 2026-11-23.")),
                    Section("Inner", (Items(("one", "two"), numbered=True),)),
                ),
            ),
            Section("Second", (Table(("a", "b"), (("1", Badge("no", "bad")),), "Caption"),)),
            Section("Third", (Listing("run it --now", "sh"),), folded=True),
            Section("Fourth", (Ladder("left", "right", rungs).picture("Time runs down."),)),
        ),
    )
