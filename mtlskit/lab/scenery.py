"""How every scene shows itself on every real server: the table of scene and stack.

Law of this file: a row is what the kit's own live call met, reduced to what can be compared. The
table is remade by one call; nothing in it is written by hand.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from typing import cast, get_args

from mtlskit.case import Case
from mtlskit.collect.calling import Manner, call_of
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.lab.scenes import SCENES, Scene, Staged, Version, plan_of, setup_of, stage
from mtlskit.lab.stacks import Stack
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

PATIENCE = 6.0
_LINGER = 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """How one scene shows itself on one stack in one TLS version; an empty text means none."""

    scene: str
    stack: str
    version: str
    tls: str
    outcome: str
    refused_by: str
    stage: str
    alert: str
    http: str
    tcp: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Everything, in the order of the columns."""
        return astuple(self)


COLUMNS = tuple(one.name for one in fields(Shown))


def plays(stack: Stack, scene_id: str, tls: Version) -> bool:
    """Tell whether this stack can play that scene."""
    setup = setup_of(plan_of(scene_id, tls))
    return setup is not None and not stack.lacks(setup)


def shown(stack: Stack, scenes: Iterable[Scene] | None = None) -> Iterator[Shown]:
    """Play scenes on a stack, in both TLS versions, and tell how they show themselves."""
    version = stack.version() or "unknown"
    for scene in SCENES.values() if scenes is None else scenes:
        for tls in get_args(Version):
            if plays(stack, scene.id, tls):
                with stage(scene.id, tls, stack=stack) as staged:
                    yield _row(stack, version, staged, met(staged, answers=stack.answers))


def met(staged: Staged, *, answers: bool = True) -> Trace:
    """Call the endpoint of a scene as its client would: with its first usable identity."""
    low, high = staged.versions
    call = call_of(
        holding(staged),
        None,
        staged.server_name,
        PATIENCE,
        request=answers,
        manner=cast("Manner", staged.manner),
    )
    return follow(connect(replace(call, versions=(low, high), linger=_LINGER)))


def holding(staged: Staged) -> Case:
    """Read what the client of a scene holds, as the kit reads it."""
    return case_of(
        staged.target,
        staged.identity_files or None,
        staged.trust_files,
        staged.material_files,
        (),
        staged.password,
    )


def _row(stack: Stack, version: str, staged: Staged, trace: Trace) -> Shown:
    ended, symptom = trace.ended, trace.ended.symptom
    refused = ended.outcome == "refused"
    told = (ended.outcome, ended.refused_by, ended.stage if refused else None, symptom.alert)
    cells = (*told, symptom.http, symptom.tcp and "closed")
    said = ["" if one is None else str(one) for one in cells]
    return Shown(staged.scene.id, stack.name, version, staged.tls, *said)


def write(rows: Iterable[Shown]) -> str:
    """Write the table as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.cells for row in rows)
    return out.getvalue()


def read(text: str) -> tuple[Shown, ...]:
    """Read the table from the text of a CSV file."""
    return tuple(Shown(**row) for row in csv.DictReader(io.StringIO(text)))
