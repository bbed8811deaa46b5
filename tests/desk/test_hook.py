import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from mtlskit.desk import hook

ROOT = Path(__file__).parents[2]
CANARY = "canary-password-5417"


def notebook(**metadata: object) -> dict[str, object]:
    state = {"widgets": {"application/vnd.jupyter.widget-state+json": {"value": CANARY}}}
    return {"cells": [], "metadata": {**state, **metadata}, "nbformat": 4, "nbformat_minor": 5}


def model(content: object, kind: str = "notebook") -> dict[str, object]:
    return {"type": kind, "format": "json", "content": content}


def test_our_notebooks_lose_their_widget_state() -> None:
    """A notebook that carries the mark is saved without what its form fields held."""
    saved = model(notebook(mtlskit=True))
    hook.drop_widget_state(saved, path="a.ipynb", contents_manager=None)
    assert CANARY not in json.dumps(saved)


def test_the_rest_of_our_notebooks_stays() -> None:
    """Nothing but the widget state is dropped."""
    saved = model(notebook(mtlskit=True, kernelspec={"name": "python3"}))
    hook.drop_widget_state(saved)
    assert saved["content"]["metadata"] == {"mtlskit": True, "kernelspec": {"name": "python3"}}


def test_other_notebooks_keep_their_widget_state() -> None:
    """The hook does not touch notebooks of other projects."""
    saved = model(notebook())
    hook.drop_widget_state(saved)
    assert CANARY in json.dumps(saved)


def test_what_is_no_notebook_is_left_alone() -> None:
    """Files, folders and notebooks sent without content pass through."""
    for saved in (model("text", "file"), model(None), model({"metadata": None}), {}):
        before = json.dumps(saved)
        hook.drop_widget_state(saved)
        assert json.dumps(saved) == before


def test_a_server_that_loaded_the_extension_writes_no_widget_state(tmp_path: Path) -> None:
    """What reaches the disk through Jupyter's own contents manager, checkpoint too, is clean."""
    manager = AsyncLargeFileManager(root_dir=str(tmp_path))

    class Server:
        contents_manager = manager

    hook._load_jupyter_server_extension(Server())

    async def save() -> None:
        await manager.save(model(notebook(mtlskit=True)), "/case.ipynb")
        await manager.create_checkpoint("/case.ipynb")

    asyncio.run(save())
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 2
    assert not [path for path in written if CANARY in path.read_text()]


START = """
import sys
from jupyter_server.serverapp import ServerApp
server = ServerApp()
server.initialize(["--ServerApp.root_dir=" + sys.argv[1], "--ip=127.0.0.1"], new_httpserver=False)
print(*(hook.__name__ for hook in server.contents_manager._pre_save_hooks))
"""


def test_the_shipped_configuration_switches_the_extension_on(tmp_path: Path) -> None:
    """A Jupyter server that reads our configuration folder saves through the hook."""
    folders = {
        name: str(tmp_path / name)
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    started = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)],
        env={**os.environ, **folders, "JUPYTER_CONFIG_PATH": str(ROOT / "etc" / "jupyter")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert started.stdout.split()[-1] == "drop_widget_state", started.stderr


def test_the_extension_needs_nothing_of_the_kit() -> None:
    """The server process loads the hook without ipywidgets, cryptography or OpenSSL."""
    code = (
        "import sys, mtlskit.desk.hook;"
        "print(sorted({'ipywidgets', 'cryptography', 'OpenSSL', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
