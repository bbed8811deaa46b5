"""Programs that have to be compiled before they run: kept in the user's cache, by what made them.

Law of this file: a build is whole or not there; two builds at once do not harm each other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from mtlskit.lab.stacks.programs import said
from mtlskit.lab.stacks.setup import NotHere

_PATIENCE = 300.0
_HERE = Path(__file__).parent


def _shelf(*parts: str) -> Path:
    """Name the directory of one build."""
    at = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
    return Path(at) / "mtlskit" / "lab" / name


def _built(shelf: Path, build: Callable[[Path], None]) -> Path:
    """Return the build on this shelf, made beside it first if it is not there."""
    if shelf.is_dir():
        return shelf
    shelf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf.parent) as at:
        made = Path(at) / "made"
        made.mkdir()
        build(made)
        try:
            made.rename(shelf)
        except OSError:
            if not shelf.is_dir():  # else somebody was quicker, with the same result
                raise
    return shelf


def _run(command: list[str], at: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - the machine's own compilers
        command,
        cwd=at,
        env=os.environ | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        words = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        raise NotHere(f"{Path(command[0]).name} did not build the lab's server: {words[-600:]}")


@cache
def java_classes(
    java: str, program: str = "Server.java", jars: tuple[str, ...] = ()
) -> dict[str, bytes]:
    """Return the compiled classes of a program beside this file, by their file names."""
    source = _HERE / program
    compiler = str(Path(java).resolve().with_name("javac"))
    if not Path(compiler).exists():
        compiler = shutil.which("javac") or compiler
    used = [str(Path(one).resolve()) for one in jars]  # their names tell the version
    shelf = _shelf("java", said(java, "-version"), source.read_text("utf-8"), *used)
    told = [compiler, "-d", ".", *(["-cp", os.pathsep.join(used)] if used else []), str(source)]
    made = _built(shelf, lambda at: _run(told, at))
    return {path.name: path.read_bytes() for path in made.glob("*.class")}


@cache
def go_program(go: str) -> Path:
    """Return the compiled ``server.go``."""
    source = _HERE / "server.go"
    shelf = _shelf("go", said(go, "version"), source.read_text("utf-8"))

    def build(at: Path) -> None:
        env = {"GOCACHE": str(at / "cache"), "GO111MODULE": "off", "CGO_ENABLED": "0"}
        env |= {"GOPATH": str(at / "path"), "GOTOOLCHAIN": "local", "GOFLAGS": ""}
        _run([go, "build", "-ldflags=-s -w", "-o", str(at / "server"), str(source)], at, env)
        shutil.rmtree(at / "cache", ignore_errors=True)
        shutil.rmtree(at / "path", ignore_errors=True)

    return _built(shelf, build) / "server"
