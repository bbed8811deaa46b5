"""Another way to the endpoint: without the proxy that stands in between."""

from __future__ import annotations

from contextlib import ExitStack

import mtlskit
from mtlskit.lab.between import declining, ending, opening
from mtlskit.lab.cast import HOST, Cast
from mtlskit.lab.endpoint import Behaviour, serve
from mtlskit.lab.servers import tls
from mtlskit.material import Blob, Source, Target
from mtlskit.report import Report


def diagnosed(target: Target, proxy: Target, cast: Cast) -> Report:
    """Call through the proxy, as the client is set up."""
    own = Blob(Source("own.pem"), cast.good.pem_chain() + cast.good.pem_key())
    return mtlskit.diagnose(
        target,
        identity=own,
        trust=Blob(Source("trust.pem"), cast.partner.pem_chain()),
        server_name=HOST,
        via=f"http://{proxy}",
        timeout=4.0,
    )


def through(behaviour: Behaviour | None) -> Report:
    """The report of a call through a proxy of this behaviour; None: one that ends TLS."""
    cast, other = Cast("1.3"), Cast("1.3")
    with ExitStack() as stack:
        server = stack.enter_context(serve(tls(cast.endpoint())))
        between = behaviour or opening(ending(other.endpoint(), server.target))
        proxy = stack.enter_context(serve(between))
        return diagnosed(server.target, proxy.target, cast)


def test_a_proxy_that_ends_tls_is_proved_by_the_direct_call() -> None:
    """The client refuses the proxy's own certificate; without the proxy all is well."""
    report = through(None)
    best = report.opinions[0]
    assert (best.cause, best.standing) == ("network.terminated", "CONFIRMED")
    assert "without the proxy" in report.case.attempts[0].change


def test_a_proxy_that_lets_nobody_through_is_proved_by_the_direct_call() -> None:
    """It declines; the endpoint itself accepts."""
    report = through(declining())
    best = report.opinions[0]
    assert (best.cause, best.standing) == ("network.proxy", "CONFIRMED")
