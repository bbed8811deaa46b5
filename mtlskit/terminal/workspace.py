"""The folder that the user works in: copies of the notebooks, and settings that keep to themselves.

Law of this file: what the user wrote in a notebook stays, whatever is shipped later; and no setting
of another Jupyter on this machine holds here.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

OWN = ".mtlskit"
"""Beside the notebooks: what is ours alone, such as settings and the server's log."""
GUIDE = f"{OWN}/guide.ipynb"
"""The guide without the words around it, which `mtlskit open --app` shows as a page."""


def lay_out(folder: Path, shipped: Path | None = None) -> None:
    """Copy the shipped notebooks into the folder; what the user wrote there stays.

    A notebook that the user did not change follows the shipped one. Beside one that they did
    change, a newer shipped one is laid as ``NAME.new.ipynb``; if that was changed too, as
    ``NAME.new-2.ipynb``, and so on.

    Args:
        folder: the workspace.
        shipped: what is copied; None: the notebooks that came with the package.
    """
    shipped = shipped or _shipped()
    memory = folder / OWN / "shipped.json"
    before, now = _read(memory), {}
    for source in sorted(shipped.rglob("*.ipynb")):
        name = source.relative_to(shipped).as_posix()
        if ".ipynb_checkpoints" not in name:
            now[name] = wording(source)
            _place(source, folder / name, before.get(name), now[name])
    _write(memory, {**before, **now})
    _write(folder / GUIDE, _guide())


def _shipped() -> Path:
    """Find the notebooks: within the package of a wheel, or beside it in a checkout."""
    package = Path(str(files("mtlskit")))
    within = package / "notebooks"
    return within if within.is_dir() else package.parent / "notebooks"


def wording(notebook: Path) -> str:
    """Tell what was written in a notebook's cells; results and counters are no writing."""
    whole = notebook.read_bytes()
    try:
        cells = json.loads(whole.decode("utf-8"))["cells"]
        written = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError):
        return _digest(whole)
    return _digest(json.dumps(written).encode())


def _digest(words: bytes) -> str:
    """Measure words as those were that lie in workspaces already: their length goes first."""
    return sha256(len(words).to_bytes(8, "big") + words).hexdigest()


def _place(source: Path, target: Path, was: str | None, now: str) -> None:
    """Lay one notebook down; `was` is the wording shipped last time, `now` today's."""
    if target.exists():
        have = wording(target)
        if have == now:
            return
        if have != was:
            if was not in {None, now}:
                newer = _newer(target, {was, now})
                shutil.copyfile(source, newer)
                say(f"{target.name} was changed here and stays; the newer one is {newer.name}.")
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _newer(target: Path, shipped: set[str | None]) -> Path:
    """Find where a newer notebook may lie beside a changed one: where nobody wrote anything."""
    more = (f".new-{number}.ipynb" for number in itertools.count(2))
    places = map(target.with_suffix, itertools.chain((".new.ipynb",), more))
    return next(one for one in places if not one.exists() or wording(one) in shipped)


def settle(folder: Path) -> dict[str, str]:
    """Write Jupyter's settings into the folder; return the environment that uses them.

    The user's own Jupyter settings stay out of it: one of them could open the server to others.
    Nothing asks the news feed, and no kernel keeps a history of what was typed.
    """
    own = folder / OWN
    labconfig = own / "jupyter" / "labconfig"
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    settings = {"@jupyterlab/apputils-extension:notification": quiet}
    # The second is Voilà's button, which would show a notebook with what Voilà fetches elsewhere.
    loud = ("@jupyterlab/apputils-extension:announcements", "@voila-dashboards/jupyterlab-preview")
    unkept = {"HistoryManager": {"enabled": False}}
    _write(labconfig / "default_setting_overrides.json", settings)
    _write(labconfig / "page_config.json", {"disabledExtensions": dict.fromkeys(loud, True)})
    _write(own / "ipython" / "profile_default" / "ipython_config.json", unkept)
    return {
        "JUPYTER_CONFIG_DIR": str(own / "jupyter"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": str(files("mtlskit.desk").joinpath("app")),
        "IPYTHONDIR": str(own / "ipython"),
    }


def _guide() -> dict[str, object]:
    """Make a notebook that is the guide and nothing else, working in the folder of the others."""
    source = "import os\n\nfrom mtlskit.desk import open_guide\n\nos.chdir('..')\nopen_guide()"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    named = {"kernelspec": kernel, "mtlskit": True, "title": "mtlskit: the guide"}
    cell = {"cell_type": "code", "id": "guide", "metadata": {}, "source": source}
    cells = [{**cell, "execution_count": None, "outputs": []}]
    return {"cells": cells, "metadata": named, "nbformat": 4, "nbformat_minor": 5}


def _read(path: Path) -> dict[str, str]:
    """Read a small file of our own; one that is not there, or was cut short, is empty."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, object]) -> None:
    """Write a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(path)


def say(sentence: str) -> None:
    """Tell the user something; standard output is kept for answers."""
    print(sentence, file=sys.stderr, flush=True)
