"""All lessons run from top to bottom, are solved with the solutions, and mark wrong answers so."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from mtlskit.lab.course import lessons
from mtlskit.lab.course.mark import MOST

TRAINING = Path(__file__).parents[3] / "notebooks" / "training"
NOTEBOOKS = sorted(TRAINING.glob("[0-9][0-9]-*.ipynb"))
SOLUTIONS = tomllib.loads(
    files("mtlskit.lab.course").joinpath("solutions.toml").read_text("utf-8")
)["solution"]
NUMBERS = range(1, 13)


def solving(solution: dict[str, Any]) -> str:
    """The code of one cell: every wrong answer, then the right one; prints the marks."""
    *before, answer = solution["code"].strip().splitlines()
    number = solution["exercise"]
    tries = "\n".join(
        f"_marks.append(lesson.check({number}, {one}))" for one, _ in solution["wrong"]
    )
    return "\n".join(
        [
            "import json as _json",
            "_marks = []",
            *before,
            f"_answer = {answer}",
            tries,
            f"_marks.append(lesson.check({number}, _answer))",
            "print(_json.dumps([(m.right, m.points, m.because, m.hint) for m in _marks]))",
        ]
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[nbformat.NotebookNode]]:
    """Every cell of every lesson, run one lesson after the other in one kernel, by lesson."""
    home = tmp_path_factory.mktemp("course")
    whole = nbformat.v4.new_notebook()
    reset = "%reset -f\nimport os\nos.environ['MTLSKIT_SCORES'] = 'scores'"
    for number, path in enumerate(NOTEBOOKS, 1):
        cells = [one for one in nbformat.read(path, as_version=4).cells if one.cell_type == "code"]
        cells += [nbformat.v4.new_code_cell(solving(one), metadata={"exercise": one["exercise"]})
                  for one in SOLUTIONS if one["lesson"] == number]  # fmt: skip
        for cell in (nbformat.v4.new_code_cell(reset), *cells):
            cell.metadata["lesson"] = number
            whole.cells.append(cell)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
        resources = {"metadata": {"path": str(home)}}
        NotebookClient(
            whole, timeout=120, kernel_name="python3", allow_errors=True, resources=resources
        ).execute()
    return {n: [one for one in whole.cells if one.metadata["lesson"] == n] for n in NUMBERS}


def marks(cells: list[nbformat.NotebookNode], exercise: int) -> list[tuple[Any, ...]]:
    """What was printed of an exercise's marks: right, points, reason and hint of each."""
    (cell,) = (one for one in cells if one.metadata.get("exercise") == exercise)
    printed = "".join(one.get("text", "") for one in cell.outputs)
    found: list[tuple[Any, ...]] = json.loads(printed)
    return found


@pytest.mark.parametrize("number", NUMBERS)
def test_a_lesson_runs_from_top_to_bottom(
    run: dict[int, list[nbformat.NotebookNode]], number: int
) -> None:
    """As it is shipped, with nothing filled in, no cell fails and nothing is complained of."""
    outputs = [one for cell in run[number] for one in cell.outputs]
    assert [one.evalue for one in outputs if one.output_type == "error"] == []
    assert "stderr" not in {one.get("name") for one in outputs}


@pytest.mark.parametrize("number", NUMBERS)
def test_every_solution_is_right_and_every_wrong_answer_is_told_why(
    run: dict[int, list[nbformat.NotebookNode]], number: int
) -> None:
    """Wrong answers get no point, a reason, and the next hint; the right one passes."""
    for solution in (one for one in SOLUTIONS if one["lesson"] == number):
        *wrong, right = marks(run[number], solution["exercise"])
        hints = lessons.told()[number].exercises[solution["exercise"] - 1].hints
        for (passed, points, because, hint), (_, words), expected in zip(
            wrong, solution["wrong"], [*hints, *[None] * 9], strict=False
        ):
            assert not passed
            assert points == 0
            assert words in because, (solution, because)
            assert (hint or "")[:20] == (expected or "")[:20].replace("{", "")
        assert right[0], (solution["exercise"], right[2])
        assert right[1] == max(1, MOST - min(len(wrong), len(hints)))


def test_there_are_twelve_lessons_with_three_exercises_and_a_solution_each() -> None:
    """Notebooks, lessons and solutions are of one number, and every exercise has hints."""
    assert len(NOTEBOOKS) == len(lessons.told()) == len(lessons.ROOMS) == len(NUMBERS)
    asked = [(one.lesson, one.number) for told in lessons.told().values() for one in told.exercises]
    assert asked == [(one["lesson"], one["exercise"]) for one in SOLUTIONS]
    assert len(asked) == 3 * len(NUMBERS)
    assert all(len(one.hints) >= 2 for told in lessons.told().values() for one in told.exercises)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_begins_its_own_lesson_and_asks_its_exercises(path: Path) -> None:
    """It begins the lesson of its number, asks exercises 1 to 3 in order, and says what to keep."""
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(one.source for one in cells if one.cell_type == "code")
    prose = "\n".join(one.source for one in cells if one.cell_type == "markdown")
    number = int(path.stem[:2])
    assert f"course.lesson({number})" in code
    assert re.findall(r"course\.ask\(lesson, (\d)", code) == ["1", "2", "3"]
    assert prose.startswith(f"# Lesson {number}: {lessons.told()[number].title}\n")
    assert "## What to remember" in prose


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_gives_a_solution_away(path: Path) -> None:
    """As it is shipped, no cell makes what an exercise asks for."""
    code = "".join(path.read_text("utf-8").split())
    for one in SOLUTIONS:
        if one["code"].startswith(("lesson.pack", "lesson.issue", "[changes")):
            assert "".join(one["code"].split()).replace("'", '\\"') not in code
