"""What is measured on real servers agrees with what was measured before, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mtlskit.diagnosis.causes import causes
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL
from mtlskit.lab.stacks import STACKS
from mtlskit.lab.world import VARIANTS, World

_STACKS = ("openssl-www", "nginx", "haproxy", "java-socket", "node")
_FAULTS = (
    *("ok", "no_cert", "expired", "not_yet_valid", "unrelated_ca", "missing_intermediate"),
    *("self_signed", "eku_server_only", "critical_ext", "revoked", "no_shared_cipher"),
    *("tls_to_plain", "server_untrusted"),
)


@pytest.fixture(scope="module")
def world() -> World:
    """The parties, for all the measuring here."""
    return World()


@pytest.fixture(scope="module", params=_STACKS)
def rows(request: pytest.FixtureRequest, world: World) -> Iterator[list[measure.Row]]:
    """What one real server does in a part of the faults."""
    return list(measure.measure(STACKS[request.param], world, [ALL[one] for one in _FAULTS]))


@pytest.mark.needs("openssl", "nginx", "haproxy", "java", "javac", "node")
def test_rows_agree_with_those_at_hand(rows: list[measure.Row]) -> None:
    """A server of the version that was measured before does today what it did then."""
    agree, changes = measure.compare(measure.known(), rows)
    assert not changes
    same = {(row.stack, row.version.split(" ")[0]) for row in measure.known()}
    assert agree or (rows[0].stack, rows[0].version) not in same


@pytest.mark.needs("openssl", "nginx", "haproxy", "java", "javac", "node")
def test_healthy_client_is_accepted_and_no_other(rows: list[measure.Row]) -> None:
    """On every server the sound client gets in, and the one without a certificate does not."""
    outcomes = {(row.fault, row.tls): row.outcome for row in rows}
    assert {outcomes["ok", tls] for tls in ("1.2", "1.3")} == {"accepted"}
    assert {outcomes["no_cert", tls] for tls in ("1.2", "1.3")} == {"refused"}


@pytest.mark.parametrize("fault", ALL.values(), ids=ALL)
def test_fault_keeps_to_the_vocabulary(fault: measure.Fault, world: World) -> None:
    """Every fault names a cause of the vocabulary and a setup of the servers, and can be made."""
    assert fault.cause in causes()
    assert fault.variant in VARIANTS
    play = fault.play(world)
    identity = measure.identity_of(play)
    assert (identity is None) == (fault.id == "no_cert")


def test_every_fault_at_hand_is_staged_or_known_not_to_be() -> None:
    """The measured faults that are not staged here are the ones that our client cannot make."""
    measured = {row.fault for row in measure.known()}
    assert measured - set(ALL) == {"key_mismatch", "md5_sig", "no_pha", "no_shared_group"}


def test_rows_survive_a_round_trip() -> None:
    """The file at hand, read and written, is the same file."""
    rows = measure.known()
    assert set(measure.read(measure.write(rows))) == set(rows)


def test_new_row_takes_the_place_of_its_cell() -> None:
    """A cell that is measured again is replaced; all others stay."""
    rows = measure.known()
    again = replace(rows[0], alert="99", measured="2030-01-01")
    merged = measure.merged(rows, [replace(again, version=again.version.split(" ")[0])])
    assert len(merged) == len(rows)
    assert again in merged
    assert rows[0] not in merged


def test_difference_is_told_with_both_sides() -> None:
    """A cell that turned out otherwise is given as it was and as it is."""
    row = measure.known()[0]
    other = replace(row, version=row.version.split(" ")[0], outcome="accepted", stage="", alert="")
    agree, (change,) = measure.compare(measure.known(), [other, row])
    assert (agree, change.before, change.after) == (1, row, other)
