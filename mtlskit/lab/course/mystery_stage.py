"""A mystery is staged: what the trainee gets on one side, the answer on the other.

Law of this file: what is handed out are addresses, files and words that a client would have; what
was staged stands in the answer alone, and nobody who gets the one sees the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from mtlskit.collect.calling import Manner, call_of
from mtlskit.collect.live import connect
from mtlskit.lab import exports
from mtlskit.lab.cast import Cast
from mtlskit.lab.course.mystery_handed import Handed
from mtlskit.lab.course.mystery_pairs import PAIRS
from mtlskit.lab.course.mystery_pick import Kind, Pick, told
from mtlskit.lab.endpoint import serve
from mtlskit.lab.pki import write_private
from mtlskit.lab.recorded import recorded
from mtlskit.lab.recording import capture
from mtlskit.lab.scenery import holding
from mtlskit.lab.scenes import Scene, Staged, behaviour_of, stage, staging
from mtlskit.material import Blob, Source

_PATIENCE, _LINGER = 3.0, 0.5
_BOTH = ("1.2", "1.3")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was staged.

    Attributes:
        causes: all that have to be named, the decisive one first.
        same: what counts as the first of them too.
        along: what is true as well and need not be named.
        broken: what is wrong, exactly.
        mend: what to do, and who must do it.
        refused_by: who refused; None: nobody, or it is a matter of settings.
    """

    causes: tuple[str, ...]
    broken: str
    mend: str
    refused_by: str | None = None
    same: frozenset[str] = frozenset()
    along: frozenset[str] = frozenset()


@contextmanager
def staged(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    """Stage a mystery, its files in a folder, until the context is left."""
    with _STAGES[picked.kind](picked, folder) as both:
        yield both


@contextmanager
def _called(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    with stage(picked.what, picked.tls) as one:
        yield _handed(one, folder), _answer(one.scene)


@contextmanager
def _filed(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    with stage(picked.what, picked.tls) as one:
        handed = _recorded(one, folder)
    yield handed, _answer(one.scene)


@contextmanager
def _of_others(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    one = recorded(picked.what, picked.tls)
    handed = Handed(
        story=one.scene.story,
        records=_written(one.files, folder),
        identity=_written(one.identity_files, folder),
        trust=_written(one.trust_files, folder),
        material=_written(one.material_files, folder),
        password=one.password,
        password_file=_secret(one.password, folder),
    )
    yield handed, _answer(one.scene)


@contextmanager
def _of_an_instance(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    with stage("none", picked.tls) as one:
        made = {w.id: w for w in exports.worlds(one.server_name, one.target.port)}[picked.what]
        handed = _handed(one, folder)
        yield _with_settings(handed, made, folder, _CONFIGURED), _answer_of(made, 1)


@contextmanager
def _on_paper(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    made = exports.WORLDS[picked.what]
    yield _with_settings(Handed(story=""), made, folder, _ON_PAPER), _answer_of(made, 1)


@contextmanager
def _of_two_settings(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    made = {one.id: one for one in exports.pairs()}[picked.what]
    yield _with_settings(Handed(story=""), made, folder, _ON_PAPER), _answer_of(made, 2)


@contextmanager
def _of_two(picked: Pick, folder: Path) -> Iterator[tuple[Handed, Answer]]:
    pair = PAIRS[picked.what]
    plan = pair.plot(Cast(picked.tls))
    if plan.endpoint is None:
        raise ValueError(f"{pair.id} has no endpoint.")
    with serve(behaviour_of(plan.endpoint)) as endpoint:
        one = staging("none", picked.tls, endpoint.target, plan)
        handed = replace(_recorded(one, folder), story=pair.story)
    yield handed, Answer(pair.causes, pair.broken, pair.mend, "server")


_Stage = Callable[[Pick, Path], AbstractContextManager[tuple[Handed, Answer]]]
_STAGES: Mapping[Kind, _Stage] = {
    "called": _called,
    "filed": _filed,
    "recorded": _of_others,
    "settings": _of_an_instance,
    "paper": _on_paper,
    "both": _of_two_settings,
    "pairs": _of_two,
}
_CONFIGURED = (
    "The endpoint was set up on the instance as its handbook says, and a call with the same key "
    "store from another machine gets through. Calls of the instance fail."
)
_ON_PAPER = (
    "Calls of the instance fail, and nobody may touch it before the reason is known. There is an "
    "export of its settings."
)


def _answer(scene: Scene) -> Answer:
    same = frozenset(told()["same"].get(scene.cause, ()))
    return Answer((scene.cause,), scene.broken, scene.mend, scene.refused_by, same)


def _answer_of(made: exports.World, number: int) -> Answer:
    causes, along = made.causes[:number], frozenset(made.causes[number:])
    mend = "The instance's administrator sets it right; mtlskit plan says how, field by field."
    return Answer(causes, made.story, mend, along=along)


def _handed(one: Staged, folder: Path) -> Handed:
    return Handed(
        story=one.scene.story,
        host=one.target.host,
        port=one.target.port,
        server_name=one.server_name,
        tls=None if one.versions == _BOTH else one.versions[0],
        manner=tuple((name, _plain(value)) for name, value in one.manner.items()),
        identity=_written(one.identity_files, folder),
        trust=_written(one.trust_files, folder),
        material=_written(one.material_files, folder),
        password=one.password,
        password_file=_secret(one.password, folder),
    )


def _secret(password: str | None, folder: Path) -> str | None:
    if password is None:
        return None
    return str(write_private(folder / "password.txt", password.encode()))


def _plain(value: object) -> str:
    return ":".join(value) if isinstance(value, tuple) else str(value)


def _recorded(one: Staged, folder: Path) -> Handed:
    """Let the client of a scene call, and hand out what its capture holds."""
    call = call_of(
        holding(one),
        None,
        one.server_name,
        _PATIENCE,
        request=True,
        manner=cast("Manner", one.manner),
    )
    tap = connect(replace(call, versions=one.versions, linger=_LINGER))
    live = _handed(one, folder)
    return Handed(
        story=one.scene.story,
        records=_written([capture([tap])], folder),
        identity=live.identity,
        trust=live.trust,
        material=live.material,
        password=live.password,
        password_file=live.password_file,
    )


def _with_settings(handed: Handed, made: exports.World, folder: Path, story: str) -> Handed:
    blob = Blob(Source("instance.xml"), exports.as_unload(made.records))
    return replace(handed, story=story, settings=_written([blob], folder), url=made.url)


def _written(blobs: Iterable[Blob], folder: Path) -> tuple[str, ...]:
    return tuple(str(write_private(folder / one.source.name, one.data)) for one in blobs)
