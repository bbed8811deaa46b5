#!/usr/bin/env python3
"""Makes what mtlskit needs and starts it: `python3 kit.py start`, `setup`, `test`, `lock`.

Law: one file and the standard library only, on Linux, macOS and Windows. What stands in the way is
told in one sentence, and the next run recovers. Nothing here needs a newer syntax than Python 3.6
has, so that an old Python can still say that it is too old.

It writes beside itself: `.venv` (the packages of the lock), `workspace` (copies of the notebooks,
where the user works) and `.kit.lock` (so that two runs do not collide). Only `test`, and only as
root where apt is, installs anything elsewhere: the servers and the browser that the tests use.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import itertools
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

NEEDED = (3, 11)


def _newer_python() -> str:
    """Names a Python on this machine that is new enough, or gives "" if none answers."""
    ask = "import sys; sys.exit(sys.version_info[:2] < (3, 11))"
    for name in ("python3.13", "python3.12", "python3.11"):
        with contextlib.suppress(OSError):
            if not subprocess.call([name, "-c", ask], stderr=subprocess.DEVNULL):
                return name
    return ""


if sys.version_info[:2] < NEEDED:
    _better = _newer_python()
    _hint = f" {_better} is on this machine: run '{_better} kit.py start'." if _better else ""
    _this = platform.python_version()
    sys.exit(f"mtlskit needs Python {NEEDED[0]}.{NEEDED[1]} or newer; this is {_this}.{_hint}")

WINDOWS = os.name == "nt"
QUEUE = 900.0  # seconds that one run waits for another that is making .venv

# What the tests use beside Python, with the Debian package that has it. `a|b`: either will do.
PROGRAMS = {
    "nginx": "nginx-light",
    "apache2|httpd": "apache2",
    "haproxy": "haproxy",
    "stunnel4|stunnel": "stunnel4",
    "openssl": "openssl",
    "curl": "curl",
    "microsocks": "microsocks",
    "dovecot": "dovecot-imapd",
    "/usr/lib/dovecot/pop3-login": "dovecot-pop3d",
    "/usr/lib/dovecot/submission-login": "dovecot-submissiond",
    "slapd": "slapd",
    "pg_createcluster": "postgresql",
    "redis-server": "redis-server",
    "gnutls-cli": "gnutls-bin",
    "gnutls-serv": "gnutls-bin",
    "certtool": "gnutls-bin",
    "keytool": "default-jre-headless",
    "java": "default-jre-headless",
    "javac": "default-jdk-headless",
    "tshark": "tshark",
    "git": "git",
    "node|nodejs": "nodejs",
    "pdftotext": "poppler-utils",
    "chromium|chromium-browser|google-chrome": "chromium",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core",
}
# Debian puts servers where the PATH of an ordinary user does not look.
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

# How pip and uv say that they did not reach an index.
NO_NETWORK = re.compile(
    "connection (refused|reset|broken)|newconnectionerror|(failed|could not|cannot) connect"
    "|failed to (connect|establish)|error sending request|name resolution|dns error|getaddrinfo"
    "|unreachable|timed out|max retries|no route to host|proxyerror|from proxy",
    re.IGNORECASE,
)

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)
LOCK_OPTIONS = (
    "--quiet --universal --upgrade --generate-hashes --no-emit-index-url"
    " --python-version=3.11 --extra=notebook --extra=app"
)
WHOLE_SUITE = ("-q", "-nauto", "--dist=loadfile", "--durations=10", "--cov", "--cov-report=term")


class Trouble(Exception):  # noqa: N818  no fault of this program: something stands in its way
    """What stands in the way; its text is the one sentence to show."""


class Place(NamedTuple):
    """A copy of the project, and where its parts lie."""

    home: Path

    @property
    def venv(self) -> Path:
        """The folder of the packages."""
        return self.home / ".venv"

    @property
    def mark(self) -> Path:
        """Says that kit.py made the folder, and of what. Its parts are written when they stand."""
        return self.venv / "made-by-kit.json"

    @property
    def python(self) -> Path:
        """The Python that has the packages."""
        return self.script("python")

    def script(self, name: str) -> Path:
        """A program that a package brought."""
        return self.venv / ("Scripts" if WINDOWS else "bin") / (name + (".exe" if WINDOWS else ""))

    def lock(self, *, dev: bool) -> Path:
        """The list of the packages, with their hashes."""
        return self.home / ("requirements-dev.lock" if dev else "requirements.lock")


def say(sentence: str) -> None:
    """Tells the user something; standard output is kept for answers."""
    print(sentence, file=sys.stderr, flush=True)


# ------------------------------------------------------------------ small files and other programs


def digest(*parts: str | Path) -> str:
    """One value that changes when any of the parts does; a path stands for its file's bytes."""
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part.read_bytes()
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()


