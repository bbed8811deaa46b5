"""A JupyterLab as `mtlskit open` starts it, and a Chromium that may speak to nothing else.

Law: whatever the browser asks for off this machine is refused and remembered, so that a test can
say that nothing was. Every folder that Jupyter writes to lies in the test's own folder.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Response, Route, expect, sync_playwright

from mtlskit.lab import scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob, Source
from mtlskit.terminal.jupyter import Server, running
from mtlskit.terminal.workspace import lay_out
from tests.browser.walk import CHAIN

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
OWN_FOLDERS = {"HOME": "home", "JUPYTER_DATA_DIR": "d", "JUPYTER_RUNTIME_DIR": "r"}
NEAR = {"127.0.0.1", "localhost", ""}  # the empty host: data:, blob:, about: and file:
PATIENCE = 60_000.0  # milliseconds: a busy machine is slow, a broken page never comes
expect.set_options(timeout=PATIENCE)


@dataclass
class Lab:
    """A running JupyterLab.

    Attributes:
        base: its address; `token` opens it.
        folder: where the notebooks are; `home` holds that and everything else that it writes.
        first: the page that it opens with.
    """

    base: str
    token: str
    folder: Path
    home: Path
    first: str = ""

    def holding(self, *secrets: bytes) -> list[tuple[str, bytes]]:
        """Name every file beneath `home` that holds one of the secrets."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return [
            (str(path.relative_to(self.home)), secret)
            for path in files
            for secret in secrets
            if secret in path.read_bytes()
        ]


@contextmanager
def start(home: Path, app: str | None = None, **settings: object) -> Iterator[Lab]:
    """Start JupyterLab as `mtlskit open` does, in a folder of its own, with a user's settings."""
    folder = home / "workspace"
    for plugin, values in settings.items():
        path = folder / ".mtlskit/jupyter/lab/user-settings" / plugin
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    lay_out(folder)
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, part in OWN_FOLDERS.items():
                (home / part).mkdir(parents=True)
                patch.setenv(name, str(home / part))
            server: Server = stack.enter_context(running(folder, app=app))
        yield Lab(f"http://127.0.0.1:{server.port}", server.token, folder, home, server.page)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab as it comes."""
    with start(tmp_path_factory.mktemp("j")) as lab:
        yield lab


@pytest.fixture(scope="module")
def saving_jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab of a user who has every notebook saved together with its widgets' state."""
    plugin = "@jupyter-widgets/jupyterlab-manager/plugin.jupyterlab-settings"
    with start(tmp_path_factory.mktemp("s"), **{plugin: {"saveState": True}}) as lab:
        yield lab


@pytest.fixture(scope="module")
def page_of_the_guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The guide as a page without code, as `mtlskit open --app` starts it."""
    with start(tmp_path_factory.mktemp("a"), app="light") as lab:
        yield lab


@pytest.fixture
def staged() -> Iterator[Staged]:
    """A failure of the lab whose cause is an intermediate that is not sent."""
    with scenes.stage(CHAIN, tls="1.3") as lab:
        yield lab


@pytest.fixture
def java_store(staged: Staged, tmp_path: Path, program: Callable[[str], str]) -> Blob:
    """The client's key store, as keytool writes it in the old Java format."""
    (tmp_path / "client.p12").write_bytes(staged.identity_files[0].data)
    word = staged.password or ""
    both = ["-srcstorepass", word, "-deststorepass", word, "-deststoretype", "JKS"]
    files = ["-srckeystore", "client.p12", "-destkeystore", "client.jks"]
    command = [program("keytool"), "-importkeystore", *files, *both]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / "client.jks").read_bytes()
    assert data[:4] == b"\xfe\xed\xfe\xed"
    return Blob(Source("client.jks"), data)


@pytest.fixture(scope="module")
def chromium(program: Callable[[str], str]) -> Iterator[Browser]:
    """A real Chromium. It ends with its file: while it lives, this process has a running loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=list(SWITCHES)
        )
        yield browser
        browser.close()


@dataclass
class Window:
    """A browser window on one JupyterLab.

    Attributes:
        strayed: every address off this machine that the page asked for; all were refused.
    """

    page: Page
    strayed: list[str] = field(default_factory=list)

    def watch(self, route: Route) -> None:
        """Let near requests through, refuse and remember all others."""
        if urlsplit(route.request.url).hostname in NEAR:
            route.continue_()
        else:
            self.strayed.append(route.request.url)
            route.abort()

    def run(self, lab: Lab, notebook: str) -> None:
        """Open a notebook and run all its cells, by the menu."""
        self.page.goto(f"{lab.base}/doc/tree/{notebook}?token={lab.token}")
        self.idle()
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def idle(self) -> None:
        """Wait until the kernel is there and waits for work."""
        expect(self.page.locator("#jp-main-statusbar").get_by_text("| Idle")).to_be_visible()

    def save(self) -> None:
        """Save the notebook, by the menu, and wait until its checkpoint is made too."""
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        with self.page.expect_response(_made_checkpoint):
            self.page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()


def _made_checkpoint(response: Response) -> bool:
    return response.request.method == "POST" and response.url.split("?")[0].endswith("/checkpoints")


@pytest.fixture
def window(chromium: Browser) -> Iterator[Window]:
    """A fresh window, as small as a common laptop's."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    seen = Window(context.new_page())
    context.route("**/*", seen.watch)
    yield seen
    context.close()


@pytest.fixture(scope="session")
def sound() -> Callable[[Page, str], list[str]]:
    """Ask axe what keeps people out of a part of a page; serious and critical problems count."""
    script = AXE_SCRIPT

    def complaints(page: Page, part: str) -> list[str]:
        if not page.evaluate("typeof window.axe === 'object'"):
            page.evaluate(script)
        told = page.evaluate("part => axe.run(part, {resultTypes: ['violations']})", part)
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
            for one in told["violations"]
            for node in one["nodes"]
            if one["impact"] in {"serious", "critical"}
        ]

    return complaints
