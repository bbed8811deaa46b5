"""What is kept of a trainee's answers, and what is handed in."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import mtlskit
from mtlskit.lab.course.mark import Mark
from mtlskit.lab.course.scores import FOLDER, Scores

RIGHT = Mark("lesson 1, exercise 1", right=True, points=2, because="Yes.")
WRONG = Mark("lesson 1, exercise 1", right=False, points=0, because="No.")


def test_nothing_is_written_before_the_first_answer(tmp_path: Path) -> None:
    """Looking at the scores makes no folder."""
    scores = Scores(tmp_path / "new")
    assert "Nothing has been answered" in str(scores)
    assert not (tmp_path / "new").exists()


def test_the_best_answer_counts(tmp_path: Path) -> None:
    """However many came before and after it."""
    scores = Scores(tmp_path)
    for mark in (WRONG, RIGHT, WRONG):
        scores.add(mark, seed=7, hints=1)
    assert scores.best["lesson 1, exercise 1"].points == 2
    assert [one.right for one in scores.every] == [False, True, False]
    assert "2 of 3 points" in str(scores)


def test_a_line_that_is_no_score_is_passed_over(tmp_path: Path) -> None:
    """A file that somebody edited still gives what can be read."""
    scores = Scores(tmp_path)
    scores.add(RIGHT)
    with (tmp_path / "scores.jsonl").open("ab") as file:
        file.write(
            b'{"exercise": 1}\nnot json\n\xff\xfe\n[1]\n'
            b'{"exercise": 3, "right": 1, "points": "", "most": 3}\n'
        )
    scores.add(WRONG)
    assert len(scores.every) == 2


def test_results_are_written_for_spreadsheets_and_programs(tmp_path: Path) -> None:
    """Every answer is a row; the name is the trainee's own, and no formula."""
    scores = Scores(tmp_path)
    scores.call_me("=Ada  L.\n")
    scores.add(RIGHT, seed=7, hints=1)
    with scores.collect(tmp_path / "r.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], row["exercise"], row["points"], row["seed"]) == (
        "'=Ada L.", "lesson 1, exercise 1", "2", "7",
    )  # fmt: skip
    told = json.loads(scores.collect(tmp_path / "r.json").read_text())
    assert told["schema"] == 1
    assert told["answers"][0]["hints"] == 1
    with pytest.raises(ValueError, match=r"\.csv or \.json"):
        scores.collect(tmp_path / "r.xlsx")


def test_the_front_door_keeps_scores_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable names the folder; results without a name hold none."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "here"))
    lesson = mtlskit.course.lesson(1, seed=2)
    assert lesson.check(1, "b").right
    written = mtlskit.course.results(tmp_path / "r.json")
    (answer,) = json.loads(written.read_text())["answers"]
    assert (answer["name"], answer["exercise"], answer["seed"]) == ("", "lesson 1, exercise 1", 2)
    mtlskit.course.call_me("Ada")
    assert mtlskit.course.scores().name == "Ada"
