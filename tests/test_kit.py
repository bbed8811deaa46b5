"""kit.py against real Pythons, real installers and a real JupyterLab.

Most tests run it in a tiny project: the same kit.py, a lock of one small wheel, and stand-in
packages, so that a whole `.venv` is made in a second or two and nothing is fetched.
"""

import ast
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

import kit

HOME = Path(kit.__file__).parent
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal or right")

BACKEND = '''
"""A build backend of one function, which waits when it is told to."""
import pathlib, time, zipfile

HERE = pathlib.Path(__file__).parent

def build_editable(folder, config_settings=None, metadata_directory=None):
    if (HERE / "hold").exists():
        (HERE / "held").touch()
        while True:
            time.sleep(0.05)
    name, info = "mtlskit-0-py3-none-any.whl", "mtlskit-0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("mtlskit-tiny.pth", str(HERE) + "\\n")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: mtlskit\\nVersion: 0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\n"
                       "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "mtlskit-tiny.pth,,\\n" + "".join(
            f"{info}/{part},,\\n" for part in ("METADATA", "WHEEL", "RECORD")))
    return name
'''
PYPROJECT = """
[project]
name = "mtlskit"
version = "0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def wheel(folder: Path, name: str) -> str:
    """Makes a small wheel and gives its line for a lock."""
    files = {
        f"{name}.py": "ANSWER = 42\n",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = ""
    for path, text in files.items():
        value = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={value.decode()},{len(text)}\n"
    files[f"{name}-1.0.dist-info/RECORD"] = record + f"{name}-1.0.dist-info/RECORD,,\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Tiny:
    """A project that kit.py can set up in a second or two, and runs of kit.py in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.wheels = home.parent / "wheels"  # pip splits its find-links at a space
        self.wheels.mkdir()
        home.mkdir()
        shutil.copy(HOME / "kit.py", home)
        (home / "backend.py").write_text(BACKEND)
        (home / "pyproject.toml").write_text(PYPROJECT)
        for name in ("mtlskit", "jupyterlab", "ipywidgets", "cryptography", "OpenSSL"):
            (home / name).mkdir()
            (home / name / "__init__.py").touch()
        self.lock = home / "requirements.lock"
        self.lock.write_text(wheel(self.wheels, "small"))
        self.venv = home / ".venv"
        self.mark = self.venv / "made-by-kit.json"
        here = str(Path(sys.executable).parent)  # the uv of the tests is there
        self.environment = {
            **os.environ,
            "PATH": here + os.pathsep + os.environ["PATH"],
            "UV_FIND_LINKS": str(self.wheels),
            "PIP_FIND_LINKS": str(self.wheels),
            "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(home / "cache"),
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
        }

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Starts kit.py."""
        command = [sys.executable, str(self.home / "kit.py"), *words]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Runs kit.py to its end; gives the exit status and what it told."""
        with self.begin(*words) as process:
            _, told = process.communicate(timeout=120)
            return process.returncode, told

    def without_uv(self) -> None:
        """Leaves kit.py no installer but pip."""
        tools = self.home / "tools"
        tools.mkdir()
        self.environment["PATH"] = str(tools)

    def answer(self) -> str:
        """What the installed package says."""
        python = kit.Place(self.home).python
        ask = [python, "-c", "import small, mtlskit; print(small.ANSWER)"]
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path / "tiny project")


def old_pythons() -> Iterator[str]:
    """Pythons on this machine that are too old, found by name or through pyenv."""
    folders: list[Path] = []
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout
        folders = sorted(Path(root.strip(), "versions").glob("3.*/bin"))
    for minor in range(6, 11):
        places = [os.environ["PATH"], *map(str, folders)]
        for place in places:
            found = shutil.which(f"python3.{minor}", path=place)
            if found and not subprocess.run([found, "-c", ""], capture_output=True).returncode:  # noqa: PLW1510  the status is the question
                yield found
                break


