"""Is the installation whole? `mtlskit doctor`.

Law of this file: it looks and says what to do; it installs and changes nothing.
"""

from __future__ import annotations

import os
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
_GROUPS = {
    # by what they are for; of names with a bar between them, one is enough
    "Engines that are asked for a second opinion": {
        "openssl": "judges chains as OpenSSL, nginx and Python do",
        "certtool": "judges chains as GnuTLS does",
        "javac": "comes with a JDK, which judges chains as JSSE does",
        "go": "judges chains as Go does",
    },
    "Clients to compare with": {
        "openssl": "openssl s_client",
        "curl": "a client with the system's TLS library",
        "gnutls-cli": "a client with GnuTLS",
        "java": "a JSSE client",
        "node|nodejs": "a client with Node.js",
    },
    "Servers for the lab": {
        "openssl": "openssl s_server",
        "nginx": "a server with OpenSSL",
        "apache2|httpd": "a server with OpenSSL",
        "haproxy": "a server with OpenSSL",
        "stunnel4|stunnel": "a server with OpenSSL",
        "gnutls-serv": "a server with GnuTLS",
        "java": "a JSSE server",
        "go": "a server with Go",
        "node|nodejs": "a server with Node.js",
    },
    "Other tools": {
        "keytool": "reads and makes Java key stores",
        "tshark": "dissects captures, to compare with",
        "chromium|chromium-browser|google-chrome": "prints a report as PDF",
    },
}
_PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
"""Where programs are looked for: servers stand where only root's PATH leads."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        needed: whether the kit cannot do without it.
        advice: what to do where it is missing; empty where all is well.
        use: what it is good for.
        group: under which heading it stands among the programs.
    """

    name: str
    found: str | None
    needed: bool
    advice: str = ""
    use: str = ""
    group: str = ""

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
                Section("Programs of others", tuple(map(self._grouped, _GROUPS))),
            ),
        )

    def _grouped(self, group: str) -> Section:
        every = [one for one in self.programs if one.group == group]
        here = sum(one.ok for one in every)
        rows = tuple((one.name, one.found or "not found", one.use) for one in every)
        return Section(f"{group} ({here} of {len(every)})", (Table(("", "Found", "Use"), rows),))


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
        (
            *(_package(one, "notebook") for one in _NOTEBOOK),
            _widget_match(),
            _package("voila", "app"),
        ),
        tuple(
            _program(names, use, group)
            for group, programs in _GROUPS.items()
            for names, use in programs.items()
        ),
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


def _program(names: str, use: str, group: str) -> Check:
    first, *_ = every = names.split("|")
    places = (shutil.which(name, path=_PLACES) for name in every)
    found = next((place for place in places if place), None)
    advice = "" if found else f"Only if wanted: {use}."
    return Check(first, found, needed=False, advice=advice, use=use, group=group)
