"""Measures how real servers answer each fault, by the kit's own live call.

Law of this file: a row is what one connection showed, reduced as the diagnosis reduces it; the
cause in it is the fault's that was staged, never one that was concluded. Rows have the columns of
``diagnosis/habits.csv``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from importlib.resources import files
from itertools import groupby
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.keystore import Identity, open_store
from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.live import connect
from mtlskit.collect.starttls import question
from mtlskit.diagnosis.habits import sign_of
from mtlskit.lab.faults import ALL, Fault
from mtlskit.lab.stacks import Running, Stack
from mtlskit.lab.world import Play, World, client_pem
from mtlskit.material import Blob, Source
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

PATIENCE = 6.0
"""Seconds that one connection may take."""
_LINGER = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One measured habit: the columns of ``habits.csv``, each as it stands there."""

    stack: str
    version: str
    tls: str
    variant: str
    fault: str
    cause: str
    outcome: str
    stage: str
    alert: str
    http: str
    tcp: str
    tickets: str
    measured: str

    @property
    def cell(self) -> tuple[str, ...]:
        """What names the row: one stack, version, TLS version, variant and fault."""
        return self.stack, self.version, self.tls, self.variant, self.fault

    @property
    def cells(self) -> tuple[str, ...]:
        """Everything, in the order of the columns."""
        return astuple(self)

    @property
    def symptom(self) -> tuple[str, ...]:
        """What the server did."""
        return self.outcome, self.stage, self.alert, self.http, self.tcp


COLUMNS = tuple(one.name for one in fields(Row))


@dataclass(frozen=True, slots=True)
class Met:
    """One fault that was staged on one running server, and the connection that came of it.

    Attributes:
        first: the server's first bytes, whatever they are.
    """

    fault: Fault
    tls: str
    play: Play
    trace: Trace
    first: bytes


def measure(stack: Stack, world: World, faults: Iterable[Fault] | None = None) -> Iterator[Row]:
    """Stage the faults on one stack, in every TLS version in which they can be, and give rows."""
    name, version = stack.habit(), stack.version() or "unknown"
    for met in meetings(stack, world, ALL.values() if faults is None else faults):
        yield _row(name, version, met)


def meetings(stack: Stack, world: World, faults: Iterable[Fault]) -> Iterator[Met]:
    """Stage faults on one stack, in each TLS version, and call the server."""
    for running, fault in staged(stack, world, faults):
        play = fault.play(world)
        for tls in fault.tls:
            tap = connect(call_of(running, play, tls, world, answers=stack.answers))
            first = next((one.data for one in tap.chunks if one.sender == "server"), b"")
            yield Met(fault, tls, play, follow(tap), first)


def staged(stack: Stack, world: World, faults: Iterable[Fault]) -> Iterator[tuple[Running, Fault]]:
    """Give each fault that the stack can play, with the server that it meets.

    One server runs for all the faults of a variant, until the next one is asked for.
    """
    by_variant = sorted(faults, key=lambda one: one.variant)
    for variant, group in groupby(by_variant, key=lambda one: one.variant):
        setup = world.setup(variant)
        if stack.lacks(setup):
            continue
        with stack.start(setup) as running:
            for fault in group:
                yield running, fault


def call_of(running: Running, play: Play, tls: str, world: World, *, answers: bool = True) -> Call:
    """Make the call that a client of this fault makes; it asks for a page if that is answered."""
    trust = (world.server_root.certificate,) if play.trust is None else play.trust
    parts: dict[str, Any] = {
        "identity": identity_of(play),
        "trust": certificates(trust),
        "server_name": play.server_name,
        "versions": (tls, tls),
        **_asking(running, play, answers=answers),
        "timeout": PATIENCE,
        "linger": _LINGER,
    }
    if play.identity is not None:
        parts["chain"] = certificates(play.identity.chain)
    return Call(running.target, **(parts | dict(play.call)))


def _asking(running: Running, play: Play, *, answers: bool) -> dict[str, Any]:
    """Say what is asked within TLS, and within what TLS is begun."""
    if running.starttls:
        return {"starttls": running.starttls, "question": question(running.starttls)}
    return {"request": HttpRequest(host=play.server_name or None) if answers else None}


def identity_of(play: Play) -> Identity | None:
    """Read what the client holds, as the kit reads it."""
    if play.identity is None:
        return None
    store = open_store(Blob(Source("client.pem"), client_pem(play)))
    return store.identities[0]


def certificates(shown: Sequence[Any]) -> tuple[Certificate, ...]:
    """Read certificates of the lab as the kit reads them."""
    return tuple(read_certificate(one.public_bytes(Encoding.DER), Source("lab")) for one in shown)


def _row(name: str, version: str, met: Met) -> Row:
    ended, fault = met.trace.ended, met.fault
    sign = sign_of(ended)
    accepted = sign.outcome == "accepted"
    http = sign.http or _in_clear(met.first)
    closing = "deadline" if ended.symptom.tcp == "deadline" else "closed"
    return Row(
        stack=name,
        version=version,
        tls=met.tls,
        variant=fault.variant,
        fault=fault.id,
        cause=fault.cause,
        outcome=sign.outcome,
        stage="" if accepted else sign.stage,
        alert="" if ended.refused_by == "client" else sign.alert,
        http=http,
        tcp=closing if sign.silent and not http else "",
        tickets=str(met.trace.tickets),
        measured=datetime.now(UTC).date().isoformat(),
    )


def _in_clear(first: bytes) -> str:
    """Return the HTTP status that a server answered without TLS."""
    found = re.match(rb"HTTP/1\.[01] (\d{3})", first)
    return found[1].decode() if found else ""


def known() -> tuple[Row, ...]:
    """Return the rows that the diagnosis rests on."""
    return read(files("mtlskit.diagnosis").joinpath("habits.csv").read_text("utf-8"))


def read(text: str) -> tuple[Row, ...]:
    """Read rows from the text of a CSV file."""
    return tuple(Row(**row) for row in csv.DictReader(io.StringIO(text)))


def write(rows: Iterable[Row]) -> str:
    """Write rows as the text of a CSV file, in the order of the file at hand."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in sorted(rows, key=lambda row: astuple(row)[:5]))
    return out.getvalue()


def merged(old: Iterable[Row], new: Iterable[Row]) -> tuple[Row, ...]:
    """Put new rows in place of old ones of the same stack, version, TLS version and fault.

    What the old row says of the TLS library that the version was linked with is kept.
    """
    cells = {_without_library(row): row for row in old}
    for row in new:
        before = cells.get(_without_library(row))
        cells[_without_library(row)] = replace(row, version=before.version) if before else row
    return tuple(cells.values())


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that was measured twice with two results."""

    before: Row
    after: Row


def compare(old: Iterable[Row], new: Iterable[Row]) -> tuple[int, tuple[Change, ...]]:
    """Count the cells that agree, and return those that do not.

    A version counts by its first word: what follows names the TLS library it was linked with.
    """
    before: Mapping[tuple[str, ...], Row] = {_without_library(row): row for row in old}
    pairs = [(before[_without_library(row)], row) for row in new if _without_library(row) in before]
    changes = tuple(Change(one, other) for one, other in pairs if one.symptom != other.symptom)
    return len(pairs) - len(changes), changes


def _without_library(row: Row) -> tuple[str, ...]:
    return row.stack, row.version.split(" ")[0], row.tls, row.variant, row.fault
