"""From what a person wants to the attempts that other clients make.

Law of this file: what cannot be done is refused before anyone is called, with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from mtlskit.collect.calling import call_of
from mtlskit.collect.clients.attempts import ClientRun, Clients, try_clients
from mtlskit.collect.evidence import Given
from mtlskit.collect.given import case_to_call
from mtlskit.material import Target


def clients(  # noqa: PLR0913 - the choices of an attempt, all by name
    target: str | Target,
    *,
    identity: Given | Iterable[Given] | None = None,
    trust: Given | Iterable[Given] | None = None,
    password: str | Sequence[str] | None = None,
    tls: str | None = None,
    server_name: str | None = None,
    timeout: float = 20.0,
    only: Collection[str] = (),
    heard: Callable[[ClientRun], None] | None = None,
) -> Clients:
    """Make the same attempt with openssl, curl, Java, GnuTLS, Node and Python, as installed.

    Args:
        target: ``host:port`` or a URL, whose path is asked for.
        identity: file or files with the client's certificate and key; None: call without.
        trust: file or files with what the client trusts servers by; None: nothing is verified.
        password: for whatever is locked.
        tls: the one version to speak, ``1.0`` to ``1.3``; None: 1.2 or 1.3.
        server_name: the name to reach; None: the target's host.
        timeout: seconds for each client.
        only: names of clients, or the beginnings of them; () all.
        heard: called with each run as soon as it is done.

    Raises:
        Unreadable: the target or a file cannot be read.
        ValueError: a wish cannot be carried out.
    """
    case = case_to_call(target, identity, trust, password)
    call = call_of(case, tls, server_name, timeout, request=True, manner={})
    return try_clients(call, only, heard)
