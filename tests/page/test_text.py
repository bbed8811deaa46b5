"""A page as plain text."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlskit.page.blocks import (
    Badge,
    Block,
    Callout,
    Fields,
    Listing,
    Page,
    Paragraph,
    Picture,
    Section,
    Table,
)
from mtlskit.page.letters import columns
from mtlskit.page.text import brief, text

quick = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def lines_of(*blocks: Block, width: int = 60) -> list[str]:
    return text(Page("t", blocks), width).splitlines()[3:]


def literal(blocks: tuple[Block, ...]) -> bool:
    """Whether a block among these may be wider than the page."""
    return any(
        isinstance(one, Listing | Picture)
        or (isinstance(one, Callout | Section) and literal(one.blocks))
        for one in blocks
    )


@given(st.data())
@quick
def test_no_line_is_wider_than_asked(pages: st.SearchStrategy[Page], data: st.DataObject) -> None:
    """Only a literal listing and a picture's words may be wider than the page."""
    page = data.draw(pages)
    printed = text(page, 80)
    assert printed == text(page, 80)
    if not literal(page.blocks):
        assert all(columns(line) <= 80 for line in printed.splitlines())
    assert all(line.isprintable() for line in printed.splitlines())


def test_columns_of_a_table_begin_under_each_other() -> None:
    """Each cell begins where its column's name begins, also after a wide letter."""
    table = Table(("name", "answer", "why"), (("証明書", "no", "late"), ("b", "unknown", "none")))
    head, rule, first, second = lines_of(table)
    starts = [head.index(one) for one in ("name", "answer", "why")]
    assert [columns(first[: first.index(one)]) for one in ("証", "no", "late")] == starts
    assert [second.index(one) for one in ("b", "unknown", "none")] == starts
    assert set(rule) == {"-", " "}


def test_a_long_cell_wraps_within_its_column() -> None:
    """The other columns stay readable beside it, and a blank line parts the rows."""
    told = lines_of(Table(("a", "b"), (("word " * 30, "yes"), ("short", "no"))), width=40)
    assert all(len(line) <= 40 for line in told)
    assert told[2].endswith("yes")
    assert "" in told


def test_too_many_columns_are_told_row_by_row() -> None:
    """A table that cannot fit becomes names with values, so that nothing is cut."""
    names = tuple(f"column {number}" for number in range(12))
    told = lines_of(Table(names, (tuple("value " + name for name in names),)), width=60)
    assert told[0].split("  ") == ["column 0", " value column 0"]
    assert len(told) == 12


def test_an_empty_table_says_so() -> None:
    """No row is a statement too."""
    assert lines_of(Table(("a",), (), "Keys")) == ["Keys", "(none)"]


def test_a_tone_is_a_word() -> None:
    """A callout names its tone, and a badge stands in brackets."""
    told = lines_of(Callout("It failed.", (Paragraph(Badge("LIKELY", "warn")),), "bad"))
    assert told == ["| PROBLEM: It failed.", "|", "| [LIKELY]"]


def test_values_stand_beside_their_names() -> None:
    """A long value hangs under its beginning."""
    told = lines_of(Fields((("a", "x"), ("longer", "word " * 12))), width=40)
    assert told[0] == "a       x"
    assert told[2].startswith("        word")


def test_a_folded_section_is_told_in_full_unless_only_named(sample: Page) -> None:
    """The text has every statement; the brief page names what it leaves to the saved report."""
    assert "run it --now" in text(sample)
    short = text(brief(sample, "The file has:"))
    assert "run it --now" not in short
    assert short.endswith("The file has: Third.\n")
