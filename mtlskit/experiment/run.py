"""The attempts themselves: the first one, and one for each change.

Law of this file: all that is tried for one diagnosis meets the same machine, politely spaced, in at
most so many connections and within one deadline. Two controls guard a proof: the call without a
certificate, and the first call once more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Unpack

from mtlskit import report as reports
from mtlskit.case import Attempt, Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.collect.call import Call
from mtlskit.collect.calling import Manner, call_of
from mtlskit.collect.evidence import Given
from mtlskit.collect.given import case_of, case_to_call, several, target_of
from mtlskit.collect.live import connect
from mtlskit.collect.published import with_published
from mtlskit.collect.status import Kind
from mtlskit.diagnosis.proof import helped
from mtlskit.experiment.change import Change
from mtlskit.experiment.plan import changes
from mtlskit.instance.live import Live
from mtlskit.instance.settings import Settings
from mtlskit.material import Target
from mtlskit.report import Report
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

MOST_CONNECTIONS = 16
"""Connections that one diagnosis makes at most, the first one included."""

SPACING = 0.1
"""Seconds from the beginning of one call to that of the next, at least."""


def attempt(  # noqa: PLR0913 - the choices of an attempt, all by name
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
) -> Trace:
    """Make one connection and tell it. This is `mtlskit.trace`.

    Args:
        target: ``host:port`` or a URL.
        identity: file or files with the client's certificate and key; None: call without.
        trust: file or files with what the client trusts servers by; None: look on, verify nothing.
        password: for whatever is locked.
        tls: the one version to speak, ``1.0`` to ``1.3``; None: 1.2 or 1.3.
        server_name: the name to reach; None: the target's host; "": send none.
        timeout: seconds for everything together.
        request: send ``GET /`` (or the URL's path) once the handshake is done.
        manner: how the connection is made: ``via`` a proxy, ``starttls``, and what is offered; see
            `mtlskit.collect.calling.Manner`.

    Raises:
        Unreadable: the target or a file cannot be read.
        ValueError: a wish cannot be carried out.
    """
    case = case_to_call(target, identity, trust, password)
    call = call_of(case, tls, server_name, timeout, request=request, manner=manner)
    return follow(connect(call))


def diagnose(  # noqa: PLR0913 - the interface, all by name
    target: str | Target | Case,
    *,
    identity: Given | Iterable[Given] | None = None,
    trust: Given | Iterable[Given] | None = None,
    server_trust: Given | Iterable[Given] | None = None,
    material: Given | Iterable[Given] = (),
    settings: Given | Iterable[Given] | Settings | Live = (),
    fetch: Collection[Kind] = (),
    url: str | None = None,
    password: str | Sequence[str] | None = None,
    tls: str | None = None,
    server_name: str | None = None,
    timeout: float = 10.0,
    experiments: bool = True,
    request: bool = True,
    **manner: Unpack[Manner],
) -> Report:
    """Find out why a connection fails, and prove it where that can be done.

    Args:
        target: ``host:port``, a URL, or a `Case`. A case with a trace is judged as it stands; one
            with a target and no trace is called first.
        identity: files with the client's certificates and keys (paths, or bytes with a name).
        trust: files with what the client trusts servers by; None: verify nothing.
        server_trust: files with the CA certificates by which the server verifies clients, as the
            endpoint's owner named them; None: nobody said.
        material: whatever else is at hand, such as CA certificates and revocation lists.
        settings: exports of the instance's settings, or what `mtlskit.read_instance` gave.
        fetch: what is fetched, after a refusal, from the addresses in the client's certificates,
            as for `mtlskit.verify`: ``issuers`` that are missing, ``ocsp`` responses, ``crls``.
            By default nobody but the endpoint is called.
        url: the URL that the instance calls, if it is not the target itself.
        password: one or several, tried on whatever is locked.
        tls: the one TLS version to speak; None: 1.2 or 1.3.
        server_name: the name to reach; None: the target's host.
        timeout: seconds for each connection.
        experiments: after a refusal, change one thing at a time and try again.
        request: ask ``GET`` of the URL's path after the handshake, so that a refusal that comes
            as an HTTP answer is seen.
        manner: how every connection is made, as for `mtlskit.trace`.

    Raises:
        Unreadable: the target cannot be read, or a file that was named is not there.
        ValueError: files were given beside a case, or a number cannot be.
    """
    if isinstance(target, Case):
        given = (identity, trust, server_trust)
        if any(one is not None for one in given) or several(material) or several(settings):
            raise ValueError("A case holds its evidence; add to it with case.having(…).")
        case = target
    else:
        case = case_of(target, identity, trust, material, settings, password, server_trust)
    if url is not None:
        case = case.having(url=url)
    if case.at is None:
        case = case.having(at=datetime.now(UTC))
    if case.trace is None and case.target is not None:
        call = call_of(case, tls, server_name, timeout, request=request, manner=manner)
        case = case.having(trace=follow(connect(call)), chosen=call.identity)
        case = _published(_without_request(case, call), fetch)
        if experiments:
            case = case.having(attempts=(*case.attempts, *tried(case, call)))
    else:
        case = _published(case, fetch)
    return replace(reports.judge(case), made=datetime.now(UTC))


def _published(case: Case, fetch: Collection[Kind]) -> Case:
    """Add what the client's CA publishes, if that is wanted and there is a refusal to explain."""
    accepted = case.trace is not None and case.trace.ended.outcome == "accepted"
    return case if accepted else with_published(case, fetch)


def _without_request(case: Case, first: Call) -> Case:
    """Where the answer to our own HTTP request was a mute close, look whether that was the reason.

    A server that speaks another protocol closes so, and nothing is wrong with its TLS.
    """
    loud = case.need_trace()
    if first.request is None or not _mute_close(loud):
        return case
    quiet = follow(connect(replace(_pinned(first, loud), request=None)))
    if quiet.ended.outcome != "accepted":
        return case
    text = (
        "an HTTP request was sent once the handshake was done: the server closed without an "
        "answer, as a server does that speaks no HTTP"
    )
    return case.having(trace=quiet, attempts=(Attempt(None, text, "", loud),))


def _mute_close(trace: Trace) -> bool:
    ended = trace.ended
    mute = ended.symptom.alert is None and ended.symptom.http is None
    late = ended.stage in ("after-handshake", "application")
    return mute and late and ended.outcome != "accepted" and ended.refused_by != "client"


def tried(case: Case, first: Call) -> Iterator[Attempt]:
    """Make the changes that could settle the case, one connection each, within the limits.

    Once a change has helped only the controls follow: what is settled needs no more callers.
    """
    if case.trace is None or not _failed(case.trace):
        return
    first = _pinned(first, case.trace)
    line = _Line(monotonic() + MOST_CONNECTIONS * first.timeout / 4)
    proved = False
    for change in _affordable(changes(case, first)):
        if proved and change.cause is not None:
            continue
        trace = line.called(change.call)
        if trace is None:
            return
        one = Attempt(change.cause, change.text, change.remedy, trace)
        yield one
        proved = proved or (change.cause is not None and helped(one, case.trace))
    again = line.called(first) if proved else None
    if again is not None:
        # Behind one name there may be several servers, and they may differ.
        text = "nothing was changed: the first call was repeated"
        yield Attempt(None, text, "", again, repeats=True)


def _affordable(planned: Iterable[Change]) -> list[Change]:
    """Keep what the number of connections allows; a control is worth more than the last guess."""
    every = tuple(planned)
    controls = [one for one in every if one.cause is None]
    # Besides these: the first call, the same without a request, and the first one repeated.
    left = MOST_CONNECTIONS - 3 - len(controls)
    return [one for one in every if one.cause is not None][:left] + controls


def _pinned(call: Call, trace: Trace) -> Call:
    """Settle the address: of several machines behind one name, all calls must meet the same."""
    return call if trace.peer is None else replace(call, address=target_of(trace.peer)[0])


@dataclass(slots=True)
class _Line:
    """Whoever calls again and again: never too fast, and not for ever.

    Attributes:
        until: when the last call must be over, in seconds of the monotonic clock.
        free: when the next call may begin.
    """

    until: float
    free: float = 0.0

    def called(self, call: Call) -> Trace | None:
        """Make a call when its turn has come; None if there is no time left for one."""
        sleep(max(0.0, self.free - monotonic()))
        now = monotonic()
        if now >= self.until:
            return None
        self.free = now + SPACING
        return follow(connect(replace(call, timeout=min(call.timeout, self.until - now))))


def _failed(trace: Trace) -> bool:
    """Tell whether there may be something to mend.

    That is a refusal, a ClientHello that nobody answered, or a server that hung up before it was
    asked anything, which in TLS 1.3 may be its refusal.
    """
    ended = trace.ended
    unanswered = ended.stage == "hello" and trace.tls is None
    hung_up = ended.stage == "after-handshake" and trace.asked is not None
    return ended.outcome == "refused" or (ended.outcome == "undecided" and (unanswered or hung_up))
