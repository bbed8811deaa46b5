"""What recordings told of: captures, logs, a pasted line. Law of this file: no secret, no widget.

A key log opens the captures that it is handed in with, and is forgotten. The bytes of a capture are
kept while it is listed, so that a key log that comes later can open it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.collect.evidence import Evidence, Given, gather
from mtlskit.collect.recorded import failing
from mtlskit.collect.sorting import CAPTURES, sort_of
from mtlskit.diagnosis.stacks import StackGuess
from mtlskit.instance.othertools.tool import Tool
from mtlskit.material import Blob, Problem, Unreadable
from mtlskit.report.words import counted
from mtlskit.trace.at_hand import joined
from mtlskit.trace.events import Trace
from mtlskit.trace.views import together

KEY_LOG, REPORT = "keylog", "report-json"


@dataclass(frozen=True, slots=True)
class Told:
    """What is judged where nobody is called.

    Attributes:
        names: the files, as they were called.
        chosen: which of `traces` is judged, counted from 0; None: the one that shows most.
        stack: the server's software, where the words told it.
        line: the words that were recognised in a pasted text.
    """

    names: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    chosen: int | None = None
    certificates: tuple[Certificate, ...] = ()
    tools: tuple[Tool, ...] = ()
    problems: tuple[Problem, ...] = ()
    stack: StackGuess | None = None
    line: str | None = None

    @property
    def judged(self) -> int | None:
        """The number of the connection that is judged, from 0; None if there is none."""
        if self.chosen is not None and self.chosen < len(self.traces):
            return self.chosen
        best = failing(self.traces)
        return next((n for n, one in enumerate(self.traces) if one is best), None)

    def added_to(self, given: Case) -> Case:
        """Return what the engineer handed in, with what was told of here."""
        material = (*given.material, *self.certificates)
        held = tuple(joined(one, material) for one in self.traces)
        number = self.judged
        trace = None if number is None else held[number]
        return given.having(
            target=trace.target if trace else None,
            trace=trace,
            traces=held,
            material=material,
            tools=self.tools,
            problems=(*given.problems, *self.problems),
            at=trace.began if trace else None,
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """One file that was read, and what it told.

    Attributes:
        given: what a key log that comes later needs: a capture's bytes or path.
    """

    name: str
    said: str
    told: Told
    given: Given | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sorted:
    """Files of any kind, each where it belongs.

    Attributes:
        recordings: captures, logs, settings of other tools, and what could not be read.
        stores, exports, reports: what other steps read.
        key_logs: the names of those that were read and forgotten.
    """

    recordings: tuple[Recording, ...]
    stores: tuple[Given, ...]
    exports: tuple[Given, ...]
    reports: tuple[Given, ...]
    key_logs: tuple[str, ...]


def sort_out(given: Iterable[Given], before: Sequence[Recording] = ()) -> Sorted:
    """Read files of any kind; never fails for what a file holds.

    Args:
        given: paths, or bytes with a name.
        before: what was read earlier; a key log opens its captures too.
    """
    heaps: dict[str, list[Given]] = {"capture": [], KEY_LOG: [], "store": [], "export": []}
    heaps[REPORT] = []
    read: list[Recording] = []
    for one in given:
        heap = _heap_of(one)
        if isinstance(heap, Recording):
            read.append(heap)
        else:
            heaps[heap].append(one)
    keys = heaps[KEY_LOG]
    old = [_capture(one.given, keys) if keys and one.given is not None else one for one in before]
    new = [_capture(one, keys) for one in heaps["capture"]]
    return Sorted(
        (*old, *new, *read),
        tuple(heaps["store"]),
        tuple(heaps["export"]),
        tuple(heaps[REPORT]),
        tuple(map(name_of, keys)),
    )


def _heap_of(given: Given) -> str | Recording:
    """Tell where a file belongs; what is read here comes back read."""
    try:
        kind, _ = sort_of(given)
    except Unreadable as error:
        return Recording(name_of(given), error.problem.text, Told(problems=(error.problem,)))
    if kind in CAPTURES:
        return "capture"
    if kind in (KEY_LOG, REPORT):
        return kind
    found = gather([given])
    if found.stores:
        return "store"
    return "export" if found.exports else _recording(given, found)


def name_of(given: Given) -> str:
    """Return what a file is called, without its folder."""
    return given.source.name if isinstance(given, Blob) else Path(given).name


def _capture(given: Given, keys: Sequence[Given]) -> Recording:
    return _recording(given, gather([given, *keys]), keep=True)


def _recording(given: Given, found: Evidence, *, keep: bool = False) -> Recording:
    told = Told(
        names=(name_of(given),),
        traces=found.recorded.traces,
        certificates=found.certificates,
        tools=found.tools,
        problems=found.problems,
    )
    return Recording(name_of(given), _content(found), told, given if keep else None)


def _content(found: Evidence) -> str:
    """Say in a few sentences what a file told."""
    traces = found.recorded.traces
    refused = sum(one.ended.outcome == "refused" for one in traces)
    said = []
    if len(traces) == 1:
        said.append(f"1 connection: {traces[0].ended.outcome}.")
    elif traces:
        said.append(f"{len(traces)} connections, of which {refused or 'none'} refused.")
    phrases = sum(len(log.said) for log in found.recorded.logs)
    if phrases and not traces:
        said.append(f"{counted(phrases, 'phrase')} about TLS was recognised.")
    if found.tools:
        said.append("Settings of another tool.")
    return " ".join([*said, *(one.text for one in found.problems)]) or "Nothing that belongs here."


def joined_up(recordings: Iterable[Recording], chosen: int | None = None) -> Told:
    """Put what several files told into one."""
    parts = [one.told for one in recordings]
    return Told(
        names=tuple(name for one in parts for name in one.names),
        traces=together([trace for one in parts for trace in one.traces]),
        chosen=chosen,
        certificates=tuple(held for one in parts for held in one.certificates),
        tools=tuple(tool for one in parts for tool in one.tools),
        problems=tuple(problem for one in parts for problem in one.problems),
    )
