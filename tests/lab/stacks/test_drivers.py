"""Every driver of a server that is on this machine does what it says it can, on the real server."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

import pytest

from mtlskit.collect.live import connect
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL
from mtlskit.lab.stacks import STACKS, Setup, Stack
from mtlskit.lab.stacks.setup import Wish
from mtlskit.lab.world import HOST, World
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

_HERE = [name for name, one in STACKS.items() if one.available()]
_NAMED = ("openssl", "openssl-www", "nginx", "apache", "haproxy", "stunnel", "gnutls",
          "java-socket", "java-https", "node", "python", "python-asyncio")  # fmt: skip

_PECULIAR = {
    ("apache", "depth"): ("refused", "80"),  # it says so in words of its own in its log
    ("lighttpd", "ca-list"): ("refused", "42"),  # it takes nobody whose CA it has not named
}

pytestmark = pytest.mark.needs(
    "openssl", "nginx", "apache2", "haproxy", "stunnel4", "gnutls-serv", "java", "javac", "node"
)


@pytest.fixture(scope="module")
def world() -> World:
    """The parties."""
    return World()


def _wishes(world: World) -> dict[Wish, tuple[dict[str, Any], tuple[str, str, str]]]:
    """Each wish, as it is told to a server, and what a sound client in TLS 1.3 then meets.

    That is the outcome, the alert, and the HTTP status.
    """
    fine = ("accepted", "", "")
    return {
        "optional": ({"asks": "optional"}, fine),
        "status": ({"status": 403}, ("refused", "", "403")),
        "ca-list": ({"ca_list": (world.elsewhere.certificate,)}, fine),
        "depth": ({"depth": 0}, ("refused", "48", "")),
        "crl": ({"crls": (world.crl(world.root), world.crl(world.issuing))}, fine),
        "ciphers": (
            {"ciphers": ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384")},
            fine,
        ),
        "schemes": ({"schemes": "rsa_pss_rsae_sha256:RSA+SHA256"}, ("refused", "116", "")),
        "names": ({"names": (HOST,)}, fine),
        "plain": ({"plain": True}, ("refused", "", "")),
        "highest": ({"versions": ("1.2", "1.2")}, ("refused", "70", "")),
    }


def _met(stack: Stack, setup: Setup, world: World, fault: str = "ok", tls: str = "1.3") -> Trace:
    with stack.start(setup) as running:
        play = ALL[fault].play(world)
        call = measure.call_of(running, play, tls, world, answers=stack.answers)
        return follow(connect(call))


def test_servers_of_this_machine_are_found() -> None:
    """What the tests need to be installed is found by the drivers."""
    assert set(_NAMED) <= set(_HERE)


@pytest.mark.parametrize("name", _HERE)
def test_version_is_a_version(name: str) -> None:
    """A server that is here says its version, and its name among the habits is whole."""
    assert re.match(r"(v|go)?\d+(\.\d+)+", STACKS[name].version() or "")
    assert re.fullmatch(r"[a-z0-9_.]+", STACKS[name].habit())


@pytest.mark.parametrize("name", _HERE)
def test_sound_client_is_accepted_and_no_other(name: str, world: World) -> None:
    """With the right certificate one gets in, in both versions; with none or another's, not.

    A server that does not insist in the handshake lets in whoever has none.
    """
    faults = [ALL["ok"], ALL["no_cert"], ALL["unrelated_ca"]]
    welcome = {"ok"} if STACKS[name].insists else {"ok", "no_cert"}
    seen = list(measure.meetings(STACKS[name], world, faults))
    assert len(seen) == 2 * len(faults)
    for met in seen:
        ended = met.trace.ended
        told = (ended.outcome, ended.refused_by)
        wanted = ("accepted", None) if met.fault.id in welcome else ("refused", "server")
        assert told == wanted, met.fault.id


@pytest.mark.parametrize(
    ("name", "wish"),
    [(name, wish) for name in _HERE for wish in get_args(Wish) if wish != "alpn"],
)
def test_what_a_driver_can_the_server_does(name: str, wish: Wish, world: World) -> None:
    """Each wish that a driver takes is carried out; each that it does not take is said."""
    stack = STACKS[name]
    parts, (outcome, alert, http) = _wishes(world)[wish]
    setup = replace(world.setup("base"), **parts)
    if stack.lacks(setup):
        assert stack.lacks(setup) == {wish}
        return
    outcome, alert = _PECULIAR.get((name, wish), (outcome, alert))
    ended = _met(stack, setup, world).ended
    assert ended.outcome == outcome
    if name in {"openssl-www", "haproxy", "apache", "lighttpd"}:  # whose alerts are OpenSSL's own
        assert str(ended.symptom.alert or "") == alert
    if http:
        assert ended.symptom.http == int(http)


@pytest.mark.parametrize("name", _HERE)
def test_optional_asking_lets_in_who_has_none(name: str, world: World) -> None:
    """Where a certificate is asked for and not demanded, one gets in without."""
    setup = replace(world.setup("base"), asks="optional")
    if not STACKS[name].lacks(setup):
        trace = _met(STACKS[name], setup, world, "no_cert")
        assert (trace.ended.outcome, trace.client_chain) == ("accepted", ())


@pytest.mark.parametrize("name", _HERE)
def test_server_that_does_not_ask_sends_no_request(name: str, world: World) -> None:
    """Without asking there is no CertificateRequest, and everyone gets in."""
    setup = replace(world.setup("base"), asks="no", trust=())
    trace = _met(STACKS[name], setup, world)
    assert (trace.ended.outcome, trace.asked) == ("accepted", None)
