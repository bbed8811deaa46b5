"""The forms of the guided notebooks: they collect input, call one function and show its answer.

Importing this room loads no widgets: the Jupyter server imports its `hook` and needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlskit.desk.guide import Guide

__all__ = ["open_guide"]


def open_guide(*, fresh: bool = False) -> Guide:
    """Return the guide of this kernel, as it was left.

    Args:
        fresh: forget what was given and found, and begin anew.

    Raises:
        ModuleNotFoundError: the notebook parts are not installed; the sentence says how to.
    """
    try:
        from mtlskit.desk import guide  # noqa: PLC0415 - loads ipywidgets, so only when it is wanted
    except ModuleNotFoundError as missing:
        if missing.name != "ipywidgets":
            raise
        raise ModuleNotFoundError(
            "The guide needs the notebook parts: pip install 'mtlskit[notebook]'.",
            name=missing.name,
        ) from None
    return guide.open_guide(fresh=fresh)
