"""What a diagnosis takes: one call, every experiment, and fifty files of a customer.

Peer of the live ones: the first call alone, told and not judged. The endpoint is an nginx or
`openssl s_server` in a process of its own, on loopback; its refusals are real.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import perf_counter

from table import Row, alternate

import mtlskit
from mtlskit.experiment import MOST_CONNECTIONS
from mtlskit.lab.pki import pem
from mtlskit.lab.stacks import STACKS
from mtlskit.lab.world import HOST, Play, World, client_pem
from mtlskit.material import Blob, Source, Target
from mtlskit.report import Report

ROUNDS = 7
ROOT = Path(__file__).resolve().parent.parent
PLAIN, PROVING, FILES = 0.5, 2.0, 1.0  # seconds that each may take
COUNT = 50


def measure() -> list[Row]:
    """Compare wall times of calls, and the CPU time of a process that reads files."""
    world = World()
    stack = next(STACKS[one] for one in ("nginx", "openssl-www") if STACKS[one].available())
    with stack.start(world.setup("base")) as running:
        live = _live(world, running.target)
    return [*live, _from_files(world)]


def _live(world: World, target: Target) -> list[Row]:
    own = _store("own.pem", world, "CN=Nobody's")
    material = [_store(f"other-{n}.pem", world, f"CN=Other {n}") for n in range(MOST_CONNECTIONS)]
    trust = Blob(Source("trust.pem"), pem((world.server_root.certificate,)))
    made: list[Report] = []

    def diagnosed(*beside: Blob, experiments: bool) -> float:
        began = perf_counter()
        made[:] = [
            mtlskit.diagnose(
                target,
                identity=own,
                trust=trust,
                material=beside,
                server_name=HOST,
                experiments=experiments,
            )
        ]
        return perf_counter() - began

    def called() -> float:
        began = perf_counter()
        mtlskit.trace(target, identity=own, trust=trust, server_name=HOST, request=True)
        return perf_counter() - began

    call, one = alternate(ROUNDS, called, lambda: diagnosed(experiments=False))
    every = alternate(3, lambda: diagnosed(*material, experiments=True))[0]
    connections = 1 + len(made[0].case.attempts)
    few = connections <= MOST_CONNECTIONS
    return [
        Row("`diagnose` without experiments", "`trace`, the call alone", one, call,
            f"{one / call:.2f}x", "under 0.5 s", one < PLAIN),
        Row(f"`diagnose` with all experiments, {connections} connections",
            "`trace`, the call alone", every, call, f"{connections} connections",
            f"under 2 s, at most {MOST_CONNECTIONS} connections", few and every < PROVING),
    ]  # fmt: skip


def _store(name: str, world: World, subject: str) -> Blob:
    issued = world.elsewhere.client(subject)
    return Blob(Source(name), client_pem(Play(issued)))


def _from_files(world: World) -> Row:
    """Diagnose what a customer sent: key stores, certificates, captures, exports, a log."""
    with TemporaryDirectory() as folder:
        files = _files(world, Path(folder))
        read, bare = alternate(3, _reading(files), _bare)
    what = f"`mtlskit read` of {len(files)} files, the whole process"
    return Row(what, "`mtlskit --help`", read, bare, f"{read / bare:.1f}x", "under 1 s",
               read < FILES)  # fmt: skip


def _files(world: World, folder: Path) -> list[Path]:
    shipped = [*(ROOT / "data" / "captures").glob("*.pcap"), *(ROOT / "data" / "tools").iterdir()]
    shipped += sorted((ROOT / "data" / "exports" / "healthy").iterdir())
    log = folder / "client.log"
    log.write_text("Received fatal alert: bad_certificate\n" * 200, "utf-8")
    made = [log]
    while len(shipped) + len(made) < COUNT:
        number = len(made)
        issued = world.client(serial=1000 + number)
        kinds: dict[int, tuple[str, Callable[[], bytes]]] = {
            0: ("p12", lambda issued=issued: issued.p12("changeit")),
            1: ("pem", lambda issued=issued: issued.pem_chain() + issued.pem_key()),
            2: ("der", lambda issued=issued: issued.der),
        }
        ending, written = kinds[number % 3]
        path = folder / f"file-{number}.{ending}"
        path.write_bytes(written())
        made.append(path)
    (folder / "password").write_text("changeit\n", "utf-8")
    return [*shipped, *made]


def _reading(files: list[Path]) -> Callable[[], float]:
    password = files[-1].parent / "password"
    names = [str(one) for one in files]
    return lambda: _run("read", "--password-file", str(password), *names)


def _bare() -> float:
    return _run("--help")


def _run(*arguments: str) -> float:
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's installation is byte-compiled
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "mtlskit", *arguments],
        check=False,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if done.returncode not in (0, 1) or done.stderr:
        raise RuntimeError(done.stderr.decode() or f"exit status {done.returncode}")
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