def read_json(path: Path) -> dict[str, str]:
    """A small file of our own; one that is not there, or was cut short, is empty."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Writes a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(path)


def surroundings(**more: str) -> dict[str, str]:
    """The environment for what is started: as it is, less what would bend another Python."""
    bent = {"PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"}
    bent |= {"UV_PYTHON", "UV_SYSTEM_PYTHON", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    return {name: value for name, value in os.environ.items() if name not in bent} | more


def run(
    *command: str | Path, show: bool = False, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; unless it is to `show` what it prints, that is kept."""
    kept = None if show else subprocess.PIPE
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=surroundings(**environment),
        stdin=None if show else subprocess.DEVNULL,
        stdout=kept,
        stderr=kept and subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def answers(*command: str | Path) -> bool:
    """Whether a program is there and ends well; what it prints is dropped."""
    try:
        return run(*command).returncode == 0
    except OSError:
        return False


def must(what: str, *command: str | Path, cwd: Path | None = None) -> None:
    """Runs a program that has to succeed.

    Raises:
        Trouble: it failed; the sentence says that `what` did not succeed, and why.
    """
    done = run(*command, cwd=cwd)
    if done.returncode:
        raise Trouble(f"{what} did not succeed: {why(done.stdout)}")


def why(output: str) -> str:
    """Says in one sentence why pip, uv or venv failed."""
    if "no space left" in output.lower():
        return "the disk is full. Make room and run this again."
    if NO_NETWORK.search(output):
        return (
            "the package index was not reached. Check the network and the proxy settings,"
            " then run this again."
        )
    if re.search("hash.*mismatch|do not match the hashes", output, re.IGNORECASE):
        return "a package that was fetched does not have the hash that the lock names."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search("error: ", line, re.IGNORECASE)] or lines
    return f"it said '{telling[-1]}'." if telling else "it said nothing."


def whereis(program: str) -> str | None:
    """Finds a program by its name, or by several names that mean the same, as `a|b`."""
    found = (shutil.which(name, path=SEARCHED) for name in program.split("|"))
    return next(filter(None, found), None)


# ---------------------------------------------------------------------------------------- making


def wanted(place: Place, *, dev: bool) -> dict[str, str]:
    """What the folder of the packages is made of: `packages`, `project` and, for tests, `tests`."""
    config = sorted((place.home / "etc").rglob("*.json"))
    want = {
        "packages": digest(sys.version, sys.base_prefix, str(place.home), place.lock(dev=False)),
        "project": digest(place.home / "pyproject.toml", *config),
    }
    return {**want, "tests": digest(place.lock(dev=True))} if dev else want


def whole(place: Place) -> bool:
    """Whether the packages are really there: somebody may have removed half of them."""
    names = ("mtlskit", "jupyterlab", "ipywidgets", "cryptography", "OpenSSL")
    ask = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {names})))"
    return answers(place.python, "-c", ask)


def steps(place: Place, *, dev: bool) -> set[str]:
    """Which parts are still to be made; where the packages are, everything is."""
    have, want = read_json(place.mark), wanted(place, dev=dev)
    left = {part for part in want if have.get(part) != want[part]}
    return set(want) if "packages" in left or not whole(place) else left


