"""A program of others, run with a deadline and a limit, and ended with its children.

Law of this file: nothing of our environment reaches it but what it needs to run, it is ended by its
own number, and what it says is kept in the order in which it said it, up to a limit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 8 << 20
"""Bytes that are kept of what a program says; one that says more is ended."""

_PASSED_ON = ("PATH", "SYSTEMROOT", "SystemRoot", "COMSPEC", "PATHEXT", "JAVA_HOME", "LANG")
_PIECE = 65536
_JOINING = 5.0  # seconds; a program that left our group may still hold the pipe


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    Attributes:
        arguments: the program first. They are seen by everyone on the machine: no secrets.
        says: goes to its standard input, which is then closed.
        environment: further variables.
        hangs_up: whether its input ends after that; else it stays open as long as it runs.
    """

    arguments: tuple[str, ...]
    says: bytes = field(default=b"", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    hangs_up: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it.

    Attributes:
        status: its exit status, negative for a signal; None: it was ended by us.
        said: what it wrote to both of its outputs, in order.
        why: why it was ended, in words; empty if it ended by itself.
    """

    status: int | None
    said: str = field(repr=False)
    why: str = ""


def run(command: Command, folder: Path, timeout: float) -> Done:
    """Run a program in a folder, for at most so many seconds.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603 - a program found on the PATH, arguments of our own
        command.arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=_environment(command, folder),
        start_new_session=True,
    )
    listener = _Listener(process)
    listener.start()
    # It may not listen, and then the writing waits for ever.
    speaker = threading.Thread(target=_say, args=(process, command), daemon=True)
    speaker.start()
    try:
        why = _wait(process, timeout)
    finally:
        _end(process)
        listener.join(_JOINING)
        speaker.join(_JOINING)
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream.close()  # type: ignore[union-attr] # both are pipes, as asked above
    why = listener.why or why
    said = bytes(listener.heard).decode("utf-8", "replace")
    return Done(None if why else process.returncode, said, why)


def _environment(command: Command, folder: Path) -> dict[str, str]:
    """Give it a home of its own, so that no settings of this user change what it does."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    homes = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(folder))
    return {**kept, **homes, "LC_ALL": "C", **command.environment}


def _say(process: subprocess.Popen[bytes], command: Command) -> None:
    if process.stdin is None:
        return
    with suppress(OSError, ValueError):  # it has ended already
        process.stdin.write(command.says)
        process.stdin.flush()
        if command.hangs_up:
            process.stdin.close()


def _wait(process: subprocess.Popen[bytes], timeout: float) -> str:
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return f"it was ended after {timeout:g} seconds"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it started; it has a session, and so a group, of its own."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            process.kill()
    process.wait()


class _Listener(threading.Thread):
    """Keeps what a program says, and ends it if that is too much."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True, name="what a client says")
        self._process = process
        self.heard = bytearray()
        self.why = ""

    def run(self) -> None:
        stream = self._process.stdout
        handle = stream.fileno() if stream else -1
        while piece := os.read(handle, _PIECE):
            self.heard += piece
            if len(self.heard) > LIMIT:
                self.why = f"it was ended because it said more than {LIMIT >> 20} MiB"
                _kill(self._process)
                return


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        process.kill()


def first_line(arguments: Sequence[str], folder: Path) -> str:
    """Return the first line that a program says of itself; empty if it says nothing."""
    try:
        done = run(Command(tuple(arguments)), folder, 20.0)
    except OSError:
        return ""
    return next((line.strip() for line in done.said.splitlines() if line.strip()), "")
