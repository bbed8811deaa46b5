"""How fast the lab starts, and what a class takes: `.venv/bin/python bench/lab.py`.

Law: the memory is the kernel's own count of what processes share and what they do not (PSS,
proc(5)), of real notebook kernels with all their children. What was not run is extrapolated, and
said to be.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from mtlskit.lab.crowd import stage_all

SESSIONS, CLASS = 10, 30
START, MEMORY = 2.0, 6 * 1024.0
_PATIENCE = 180.0
_SESSION = """
from mtlskit import course
import mtlskit.desk.guide
lesson = course.lesson(1, seed=1)
form = course.ask(lesson, 1)
mystery = course.mystery(seed=17, level=2)
str(mystery.diagnosed()), mystery._repr_html_(), form
"""


def main() -> int:
    """Measure, print, and tell by the exit status whether the budgets are held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    sessions = parser.parse_args().sessions
    start = min(started() for _ in range(3))
    print(f"all embedded scenes on one port: {start:.2f} s (budget {START:.0f} s)")
    counts = list(memory(sessions))
    one, all_of_them = counts[0], counts[-1]
    slope = (all_of_them - one) / (sessions - 1)
    class_of = all_of_them + (CLASS - sessions) * slope
    print(f"1 session: {one:.0f} MB; {sessions} sessions: {all_of_them:.0f} MB (measured)")
    print(f"each further session: {slope:.0f} MB; {CLASS} sessions: {class_of:.0f} MB "
          f"(extrapolated; budget {MEMORY:.0f} MB)")  # fmt: skip
    return 0 if start < START and class_of < MEMORY else 1


def started() -> float:
    """Return the seconds from nothing to all scenes on one port."""
    began = time.perf_counter()
    with stage_all():
        return time.perf_counter() - began


def memory(sessions: int) -> Iterator[float]:
    """Give the memory of 1, 2, … sessions at once, in MB; each with a lesson and a mystery."""
    with ExitStack() as running:
        pids = []
        for _ in range(sessions):
            pids.append(running.enter_context(session()))
            yield sum(_proportional(pid) for pid in pids) / 1024


@contextmanager
def session() -> Iterator[int]:
    """Run a notebook kernel in which a lesson and a mystery are open; give its process id."""
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel()
    client: BlockingKernelClient = kernel.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(_PATIENCE)
        reply = client.execute_interactive(_SESSION, timeout=_PATIENCE, output_hook=lambda _: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"the session failed: {reply['content']}")
        yield kernel.provisioner.process.pid
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def _proportional(pid: int) -> int:
    """Return the PSS of a process and its children, in kB."""
    family = [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
    return sum(_pss(one) for one in family)


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    raise SystemExit(main())
