"""What it costs to import the package, to ask the terminal door for help, and to explain a line.

Peers: the same interpreter doing nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from table import Row, alternate

ROUNDS = 31
ROOT = Path(__file__).resolve().parent.parent
IMPORT_BUDGET = 0.030  # seconds above bare Python
EXPLAIN_BUDGET = 0.300  # seconds of CPU time of the whole process
LINE = "javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate"
HELP_FACTOR, HELP_EXTRA = 4.0, 0.150  # times bare Python, and seconds on top


def measure() -> list[Row]:
    """Compare whole processes with warm disks: wall time, and of `explain` CPU time."""
    bare, imported, helped = alternate(
        ROUNDS,
        lambda: _run("-c", "pass"),
        lambda: _run("-c", "import mtlskit"),
        lambda: _run("-m", "mtlskit", "--help"),
    )
    explained, nothing = alternate(
        ROUNDS,
        lambda: _worked("-m", "mtlskit", "explain", LINE, status=1),
        lambda: _worked("-c", "pass"),
    )
    added = imported - bare
    allowed = HELP_FACTOR * bare + HELP_EXTRA
    return [
        Row("`import mtlskit`", "`python -c pass`", imported, bare, f"+{added * 1e3:.1f} ms",
            "at most +30 ms", added <= IMPORT_BUDGET),
        Row("`mtlskit --help`", "`python -c pass`", helped, bare, f"{helped / bare:.2f}x",
            f"at most 4x + 150 ms = {allowed * 1e3:.0f} ms", helped <= allowed),
        Row("`mtlskit explain 'LINE'`, CPU time", "`python -c pass`", explained, nothing,
            f"{explained / nothing:.1f}x", "at most 300 ms", explained <= EXPLAIN_BUDGET),
    ]  # fmt: skip


def _worked(*arguments: str, status: int = 0) -> float:
    """Run a process and return the CPU time that it took."""
    before = getrusage(RUSAGE_CHILDREN)
    _run(*arguments, status=status)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _run(*arguments: str, status: int = 0) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's installation is byte-compiled
    start = perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    taken = perf_counter() - start
    if done.returncode != status:
        raise subprocess.CalledProcessError(done.returncode, done.args)
    return taken
