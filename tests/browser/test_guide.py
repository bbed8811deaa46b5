"""The guide in a real browser: all nine steps, from an endpoint, from files and from one line.

Law: whatever secret is handed in, is looked for afterwards in everything that was written.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, Locator, Request, expect

from mtlskit.collect.calling import call_of
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.desk import rail
from mtlskit.desk.endpoint import KINDS
from mtlskit.lab.scenes import Staged
from mtlskit.lab.table_api import Served, of_world, table_api
from mtlskit.material import Blob, Source
from tests.browser.gate import Gate
from tests.browser.walk import (
    ASKS,
    BEGIN,
    CHAIN,
    CHECKS,
    DIAGNOSIS,
    HANDSHAKE,
    KEYS,
    MEND,
    REPORT,
    SETTINGS,
    Lab,
    Window,
    copied,
    diagnose,
    guide_of,
    keep,
    opens_offline,
    pieces,
    press,
    secrets_of,
    stands,
    upload,
)

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium", "keytool")]

WIDGETS = "application/vnd.jupyter.widget-state+json"
LINE = "javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate"
PATH = "https://partner.example:8443/orders"
LADDER = "A drawing; the words beneath it say the same."
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


@dataclass
class Sent:
    """What the browser sent to Jupyter to be written.

    Attributes:
        bodies: every notebook, with the state of all widgets, as it left the browser.
    """

    bodies: list[str] = field(default_factory=list)

    def hear(self, request: Request) -> None:
        """Keep what is to be written."""
        if request.method == "PUT" and "/api/contents/" in request.url:
            self.bodies.append(request.post_data or "")

    def holding(self, *secrets: bytes) -> list[bytes]:
        """List the secrets that the latest notebook holds, on its way to Jupyter."""
        assert WIDGETS in self.bodies[-1]
        return [one for one in secrets if one in self.bodies[-1].encode("utf-8", "replace")]


def sealed_in(store: Blob) -> list[bytes]:
    """List pieces of an upload that stand nowhere else: its head, and the sealed key behind it.

    The certificates that follow are public: Java's old format does not even encrypt them.
    """
    return [piece for start in (0, 60, 120) for piece in pieces(store.data[start : start + 60])]


@pytest.fixture
def gate(staged: Staged) -> Iterator[Gate]:
    """A way to the endpoint on which calls can be held up."""
    with Gate(staged.target) as way:
        yield way


@pytest.fixture(scope="module")
def instance() -> Iterator[Served]:
    """A made-up instance that answers over HTTPS."""
    with table_api(of_world()) as api:
        yield api


def go(guide: Locator, step: str) -> None:
    """Go to a step by the rail, and wait until it is shown."""
    button = guide.get_by_role("button", name=step)
    button.click()
    expect(button).to_have_class(re.compile(r"\bmtls-here\b"))


def typed(guide: Locator, label: str, text: str) -> None:
    """Fill in a field and leave it."""
    place = guide.get_by_label(label, exact=True)
    place.fill(text)
    place.press("Tab")


def answered(guide: Locator) -> None:
    """Answer the first question of the checklist."""
    go(guide, CHECKS)
    first = guide.locator(".mtls-check select").first
    first.select_option(label="no")
    expect(guide.locator(".mtls-check").first).to_contain_text("Answer: no.")


def opened(guide: Locator, word: str) -> None:
    """Type the password of what is locked, and press Enter."""
    password = guide.get_by_label("Password", exact=True)
    password.fill(word)
    password.press("Enter")
    expect(password).to_have_value("")
    stands(guide, KEYS, "done")


def everything(lab: Lab, window: Window, folder: Path) -> None:
    """Save the notebook, and download it as a colleague would be sent it."""
    window.save()
    window.page.get_by_role("menuitem", name="File", exact=True).click()
    with window.page.expect_download() as download:
        window.page.locator('.lm-Menu-item[data-command="docmanager:download"]').click()
    download.value.save_as(folder / "downloads" / download.value.suggested_filename)
    assert list(lab.home.rglob("profile_default"))  # where a history would be, and none is kept
    assert list(lab.home.rglob("history.sqlite*")) == []


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


def read_the_instance(window: Window, guide: Locator, instance: Served) -> None:
    """Have the settings read from a running instance, whose password is typed."""
    go(guide, SETTINGS)
    pem = b"".join(
        x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM) for one in instance.trust
    )
    upload(window, "Add its authorities", (Blob(Source("instance-root.pem"), pem),))
    expect(guide.get_by_text("1 certificate of instance-root.pem will vouch")).to_be_visible()
    typed(guide, "Instance", instance.url)
    typed(guide, "User", instance.api.user)
    password = guide.get_by_label("Password of that user, or a token", exact=True)
    password.fill(instance.api.password)
    password.press("Enter")
    expect(guide.get_by_text(f"read as {instance.api.user}.")).to_be_visible()
    expect(password).to_have_value("")
    stands(guide, SETTINGS, "done")


def stopped_and_started_again(guide: Locator, gate: Gate) -> None:
    """Stop the experiments while one of them is under way, then run all of them."""
    go(guide, DIAGNOSIS)
    gate.hold(after=1)
    press(guide, "Run the diagnosis")
    expect(guide.get_by_text("1 call made.")).to_be_visible()
    press(guide, "Stop")
    expect(guide.get_by_text("Stopping: the call that is under way")).to_be_visible()
    held = gate.calls
    gate.release()
    expect(guide.get_by_text("It was stopped: not every change was tried.")).to_be_visible()
    assert gate.calls == held <= 2
    press(guide, "Run the diagnosis")
    expect(guide.get_by_text("It was stopped")).to_be_hidden()
    expect(guide.get_by_text(f"Cause: {CHAIN}, confirmed.")).to_be_visible()
    assert gate.calls > 2 * held


def test_an_endpoint_is_called_and_leaves_no_secret_behind(  # noqa: PLR0913, PLR0917 - fixtures
    window: Window,
    saving_jupyter: Lab,
    staged: Staged,
    java_store: Blob,
    gate: Gate,
    instance: Served,
    chromium: Browser,
) -> None:
    """All nine steps against a live endpoint, with a key store of keytool and a typed password.

    The notebook is saved while the password stands in its field, and again at the end, every time
    with the state of all widgets. Then all that was written is searched.
    """
    sent = Sent()
    window.page.on("request", sent.hear)
    window.run(saving_jupyter, copied(saving_jupyter, "own.ipynb"))
    guide = guide_of(window)
    guide.get_by_label("My own endpoint, which can be called from here").check()
    typed(guide, "Endpoint", str(gate.target))
    typed(guide, "Server name", staged.server_name)
    stands(guide, BEGIN, "done")
    answered(guide)
    go(guide, KEYS)
    upload(window, "Add the key store", (java_store,))
    expect(guide.get_by_text("Still locked: client.jks")).to_be_visible()
    upload(window, "Add trust files", staged.trust_files)
    upload(window, "Add other certificates", staged.material_files)
    typed(guide, "Password", staged.password or "")
    window.save()
    opened(guide, staged.password or "")
    go(guide, ASKS)
    press(guide, "Ask the server")
    expect(guide.get_by_role("heading", name="Which identity fits")).to_be_visible()
    read_the_instance(window, guide, instance)
    stopped_and_started_again(guide, gate)
    go(guide, HANDSHAKE)
    guide.get_by_label("Compare it with", exact=True).select_option(index=2)
    expect(guide.get_by_text("They part").first).to_be_visible()
    go(guide, MEND)
    press(guide, "Rehearse on a stand-in")
    expect(guide.get_by_role("heading", name="On a stand-in of the server")).to_be_visible()
    gate.hold(after=0)
    press(guide, "Try again")
    expect(guide.get_by_role("button", name="Stop calling")).to_be_visible()
    gate.release()
    expect(guide.get_by_role("button", name="Stop calling")).to_be_hidden()
    expect(guide.get_by_role("heading", name="Before and after")).to_be_visible()
    keep(guide, "live")
    press(guide, "Save the case")
    expect(guide.get_by_text("The case was saved as live-2.case.json.")).to_be_visible()
    everything(saving_jupyter, window, saving_jupyter.home)
    hidden = [*secrets_of(staged), *sealed_in(java_store), instance.api.password.encode()]
    assert saving_jupyter.holding(*hidden) == []
    assert sent.holding(*hidden) == []
    assert len(list(saving_jupyter.folder.rglob("own*.ipynb"))) == 2  # with its checkpoint
    fits(window, guide)
    assert window.strayed == []
    saved = json.loads((saving_jupyter.folder / "live.json").read_text())
    assert saved["opinions"][0]["cause"] == CHAIN
    opens_offline(chromium, saving_jupyter.folder / "live.html", saved["opinions"][0]["title"])


def recorded(staged: Staged) -> tuple[Blob, Blob]:
    """Record a refused call: its capture and its key log."""
    case = case_of(staged.target, staged.identity_files, None, (), (), staged.password)
    tap = connect(call_of(case, None, staged.server_name, 10.0, request=True, manner={}))
    lines = "\n".join(tap.secrets.lines).encode()
    return Blob(Source("call.pcapng"), pcapng(tap)), Blob(Source("keys.log"), lines)


def exported() -> Blob:
    """An export of one property."""
    row = {"__class_name": "sys_properties", "name": "glide.httpclient.x", "value": "1"}
    return Blob(Source("properties.json"), json.dumps({"records": [row]}).encode())


def test_files_alone_lead_to_the_report_and_open_again(
    window: Window, saving_jupyter: Lab, staged: Staged, java_store: Blob, chromium: Browser
) -> None:
    """All nine steps from a capture, its key log, a key store and an export; nobody is called.

    Names are hidden in the report, and the case is opened again as it stood.
    """
    sent = Sent()
    window.page.on("request", sent.hear)
    capture, key_log = recorded(staged)
    window.run(saving_jupyter, copied(saving_jupyter, "files.ipynb"))
    guide = guide_of(window)
    guide.get_by_label("Files: captures, logs, exports, key stores, a saved case").check()
    upload(window, "Add files", (capture, key_log, java_store, exported()))
    expect(guide.get_by_text("keys.log opened the captures")).to_be_visible()
    stands(guide, BEGIN, "done")
    answered(guide)
    go(guide, KEYS)
    opened(guide, staged.password or "")
    go(guide, ASKS)
    expect(guide.get_by_role("heading", name="Which identity fits")).to_be_visible()
    go(guide, SETTINGS)
    expect(guide.get_by_text("properties.json").first).to_be_visible()
    typed(guide, "Address that the instance calls", PATH)
    go(guide, HANDSHAKE)
    expect(guide.get_by_role("img", name=LADDER).first).to_be_visible()
    go(guide, DIAGNOSIS)
    expect(guide.get_by_text("Nobody is called")).to_be_visible()
    diagnose(guide)
    expect(guide.get_by_text(CHAIN).first).to_be_visible()
    go(guide, MEND)
    expect(guide.get_by_text("record the call once more")).to_be_visible()
    go(guide, REPORT)
    guide.get_by_label("Names to hide", exact=True).select_option(label="All names and addresses")
    expect(guide.get_by_text("All names and addresses are replaced")).to_be_visible()
    keep(guide, "hidden")
    press(guide, "Save the case")
    expect(guide.get_by_text("The case was saved as hidden-2.case.json.")).to_be_visible()
    everything(saving_jupyter, window, saving_jupyter.home)
    sealed = [line.split()[2] for line in key_log.data.splitlines()]
    hidden = [*secrets_of(staged), *sealed_in(java_store), *sealed]
    assert saving_jupyter.holding(*hidden) == []
    assert sent.holding(*hidden) == []
    for ending in (".html", ".md", ".json"):
        assert "Acme" not in (saving_jupyter.folder / f"hidden{ending}").read_text()
    fits(window, guide)
    saved = json.loads((saving_jupyter.folder / "hidden.json").read_text())
    opens_offline(chromium, saving_jupyter.folder / "hidden.html", saved["opinions"][0]["title"])
    reopened(window, saving_jupyter, saving_jupyter.folder / "hidden-2.case.json")
    assert window.strayed == []


def reopened(window: Window, lab: Lab, case: Path) -> None:
    """Open a saved case in another notebook: what was found is there, and what was answered."""
    window.run(lab, copied(lab, "again.ipynb"))
    guide = guide_of(window)
    guide.get_by_label("Files: captures, logs, exports, key stores, a saved case").check()
    upload(window, "Add files", (Blob(Source(case.name), case.read_bytes()),))
    expect(guide.get_by_text(f"The case of {case.name} was opened")).to_be_visible()
    stands(guide, DIAGNOSIS, "found")
    go(guide, CHECKS)
    expect(guide.locator(".mtls-check select").first).to_have_value("no")
    go(guide, KEYS)
    expect(guide.get_by_text("holds what is public, and no private key")).to_be_visible()
    go(guide, DIAGNOSIS)
    expect(guide.get_by_text(CHAIN).first).to_be_visible()


def test_one_error_line_leads_to_the_report_and_stays(
    window: Window, saving_jupyter: Lab, chromium: Browser
) -> None:
    """All nine steps from a pasted line; running the cell again brings everything back."""
    window.run(saving_jupyter, copied(saving_jupyter, "line.ipynb"))
    guide = guide_of(window)
    guide.get_by_label("One error line").check()
    field = guide.get_by_label("The error", exact=True)
    field.fill(LINE)
    press(guide, "Explain")
    expect(guide.get_by_text("The server refused").first).to_be_visible()
    expect(field).to_have_value("")
    stands(guide, BEGIN, "done")
    answered(guide)
    go(guide, KEYS)
    expect(guide.get_by_role("heading", name="Who is calling")).to_be_visible()
    go(guide, ASKS)
    expect(guide.get_by_text("was not seen")).to_be_visible()
    go(guide, SETTINGS)
    typed(guide, "Address that the instance calls", PATH)
    go(guide, HANDSHAKE)
    expect(guide.get_by_text("bad_certificate").first).to_be_visible()
    diagnose(guide)
    go(guide, MEND)
    expect(guide.get_by_text("What to do").first).to_be_visible()
    keep(guide, "from-a-line")
    expect(guide.get_by_text("What is still open")).to_be_hidden()
    window.page.get_by_role("menuitem", name="Run", exact=True).click()
    window.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    guide = window.page.locator(".mtls-guide")
    expect(guide.get_by_role("link", name="from-a-line.html")).to_be_visible()
    go(guide, CHECKS)
    expect(guide.locator(".mtls-check select").first).to_have_value("no")
    stands(guide, REPORT, "done")
    fits(window, guide)
    assert window.strayed == []
    saved = json.loads((saving_jupyter.folder / "from-a-line.json").read_text())
    assert saved["refused_by"] == "server"
    assert saved["url"] == PATH
    opens_offline(
        chromium, saving_jupyter.folder / "from-a-line.html", saved["opinions"][0]["title"]
    )


def test_without_the_hook_a_typed_password_would_be_saved(
    window: Window, saving_jupyter: Lab
) -> None:
    """The search above finds what it looks for: a notebook that is not ours keeps the password."""
    notebook = copied(saving_jupyter, "foreign.ipynb", ours=False)
    window.run(saving_jupyter, notebook)
    guide = guide_of(window)
    go(guide, KEYS)
    typed(guide, "Password", "canary-password-5417")
    window.save()
    found = {name for name, _ in saving_jupyter.holding(b"canary-password-5417")}
    assert "workspace/foreign.ipynb" in found
    for path in saving_jupyter.folder.rglob("foreign*.ipynb"):
        path.unlink()


def test_the_guide_can_be_worked_with_the_keyboard_alone(
    window: Window, saving_jupyter: Lab
) -> None:
    """Tab reaches every control of a step in order, and Enter leads to the head of a step."""
    window.run(saving_jupyter, copied(saving_jupyter, "keys.ipynb"))
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
    for name, key, title in (
        (CHECKS, "Enter", "What is already known?"),
        (DIAGNOSIS, "Space", "What goes wrong, and why?"),
    ):
        guide.get_by_role("button", name=name).focus()
        page.keyboard.press(key)
        expect(guide.get_by_role("heading", name=title)).to_be_visible()
        expect(guide.locator(".mtls-place:visible")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate(NAMED) == "Run the diagnosis"
