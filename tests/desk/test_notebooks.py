import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mtlskit.desk.hook import MARK
from mtlskit.lab.scenes import SCENES

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
RUN_HERE = [path for path in NOTEBOOKS if path.parent.name != "training"]
"""The lessons are run with their solutions, in tests/lab/course."""
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    found = nbformat.read(path, as_version=4).cells
    return [cell for cell in found if cell.cell_type == kind]


@pytest.mark.parametrize("path", RUN_HERE, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cell fails and none waits for input, in a fresh kernel."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    assert "stderr" not in {output.get("name") for output in outputs}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_carries_our_mark_and_no_logic(path: Path) -> None:
    """The mark by which its widget state is dropped; no loop, branch, function or class."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata[MARK] is True
    for cell in cells(path, "code"):
        assert not re.search(
            r"^\s*(if|for|while|def|class|try|lambda)\b", cell.source, re.MULTILINE
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_between_notebooks_lead_somewhere(path: Path) -> None:
    """Every relative link names a notebook that is shipped."""
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    for link in re.findall(r"\]\(([^)#]+\.ipynb)\)", prose):
        assert (path.parent / link).exists()


def test_the_python_in_the_prose_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call shown beside the guide finds the lab's cause and saves its report."""
    monkeypatch.chdir(tmp_path)
    guided = ROOT / "notebooks" / "01-guided-troubleshooting.ipynb"
    prose = "\n".join(cell.source for cell in cells(guided, "markdown"))
    (code,) = FENCE.findall(prose)
    exec(compile(code, str(guided), "exec"), {})  # noqa: S102 - our own notebook
    saved = json.loads((tmp_path / "practice.json").read_text())
    assert saved["opinions"][0]["cause"] == "client.chain-incomplete"


def test_the_failure_to_begin_with_is_one_of_the_lab() -> None:
    """What the prose says to choose stands in the guide's list under that name."""
    guided = ROOT / "notebooks" / "01-guided-troubleshooting.ipynb"
    (named,) = {
        name
        for cell in cells(guided, "markdown")
        for name in re.findall(r"choose \*(The .+?)\*", cell.source)
    }
    assert named == SCENES["client.chain-incomplete"].title
