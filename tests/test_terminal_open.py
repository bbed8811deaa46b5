"""`mtlskit open`: the workspace, the settings and the server; its page is tried in a browser."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.terminal import jupyter
from mtlskit.terminal import open as opening
from mtlskit.terminal.showing import UNREADABLE, USAGE
from mtlskit.terminal.workspace import GUIDE, OWN, lay_out, settle

Capsys = pytest.CaptureFixture[str]
FOREIGN = ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH", "JUPYTERLAB_DIR", "JUPYTERLAB_SETTINGS_DIR")


def notebook(path: Path, source: str, output: str = "") -> Path:
    """Writes a notebook of one cell."""
    cell = {"cell_type": "code", "source": [source], "outputs": [output], "metadata": {}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [cell], "nbformat": 4}))
    return path


def test_what_was_written_in_the_workspace_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook that was changed is never overwritten; a newer shipped one lies beside it."""
    shipped = notebook(tmp_path / "shipped" / "training" / "a.ipynb", "first").parents[1]
    work = tmp_path / "work"
    lay_out(work, shipped)
    mine = notebook(work / "training" / "a.ipynb", "mine")
    notebook(shipped / "training" / "a.ipynb", "second")
    lay_out(work, shipped)
    assert "mine" in mine.read_text()
    assert "second" in mine.with_suffix(".new.ipynb").read_text()
    assert "a.ipynb was changed here and stays" in capsys.readouterr().err
    lay_out(work, shipped)
    assert capsys.readouterr().err == ""


def test_what_was_written_in_a_newer_notebook_stays_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one laid beside follows the shipped one, until someone writes in it."""
    shipped = notebook(tmp_path / "shipped" / "a.ipynb", "first").parent
    work = tmp_path / "work"
    lay_out(work, shipped)
    notebook(work / "a.ipynb", "mine")
    for version in ("second", "third"):
        notebook(shipped / "a.ipynb", version)
        lay_out(work, shipped)
    assert "third" in (work / "a.new.ipynb").read_text()
    notebook(work / "a.new.ipynb", "mine as well")
    for version in ("fourth", "fifth"):
        notebook(shipped / "a.ipynb", version)
        lay_out(work, shipped)
    assert "mine as well" in (work / "a.new.ipynb").read_text()
    assert "fifth" in (work / "a.new-2.ipynb").read_text()
    assert "a.new-2.ipynb" in capsys.readouterr().err
    assert len(list(work.glob("*.ipynb"))) == 3


def test_a_notebook_that_was_only_run_follows_the_shipped_one(tmp_path: Path) -> None:
    """Results do not count as writing: they stay until the shipped notebook changes."""
    shipped = notebook(tmp_path / "shipped" / "a.ipynb", "first").parent
    work = tmp_path / "work"
    lay_out(work, shipped)
    copied = notebook(work / "a.ipynb", "first", output="result")
    lay_out(work, shipped)
    assert "result" in copied.read_text()
    notebook(shipped / "a.ipynb", "second")
    lay_out(work, shipped)
    assert "second" in copied.read_text()


def test_a_file_that_is_no_notebook_does_not_stop_the_start(tmp_path: Path) -> None:
    """A broken notebook in the workspace is the user's: it stays as it is."""
    shipped = notebook(tmp_path / "shipped" / "a.ipynb", "first").parent
    (tmp_path / "work").mkdir()
    broken = tmp_path / "work" / "a.ipynb"
    broken.write_text("{")
    lay_out(tmp_path / "work", shipped)
    assert broken.read_text() == "{"


def test_the_shipped_notebooks_are_laid_out_with_the_guide_alone(tmp_path: Path) -> None:
    """The notebooks are in sight; the page's own lies with our settings and works beside them."""
    lay_out(tmp_path)
    assert (tmp_path / jupyter.START).exists()
    cells = json.loads((tmp_path / GUIDE).read_text())["cells"]
    assert "open_guide()" in cells[0]["source"]
    assert len(cells) == 1
    assert Path(GUIDE).parent == Path(OWN)


def test_without_a_wish_a_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports in use are passed over, and at last the system gives one."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        monkeypatch.setattr(jupyter, "PORTS", [taken])
        assert jupyter.choose_port(None) != taken
    monkeypatch.setattr(jupyter, "PORTS", [taken])
    assert jupyter.choose_port(None) == taken


