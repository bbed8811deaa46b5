"""What `doctor` says is at hand, on a machine of the test's own making."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mtlskit.collect import doctor as room
from mtlskit.collect.doctor import doctor
from mtlskit.collect.engines import ENGINES
from mtlskit.page.text import text


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place where programs are looked for."""
    monkeypatch.setattr(room, "_PLACES", str(tmp_path))
    return tmp_path


def _installed(folder: Path, name: str) -> None:
    path = folder / (f"{name}.exe" if sys.platform == "win32" else name)
    path.write_text("")
    path.chmod(0o700)


def test_what_is_at_hand_is_told_by_what_it_is_for(machine: Path) -> None:
    """Engines, clients, servers and tools stand apart, each with how many are here."""
    for name in ("openssl", "httpd"):
        _installed(machine, name)
    found = {(one.group, one.name): one for one in doctor().programs}
    assert found["Engines that are asked for a second opinion", "openssl"].ok
    assert found["Servers for the lab", "apache2"].found == str(machine / "httpd")
    missing = found["Clients to compare with", "curl"]
    assert (missing.found, missing.needed) == (None, False)
    assert missing.advice == "Only if wanted: a client with the system's TLS library."
    told = text(doctor().page())
    for heading in (
        "second opinion (1 of 4)",
        "compare with (1 of 5)",
        "Servers for the lab (2 of",
    ):
        assert heading in told


@pytest.mark.usefixtures("machine")
def test_without_any_program_of_others_the_installation_is_whole() -> None:
    """None of them is needed, and each says what it would be good for."""
    found = doctor()
    assert found.healthy
    assert found.programs
    assert all(one.found is None and one.use in one.advice for one in found.programs)


def test_every_engine_is_listed() -> None:
    """Each program that a chain is asked of stands among them; Java by its compiler."""
    named = {one.name for one in doctor().programs if "second opinion" in one.group}
    assert named == {one.program.replace("java", "javac") for one in ENGINES.values()}
