"""The form of an exercise, without a browser: what a click does, and that a script does too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtlskit import course
from mtlskit.desk.lesson import Asked
from mtlskit.lab.course.lesson import Lesson
from mtlskit.lab.course.scores import FOLDER


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep scores in the test's own folder."""
    monkeypatch.setenv(FOLDER, str(tmp_path))


@pytest.fixture
def lesson() -> Lesson:
    """The first lesson."""
    return course.lesson(1, seed=1)


def seen(asked: Asked) -> str:
    """All markup of a form."""
    found: list[str] = []

    def walk(widget: object) -> None:
        found.append(str(getattr(widget, "value", "")))
        for child in getattr(widget, "children", ()):
            walk(child)

    walk(asked._ui)
    return "\n".join(found)


def test_nothing_is_chosen_at_the_start(lesson: Lesson) -> None:
    """No answer is suggested, no hint is open, and the worth is told."""
    asked = course.ask(lesson, 1)
    assert asked.answer.given is None
    assert "worth 3 points now" in seen(asked)
    assert lesson.exercise(1).hints[0] not in seen(asked)


def test_checking_nothing_costs_nothing(lesson: Lesson) -> None:
    """The mark says so, and no hint opens."""
    asked = course.ask(lesson, 1)
    asked.check.click()
    assert "Nothing was handed in." in seen(asked)
    assert lesson.progress(1).hints == 0


def test_a_wrong_answer_shows_its_reason_and_the_next_hint(lesson: Lesson) -> None:
    """Beneath the question, in words; the button can be pressed again."""
    asked = course.ask(lesson, 1)
    asked.answer.box.value = "a"
    asked.check.click()
    assert "The client was content" in seen(asked)
    assert lesson.exercise(1).hints[0] in seen(asked)
    assert asked.check.disabled is False
    asked.answer.box.value = "b"
    asked.check.click()
    assert "Right: 2 of 3 points" in seen(asked)
    assert "mtls-solved" in asked._ui._dom_classes


def test_hints_open_one_by_one_until_there_are_none(lesson: Lesson) -> None:
    """Each click opens one; the button says when all are open."""
    asked, hints = course.ask(lesson, 1), lesson.exercise(1).hints
    for count in range(1, len(hints) + 1):
        asked.hint.click()
        assert [hint in seen(asked) for hint in hints] == [n < count for n in range(len(hints))]
    assert asked.hint.disabled
    assert asked.hint.description == "No more hints"


def test_a_line_is_checked_as_it_stands(lesson: Lesson) -> None:
    """What was typed is compared, in whatever case."""
    asked = course.ask(lesson, 2)
    asked.answer.box.value = lesson.cast.root_name.upper()
    asked.check.click()
    assert "Right: 3 of 3 points" in seen(asked)


def test_a_file_is_picked_from_the_desk_or_handed_in(lesson: Lesson) -> None:
    """The list offers the desk; what was uploaded last is what counts."""
    asked = course.ask(lesson, 3)
    assert asked.answer.given is None
    asked.answer.pick.value = "acme-client.cer"
    asked.check.click()
    assert "certificate_required" in seen(asked)
    data = lesson.files["acme-client.p12"].data
    upload = {"name": "mine.p12", "type": "", "size": len(data), "content": memoryview(data)}
    asked.answer.upload.value = (upload | {"last_modified": datetime.now(UTC)},)
    assert "mine.p12 is handed in" in seen(asked)
    assert asked.answer.upload.value == ()
    asked.check.click()
    assert "Right: " in seen(asked)


def test_what_a_cell_made_is_handed_in(lesson: Lesson) -> None:
    """It stands in the list, and is taken without another click."""
    made = lesson.pack("acme-client.p12")
    asked = course.ask(lesson, 3, made)
    assert asked.answer.given is made
    asked.check.click()
    assert lesson.progress(3).best.right


def test_a_form_knows_what_was_answered_in_a_script(lesson: Lesson) -> None:
    """Form and script share hints and points."""
    lesson.hint(1)
    lesson.check(1, "b")
    asked = course.ask(lesson, 1)
    assert lesson.exercise(1).hints[0] in seen(asked)
    assert "This exercise: 2 of 3 points. Lesson 1: 2 of 9 points." in seen(asked)


def test_without_a_front_end_the_question_can_be_read(lesson: Lesson) -> None:
    """Plain text has question, choices and how to answer in a script."""
    plain = course.ask(lesson, 1)._repr_mimebundle_()["text/plain"]
    assert "Which side refused?" in plain
    assert "- b: the server" in plain
    assert "lesson.check(1, answer)" in plain


def test_several_lines_and_things_are_asked_for_too() -> None:
    """A message is written in an area; a list of changes comes from a cell."""
    letter = course.ask(course.lesson(11, seed=1), 3)
    letter.answer.box.value = "Hello"
    letter.check.click()
    assert "Which of our endpoints" in seen(letter)
    settings = course.lesson(9, seed=1)
    assert "Nothing yet" in seen(course.ask(settings, 3))
    asked = course.ask(settings, 3, [])
    assert "an empty list" in seen(asked)
    asked.check.click()
    assert "The call was made" in seen(asked)


def test_what_is_to_be_put_in_order_stands_above_the_field() -> None:
    """Each step with its letter; the answer is a line."""
    renewal = course.lesson(12, seed=1)
    shown = seen(course.ask(renewal, 2))
    assert all(f"{letter}) {step}" in shown for letter, step in renewal.steps.items())


def test_the_front_door_leads_to_mysteries() -> None:
    """A mystery of a seed is staged, its causes are listed, and an answer is marked."""
    staged = course.mystery(seed=1, level=1)
    assert "client.expired" in str(course.causes())
    assert staged.answer("network.unresolved").most >= 1
    staged.end()


def test_there_is_no_exercise_4(lesson: Lesson) -> None:
    """The sentence says which there are."""
    with pytest.raises(KeyError, match="1 to 3"):
        course.ask(lesson, 4)
