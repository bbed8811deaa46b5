"""Spellings: what is forgiven, and what is not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.lab.course.grading import chosen, day, means, names, same_serial, whole

CHOICES = (("a", "the client, Acme's instance"), ("b", "the server"), ("c", "neither"))


@pytest.mark.parametrize(
    "text", ["b", "B", " b) ", "the server", "The server.", "b: the server", "server"]
)
def test_a_choice_is_known_by_letter_or_words(text: str) -> None:
    """Letter, words, both, or words that fit one choice alone."""
    assert chosen(text, CHOICES) == "b"


@pytest.mark.parametrize("text", ["d", "", "either of them", "the"])
def test_what_is_no_choice_is_refused(text: str) -> None:
    """A sentence names the letters that can be chosen."""
    with pytest.raises(ValueError, match="letters a, b, c"):
        chosen(text, CHOICES)


@given(st.integers(min_value=1, max_value=2**159))
def test_a_serial_number_is_known_in_every_spelling(serial: int) -> None:
    """Hexadecimal in any case, with colons or blanks, with 0x, and decimal."""
    plain = f"{serial:x}"
    plain = plain if len(plain) % 2 == 0 else f"0{plain}"
    colons = ":".join(plain[at : at + 2] for at in range(0, len(plain), 2))
    for text in (plain, plain.upper(), colons, colons.upper(), f"0x{plain}", f"serial={plain}"):
        assert same_serial(text, serial)
    assert same_serial(str(serial), serial)
    assert same_serial(serial, serial)
    assert not same_serial(f"{serial + 1:x}", serial) or str(serial) == f"{serial + 1:x}"


@given(st.text())
def test_no_text_upsets_a_comparison(text: str) -> None:
    """Whatever is typed is compared, and nothing else happens."""
    assert same_serial(text, 1 << 100) in {True, False}
    assert whole(text) is None or isinstance(whole(text), int)
    assert day(text) is None or isinstance(day(text), date)
    assert names(text, "Acme Root CA R1") in {True, False}


@pytest.mark.parametrize(
    "text",
    ["2027-01-03", "2027-01-03 18:55 UTC", "3.1.2027", "03.01.2027", "3 Jan 2027",
     "3 January 2027", "January 3, 2027", "Jan 3rd 2027"],
)  # fmt: skip
def test_a_date_is_known_in_common_spellings(text: str) -> None:
    """As programs and people write it."""
    assert day(text) == date(2027, 1, 3)


@pytest.mark.parametrize("text", ["", "tomorrow", "2027-13-40", "31.2.2027", "3 Foo 2027"])
def test_what_is_no_date_is_none(text: str) -> None:
    """No day is made up."""
    assert day(text) is None


def test_names_and_numbers_forgive_how_they_are_written() -> None:
    """Case, blanks and a whole distinguished name; digits and words."""
    assert means("certificate request", "CertificateRequest")
    assert names("CN=Acme Root CA R1,O=Acme Corporation", "Acme Root CA R1")
    assert names("acme root ca r1", "Acme Root CA R1")
    assert not names("CN=Acme Root CA R2,O=Acme Root CA R1", "Acme Root CA R1")
    assert (whole("2"), whole("two"), whole(" Zero "), whole("two or three")) == (2, 2, 0, None)
