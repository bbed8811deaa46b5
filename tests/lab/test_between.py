"""What stands between: a firewall that drops large hellos, and a proxy that ends TLS."""

from __future__ import annotations

import pytest

from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.live import connect
from mtlskit.lab.between import ending, firewall
from mtlskit.lab.cast import Cast
from mtlskit.lab.endpoint import serve
from mtlskit.lab.servers import tls
from mtlskit.material import Target
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow


def _called(target: Target, hello: str | None = None, timeout: float = 5.0) -> Trace:
    call = Call(target, "partner-api.example", request=HttpRequest(), hello=hello, timeout=timeout)
    return follow(connect(call))


def test_large_hello_is_dropped_and_a_small_one_passes() -> None:
    """The firewall says nothing to a ClientHello of two packets, and lets the other through."""
    behind = tls(Cast("1.3").endpoint(asks="none"))
    with serve(firewall(behind)) as endpoint:
        small = _called(endpoint.target, "small")
        large = _called(endpoint.target, "large", timeout=0.5)
    assert (small.ended.outcome, small.ended.symptom.http) == ("accepted", 200)
    assert (large.ended.outcome, large.ended.stage) == ("undecided", "hello")
    assert large.ended.symptom.tcp == "deadline"


def test_proxy_that_ends_tls_shows_its_own_certificate_and_asks_for_none() -> None:
    """The server behind demands a certificate; the client is never asked, and hears a 502."""
    cast, proxy = Cast("1.3"), Cast("1.3")
    with (
        serve(tls(cast.endpoint())) as server,
        serve(ending(proxy.endpoint(), server.target)) as between,
    ):
        trace = _called(between.target)
        (visit,) = server.visits(1)
    assert trace.asked is None
    assert trace.server_chain[0].issuer.common_name == "Partner Example TLS CA 1"
    assert trace.http.status == 502
    assert "peer did not return a certificate" in visit.ended


@pytest.mark.parametrize("status", [200, 403])
def test_proxy_hands_on_what_the_server_answers(status: int) -> None:
    """Where the server asks for nothing, its status reaches the client."""
    cast = Cast("1.2")
    with (
        serve(tls(cast.endpoint(asks="none", status=status))) as server,
        serve(ending(cast.endpoint(), server.target)) as between,
    ):
        assert _called(between.target).http.status == status
