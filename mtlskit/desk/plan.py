"""What a run would call, and the run itself. Law of this file: no widget, and no state.

A run may be made beside the kernel's own work: it is given what it needs, tells what it does, and
asks between two calls whether it is to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from mtlskit import report as reports
from mtlskit.case import Case
from mtlskit.collect.asked import VERSIONS, Asking, asked
from mtlskit.collect.calling import call_of
from mtlskit.collect.given import case_of
from mtlskit.experiment import diagnose, tried
from mtlskit.lab import scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Source, Target
from mtlskit.report import Report

TLS = Literal["1.2", "1.3"]
PATIENCE = 10.0
"""Seconds for one connection."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be called, and how.

    Attributes:
        scene: the lab's scene to stage; None: call the engineer's own endpoint.
        target: the engineer's own endpoint; None while it is not known.
        recorded: nobody is called; what files or a pasted text told is judged.
        surprise: the scene is not named before its answer.
        port_given: the engineer named the endpoint's port; else it was taken for granted.
        server_name: the name to ask for; None: the endpoint's own.
        tls: the one TLS version to speak; None: whatever both sides speak.
        experiments: whether to change one thing at a time afterwards and try again.
    """

    scene: str | None = None
    target: Target | None = None
    recorded: bool = False
    surprise: bool = False
    port_given: bool = True
    server_name: str | None = None
    tls: TLS | None = None
    experiments: bool = True

    @property
    def ready(self) -> bool:
        """Whether there is something to call."""
        return self.scene is not None or self.target is not None or self.recorded


@dataclass(frozen=True, slots=True)
class Watch:
    """Whoever watches a run.

    Attributes:
        tell: is told how many calls were made, and what the last one showed.
        stopped: whether no further call is wanted.
    """

    tell: Callable[[int, str], None] = lambda _number, _text: None
    stopped: Callable[[], bool] = lambda: False


def diagnosed(plan: Plan, given: Case, watch: Watch) -> Report:
    """Call the endpoint, or stage the scene and call that; then change one thing at a time.

    Args:
        plan: what to call.
        given: what the engineer handed in; a scene of the lab brings its own.
        watch: whom to tell of each call, and whom to ask whether to go on.
    """
    if plan.scene is None:
        return _tried(plan, given.having(target=plan.target), watch)
    with scenes.stage(plan.scene, tls=plan.tls or "1.3") as staged:
        there = replace(plan, server_name=staged.server_name)
        return _tried(there, held_by(staged), watch)


def held_by(staged: Staged) -> Case:
    """Return what the client of a scene holds."""
    return case_of(
        staged.target,
        staged.identity_files,
        staged.trust_files,
        staged.material_files,
        (),
        staged.password,
    )


def _tried(plan: Plan, given: Case, watch: Watch) -> Report:
    first = diagnose(given, server_name=plan.server_name, tls=plan.tls, experiments=False)
    watch.tell(1, f"The first call: {first.outcome}.")
    if not plan.experiments or watch.stopped():
        return first
    case = first.case
    attempts = list(case.attempts)
    call = call_of(case, plan.tls, plan.server_name, PATIENCE, request=True, manner={})
    for one in tried(case, call):
        attempts.append(one)
        watch.tell(1 + len(attempts), f"{one.change}: {one.trace.ended.outcome}.")
        if watch.stopped():
            break
    return reports.judge(case.having(attempts=tuple(attempts)), datetime.now(UTC))


def asking(plan: Plan, given: Case, watch: Watch) -> tuple[Asking, Case]:
    """Ask the server what it asks of its clients; return also what the client holds."""
    if plan.scene is None:
        if plan.target is None:
            raise ValueError("There is no endpoint to be asked yet.")
        return _asked(plan, plan.target, watch), given
    with scenes.stage(plan.scene, tls=plan.tls or "1.3") as staged:
        there = replace(plan, server_name=staged.server_name)
        return _asked(there, staged.target, watch), held_by(staged)


def _asked(plan: Plan, target: Target, watch: Watch) -> Asking:
    """Ask in each version by itself, so that it can be told of, and stopped, in between."""
    versions = (plan.tls,) if plan.tls else VERSIONS
    told: Asking | None = None
    for number, version in enumerate(versions, 1):
        new = asked(target, tls=version, server_name=plan.server_name, timeout=5.0)
        told = replace(told, answers=(*told.answers, *new.answers)) if told else new
        watch.tell(number, f"Asked in TLS {version}: {new.headline}")
        if watch.stopped():
            break
    return told or Asking(Source(str(target)), target, ())
