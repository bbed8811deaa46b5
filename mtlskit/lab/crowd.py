"""All scenes at once on one port, chosen by the name that the client asks for.

Law of this file: like a public test site, but for client certificates, and on this machine. The
ClientHello is read to its server name and then handed on untouched, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mtlskit.lab.cast import Plan
from mtlskit.lab.endpoint import Behaviour, Line, Visit, serve
from mtlskit.lab.hello import Again, read_hello
from mtlskit.lab.scenes import SCENES, Staged, Version, behaviour_of, plan_of, staging, written

DOMAIN = "lab.example"


def host_of(scene_id: str) -> str:
    """Name a scene's host: ``client-expired--issuer.lab.example`` for ``client.expired/issuer``."""
    return f"{scene_id.replace('/', '--').replace('.', '-')}.{DOMAIN}"


@contextmanager
def stage_all(tls: Version = "1.3", directory: Path | None = None) -> Iterator[tuple[Staged, ...]]:
    """Play every scene that can be told by its name, all on one port.

    Args:
        tls: the TLS version to play them in.
        directory: where to write the clients' files, in a directory for each scene.
    """
    plans = {
        one: plan
        for one in SCENES
        if _by_its_name(plan := plan_of(one, tls, host_of(one)), host_of(one))
    }
    named = {
        host_of(one): behaviour_of(plan.endpoint)
        for one, plan in plans.items()
        if plan.endpoint is not None
    }
    with serve(by_name(named)) as endpoint:
        staged = [staging(one, tls, endpoint.target, plan) for one, plan in plans.items()]
        if directory is not None:
            for one in staged:
                folder = directory / host_of(one.scene.id).partition(".")[0]
                folder.mkdir(mode=0o700)
                written(one, folder)
        yield tuple(staged)


def _by_its_name(plan: Plan, host: str) -> bool:
    """Tell whether the client of a scene calls the endpoint itself, by the scene's own name."""
    return plan.endpoint is not None and plan.proxy is None and plan.hand.server_name == host


def by_name(named: Mapping[str, Behaviour]) -> Behaviour:
    """Do what is set down for the name that the client asks for; without one, close."""

    def behave(line: Line) -> Visit:
        first, name = read_hello(line)
        behaviour = named.get(name or "")
        if behaviour is None:
            return Visit(ended=f"no scene is played by the name {name!r}")
        return behaviour(Again(line, first))

    return behave
