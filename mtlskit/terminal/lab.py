"""``mtlskit lab``: broken endpoints on this machine, played by the kit or by real servers."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlskit.terminal.options import command
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, complain, say

if TYPE_CHECKING:
    from mtlskit.lab.measure import Row
    from mtlskit.lab.scenes import Staged
    from mtlskit.lab.stacks import Stack


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command, and what it can do."""
    text = "Play broken endpoints on this machine, to train and to test."
    parser = commands.add_parser("lab", help=text, description=text)
    doing = parser.add_subparsers(title="what to do", metavar="DO", dest="doing", required=True)
    command(doing, "list", "List the scenes, and the real servers that are here.")
    _add_up(command(doing, "up", "Play a scene until Ctrl-C; print how to call it."))
    _add_habits(command(doing, "habits", "Measure how real servers answer each fault."))
    table = command(doing, "table", "Play every scene on every real server; show how each shows.")
    _stack_options(table)
    table.add_argument("--scene", metavar="ID", action="append", help="only this scene")
    table.add_argument("--out", metavar="FILE", type=Path, help="write the table to FILE as CSV")
    command(doing, "down", "End the labs that run in other terminals.")


def _add_up(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("scene", metavar="SCENE", nargs="?", help="one that `lab list` names")
    what.add_argument(
        "--all", action="store_true", help="all at once on one port, chosen by the server name"
    )
    parser.add_argument("--stack", metavar="NAME", help="the real server that plays the endpoint")
    parser.add_argument("--tls", metavar="V", choices=("1.2", "1.3"), default="1.3",
                        help="play it in TLS 1.2 or 1.3 (default: 1.3)")  # fmt: skip
    parser.add_argument("--dir", metavar="DIR", type=Path, dest="directory",
                        help="keep the client's files there (default: not kept)")  # fmt: skip


def _stack_options(parser: argparse.ArgumentParser) -> None:
    """Say which servers are run; one that listens on every address only if it is asked for."""
    parser.add_argument("--stack", metavar="NAME", action="append", help="only this server")
    parser.add_argument(
        "--everywhere",
        action="store_true",
        help="also servers that cannot be bound to this machine alone (gnutls)",
    )


def _add_habits(parser: argparse.ArgumentParser) -> None:
    _stack_options(parser)
    parser.add_argument("--fault", metavar="ID", action="append", help="only this fault")
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="write the known rows and the new ones to FILE"
    )


def run(options: argparse.Namespace) -> int:
    """Run it; return the exit status."""
    doing = {"list": _list, "up": _up, "habits": _habits, "table": _table, "down": _down}
    return doing[options.doing](options)


def _list(options: argparse.Namespace) -> int:
    from mtlskit.lab.scenes import SCENES  # noqa: PLC0415 - the help must not wait for it
    from mtlskit.lab.stacks import STACKS  # noqa: PLC0415 - as above

    here = {name: one.version() for name, one in STACKS.items()}
    if options.json:
        scenes = [{"id": one.id, "cause": one.cause, "story": one.story} for one in SCENES.values()]
        say(json.dumps({"scenes": scenes, "stacks": here}, indent=2))
        return ACCEPTED
    say("Scenes (a story for each: the title gives the answer away):\n")
    for scene in SCENES.values():
        say(f"  {scene.id}\n      {scene.story}")
    say("\nReal servers:\n")
    for name, version in here.items():
        say(f"  {name:16} {version or 'not on this machine'}")
    return ACCEPTED


def _up(options: argparse.Namespace) -> int:
    from mtlskit.lab import labs  # noqa: PLC0415 - the help must not wait for it
    from mtlskit.lab.stacks import NotHere  # noqa: PLC0415 - as above

    if options.all and options.stack:
        raise ValueError("--all is played by the lab's own endpoint; leave --stack out.")
    try:
        with (
            _until_stopped() as stopped,
            _folder(options.directory) as folder,
            _played(options, folder) as staged,
            labs.announced(),
        ):
            _tell(options, staged, folder)
            stopped.wait()
    except NotHere as missing:
        return complain(str(missing), UNREADABLE)
    return ACCEPTED


@contextmanager
def _played(options: argparse.Namespace, folder: Path) -> Iterator[Sequence[Staged]]:
    from mtlskit.lab.crowd import stage_all  # noqa: PLC0415 - the help must not wait for it
    from mtlskit.lab.scenes import SCENES, stage  # noqa: PLC0415 - as above

    if options.all:
        with stage_all(options.tls, folder) as staged:
            yield staged
        return
    if options.scene not in SCENES:
        raise ValueError(f"There is no scene {options.scene!r}. See: mtlskit lab list")
    stack = _stack(options.stack) if options.stack else None
    with stage(options.scene, options.tls, directory=folder, stack=stack) as one:
        yield (one,)


