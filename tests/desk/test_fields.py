import asyncio
import base64
from collections.abc import Callable

import ipywidgets as widgets
import pytest

from mtlskit.desk import fields
from mtlskit.material import Blob, Source

CANARY = "canary-password-5417"
KEY = Blob(Source("a.key"), b"-----BEGIN PRIVATE KEY-----\ncanary-key-material-8823\n")
OTHER = Blob(Source("b.key"), b"two")


def test_a_password_can_be_taken_once(widget_state: Callable[[], str]) -> None:
    """Taking a password empties its field, and no widget state holds it any more."""
    field = fields.password("Password")
    field.value = CANARY
    assert CANARY in widget_state()  # the search would see it
    assert fields.taken(field) == CANARY
    assert CANARY not in widget_state()
    assert fields.taken(field) is None


def test_an_upload_leaves_its_field_before_anyone_is_told(put: Callable[..., None]) -> None:
    """Whoever receives files finds the field empty already, and is told once."""
    seen: list[tuple[Blob, ...]] = []

    def received(blobs: tuple[Blob, ...]) -> None:
        assert field.value == ()
        seen.append(blobs)

    field = fields.files("Add", received)
    put(field, KEY, OTHER)
    assert seen == [(KEY, OTHER)]


def test_an_upload_leaves_nothing_in_the_widget_state(
    put: Callable[..., None], widget_state: Callable[[], str]
) -> None:
    """The bytes of a file are in no trait after the upload."""
    put(fields.files("Add", lambda _: None), KEY)
    assert "canary-key-material" not in widget_state()
    assert base64.b64encode(KEY.data).decode()[8:40] not in widget_state()


def test_a_failing_receiver_leaves_nothing_either(put: Callable[..., None]) -> None:
    """The field is empty even if what reads the file fails."""

    def failing(_: tuple[Blob, ...]) -> None:
        raise RuntimeError

    field = fields.files("Add", failing)
    with pytest.raises(RuntimeError):
        put(field, KEY)
    assert field.value == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: fields.line("Label"),
        lambda: fields.choice("Label", [("a", 1)]),
        lambda: fields.either("Label", [("a", 1)]),
        lambda: fields.tick("Label", on=True),
        lambda: fields.password("Label"),
        lambda: fields.files("Label", lambda _: None),
    ],
)
def test_every_field_has_a_label(make: Callable[[], widgets.DOMWidget]) -> None:
    """A field says what it is for, to the eye and to a screen reader."""
    field = make()
    assert field.description == "Label"
    assert fields.FIELD in field._dom_classes


def test_a_notice_shows_foreign_text_harmless() -> None:
    """Text from outside cannot become markup."""
    shown = fields.notice("<script>alert(1)</script>", "bad")
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert 'role="alert"' in shown


def test_a_click_waits_for_what_was_typed_before_it() -> None:
    """A value that arrives just after the click is still read by the click's work."""
    field, seen = fields.line("Name"), []
    button = fields.action("Save", lambda: seen.append(field.value))

    async def overtaken() -> None:
        button.click()
        assert seen == []
        field.value = "typed before the click"
        await asyncio.sleep(3 * fields.BEAT)

    asyncio.run(overtaken())
    assert seen == ["typed before the click"]


def test_a_double_click_does_the_work_once() -> None:
    """Further clicks until the work is done are taken for the same; a later one works again."""
    seen: list[int] = []
    button = fields.action("Run", lambda: seen.append(1))

    async def clicking() -> None:
        for _ in range(3):
            button.click()
        await asyncio.sleep(4 * fields.BEAT)
        assert len(seen) == 1
        button.click()
        await asyncio.sleep(4 * fields.BEAT)

    asyncio.run(clicking())
    assert len(seen) == 2