def prepare(place: Place, *, dev: bool, again: bool = False) -> None:
    """Makes `.venv`, or only those of its parts whose source changed since.

    Raises:
        Trouble: what stood in the way.
    """
    if not again and not steps(place, dev=dev):
        return
    with alone(place.home / ".kit.lock"):
        left = set(wanted(place, dev=dev)) if again else steps(place, dev=dev)
        have = read_json(place.mark)
        if "packages" in left:
            have = {}
            clear(place)
            make_venv(place)
        else:
            write_json(place.mark, {part: have[part] for part in have if part not in left})
        if left & {"packages", "tests"}:
            fetch(place, place.lock(dev=dev))
        if left & {"packages", "project"}:
            install_project(place)
        if left:
            write_json(place.mark, {**have, **wanted(place, dev=dev)})
            say(f"{place.venv.name} is ready.")


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lets one run at a time make things here. The system frees the lock when its holder ends."""
    with path.open("a+") as handle:
        deadline, told = time.monotonic() + QUEUE, False
        while not try_lock(handle):
            if time.monotonic() > deadline:
                raise Trouble("another kit.py has been at work here for too long. End it first.")
            if not told:
                say("Another kit.py is making .venv here; waiting for it.")
                told = True
            time.sleep(0.2)
        yield


if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: IO[str]) -> bool:
        """Takes the lock if nobody has it."""
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(handle: IO[str]) -> bool:
        """Takes the lock if nobody has it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def clear(place: Place) -> None:
    """Takes an older or half-made folder away; one that kit.py did not make is only set aside."""
    gone = place.home / ".venv.gone"
    shutil.rmtree(gone, ignore_errors=True)
    if not place.venv.exists():
        return
    ours = place.mark.exists()
    kept = (place.home / f".venv.kept-{number}" for number in itertools.count(1))
    aside = gone if ours else next(path for path in kept if not path.exists())
    try:
        place.venv.rename(aside)
    except PermissionError as error:
        raise Trouble(
            f"{place.venv} cannot be replaced ({error.strerror})."
            " End every program that runs from it, then run this again."
        ) from error
    if ours:
        say(".venv is from an older state or half made; making it anew.")
        shutil.rmtree(gone, ignore_errors=True)
    else:
        say(f"kit.py did not make this .venv; it is kept as {aside.name}.")


def uv(*more: Path) -> str | None:
    """A uv that answers: from the PATH, where a name may lead nowhere, or from `more` places."""
    candidates = [shutil.which("uv"), *map(str, more)]
    return next((found for found in candidates if found and answers(found, "--version")), None)


def make_venv(place: Place) -> None:
    """Makes an empty folder of packages, marked as ours before anything else."""
    lacks = "venv" if importlib.util.find_spec("venv") is None else ""
    if not lacks and not uv() and importlib.util.find_spec("ensurepip") is None:
        lacks = "ensurepip"
    if lacks:
        major, minor = sys.version_info[:2]
        raise Trouble(
            f"this Python lacks its {lacks} module, so .venv cannot be made."
            f" On Debian and Ubuntu 'apt install python{major}.{minor}-venv' adds it."
        )
    write_json(place.mark, {})
    # Run from .venv itself, sys.executable would vanish under our feet.
    python = getattr(sys, "_base_executable", None) or sys.executable
    options = ["--without-pip"] if uv() else []
    must("making .venv", python, "-m", "venv", *options, place.venv)


def installer(place: Place) -> list[str | Path]:
    """The command that installs into `.venv`: uv where it is at hand, else pip."""
    found = uv()
    if found:
        return [found, "pip", "install", "--python", place.python]
    return [place.python, "-m", "pip", "install", "--no-compile", "--disable-pip-version-check"]


def fetch(place: Place, lock: Path) -> None:
    """Installs the packages of a lock, checks their hashes, and compiles them side by side."""
    how = "uv" if uv() else "pip, which may take a minute or two"
    say(f"Installing the packages of {lock.name} with {how}.")
    command = [*installer(place), "--require-hashes", "--no-deps", "-r", lock]
    must(f"installing the packages of {lock.name}", *command)
    compile_packages(place)


