"""Mysteries: the same for the same seed, fair, marked by what was staged, and gone in the end."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import mysteries as trial
from mtlskit.diagnosis.causes import causes
from mtlskit.lab import exports
from mtlskit.lab.course import mysteries
from mtlskit.lab.course.mystery_handed import Handed
from mtlskit.lab.course.mystery_marks import MOST, graded, hints, trail
from mtlskit.lab.course.mystery_pairs import PAIRS
from mtlskit.lab.course.mystery_pick import Pick, levels, pick, told
from mtlskit.lab.course.mystery_stage import Answer
from mtlskit.lab.recorded import RECORDED
from mtlskit.lab.scenes import SCENES
from mtlskit.terminal.door import COMMANDS

ALL = os.environ.get("MTLSKIT_ALL") == "1"
"""Play every mystery there is, in both TLS versions, and not a sample of them."""
_GONE = 10.0


@pytest.fixture(autouse=True)
def scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the scores of these tests are kept."""
    monkeypatch.setenv("MTLSKIT_SCORES", str(tmp_path / "scores"))
    return tmp_path / "scores"


def _sample() -> list[Pick]:
    """Twenty-four, the levels in turn; or all there are."""
    if not ALL:
        return [pick(seed, 1 + seed % 4) for seed in range(24)]
    return [
        Pick(0, level.number, kind, what, tls)
        for level in levels().values()
        for kind, what in level.stages
        for tls in ("1.2", "1.3")
    ]


@pytest.mark.parametrize("picked", _sample(), ids=lambda one: f"{one.what}-{one.tls}")
def test_mystery_is_fair(picked: Pick) -> None:
    """What was staged happens as declared, and the kit names it by what is handed out alone."""
    solved = trial.solve(picked, trial.tell)
    assert solved.reproduced, solved.told
    assert solved.right, solved.told


def test_what_is_handed_out_holds_no_answer() -> None:
    """It is made of words, numbers and file names alone, and it survives being sent as text."""
    kinds = {"str", "str | None", "int | None", "tuple[str, ...]", "tuple[tuple[str, str], ...]"}
    assert {one.type for one in dataclasses.fields(Handed)} <= kinds
    with mysteries.mystery(seed=3, level=2) as one:
        (cause,) = one._answer.causes
        text = json.dumps(one.handed.plain())
        assert trial.received(text) == one.handed
        assert cause not in text
        assert not any(getattr(one.handed, name, None) is one._answer for name in dir(one.handed))


def test_same_seed_is_the_same_mystery() -> None:
    """Seed and level decide alone, and other seeds are other mysteries."""
    assert pick(7, 2) == pick(7, 2)
    different = {(one.what, one.tls) for one in (pick(seed, 2) for seed in range(200))}
    assert len(different) > 40
    with mysteries.mystery(7, 2) as first:
        seen = first._answer, first.handed.story
    with mysteries.mystery(7, 2) as second:
        assert (second._answer, second.handed.story) == seen


def test_every_stage_is_declared_and_can_be_told() -> None:
    """Each level stages what there is, and each cause in it has a trail and a hint."""
    known = {
        "called": set(SCENES),
        "filed": set(SCENES),
        "recorded": set(RECORDED),
        "settings": set(exports.WORLDS),
        "paper": set(exports.WORLDS),
        "pairs": set(PAIRS),
        "both": {one.id for one in exports.pairs()},
    }
    for level in levels().values():
        assert all(what in known[kind] for kind, what in level.stages)
    assert set(told()["trail"]) <= set(causes())
    groups = {group for _, *names in told()["trail"].values() for group in names}
    assert groups == set(told()["commands"])
    staged_causes = {one.cause for one in (*SCENES.values(), *RECORDED.values(), *exports.FAULTS)}
    missing = staged_causes - set(told()["trail"])
    assert missing <= {"client.chain-order", "protocol.cipher", "network.reset",
                       "server.ca-list-wrong", "server.ca-list-too-large",
                       "server.asks-late"}  # fmt: skip


def test_unknown_level_and_cause_are_refused() -> None:
    """A level or cause that is not there is one sentence that says what is."""
    with pytest.raises(ValueError, match="no level 9; the mysteries have the levels 1, 2, 3, 4"):
        mysteries.mystery(level=9)
    with mysteries.mystery(1) as one:
        mark = one.answer("client.expird")
        assert (mark.right, mark.points) == (False, 0)
        assert "'client.expird' is no cause. Did you mean client.expired" in mark.because
        assert "No cause was given" in one.answer().because


def test_two_causes_can_stand_in_one_text() -> None:
    """Between the quotation marks, parted by a comma, with blanks or without, or as two answers."""
    with mysteries.mystery(5, level=4) as one:
        causes = one.give_up().causes
        assert len(causes) == 2
        for answer in ((", ".join(causes),), (",".join(causes),), causes):
            assert one.answer(*answer).right


def test_a_command_of_a_trail_can_be_run() -> None:
    """What mtlskit is told to do is a command that it has; the others are programs' own names."""
    for line in itertools.chain.from_iterable(told()["commands"].values()):
        program, *words = line.split()
        assert program in {"openssl", "curl", "keytool", "mtlskit", "getent", "tshark"}, line
        if program == "mtlskit":
            assert words[0] in COMMANDS, line


_SINGLE = Answer(
    ("client.expired",), "It expired.", "Renew it.", "server", along=frozenset({"client.weak"})
)
_DOUBLE = Answer(("client.chain-incomplete", "client.expired"), "Both.", "Both.", "server")


