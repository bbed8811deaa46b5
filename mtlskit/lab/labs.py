"""The labs that run at the moment on this machine, so that another terminal can end them.

Law of this file: a running lab is known by a socket that the kernel takes back with its process,
so nothing is left to clean up after any ending. Only the same user's labs are seen or ended.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_GONE = 10.0  # seconds that a lab may take to end
_GLANCE = 0.02
_SOCKETS = Path("/proc/net/unix")


@dataclass(frozen=True, slots=True)
class Lab:
    """One running lab: its process, and the name of its socket."""

    pid: int
    name: str


def _prefix() -> str:
    return f"@mtlskit-lab-{os.getuid()}-" if hasattr(os, "getuid") else "@mtlskit-lab-"


@contextmanager
def announced() -> Iterator[None]:
    """Let this process be found as a running lab, where the system has such names (Linux)."""
    if not _SOCKETS.exists():
        yield
        return
    name = f"{_prefix()}{os.getpid()}-{secrets.token_hex(4)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sign:
        sign.bind("\0" + name.removeprefix("@"))
        sign.listen(1)
        yield


def running() -> tuple[Lab, ...]:
    """Return this user's running labs, oldest process number first."""
    try:
        lines = _SOCKETS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    names = {line.split()[-1] for line in lines if line.split()[-1].startswith(_prefix())}
    found = (_found(name) for name in names)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.pid))


def _found(name: str) -> Lab | None:
    """Ask the kernel whose socket it is: a name alone could be anybody's."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1)
        caller.connect("\0" + name.removeprefix("@"))
        told = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", told)
        if uid == os.getuid():
            return Lab(pid, name)
    return None


def end(labs: tuple[Lab, ...]) -> tuple[Lab, ...]:
    """Ask labs to end, by process id; return those that have not ended in time."""
    for one in labs:
        with suppress(OSError):
            os.kill(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GONE
    while (left := _still(labs)) and time.monotonic() < deadline:
        time.sleep(_GLANCE)
    return left


def _still(labs: tuple[Lab, ...]) -> tuple[Lab, ...]:
    names = {one.name for one in running()}
    return tuple(one for one in labs if one.name in names)
