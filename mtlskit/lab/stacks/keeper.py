"""Keeps a directory, and a server in it, until whoever wanted them is gone.

Law of this file: it is a program of its own, of the standard library alone. Its standard input is
a pipe from its starter; the end of that pipe, however it comes about, ends the server with all its
children and removes the directory. If the keeper itself is killed, the kernel kills the server.

Its argument is the directory. It reads one line of JSON at most: `command`, `env`, `user` (a
number, or null), `ends` (the signal that asks the server to end). It writes ``pid N`` once the
server runs, and ``exit N`` when it has ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

GRACE = 2.0  # seconds between asking the server to end and killing it
_PR_SET_PDEATHSIG = 1  # prctl(2)
_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Keep the directory named as the argument, and the server, until nobody wants them."""
    folder = sys.argv[1]
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):  # Windows has fewer
            signal.signal(getattr(signal, name), lambda *_: sys.exit(1))
    try:
        line = sys.stdin.buffer.readline()
        return _serve(folder, json.loads(line)) if line else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(folder: str, told: dict[str, Any]) -> int:
    """Run the server until it ends or nobody wants it any more."""
    adopt = _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    adopt()
    try:
        server = _started(folder, told)
    except OSError as error:
        _say(f"failed {error}")
        return 1
    _say(f"pid {server.pid}")
    try:
        _keep(server)
    finally:
        _end(server, told["ends"])
    return 0


def _started(
    folder: str,
    told: dict[str, Any],
) -> subprocess.Popen[bytes]:
    log = os.open(
        os.path.join(folder, "output.log"),  # noqa: PTH118 - pathlib starts slower
        os.O_WRONLY | os.O_CREAT | os.O_APPEND,
        0o600,
    )
    user = told["user"]
    rights = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.Popen(  # noqa: S603 - the drivers name the program in full
        told["command"],
        cwd=folder,
        env=told["env"],
        stdin=subprocess.PIPE,  # open and silent: some servers end with their input
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - one thread
        **rights,
    )


def _keep(server: subprocess.Popen[bytes]) -> None:
    """Wait for the end of the server or of the pipe, whichever comes first."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while server.poll() is None:
        ready, _, _ = select.select([0, woken], [], [])
        if 0 in ready and not os.read(0, 4096):
            return
        if woken in ready:
            os.read(woken, 4096)
    _say(f"exit {server.returncode}")
    while os.read(0, 4096):  # until then its log can be read
        pass


def _end(server: subprocess.Popen[bytes], ends: int) -> None:
    """End the server and whatever it has started, by process id."""
    with suppress(OSError):
        os.killpg(server.pid, ends)
    asked, deadline = {server.pid}, time.monotonic() + GRACE
    while _reaped() and time.monotonic() < deadline:
        for pid in set(_children()) - asked:  # those that outlived their parent became ours
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)
            asked.add(pid)
        time.sleep(0.005)
    while _reaped():
        with suppress(OSError):
            os.killpg(server.pid, signal.SIGKILL)
        for pid in _children():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _reaped() -> bool:
    """Take leave of those that have ended; tell whether any child is left."""
    with suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return True
    return False


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listing:  # noqa: PTH123 - as above
            return [int(pid) for pid in listing.read().split()]
    except OSError:
        return []


def _prctl(option: int, value: int) -> Callable[[], object]:
    """Return a call of prctl(2) that does as little as may be done between fork and exec."""
    library = ctypes.CDLL(None)
    call = getattr(library, "prctl", None)
    return (lambda: call(option, value, 0, 0, 0)) if call else (lambda: None)


def _say(text: str) -> None:
    with suppress(OSError):  # the starter may be gone
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