@pytest.mark.parametrize("port", ["0", "70000", "0000800000", "http"])
def test_a_port_that_is_none_is_wrong_usage(port: str, capsys: Capsys) -> None:
    """What is no port is refused before anything is made."""
    with pytest.raises(SystemExit) as ended:
        main(["open", "--port", port])
    assert ended.value.code == USAGE
    assert f"'{port}' is no port" in capsys.readouterr().err


def test_a_busy_port_is_named(tmp_path: Path, capsys: Capsys) -> None:
    """The port that was asked for and is in use is told in one line."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        assert main(["open", "--port", port, "--dir", str(tmp_path)]) == UNREADABLE
    assert f"port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "command"),
    [("jupyterlab", "'mtlskit[notebook]'"), ("voila", "'mtlskit[notebook,app]'")],
)
def test_a_missing_extra_is_one_line(
    missing: str,
    command: str,
    tmp_path: Path,
    capsys: Capsys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It names what is not there and the command that brings it; nothing is made."""
    found = opening.find_spec
    monkeypatch.setattr(opening, "find_spec", lambda one: None if one == missing else found(one))
    folder, words = tmp_path / "work", ["--app"] if missing == "voila" else []
    assert main(["open", *words, "--dir", str(folder)]) == UNREADABLE
    told = capsys.readouterr().err
    assert told == f"mtlskit: {missing} is not installed here: pip install {command}.\n"
    assert not folder.exists()


def test_a_theme_is_the_pages_alone(capsys: Capsys) -> None:
    """JupyterLab has its own menu for it."""
    assert main(["open", "--dark"]) == USAGE
    assert "--dark needs --app" in capsys.readouterr().err


def test_other_places_of_jupyter_settings_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A setting from elsewhere could open the server to others, so nothing leads there."""
    seen: list[dict[str, str]] = []
    for one in FOREIGN:
        monkeypatch.setenv(one, "elsewhere")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, env, **__: seen.append(env))
    settle(tmp_path)
    server = jupyter.Server(tmp_path, 1, browser=False)
    assert "elsewhere" not in seen[0].values()
    assert seen[0]["JUPYTER_TOKEN"] == server.token


@pytest.mark.needs("module:jupyterlab")
def test_a_port_that_somebody_took_meanwhile_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another program is faster, the server is started once more, on another port."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        choose, ports = jupyter.choose_port, [busy.getsockname()[1]]
        monkeypatch.setattr(
            jupyter, "choose_port", lambda asked: ports.pop() if ports else choose(asked)
        )
        lay_out(tmp_path)
        with jupyter.running(tmp_path) as server:
            assert server.ask("GET", "api/status", 30)
            assert server.port != busy.getsockname()[1]


@pytest.mark.needs("module:voila")
def test_without_the_token_the_page_hands_nothing_out(tmp_path: Path) -> None:
    """Neither the guide nor a file of the folder, a picture neither; its log is its owner's."""
    (tmp_path / "picture.png").write_bytes(b"of the owner alone")
    lay_out(tmp_path)
    with jupyter.running(tmp_path, app="light") as server:
        (owner,) = {path for path in ("files/picture.png",) if server.ask("GET", path, 30)}
        server.token = ""
        assert not server.ask("GET", "voila/files/picture.png", 30)
        assert not server.ask("GET", "api/contents", 30)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/{owner}", timeout=30) as told:
            assert "/login?" in told.url
        if not jupyter.WINDOWS:
            assert server.log.stat().st_mode & 0o077 == 0


def test_the_settings_of_the_user_stay_out_of_it(tmp_path: Path) -> None:
    """JupyterLab and the kernels are pointed at settings of their own, which keep no history."""
    environment = settle(tmp_path)
    folders = [Path(environment[one]) for one in ("JUPYTER_CONFIG_DIR", "IPYTHONDIR")]
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
    profile = tmp_path / ".mtlskit" / "ipython" / "profile_default" / "ipython_config.json"
    assert json.loads(profile.read_text()) == {"HistoryManager": {"enabled": False}}


@pytest.mark.parametrize("length", [20, 90])
def test_a_long_home_does_not_break_the_kernels(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """Where the path of a socket would be too long, kernels are reached over the loopback."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/" + "r" * length)
    assert jupyter.ipc_fits() is (length == 20 and not jupyter.WINDOWS)