def _stack(name: str) -> Stack:
    from mtlskit.lab.stacks import STACKS  # noqa: PLC0415 - the help must not wait for it

    if name not in STACKS:
        raise ValueError(f"There is no server {name!r}; expected one of {', '.join(STACKS)}.")
    return STACKS[name]


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """Give the folder for the client's files; one of our own is removed in the end."""
    from mtlskit.lab.stacks.process import private_folder  # noqa: PLC0415 - the help must not wait

    if wanted is None:
        with private_folder() as folder:
            yield folder
        return
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield wanted


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C, SIGTERM and a closed terminal set."""
    stopped = threading.Event()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {one: signal.signal(getattr(signal, one), lambda *_: stopped.set()) for one in names}
    try:
        yield stopped
    finally:
        for one, handler in before.items():
            signal.signal(getattr(signal, one), handler)


def _tell(options: argparse.Namespace, staged: Sequence[Staged], folder: Path) -> None:
    told = [_told(one, folder, crowd=options.all) for one in staged]
    if options.json:
        say(json.dumps(told if options.all else told[0], indent=2))
        return
    say("\n\n".join(_in_words(one) for one in told))
    say("\nThe parties are made up, and so is every password. Stop with Ctrl-C.")


def _told(staged: Staged, folder: Path, *, crowd: bool) -> dict[str, Any]:
    where = folder / staged.server_name.partition(".")[0] if crowd else folder
    identity = [str(where / one.source.name) for one in staged.identity_files]
    trust = [str(where / one.source.name) for one in staged.trust_files]
    material = [str(where / one.source.name) for one in staged.material_files]
    return {
        "scene": staged.scene.id,
        "story": staged.scene.story,
        "target": str(staged.target),
        "server_name": staged.server_name,
        "tls": staged.versions[0] if staged.versions[0] == staged.versions[1] else None,
        "manner": {name: _manner(value) for name, value in staged.manner.items()},
        "identity": identity,
        "trust": trust,
        "material": material,
        "password": staged.password,
        "password_file": str(where / "password.txt") if staged.password is not None else None,
        "server": staged.running.stack if staged.running else "the lab's own endpoint",
    }


def _manner(value: object) -> str:
    return ":".join(value) if isinstance(value, tuple) else str(value)


def _in_words(told: dict[str, Any]) -> str:
    call = ["mtlskit", "diagnose", told["target"], "--server-name", told["server_name"]]
    call += ["--tls", told["tls"]] if told["tls"] else []
    for name, value in told["manner"].items():
        call += [f"--{value}-hello"] if name == "hello" else [f"--{name}", value]
    for option in ("identity", "trust", "material"):
        call += [f"--{option}", *told[option]] if told[option] else []
    call += ["--password-file", told["password_file"]] if told["password_file"] else []
    where = f"{told['target']} (server name {told['server_name']})"
    lines = [f"{told['scene']} at {where}, played by {told['server']}", told["story"]]
    lines += [f"password: {told['password'] or 'none'}", " ".join(call)]
    return "\n  ".join(lines)


def _habits(options: argparse.Namespace) -> int:
    from mtlskit.lab import faults, measure  # noqa: PLC0415 - the help must not wait
    from mtlskit.lab.world import World  # noqa: PLC0415 - the same

    unknown = sorted(set(options.fault or ()) - set(faults.ALL))
    if unknown:
        raise ValueError(f"There is no fault {', '.join(unknown)}.")
    staged = [one for name, one in faults.ALL.items() if not options.fault or name in options.fault]
    world, rows = World(), []
    for stack in _here(options):
        mine = list(measure.measure(stack, world, staged))
        _tell_habits(stack, mine)
        rows += mine
    if options.out is not None:
        merged = measure.merged(measure.known(), rows)
        options.out.write_text(measure.write(merged), "utf-8")
        complain(f"saved {options.out}", ACCEPTED)
    if options.json:
        say(json.dumps([dict(zip(measure.COLUMNS, row.cells, strict=True)) for row in rows]))
    return ACCEPTED if rows else REFUSED


def _here(options: argparse.Namespace) -> Iterator[Stack]:
    """Give the servers that were asked for and are here; say of the others that they are not."""
    from mtlskit.lab.stacks import STACKS  # noqa: PLC0415 - the help must not wait for it

    usual = [name for name, one in STACKS.items() if options.everywhere or not one.everywhere]
    for stack in [_stack(name) for name in options.stack or usual]:
        if stack.available():
            yield stack
        else:
            complain(f"{stack.name} is not on this machine.", UNREADABLE)


def _table(options: argparse.Namespace) -> int:
    from mtlskit.lab import scenery  # noqa: PLC0415 - the help must not wait for it
    from mtlskit.lab.scenes import SCENES  # noqa: PLC0415 - as above

    unknown = sorted(set(options.scene or ()) - set(SCENES))
    if unknown:
        raise ValueError(f"There is no scene {', '.join(unknown)}. See: mtlskit lab list")
    scenes = [SCENES[one] for one in options.scene or SCENES]
    rows = [row for stack in _here(options) for row in scenery.shown(stack, scenes)]
    text = scenery.write(rows)
    if options.out is not None:
        options.out.write_text(text, "utf-8")
        complain(f"saved {options.out}", ACCEPTED)
    elif options.json:
        say(json.dumps([dict(zip(scenery.COLUMNS, row.cells, strict=True)) for row in rows]))
    else:
        say(text.rstrip())
    return ACCEPTED if rows else REFUSED


def _tell_habits(stack: Stack, rows: Sequence[Row]) -> None:
    from mtlskit.lab import measure  # noqa: PLC0415 - the help must not wait for it

    agree, changes = measure.compare(measure.known(), rows)
    fresh = len(rows) - agree - len(changes)
    words = f"{stack.name} {stack.version()}: {len(rows)} measured, {agree} as known, {fresh} new"
    sys.stderr.write(f"{words}, {len(changes)} otherwise\n")
    for one in changes:
        before, after = (" ".join(filter(None, row.symptom)) for row in (one.before, one.after))
        name = f"{one.after.fault}, TLS {one.after.tls}"
        sys.stderr.write(f"    {name}: was {before}, is {after}\n")


def _down(options: argparse.Namespace) -> int:
    from mtlskit.lab import labs  # noqa: PLC0415 - the help must not wait for it

    found = labs.running()
    left = labs.end(found)
    ended = [one.pid for one in found if one not in left]
    if options.json:
        say(json.dumps({"ended": ended, "left": [one.pid for one in left]}))
    elif not found:
        say("No lab is running.")
    else:
        say(f"Ended {len(ended)} of {len(found)} labs: {', '.join(map(str, ended))}.")
    return UNREADABLE if left else ACCEPTED
