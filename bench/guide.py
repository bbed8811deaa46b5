"""How long it takes until the guide's first screen can be used, in a real Chromium.

Peer: a notebook whose cell shows one button of ipywidgets, in the same JupyterLab. The clock begins
when JupyterLab is ready, which is when the notebook is drawn and its kernel is idle, and the cell
is run; it ends when a click in what the cell shows was answered by the kernel. Every round has a
kernel of its own, so that everything is imported anew.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect, sync_playwright
from table import Row, alternate

from mtlskit.terminal.jupyter import running
from mtlskit.terminal.workspace import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
BUDGET = 5.0  # seconds
PATIENCE = 60_000.0  # milliseconds
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
GUIDE = "from mtlskit.desk import open_guide\n\nopen_guide()"
BUTTON = """import ipywidgets

heading = ipywidgets.HTML("<h2>Not yet</h2>")
button = ipywidgets.Button(description="2 Checklist")
button.on_click(lambda _: setattr(heading, "value", "<h2>What is already known?</h2>"))
ipywidgets.VBox([button, heading])"""


def measure() -> list[Row]:
    """Run the cell of a fresh notebook until it can be used."""
    with TemporaryDirectory() as home, _jupyter(Path(home)) as base, _page() as page:
        ours, peer = alternate(
            ROUNDS,
            partial(_taken, page, base, Path(home), "guide"),
            partial(_taken, page, base, Path(home), "button"),
        )
    held = ours <= BUDGET
    return [
        Row("the guide's first screen, from running its cell", "one button of ipywidgets", ours,
            peer, f"{ours:.1f} s", f"at most {BUDGET:.0f} s", held),
    ]  # fmt: skip


@contextmanager
def _jupyter(home: Path) -> Iterator[str]:
    """Start JupyterLab with a notebook of each kind; give the address that takes its name."""
    lay_out(home / "workspace")
    for name, source in (("guide", GUIDE), ("button", BUTTON)):
        (home / "workspace" / f"{name}.ipynb").write_text(_notebook(source), "utf-8")
    before = dict(os.environ)
    os.environ["HOME"] = str(home)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's installation is byte-compiled
    try:
        with running(home / "workspace") as server:
            yield f"http://127.0.0.1:{server.port}/doc/tree/{{}}?token={server.token}"
    finally:
        os.environ.clear()
        os.environ.update(before)


def _notebook(source: str) -> str:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "source": source}
    metadata = {"kernelspec": kernel, "mtlskit": True}
    whole = {"cells": [{**cell, "execution_count": None}], "metadata": metadata}
    return json.dumps({**whole, "nbformat": 4, "nbformat_minor": 5})


@contextmanager
def _page() -> Iterator[Page]:
    """Open a browser."""
    with ExitStack() as stack:
        chromium = stack.enter_context(sync_playwright()).chromium
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = chromium.launch(executable_path=program, args=list(SWITCHES))
        stack.callback(browser.close)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        yield page


def _taken(page: Page, base: str, home: Path, kind: str) -> float:
    """Measure one kind of notebook, in a kernel of its own."""
    name = f"{kind}-{perf_counter():.3f}.ipynb"
    shutil.copy(home / "workspace" / f"{kind}.ipynb", home / "workspace" / name)
    page.goto(base.format(name))
    idle = page.locator("#jp-main-statusbar").get_by_text("| Idle")
    expect(idle).to_be_visible(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    start = perf_counter()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    output = page.locator(".jp-OutputArea")
    output.get_by_role("button", name="2 Checklist").click()
    answer = output.get_by_role("heading", name="What is already known?")
    expect(answer).to_be_visible(timeout=PATIENCE)
    taken = perf_counter() - start
    page.goto("about:blank")
    return taken
