"""What it costs to read a Java debug log of 500 MB that is nothing but handshakes.

The log is made of the samples of four JDKs, client and server, again and again: some twenty
thousand connections. Peers: the plain loop of Python over the same lines, which asks each line
whether it is an entry and does nothing else, and `grep -c`, which counts the entries. CPU time;
memory is the peak of a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import process_time

from table import Row, alternate

from mtlskit.collect.logs import open_log
from mtlskit.trace.dialects import java

ROUNDS = 1
SIZE = 500_000_000
SPEED_BUDGET = 40  # MB a second
MEMORY_BUDGET = 150  # MB
_ROOT = Path(__file__).resolve().parent.parent
_SAMPLES = _ROOT / "tests" / "trace" / "dialects" / "java"
_MARK = "javax.net.ssl|"
_PEAK = """
import resource, sys
from mtlskit.collect.logs import open_log
from mtlskit.trace.dialects import java
with open_log(sys.argv[1]) as log:
    print(len(java.read(log, log.source)))
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


def measure() -> list[Row]:
    """Compare CPU time, and tell the memory."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "java.log")
        _fill(file)
        ours, loop, grep = alternate(
            ROUNDS, lambda: _cpu(lambda: _read(file)), lambda: _cpu(lambda: _loop(file)),
            lambda: _grep(file),
        )  # fmt: skip
        return [_speed(ours, loop, "a plain loop in Python"), _speed(ours, grep, "`grep -c`"),
                _memory(file)]  # fmt: skip


def _fill(file: Path) -> None:
    whole = b"\n".join(one.read_bytes() for one in sorted(_SAMPLES.glob("jdk*.log")))
    with file.open("wb") as opened:
        while opened.tell() < SIZE:
            opened.write(whole)


def _speed(ours: float, peer: float, name: str) -> Row:
    speed = SIZE / 1e6 / ours
    return Row("a Java debug log of 500 MB", name, ours, peer,
               f"{speed:.0f} MB/s, {ours / peer:.1f}x", f"at least {SPEED_BUDGET} MB/s",
               speed >= SPEED_BUDGET)  # fmt: skip


def _memory(file: Path) -> Row:
    said = subprocess.run(
        [sys.executable, "-c", _PEAK, str(file)],
        check=True, capture_output=True, text=True, env={"PYTHONPATH": str(_ROOT)},
    ).stdout.split()  # fmt: skip
    peak = int(said[1]) / 1e6
    return Row("the same log: peak memory", "none", f"{peak:.0f} MB", f"{said[0]} connections kept",
               f"{peak:.0f} MB", f"at most {MEMORY_BUDGET} MB", peak <= MEMORY_BUDGET)  # fmt: skip


def _cpu(action: Callable[[], object]) -> float:
    start = process_time()
    action()
    return process_time() - start


def _read(file: Path) -> int:
    with open_log(file) as log:
        return len(java.read(log, log.source))


def _loop(file: Path) -> int:
    with file.open(encoding="utf-8") as opened:
        return sum(_MARK in line for line in opened)


def _grep(file: Path) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(["grep", "-c", _MARK, str(file)], check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
