"""Files of any kind become evidence. Law of this file: each file lands in one place, or is named.

What a file is, is told by its content. Nothing is concluded here: stores, exports and problems are
handed on as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity, Store, identities_of, open_store
from mtlskit.certs.signed import Crl
from mtlskit.collect.recorded import Recorded, replay
from mtlskit.collect.sorting import CAPTURES, LOG, Given, sort_of
from mtlskit.instance.exports import Export, read_export
from mtlskit.instance.othertools.reader import KINDS as TOOLS
from mtlskit.instance.othertools.reader import read_tool
from mtlskit.instance.othertools.tool import Tool
from mtlskit.material import Blob, Problem, Secrets, Unreadable

__all__ = ["NO_FILE", "Evidence", "Given", "gather"]

_EXPORTS = ("instance-xml", "instance-json", "instance-csv", "instance-xlsx", "html")


NO_FILE = ("missing", "directory", "not-a-file", "unreadable", "empty", "too-large")
"""Problems of a file as such: what was meant is not what was named, so nobody is called."""
_REPORT = (
    "{0} is a saved report, and no evidence: it was not looked at. Open it by itself: mtlskit "
    "read {0}; two reports are compared."
)
_STORE_LINES = (b"-----BEGIN", b"Bag Attributes", b"subject=", b"#", b"Certificate:")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a number of files held.

    Attributes:
        recorded: what captures and logs told of.
        tools: settings of other tools that call the same endpoint.
        problems: everything that could not be read, in the stores and logs too.
    """

    stores: tuple[Store, ...] = ()
    exports: tuple[Export, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)
    tools: tuple[Tool, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Certificates with their chain and key, also where these stand in different files."""
        return identities_of(self.stores)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate, once."""
        every = (one for store in self.stores for one in store.certificates)
        return tuple({one.der: one for one in (*every, *self.recorded.certificates)}.values())

    @property
    def crls(self) -> tuple[Crl, ...]:
        """Every revocation list."""
        return tuple(one for store in self.stores for one in store.crls)


def gather(given: Iterable[Given], passwords: Sequence[str] = ()) -> Evidence:
    """Read every file; never fails for what a file holds.

    Args:
        given: paths, or bytes with a name.
        passwords: tried in turn on whatever is locked.
    """
    pile = _Pile(tuple(passwords))
    for one in given:
        try:
            pile.add(one)
        except Unreadable as error:
            pile.problems.append(_of_no_store(error.problem))
    return pile.evidence()


def _of_no_store(problem: Problem) -> Problem:
    """Keep damage to a log, a capture or an export apart from damage to a client's key store."""
    return replace(problem, code="file-damaged") if problem.code == "damaged" else problem


@dataclass(slots=True)
class _Pile:
    """What has been read so far. Captures wait until every key log is known."""

    passwords: tuple[str, ...]
    stores: list[Store] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    waiting: list[tuple[str, Given]] = field(default_factory=list)
    key_log: list[str] = field(default_factory=list, repr=False)

    def add(self, given: Given) -> None:
        """Put a file where it belongs."""
        kind, blob = sort_of(given)
        if kind in CAPTURES or blob is None:
            self.waiting.append((kind, given))
        elif kind == LOG:
            self.waiting.append((kind, blob))
        elif kind == "keylog":
            self.key_log += blob.data.decode("ascii", "replace").splitlines()
        elif kind in _EXPORTS:
            self.exports.append(read_export(blob))
        elif kind == "report-json":
            raise Unreadable(Problem("report", _REPORT.format(blob.source.name), blob.source))
        elif kind in TOOLS:
            self.tools.append(read_tool(blob))
        elif kind == "pem" and not blob.data.lstrip().startswith(_STORE_LINES):
            # A transcript, maybe, in which certificates were printed.
            self.waiting.append((kind, blob))
        else:
            self._store(blob)

    def _store(self, blob: Blob) -> None:
        store = open_store(blob, self.passwords)
        self.stores.append(store)
        self.problems += store.problems

    def evidence(self) -> Evidence:
        """Read what waits, and hand everything over."""
        secrets = Secrets(tuple(self.key_log))
        recorded = Recorded()
        for kind, given in self.waiting:
            try:
                told = replay(kind, given, secrets)
                recorded = recorded.joined(told)
                if kind == "pem" and isinstance(given, Blob) and not told.logs:
                    self._store(given)
            except Unreadable as error:
                self.problems.append(_of_no_store(error.problem))
        of_tools = [problem for tool in self.tools for problem in tool.problems]
        elsewhere = map(_of_no_store, (*of_tools, *recorded.problems))
        return Evidence(
            tuple(self.stores),
            tuple(self.exports),
            recorded,
            tuple(self.tools),
            (*self.problems, *elsewhere),
        )
