"""What every test may rely on: no silent skip under CI, and nothing left running behind a test.

Law: a test that cannot run says why. Under CI=true it says so by failing, so that a green run
means that every test ran. `@pytest.mark.needs("openssl", "keytool")` names what a test needs:
a program, or a Python module as `"module:pandas"`.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import kit

if TYPE_CHECKING:
    from mtlskit.report import Report

CI = os.environ.get("CI", "").lower() in {"true", "1"}

GRACE = 5.0  # seconds that a thread or a process of a test may take to end

settings.register_profile(
    "here", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if CI else "here")


@pytest.fixture(scope="session")
def report_of() -> Callable[[str, str], Report]:
    """Gives the report of a scene of the lab in one TLS version; each is played once a session."""
    # Here, and not above: most test files need none of it, and one broken room must not hide all.
    from mtlskit.lab.diagnosed import diagnosed  # noqa: PLC0415  see above
    from mtlskit.lab.scenes import stage  # noqa: PLC0415  see above

    reports: dict[tuple[str, str], Report] = {}

    def played(scene: str, tls: str) -> Report:
        if (scene, tls) not in reports:
            with stage(scene, tls=tls) as staged:
                reports[scene, tls] = diagnosed(staged)
        return reports[scene, tls]

    return played


def find(tool: str) -> str | None:
    """Says where a tool is, or None. A tool is a program's name or `module:NAME`."""
    if tool.startswith("module:"):
        spec = importlib.util.find_spec(tool.removeprefix("module:"))
        return spec and (spec.origin or spec.name)
    return kit.whereis(next((names for names in kit.PROGRAMS if tool in names.split("|")), tool))


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Gives the path of a program that the test declared by `needs`."""

    def path_of(tool: str) -> str:
        found = find(tool)
        if found is None:
            pytest.fail(f"{tool} is not on this machine: the test lacks needs({tool!r})")
        return found

    return path_of


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose tools are absent; under CI, fails it."""
    tools = [tool for marker in item.iter_markers("needs") for tool in marker.args]
    missing = [tool for tool in tools if find(tool) is None]
    if not missing:
        return
    sentence = f"not on this machine: {', '.join(missing)}"
    if CI:
        pytest.fail(f"under CI every test runs, but {sentence}", pytrace=False)
    pytest.skip(sentence)


def _fail_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"under CI every test runs, but this one was skipped: {why}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skipped test into a failed one under CI."""
    report = yield
    _fail_instead(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turns a skipped file into a failed one under CI."""
    report = yield
    _fail_instead(report)
    return report


def _threads() -> set[str]:
    return {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()}


def _read(path: Path) -> str:
    """A file of /proc; threads and processes may end while one looks."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _children() -> set[str]:
    """The live child processes of this one; where /proc does not tell, none."""
    found = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        for pid in _read(listing).split():
            name, _, rest = _read(Path(f"/proc/{pid}/stat")).partition("(")[2].rpartition(")")
            if rest and rest.split()[0] != "Z":
                found.add(f"process {name} ({pid})")
    return found


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Fails a test that leaves a thread or a process behind. Wider fixtures may keep theirs."""
    before = _threads() | _children()
    yield
    deadline = time.monotonic() + GRACE
    while (left := (_threads() | _children()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    if left:
        pytest.fail(f"the test left running: {', '.join(sorted(left))}", pytrace=False)
