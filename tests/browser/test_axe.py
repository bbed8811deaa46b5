"""axe looks for what keeps people with a screen reader, a keyboard or weak eyes out.

What is looked at is ours: the guide and the saved reports. JupyterLab's menus and bars around the
guide are not, so axe is pointed at the guide alone there. Serious and critical problems count.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mtlskit.report import Report
from tests.browser.walk import BEGIN, CHAIN, GUIDED, Lab, Window, diagnose, guide_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("chromium", "module:axe_playwright_python"),
]
Sound = Callable[[Page, str], list[str]]
GUIDE = ".mtls-guide"
UNFOLD = "document.querySelectorAll('details').forEach(one => one.open = true)"
REPORTS = (
    (CHAIN, "1.3"),
    ("server.name-mismatch", "1.3"),
    ("network.unresolved", "1.3"),
    ("none", "1.2"),
)


def steps_of(guide: Locator, page: Page, sound: Sound) -> list[str]:
    """Look at every step, unfolded."""
    found = []
    for step in guide.locator(".mtls-rail button").all():
        step.click()
        page.evaluate(UNFOLD)
        found += sound(page, GUIDE)
    return found


def darken(page: Page, lab: Lab) -> None:
    """Choose Jupyter's dark theme, as its settings keep it; it holds when the page is loaded."""
    done = page.request.put(
        f"{lab.base}/lab/api/settings/@jupyterlab/apputils-extension:themes",
        headers={"Authorization": f"token {lab.token}"},
        data={"raw": '{"theme": "JupyterLab Dark"}'},
    )
    assert done.ok


def test_each_step_of_the_guide_is_sound_in_light_and_in_dark(
    window: Window, jupyter: Lab, sound: Sound
) -> None:
    """Before the run and after it, for each way to begin, and in both of Jupyter's themes."""
    page = window.page
    window.run(jupyter, GUIDED)
    guide = guide_of(window)
    found = []
    for kind in guide.get_by_role("radio").all():
        kind.check()
        expect(kind).to_be_checked()
        found += sound(page, GUIDE)
    guide.get_by_role("radio").first.check()
    found += steps_of(guide, page, sound)
    diagnose(guide)
    found += steps_of(guide, page, sound)
    guide.get_by_role("button", name=BEGIN).click()  # where the guide is looked for
    darken(page, jupyter)
    window.run(jupyter, GUIDED)
    guide = guide_of(window)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    found += steps_of(guide, page, sound)
    assert found == []


def test_a_problem_would_be_found(window: Window, sound: Sound) -> None:
    """A field without a label and pale words are told, so the silence above means something."""
    window.page.set_content("<main><input><p style='color:#ccc'>pale</p></main>")
    found = sound(window.page, "main")
    assert [one.split()[0] for one in found] == ["color-contrast", "label"]


@pytest.mark.parametrize(("scene", "tls"), REPORTS)
def test_a_saved_report_is_sound(  # noqa: PLR0913, PLR0917 - each is a fixture
    report_of: Callable[[str, str], Report],
    chromium: Browser,
    sound: Sound,
    tmp_path: Path,
    scene: str,
    tls: str,
) -> None:
    """Unfolded, on a light screen and on a dark one, for causes on either side and for none."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(report_of(scene, tls).save(tmp_path / "r")[0].as_uri())
    page.evaluate(UNFOLD)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert sound(page, "html") == [], theme
    context.close()
