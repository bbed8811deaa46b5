"""One real connection, seen four ways: the wire, a capture, the client's log and the server's.

Real clients fail against real servers. Every account of the same connection leads to the same
answers: how many certificates were sent, who refused, by which alert. An account may not know;
it is never wrong.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from mtlskit.collect.clients.programs import CLIENTS
from mtlskit.lab.scenes import SCENES, Staged
from mtlskit.lab.stacks import STACKS
from tests.real.views import Views, contradiction, miscounted, misnamed, playing, plays, views_of

_SOME = (
    ("nginx", "client.expired"),
    ("haproxy", "client.no-identity"),
    ("openssl-www", "client.chain-incomplete"),
    ("java-socket", "client.untrusted-issuer"),
    ("apache", "server.expired"),
)
_MANY = tuple(
    itertools.product(
        [name for name, one in STACKS.items() if one.answers],
        [scene.id for scene in SCENES.values() if scene.outcome == "refused" and scene.refused_by],
    )
)
EVERYTHING = bool(os.environ.get("MTLSKIT_EVERYTHING"))
"""Set, every scene is played on every server: that takes an hour, and no part of it is new."""


@pytest.fixture(
    scope="module",
    params=[(*one, tls) for one in (_MANY if EVERYTHING else _SOME) for tls in ("1.2", "1.3")],
    ids="-".join,
)
def played(request: pytest.FixtureRequest) -> Iterator[tuple[Staged, dict[str, Views]]]:
    """A scene on a real server, and the accounts of every client's attempt at it."""
    name, scene, tls = request.param
    if not plays(name, scene, tls):
        pytest.skip(f"{name} does not play {scene} in TLS {tls} here")  # not under CI: see needs
    with playing(name, scene, tls) as (staged, tap):
        yield staged, {one.name: views_of(staged, tap, one.name) for one in CLIENTS}


pytestmark = pytest.mark.needs(
    "openssl", "curl", "java", "javac", "gnutls-cli", "node", "nginx", "haproxy", "apache2"
)
each_client = pytest.mark.parametrize("client", [one.name for one in CLIENTS])


@each_client
@pytest.mark.parametrize("question", ["sent", "refused by", "alert"])
def test_no_account_contradicts_another(
    played: tuple[Staged, dict[str, Views]], client: str, question: str
) -> None:
    """What two accounts of one connection say, they say alike."""
    assert contradiction(played[1][client], question) == {}


@each_client
def test_whoever_is_named_is_the_one_that_refused(
    played: tuple[Staged, dict[str, Views]], client: str
) -> None:
    """Some account names the side, and it is the side that the scene was declared to have."""
    staged, views = played
    assert misnamed(views[client], staged, client) == {}
    if not EVERYTHING:  # these five scenes tell it to everyone
        assert views[client].answers("refused by") or views[client].run.refused_by


@each_client
def test_what_was_sent_is_what_was_held(
    played: tuple[Staged, dict[str, Views]], client: str
) -> None:
    """No account tells of a certificate that the client had not, and none is overlooked."""
    staged, views = played
    assert miscounted(views[client], staged) == {}
    if staged.scene.id in {"client.expired", "client.chain-incomplete"}:
        assert views[client].answers("sent")
