"""A scene, diagnosed as its client would have it done.

Law of this file: the kit gets what the client of the scene holds, and nothing of what is wrong.
"""

from __future__ import annotations

from typing import Any, cast

from mtlskit.collect.calling import Manner
from mtlskit.collect.given import read
from mtlskit.experiment import diagnose
from mtlskit.lab.recorded import Recorded
from mtlskit.lab.scenes import Staged
from mtlskit.report import Report

_BOTH = ("1.2", "1.3")


def diagnosed(staged: Staged, *, timeout: float = 5.0, **wishes: Any) -> Report:  # noqa: ANN401 - as `diagnose` takes them
    """Call the endpoint of a scene and say what is wrong.

    Args:
        staged: the scene; of it only what the client holds and calls is handed on.
        timeout: seconds for each connection.
        wishes: more of what `mtlskit.diagnose` takes.
    """
    return diagnose(
        staged.target,
        identity=staged.identity_files,
        trust=staged.trust_files,
        material=staged.material_files,
        password=staged.password,
        server_name=staged.server_name,
        tls=None if staged.versions == _BOTH else staged.versions[0],
        timeout=timeout,
        **wishes,
        **cast("Manner", staged.manner),
    )


def read_in(told: Recorded) -> Report:
    """Read what was recorded of a scene and say what is wrong."""
    case = read(
        *told.files,
        *told.identity_files,
        *told.material_files,
        password=told.password,
        trust=told.trust_files or None,
    )
    return diagnose(case)
