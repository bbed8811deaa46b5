"""All scenes at once on one port, chosen by the name that the client asks for.

Law of this file: like a public test site, but for client certificates, and on this machine. The
ClientHello is read to its server name and then handed on untouched, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mtlskit.lab.endpoint import Behaviour, Line, Visit, serve
from mtlskit.lab.scenes import SCENES, Staged, Version, behaviour_of, plan_of, staging, written
from mtlskit.wire.conversation import Conversation
from mtlskit.wire.messages import ClientHello

DOMAIN = "lab.example"
_HELLO_LIMIT = 65536


def host_of(scene_id: str) -> str:
    """Name a scene's host: ``client-expired--issuer.lab.example`` for ``client.expired/issuer``."""
    return f"{scene_id.replace('/', '--').replace('.', '-')}.{DOMAIN}"


@contextmanager
def stage_all(tls: Version = "1.3", directory: Path | None = None) -> Iterator[tuple[Staged, ...]]:
    """Play every scene that the lab's own endpoint can, all on one port.

    Args:
        tls: the TLS version to play them in.
        directory: where to write the clients' files, in a directory for each scene.
    """
    plans = {one: plan_of(one, tls, host_of(one)) for one in SCENES}
    named = {
        host_of(one): behaviour_of(plan.endpoint)
        for one, plan in plans.items()
        if plan.endpoint is not None
    }
    with serve(by_name(named)) as endpoint:
        staged = [
            staging(one, tls, endpoint.target, plan)
            for one, plan in plans.items()
            if plan.endpoint is not None
        ]
        if directory is not None:
            for one in staged:
                folder = directory / host_of(one.scene.id).partition(".")[0]
                folder.mkdir(mode=0o700)
                written(one, folder)
        yield tuple(staged)


def by_name(named: Mapping[str, Behaviour]) -> Behaviour:
    """Do what is set down for the name that the client asks for; without one, close."""

    def behave(line: Line) -> Visit:
        first, name = read_hello(line)
        behaviour = named.get(name or "")
        if behaviour is None:
            return Visit(ended=f"no scene is played by the name {name!r}")
        return behaviour(Again(line, first))

    return behave


class Again(Line):
    """The same line, with what was read of it to be read once more."""

    def __init__(self, line: Line, first: bytes) -> None:
        vars(self).update(vars(line))
        self._first = first

    def receive(self) -> bytes:
        """Return what was put back, and then what comes."""
        if self._first:
            data, self._first = self._first, b""
            return data
        return super().receive()


def read_hello(line: Line) -> tuple[bytes, str | None]:
    """Read until the ClientHello is whole; return what was read, and the server name in it."""
    conversation, read = Conversation(), b""
    while len(read) < _HELLO_LIMIT:
        data = line.receive()
        read += data
        for seen in conversation.feed("client", data):
            hello = seen.item
            return read, hello.server_name if isinstance(hello, ClientHello) else None
    return read, None
