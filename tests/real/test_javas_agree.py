"""Every Java that is installed, against real servers: its log tells what wire and server tell.

`MTLSKIT_JAVAS` names further Javas (paths of the program, separated as in PATH); they need no
compiler.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mtlskit.collect.clients import attempts
from mtlskit.collect.clients.programs import CLIENTS, Client, Errand, written
from mtlskit.collect.clients.running import Command
from mtlskit.lab.scenes import SCENES
from tests.real.views import contradiction, miscounted, misnamed, playing, plays, views_of

pytestmark = pytest.mark.needs("java", "javac", "nginx", "haproxy", "openssl")

_SYSTEM = Path("/usr/lib/jvm")
_SOME = (
    ("nginx", "client.no-identity"),
    ("haproxy", "client.untrusted-issuer"),
    ("openssl-www", "client.expired"),
    ("java-socket", "client.chain-incomplete"),
    ("nginx", "server.name-mismatch"),
    ("haproxy", "protocol.version"),
)
_MANY = tuple(
    (stack, one.id)
    for stack in ("nginx", "haproxy", "openssl-www", "java-socket", "java-https")
    for one in SCENES.values()
    if one.outcome == "refused" and one.refused_by
)
EVERYTHING = bool(os.environ.get("MTLSKIT_EVERYTHING"))


def _javas() -> tuple[str, ...]:
    """The programs, each Java once; the one on the PATH is asked elsewhere, too."""
    named = [Path(one) for one in os.environ.get("MTLSKIT_JAVAS", "").split(os.pathsep) if one]
    every = [*sorted(_SYSTEM.glob("*/bin/java")), *named]
    return tuple(dict.fromkeys(str(one.resolve()) for one in every))


def _named(program: str) -> str:
    """What a test is called by: the file `release` beside every Java says its version."""
    release = Path(program).parents[1] / "release"
    told = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.exists() else None
    return f"java{told[1]}" if told else "java"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Path:
    """The folder of our client's class, for a Java of 8 or later."""
    folder = tmp_path_factory.mktemp("compiled")
    source = written(folder, "attempt.java")
    command = [program("javac"), "--release", "8", "-Xlint:-options", "-d", folder, source]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def _command(compiled: Path, program: str, errand: Errand) -> Command:
    """The usual command, with the class in place of the source."""
    (usual,) = [one for one in CLIENTS if one.name == "Java"]
    command = usual.command(program, errand)
    arguments = (*command.arguments[:-1], "-cp", str(compiled), "attempt")
    return replace(command, arguments=arguments)


@pytest.fixture
def java(
    request: pytest.FixtureRequest, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """A client for one of the Javas, which is asked in place of the usual one."""
    (usual,) = [one for one in CLIENTS if one.name == "Java"]
    java = replace(usual, program=request.param, command=partial(_command, compiled))
    monkeypatch.setattr(attempts, "CLIENTS", (java,))
    return java


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize(("stack", "scene"), _MANY if EVERYTHING else _SOME)
@pytest.mark.parametrize("java", _javas(), ids=_named, indirect=True)
def test_every_java_tells_what_the_wire_and_the_server_tell(
    java: Client, stack: str, scene: str, tls: str
) -> None:
    """What was sent, who refused and by which alert: no account contradicts another."""
    if not plays(stack, scene, tls):
        pytest.skip(f"{stack} does not play {scene} in TLS {tls} here")
    with playing(stack, scene, tls) as (staged, tap):
        views = views_of(staged, tap, java.name)
    assert views.connected
    assert [contradiction(views, one) for one in ("sent", "refused by", "alert")] == [{}, {}, {}]
    assert misnamed(views, staged, java.name) == {}
    assert miscounted(views, staged) == {}
