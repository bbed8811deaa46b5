"""Error lines whose origin is known: the side that refused follows from how each was produced."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import mtlskit
from mtlskit.material import Source
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.sense import sense

LINES = tuple(tomllib.loads(Path(__file__).with_name("lines.toml").read_text("utf-8"))["line"])
each = pytest.mark.parametrize("line", LINES, ids=[one["text"][:60] for one in LINES])


def test_there_are_enough_lines() -> None:
    """At least sixty lines of clients and servers are explained, most with a side that refused."""
    assert len(LINES) >= 60
    assert sum(bool(one["refused"]) for one in LINES) >= 55


@each
def test_the_refusing_side_is_right(line: dict[str, Any]) -> None:
    """Told whose log it is, the side that really refused is named, and its alert."""
    told = mtlskit.explain(line["text"], seen_by=line["log"])
    assert told.senses, "no phrase was recognised"
    assert (told.refused_by or "") == line["refused"]
    if told.case.trace is not None:
        assert told.case.trace.ended.symptom.alert == line.get("alert")


@each
def test_no_wrong_side_is_named_without_help(line: dict[str, Any]) -> None:
    """Told nothing, a wrong side is named only as an assumption, which is said."""
    told = mtlskit.explain(line["text"])
    if (told.refused_by or "") != line["refused"]:
        assert told.main is not None
        assert told.main.assumed


@each
def test_a_line_alone_never_accuses_wrongly(line: dict[str, Any]) -> None:
    """Without the usual reading, the side is right or open."""
    for said in said_in(line["text"], Source("line")):
        refused = sense(said).refused_by
        assert refused is None or refused == line["refused"], said.phrase