def compile_packages(place: Place) -> None:
    """Compiles all but the packages' own tests; what fails to compile is left to Python."""
    folder = place.venv / ("Lib" if WINDOWS else "lib")
    answers(place.python, "-m", "compileall", "-q", "-j", "0", "-x", r"[\\/]tests?[\\/]", folder)


def install_project(place: Place) -> None:
    """Installs the project itself, from its own folder and without a network."""
    options = ["--offline" if uv() else "--no-index", "--no-deps", "--no-build-isolation"]
    must("installing mtlskit itself", *installer(place), *options, "--editable", place.home)


# -------------------------------------------------------------------------------------- starting


def refuse_busy(port: int) -> None:
    """Stops before anything is made if no server could listen on this port of the loopback.

    Raises:
        Trouble: the port is in use or may not be used.
    """
    with socket.socket() as trial:
        if not WINDOWS:  # where it would mean to take the port from its owner
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise Trouble(
                f"port {port} on 127.0.0.1 is in use or not allowed."
                " Choose another with --port, or leave --port away and a free one is taken."
            ) from error


def become(command: list[str]) -> int:
    """Goes on as another program, so that every signal comes to it; Windows only runs it."""
    if not WINDOWS:
        os.execve(command[0], command, surroundings())  # noqa: S606  a list of our own, and no shell wanted
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C comes to both, and is its to answer
    return subprocess.call(command, env=surroundings())


# --------------------------------------------------------------------------------- tests and lock


def lacking() -> dict[str, str]:
    """The programs that the tests use and that are not here, with their Debian packages."""
    return {program: package for program, package in PROGRAMS.items() if not present(program)}


def present(program: str) -> bool:
    """Whether a program, or a file given by its whole path, is here."""
    return Path(program).exists() if program.startswith("/") else whereis(program) is not None


def provide_programs() -> None:
    """Installs what the tests use where apt and the right to use it are here; else says how."""
    missing = lacking()
    if not missing:
        return
    packages = sorted(set(missing.values()))
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y",
               "--no-install-recommends", *packages]  # fmt: skip
    if shutil.which("apt-get") and os.geteuid() == 0:
        install_with_apt(packages, command)
    elif shutil.which("apt-get"):
        say(f"For all tests, run first: sudo {' '.join(command)}")
    missing = lacking()
    if missing:
        names = ", ".join(program.split("|")[0] for program in missing)
        say(f"Not on this machine: {names}. The tests that use them cannot run.")


def install_with_apt(packages: Sequence[str], command: Sequence[str]) -> None:
    """Installs Debian packages and starts none of their services."""
    say(f"Installing with apt: {', '.join(packages)}.")
    with services_held():
        for step in (["apt-get", "update"], command):
            done = run(*step, DEBIAN_FRONTEND="noninteractive")
            if done.returncode:
                say(f"apt-get did not succeed: {why(done.stdout)}")


