"""The fields of a form, each with a visible label, a hint and a name for screen readers.

Law of this file: a secret leaves its field in the very callback that reads it. What a `Files`
field was given, and what a `Password` field holds, is handed over once; from then on the field
is empty, and so is the state that Jupyter could save or send.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from mtlskit.material import Blob, Source
from mtlskit.page.blocks import Tone

FIELD = "mtls-field"
BEAT = 0.05  # seconds: longer than a kernel takes for a value, shorter than anyone notices

DRAWN = 0.2  # seconds: a browser has drawn another step by then; else nothing is moved


def line(label: str, placeholder: str = "") -> widgets.Text:
    """Make a one-line text field. It is never used for a secret: a `Text` shows its value."""
    field = widgets.Text(description=label, placeholder=placeholder, continuous_update=False)
    return _dressed(field)


def area(label: str, placeholder: str = "") -> widgets.Textarea:
    """Make a field of several lines. Empty it in the callback that reads it."""
    field = widgets.Textarea(
        description=label, placeholder=placeholder, continuous_update=False, rows=5
    )
    return _dressed(field)


def choice(label: str, options: Sequence[tuple[str, Any]]) -> widgets.Dropdown:
    """Make a list that opens, of which one entry is taken; the first at the start."""
    return _dressed(widgets.Dropdown(description=label, options=list(options)))


def either(label: str, options: Sequence[tuple[str, Any]]) -> widgets.RadioButtons:
    """Make a short list of which one entry is taken, all of them in sight."""
    return _dressed(widgets.RadioButtons(description=label, options=list(options)))


def meter(label: str, most: int) -> widgets.IntProgress:
    """Make a bar that fills, from none to `most`."""
    return _dressed(widgets.IntProgress(description=label, value=0, min=0, max=most))


def tick(label: str, *, on: bool) -> widgets.Checkbox:
    """Make a box that is ticked or not."""
    return _dressed(widgets.Checkbox(description=label, value=on, indent=False))


def password(label: str) -> widgets.Password:
    """Make a field that shows dots. Read it with `taken` alone."""
    return _dressed(widgets.Password(description=label, continuous_update=False))


def taken(field: widgets.Password) -> str | None:
    """Take the password out of its field, which is empty from now on; None if there was none."""
    secret, field.value = field.value, ""
    return secret or None


def files(label: str, received: Callable[[tuple[Blob, ...]], None]) -> widgets.FileUpload:
    """Make a button that takes any number of files and hands them over as they come.

    Args:
        label: what stands on the button.
        received: is given the files; by then the field is already empty.
    """
    field = _dressed(widgets.FileUpload(description=label, multiple=True))

    def hand_over(change: Mapping[str, Any]) -> None:
        if not change["new"]:
            return
        blobs = tuple(_blob(upload) for upload in change["new"])
        field.value = ()
        received(blobs)

    field.observe(hand_over, "value")
    return field


def lead(label: str, done: Callable[[], None]) -> widgets.Button:
    """Make a button that shows something else, at once, and reads no field."""
    button = widgets.Button(description=label)
    button.on_click(lambda _: done())
    return button.add_class("mtls-action")


def action(label: str, done: Callable[[], None], *, primary: bool = False) -> widgets.Button:
    """Make a button whose work reads other fields; a double click does the work once."""
    button = widgets.Button(description=label, button_style="primary" if primary else "")
    button.on_click(_Beat(done))
    return button.add_class("mtls-action")


def entered(field: widgets.Text, done: Callable[[], None]) -> None:
    """Do the work when Enter is pressed in the field; what was typed has arrived by then."""
    beat = _Beat(done)

    def hear(_: object, content: Mapping[str, Any], __: object) -> None:
        if content.get("event") == "submit":
            beat(None)

    field.on_msg(hear)


class _Beat:
    """Does the work of a click one beat later, when what was typed before it has arrived too.

    A kernel may handle messages of the browser that come close together in another order than
    they were sent in, so the click can overtake the text of the field that was left for it.
    Clicks that come until one beat after the work are taken for the same one.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._busy = False

    def __call__(self, _: object) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script or a test: nothing is under way, so nothing is awaited
            self._done()
            return
        if not self._busy:
            self._busy = True
            loop.call_later(BEAT, self._work, loop)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._done()
        finally:
            loop.call_later(BEAT, self._rest)

    def _rest(self) -> None:
        self._busy = False


def lead_to(place: widgets.Widget) -> None:
    """Move the keyboard and the screen reader to a place, once the browser has drawn it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a script or a test: nobody looks on
        return
    loop.call_later(DRAWN, place.focus)


def words(markup: str = "") -> widgets.HTML:
    """Make a place for markup of our own: the caller has escaped what is foreign in it."""
    return widgets.HTML(markup).add_class("mtls-words")


def hint(text: str) -> widgets.HTML:
    """Make a quiet paragraph that explains the field above it."""
    return words(f'<p class="mtls-hint">{html.escape(text)}</p>').add_class("mtls-about")


def paragraph(text: str) -> str:
    """Return the markup of a paragraph that leads into a step."""
    return f'<p class="mtls-lead">{html.escape(text)}</p>'


def notice(text: str, tone: Tone = "plain") -> str:
    """Return the markup of a message; screen readers are told of it."""
    role = "alert" if tone == "bad" else "status"
    return f'<div class="mtls-notice mtls-{tone}" role="{role}">{html.escape(text)}</div>'


def _dressed(field: Any) -> Any:  # noqa: ANN401 - any widget, and the same one back
    field.tooltip = field.description
    field.style.description_width = "initial"
    field.layout.width = "auto"
    return field.add_class(FIELD)


def _blob(upload: Mapping[str, Any]) -> Blob:
    return Blob(Source(str(upload["name"])), bytes(upload["content"]))
