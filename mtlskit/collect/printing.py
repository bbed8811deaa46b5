"""The report as PDF, printed by a browser that is on this machine.

Law of this file: the browser gets a profile of its own, which is thrown away, no network, and a
deadline. Nothing is downloaded for it; without a browser one sentence says what to do.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from mtlskit.report.saving import NoPdfError, PdfPrinter

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_PATIENCE = 60.0
"""Seconds. A report is printed in two or three; a browser's first start may take longer."""
_BY_HAND = "open the HTML file in a browser and print it to PDF"
_ALONE = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
)
"""It asks nobody for anything: names are not resolved, and the proxy is a port that discards."""


def pdf_printer(patience: float = _PATIENCE) -> PdfPrinter:
    """Find a browser that prints.

    Args:
        patience: seconds that printing may take.

    Raises:
        NoPdfError: there is none.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise NoPdfError(
            f"A PDF needs Chromium or Chrome; neither was found on the PATH. Instead, {_BY_HAND}."
        )

    def printed(html: Path, pdf: Path) -> None:
        with TemporaryDirectory(prefix="mtlskit-pdf-", ignore_cleanup_errors=True) as folder:
            made = Path(folder) / "report.pdf"
            _run(_command(browser, Path(folder), html, made), patience)
            if not made.is_file() or not made.read_bytes().startswith(b"%PDF"):
                raise NoPdfError(f"{Path(browser).name} printed nothing. Instead, {_BY_HAND}.")
            part = pdf.with_name(f".{pdf.name}.part")
            part.write_bytes(made.read_bytes())
            part.replace(pdf)

    return printed


def _command(browser: str, folder: Path, html: Path, made: Path) -> list[str]:
    # Chromium has no sandbox for root; it opens a page of our own, in which no script may run.
    root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    own = [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={made}"]
    return [browser, *_ALONE, *root, *own, html.resolve().as_uri()]


def _run(command: list[str], patience: float) -> None:
    """Run it to its end, or end it and all that it started."""
    with subprocess.Popen(  # noqa: S603 - a browser found on the PATH, arguments of our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as browser:
        try:
            browser.wait(patience)
        except subprocess.TimeoutExpired:
            name = Path(command[0]).name
            words = f"{name} did not print within {patience:g} seconds. Instead, {_BY_HAND}."
            raise NoPdfError(words) from None
        finally:
            _end(browser)


def _end(browser: subprocess.Popen[bytes]) -> None:
    """End the browser's whole group: its helpers outlive it at times."""
    try:
        if os.name == "posix":
            os.killpg(browser.pid, signal.SIGKILL)
        else:
            browser.kill()
    except (ProcessLookupError, PermissionError):
        pass
