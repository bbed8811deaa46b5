"""A Jupyter server extension: the guide's notebooks are saved without widget state.

Law of this file: it touches nothing but notebooks that carry ``mtlskit`` in their metadata, and it
imports neither ipywidgets nor anything of the kit, for it runs in the server and not in the kernel.

A form field that is being filled in holds what was typed until the guide has read it. JupyterLab
can be set to save the state of all widgets with the notebook; this extension drops that state from
our notebooks before they are written, and so keeps a half-typed password off the disk, also off the
checkpoints, which are copies of what was saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARK = "mtlskit"
"""The metadata key by which a notebook says that it is one of ours."""


def drop_widget_state(model: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401 - Jupyter's own hook signature
    """Remove the state of all widgets from one of our notebooks, in place.

    Args:
        model: the contents model that Jupyter is about to save.
    """
    content = model.get("content")
    if model.get("type") != "notebook" or not isinstance(content, dict):
        return
    metadata = content.get("metadata")
    if isinstance(metadata, dict) and metadata.get(MARK):
        metadata.pop("widgets", None)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:  # noqa: ANN401 - a ServerApp, unknown to us below the server
    server.contents_manager.register_pre_save_hook(drop_widget_state)
