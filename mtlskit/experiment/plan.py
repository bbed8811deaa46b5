"""Which changes are worth trying on a case, the most telling first.

Law of this file: what was seen decides what is tried. Where the client refused the server, nothing
is tried on the client's certificate; where no connection came about, nothing on TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mtlskit.case import Case
from mtlskit.collect.call import Call
from mtlskit.experiment import hello, identities, server, way
from mtlskit.experiment.change import Change


def changes(case: Case, first: Call) -> Iterator[Change]:
    """Plan the changes.

    Args:
        case: with the trace of the first call, and all that is at hand.
        first: the call that failed.
    """
    trace = case.trace
    if trace is None:
        return
    yield from way.changes(trace, first)
    if trace.ended.stage in ("connect", None):
        return
    yield from hello.offered(trace, first)
    if trace.ended.refused_by == "client":
        yield from server.changes(case, first)
        return
    if trace.ended.stage != "hello" or trace.asked is not None:  # else nobody looked at one yet
        yield from identities.chains(case, first)
        yield from identities.others(case, first)
    yield from hello.changes(case, first)
    if first.identity is not None and trace.ended.stage != "hello":
        yield Change(None, "no client certificate was offered", "", replace(first, identity=None))
