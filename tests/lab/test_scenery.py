"""Scenes on real servers: each shows itself as the table says, whatever the server's habits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest

from mtlskit.lab import scenery
from mtlskit.lab.scenes import SCENES, Version, stage
from mtlskit.lab.stacks import STACKS, NotHere

TABLE = Path(__file__).parents[2] / "data" / "scenes-on-stacks.csv"
_ALL = os.environ.get("MTLSKIT_ALL") == "1"
"""Play every scene on every server that is here, and not a sample of them."""
_HERE = tuple(name for name, one in STACKS.items() if one.available() and not one.everywhere)
_STACKS = _HERE if _ALL else ("openssl-www", "nginx", "haproxy", "python")
_SAMPLE = ("none", "client.no-identity", "client.expired", "client.untrusted-issuer",
           "server.name-mismatch", "application.forbidden")  # fmt: skip
_SCENES = tuple(SCENES) if _ALL else _SAMPLE
_LENIENT = {
    "client.weak",
    "client.issuer-purpose",
    "client.purpose",
    "server.trust-incomplete",
    "server.crl-stale",
}
"""What some servers do not mind: short keys, purposes, an intermediate as an anchor, old lists."""

_RACING = "nginx-stream"
"""A server that closes while the request is on its way: a reset may overtake what it said."""

_STRICT = {("lighttpd", "server.chain-incomplete")}
"""A server that shows nobody a chain that it cannot complete itself: it ends with alert 80."""


@pytest.fixture(scope="module")
def table() -> tuple[scenery.Shown, ...]:
    """The table at hand."""
    return scenery.read(TABLE.read_text("utf-8"))


@pytest.mark.needs("openssl", "nginx", "haproxy")
@pytest.mark.parametrize("name", _STACKS)
def test_scenes_show_as_the_table_says(name: str, table: tuple[scenery.Shown, ...]) -> None:
    """A server of the version in the table shows every scene as it stands there."""
    stack = STACKS[name]
    rows = list(scenery.shown(stack, [SCENES[one] for one in _SCENES]))
    assert rows
    known = {(row.stack, row.version) for row in table}
    if (name, stack.version()) in known:
        assert set(rows) <= set(table)


def test_no_server_takes_another_side(table: tuple[scenery.Shown, ...]) -> None:
    """Whoever refuses in a scene is whoever was declared to, on every server that refuses.

    Of a server that closes on the ClientHello without a word, nobody can tell.
    """
    for row in table:
        scene = SCENES[row.scene]
        if (row.stack, row.scene) in _STRICT:
            assert (row.outcome, row.refused_by, row.alert) == ("refused", "server", "80")
        elif (row.stage, row.tcp) == ("hello", "closed"):
            assert row.refused_by in ("", scene.refused_by)
        elif (row.outcome, row.stack, row.tls) == ("undecided", _RACING, "1.3"):
            assert not row.refused_by
        elif row.outcome == "refused":
            assert row.refused_by == (scene.refused_by or ""), row
        else:
            assert scene.outcome == "accepted" or scene.cause in _LENIENT, row


def test_table_holds_every_scene_that_a_server_can_play(
    table: tuple[scenery.Shown, ...],
) -> None:
    """No scene is left out that real servers can play, in either TLS version."""
    played = {(row.scene, row.tls) for row in table}
    wanted = {
        (scene, tls)
        for scene in SCENES
        for tls in get_args(Version)
        if any(scenery.plays(one, scene, tls) for one in STACKS.values())
    }
    assert played == wanted
    assert len({row.stack for row in table}) >= 10


@pytest.mark.needs("nginx")
def test_what_no_server_plays_is_said() -> None:
    """A scene without TLS is the lab's own, and that is said in a sentence."""
    with (
        pytest.raises(NotHere, match="lab's own endpoint"),
        stage("network.timeout", stack=STACKS["nginx"]),
    ):
        pass


@pytest.mark.needs("nginx")
def test_server_log_speaks_of_the_scene() -> None:
    """The staged server's own log tells why it refused."""
    with stage("client.expired", "1.3", stack=STACKS["nginx"]) as staged:
        scenery.met(staged)
        assert "certificate has expired" in staged.running.log().text
