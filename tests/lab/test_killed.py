"""A lab that is killed leaves nothing: no process, port or file, whatever plays the endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mtlskit.lab.stacks import STACKS

_GONE = 15.0  # seconds that a killed lab may take to be gone
_HOUSE = Path(__file__).parents[2]
_FEW = ("nginx", "apache", "java-https")
_ALL = os.environ.get("MTLSKIT_ALL") == "1"
_PLAYED = [name for name, one in STACKS.items() if one.available()] if _ALL else list(_FEW)


def _until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _GONE
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _listens(port: int) -> bool:
    return any(
        one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN
        for one in psutil.net_connections("tcp")
    )


@pytest.mark.needs("nginx", "apache2", "java", "javac", "module:psutil")
@pytest.mark.parametrize("stack", [None, *_PLAYED])
def test_killed_lab_leaves_nothing(stack: str | None, tmp_path: Path) -> None:
    """After SIGKILL of `lab up` its processes, its port and its folders are gone within seconds."""
    os.chmod(tmp_path, 0o755)  # noqa: PTH101, S103 - the server's user must get through
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)
    words = [sys.executable, "-m", "mtlskit", "lab", "up", "client.expired", "--json"]
    words += ["--stack", stack] if stack else []
    env = os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, cwd=_HOUSE, stdout=subprocess.PIPE, env=env, text=True) as lab:
        assert lab.stdout is not None
        told = "".join(iter(lab.stdout.readline, "}\n")) + "}"
        port = int(json.loads(told)["target"].rpartition(":")[2])
        family = psutil.Process(lab.pid).children(recursive=True)
        assert family  # the keeper of the folder, at least
        assert _listens(port)
        assert list(tmp_path.iterdir())
        lab.kill()
    assert _until(lambda: not any(one.is_running() for one in family))
    assert _until(lambda: not _listens(port))
    assert _until(lambda: not list(tmp_path.iterdir())), list(tmp_path.iterdir())
