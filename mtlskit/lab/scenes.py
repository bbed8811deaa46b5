"""Broken endpoints on this machine, each with its story and the answer.

Law of this room: a scene is a declaration (``scenes.toml``) and a plot (``plots.py``). What it
declares is what an outside client really meets; a test holds it to that, in both TLS versions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from mtlskit.lab.cast import Cast, Hand, Plan
from mtlskit.lab.endpoint import Endpoint, nobody, serve
from mtlskit.lab.pki import write_private
from mtlskit.lab.plots import PLOTS
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Blob, Target
from mtlskit.trace.events import Outcome, RefusedBy, Stage

Version = Literal["1.2", "1.3"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One failure, as it is told and as it really shows.

    Attributes:
        id: the cause, or ``<cause>/<variant>``.
        title: the fault in one line. It gives the answer away.
        story: what a support engineer would hear, in two sentences. It does not.
        broken: what is wrong, exactly.
        mend: what to do, and who must do it.
        outcome: how an attempt ends.
        refused_by: who refused; None if nobody did.
        stage: where it ends, by TLS version; None if it succeeds.
        alert: the server's alert, by TLS version; None if the server sends none.
        http: the HTTP status that is answered; None if none is.
    """

    id: str
    title: str
    story: str
    broken: str
    mend: str
    outcome: Outcome
    refused_by: RefusedBy | None
    stage: Mapping[str, Stage | None]
    alert: Mapping[str, int | None]
    http: int | None

    @property
    def cause(self) -> str:
        """The expected cause: a stable id of the vocabulary."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Staged:
    """A scene that is being played: the endpoint's address, and all that the client holds.

    Attributes:
        tls: the TLS version of this staging.
        target: where to call.
        server_name: the name by which the client calls; it stands in its URL.
        identity_files: the client's key stores, the one in use first.
        trust_files: the authorities by which the client trusts servers.
        material_files: whatever else lies about.
        password: the password that the client has for its key stores.
        url: what the client calls.
        versions: the TLS versions that the client is set to speak.
        mended: the same, with what the client holds put right; None if only others can mend it.
        endpoint: the running endpoint, which tells what it saw; None if there is none.
        files: where the files were written, if they were.
    """

    scene: Scene
    tls: Version
    target: Target
    server_name: str
    identity_files: tuple[Blob, ...]
    trust_files: tuple[Blob, ...]
    material_files: tuple[Blob, ...]
    password: str | None = field(repr=False)
    url: str
    versions: tuple[str, str]
    mended: Staged | None = field(default=None, repr=False)
    endpoint: Endpoint | None = field(default=None, repr=False)
    files: tuple[Path, ...] = ()


@contextmanager
def stage(
    scene_id: str, tls: Version = "1.3", *, directory: Path | None = None
) -> Iterator[Staged]:
    """Play a scene until the context is left.

    Args:
        scene_id: a key of `SCENES`.
        tls: the TLS version to play it in.
        directory: where to write the client's files too, readable by their owner only.

    Raises:
        KeyError: there is no such scene.
        ValueError: the lab does not play in this TLS version.
    """
    if scene_id not in SCENES:
        raise KeyError(f"The lab has no scene {scene_id!r}; it has {', '.join(SCENES)}.")
    if tls not in get_args(Version):
        raise ValueError(f"The lab plays in TLS 1.2 and 1.3, not in {tls!r}.")
    plan = PLOTS[scene_id](Cast(tls))
    with ExitStack() as stack:
        target, endpoint = _opened(plan, stack)
        staged = _staged(SCENES[scene_id], tls, target, plan.hand)
        if plan.mended is not None:
            staged = replace(staged, mended=_staged(staged.scene, tls, target, plan.mended))
        if directory is not None:
            staged = replace(staged, files=_written(staged, directory))
        yield replace(staged, endpoint=endpoint)


def _opened(plan: Plan, stack: ExitStack) -> tuple[Target, Endpoint | None]:
    """Open the endpoint, or hold a port on which nobody listens."""
    if plan.endpoint is None:
        target = stack.enter_context(nobody())
        return (replace(target, host=plan.host) if plan.host else target), None
    behaviour = tls(plan.endpoint) if isinstance(plan.endpoint, Tls) else plan.endpoint
    endpoint = stack.enter_context(serve(behaviour))
    return endpoint.target, endpoint


def _staged(scene: Scene, version: Version, target: Target, hand: Hand) -> Staged:
    held: dict[str, Any] = {one.name: getattr(hand, one.name) for one in fields(hand)}
    url = f"https://{hand.server_name}:{target.port}/orders"
    return Staged(scene=scene, tls=version, target=target, url=url, **held)


def _written(staged: Staged, directory: Path) -> tuple[Path, ...]:
    blobs = (*staged.identity_files, *staged.trust_files, *staged.material_files)
    paths = [write_private(directory / one.source.name, one.data) for one in blobs]
    if staged.password is not None:
        paths.append(write_private(directory / "password.txt", staged.password.encode()))
    return tuple(paths)


def _declared() -> Mapping[str, Scene]:
    told = tomllib.loads(Path(__file__).with_name("scenes.toml").read_text(encoding="utf-8"))
    return MappingProxyType({one["id"]: _scene(one) for one in told["scene"]})


def _scene(told: dict[str, Any]) -> Scene:
    """Read one declaration. What holds in both TLS versions is written once."""
    usual = {"refused_by": None, "http": None}
    by_version = {key: _by_version(told.get(key)) for key in ("stage", "alert")}
    return Scene(**(usual | told | by_version))


def _by_version(told: Any) -> Mapping[str, Any]:  # noqa: ANN401 - text, number or table
    if isinstance(told, dict):
        return MappingProxyType(told)
    return MappingProxyType(dict.fromkeys(get_args(Version), told))


SCENES: Mapping[str, Scene] = _declared()
"""Every scene that the lab can play, by its id, in the order of the vocabulary."""
