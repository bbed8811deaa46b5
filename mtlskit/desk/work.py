"""Long work beside the form, so that the form stays alive. Law of this file: it touches no widget.

In a kernel the work is done in a thread, and whatever it tells is brought back to the kernel's own
loop, where widgets may be changed. Without a loop, as in a script, it is done at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from mtlskit.desk.plan import Watch


class Work:
    """One piece of work at a time, which can be stopped between its steps."""

    def __init__(self) -> None:
        self._stop = Event()
        self.going = False

    def stop(self) -> None:
        """Ask that no further step be begun."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether that was asked for since the work began."""
        return self._stop.is_set()

    def start(
        self,
        work: Callable[[Watch], Any],
        told: Callable[[int, str], None],
        ended: Callable[[Any, Exception | None], None],
    ) -> None:
        """Begin, unless something is under way.

        Args:
            work: what to do; it is given whom to tell, and whom to ask whether to stop.
            told: is told of each step.
            ended: is given the result, or the error.
        """
        if self.going:
            return
        self.going = True
        self._stop.clear()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._do(work, _now, told, ended)
            return
        back = loop.call_soon_threadsafe
        Thread(target=self._do, args=(work, back, told, ended), daemon=True).start()

    def _do(
        self,
        work: Callable[[Watch], Any],
        back: Callable[..., Any],
        told: Callable[[int, str], None],
        ended: Callable[[Any, Exception | None], None],
    ) -> None:
        watch = Watch(lambda number, text: back(told, number, text), self._stop.is_set)
        result, error = None, None
        try:
            result = work(watch)
        except Exception as raised:  # noqa: BLE001 - it is told by whoever began the work
            error = raised
        back(self._end, ended, result, error)

    def _end(
        self,
        ended: Callable[[Any, Exception | None], None],
        result: object,
        error: Exception | None,
    ) -> None:
        self.going = False
        ended(result, error)


def _now(what: Callable[..., None], *told: object) -> None:
    what(*told)
