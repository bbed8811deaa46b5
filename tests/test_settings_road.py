"""Exports of an instance beside a live endpoint: what to set, and why."""

import pytest

import mtlskit
from mtlskit.lab import exports, scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob, Source
from mtlskit.report import Report


def judged(staged: Staged, world: str) -> Report:
    """Diagnose the scene with the exports of an instance that calls this endpoint."""
    made = {one.id: one for one in exports.worlds(staged.server_name, staged.target.port)}
    data = exports.as_unload(made[world].records)
    return mtlskit.diagnose(
        staged.target,
        identity=staged.identity_files or None,
        trust=staged.trust_files,
        password=staged.password,
        server_name=staged.server_name,
        settings=Blob(Source("instance.xml"), data),
        url=f"myhttps://{staged.server_name}:{staged.target.port}/orders",
    )


def test_an_accepted_endpoint_and_broken_settings_name_the_settings() -> None:
    """From here the identity is accepted; the instance's port and properties are what is wrong."""
    with scenes.stage("none") as staged:
        report = judged(staged, "broken")
        port = staged.target.port
    assert report.outcome == "accepted"
    first = report.opinions[0]
    assert (first.cause, first.standing, first.party) == (
        "instance.port",
        "LIKELY",
        "instance-admin",
    )
    words = str(report)
    assert f"{port} was expected" in words.replace("\n|", "").replace("                  ", "")
    assert "glide.httpclient.protocol.myhttps.port (now 4433)" in first.remedy
    assert "none" not in {one.cause for one in report.opinions}
    answers = {row.id: row for row in report.checklist}
    assert answers["several-key-stores"].answer == "yes"
    assert answers["settings-resolve"].answer == "unknown"
    assert "on paper" in answers["settings-resolve"].because[0].text
    assert not answers["settings-resolve"].by_hand


def test_healthy_settings_say_that_nothing_is_wrong() -> None:
    """With sound exports and an accepted call, the only opinion is that nothing is wrong."""
    with scenes.stage("none") as staged:
        report = judged(staged, "healthy")
    standing = {one.cause for one in report.opinions if one.standing != "RULED_OUT"}
    assert standing == {"none"}


@pytest.mark.parametrize("world", ["broken", "healthy"])
def test_settings_are_not_blamed_for_a_call_of_our_own_that_failed(world: str) -> None:
    """An expired certificate that mtlskit itself sent is the cause, whatever the settings say."""
    with scenes.stage("client.expired") as staged:
        report = judged(staged, world)
    assert report.opinions[0].cause == "client.expired"