@contextlib.contextmanager
def services_held(policy: Path = Path("/usr/sbin/policy-rc.d")) -> Iterator[None]:
    """Keeps Debian from starting a service at its installation, while it lasts."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def check(place: Place) -> list[str]:
    """Runs the linters, the types and the floors; gives the ones that found something."""
    failed = []
    for name, *options in CHECKS:
        title = " ".join([name, *options])
        say(f"--- {title}")
        if run(place.script(name), *options, show=True, cwd=place.home).returncode:
            failed.append(title)
    return failed


def run_tests(place: Place, options: Sequence[str]) -> int:
    """Runs what was asked for, or else every check and every test. pytest has the last word."""
    failed = [] if options else check(place)
    chosen = options or WHOLE_SUITE
    say(f"--- pytest {' '.join(chosen)}")
    done = run(place.python, "-m", "pytest", *chosen, show=True, cwd=place.home)
    if failed:
        say(f"The tests ran, but before them these failed: {', '.join(failed)}.")
    return done.returncode or int(bool(failed))


def make_locks(place: Place) -> None:
    """Chooses the newest packages that pyproject.toml allows, for every system, with hashes."""
    found = uv(place.script("uv"))
    if not found:
        raise Trouble("making the locks needs uv. 'python3 kit.py test' brings one into .venv.")
    user, dev = place.lock(dev=False).name, place.lock(dev=True).name
    for name, part in ((user, "--group=kit"), (dev, f"--group=dev --constraints={user}")):
        options = f"{LOCK_OPTIONS} {part} --output-file={name}".split()
        command = [found, "pip", "compile", "pyproject.toml", *options]
        must(
            f"making {name}",
            *command,
            "--custom-compile-command=python3 kit.py lock",
            cwd=place.home,
        )
        say(f"{name} is made.")


# ------------------------------------------------------------------------------------------ doors


def setup(place: Place, asked: argparse.Namespace) -> int:
    """Door of `setup`."""
    prepare(place, dev=False, again=asked.again)
    return 0


def start(place: Place, asked: argparse.Namespace) -> int:
    """Door of `start`: goes on as `mtlskit open`."""
    if asked.port is not None:
        refuse_busy(asked.port)
    prepare(place, dev=False)
    folder = Path(asked.dir).expanduser().resolve() if asked.dir else place.home / "workspace"
    wishes = [f"--port={asked.port}"] if asked.port is not None else []
    wishes += [word for word, wanted in (("--app", asked.app), ("--no-browser", not asked.browser))
               if wanted]  # fmt: skip
    return become([str(place.python), "-m", "mtlskit", "open", f"--dir={folder}", *wishes])


def test(place: Place, asked: argparse.Namespace) -> int:
    """Door of `test`."""
    prepare(place, dev=True)
    provide_programs()
    return run_tests(place, asked.pytest)


def lock(place: Place, _: argparse.Namespace) -> int:
    """Door of `lock`."""
    make_locks(place)
    return 0


def port_number(text: str) -> int:
    """A TCP port as typed."""
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004  the largest TCP port
        raise argparse.ArgumentTypeError(f"'{text}' is not a port; a port is 1 to 65535")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    whole = argparse.ArgumentParser(prog="kit.py", description="Sets mtlskit up and starts it.")
    doors = whole.add_subparsers(dest="door", required=True, metavar="start|setup|test|lock")
    door = doors.add_parser("start", help="start JupyterLab at the start notebook")
    door.add_argument("--app", action="store_true", help="show the guide alone, without code")
    door.add_argument("--no-browser", dest="browser", action="store_false",
                      help="print the address and open nothing")  # fmt: skip
    door.add_argument("--port", type=port_number, help="port on 127.0.0.1 (default: a free one)")
    door.add_argument("--dir", help="folder to work in (default: workspace, beside kit.py)")
    door.set_defaults(run=start)
    door = doors.add_parser("setup", help="make .venv from the lock, without starting anything")
    door.add_argument("--again", action="store_true", help="make it anew even if nothing changed")
    door.set_defaults(run=setup)
    door = doors.add_parser("test", help="run every check and test; or pytest with what follows")
    door.set_defaults(run=test)
    doors.add_parser("lock", help="choose newer packages and write the locks").set_defaults(
        run=lock
    )
    return whole


def stop(_: int, __: FrameType | None) -> None:
    """Makes every polite signal end this as Ctrl-C does."""
    raise KeyboardInterrupt


def main(words: Sequence[str] | None = None) -> int:
    """Does what was asked. Exit status: 0 done, 1 something stood in the way, 2 wrong usage."""
    asked, rest = parser().parse_known_args(words)
    if rest and asked.door != "test":
        parser().error(f"not understood: {' '.join(rest)}")
    asked.pytest = rest
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    try:
        return int(asked.run(Place(HOME), asked))
    except Trouble as trouble:
        say(f"kit.py: {trouble}")
    except OSError as error:
        where = f" '{error.filename}'" if error.filename else ""
        say(f"kit.py: the system refused{where}: {error.strerror or error}.")
    except KeyboardInterrupt:
        say("kit.py: stopped. The next run goes on from here.")
        return 130
    return 1


HOME = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.exit(main())
