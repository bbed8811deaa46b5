"""Random mysteries, and what the kit says of them: `.venv/bin/python bench/mysteries.py`.

Law: a mystery counts as solvable where what was staged is what happened: the outcome, the side and
the stage that its scene declares are met again. The kit gets what a trainee gets, by way of JSON,
in a process that never saw the staging. mysteries.md is written by this program alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mtlskit.lab.course.mystery_handed import Handed
from mtlskit.lab.course.mystery_pick import Pick, levels, pick
from mtlskit.lab.course.mystery_stage import Answer, staged
from mtlskit.lab.stacks.process import private_folder
from mtlskit.report import Report

OUT = Path(__file__).with_name("mysteries.md")
COUNT = 200
WANTED = 0.97
_AMONG = 2  # opinions among which both causes of a pair must be


@dataclass(frozen=True, slots=True)
class Told:
    """What the kit says of one case: as a trainee would read it off the report."""

    causes: tuple[str, ...]
    outcome: str
    refused_by: str | None


@dataclass(frozen=True, slots=True)
class Solved:
    """One mystery: what was staged, and what the kit said."""

    picked: Pick
    answer: Answer
    told: Told

    @property
    def right(self) -> bool:
        """Whether the kit named what was staged: first, or of two, both before all others."""
        first, *rest = self.answer.causes
        if not rest:
            return self.told.causes[:1] != () and self.told.causes[0] in {first, *self.answer.same}
        return set(self.answer.causes) <= set(self.told.causes[: _AMONG + len(self.answer.along)])

    @property
    def reproduced(self) -> bool:
        """Whether the connection ended as declared; of settings alone there is none."""
        if self.picked.kind in {"paper", "both"}:
            return True
        if self.picked.kind == "settings":
            return self.told.outcome == "accepted"
        if self.answer.causes == ("none",):
            return self.told.outcome == "accepted"
        return self.told.outcome != "accepted" and self.told.refused_by == self.answer.refused_by


def main() -> int:
    """Play the mysteries, print the page and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="mysteries to play")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--out", type=Path, help="where to write; mysteries.md if 200 are played")
    chosen = parser.parse_args()
    solved = tuple(play(chosen.first, chosen.count))
    text = "\n".join(written(solved)) + "\n"
    print(text)
    whole = (chosen.count, chosen.first) == (COUNT, 1)
    if out := chosen.out or (OUT if whole else None):
        out.write_text(text, "utf-8")
    good = sum(one.right for one in solved) >= WANTED * len(solved)
    return 0 if good and all(one.reproduced for one in solved) else 1


def play(first: int, count: int) -> Iterator[Solved]:
    """Play mysteries with the seeds from `first` on, the levels in turn."""
    numbers = tuple(levels())
    with ProcessPoolExecutor(1) as elsewhere:
        for seed in range(first, first + count):
            picked = pick(seed, numbers[seed % len(numbers)])
            yield solve(picked, lambda text: elsewhere.submit(tell, text).result())


def solve(picked: Pick, ask: Callable[[str], Told]) -> Solved:
    """Stage a mystery, and have what is handed out diagnosed."""
    with private_folder() as folder, staged(picked, folder) as (handed, answer):
        # What goes over is text; nothing of the staging could come along.
        told = ask(json.dumps(handed.plain()))
    return Solved(picked, answer, told)


def tell(handed: str) -> Told:
    """Let the kit diagnose what was handed out."""
    return told_by(received(handed).diagnosed())


def received(text: str) -> Handed:
    """Read what was handed out from JSON."""
    parts = json.loads(text)
    manner = tuple((name, value) for name, value in parts.pop("manner"))
    return Handed(
        manner=manner,
        **{key: tuple(one) if isinstance(one, list) else one for key, one in parts.items()},
    )


def told_by(report: Report) -> Told:
    """Reduce a report to what is compared."""
    said = tuple(one.cause for one in report.opinions if one.standing != "RULED_OUT")
    return Told(said, report.outcome, report.refused_by)


def written(solved: Sequence[Solved]) -> Iterator[str]:
    """Write the page."""
    right, again = (sum(getattr(one, part) for one in solved) for part in ("right", "reproduced"))
    yield "# Random mysteries, and what the kit says of them"
    yield ""
    yield (
        "Made by `bench/mysteries.py`. Right is what was staged, named first; of two faults at "
        "once both, before all others. The kit gets what a trainee gets, as JSON, in a process of "
        "its own."
    )
    yield ""
    yield f"Of {len(solved)} mysteries {again} ended as declared, and the kit was right in {right} "
    yield f"({100 * right / len(solved):.1f} %; wanted: {100 * WANTED:.0f} %)."
    yield from ("", "| level | mysteries | different | as declared | right |")
    yield "| --- | --- | --- | --- | --- |"
    for number in levels():
        mine = [one for one in solved if one.picked.level == number]
        cells = [len(mine), len({(one.picked.what, one.picked.tls) for one in mine})]
        cells += [sum(one.reproduced for one in mine), sum(one.right for one in mine)]
        yield f"| {number} | {' | '.join(map(str, cells))} |"
    yield from _misses(solved)


def _misses(solved: Sequence[Solved]) -> Iterator[str]:
    found: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for one in solved:
        if not (one.right and one.reproduced):
            said = ", ".join(one.told.causes[:3]) or "nothing"
            how = f"{one.told.outcome} by {one.told.refused_by or 'nobody'}"
            found[one.picked.what, " + ".join(one.answer.causes), said, how][one.picked.tls] += 1
    if not found:
        return
    yield from ("", "| staged | right | said | ended | TLS |", "| --- | --- | --- | --- | --- |")
    for key, versions in sorted(found.items()):
        yield f"| {' | '.join(key)} | {', '.join(sorted(versions))} |"


if __name__ == "__main__":
    sys.exit(main())
