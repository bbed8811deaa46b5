"""Base64 without BEGIN and END lines: recognised by what it holds, read, and told."""

from __future__ import annotations

import base64
import textwrap
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.formats import format_of
from mtlskit.certs.keystore import open_store
from mtlskit.material import Blob, Source

if TYPE_CHECKING:
    from conftest import Cast, Maker


@pytest.mark.parametrize("width", [64, 76, 100_000])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_certificate_without_its_lines_is_read_and_told(
    make: Maker, cast: Cast, width: int, ends: str
) -> None:
    """However it is wrapped, with or without a byte-order mark; the missing line is named."""
    lines = textwrap.wrap(base64.b64encode(cast.client.der).decode(), width)
    for mark in ("", "\ufeff"):
        held = make.opened((mark + ends.join(lines) + ends).encode())
        assert [one.certificate.der for one in held.entries if one.certificate] == [cast.client.der]
        (problem,) = held.problems
        assert problem.code == "no-begin-line"
        assert "-----BEGIN CERTIFICATE-----" in problem.text


def test_a_key_store_as_base64_is_opened(make: Maker, cast: Cast) -> None:
    """Secrets of some platforms are kept so; the password counts as ever."""
    text = base64.b64encode(cast.client.p12("word"))
    assert len(make.opened(text, "word").identities) == 1
    assert make.codes(make.opened(text, "wrong")) == ["no-begin-line", "wrong-password"]


def test_other_base64_is_no_key_store(make: Maker) -> None:
    """A token or a text that happens to be base64 stays what it is."""
    for text in (base64.b64encode(b"nothing of the kind" * 9), b"word " * 40, b"A" * 400):
        assert format_of(text) is None
        assert make.codes(make.opened(text)) == ["not-recognised"]


def test_base64_that_breaks_off_is_damage(make: Maker, cast: Cast) -> None:
    """Far behind the beginning, by which it was recognised."""
    text = base64.b64encode(cast.client.der * 9)
    assert make.codes(make.opened(text[:5001])) == ["damaged"]


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_base64_is_read_or_refused(inner: bytes, cut: int) -> None:
    """Never an exception, whatever it holds and wherever it is cut; doubly wrapped text too."""
    once = base64.b64encode(b"0\x82\x01\x00" + inner)
    for text in (once, once[:cut], base64.b64encode(once)):
        held = open_store(Blob(Source("x"), text))
        assert held.entries or held.problems