@pytest.mark.parametrize(
    ("answer", "given", "opened", "expected"),
    [
        (_SINGLE, ("client.expired",), 0, (True, 6)),
        (_SINGLE, ("client.expired",), 3, (True, 3)),
        (_SINGLE, ("client.expired",), 4, (True, 2)),
        (_SINGLE, ("client.expired", "client.weak"), 0, (True, 6)),
        (_SINGLE, ("client.expired", "server.expired"), 0, (False, 2)),
        (_SINGLE, ("client.purpose",), 0, (False, 2)),
        (_SINGLE, ("client.weak",), 0, (False, 2)),
        (_SINGLE, ("server.untrusted-issuer",), 0, (False, 1)),
        (_SINGLE, ("network.reset",), 0, (False, 0)),
        (_DOUBLE, ("client.expired", "client.chain-incomplete"), 0, (True, 6)),
        (_DOUBLE, ("client.expired",), 0, (False, 3)),
        (_DOUBLE, ("network.reset",), 0, (False, 0)),
    ],
)
def test_marks_are_by_what_was_staged(
    answer: Answer, given: tuple[str, ...], opened: int, expected: tuple[bool, int]
) -> None:
    """Right is right; the right side, party or one of two brings a part; all else nothing."""
    mark = graded("mystery 1, level 1", given, answer, opened)
    assert ((mark.right, mark.points), mark.most) == (expected, MOST)
    assert mark.right or not any(one in mark.because for one in answer.causes)


def test_right_answer_shows_the_trail_and_is_kept(scores: Path) -> None:
    """A right answer gets its reasoning, the trail and its points; the second time no points."""
    with mysteries.mystery(seed=1, level=1) as one:
        cause = one._answer.causes[0]
        wrong = one.answer("instance.scheme")
        assert (wrong.right, wrong.points, wrong.trail) == (False, 0, ())
        assert one.hint().left == 3
        mark = one.answer(cause)
        assert (mark.right, mark.points) == (True, MOST - 1)
        assert one._answer.broken in mark.because
        assert "What would have shown it" in str(mark)
        assert one.answer(cause).points == 0
    rows = [json.loads(line) for line in (scores / "scores.jsonl").read_text().splitlines()]
    assert [(row["exercise"], row["points"], row["hints"]) for row in rows] == [
        ("mystery 1, level 1", 0, 0),
        ("mystery 1, level 1", 5, 1),
        ("mystery 1, level 1", 0, 1),
    ]


def test_given_up_brings_no_points() -> None:
    """What was staged is shown on request, and then an answer is worth nothing."""
    with mysteries.mystery(seed=2, level=4) as one:
        solution = one.give_up()
        assert solution.causes == one._answer.causes
        assert one._answer.broken in " ".join(str(solution).split())
        assert one.answer(*one._answer.causes).points == 0


def test_hints_say_more_and_more_and_never_the_cause() -> None:
    """Four hints: who refused, the side, where to look, what is to be seen there."""
    with mysteries.mystery(seed=1, level=1) as one:
        said = hints(one._answer, one.handed)
        assert len(said) == 4
        assert not any(cause in words for cause in one._answer.causes for words in said)
        opened = [one.hint() for _ in range(6)]
        assert [each.text for each in opened[:4]] == list(said)
        assert {each.text for each in opened[4:]} == {said[3]}


def test_page_tells_all_that_is_needed_and_not_the_answer() -> None:
    """Address, files, password and how to answer stand on the page; the cause does not."""
    with mysteries.mystery(seed=5, level=2) as one:
        text = " ".join(str(one).split())
        assert f"{one.handed.host}:{one.handed.port}" in text
        assert "mystery.answer" in text
        assert one._answer.causes[0] not in text
        assert one.handed.password is None or one.handed.password in text
        assert one.handed.password is None or one.handed.password not in repr(one.handed)


def test_command_on_the_page_does_it(tmp_path: Path) -> None:
    """The command that the page gives names the cause, in a terminal."""
    with mysteries.mystery(seed=1, level=1) as one:
        words = shlex.split(one.handed.command)
        done = subprocess.run(
            [sys.executable, "-m", *words, "--json"],
            capture_output=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            check=False,
            timeout=60,
        )
        assert json.loads(done.stdout)["opinions"][0]["cause"] == one._answer.causes[0]


def test_commands_of_a_trail_are_whole() -> None:
    """No command of any mystery's trail has a gap in it."""
    for number in levels():
        picked = pick(11, number)
        with mysteries.mystery(picked.seed, number) as one:
            text = str(trail(one._answer, one.handed))
            assert "{" not in text.replace("Listing", "")
            assert "None" not in text


def test_next_mystery_ends_the_one_before() -> None:
    """Only one runs at a time; its files are gone when it has ended."""
    first = mysteries.mystery(seed=1)
    folder = Path(first.handed.trust[0]).parent
    assert folder.exists()
    with mysteries.mystery(seed=2):
        assert first.over
        assert not folder.exists()
    assert "It has ended" in str(first)


def test_mystery_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it is over, whether anybody asks or not."""
    monkeypatch.setattr(mysteries, "LIFETIME", 0.05)
    one = mysteries.mystery(seed=1)
    assert _until(lambda: one.over)
    assert _until(lambda: not Path(one.handed.trust[0]).exists())


_KERNEL = """
import sys
from mtlskit.lab.course import mystery
one = mystery(seed=1, level=1)
print(one.handed.port, one.handed.trust[0], flush=True)
sys.stdin.read()
"""


def test_mystery_ends_with_its_kernel() -> None:
    """A kernel that is killed by SIGKILL leaves no file of its mystery behind."""
    with subprocess.Popen(
        [sys.executable, "-c", _KERNEL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as kernel:
        assert kernel.stdout is not None
        _, file = kernel.stdout.readline().split()
        assert Path(file).exists()
        os.kill(kernel.pid, signal.SIGKILL)
    assert _until(lambda: not Path(file).parent.exists())


def _until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _GONE
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
