"""Experiments against real servers: what is proved there, and what never is."""

from __future__ import annotations

from functools import cache

import pytest

import mtlskit
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL
from mtlskit.lab.pki import pem
from mtlskit.lab.stacks import STACKS
from mtlskit.lab.world import CLIENT, HOST, Play, World, client_pem
from mtlskit.material import Blob, Source

pytestmark = pytest.mark.needs("nginx", "openssl")


@cache
def world() -> World:
    """The one world of these tests."""
    return World()


def proved(stack: str, fault: str, tls: str) -> set[str]:
    """The causes that are confirmed, with a sound identity of the right CA at hand."""
    here = world()
    beside = Blob(Source("right.pem"), client_pem(Play(here.issuing.client(CLIENT))))
    for running, staged in measure.staged(STACKS[stack], here, [ALL[fault]]):
        play = staged.play(here)
        report = mtlskit.diagnose(
            running.target,
            identity=Blob(Source("own.pem"), client_pem(play)) if play.identity else None,
            trust=Blob(Source("trust.pem"), pem((here.server_root.certificate,))),
            material=beside,
            server_name=play.server_name,
            url=f"https://{HOST}/",
            tls=tls,
            timeout=5.0,
        )
        return {one.cause for one in report.opinions if one.standing == "CONFIRMED"}
    raise AssertionError(f"{stack} cannot play {fault}")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("stack", ["nginx", "openssl-www"])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [("expired", "client.expired"), ("unrelated_ca", "client.wrong-identity")],
)
def test_what_the_client_can_mend_is_proved(stack: str, fault: str, cause: str, tls: str) -> None:
    """The sound identity beside is accepted, and that names what was wrong with the first."""
    assert proved(stack, fault, tls) == {cause}


@pytest.mark.parametrize("fault", ["ok", "crl_expired", "server_trusts_intermediate_only"])
def test_what_no_client_can_mend_is_never_proved(fault: str) -> None:
    """A sound server proves nothing, and neither does one whose own set-up is at fault."""
    assert proved("nginx", fault, "1.3") == set()
