"""Changes of the way to the endpoint. Law of this file: the endpoint stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mtlskit.collect.call import Call
from mtlskit.experiment.change import Change
from mtlskit.trace.events import Trace


def changes(trace: Trace, first: Call) -> Iterator[Change]:
    """Leave the proxy out, where it may be what stands in the way.

    A proxy that ends TLS shows a certificate of its own and asks for none of the client's.
    """
    if first.via is None or trace.asked is not None:
        return
    yield Change(
        "network.proxy" if trace.ended.stage == "connect" else "network.terminated",
        f"the endpoint was called directly, without the proxy {first.via.target}",
        "Have the proxy pass this connection through, or let the client call without it.",
        replace(first, via=None, address=None),
    )
