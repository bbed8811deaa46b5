"""`mtlskit lab` as a person meets it: played in one terminal, called and ended from another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mtlskit.__main__ import main
from mtlskit.lab import labs, measure
from mtlskit.lab.scenes import SCENES
from mtlskit.lab.stacks import STACKS

_GONE = 10.0


def _until(true: Callable[[], object]) -> object:
    deadline = time.monotonic() + _GONE
    while not (seen := true()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


@contextmanager
def _up(*words: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Run `lab up` in a process of its own, as in another terminal; give what it told."""
    command = [sys.executable, "-m", "mtlskit", "lab", "up", *words, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            text = ""
            while line := process.stdout.readline():
                text += line
                if line.rstrip() in {"}", "]"}:
                    break
            yield process, json.loads(text)
        finally:
            process.kill()


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_lab(how: signal.Signals, capsys: Any) -> None:  # noqa: ANN401 - pytest's
    """What `lab up` prints can be called; after any ending server and files are gone."""
    with _up("client.expired", "--stack", "nginx") as (process, told):
        given = ["--identity", *told["identity"], "--password-file", told["password_file"]]
        name = ["--server-name", told["server_name"], "--no-experiments", "--json"]
        assert main(["diagnose", told["target"], *given, *name]) == 1
        report = json.loads(capsys.readouterr().out)
        assert report["opinions"][0]["cause"] == "client.expired"
        process.send_signal(how)
        assert process.wait(_GONE) == (0 if how != signal.SIGKILL else -how)
    assert _until(lambda: not Path(told["password_file"]).parent.exists())
    assert main(["trace", told["target"]]) == 3


def test_down_ends_labs_of_other_terminals(capsys: Any) -> None:  # noqa: ANN401 - pytest's
    """`lab down` finds the labs that run, ends them, and says which."""
    with _up("--all") as (process, told):
        assert len(told) > 30
        assert _until(lambda: process.pid in {one.pid for one in labs.running()})
        assert main(["lab", "down", "--json"]) == 0
        assert process.pid in json.loads(capsys.readouterr().out)["ended"]
        assert process.wait(_GONE) == 0
    assert process.pid not in {one.pid for one in labs.running()}


def test_killed_lab_is_not_listed() -> None:
    """A lab that was killed leaves no sign of itself."""
    with _up("none") as (process, _):
        assert _until(lambda: process.pid in {one.pid for one in labs.running()})
        os.kill(process.pid, signal.SIGKILL)
        process.wait(_GONE)
    assert process.pid not in {one.pid for one in labs.running()}


def test_list_names_scenes_and_servers(capsys: Any) -> None:  # noqa: ANN401 - pytest's
    """Every scene and every server is listed; titles, which give answers away, are not."""
    assert main(["lab", "list"]) == 0
    text = capsys.readouterr().out
    assert all(one in text for one in (*SCENES, *STACKS))
    assert SCENES["client.expired"].title not in text
    assert main(["lab", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["id"] for one in told["scenes"]} == set(SCENES)
    assert set(told["stacks"]) == set(STACKS)


@pytest.mark.needs("openssl")
def test_habits_are_measured_and_merged(tmp_path: Path, capsys: Any) -> None:  # noqa: ANN401 - pytest's
    """`lab habits` measures, compares with what is known, and writes both as one file."""
    out = tmp_path / "rows.csv"
    words = ["--stack", "openssl-www", "--fault", "no_cert", "--out", str(out), "--json"]
    assert main(["lab", "habits", *words]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    assert {row["tls"] for row in rows} == {"1.2", "1.3"}
    assert "2 measured" in shown.err
    merged = measure.read(out.read_text("utf-8"))
    fresh = {(row["stack"], row["fault"], row["tls"], row["measured"]) for row in rows}
    assert fresh <= {(row.stack, row.fault, row.tls, row.measured) for row in merged}
    assert len(merged) >= len(measure.known())


@pytest.mark.needs("openssl")
def test_table_is_made_of_real_servers(capsys: Any) -> None:  # noqa: ANN401 - pytest's
    """`lab table` plays scenes on real servers and tells how each showed itself."""
    words = ["--stack", "openssl-www", "--scene", "client.expired", "--json"]
    assert main(["lab", "table", *words]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["tls"], row["alert"]) for row in rows} == {("1.2", "45"), ("1.3", "45")}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["up", "no.such-scene"], 2, "no scene"),
        (["up", "none", "--stack", "no-such-server"], 2, "no server"),
        (["up", "--all", "--stack", "nginx"], 2, "leave --stack out"),
        (["up", "network.timeout", "--stack", "openssl"], 3, "lab's own endpoint"),
        (["habits", "--fault", "no_such_fault"], 2, "no fault"),
        (["table", "--scene", "no.such-scene"], 2, "no scene"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: list[str],
    status: int,
    said: str,
    capsys: Any,  # noqa: ANN401 - pytest's
) -> None:
    """A wish that the lab cannot fulfil is answered with one sentence and the right status."""
    assert main(["lab", *words]) == status
    shown = capsys.readouterr()
    assert said in shown.err
    assert len(shown.err.strip().splitlines()) == 1
