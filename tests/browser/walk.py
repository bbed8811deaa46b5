"""How a test walks through the guide, and what it looks for afterwards.

Law: a walk waits for what the page shows, never for time to pass.
"""

import base64
import json
import re
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from playwright.sync_api import Browser, Locator, Page, expect

from mtlskit.desk import rail
from mtlskit.lab.scenes import Staged

CHAIN = "client.chain-incomplete"
GUIDED = "01-guided-troubleshooting.ipynb"
BEGIN, CHECKS, KEYS, ASKS, SETTINGS, HANDSHAKE, DIAGNOSIS, MEND, REPORT = (
    f"{number} {name}" for number, name in enumerate(rail.STEPS, 1)
)
PIECE = 48  # bytes of a secret that are looked for: enough not to meet them by chance


class Lab(Protocol):
    """A running JupyterLab, as `conftest.Lab`."""

    folder: Path
    home: Path

    def holding(self, *secrets: bytes) -> list[tuple[str, bytes]]:
        """Name every file that holds one of the secrets."""


class Window(Protocol):
    """A browser window on it, as `conftest.Window`."""

    page: Page
    strayed: list[str]

    def run(self, lab: Lab, notebook: str) -> None:
        """Open a notebook and run all its cells."""

    def save(self) -> None:
        """Save the notebook and its checkpoint."""


def copied(lab: Lab, name: str, *, ours: bool = True) -> str:
    """Lay another copy of the guided notebook beside it, so that it has a kernel of its own."""
    notebook = json.loads((lab.folder / GUIDED).read_text())
    if not ours:
        del notebook["metadata"]["mtlskit"]
    (lab.folder / name).write_text(json.dumps(notebook))
    return name


def guide_of(window: Window) -> Locator:
    guide = window.page.locator(".mtls-guide")
    expect(guide.get_by_role("heading", name="What do you have?")).to_be_visible()
    return guide


def press(guide: Locator, name: str) -> None:
    guide.get_by_role("button", name=name, exact=True).click()


def stands(guide: Locator, step: str, state: str) -> None:
    """Wait until the rail says how a step stands: what was typed there has arrived then."""
    button = guide.get_by_role("button", name=step)
    expect(button).to_have_class(re.compile(rf"\bmtls-{state}\b"))


def diagnose(guide: Locator) -> None:
    guide.get_by_role("button", name=DIAGNOSIS).click()
    press(guide, "Run the diagnosis")
    stands(guide, DIAGNOSIS, "found")


def pieces(secret: bytes) -> list[bytes]:
    """Name what a file would hold that holds the secret: its bytes, or base64 at any offset."""
    inner = [base64.b64encode(secret[shift:])[:PIECE] for shift in range(3)]
    return [secret[:PIECE], *inner] if len(secret) > PIECE else [secret, *inner[:1]]


def secrets_of(staged: Staged) -> list[bytes]:
    """List everything of the client's side that must not be found anywhere."""
    store, word = staged.identity_files[0].data, (staged.password or "").encode()
    key, _, _ = pkcs12.load_key_and_certificates(store, word)
    assert key is not None
    forms = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    ders = [key.private_bytes(Encoding.DER, form, NoEncryption()) for form in forms]
    middle = len(store) // 2
    parts = [word, store, store[middle : middle + 90], *ders]
    return [piece for part in parts for piece in pieces(part)]


def upload(window: Window, label: str, blobs: tuple) -> None:
    if not blobs:
        return
    with window.page.expect_file_chooser() as chooser:
        window.page.locator(".mtls-guide").get_by_role("button", name=label).click()
    chooser.value.set_files(
        [{"name": b.source.name, "mimeType": "", "buffer": b.data} for b in blobs]
    )


def keep(guide: Locator, stem: str) -> None:
    """Save the report under a name, and wait for its links."""
    guide.get_by_role("button", name=REPORT).click()
    guide.get_by_label("Name of the files").fill(stem)
    press(guide, "Save the report")
    expect(guide.get_by_role("link", name=f"{stem}.html")).to_be_visible()


def opens_offline(chromium: Browser, report: Path, title: str) -> None:
    """Open the report without any network: it asks for itself alone, and shows the cause."""
    context = chromium.new_context(offline=True)
    page, asked, complaints = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(report.as_uri())
    expect(page.get_by_text(title).first).to_be_visible()
    assert asked == [report.as_uri()]
    assert complaints == []
    context.close()
