import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import ipywidgets as widgets
import pytest

from mtlskit.desk import fields
from mtlskit.material import Blob

CANARY = "canary-password-5417"
CONTENT = b"-----BEGIN PRIVATE KEY-----\ncanary-key-material-8823\n"


def upload(name: str, content: bytes) -> dict[str, object]:
    return {
        "name": name,
        "type": "",
        "size": len(content),
        "content": memoryview(content),
        "last_modified": datetime.now(UTC),
    }


def widget_state() -> str:
    """Everything that Jupyter could save of all widgets of this process."""

    def shown(value: object) -> str:
        if isinstance(value, memoryview | bytes):
            return base64.b64encode(bytes(value)).decode() + bytes(value).decode("latin-1")
        return str(value)

    return json.dumps(widgets.Widget.get_manager_state(), default=shown) + repr(
        widgets.Widget._property_lock
    )


def test_a_password_can_be_taken_once() -> None:
    """Taking a password empties its field, and no widget state holds it any more."""
    field = fields.password("Password")
    field.value = CANARY
    assert CANARY in widget_state()  # the search would see it
    assert fields.taken(field) == CANARY
    assert CANARY not in widget_state()
    assert fields.taken(field) is None


def test_an_upload_leaves_its_field_before_anyone_is_told() -> None:
    """Whoever receives a file finds the field empty already."""
    seen: list[tuple[Blob, ...]] = []

    def received(blobs: tuple[Blob, ...]) -> None:
        assert field.value == ()
        seen.append(blobs)

    field = fields.files("Add", "hint", received)
    field.value = (upload("a.key", CONTENT), upload("b.key", b"two"))
    assert [(blob.source.name, blob.data) for blob in seen[0]] == [
        ("a.key", CONTENT),
        ("b.key", b"two"),
    ]
    assert len(seen) == 1


def test_an_upload_leaves_nothing_in_the_widget_state() -> None:
    """The bytes of a file are in no trait after the upload."""
    field = fields.files("Add", "hint", lambda _: None)
    field.value = (upload("a.key", CONTENT),)
    state = widget_state()
    assert "canary-key-material" not in state
    assert base64.b64encode(CONTENT).decode()[8:40] not in state


def test_a_failing_receiver_leaves_nothing_either() -> None:
    """The field is empty even if what reads the file fails."""

    def failing(_: tuple[Blob, ...]) -> None:
        raise RuntimeError

    field = fields.files("Add", "hint", failing)
    with pytest.raises(RuntimeError):
        field.value = (upload("a.key", CONTENT),)
    assert field.value == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: fields.line("Label"),
        lambda: fields.choice("Label", [("a", 1)]),
        lambda: fields.either("Label", [("a", 1)]),
        lambda: fields.tick("Label", on=True),
        lambda: fields.password("Label"),
        lambda: fields.files("Label", "hint", lambda _: None),
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
