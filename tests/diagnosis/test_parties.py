"""Who must act: named alone only where hardly anything is left to the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mtlskit.diagnosis.causes import Party
from mtlskit.diagnosis.parties import parties
from mtlskit.diagnosis.reason import Opinion, Standing
from mtlskit.report import Report


def opinion(party: Party, weight: float, standing: Standing = "POSSIBLE") -> Opinion:
    """An opinion of which only party, weight and standing count."""
    return Opinion("client.profile", "It is so", standing, party, (), "Do it.", (), weight)


@pytest.mark.parametrize(
    ("share", "named"),
    [
        (0.5, ("client-owner", "endpoint-owner")),
        (0.12, ("client-owner", "endpoint-owner")),
        (0.08, ("client-owner",)),
        (0.0, ("client-owner",)),
    ],
)
def test_a_party_is_left_out_below_a_tenth_of_the_weight(
    share: float, named: tuple[Party, ...]
) -> None:
    """The others are named as long as a tenth of what is open is theirs."""
    said = (opinion("client-owner", 1 - share), opinion("endpoint-owner", share))
    assert parties(said) == named


def test_the_causes_of_one_party_count_together() -> None:
    """Several light causes of one party weigh as much as one heavy one."""
    many = (opinion("endpoint-owner", 0.04),) * 3
    assert parties((opinion("client-owner", 0.88), *many)) == ("client-owner", "endpoint-owner")
    assert parties((opinion("client-owner", 0.88), many[0])) == ("client-owner",)


def test_the_others_are_named_the_likeliest_first() -> None:
    """After the party of the first opinion comes the one with the most weight."""
    said = (
        opinion("client-owner", 0.3), opinion("network", 0.2), opinion("endpoint-owner", 0.25),
    )  # fmt: skip
    assert parties(said) == ("client-owner", "endpoint-owner", "network")


@pytest.mark.parametrize("standing", ["CONFIRMED", "LIKELY"])
def test_what_was_found_names_its_party_alone(standing: Standing) -> None:
    """A cause that rests on something found is not weighed against guesses."""
    said = (opinion("network", 0.1, standing), opinion("client-owner", 5.0))
    assert parties(said) == ("network",)


def test_where_everything_is_ruled_out_nobody_must_act() -> None:
    """Ruled-out causes name nobody, and count for nothing beside others."""
    out = opinion("network", 9.0, "RULED_OUT")
    assert parties((out,)) == ()
    assert parties(()) == ()
    assert parties((opinion("client-owner", 1.0), out)) == ("client-owner",)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_an_accepted_connection_is_open_between_nobody(
    report_of: Callable[[str, str], Report], tls: str
) -> None:
    """Where nothing is wrong nobody must act."""
    assert report_of("none", tls).diagnosis.parties == ()


def test_where_nothing_fits_nobody_is_named_by_a_guess() -> None:
    """Neither a connection that is well nor a failure that nothing fits is weighed with guesses."""
    first, guess = opinion("endpoint-owner", 0.1), opinion("network", 5.0)
    assert parties((replace(first, cause="none"), guess)) == ()
    assert parties((replace(first, cause="unknown"), guess)) == ("endpoint-owner",)
