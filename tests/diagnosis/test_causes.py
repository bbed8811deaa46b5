"""The vocabulary of causes."""

from typing import get_args

import pytest

from mtlskit.diagnosis.causes import Cause, Party, causes
from mtlskit.trace.events import RefusedBy, Stage


@pytest.mark.parametrize("cause", causes().values(), ids=lambda one: one.id)
def test_each_cause_says_who_must_act_and_what_to_do(cause: Cause) -> None:
    """Party, stages and refusing side are of the vocabulary; title and remedy are sentences."""
    assert cause.party in get_args(Party)
    assert set(cause.shows) <= set(get_args(Stage))
    assert cause.refused_by in (None, *get_args(RefusedBy))
    assert cause.title
    assert not cause.title.endswith(".")
    assert cause.remedy.endswith(".")
    assert cause.prior > 0
    assert cause.like is None or cause.like in causes()


@pytest.mark.parametrize("cause", causes().values(), ids=lambda one: one.id)
def test_each_open_cause_says_how_to_find_out(cause: Cause) -> None:
    """Whoever reads POSSIBLE learns what would settle it; `none` needs nothing."""
    assert bool(cause.settle) is (cause.id != "none")
    assert all(one.endswith(".") for one in cause.settle)
