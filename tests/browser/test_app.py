"""The guide as a page without code, served by Voilà: the walk of the notebook, shortened."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from time import monotonic, sleep

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob
from tests.browser.walk import (
    BEGIN,
    CHAIN,
    KEYS,
    Lab,
    Window,
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

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("chromium", "keytool", "module:voila", "module:axe_playwright_python"),
]
LINE = "javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate"


PATIENCE = 30.0  # seconds that a kernel may take to end on a busy machine


def status_of(address: str) -> int:
    """What the server answers to one who brings nothing along."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=30) as answer:
            return answer.status if answer.url == address else 302
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def kernels(served: Lab) -> int:
    """How many pages are at work."""
    header = {"Authorization": f"token {served.token}"}
    request = urllib.request.Request(f"{served.base}/api/kernels", headers=header)  # noqa: S310 - our own server
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return len(json.load(answer))


def opened(window: Window, served: Lab) -> Locator:
    """Open the page by its address, and wait for the guide."""
    window.page.goto(f"{served.base}/{served.first}?token={served.token}")
    return guide_of(window)


def hand_in(window: Window, guide: Locator, staged: Staged, store: Blob) -> None:
    """Name the endpoint, upload what the client holds, and type its password."""
    guide.get_by_label("My own endpoint, which can be called from here").check()
    guide.get_by_label("Endpoint", exact=True).fill(str(staged.target))
    guide.get_by_label("Server name", exact=True).fill(staged.server_name)
    guide.get_by_label("Server name", exact=True).press("Tab")
    stands(guide, BEGIN, "done")
    guide.get_by_role("button", name=KEYS).click()
    upload(window, "Add the key store", (store,))
    upload(window, "Add trust files", staged.trust_files)
    upload(window, "Add other certificates", staged.material_files)
    password = guide.get_by_label("Password", exact=True)
    password.fill(staged.password or "")
    password.press("Enter")
    expect(password).to_have_value("")
    stands(guide, KEYS, "done")


def test_the_page_leads_from_a_line_and_from_a_key_store_to_the_report(  # noqa: PLR0913, PLR0917 - each is a fixture
    window: Window,
    page_of_the_guide: Lab,
    staged: Staged,
    java_store: Blob,
    chromium: Browser,
    sound: Callable[[Page, str], list[str]],
) -> None:
    """An error is explained; then a real key store is uploaded, the cause found, the report saved.

    Each step is sound to axe. A page that is closed ends its kernel, which held the keys in memory.
    Afterwards everything that was written is searched for the key, the password and the store.
    """
    served, page = page_of_the_guide, window.page
    guide = opened(window, served)
    assert "token" not in page.url
    assert page.get_by_text("import").count() == 0
    guide.get_by_label("One error line").check()
    guide.get_by_label("The error", exact=True).fill(LINE)
    press(guide, "Explain")
    expect(guide.get_by_text("The server refused").first).to_be_visible()
    hand_in(window, guide, staged, java_store)
    diagnose(guide)
    expect(guide.get_by_text(CHAIN).first).to_be_visible()
    for step in guide.locator(".mtls-rail button").all():
        step.click()
        assert sound(page, "body") == []
    keep(guide, "from-the-page")
    link = guide.get_by_role("link", name="from-the-page.html")
    with page.expect_popup() as shown:
        link.click()
    expect(shown.value.get_by_role("heading", name="was refused").first).to_be_visible()
    link = link.get_attribute("href")
    assert status_of(f"{served.base}{link}") == 302  # to the login: nothing opens without the token
    assert status_of(f"{served.base}/voila/files/from-the-page.html") == 403
    assert kernels(served) == 1
    page.close(run_before_unload=True)
    deadline = monotonic() + PATIENCE
    while kernels(served) and monotonic() < deadline:
        sleep(0.1)
    assert kernels(served) == 0
    saved = json.loads((served.folder / "from-the-page.json").read_text())
    assert saved["opinions"][0]["cause"] == CHAIN
    assert served.holding(*secrets_of(staged), *pieces(java_store.data)) == []
    told = (served.folder / ".mtlskit/jupyterlab.log").read_text()
    assert "Kernel shutdown" in told
    assert served.token not in told
    assert window.strayed == []
    opens_offline(chromium, served.folder / "from-the-page.html", saved["opinions"][0]["title"])
