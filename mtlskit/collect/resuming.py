"""A session resumed: one connection, and a second that offers to go on where the first ended.

Law of this file: both connections are told; what the difference means is said in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.collect.calling import Manner, call_of
from mtlskit.collect.evidence import Given
from mtlskit.collect.given import case_to_call, target_of
from mtlskit.collect.live import connect_resuming
from mtlskit.material import Source, Target
from mtlskit.page.blocks import Callout, Page, Section, Tone
from mtlskit.page.plain import Plain, by_fields
from mtlskit.page.shown import Shown
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from mtlskit.wire import messages

_PRE_SHARED_KEY, _SESSION_TICKET = 41, 35  # RFC 8446, 4.2.11; RFC 5077, 3.2


@dataclass(frozen=True, slots=True)
class Resumption(Shown):
    """Two connections to the same address.

    Attributes:
        second: None: the first one left nothing that could be resumed.
        offered: the second ClientHello offered the first one's session.
    """

    source: Source
    first: Trace
    second: Trace | None = None
    offered: bool = False

    @property
    def resumed(self) -> bool:
        """The server took the session up."""
        return self.second is not None and self.second.resumed

    @property
    def headline(self) -> str:
        """What came of it, in one sentence."""
        if self.first.ended.outcome != "accepted":
            return "There was nothing to resume: the first connection was not accepted."
        if self.second is None or not self.offered:
            return "There was nothing to resume: the server gave neither session id nor ticket."
        if self.second.ended.outcome == "refused":
            how = "resumed" if self.resumed else "that offered to resume it"
            return f"The server accepted the first connection and refused the second, {how}."
        if self.resumed:
            return "The server resumed the session."
        return "The server did not resume the session and made a full handshake."

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        return {**by_fields(self), "resumed": self.resumed, "headline": self.headline}

    def page(self) -> Page:
        """Describe both connections."""
        good = self.resumed and self.second and self.second.ended.outcome == "accepted"
        tone: Tone = "good" if good else "warn"
        parts = [Section("The first connection", self.first.page().blocks, folded=True)]
        if self.second is not None:
            parts.append(Section("The second connection", self.second.page().blocks))
        return Page(f"Resumption at {self.source.name}", (Callout(self.headline, (), tone), *parts))


def resume(  # noqa: PLR0913 - the choices of an attempt, all by name
    target: str | Target,
    *,
    identity: Given | Iterable[Given] | Identity | None = None,
    trust: Given | Iterable[Given] | tuple[Certificate, ...] | None = None,
    password: str | Sequence[str] | None = None,
    tls: str | None = None,
    server_name: str | None = None,
    timeout: float = 10.0,
    request: bool = False,
    **manner: Unpack[Manner],
) -> Resumption:
    """Connect, and connect again with the session of the first connection.

    Args:
        target: ``host:port`` or a URL.
        identity: file or files with the client's certificate and key.
        trust: file or files with what the client trusts servers by.
        password: for whatever is locked.
        tls: the one version to speak; None: 1.2 or 1.3.
        server_name: the name to reach.
        timeout: seconds for each connection.
        request: send an HTTP GET in both.
        manner: as for `mtlskit.trace`.

    Raises:
        Unreadable: the target or a file cannot be read.
        ValueError: a wish cannot be carried out.
    """
    case = case_to_call(target, identity, trust, password)
    call = call_of(case, tls, server_name, timeout, request=request, manner=manner)
    tap, session = connect_resuming(call)
    first = follow(tap)
    if session is None or first.ended.outcome != "accepted":
        return Resumption(tap.source, first)
    if tap.peer is not None:  # a session belongs to the machine that made it
        call = replace(call, address=target_of(tap.peer)[0])
    second = follow(connect_resuming(call, session)[0])
    return Resumption(tap.source, first, second, _offers(second, first))


def _offers(second: Trace, first: Trace) -> bool:
    """Tell whether the second hello offers what the first connection left."""
    hellos = [one.body for one in second.events if isinstance(one.body, messages.ClientHello)]
    if not hellos:
        return False
    hello = hellos[0]
    before = [one.body for one in first.events if isinstance(one.body, messages.ServerHello)]
    ticket = hello.extension(_SESSION_TICKET)
    return (
        hello.extension(_PRE_SHARED_KEY) is not None
        or (ticket is not None and bool(ticket.data))
        or any(one.session_id == hello.session_id != b"" for one in before)
    )
