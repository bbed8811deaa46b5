"""One lesson: its desk, its endpoint, hints and points."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import mtlskit
from mtlskit.lab.course import lessons
from mtlskit.lab.course.lesson import Lesson, NotCalled
from mtlskit.lab.course.scores import Scores
from mtlskit.lab.course.slip import Slip
from mtlskit.material import Blob, Source

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def first() -> Lesson:
    """The first lesson, nothing answered; tests that answer begin their own."""
    return lessons.lesson(1, seed=1)


@pytest.mark.parametrize("number", range(1, 13))
def test_a_seed_makes_the_same_facts_and_new_keys(number: int) -> None:
    """Questions and choices come again; certificates do not."""
    one, same = (lessons.lesson(number, seed=3) for _ in range(2))
    assert one.cast.root_name == same.cast.root_name
    assert one.cast.good.certificate.serial_number == same.cast.good.certificate.serial_number
    assert one.cast.good.der != same.cast.good.der
    assert [asked.choices for asked in one.exercises] == [asked.choices for asked in same.exercises]


def test_without_a_seed_lessons_differ() -> None:
    """Two trainees side by side have different serial numbers."""
    begun = [lessons.lesson(1) for _ in range(3)]
    assert len({one.cast.good.certificate.serial_number for one in begun}) > 1


def test_there_is_no_lesson_13() -> None:
    """The sentence says which there are."""
    with pytest.raises(KeyError, match="1 to 12"):
        lessons.lesson(13)


def test_a_hint_costs_a_point_and_the_last_point_stays() -> None:
    """Three points, then two, then one; more hints there are not."""
    lesson = lessons.lesson(1, seed=1)
    assert lesson.hint(1)
    assert lesson.hint(1)
    assert lesson.hint(1) is None
    assert len(lesson.hints_of(1)) == 2
    mark = lesson.check(1, "b")
    assert (mark.right, mark.points, mark.most) == (True, 1, 3)
    assert lesson.points == (1, 9)


def test_a_wrong_answer_opens_a_hint_and_a_later_one_takes_nothing_away() -> None:
    """The best mark counts, and after it no more hints are opened by wrong answers."""
    lesson = lessons.lesson(1, seed=1)
    assert lesson.check(1, "a").hint == lesson.exercise(1).hints[0]
    assert lesson.check(1, "b").points == 2
    assert lesson.check(1, "c").hint is None
    assert lesson.points == (2, 9)
    assert lesson.progress(1).tries == 3


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [(1, "perhaps"), (1, None), (1, " "), (3, "nothing.p12"), (3, 7)],
)
def test_what_is_no_answer_opens_no_hint(exercise: int, answer: object) -> None:
    """A slip of the pen costs nothing, and is told as one."""
    lesson = lessons.lesson(1, seed=1)
    mark = lesson.check(exercise, answer)
    assert not mark.right
    assert mark.hint is None
    assert lesson.progress(exercise).hints == 0


def test_a_file_may_come_by_name_by_path_or_as_bytes(tmp_path: Path) -> None:
    """The same key store opens the door in all three ways."""
    lesson = lessons.lesson(1, seed=1)
    data = lesson.files["acme-client.p12"].data
    (tmp_path / "mine.p12").write_bytes(data)
    for given in ("acme-client.p12", tmp_path / "mine.p12", Blob(Source("mine.p12"), data)):
        assert lesson.check(3, given).right


def test_rubbish_as_a_file_is_wrong_and_told_so() -> None:
    """Bytes that are no key store are marked, and nothing is raised."""
    lesson = lessons.lesson(4, seed=1)
    for data in (
        b"",
        b"\0" * 40,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ):
        mark = lesson.check(3, Blob(Source("rubbish.p12"), data))
        assert not mark.right
        assert mark.because


def test_a_call_that_cannot_be_made_shows_why() -> None:
    """A key that is not the certificate's ends the call before it begins."""
    lesson = lessons.lesson(4, seed=1)
    wrong = next(n for n, letter in enumerate("abc", 1) if letter != lesson.fits)
    told = lesson.call(lesson.pack("acme-client.cer", f"key-{wrong}.pem"))
    assert isinstance(told, NotCalled)
    assert "does not belong" in str(told)


@pytest.mark.parametrize("names", [(), ("ca-1.pem",), ("partner-root-ca.pem", "ca-2.pem")])
def test_what_makes_no_key_store_is_put_together_all_the_same(names: tuple[str, ...]) -> None:
    """Without a key or certificate it can be tried, and is refused as in life."""
    lesson = lessons.lesson(3, seed=1)
    made = lesson.pack(*names)
    assert lesson.call(made).page()
    assert not lesson.check(3, made).right


def test_a_slip_is_one_sentence() -> None:
    """A mistyped name shows what is there, in a notebook without a traceback."""
    lesson = lessons.lesson(3, seed=1)
    with pytest.raises(Slip, match="On the desk lie") as told:
        lesson.pack("acme-clinet.p12")
    assert told.value._render_traceback_() == [str(told.value)]
    with pytest.raises(Slip, match="there are orders"):
        lesson.call(to="weather")


def test_the_desk_can_be_written_for_other_tools(tmp_path: Path) -> None:
    """Each file and the password, readable by their owner only; OpenSSL's format is kept."""
    lesson = lessons.lesson(3, seed=1)
    paths = lesson.write(tmp_path / "desk")
    assert {one.name for one in paths} == {*lesson.files, "password.txt"}
    assert {stat.S_IMODE(one.stat().st_mode) for one in paths} == {0o600}
    password = (tmp_path / "desk" / "password.txt").read_text()
    assert mtlskit.inspect(tmp_path / "desk" / "acme-client.p12", password=password).identities


def test_a_lesson_shows_its_desk_and_no_secret(first: Lesson) -> None:
    """Text, HTML and Markdown name every file, and neither password nor key."""
    for face in (str(first), first._repr_html_(), first._repr_markdown_()):
        assert first.password not in face
        assert "PRIVATE KEY" not in face
    assert all(name in str(first) for name in first.files)


def test_marks_are_kept_with_seed_and_hints(tmp_path: Path) -> None:
    """What is kept is the exercise, the mark, the seed and the hints, and no answer."""
    scores = Scores(tmp_path)
    lesson = lessons.lesson(1, seed=4, scores=scores)
    lesson.check(2, "something of my own")
    lesson.check(2, lesson.cast.root_name)
    kept = [(one.exercise, one.right, one.points, one.seed, one.hints) for one in scores.every]
    assert kept == [
        ("lesson 1, exercise 2", False, 0, 4, 0),
        ("lesson 1, exercise 2", True, 2, 4, 1),
    ]
    assert b"something of my own" not in (tmp_path / "scores.jsonl").read_bytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_badge_was_made_with_is_what_the_endpoint_finds(seed: int) -> None:
    """The truth by which lesson 2 grades agrees with real calls."""
    lesson = lessons.lesson(2, seed=seed)
    let_in = {n for n in range(1, 7) if lesson.tried(lesson.held(n)).accepted}
    assert let_in == lesson.fit


def test_the_partner_acts_on_facts_alone() -> None:
    """A message that lacks one fact gets the question for it; a secret is never delivered."""
    lesson = lessons.lesson(11, seed=1)
    lesson.call("acme-client.p12")
    assert not lesson.send("Please help.").done
    assert "secret" in lesson.send(f"Please help. {lesson.password}").text
    assert lesson.call("acme-client.p12").ended.outcome == "refused"
