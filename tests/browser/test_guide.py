import json
import re

import pytest
from playwright.sync_api import Browser, Locator, expect

from mtlskit.collect.calling import call_of
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.desk import rail
from mtlskit.desk.endpoint import KINDS
from mtlskit.lab.scenes import SCENES, Staged
from mtlskit.material import Blob, Source
from tests.browser.walk import (
    ASKS,
    BEGIN,
    CHAIN,
    CHECKS,
    DIAGNOSIS,
    GUIDED,
    HANDSHAKE,
    KEYS,
    MEND,
    REPORT,
    Lab,
    Window,
    copied,
    diagnose,
    guide_of,
    keep,
    opens_offline,
    press,
    secrets_of,
    stands,
    upload,
)

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

NAMED = """() => {
    const at = document.activeElement;
    if (!at || !at.closest(".mtls-guide")) return "";
    const label = at.labels && at.labels.length ? at.labels[at.labels.length - 1] : at;
    return label.textContent.trim();
}"""
CUT_OFF = """guide => [guide, ...guide.querySelectorAll("*")]
    .filter(one => one.checkVisibility() && one.clientWidth)
    .filter(one => one.scrollWidth > one.clientWidth + 1)
    .filter(one => !one.closest("pre, select, button") && one.tagName !== "INPUT")
    .map(one => one.className + ": " + one.textContent.slice(0, 60))
"""
UNFOLD = """guide => guide.querySelectorAll("details").forEach(one => one.open = true)"""


def test_the_guide_leads_from_a_failure_of_the_lab_to_its_report(
    window: Window, jupyter: Lab, chromium: Browser
) -> None:
    """By clicking alone: choose, run, read the cause, save, and open the report offline."""
    window.run(jupyter, GUIDED)
    guide = guide_of(window)
    guide.get_by_label("Failure", exact=True).select_option(label=SCENES[CHAIN].title)
    expect(guide.get_by_text(SCENES[CHAIN].story)).to_be_visible()
    guide.get_by_role("button", name=ASKS).click()
    press(guide, "Ask the server")
    expect(guide.get_by_role("heading", name="Which identity fits")).to_be_visible()
    diagnose(guide)
    expect(guide.get_by_text(CHAIN).first).to_be_in_viewport()
    guide.get_by_role("button", name=HANDSHAKE).click()
    guide.get_by_label("Compare it with", exact=True).select_option(index=2)
    expect(guide.get_by_text("They part").first).to_be_visible()
    guide.get_by_role("button", name=MEND).click()
    press(guide, "Try again")
    expect(guide.get_by_role("heading", name="Before and after")).to_be_visible()
    guide.get_by_role("button", name=REPORT).click()
    guide.get_by_label("Name of the files").fill("practice")
    press(guide, "Save the report")
    link = guide.get_by_role("link", name="practice.html")
    stands(guide, REPORT, "done")
    assert window.page.request.get(link.get_attribute("href") or "").ok
    saved = json.loads((jupyter.folder / "practice.json").read_text())
    assert saved["opinions"][0]["cause"] == CHAIN
    assert window.strayed == []
    fits(window, guide)
    opens_offline(chromium, jupyter.folder / "practice.html", saved["opinions"][0]["title"])


def fits(window: Window, guide: Locator) -> None:
    """Look at every step, unfolded, in narrow windows: nothing is cut off at its side.

    The narrowest leaves the guide what an open side panel leaves it in a window of 800 pixels.
    """
    for width in (800, 560):
        window.page.set_viewport_size({"width": width, "height": 900})
        for step in guide.locator(".mtls-rail button").all():
            step.click()
            expect(step).to_have_class(re.compile(r"\bmtls-here\b"))
            guide.evaluate(UNFOLD)
            assert guide.evaluate(CUT_OFF) == []


def test_an_own_key_store_leaves_no_trace_on_disk(
    window: Window, saving_jupyter: Lab, staged: Staged
) -> None:
    """A real key store is uploaded and its password typed, with every widget's state saved.

    The notebook is saved while the password stands in its field, and again at the end. Then the
    notebook, its checkpoint, the kernel's history and everything else that Jupyter wrote is
    searched for the password, the key store and the key.
    """
    notebook, store = copied(saving_jupyter, "own.ipynb"), staged.identity_files[0]
    window.run(saving_jupyter, notebook)
    guide = guide_of(window)
    guide.get_by_label("My own endpoint, which can be called from here").check()
    guide.get_by_label("Endpoint", exact=True).fill(str(staged.target))
    guide.get_by_label("Server name", exact=True).fill(staged.server_name)
    guide.get_by_label("Server name", exact=True).press("Tab")
    stands(guide, BEGIN, "done")
    guide.get_by_role("button", name=KEYS).click()
    upload(window, "Add the key store", staged.identity_files)
    expect(guide.get_by_text(f"Still locked: {store.source.name}")).to_be_visible()
    upload(window, "Add trust files", staged.trust_files)
    upload(window, "Add other certificates", staged.material_files)
    password = guide.get_by_label("Password", exact=True)
    password.fill(staged.password or "")
    password.press("Tab")
    window.save()
    password.press("Enter")
    expect(password).to_have_value("")
    diagnose(guide)
    expect(guide.get_by_text(CHAIN).first).to_be_visible()
    guide.get_by_role("button", name=REPORT).click()
    press(guide, "Save the report")
    expect(guide.get_by_role("link", name="report.html")).to_be_visible()
    window.save()
    assert len(list(saving_jupyter.folder.rglob("own*.ipynb"))) == 2  # with its checkpoint
    assert saving_jupyter.holding(*secrets_of(staged)) == []
    assert window.strayed == []


