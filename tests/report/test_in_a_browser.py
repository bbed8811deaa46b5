"""The saved report in a real Chromium with the network taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from mtlskit.report import Report

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium", "module:playwright")]
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    """Gives a Chromium."""
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=program("chromium"), args=[*SWITCHES])
        yield chromium
        chromium.close()


@pytest.fixture
def saved(incomplete: Report, tmp_path: Path) -> Path:
    """Gives the HTML file of a saved report."""
    return incomplete.save(tmp_path / "r")[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_report_sends_no_request(browser: Browser, saved: Path, theme: str) -> None:
    """Opened from disk without a network it asks for itself alone, and nothing complains."""
    context = browser.new_context(offline=True, color_scheme=theme)
    asked: list[str] = []
    complaints: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(saved.as_uri())
    for fold in page.locator("details > summary").all():
        if fold.is_visible():
            fold.click()
    assert page.get_by_role("heading", level=1).inner_text().endswith("was refused")
    assert asked == [saved.as_uri()]
    assert complaints == []
    context.close()


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_nothing_runs_out_of_the_window(browser: Browser, saved: Path, width: int) -> None:
    """At each width, with every fold open, the page does not scroll sideways."""
    context = browser.new_context(offline=True, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(saved.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0
    context.close()


def test_the_answer_stands_on_the_first_screen(browser: Browser, saved: Path) -> None:
    """On an ordinary screen, what to do is seen without scrolling."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(saved.as_uri())
    box = page.get_by_role("rowheader", name="What to do").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800
    context.close()


def test_paper_shows_what_is_folded(browser: Browser, saved: Path) -> None:
    """A printed report cannot be unfolded, so it holds everything."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(saved.as_uri())
    folded = page.get_by_text("In ordinary TLS only the server proves")
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert page.pdf()[:5] == b"%PDF-"
    context.close()
