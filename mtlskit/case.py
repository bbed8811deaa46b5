"""All evidence about one failing connection, by side.

Law of this room: evidence is added, never changed, and adding returns a new case. Asking for
evidence that nobody gave raises `Missing`, which says what is missing and how to get it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from mtlskit.material import Because, Problem, Target

if TYPE_CHECKING:  # a case holds what every room made, and loads none of them
    from mtlskit.certs.certificate import Certificate
    from mtlskit.certs.keystore import Identity, Store
    from mtlskit.certs.ocsp import Response
    from mtlskit.certs.signed import Crl
    from mtlskit.instance.othertools.tool import Tool
    from mtlskit.instance.settings import Settings
    from mtlskit.trace.events import Trace


class Missing(LookupError):  # noqa: N818 - it is raised to say what is missing
    """Evidence that was not given.

    Attributes:
        what: what is missing, as a noun phrase.
        how: how to get it, as a sentence that can be followed.
    """

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"{what}: {how}")
        self.what = what
        self.how = how


@dataclass(frozen=True, slots=True)
class Attempt:
    """One experiment: the trace of a connection in which one thing was changed.

    Attributes:
        cause: the cause that this change speaks of; None for a control.
        repeats: nothing was changed: the control that shows whether the first outcome stands.
        change: what was changed, as a sentence.
        remedy: what to do for good if the change helped.
        stand_in: it was made on a stand-in of the server, and proves nothing about the real one.
    """

    cause: str | None
    change: str
    remedy: str
    trace: Trace
    repeats: bool = False
    stand_in: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One failing connection and everything at hand about it.

    Attributes:
        identities: client identities at hand, the one in use first; () looked, there is none.
        spare: identities that lie among the further material: the client is not set up with them.
        chosen: the identity that was offered in the trace; None: none was, or it is not known.
        trust: certificates that the client trusts servers by; None: not looked at.
        server_trust: CA certificates that the server trusts clients by, as its owner named them;
            None: nobody said.
        stores: the key stores in which the identities stand, whole.
        material: every other certificate at hand, from whatever file.
        crls, responses: revocation lists and OCSP responses at hand, from files or fetched.
        trace: the failing connection, which is judged.
        traces: every connection that captures and logs told of, the judged one too.
        attempts: what happened when one thing was changed.
        stands_in: what the stand-in of the server plays, if one was asked: as seen, or assumed.
        settings: the instance's exports.
        tools: settings of other tools that call the same endpoint.
        url: the URL that the instance calls.
        answers: the engineer's own answers to the checklist, by row id.
        at: the time against which validity is judged (UTC).
        problems: what could not be read.
    """

    target: Target | None = None
    identities: tuple[Identity, ...] | None = None
    spare: tuple[Identity, ...] = ()
    chosen: Identity | None = None
    stores: tuple[Store, ...] = ()
    trust: tuple[Certificate, ...] | None = None
    server_trust: tuple[Certificate, ...] | None = None
    material: tuple[Certificate, ...] = ()
    crls: tuple[Crl, ...] = ()
    responses: tuple[Response, ...] = ()
    trace: Trace | None = None
    traces: tuple[Trace, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    stands_in: tuple[Because, ...] = ()
    settings: Settings | None = None
    tools: tuple[Tool, ...] = ()
    url: str | None = None
    answers: tuple[tuple[str, Literal["yes", "no"]], ...] = ()
    at: datetime | None = None
    problems: tuple[Problem, ...] = field(default=())

    def having(self, **evidence: Any) -> Self:  # noqa: ANN401 - any field of this class
        """Return this case with the named fields replaced."""
        return replace(self, **evidence)

    def need_trace(self) -> Trace:
        """Return the trace, or say how to get one."""
        if self.trace is None:
            raise Missing(
                "a trace of the failing connection",
                "Run the diagnosis against the live endpoint, or give a capture of it.",
            )
        return self.trace

    def need_identities(self) -> tuple[Identity, ...]:
        """Return the client's identities, or say how to get them."""
        if self.identities is None:
            raise Missing("the client's key store", "Give the key-store file (--identity).")
        return self.identities

    def need_trust(self) -> tuple[Certificate, ...]:
        """Return what the client trusts servers by, or say how to get it."""
        if self.trust is None:
            raise Missing(
                "the certificates by which the client trusts the server",
                self._issuer_at_hand() or "Give the client's trust store (--trust).",
            )
        return self.trust

    def _issuer_at_hand(self) -> str | None:
        """Name a root among the other files that issued the server's chain: to trust is to say."""
        shown = (self.trace.server_chain if self.trace is not None else None) or ()
        wanted = {one.issuer.der for one in shown if not one.self_issued}
        for one in self.material:
            if one.ca and one.self_issued and one.subject.der in wanted:
                return (
                    f"{one.label} ({one.source}) issued the server's chain: give it by --trust to "
                    "have the server judged."
                )
        return None

    def need_settings(self) -> Settings:
        """Return the instance's settings, or say how to get them."""
        if self.settings is None:
            raise Missing(
                "the instance's settings",
                "Export sys_properties, sys_protocol_profile and sys_certificate as XML or JSON "
                "and give the files as settings (--settings).",
            )
        return self.settings

    def need_time(self) -> datetime:
        """Return the time of judgement, or say how to give it."""
        if self.at is None:
            raise Missing("the time of the failure", "Say when it failed, in UTC.")
        return self.at
