import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import ipywidgets as widgets
import pytest

from mtlskit.material import Blob


def _state() -> str:
    def shown(value: object) -> str:
        if isinstance(value, memoryview | bytes):
            return base64.b64encode(bytes(value)).decode() + bytes(value).decode("latin-1")
        return str(value)

    return json.dumps(widgets.Widget.get_manager_state(), default=shown)


@pytest.fixture
def widget_state() -> Callable[[], str]:
    """Gives everything that Jupyter could save of all widgets of this process."""
    return _state


def _put(field: widgets.FileUpload, *blobs: Blob) -> None:
    field.value = tuple(
        {
            "name": blob.source.name,
            "type": "",
            "size": len(blob.data),
            "content": memoryview(blob.data),
            "last_modified": datetime.now(UTC),
        }
        for blob in blobs
    )


@pytest.fixture
def put() -> Callable[..., None]:
    """Gives files to an upload field, as the browser does."""
    return _put
