"""Runs one server process: a private directory, a port of its own, a deadline, a sure end.

Law of this file: a server is ready when its own process listens on its port, and that is looked
up, not waited for by the clock. However this process ends, the server and its directory go too.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from mtlskit.lab.stacks.setup import Launch, NotHere, Room, Running, Setup, Stack
from mtlskit.material import Source, Target, Text

LOOPBACK = "127.0.0.1"
READY = 20.0
"""Seconds until a server must listen."""
_TRIES = 6  # ports to try when somebody else has taken one
_ENDING = 10.0
_GLANCE = 0.01  # seconds between two looks at a starting server
_BELOW_EPHEMERAL = (20000, 32000)  # no client's own port lies there on Linux
_NOBODY = 65534
_LOG_LIMIT = 1 << 20  # bytes of a log that are read, from its end
_IN_USE = re.compile(
    r"in use|could not bind|cannot bind|EADDRINUSE|Error binding|bind\(\) to|no listening sockets",
    re.IGNORECASE,
)
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_KEEPER = Path(__file__).with_name("keeper.py")


@contextmanager
def started(stack: Stack, setup: Setup) -> Iterator[Running]:
    """Start a stack's server and end it when the context is left.

    Raises:
        NotHere: its program is not here, or it did not start in time; its own words are told.
    """
    program = stack.find()
    if program is None:
        raise NotHere(f"{stack.name} is not on this machine.")
    said = ""
    for _ in range(_TRIES):
        with ExitStack() as leaving:
            kept = leaving.enter_context(_kept())
            room = Room(kept.folder, _free_port())
            launch = _furnished(stack, setup, program, room)
            kept.run(launch)
            port, said = _listening(kept, room, launch, stack)
            if port is not None:
                log = _Log(stack, room, Target(LOOPBACK, port))
                leaving.callback(log.close)
                yield Running(stack.name, log.target, kept.pid, log.text, stack.starttls)
                return
        if not _IN_USE.search(said):
            break
    raise NotHere(f"{stack.name} did not start: {said.strip()[-600:] or 'it said nothing'}")


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a directory of our own that is gone in the end, even if this process is killed."""
    with _kept() as kept:
        yield kept.folder


def _furnished(stack: Stack, setup: Setup, program: str, room: Room) -> Launch:
    room.furnish(setup)
    launch = stack.launch(setup, room, program)
    if _user() is not None:
        for path in (room.folder, *room.folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
    return launch


def _free_port() -> int:
    """Pick a port that nobody holds at this moment; if it is taken meanwhile, another is tried."""
    low, high = _BELOW_EPHEMERAL
    for _ in range(100):
        port = low + secrets.randbelow(high - low)
        with suppress(OSError), socket.create_server((LOOPBACK, port)):
            return port
    raise NotHere("There is no free port on this machine between 20000 and 32000.")


def _user() -> int | None:
    """Return whom a server shall run as: nobody, if this is root; else None, as ourselves."""
    return _NOBODY if hasattr(os, "geteuid") and os.geteuid() == 0 else None


class _Kept:
    """A directory with its keeper, and the server that is run in it."""

    def __init__(self, folder: Path, orders: IO[bytes], answers: IO[bytes]) -> None:
        self.folder = folder
        self.pid = 0
        self._orders = orders
        self._answers = answers

    def run(self, launch: Launch) -> None:
        """Have the server run; raise `NotHere` if it cannot be."""
        told = {
            "command": launch.command,
            "env": {"LC_ALL": "C", "PATH": _PATH, "TZ": "UTC"} | dict(launch.env),
            "user": _user(),
            "ends": int(launch.ends),
        }
        self._orders.write(json.dumps(told).encode() + b"\n")
        first, _, rest = self._line(READY).partition(" ")
        if first != "pid":
            raise NotHere(f"The server could not be started: {rest or 'its keeper said nothing'}")
        self.pid = int(rest)

    def ended(self) -> bool:
        """Tell whether the server has ended by itself."""
        return bool(select.select([self._answers], [], [], 0)[0])

    def _line(self, patience: float) -> str:
        if not select.select([self._answers], [], [], patience)[0]:
            return ""
        return self._answers.readline().decode("utf-8", "replace").strip()


@contextmanager
def _kept() -> Iterator[_Kept]:
    folder = Path(tempfile.mkdtemp(prefix="mtlskit-lab-"))
    keeper = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", str(_KEEPER), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for us; the keeper hears of our end by its pipe
    )
    with keeper:
        if keeper.stdin is None or keeper.stdout is None:
            raise NotHere("The keeper has no pipes.")
        try:
            yield _Kept(folder, keeper.stdin, keeper.stdout)
        finally:
            keeper.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                keeper.wait(_ENDING)
            keeper.kill()
            shutil.rmtree(folder, ignore_errors=True)


def _listening(kept: _Kept, room: Room, launch: Launch, stack: Stack) -> tuple[int | None, str]:
    """Wait until the server listens; return its port, or None, with what it said."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        over = kept.ended()
        said = _said(room, stack) if over or launch.announces else ""
        if over:
            return None, said
        if launch.announces is None:
            if _listens(kept.pid, room.port):
                return room.port, said
        elif found := re.search(launch.announces, said):
            return int(found[1]), said
        time.sleep(_GLANCE)
    return None, f"it did not listen within {READY:.0f} s. {_said(room, stack)}"


def _listens(pid: int, port: int) -> bool:
    """Tell whether this process listens on the port; without /proc, whether any does."""
    held = _listeners(port)
    if held is None:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return True
        return False
    return bool(held & _sockets(pid))


def _listeners(port: int) -> set[str] | None:
    """Return the socket inodes that listen on a port (proc(5), /proc/net/tcp)."""
    lines: list[str] = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            lines += Path("/proc/net", table).read_text("ascii").splitlines()[1:]
    rows = (line.split() for line in lines)
    ending, listening = f":{port:04X}", "0A"
    return {row[9] for row in rows if row[1].endswith(ending) and row[3] == listening} or (
        None if not lines else set()
    )


def _sockets(pid: int) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                link = str(entry.readlink())
                if link.startswith("socket:["):
                    found.add(link[8:-1])
    return found


class _Log:
    """What a server says; what it has said stays readable when it and its directory are gone."""

    def __init__(self, stack: Stack, room: Room, target: Target) -> None:
        self._stack = stack
        self._room = room
        self._last: Text | None = None
        self.target = target

    def text(self) -> Text:
        source = Source(f"log of {self._stack.name} on {self.target}")
        return self._last or Text(source, _said(self._room, self._stack))

    def close(self) -> None:
        self._last = self.text()


def _said(room: Room, stack: Stack) -> str:
    """Return what the server has said: its output, then its own log files."""
    parts = [_tail(room.folder / name) for name in ("output.log", *stack.logs)]
    return "\n".join(part for part in parts if part)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_LIMIT))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
