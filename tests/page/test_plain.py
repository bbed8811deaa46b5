"""Any value as JSON-able values, and never a secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Blob, Secrets, Source, Tap, Target
from mtlskit.page.plain import by_fields, json_text, plain


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    seen: bytes
    hidden: bytes = field(repr=False)
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outer:
    one: Inner
    many: tuple[Inner, ...]
    colour: Colour
    secrets: Secrets

    def plain(self) -> object:
        """Tell the fields, and how many there are of the many."""
        return by_fields(self) | {"count": len(self.many)}


MOMENT = datetime(2026, 11, 23, 20, 0, tzinfo=timezone(timedelta(hours=2)))


def test_a_dataclass_is_its_fields() -> None:
    """Bytes are hex, times are UTC, and what its repr hides is not told."""
    told = plain(Inner(b"\x01\xff", b"key", MOMENT))
    assert told == {"seen": "01ff", "when": "2026-11-23T18:00:00Z"}


def test_a_hidden_field_is_told_if_it_is_named() -> None:
    """The caller may ask for a field that is only hidden since it is long."""
    assert plain(Inner(b"", b"\x02"), also=("hidden",)) == {
        "seen": "",
        "hidden": "02",
        "when": None,
    }


def test_a_value_may_tell_itself() -> None:
    """A `plain` method is asked first, and it can build on the fields."""
    told = plain(Outer(Inner(b"", b""), (), Colour.RED, Secrets(("CLIENT_RANDOM a b",))))
    assert told == {"one": {"seen": "", "when": None}, "many": [], "colour": "red", "count": 0}


def test_a_source_and_a_target_are_text() -> None:
    """Places are told as people call them."""
    assert plain([Source("a.p12").at("entry 2"), Target("::1", 443)]) == [
        "a.p12, entry 2",
        "[::1]:443",
    ]


def test_a_secret_is_never_told() -> None:
    """Alone it is refused; within something else it is left out."""
    with pytest.raises(TypeError, match="secret"):
        plain(Secrets(("CLIENT_RANDOM 00 11",)))
    told = json.dumps(plain(Tap(Source("x"), secrets=Secrets(("CLIENT_RANDOM 00 11",)))))
    assert "CLIENT_RANDOM" not in told
    assert "secrets" not in told
    assert plain(Blob(Source("k.pem"), b"-----BEGIN")) == {"source": "k.pem"}


def test_what_is_not_known_is_refused() -> None:
    """Nothing is dropped in silence for being of an unknown kind."""
    with pytest.raises(TypeError, match="object has no plain form"):
        plain({"a": [object()]})


def test_the_usual_kinds_have_a_form() -> None:
    """Paths, days, spans of time and sets become text, numbers and ordered lists."""
    told = plain((PurePosixPath("a/b"), date(2026, 1, 2), timedelta(seconds=3), {"b", "a"}))
    assert told == ["a/b", "2026-01-02", 3.0, ["a", "b"]]
    assert plain(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00Z"


nested = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(nested)
def test_whatever_is_told_is_json(value: object) -> None:
    """What comes out can be written as JSON and read back the same."""
    told = plain(value)
    assert json.loads(json.dumps(told)) == told


@given(nested)
def test_written_json_is_read_back_the_same_and_hides_nothing(value: object) -> None:
    """For a program nothing changes; a person sees no mark that reorders or hides."""
    told = plain(value)
    written = json_text(told)
    assert json.loads(written) == told
    assert written.replace("\n", "").isprintable()
    assert "\n" not in json_text(told, None)


def test_letters_that_can_be_seen_stay_as_they_are() -> None:
    """An umlaut is no danger; a mark of direction is told by its number."""
    assert json_text(["M\u00fcller \u202egpj"], None) == '["M\u00fcller \\u202egpj"]'
