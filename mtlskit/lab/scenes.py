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

from mtlskit.lab.cast import HOST, Cast, Hand, Plan
from mtlskit.lab.endpoint import Behaviour, Endpoint, nobody, serve
from mtlskit.lab.pki import write_private
from mtlskit.lab.plots import PLOTS
from mtlskit.lab.servers import Tls, tls
from mtlskit.lab.stacks import DEPTH, NotHere, Running, Setup, Stack
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
        manner: what else is out of the ordinary in its calls, its proxy among it.
        mended: the same, with what the client holds put right; None if only others can mend it.
        endpoint: the running endpoint, which tells what it saw; None if there is none.
        running: the real server that plays the endpoint, which tells its log; None if none does.
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
    manner: Mapping[str, Any] = field(default_factory=dict)
    mended: Staged | None = field(default=None, repr=False)
    endpoint: Endpoint | None = field(default=None, repr=False)
    running: Running | None = field(default=None, repr=False)
    files: tuple[Path, ...] = ()


@contextmanager
def stage(
    scene_id: str,
    tls: Version = "1.3",
    *,
    directory: Path | None = None,
    stack: Stack | None = None,
    host: str = HOST,
) -> Iterator[Staged]:
    """Play a scene until the context is left.

    Args:
        scene_id: a key of `SCENES`.
        tls: the TLS version to play it in.
        directory: where to write the client's files too, readable by their owner only.
        stack: the real server that plays the partner's endpoint; None: the lab's own.
        host: the name of the partner's endpoint.

    Raises:
        KeyError: there is no such scene.
        ValueError: the lab does not play in this TLS version.
        NotHere: the real server is not on this machine, or cannot play this scene.
    """
    plan = plan_of(scene_id, tls, host)
    with ExitStack() as leaving:
        target, endpoint, running = _opened(plan, leaving, scene_id, stack)
        via = None
        if plan.proxy is not None:
            via = leaving.enter_context(serve(plan.proxy(target))).target
        staged = _within(staging(scene_id, tls, target, plan, via), running)
        if directory is not None:
            staged = replace(staged, files=written(staged, directory))
        yield replace(staged, endpoint=endpoint, running=running)


def plan_of(scene_id: str, tls: Version, host: str = HOST) -> Plan:
    """Set up a scene, with parties made anew.

    Raises:
        KeyError, ValueError: as `stage`.
    """
    if scene_id not in SCENES:
        raise KeyError(f"The lab has no scene {scene_id!r}; it has {', '.join(SCENES)}.")
    if tls not in get_args(Version):
        raise ValueError(f"The lab plays in TLS 1.2 and 1.3, not in {tls!r}.")
    return PLOTS[scene_id](Cast(tls, host))


def setup_of(plan: Plan) -> Setup | None:
    """Tell a real server what the lab's own endpoint is told; None where no server could do it."""
    told = plan.endpoint
    if not isinstance(told, Tls):
        return None
    return Setup(
        identity=told.identity,
        trust=told.trust,
        asks=_ASKS[told.asks],
        versions=told.versions,
        ca_list=told.listed,
        depth=DEPTH if told.depth is None else told.depth,
        crls=told.crls,
        schemes=told.schemes,
        names=told.names,
        ciphers=(told.ciphers, told.suites) if told.ciphers and told.suites else None,
        alpn=told.alpn,
        status=told.status,
        says=told.says,
    )


_ASKS: Mapping[str, Any] = {"required": "require", "optional": "optional", "none": "no"}


def _opened(
    plan: Plan, leaving: ExitStack, scene_id: str, stack: Stack | None
) -> tuple[Target, Endpoint | None, Running | None]:
    """Open the endpoint, or hold a port on which nobody listens."""
    if stack is not None:
        setup = setup_of(plan)
        if setup is None:
            raise NotHere(f"{scene_id} is played by the lab's own endpoint only.")
        running = leaving.enter_context(stack.start(setup))
        return running.target, None, running
    if plan.endpoint is None:
        target = leaving.enter_context(nobody())
        return (replace(target, host=plan.host) if plan.host else target), None, None
    endpoint = leaving.enter_context(serve(behaviour_of(plan.endpoint)))
    return endpoint.target, endpoint, None


def behaviour_of(told: Tls | Behaviour) -> Behaviour:
    """Say what the lab's own endpoint does."""
    return tls(told) if isinstance(told, Tls) else told


def staging(
    scene_id: str, version: Version, target: Target, plan: Plan, via: Target | None = None
) -> Staged:
    """Tell what the client holds in a scene that is played at `target`, and once it is mended.

    It calls by the proxy `via`, if there is one, until it is mended.
    """
    staged = _staged(SCENES[scene_id], version, target, plan.hand)
    if via is not None:
        staged = replace(staged, manner={**staged.manner, "via": f"http://{via}"})
    if plan.mended is None:
        return staged
    return replace(staged, mended=_staged(staged.scene, version, target, plan.mended))


def _staged(scene: Scene, version: Version, target: Target, hand: Hand) -> Staged:
    held: dict[str, Any] = {one.name: getattr(hand, one.name) for one in fields(hand)}
    url = f"https://{hand.server_name}:{target.port}/orders"
    return Staged(scene=scene, tls=version, target=target, url=url, **held)


def _within(staged: Staged, running: Running | None) -> Staged:
    """Have the client begin TLS as the real server wants it, once it is mended, too."""
    if running is None or running.starttls is None:
        return staged
    mended = staged.mended and _within(staged.mended, running)
    manner = {**staged.manner, "starttls": running.starttls}
    return replace(staged, manner=manner, mended=mended)


def written(staged: Staged, directory: Path) -> tuple[Path, ...]:
    """Write what the client holds, readable by its owner only."""
    blobs = (*staged.identity_files, *staged.trust_files, *staged.material_files)
    paths = [write_private(directory / one.source.name, one.data) for one in blobs]
    if staged.password is not None:
        paths.append(write_private(directory / "password.txt", staged.password.encode()))
    return tuple(paths)


def declared(name: str) -> Mapping[str, Scene]:
    """Read the scenes that a file beside this one declares, by their id."""
    told = tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return MappingProxyType({one["id"]: _scene(one) for one in told["scene"]})


def _scene(told: dict[str, Any]) -> Scene:
    """Read one declaration. What holds in both TLS versions is written once."""
    usual = {"refused_by": None, "http": None}
    by_version = {key: _by_version(told.get(key)) for key in ("stage", "alert")}
    known = {one.name for one in fields(Scene)}
    return Scene(**{key: one for key, one in (usual | told | by_version).items() if key in known})


def _by_version(told: Any) -> Mapping[str, Any]:  # noqa: ANN401 - text, number or table
    if isinstance(told, dict):
        return MappingProxyType(dict.fromkeys(get_args(Version)) | told)
    return MappingProxyType(dict.fromkeys(get_args(Version), told))


SCENES: Mapping[str, Scene] = declared("scenes.toml")
"""Every scene that the lab can play, by its id, in the order of the vocabulary."""