def recorded(staged: Staged) -> tuple[Blob, Blob]:
    """Record a refused call: its capture and its key log."""
    case = case_of(staged.target, staged.identity_files, None, (), (), staged.password)
    tap = connect(call_of(case, None, staged.server_name, 10.0, request=True, manner={}))
    lines = "\n".join(tap.secrets.lines).encode()
    return Blob(Source("call.pcapng"), pcapng(tap)), Blob(Source("keys.log"), lines)


def test_files_alone_lead_to_the_report(
    window: Window, saving_jupyter: Lab, staged: Staged, chromium: Browser
) -> None:
    """A capture, its key log and a key store in one drop; no secret of them reaches a disk."""
    notebook = copied(saving_jupyter, "files.ipynb")
    capture, key_log = recorded(staged)
    window.run(saving_jupyter, notebook)
    guide = guide_of(window)
    guide.get_by_label("Files: captures, logs, exports, key stores").check()
    upload(window, "Add files", (capture, key_log, *staged.identity_files))
    expect(guide.get_by_text("keys.log opened the captures")).to_be_visible()
    stands(guide, BEGIN, "done")
    guide.get_by_role("button", name=KEYS).click()
    password = guide.get_by_label("Password", exact=True)
    password.fill(staged.password or "")
    password.press("Enter")
    stands(guide, KEYS, "done")
    guide.get_by_role("button", name=DIAGNOSIS).click()
    expect(guide.get_by_text("Nobody is called")).to_be_visible()
    diagnose(guide)
    expect(guide.get_by_text(CHAIN).first).to_be_visible()
    keep(guide, "from-files")
    window.save()
    sealed = [line.split()[2] for line in key_log.data.splitlines()]
    assert saving_jupyter.holding(*secrets_of(staged), *sealed) == []
    assert window.strayed == []
    fits(window, guide)
    saved = json.loads((saving_jupyter.folder / "from-files.json").read_text())
    opens_offline(
        chromium, saving_jupyter.folder / "from-files.html", saved["opinions"][0]["title"]
    )


def test_one_error_line_leads_to_the_report(window: Window, jupyter: Lab) -> None:
    """Pasted, explained where it was pasted, judged, and saved."""
    window.run(jupyter, copied(jupyter, "line.ipynb"))
    guide = guide_of(window)
    guide.get_by_label("One error line").check()
    field = guide.get_by_label("The error", exact=True)
    field.fill("javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate")
    press(guide, "Explain")
    expect(guide.get_by_text("The server refused").first).to_be_visible()
    expect(field).to_have_value("")
    stands(guide, BEGIN, "done")
    diagnose(guide)
    keep(guide, "from-a-line")
    saved = json.loads((jupyter.folder / "from-a-line.json").read_text())
    assert saved["refused_by"] == "server"
    assert window.strayed == []
    fits(window, guide)


def test_without_the_hook_a_typed_password_would_be_saved(
    window: Window, saving_jupyter: Lab
) -> None:
    """The search above finds what it looks for: a notebook that is not ours keeps the password."""
    notebook = copied(saving_jupyter, "foreign.ipynb", ours=False)
    window.run(saving_jupyter, notebook)
    guide = guide_of(window)
    guide.get_by_role("button", name=KEYS).click()
    password = guide.get_by_label("Password", exact=True)
    password.fill("canary-password-5417")
    password.press("Tab")
    window.save()
    found = {name for name, _ in saving_jupyter.holding(b"canary-password-5417")}
    assert "workspace/foreign.ipynb" in found
    for path in saving_jupyter.folder.rglob("foreign*.ipynb"):
        path.unlink()


def test_the_guide_can_be_worked_with_the_keyboard_alone(window: Window, jupyter: Lab) -> None:
    """Tab reaches every control of a step in order, and Enter presses the buttons."""
    window.run(jupyter, copied(jupyter, "keys.ipynb"))
    guide, page = guide_of(window), window.page
    guide.get_by_role("button", name=BEGIN).focus()
    reached = []
    for _ in range(len(rail.STEPS) + 8):
        reached.append(page.evaluate(NAMED))
        page.keyboard.press("Tab")
    steps = [f"{number} {name}" for number, name in enumerate(rail.STEPS, 1)]
    assert reached[: len(steps)] == steps
    rest = reached[len(steps) :]
    assert rest[:4] == [words for words, _ in KINDS]
    assert rest[4:] == ["TLS version", "Failure", "Surprise me", "Next"]
    guide.get_by_role("button", name=CHECKS).focus()
    page.keyboard.press("Enter")
    expect(guide.get_by_role("heading", name="What is already known?")).to_be_visible()
    guide.get_by_role("button", name=DIAGNOSIS).focus()
    page.keyboard.press("Space")
    expect(guide.get_by_role("heading", name="What goes wrong, and why?")).to_be_visible()
