"""Is the installation whole? `mtlskit doctor`.

Law of this file: it looks and says what to do; it installs and changes nothing.
"""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from mtlskit.page.blocks import Badge, Callout, Page, Section, Table
from mtlskit.page.shown import Shown

_OLDEST = (3, 11)
_BASE = ("cryptography", "pyOpenSSL")
_NOTEBOOK = ("jupyterlab", "ipywidgets", "jupyterlab_widgets", "ipykernel", "pandas")
_PROGRAMS = {
    "openssl": "a client and a server to compare with",
    "curl": "a client to compare with",
    "keytool": "reads and makes Java key stores",
    "java": "a JSSE client to compare with",
    "gnutls-cli": "a client to compare with",
    "nginx": "a server for the lab",
    "tshark": "dissects captures, to compare with",
    "chromium": "prints a report as PDF",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        needed: whether the kit cannot do without it.
        advice: what to do where it is missing; empty where all is well.
    """

    name: str
    found: str | None
    needed: bool
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is there, and as it should be."""
        return not self.advice


@dataclass(frozen=True, slots=True)
class Examination(Shown):
    """What was found of the installation.

    Attributes:
        core: what the kit itself needs.
        notebook: what the guided notebooks need.
        programs: programs of others that the kit can compare with; none is needed.
    """

    core: tuple[Check, ...]
    notebook: tuple[Check, ...]
    programs: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that is needed is there."""
        return all(one.ok for one in (*self.core, *self.notebook) if one.needed)

    def page(self) -> Page:
        """Describe the installation as a page."""
        bad = [one for one in (*self.core, *self.notebook) if not one.ok]
        first = (
            Callout("The installation is whole.", tone="good")
            if not bad
            else Callout(
                "Something is missing: " + " ".join(one.advice for one in bad),
                tone="bad" if not self.healthy else "warn",
            )
        )
        return Page(
            "The installation",
            (
                first,
                Section("The kit", (_table(self.core),)),
                Section("The notebooks", (_table(self.notebook),)),
                Section("Programs of others", (_table(self.programs),)),
            ),
        )


def _table(checks: tuple[Check, ...]) -> Table:
    rows = tuple(
        (
            one.name,
            one.found or "not found",
            Badge("ok", "good") if one.ok else Badge("missing", "bad" if one.needed else "plain"),
            one.advice,
        )
        for one in checks
    )
    return Table(("", "Found", "", "What to do"), rows)


def doctor() -> Examination:
    """Look at the installation: versions, the notebook's parts, and programs of others."""
    return Examination(
        (_python(), _package("mtlskit", "base"), *(_package(one, "base") for one in _BASE)),
        (*(_package(one, "notebook") for one in _NOTEBOOK), _widget_match()),
        tuple(_program(name, use) for name, use in _PROGRAMS.items()),
    )


def _python() -> Check:
    old = sys.version_info < _OLDEST
    advice = f"Install Python {_OLDEST[0]}.{_OLDEST[1]} or newer." if old else ""
    return Check(
        "Python", f"{platform.python_version()} ({sys.executable})", needed=True, advice=advice
    )


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _package(name: str, extra: str) -> Check:
    found = _installed(name)
    what = "mtlskit" if extra == "base" else f"'mtlskit[{extra}]'"
    advice = "" if found else f"Run: {sys.executable} -m pip install {what}"
    return Check(name, found, needed=extra == "base", advice=advice)


def _widget_match() -> Check:
    """The form fields show only if the kernel's ipywidgets fits the server's widget manager."""
    kernel, manager = _installed("ipywidgets"), _installed("jupyterlab_widgets")
    told = f"ipywidgets {kernel}, jupyterlab_widgets {manager}"
    pairs = {"8": "3", "7": "1"}
    fits = (
        bool(kernel and manager)
        and pairs.get(str(kernel).split(".")[0]) == str(manager).split(".")[0]
    )
    advice = "" if fits else "Install ipywidgets 8 and jupyterlab_widgets 3 in one environment."
    return Check("Widget manager", told if kernel or manager else None, needed=False, advice=advice)


def _program(name: str, use: str) -> Check:
    found = shutil.which(name)
    return Check(name, found, needed=False, advice="" if found else f"Only if wanted: {use}.")