def test_every_old_python_can_read_the_file_and_say_that_it_is_too_old() -> None:
    """A Python older than 3.11 says which is needed and which this is, in one line."""
    ast.parse((HOME / "kit.py").read_text(), feature_version=(3, 6))
    found = list(old_pythons())
    for python in {*found[:1], *found[-1:]}:
        done = subprocess.run(
            [python, HOME / "kit.py", "start"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("mtlskit needs Python 3.11 or newer; this is 3.")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_setup_installs_the_lock_and_the_project(tiny: Tiny, installer: str) -> None:
    """With uv and with pip alike, `setup` ends with a `.venv` that has both."""
    if installer == "pip":
        tiny.without_uv()
    status, told = tiny.run("setup")
    assert status == 0, told
    assert tiny.answer() == "42\n"
    assert f"with {installer}" in told
    assert set(json.loads(tiny.mark.read_text())) == {"packages", "project"}


def test_what_stands_is_not_made_again(tiny: Tiny) -> None:
    """A second `setup` says nothing and touches nothing."""
    tiny.run("setup")
    before = tiny.mark.stat().st_mtime_ns
    assert tiny.run("setup") == (0, "")
    assert tiny.mark.stat().st_mtime_ns == before


def test_only_what_changed_is_made_again(tiny: Tiny) -> None:
    """A new pyproject.toml installs the project again; a new lock makes `.venv` anew."""
    tiny.run("setup")
    probe = tiny.venv / "probe"
    probe.touch()
    (tiny.home / "pyproject.toml").write_text(PYPROJECT + "# changed\n")
    assert tiny.run("setup") == (0, ".venv is ready.\n")
    assert probe.exists()
    tiny.lock.write_text(tiny.lock.read_text() + wheel(tiny.wheels, "second"))
    assert "Installing the packages" in tiny.run("setup")[1]
    assert not probe.exists()


def test_a_half_made_environment_is_made_anew(tiny: Tiny) -> None:
    """A `.venv` whose mark was never completed, or that lost packages, is replaced."""
    tiny.venv.mkdir()
    tiny.mark.write_text("{}")
    status, told = tiny.run("setup")
    assert (status, tiny.answer()) == (0, "42\n")
    assert "half made" in told
    kit.Place(tiny.home).python.unlink()
    assert tiny.run("setup")[0] == 0
    assert tiny.answer() == "42\n"


def test_an_environment_of_somebody_else_is_kept(tiny: Tiny) -> None:
    """A `.venv` without kit.py's mark is set aside, with what is in it, and told of."""
    tiny.venv.mkdir()
    (tiny.venv / "mine").write_text("precious")
    status, told = tiny.run("setup")
    assert status == 0
    assert "kept as .venv.kept-1" in told
    assert (tiny.home / ".venv.kept-1" / "mine").read_text() == "precious"


@POSIX
def test_an_interrupted_setup_says_so_and_the_next_one_recovers(tiny: Tiny) -> None:
    """Ctrl-C amid an installation ends it with one sentence; the next run makes all of it."""
    (tiny.home / "hold").touch()
    with tiny.begin("setup") as process:
        wait_for((tiny.home / "held").exists, process)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "kit.py: stopped. The next run goes on from here."
    assert "Traceback" not in told
    (tiny.home / "hold").unlink()
    assert tiny.run("setup")[0] == 0
    assert tiny.answer() == "42\n"


def wait_for(happened: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Waits until something happened, as long as the process lives."""
    pause = threading.Event()
    for _ in range(1200):
        if happened():
            return
        assert process.poll() is None, process.communicate()
        pause.wait(0.05)
    pytest.fail("it did not happen within a minute")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_without_a_network_it_says_so(tiny: Tiny, installer: str) -> None:
    """An index that cannot be reached is one sentence about the network, not a stack trace."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: every call is refused
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        if installer == "pip":
            tiny.without_uv()
        for name in ("UV_OFFLINE", "PIP_NO_INDEX"):
            del tiny.environment[name]
        tiny.environment |= {"UV_DEFAULT_INDEX": index, "PIP_INDEX_URL": index}
        tiny.environment |= {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "1"}
        tiny.lock.write_text(f"absent==1.0 --hash=sha256:{'0' * 64}\n")
        status, told = tiny.run("setup")
    assert status == 1
    assert "the package index was not reached. Check the network" in told.splitlines()[-1]


def test_a_package_with_another_hash_is_refused(tiny: Tiny) -> None:
    """A wheel that is not the one the lock names is not installed."""
    tiny.lock.write_text(f"small==1.0 --hash=sha256:{'0' * 64}\n")
    status, told = tiny.run("setup")
    assert status == 1
    assert "does not have the hash that the lock names" in told


def test_a_package_without_a_hash_is_refused(tiny: Tiny) -> None:
    """A lock that names no hash is not trusted."""
    tiny.lock.write_text("small==1.0\n")
    status, told = tiny.run("setup")
    assert status == 1
    assert "installing the packages of requirements.lock did not succeed" in told


def test_two_runs_at_once_take_turns(tiny: Tiny) -> None:
    """The second run waits, says so, and goes on when the first lets go."""
    with (tiny.home / ".kit.lock").open("a+") as handle:
        assert kit.try_lock(handle)
        process = tiny.begin("setup")
        assert process.stderr
        first = process.stderr.readline()
    with process:
        process.communicate(timeout=60)
    assert first == "Another kit.py is making .venv here; waiting for it.\n"
    assert (process.returncode, tiny.answer()) == (0, "42\n")


def test_what_the_system_refuses_is_one_sentence(tiny: Tiny) -> None:
    """A place where nothing can be written is named, without a stack trace."""
    (tiny.home / ".kit.lock").mkdir()
    status, told = tiny.run("setup")
    assert status == 1
    assert told.startswith("kit.py: the system refused '")
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Debian's Python without its venv package is told by the package's name."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(kit.Trouble, match=rf"lacks its {module} module.*apt install python3"):
        kit.make_venv(kit.Place(tmp_path))


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_port_that_is_none_is_wrong_usage(port: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What is not a port is refused with exit status 2 before anything is made."""
    with pytest.raises(SystemExit) as ended:
        kit.main(["start", "--port", port])
    assert ended.value.code == 2
    assert f"'{port}' is not a port" in capfd.readouterr().err


def test_a_busy_port_is_named_before_anything_is_made(tiny: Tiny) -> None:
    """The port that was asked for and is in use is told at once."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        status, told = tiny.run("start", "--no-browser", "--port", str(port))
    assert status == 1
    assert told.startswith(f"kit.py: port {port} on 127.0.0.1 is in use")
    assert not tiny.venv.exists()


# ------------------------------------------------------------------------------------- the tests


def test_a_machine_without_apt_rights_is_told_the_one_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Who may not install is told what to run, and which tests are left out."""
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(kit, "PROGRAMS", {"no-such-server": "no-such-package"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    kit.provide_programs()
    told = capsys.readouterr().err
    assert "sudo apt-get" in told
    assert "no-such-package" in told
    assert "Not on this machine: no-such-server." in told


@POSIX
def test_an_installed_server_is_not_started(tmp_path: Path) -> None:
    """While packages are installed, Debian's question whether to start a service gets a no."""
    policy = tmp_path / "policy-rc.d"
    with kit.services_held(policy):
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()


# ------------------------------------------------------------------------------ a real JupyterLab

DOOR = """
import sys; from pathlib import Path; import kit
kit.prepare = lambda *_, **__: None
kit.Place.python = property(lambda _: Path(sys.executable))
sys.exit(kit.main(sys.argv[1:]))
"""


def fetch(page: "str | urllib.request.Request") -> tuple[int, str]:
    """The status and text of a page."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(page, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def command_of(process: psutil.Process) -> list[str]:
    """A process's command line; one that has ended meanwhile has none."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def read_line(stream: "IO[str] | None") -> str:
    assert stream
    return stream.readline()


@POSIX
@pytest.mark.needs("module:jupyterlab")
def test_start_prints_an_address_that_answers_and_ends_with_everything_it_started(
    tmp_path: Path,
) -> None:
    """From the first line to Ctrl-C: the token opens, nothing else does, and nothing stays."""
    work = tmp_path / "my cases"
    command = [sys.executable, "-c", DOOR, "start", "--no-browser", "--dir", str(work)]
    process = subprocess.Popen(
        command,
        cwd=HOME,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            words = read_line(process.stdout).split()
            assert words[:-1] == ["mtlskit", "is", "ready:"], process.communicate()
            base, token = words[-1].split("/doc/")[0], words[-1].split("token=")[1]
            assert base.startswith("http://127.0.0.1:")

            def api(path: str, data: bytes | None = None, key: str = token) -> tuple[int, str]:
                headers = {"Authorization": f"token {key}"}
                request = urllib.request.Request(f"{base}/api/{path}", data, headers)  # noqa: S310  our own server
                return fetch(request)

            assert fetch(words[-1])[0] == 200
            assert api("contents", key="guessed")[0] == 403
            assert "00-start-here.ipynb" in api("contents")[1]
            assert api("kernels", b"{}")[0] == 201
            started = psutil.Process(process.pid).children(recursive=True)
            assert len(started) >= 2, "a server and a kernel"
            assert not [one for one in started if token in " ".join(command_of(one))]
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does at Ctrl-C
            _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert told == "mtlskit: Ctrl-C ends it.\nmtlskit: JupyterLab has ended.\n"
    assert psutil.wait_procs(started, timeout=10)[1] == []
    log = (work / ".mtlskit" / "jupyterlab.log").read_text()
    assert "Kernel shutdown" in log
    assert token not in log
