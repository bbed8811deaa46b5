"""A real server starts, is heard, and is gone: after every ending, a killed starter's too."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mtlskit.lab.cast import Cast
from mtlskit.lab.stacks import STACKS, NotHere, Setup, process
from mtlskit.lab.stacks.setup import Launch, Running, Stack

pytestmark = pytest.mark.needs("openssl", "nginx", "haproxy", "java", "javac")

_MORE = ("postgresql",)  # has children of its own, and is ended in a way of its own
_FEW = (
    *("openssl", "nginx", "haproxy", "java-socket"),
    *(one for one in _MORE if STACKS[one].available()),
)
_GONE = 10.0  # seconds that an ended server may take to be gone

_STARTER = """
import json, sys
from mtlskit.lab.cast import Cast
from mtlskit.lab.stacks import STACKS, Setup
cast = Cast("1.2")
setup = Setup(cast.partner_identity(), (cast.root.certificate,))
with STACKS[sys.argv[1]].start(setup) as running:
    print(json.dumps([running.pid, running.target.port]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def setup() -> Setup:
    """The usual endpoint of the made-up partner."""
    cast = Cast("1.2")
    return Setup(cast.partner_identity(), (cast.root.certificate,))


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the servers' directories are made; checked to be empty in the end."""
    os.chmod(tmp_path, 0o755)  # noqa: PTH101, S103 - the server's user must get through
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(process.tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert _until(lambda: not list(tmp_path.iterdir())), list(tmp_path.iterdir())


def _until(true: Callable[[], object]) -> object:
    deadline = time.monotonic() + _GONE
    while not (seen := true()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


def _alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _refuses(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("name", _FEW)
def test_server_is_gone_when_its_context_is_left(name: str, setup: Setup, rooms: Path) -> None:
    """Process, port and directory of a server end with the context, and its log stays readable."""
    with STACKS[name].start(setup) as running:
        assert _alive(running.pid)
        assert not _refuses(running.target.port)
        assert len(list(rooms.iterdir())) == 1
    assert not _alive(running.pid)
    assert _refuses(running.target.port)
    assert not list(rooms.iterdir())
    assert isinstance(running.log().text, str)


@pytest.mark.parametrize("name", _FEW)
def test_server_is_gone_when_its_starter_is_killed(name: str, rooms: Path) -> None:
    """A starter that is killed by SIGKILL leaves no process, no port and no file behind."""
    with subprocess.Popen(
        [sys.executable, "-c", _STARTER, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(rooms)},
    ) as starter:
        pid, port = json.loads(starter.stdout.readline())
        assert _alive(pid)
        starter.kill()
    assert _until(lambda: not _alive(pid))
    assert _until(lambda: _refuses(port))


def test_server_dies_with_its_keeper(setup: Setup, rooms: Path) -> None:
    """If the keeper itself is killed, the kernel kills the server at once."""
    with STACKS["nginx"].start(setup) as running:
        keeper = int(Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(keeper, signal.SIGKILL)
        assert _until(lambda: not _alive(running.pid))
    assert not list(rooms.iterdir())


def test_server_runs_as_nobody(setup: Setup) -> None:
    """A server has no more rights than its starter, and never those of root."""
    with STACKS["nginx"].start(setup) as running:
        status = Path(f"/proc/{running.pid}/status").read_text()
        (uid,) = [line.split()[1] for line in status.splitlines() if line.startswith("Uid:")]
        assert int(uid) == (process._NOBODY if os.geteuid() == 0 else os.geteuid())


def test_server_is_bound_to_loopback_alone(setup: Setup) -> None:
    """No server of these can be reached from another machine."""
    for name in _FEW:
        with STACKS[name].start(setup) as running:
            lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
            lines += Path("/proc/net/tcp6").read_text().splitlines()[1:]
            ending = f":{running.target.port:04X}"
            heard = {
                row[1]
                for row in map(str.split, lines)
                if row[1].endswith(ending) and row[3] == "0A"
            }
            # Java binds the IPv6 form of the same address.
            assert heard <= {f"0100007F{ending}", f"0000000000000000FFFF00000100007F{ending}"}


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_taken_port_is_tried_elsewhere(
    name: str, setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that somebody takes in the meantime costs another try, and no failure."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, free = taken.getsockname()[1], process._free_port
        ports = iter([port, free()])
        monkeypatch.setattr(process, "_free_port", lambda: next(ports))
        with STACKS[name].start(setup) as running:
            assert running.target.port != port


def test_what_a_stack_cannot_do_is_said_beforehand(setup: Setup) -> None:
    """A wish that a software has no setting for is refused with its name."""
    wish = Setup(setup.identity, setup.trust, depth=0)
    with pytest.raises(NotHere, match="haproxy has no setting for: depth"):
        STACKS["haproxy"].start(wish)


@pytest.mark.usefixtures("rooms")
def test_server_that_ends_at_once_is_told_in_its_own_words(setup: Setup) -> None:
    """A configuration that the software does not take gives its own complaint."""
    broken = Setup(setup.identity, setup.trust, ciphers=("NO-SUCH-CIPHER", "NONE"))
    with pytest.raises(NotHere, match=r"(?i)cipher"), STACKS["nginx"].start(broken):
        pass


def test_program_that_is_not_there_is_told(setup: Setup, rooms: Path) -> None:
    """A command that cannot be run is a sentence, and leaves nothing behind."""
    stack = _stand_in("no-such", lambda *_: Launch((str(rooms / "no-such-program"),)))
    with pytest.raises(NotHere, match="could not be started"), stack.start(setup):
        pass


@pytest.mark.usefixtures("rooms")
def test_server_that_never_listens_is_given_up(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that runs and never listens is ended at the deadline."""
    monkeypatch.setattr(process, "READY", 0.3)
    stack = _stand_in("sleeper", lambda *_: Launch(("/bin/sleep", "600")))
    with pytest.raises(NotHere, match=r"did not listen within"), stack.start(setup):
        pass


@pytest.mark.usefixtures("rooms")
def test_children_of_a_server_end_with_it(setup: Setup) -> None:
    """What a server has started in a session of its own is ended too."""
    script = "setsid sleep 600 & echo child $!; echo listening on 127.0.0.1:1; wait"
    stack = _stand_in(
        "parent", lambda *_: Launch(("/bin/sh", "-c", script), announces=r"on 127\.0\.0\.1:(\d+)")
    )
    with stack.start(setup) as running:
        child = int(_said(running).split("child ")[1].split()[0])
        assert _alive(child)
    assert not _alive(child)


def _said(running: Running) -> str:
    return str(_until(lambda: running.log().text))


def _stand_in(name: str, launch: Callable[..., Launch]) -> Stack:
    return Stack(
        name=name,
        library="none",
        can=frozenset(),
        find=lambda: "/bin/sh",
        ask_version=lambda _: "0",
        launch=launch,
        measured_as=name,
        starter=process.started,
    )
