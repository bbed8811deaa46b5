"""Scenes that can only be read show what they declare, and the vocabulary has a scene for each."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import get_args

import pytest

from mtlskit.lab import exports
from mtlskit.lab.diagnosed import read_in
from mtlskit.lab.recorded import RECORDED, recorded
from mtlskit.lab.scenes import SCENES, Version
from mtlskit.report import Report

Played = dict[tuple[str, str], Report]

OPEN = {"client.chain-order", "server.ca-list-wrong", "server.ca-list-too-large"}
"""Scenes of which the kit says less than is known; what was recorded does not decide them."""
SAME = {
    "client.withheld-ca-list": {"client.untrusted-issuer"},
    "client.withheld-purpose": {"client.purpose"},
    "server.asks-late": {"server.does-not-ask"},
}
"""What is said first as well where both are true of what was recorded."""


@pytest.fixture(scope="module")
def played() -> Played:
    """The report on each scene in each TLS version, with the key log."""
    return {
        (scene, tls): read_in(recorded(scene, tls))
        for scene in RECORDED
        for tls in get_args(Version)
    }


def test_every_cause_has_a_scene() -> None:
    """Each cause of the vocabulary can be staged: called, read, or as an instance's settings."""
    told = files("mtlskit.diagnosis").joinpath("causes.toml").read_text(encoding="utf-8")
    staged = {one.cause for one in (*SCENES.values(), *RECORDED.values(), *exports.FAULTS)}
    assert set(tomllib.loads(told)) - staged == {"unknown"}


@pytest.mark.parametrize("tls", get_args(Version))
@pytest.mark.parametrize("scene_id", RECORDED)
def test_what_was_recorded_ended_as_declared(scene_id: str, tls: Version, played: Played) -> None:
    """Outcome, side, stage and alert of the capture are those of the declaration."""
    scene, trace = RECORDED[scene_id], played[scene_id, tls].case.trace
    assert trace is not None
    ended = trace.ended
    told = (ended.outcome, ended.refused_by, ended.stage, ended.symptom.alert)
    assert told == (scene.outcome, scene.refused_by, scene.stage[tls], scene.alert[tls])


@pytest.mark.parametrize("tls", get_args(Version))
@pytest.mark.parametrize("scene_id", [one for one in RECORDED if one not in OPEN])
def test_what_was_recorded_is_enough(scene_id: str, tls: Version, played: Played) -> None:
    """Read, the capture or log leads to the cause that was staged."""
    first = played[scene_id, tls].opinions[0]
    assert first.cause in {RECORDED[scene_id].cause, *SAME.get(scene_id, ())}
    assert first.standing == "LIKELY"


def test_key_log_can_be_left_out() -> None:
    """Without its key log the capture of TLS 1.3 shows no certificate."""
    sealed = read_in(recorded("client.withheld-ca-list", "1.3", secrets=False))
    assert sealed.case.trace is not None
    assert sealed.case.trace.client_chain is None


def test_unknown_scene_is_named() -> None:
    """Asking for a scene that is not there says which are."""
    with pytest.raises(KeyError, match=r"client\.bored"):
        recorded("client.bored")
