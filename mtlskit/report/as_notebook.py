"""The report as a notebook that was run: to read where notebooks are read, and to go on in.

Law of this file: the output holds what the other files hold, at the same level, and no widget's
state; the one cell opens the JSON beside it and shows the same again when it is run.
"""

from __future__ import annotations

from mtlskit.page.blocks import Page
from mtlskit.page.html import fragment
from mtlskit.page.markdown import markdown
from mtlskit.page.plain import json_text
from mtlskit.page.text import text

MARK = '"mtlskit_report": '
"""What a notebook holds that is a report, and none that somebody works in."""
_LEAD = (
    "A report of mtlskit. It is shown as it was saved. Running the cell opens the JSON file of the "
    "same name, which has to lie beside this notebook."
)


def notebook(page: Page, name: str) -> str:
    """Return the notebook as JSON (nbformat 4.5).

    Args:
        page: the report, as its level has it.
        name: what its JSON file is called, without a folder.
    """
    shown = {
        "text/plain": text(page),
        "text/html": fragment(page),
        "text/markdown": markdown(page),
    }
    source = f"from mtlskit.collect.saved import reopen\n\nreopen({name!r})"
    result = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": shown}
    told = {"cell_type": "markdown", "id": "about", "metadata": {}, "source": _LEAD}
    cell = {"cell_type": "code", "id": "report", "metadata": {}, "source": source}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": [told, {**cell, "execution_count": 1, "outputs": [result]}],
        "metadata": {"kernelspec": kernel, "mtlskit": True, "mtlskit_report": True},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json_text(content, 1) + "\n"
