"""What foreign letters may do to a page: nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.page.letters import columns, padded, visible, visible_lines, wrap


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200bb", "a[U+200B]b"),
        ("nul\x00", "nul[U+0000]"),
        ("\x1b[31m", "[U+001B][31m"),
        ("alias\u00a0", "alias[U+00A0]"),
        ("\ud800", "[U+D800]"),
        ("one\u2028two", "one[U+2028]two"),
        ("\U000e0041", "[U+E0041]"),
        ("one\r\ntwo\tthree", "one two three"),
        ("Zürich 証明書", "Zürich 証明書"),
    ],
)
def test_what_a_reader_cannot_see_is_shown_by_its_code_point(hidden: str, shown: str) -> None:
    """Hidden and reordering characters become their code points; letters stay as they are."""
    assert visible(hidden) == shown


@given(st.text())
def test_a_visible_line_hides_nothing(text: str) -> None:
    """Whatever comes in, what goes out is one printable line, and is left alone next time."""
    once = visible(text)
    assert once.isprintable()
    assert visible(once) == once


def test_lines_stay_lines() -> None:
    """A literal text keeps its lines, tabs become blanks, and a lone CR is shown."""
    assert visible_lines("a\tb\r\nc\rd") == ["a   b", "c[U+000D]d"]


words = st.lists(st.text("ab証\u0301", min_size=1, max_size=9)).map(" ".join)


@given(st.one_of(st.text(), words), st.integers(min_value=2, max_value=40))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    """No line is wider than asked, and every letter is still there in order."""
    shown = visible(text)
    lines = wrap(shown, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


def test_an_east_asian_letter_takes_two_columns() -> None:
    """Width is counted in the columns of a terminal, not in letters."""
    assert columns("証明書") == 6
    assert columns("e\u0301") == 1
    assert padded("証", 4) == "証  "
