"""The same attempt by every client that is installed, side by side.

Law of this file: each client is watched on the wire, through a tap, and its own log is read too.
What the wire cannot show, its log may; who said it stands beside the answer. Nobody is asked twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Literal

from mtlskit.collect.call import Call
from mtlskit.collect.clients.papers import Papers, papers_for
from mtlskit.collect.clients.programs import CLIENTS, Client, Errand
from mtlskit.collect.clients.running import Done, first_line, run
from mtlskit.collect.tap import Limits, relay
from mtlskit.material import Source, Tap, Text
from mtlskit.page.blocks import (
    Badge,
    Block,
    Callout,
    Fields,
    Inline,
    Listing,
    Page,
    Section,
    Table,
    Tone,
)
from mtlskit.page.plain import Plain, plain
from mtlskit.page.shown import Shown
from mtlskit.trace import tell
from mtlskit.trace.dialects.log import Log
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Outcome, RefusedBy, Trace
from mtlskit.trace.handshake import follow
from mtlskit.trace.rungs import ladder_of

__all__ = ["ClientRun", "Clients", "try_clients"]

ToldBy = Literal["wire", "client", "log"]

_SECRET = re.compile(r"((?:Master-Key|(?:Resumption )?PSK(?: key)?)\s*: *)[0-9A-Fa-f]{16,}")
_REFUSED = re.compile(r"^REFUSED: ", re.MULTILINE)
_ANSWER = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})\b")
_REFUSALS = frozenset({400, 401, 403, 421, 495, 496})
"""HTTP answers by which servers refuse a client whose handshake they took: nginx says 400. Where
the wire can be read, it tells by the page whether that was meant."""
_NO_COMPILER = "this Java has no compiler, which a program in one file needs; a JDK has one"
_ENOUGH = 1.0  # seconds that are waited for the tap once a client has ended
_WORDS = 300


@dataclass(frozen=True, slots=True)
class ClientRun(Shown):
    """One client's attempt.

    Attributes:
        client, version: what it is, in its own words.
        wire: what the tap saw of it.
        log: what its own log tells.
        transcript: that log.
        exit_status: negative for a signal; None if it was ended by us.
        words: its own words for what happened.
        why: why it was ended by us; empty if it ended by itself.
        seconds: how long it ran.
    """

    client: str
    version: str
    wire: Trace = field(repr=False)
    log: Log = field(repr=False)
    transcript: Text = field(repr=False)
    exit_status: int | None
    words: str
    why: str = ""
    seconds: float = 0.0

    @property
    def own(self) -> Outcome | None:
        """What the client itself says came of it, where it says so without a doubt."""
        if _REFUSED.search(self.transcript.text):
            return "refused"
        answer = _ANSWER.match(self.words) if self.exit_status == 0 else None
        if answer is None:
            return None
        return "refused" if int(answer[1]) in _REFUSALS else "accepted"

    @property
    def told_by(self) -> ToldBy:
        """Whose account it is: the wire's; where that is sealed, the client's log, or its word.

        A client that verifies after the handshake leaves without an alert: then its word counts;
        and so it does where the wire shows a handshake that was done, and no answer.
        """
        taken = self.wire.ended.outcome == "accepted"
        late = self._refuses or (self.wire.http is None and self.own == "refused")
        if self.wire.ended.outcome != "undecided" and not (taken and late):
            return "wire"
        if self._logged is not None and not (taken and self._refuses):
            return "log"
        return "client" if self.own else "wire"

    @property
    def _refuses(self) -> bool:
        """Whether it was the client that refused, by its own word."""
        return _REFUSED.search(self.transcript.text) is not None

    @property
    def _logged(self) -> Trace | None:
        decided = (one for one in self.log.traces if one.ended.outcome != "undecided")
        return next(decided, None)

    @property
    def trace(self) -> Trace:
        """What the wire told; where that is sealed, what its own log told."""
        return (self._logged if self.told_by == "log" else None) or self.wire

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        told = self.own if self.told_by == "client" else None
        return told or self.trace.ended.outcome

    @property
    def refused_by(self) -> RefusedBy | None:
        """Who refused whom."""
        if self.outcome == "refused" and self._refuses:
            return "client"
        if self.told_by == "client":
            return "server" if self.outcome == "refused" else None
        return self.trace.ended.refused_by

    @property
    def alert(self) -> str | None:
        """The alert that ended it, by name."""
        return self.trace.ended.symptom.name

    @property
    def sent(self) -> int | None:
        """How many certificates the client sent; None if that was not seen."""
        told: list[Sequence[object] | None] = [self.wire.client_chain]
        for one in self.log.traces[:1]:
            told += [one.client_chain, one.client_printed]
        return next((len(one) for one in told if one is not None), None)

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        told = {
            name: plain(getattr(self, name))
            for name in (
                *("client", "version", "outcome", "refused_by", "alert", "sent", "told_by"),
                *("exit_status", "words", "why", "seconds"),
            )
        }
        return {**told, "tls": self.trace.tls or self.wire.tls}

    def page(self) -> Page:
        """Describe the attempt: its row, then message by message, then its own words."""
        facts = Fields(tuple(zip(_COLUMNS, _row(self), strict=True)))
        blocks: list[Block] = [facts, *tell.page_of(self.trace).blocks]
        lines = self.transcript.text
        return Page(
            f"The attempt by {self.client}",
            (*blocks, Section("What it printed", (Listing(lines),), folded=True, paper=False)),
        )


@dataclass(frozen=True, slots=True)
class Clients(Shown):
    """The same attempt by several clients.

    Attributes:
        call: what they were told to do.
        runs: in the order in which they ran.
        absent: clients that are not on this machine, or could not be started.
    """

    call: Call
    runs: tuple[ClientRun, ...]
    absent: tuple[str, ...] = ()

    def __getitem__(self, client: str) -> ClientRun:
        """Give the run of one client, by its name or the beginning of it.

        Raises:
            KeyError: it did not run.
        """
        for one in self.runs:
            if one.client.lower().startswith(client.lower()):
                return one
        raise KeyError(f"{client} did not run; these did: {', '.join(_names(self.runs))}.")

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        runs = [one.plain() for one in self.runs]
        return {"target": str(self.call.target), "runs": plain(runs), "absent": plain(self.absent)}

    def page(self) -> Page:
        """Set them side by side: what came of each, and what each said of it."""
        blocks: list[Block] = [self._headline()]
        if self.runs:
            said = tuple((one.client, one.why or one.words or "nothing") for one in self.runs)
            blocks += [
                Table(_COLUMNS, tuple(_row(one) for one in self.runs)),
                Section("In their own words", (Fields(said),)),
            ]
        if len(self.runs) <= _WHOLE:
            blocks += [_ladder(one) for one in self.runs]
        return Page(f"The same attempt at {self.call.target}, by other clients", tuple(blocks))

    def _headline(self) -> Callout:
        if not self.runs:
            return Callout("None of the clients is on this machine.", tone="warn")
        good = [one for one in self.runs if one.outcome == "accepted"]
        rest = [one for one in self.runs if one.outcome != "accepted"]
        if good and rest:
            text = f"{_listed(_names(good))} came through; {_listed(_names(rest))} did not."
            return Callout(text, self._remarks(), tone="warn")
        who = "No client" if rest else "Every client"
        if len(self.runs) == 1:
            who = self.runs[0].client
        text = f"{who} was {'not ' if rest and len(self.runs) == 1 else ''}accepted."
        return Callout(text, self._remarks(), tone="bad" if rest else "good")

    def _remarks(self) -> tuple[Block, ...]:
        """Say where the clients differ in what they sent, and who was not asked."""
        rows: list[tuple[str, Inline]] = []
        counts = {one.sent for one in self.runs if one.sent is not None}
        for count in sorted(counts) if len(counts) > 1 else ():
            who = [one for one in self.runs if one.sent == count]
            rows.append((_SENT.get(count, f"Sent {count} certificates"), _listed(_names(who))))
        if self.absent:
            rows.append(("Not on this machine", ", ".join(self.absent)))
        return (Fields(tuple(rows)),) if rows else ()


def _ladder(one: ClientRun) -> Section:
    told: list[Block] = [ladder_of(one.trace).picture()]
    asked = tell.asked_and_sent(one.trace)
    told += [] if asked is None else [asked]
    return Section(f"{one.client}, message by message", tuple(told))


_WHOLE = 2
"""So many clients are shown message by message; of more, each run shows itself."""

_SENT = {0: "Sent no certificate", 1: "Sent 1 certificate"}
_COLUMNS = ("Client", "Outcome", "Refused by", "Alert", "TLS", "Sent", "Told by", "Exit")
_TONES: dict[str, Tone] = {
    "accepted": "good",
    "refused": "bad",
    "unreachable": "bad",
    "undecided": "warn",
}


def _row(one: ClientRun) -> tuple[Inline, ...]:
    sent = {None: "not seen", 0: "none"}.get(one.sent, str(one.sent))
    return (
        f"{one.client} {one.version}".rstrip(),
        Badge(one.outcome, _TONES[one.outcome]),
        *(one.refused_by or "-", one.alert or "-", one.trace.tls or one.wire.tls or "-", sent),
        *(one.told_by, "ended by us" if one.exit_status is None else str(one.exit_status)),
    )


def _names(runs: Collection[ClientRun]) -> list[str]:
    return [one.client for one in runs]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def try_clients(
    call: Call,
    only: Collection[str] = (),
    heard: Callable[[ClientRun], None] | None = None,
) -> Clients:
    """Make the same attempt with every client on this machine, one after another.

    Args:
        call: what to offer and trust, and whom to call. Without trust, no client verifies the
            server. Each client has the call's timeout.
        only: names of clients, or the beginnings of them; () all.
        heard: called with each run as soon as it is done.

    Raises:
        ValueError: the call wishes what not every client can be told, or `only` names no client.
        Unreadable: the identity cannot be handed to other programs.
    """
    _must_be_plain(call)
    runs, absent = [], []
    for client in _chosen(only):
        one = None if client.path is None else _attempt(call, client, client.path)
        if one is None:
            absent.append(client.name)
            continue
        runs.append(one)
        if heard:
            heard(one)
    return Clients(call, tuple(runs), tuple(absent))


def _must_be_plain(call: Call) -> None:
    if call.via or call.starttls:
        raise ValueError("Other clients are told to call directly: leave out proxy and STARTTLS.")
    if call.server_name == "":
        raise ValueError("Other clients send the name they call: give one, or leave it out.")


def _chosen(only: Collection[str]) -> list[Client]:
    wanted = [one.lower() for one in only]
    for one in wanted:
        if not any(client.name.lower().startswith(one) for client in CLIENTS):
            known = ", ".join(client.name for client in CLIENTS)
            raise ValueError(f"There is no client {one!r}; there are {known}.")
    return [
        client
        for client in CLIENTS
        if not wanted or any(client.name.lower().startswith(one) for one in wanted)
    ]


def _attempt(call: Call, client: Client, program: str) -> ClientRun | None:
    with papers_for(call) as papers:
        version = first_line([program, *client.version], papers.folder)
        begun = monotonic()
        with relay(
            call.address or call.target,
            key_log=papers.key_log,
            limits=Limits(longest=call.timeout, reach=call.timeout),
            server_name=call.expected_name,
        ) as tap:
            command = client.command(program, Errand(call, tap.target, papers))
            try:
                done = run(command, papers.folder, call.timeout)
            except OSError:
                return None
            took = monotonic() - begun
            tap.taps(1, timeout=_ENOUGH)
        seen = tap.taps()  # a connection that still hung was ended with the tap
        return _run_of(client, version, done, seen[0].tap if seen else None, papers, took, call)


def _run_of(  # noqa: PLR0913, PLR0917 - what came of one attempt
    client: Client,
    version: str,
    done: Done,
    tap: Tap | None,
    papers: Papers,
    took: float,
    call: Call,
) -> ClientRun:
    source = Source(f"{client.name} to {call.target}")
    text = _SECRET.sub(r"\1(left out)", done.said).replace(f"{papers.folder}", "(folder)")
    seen = tap or Tap(source, server_name=call.expected_name)
    wire = follow(replace(seen, source=source, target=call.target))
    return ClientRun(
        client=client.name,
        version=_short(version),
        wire=wire,
        log=read_log(text.splitlines(), source),
        transcript=Text(source, text),
        exit_status=done.status,
        words=_own_words(client, text),
        why=done.why or (_NO_COMPILER if tap is None and "jdk.compiler" in text else ""),
        seconds=round(took, 3),
    )


def _short(version: str) -> str:
    """Return the number alone: the client's name stands beside it."""
    number = re.search(r"\d+(?:\.\w+)+", version)
    return number[0] if number else version[:40]


def _own_words(client: Client, text: str) -> str:
    """Return the last of its own words for what happened, on one line."""
    found = [next(filter(None, one.groups()), "") for one in client.words.finditer(text)]
    return " ".join(found[-1].split())[:_WORDS] if found else ""
