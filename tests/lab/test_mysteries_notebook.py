"""The notebook of the mysteries runs from top to bottom, and tells no answer."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "training" / "mysteries.ipynb"
_LONGEST = 5


def test_notebook_runs_and_every_cell_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cell has five lines at most and runs; what comes of it is shown."""
    monkeypatch.setenv("MTLSKIT_SCORES", str(tmp_path))
    book = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(len(cell.source.splitlines()) <= _LONGEST for cell in code)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    NotebookClient(book, timeout=60, kernel_name="python3").execute()
    shown = ["".join(str(one) for one in cell.outputs) for cell in code]
    assert "Mystery 17, level 1" in shown[0]
    assert "Hint" in shown[2]
    assert "Not yet" in shown[4]
    assert "of 6 points" in shown[-1]
