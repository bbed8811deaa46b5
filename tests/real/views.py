"""One real connection by a real client to a real server, and every account of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from mtlskit.collect.calling import call_of
from mtlskit.collect.capture import read_capture
from mtlskit.collect.clients.attempts import ClientRun, try_clients
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.collect.tap import TapListener, relay
from mtlskit.lab import scenery
from mtlskit.lab.scenes import Staged, stage
from mtlskit.lab.stacks import STACKS, Running
from mtlskit.material import Blob, Source, Tap
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Trace

_WRITTEN = 2.0  # seconds that a server may take to write its log
_ENDED = 1.0  # seconds until a connection counts that its client has left
OTHERWISE = {
    # Node's own list of cipher suites has the only one that is left; so it is accepted.
    ("protocol.cipher", "1.2", "Node"): None,
    # GnuTLS looks at the key usage of its own certificate, and breaks off.
    ("client.purpose/key-usage", "1.2", "gnutls-cli"): "client",
}
"""Who refuses where a client goes its own way: by scene, TLS version and client."""


@dataclass(frozen=True)
class Views:
    """Every account of one connection, by whose it is.

    Attributes:
        holds: whether the client was given a certificate with its key.
        connected: whether it said anything; some refuse their own files before.
    """

    run: ClientRun
    accounts: tuple[tuple[str, Trace], ...]
    holds: bool
    connected: bool

    def answers(self, name: str) -> dict[str, object]:
        """What each account says to one question, where it says anything."""
        asked = {
            "sent": _sent,
            "refused by": lambda one: one.ended.refused_by,
            "alert": lambda one: one.ended.symptom.alert,
        }[name]
        told = {whose: asked(trace) for whose, trace in self.accounts}
        return {whose: answer for whose, answer in told.items() if answer is not None}


def _sent(trace: Trace) -> int | None:
    """How many certificates the client sent; a Java log prints them without their bytes."""
    told = trace.client_printed if trace.client_chain is None else trace.client_chain
    return None if told is None else len(told)


@contextmanager
def playing(stack: str, scene: str, tls: str) -> Iterator[tuple[Staged, TapListener]]:
    """A scene on a real server, behind a tap."""
    with stage(scene, tls, stack=STACKS[stack]) as staged, relay(staged.target) as tap:
        yield staged, tap


def plays(stack: str, scene: str, tls: str) -> bool:
    """Whether this server is here and has the scene."""
    return STACKS[stack].available() and scenery.plays(STACKS[stack], scene, tls)


def views_of(staged: Staged, tap: TapListener, client: str) -> Views:
    """Let one client call, and gather what the wire, a capture and both logs tell of it."""
    before, came = len(staged.running.log().text), len(tap.taps())
    case = scenery.holding(staged)
    usable = tuple(one for one in case.identities or () if one.key_matches)
    case = case.having(target=tap.target, identities=usable or None)
    call = call_of(case, staged.tls, staged.server_name, 15.0, request=True, manner={})
    (run,) = try_clients(call, [client.lower()], None).runs
    new = tap.taps(came + 1, _ENDED)[came:]
    if not any(one.sender == "client" for one in (new[0].tap.chunks if new else ())):
        return Views(run, (), bool(usable), connected=False)
    accounts = [("wire", run.wire), ("capture", _captured(new[0].tap))]
    accounts += [("client's log", one) for one in run.log.traces]
    server = read_log(_written(staged.running, before).splitlines(), Source("server's log"))
    accounts += [("server's log", one) for one in server.traces]
    return Views(run, tuple(accounts), bool(usable), connected=True)


def _captured(tap: Tap) -> Trace:
    (one,) = read_capture(Blob(Source("tap.pcapng"), pcapng(tap))).connections
    return one.trace


def _written(running: Running, before: int) -> str:
    """What the server has written of this connection, once it writes no more."""
    deadline, said = time.monotonic() + _WRITTEN, ""
    while time.monotonic() < deadline:
        time.sleep(0.05)
        more = running.log().text[before:]
        if more and more == said:
            break
        said = more
    return said


def contradiction(views: Views, question: str) -> dict[str, object]:
    """The answers, if two accounts of one connection say different things; else nothing."""
    answers = views.answers(question)
    return answers if len(set(answers.values())) > 1 else {}


def misnamed(views: Views, staged: Staged, client: str) -> dict[str, object]:
    """The answers, if another side is named than the one that refused; else nothing.

    A client that verifies after its handshake leaves without an alert: then its own word counts.
    A client that refuses its own files before it says a word has refused nobody; nor has a server
    that does not mind the fault, and answers. Where nothing tells, nobody may be acquitted.
    """
    if not views.connected:
        return {}
    told = views.answers("refused by") or {"altogether": views.run.refused_by}
    expected = OTHERWISE.get((staged.scene.id, staged.tls or "", client), staged.scene.refused_by)
    if told == {"altogether": None} != {"altogether": expected}:
        served = any(one.ended.symptom.http == HTTPStatus.OK for _, one in views.accounts)
        return {} if served or views.run.outcome != "accepted" else told
    return told if set(told.values()) != {expected} else {}


def miscounted(views: Views, staged: Staged) -> dict[str, object]:
    """The answers, if something was sent by who held nothing, or the other way round.

    Java, and clients that were told of acceptable issuers, send none where theirs is not among
    them: there the count may be none, too.
    """
    told = views.answers("sent")
    if not views.holds:
        return told if set(told.values()) - {0} else {}
    withholds = staged.scene.id.startswith(("client.withheld", "server.ca-list-wrong"))
    java = views.run.client == "Java"
    return told if 0 in told.values() and not (withholds or java) else {}
