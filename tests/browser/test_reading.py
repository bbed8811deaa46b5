"""The notebooks that need no connection, in a real JupyterLab: pictures shown, nothing cut off."""

from typing import Protocol

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

LAST = {
    "02-look-at-identities.ipynb": "dataframe",
    "03-walk-a-chain.ipynb": "as a TLS server",
    "04-watch-a-handshake.ipynb": "each is followed by its issuer",
    "05-read-the-instance.ipynb": "What curl goes by",
}
UNPICTURED = {"05-read-the-instance.ipynb"}  # settings are told in tables
CUT_OFF = """() => [...document.querySelectorAll(".jp-RenderedHTMLCommon")]
    .filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => one.textContent.slice(0, 60))
"""
UNDRAWN = """() => [...document.querySelectorAll(".jp-OutputArea img")]
    .filter(one => !one.complete || one.naturalWidth < 700).length
"""


class Window(Protocol):
    """A browser window, as `conftest.Window`."""

    page: Page
    strayed: list[str]

    def run(self, lab: object, notebook: str) -> None:
        """Open a notebook and run all its cells."""


@pytest.mark.parametrize("notebook", LAST)
def test_a_notebook_to_read_is_whole(jupyter: object, window: Window, notebook: str) -> None:
    """Every picture is drawn, no output is wider than its place, wide or narrow, and no request."""
    page = window.page
    page.set_viewport_size({"width": 1280, "height": 14000})  # what is out of sight is not rendered
    window.run(jupyter, notebook)
    last = LAST[notebook]
    end = page.locator(f".{last}") if last == "dataframe" else page.get_by_text(last, exact=False)
    expect(end.last).to_be_visible()
    for wide in (1280, 800):
        page.set_viewport_size({"width": wide, "height": 14000})
        if notebook not in UNPICTURED:
            expect(page.locator(".jp-OutputArea img").first).to_be_visible()
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(UNDRAWN) == 0
    assert (page.locator(".jp-OutputArea img").count() >= 1) is (notebook not in UNPICTURED)
    assert window.strayed == []
