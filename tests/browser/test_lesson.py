"""A trainee's path through the first lesson, in a real browser, wide and narrow."""

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.test_axe import Sound, darken
from tests.browser.walk import Lab, Window

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("chromium", "module:axe_playwright_python"),
]

LESSON = "training/01-what-mutual-tls-is.ipynb"
CUT_OFF = """() => [...document.querySelectorAll(".jp-RenderedHTMLCommon, [class*=mtls]")]
    .filter(one => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .map(one => `${one.className}: ${one.textContent.slice(0, 60)}`)
"""


def exercise(window: Window, number: int) -> Locator:
    """The form of an exercise of the lesson."""
    named = window.page.get_by_role("heading", name=f"Exercise 1.{number}", exact=True)
    return window.page.locator(".mtls-exercise").filter(has=named)


def press(form: Locator, button: str) -> None:
    """Press one of a form's buttons."""
    form.get_by_role("button", name=button, exact=True).click()


def test_a_trainee_goes_through_the_first_lesson(jupyter: Lab, window: Window) -> None:
    """Wrong answers, hints, right answers, a file: each is marked where it was given, and kept."""
    page = window.page
    page.set_viewport_size({"width": 1280, "height": 14000})  # what is out of sight is not rendered
    window.run(jupyter, LESSON)
    first, second, third = (exercise(window, number) for number in (1, 2, 3))
    expect(third).to_be_visible()

    press(first, "Check")
    expect(first.get_by_text("Nothing was handed in.")).to_be_visible()
    first.get_by_label("the client, Acme's instance").check()
    press(first, "Check")
    expect(first.get_by_text("The client was content")).to_be_visible()
    expect(first.locator(".mtls-hints li")).to_have_count(1)
    press(first, "Open a hint")
    expect(first.locator(".mtls-hints li")).to_have_count(2)
    expect(first.get_by_role("button", name="No more hints")).to_be_disabled()
    first.get_by_label("the server, the partner's endpoint").check()
    press(first, "Check")
    expect(first.get_by_text("Right: 1 of 3 points")).to_be_visible()

    issuers = page.get_by_role("cell", name=re.compile("^CN=Acme Root CA R"))
    named = re.search(r"Acme Root CA R\d", issuers.first.inner_text())
    assert named
    field = second.get_by_role("textbox")
    field.fill("CSR")
    field.press("Enter")
    expect(second.get_by_text("message of the handshake")).to_be_visible()
    field.fill(named[0])
    press(second, "Check")
    expect(second.get_by_text("Right: 2 of 3 points")).to_be_visible()

    third.get_by_role("combobox").select_option("acme-client.cer")
    press(third, "Check")
    expect(third.get_by_text("certificate_required")).to_be_visible()
    third.get_by_role("combobox").select_option("acme-client.p12")
    press(third, "Check")
    expect(third.get_by_text("Right: 2 of 3 points")).to_be_visible()
    expect(third.get_by_text("Lesson 1: 5 of 9 points.")).to_be_visible()

    for wide in (1280, 800):
        page.set_viewport_size({"width": wide, "height": 14000})
        expect(page.locator(".jp-OutputArea img").first).to_be_visible()
        assert page.evaluate(CUT_OFF) == []
    assert window.strayed == []
    (kept,) = jupyter.home.rglob("scores.jsonl")
    told = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [one["points"] for one in told if one["right"]] == [1, 2, 2]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_exercise_keeps_nobody_out(
    jupyter: Lab, window: Window, sound: Sound, *, dark: bool
) -> None:
    """With a wrong answer marked and a hint open, axe finds nothing serious, in either theme."""
    page = window.page
    page.set_viewport_size({"width": 1280, "height": 14000})
    if dark:
        darken(page, jupyter)
    window.run(jupyter, LESSON)
    first = exercise(window, 1)
    first.get_by_label("the client, Acme's instance").check()
    press(first, "Check")
    expect(first.locator(".mtls-hints li")).to_have_count(1)
    assert sound(page, ".mtls-exercise") == []
