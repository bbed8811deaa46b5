"""A Jupyter server on the loopback that answers to its token alone.

Law of this file: the token goes through the environment, since a command line can be read by every
user; the log is for its owner only; and whatever is started is ended again.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtlskit.terminal.workspace import GUIDE, OWN, settle

WINDOWS = os.name == "nt"
START = "00-start-here.ipynb"
PORTS = range(8888, 8900)  # tried in this order when no port was asked for
_PORT_RACES = 5  # how often another program may be faster to take a free port
_PATIENCE = 120.0  # seconds that the server may take to answer the first time
_LEAVE = 10.0  # seconds that it may take to end its kernels and itself
_SOCKET_PATH = 100  # characters that every system allows in a socket's path
_ABANDONED = 300  # seconds after which the kernel of a page that was closed is ended in any case
_FOREIGN = ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH", "JUPYTERLAB_DIR", "JUPYTERLAB_SETTINGS_DIR")
"""Other places of settings and extensions, which `settle` promises to leave out."""

# The page needs neither JupyterLab nor shells; what belongs to them stays unloaded.
_LEFT_OUT = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim")
_APP = (
    f"--ServerApp.jpserver_extensions={dict.fromkeys(_LEFT_OUT, False)}",
    "--ServerApp.terminals_enabled=False",
    "--ContentsManager.allow_hidden=True",  # the page's notebook lies beside our settings
    '--ServerApp.tornado_settings={"mathjax_url": ""}',
    "--VoilaConfiguration.template=mtlskit",
    "--VoilaConfiguration.file_allowlist=[]",  # Voilà would hand these out without the token
    "--VoilaConfiguration.allow_template_override=NO",
    "--MappingKernelManager.cull_interval=60",
    f"--MappingKernelManager.cull_idle_timeout={_ABANDONED}",
)
_LAB = (
    "--LabApp.extension_manager=readonly",
    "--ServerApp.jpserver_extensions={'voila.server_extension': False}",
)


class Trouble(Exception):  # noqa: N818 - no fault of this program: something stands in its way
    """What stands in the way; its text is the one sentence to show."""


def free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback."""
    with socket.socket() as trial:
        if not WINDOWS:  # where it would mean to take the port from its owner
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port(asked: int | None) -> int:
    """Return the port that was asked for, or one that is free.

    Raises:
        Trouble: the port that was asked for is in use or may not be used.
    """
    if asked is not None:
        if not free(asked):
            raise Trouble(
                f"port {asked} on 127.0.0.1 is in use or not allowed. "
                "Choose another with --port, or leave --port away and a free one is taken."
            )
        return asked
    for port in PORTS:
        if free(port):
            return port
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def ipc_fits() -> bool:
    """Tell whether kernels can be reached by sockets in the file system: short paths only."""
    data = os.environ.get("JUPYTER_DATA_DIR") or str(Path.home() / ".local/share/jupyter")
    runtime = os.environ.get("JUPYTER_RUNTIME_DIR") or data + "/runtime"
    return not WINDOWS and len(runtime) + len("/kernel--ipc-5") + 36 < _SOCKET_PATH


class Server:
    """JupyterLab, or with `app` the guide as a page without code.

    Attributes:
        port, token: what opens it.
        page: what it shows first.
    """

    def __init__(self, folder: Path, port: int, *, browser: bool, app: str | None = None) -> None:
        """Start it; it listens somewhat later.

        Args:
            folder: the workspace.
            port: where to listen, on the loopback.
            browser: open the page in the user's browser.
            app: show the guide as a page, in this theme: ``light`` or ``dark``.
        """
        self.port, self.token = port, secrets.token_hex(24)
        self.page = f"doc/tree/{START}" if (folder / START).exists() else "lab"
        self.page = f"voila/render/{GUIDE}" if app else self.page
        self.name = "Voilà" if app else "JupyterLab"
        self.log = folder / OWN / "jupyterlab.log"
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        environment = {**kept, "JUPYTER_TOKEN": self.token, **settle(folder)}
        # A group of its own: Ctrl-C comes here alone, and the server is ended in good order.
        group = {"creationflags": 0x200} if WINDOWS else {"start_new_session": True}
        private = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(private, "wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - this Python, arguments of our own
                self._command(folder, app, browser=browser),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **group,
            )

    def _command(self, folder: Path, app: str | None, *, browser: bool) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyter_server" if app else "jupyterlab"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
            f"--{'ServerApp' if app else 'LabApp'}.default_url=/{self.page}",
            *((*_APP, f"--VoilaConfiguration.theme={app}") if app else _LAB),
            *([] if browser else ["--no-browser"]),
            *(["--KernelManager.transport=ipc"] if ipc_fits() else []),
            *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
        ]

    @property
    def address(self) -> str:
        """Where the page is, with the token."""
        return f"http://127.0.0.1:{self.port}/{self.page}?token={self.token}"

    def ask(self, method: str, path: str, patience: float) -> bool:
        """Tell whether the server did what was asked. It is asked without any proxy."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=patience):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def wait_until_ready(self) -> bool:
        """Return when the server answers, or False when it found its port taken meanwhile.

        Raises:
            Trouble: it ended for another reason, or did not answer in time.
        """
        deadline = time.monotonic() + _PATIENCE
        while not self.ask("GET", "api/status", 2.0):
            if self.process.poll() is not None:
                if "is not available" in self.last_words():
                    return False
                raise Trouble(f"{self.name} ended at once: {self.last_words()}")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} did not answer for {_PATIENCE:.0f} s; see {self.log}.")
            time.sleep(0.1)
        return True

    def last_words(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f"'{said[-1]}' (more in {self.log})" if said else f"see {self.log}"

    def wait(self) -> int:
        """Wait until the server has ended; return its exit status."""
        while True:
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout=0.5)

    def end(self) -> None:
        """End the server and its kernels: by its own way out, else by force."""
        try:
            if self.process.poll() is None and not self.ask("POST", "api/shutdown", _LEAVE):
                self.process.terminate()
            self.process.wait(timeout=_LEAVE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.process.kill()
            self.process.wait()


@contextmanager
def running(
    folder: Path, port: int | None = None, *, browser: bool = False, app: str | None = None
) -> Iterator[Server]:
    """Give a server that answers. Should somebody take its port first, another one is taken.

    Raises:
        Trouble: what stood in the way.
    """
    for _ in range(_PORT_RACES):
        server = Server(folder, choose_port(port), browser=browser, app=app)
        try:
            if server.wait_until_ready():
                yield server
                return
        finally:
            server.end()
    raise Trouble(f"{server.name} did not start: {server.last_words()}")
