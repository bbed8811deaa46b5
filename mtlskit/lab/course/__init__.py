"""The course: twelve lessons, their exercises and marks, and mysteries to practise on.

Law of this room: an answer is graded by what was made for this very run. What the kit says of it
is how a trainee finds the answer, and never how the answer is judged.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mtlskit.lab.course.lesson import Lesson as Lesson
    from mtlskit.lab.course.lessons import lesson as lesson
    from mtlskit.lab.course.mark import Mark as Mark
    from mtlskit.lab.course.mysteries import causes as causes
    from mtlskit.lab.course.mysteries import mystery as mystery
    from mtlskit.lab.course.scores import Scores as Scores

_HERE = {
    "Lesson": "lesson",
    "lesson": "lessons",
    "Mark": "mark",
    "Scores": "scores",
    "causes": "mysteries",
    "mystery": "mysteries",
}


def __getattr__(name: str) -> object:
    if name not in _HERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HERE[name]}"), name)
    globals()[name] = found  # else a module of the same name would stand here the next time
    return found
