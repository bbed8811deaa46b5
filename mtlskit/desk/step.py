"""What every step of the guide has in common. Law of this file: a step holds no knowledge.

A step collects input or shows an answer. It can be taken in any order; what it adds is said at its
head, and whether it is done is said on the rail.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import ipywidgets as widgets

from mtlskit.case import Missing
from mtlskit.desk import fields, rail
from mtlskit.material import Unreadable
from mtlskit.report.saving import NoPdfError

State = Literal["needs", "done", "found", "again", "optional", "later"]
"""How a step stands: wants input, complete, found something, found something that no longer holds,
can be left out, after the run."""


class Step(Protocol):
    """One step of the guide.

    Attributes:
        name: one or two words for the rail.
        box: everything that the step shows.
    """

    name: str
    box: widgets.VBox

    @property
    def state(self) -> State:
        """How the step stands."""

    def refresh(self) -> None:
        """Draw what depends on the session."""


def page(name: str, title: str, lead: str, *parts: widgets.Widget) -> widgets.VBox:
    """Make the body of a step: its place on the rail, a heading, what it adds, then its parts.

    The first part is where the keyboard is led when the step is shown: of all that only shows
    words, a `Label` alone can be led to.
    """
    place = widgets.Label(rail.place(name), tabbable=False).add_class("mtls-place")
    head = f'<h2 class="mtls-title">{html.escape(title)}</h2>'
    head += fields.paragraph(lead) if lead else ""
    return widgets.VBox([place, fields.words(head), *parts]).add_class("mtls-step")


def part(title: str) -> widgets.HTML:
    """Make a heading within a step."""
    return fields.words(f'<h3 class="mtls-part">{html.escape(title)}</h3>')


def cell(*parts: widgets.Widget) -> widgets.VBox:
    """Make parts that stand together, one beneath the other."""
    return widgets.VBox(list(parts)).add_class("mtls-cell")


def pair(*cells: widgets.Widget) -> widgets.GridBox:
    """Make two columns where there is room for them, else one."""
    return widgets.GridBox(list(cells)).add_class("mtls-pair")


def row(*parts: widgets.Widget) -> widgets.HBox:
    """Make parts that stand side by side."""
    return widgets.HBox(list(parts)).add_class("mtls-row")


def in_words(error: Exception, *, named: bool = True) -> str:
    """Say what went wrong: input in its own words, a bug of ours as a bug of ours."""
    match error:
        case Unreadable():
            return str(error.problem) if named else error.problem.text
        case Missing():
            return f"Missing: {error.what}. {error.how}"
        case ValueError() | OSError() | NoPdfError():
            return str(error)
    return (
        f"The guide itself failed here ({type(error).__name__}: {error}). "
        "This is a bug of mtlskit, not of your files: please report it with this line."
    )


@contextmanager
def told(place: widgets.HTML, *, named: bool = True) -> Iterator[None]:
    """Show an error where it happened, in words, instead of letting it end in a log.

    Args:
        place: where to show it.
        named: say which file it speaks of; not needed beneath the field that it speaks of.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a form has no one above it to tell
        place.value = fields.notice(in_words(error, named=named), "bad")


def guarded(place: widgets.HTML, work: Callable[[], None]) -> Callable[[], None]:
    """Return the work, whose error is told at its place and keeps no other step from its own."""

    def done() -> None:
        with told(place):
            work()

    return done


@contextmanager
def busy(button: widgets.Button, says: str) -> Iterator[None]:
    """Switch a button off while its work is under way, and have it say so."""
    label = button.description
    button.disabled, button.description = True, says
    try:
        yield
    finally:
        button.disabled, button.description = False, label


def when_changed(field: Any, changed: Callable[[], None]) -> None:  # noqa: ANN401 - any field
    """Call `changed` whenever the field's value changes."""
    field.observe(lambda _: changed(), "value")
