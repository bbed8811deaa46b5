"""Who said what, in order: the one vocabulary for every handshake, however it was seen.

The package shares its name with the front door's `mtlskit.trace(target, …)`, so it can be called:
calling it makes one live attempt and tells it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import mtlskit


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they are
        return mtlskit.attempt(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
