"""Pictures of the guide and of a report, to be looked at: `.venv/bin/python bench/looks.py FOLDER`.

Law: nothing is judged here, and no picture is kept in the project but by hand. Each of the nine
steps is taken after a run against the lab, light and dark, in a window of 1280 pixels and in one of
800; JupyterLab around it once in each; then a report on screens, on a phone and on paper.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, FilePayload, Locator, Page, expect, sync_playwright

from mtlskit.desk import rail
from mtlskit.lab import scenes
from mtlskit.lab.diagnosed import diagnosed
from mtlskit.lab.scenes import Staged
from mtlskit.terminal.jupyter import running
from mtlskit.terminal.workspace import OWN, lay_out

Theme = Literal["light", "dark"]
SCENE = "client.chain-incomplete"
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS, PHONE = (1280, 800), 390
TALLEST = """Math.max(...[...document.querySelectorAll('html, #rendered_cells')]
    .map(one => one.scrollHeight))"""
STILL = 400  # milliseconds in which a page settles after a click
SETTINGS = f"{OWN}/jupyter/lab/user-settings/@jupyterlab/apputils-extension"


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with sync_playwright() as player:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with scenes.stage(SCENE) as staged:
            for theme in THEMES:
                _steps(browser, folder, theme, staged)
                _notebook(browser, folder, theme)
        _report(browser, folder)
        browser.close()


@contextmanager
def _shown(browser: Browser, theme: Theme, *, app: bool) -> Iterator[tuple[Page, Path]]:
    """Give a page of the guide or of JupyterLab, in a folder that is thrown away."""
    with TemporaryDirectory() as name:
        home = Path(name)
        lay_out(home)
        (home / SETTINGS).mkdir(parents=True)
        chosen = {"theme": f"JupyterLab {theme.capitalize()}"}
        (home / SETTINGS / "themes.jupyterlab-settings").write_text(json.dumps(chosen))
        with running(home, app=theme if app else None) as server:
            page = browser.new_page(viewport={"width": WIDTHS[0], "height": 800})
            page.goto(server.address.replace("00-start-here", "01-guided-troubleshooting"))
            yield page, home
            page.close()


def _guide(page: Page) -> Locator:
    guide = page.locator(".mtls-guide")
    expect(guide.get_by_role("heading", name="What do you have?")).to_be_visible()
    return guide


def _steps(browser: Browser, folder: Path, theme: Theme, staged: Staged) -> None:
    """Take each step after a run with files of one's own."""
    with _shown(browser, theme, app=True) as (page, _):
        guide = _guide(page)
        _hand_in(page, guide, staged)
        _go(page, guide, rail.ASKS)
        guide.get_by_role("button", name="Ask the server", exact=True).click()
        expect(guide.get_by_role("heading", name="Which identity fits")).to_be_visible()
        _diagnose(page, guide)
        _go(page, guide, rail.MEND)
        guide.get_by_role("button", name="Try again", exact=True).click()
        expect(guide.get_by_role("heading", name="Before and after")).to_be_visible()
        _go(page, guide, rail.REPORT)
        guide.get_by_role("button", name="Save the report", exact=True).click()
        expect(guide.get_by_role("link", name="report.html")).to_be_visible()
        for number, name in enumerate(rail.STEPS, 1):
            _go(page, guide, name)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                _take(page, folder / f"step-{number}-{theme}-{width}.png")


def _hand_in(page: Page, guide: Locator, staged: Staged) -> None:
    """Name the endpoint, and upload what the client holds."""
    guide.get_by_label("My own endpoint, which can be called from here").check()
    guide.get_by_label("Endpoint", exact=True).fill(str(staged.target))
    guide.get_by_label("Server name", exact=True).fill(staged.server_name)
    guide.get_by_label("Server name", exact=True).press("Tab")
    _go(page, guide, rail.KEYS)
    for label, blobs in (
        ("Add the key store", staged.identity_files),
        ("Add trust files", staged.trust_files),
        ("Add other certificates", staged.material_files),
    ):
        with page.expect_file_chooser() as chooser:
            guide.get_by_role("button", name=label).click()
        chooser.value.set_files(
            [FilePayload(name=one.source.name, mimeType="", buffer=one.data) for one in blobs]
        )
    password = guide.get_by_label("Password", exact=True)
    password.fill(staged.password or "")
    password.press("Enter")
    expect(password).to_have_value("")


def _diagnose(page: Page, guide: Locator) -> None:
    _go(page, guide, rail.DIAGNOSIS)
    guide.get_by_role("button", name="Run the diagnosis", exact=True).click()
    expect(guide.get_by_text("The report follows").first).to_be_visible()


def _go(page: Page, guide: Locator, name: str) -> None:
    guide.get_by_role("button", name=f"{rail.STEPS.index(name) + 1} {name}").click()
    page.wait_for_timeout(STILL)


def _notebook(browser: Browser, folder: Path, theme: Theme) -> None:
    """Take JupyterLab with the guide in it, after a run against a failure of the lab."""
    with _shown(browser, theme, app=False) as (page, _):
        expect(page.locator("#jp-main-statusbar").get_by_text("| Idle")).to_be_visible()
        for item in ("Run", "Run All Cells"):
            page.get_by_role("menuitem", name=item, exact=True).click()
        guide = _guide(page)
        guide.get_by_label("Failure", exact=True).select_option(label=scenes.SCENES[SCENE].title)
        _diagnose(page, guide)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            guide.scroll_into_view_if_needed()
            page.wait_for_timeout(STILL)
            page.screenshot(path=folder / f"notebook-{theme}-{width}.png")


def _report(browser: Browser, folder: Path) -> None:
    """Take a report on screens, on a phone and on paper."""
    with scenes.stage(SCENE) as staged:
        made = diagnosed(staged)
    html, *_, pdf = made.save(folder / "report", pdf=True)
    for theme in THEMES:
        page = browser.new_page(color_scheme=theme)
        page.goto(html.as_uri())
        for width in (*WIDTHS, PHONE):
            page.set_viewport_size({"width": width, "height": 800})
            _take(page, folder / f"report-{theme}-{width}.png")
        page.close()
    if printer := shutil.which("pdftoppm"):
        command = [printer, "-r", "70", "-png", str(pdf), str(folder / "report-paper")]
        subprocess.run(command, check=True)


def _take(page: Page, path: Path) -> None:
    """Take all of a page: Voilà's scrolls within its window, so the window is made to fit."""
    page.wait_for_timeout(STILL)
    width = page.evaluate("window.innerWidth")
    page.set_viewport_size({"width": width, "height": page.evaluate(TALLEST)})
    page.wait_for_timeout(STILL)
    page.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    main()
