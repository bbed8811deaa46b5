"""What a trainee has scored, kept on this machine alone.

Law of this file: nothing is sent anywhere, and nothing is kept but exercise, mark and time. The
only name in it is the one that the trainee gives, and none is asked for.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from mtlskit.lab.course.mark import Mark
from mtlskit.lab.pki import write_private
from mtlskit.page.blocks import Block, Page, Paragraph, Table
from mtlskit.page.shown import Shown

FOLDER = "MTLSKIT_SCORES"
"""The environment variable that names another folder than ``.mtlskit`` in the user's home."""
_FILE = "scores.jsonl"
_NAME = "name.txt"
_NAME_LENGTH = 80
_FORMATS = (".csv", ".json")


@dataclass(frozen=True, slots=True)
class Score:
    """One answer that was marked.

    Attributes:
        seed: what the run was made with, so that it can be made again; None: not known.
        hints: hints that were open when it was given.
        at: when, UTC, ISO 8601.
    """

    exercise: str
    right: bool
    points: int
    most: int
    seed: int | None = None
    hints: int = 0
    at: str = ""


_FIELDS = tuple(one.name for one in fields(Score))


def _folder() -> Path:
    named = os.environ.get(FOLDER)
    return Path(named) if named else Path.home() / ".mtlskit"


@dataclass(frozen=True)
class Scores(Shown):
    """The scores of one user of this machine.

    Attributes:
        folder: where they are kept; made when the first one is.
    """

    folder: Path = field(default_factory=_folder)

    def add(self, mark: Mark, *, seed: int | None = None, hints: int = 0) -> None:
        """Keep a mark."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        score = Score(mark.exercise, mark.right, mark.points, mark.most, seed, hints, now)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(score)) + "\n")

    def call_me(self, name: str) -> None:
        """Keep the name under which results are handed in; an empty one is forgotten."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shown = " ".join(name.split())[:_NAME_LENGTH]
        write_private(self.folder / _NAME, shown.encode())

    @property
    def name(self) -> str:
        """The name that the trainee gave; empty if none was given."""
        path = self.folder / _NAME
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def every(self) -> tuple[Score, ...]:
        """Every answer, oldest first. A line that cannot be read is passed over."""
        path = self.folder / _FILE
        if not path.exists():
            return ()
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return tuple(score for line in lines if (score := _score(line)) is not None)

    @property
    def best(self) -> Mapping[str, Score]:
        """The best answer to each exercise, in the order in which they were first tried."""
        found: dict[str, Score] = {}
        for score in self.every:
            if score.exercise not in found or score.points > found[score.exercise].points:
                found[score.exercise] = score
        return found

    def collect(self, path: str | os.PathLike[str]) -> Path:
        """Write every answer into a results file, ``.csv`` or ``.json``, to be handed in.

        Raises:
            ValueError: the name ends in neither.
        """
        target = Path(path)
        if target.suffix not in _FORMATS:
            raise ValueError(f"{target.name}: a results file ends in .csv or .json.")
        rows = [{"name": self.name, **asdict(score)} for score in self.every]
        text = _csv(rows) if target.suffix == ".csv" else json.dumps({"schema": 1, "answers": rows})
        target.write_text(text, encoding="utf-8", newline="")
        return target

    def page(self) -> Page:
        """Describe the best answer to each exercise, and the sum."""
        best = self.best
        if not best:
            return Page("Scores", (Paragraph("Nothing has been answered on this machine yet."),))
        tries = [score.exercise for score in self.every]
        rows = tuple(
            (name, f"{score.points} of {score.most}", str(tries.count(name)), score.at[:10])
            for name, score in best.items()
        )
        reached, most = (sum(getattr(one, part) for one in best.values())
                         for part in ("points", "most"))  # fmt: skip
        told: tuple[Block, ...] = (
            Paragraph(f"{reached} of {most} points in what was tried so far."),
            Table(("exercise", "best", "answers", "on"), rows),
            Paragraph(f"Kept on this machine alone, in {self.folder}."),
        )
        return Page("Scores", told)


def _score(line: str) -> Score | None:
    """Read one line; None if it is not one of ours."""
    try:
        told = json.loads(line)
        score = Score(**told)
    except (ValueError, TypeError):
        return None
    whole = isinstance(score.exercise, str) and isinstance(score.at, str)
    return (
        score if whole and isinstance(score.points, int) and isinstance(score.most, int) else None
    )


def _csv(rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ("name", *_FIELDS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"}:
        return f"'{value}"
    return value
