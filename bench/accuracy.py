"""How often the diagnosis is right on real servers: `.venv/bin/python bench/accuracy.py`.

Law of this file: every fault of `mtlskit.lab.faults` is staged on every real server that is here,
in each TLS version, and the kit is given what a support engineer would have. What is right is the
fault that was staged, or `none` where the server took it; the kit never sees it. The tables of
accuracy.md are written by this program and `accuracy_table` alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from accuracy_table import ALIKE, Answer, written

import mtlskit
from mtlskit import experiment
from mtlskit.case import Case
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.collect.published import with_published
from mtlskit.diagnosis import causes as vocabulary
from mtlskit.diagnosis import habits
from mtlskit.diagnosis.causes import Cause
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL, Fault
from mtlskit.lab.pki import pem
from mtlskit.lab.publisher import publishing
from mtlskit.lab.stacks import STACKS, Running, Stack
from mtlskit.lab.world import Play, World, beside_pem, client_pem
from mtlskit.material import Blob, Secrets, Source, Tap
from mtlskit.report import Report, judge
from mtlskit.trace.handshake import follow

OUT = Path(__file__).with_name("accuracy.md")
PATIENCE = 4.0
# What names the same fact as the cause that was staged, where both are true of the connection.
ALSO = {
    "no_shared_sigalg": {"client.withheld-algorithm"},
    "ed25519_key": {"client.withheld-algorithm"},
    "p521_key": {"client.withheld-algorithm"},
    "secp256k1_key": {"client.withheld-algorithm", "client.profile"},
}
_CLIENT_REFUSES = {"server_untrusted", "server_name_mismatch"}
# Apache names a protocol that was not offered, which ends the handshake at the client (RFC 7301,
# 3.1): there the fatal alert is the client's own.
_CLIENT_REFUSES_AT = {("apache", "alpn_mismatch")}


def main() -> int:
    """Run the table, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", action="append", help="only this stack; may be repeated")
    parser.add_argument("--fault", action="append", help="only this fault; may be repeated")
    parser.add_argument("--no-experiments", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="where to write; accuracy.md if all was run")
    chosen = parser.parse_args()
    stacks = [name for name, one in STACKS.items() if one.available()]
    stacks = [name for name in stacks if not chosen.stack or name in chosen.stack]
    faults = [name for name in ALL if not chosen.fault or name in chosen.fault]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        jobs = [
            pool.submit(run, name, faults, experiments=not chosen.no_experiments) for name in stacks
        ]
        answers = [answer for job in jobs for answer in job.result()]
    versions = {name: STACKS[name].version() or "unknown" for name in stacks}
    text = "\n".join(written(answers, versions))
    print(text)
    whole = not (chosen.stack or chosen.fault or chosen.no_experiments)
    if out := chosen.out or (OUT if whole else None):
        out.write_text(text + "\n", "utf-8")
    return 0


def run(name: str, faults: Sequence[str], *, experiments: bool) -> list[Answer]:
    """Run one stack; in a process of its own."""
    met = cases_of(STACKS[name], [ALL[one] for one in faults], experiments=experiments)
    return [answer for one in met for answer in answers_of(one)]


@dataclass(frozen=True, slots=True)
class Met:
    """One case as the kit is given it, with the truth beside it.

    Attributes:
        kind: what the kit was given; as the modes of the table, but for those that judge anew.
        accepted: the server took it.
    """

    stack: Stack
    fault: Fault
    tls: str
    kind: str
    case: Case
    accepted: bool


def cases_of(stack: Stack, faults: Iterable[Fault], *, experiments: bool) -> Iterator[Met]:
    """Stage the faults on a stack, and give what the kit is given in every mode."""
    with publishing() as publisher:
        world = World(publisher)
        for running, fault in measure.staged(stack, world, faults):
            for tls in fault.tls:
                asked = _Asked(stack, running, fault, fault.play(world), tls, world)
                yield from asked.cases(experiments=experiments)


def answers_of(met: Met) -> Iterator[Answer]:
    """Have the kit judge a case, in every mode in which one of its kind is judged."""
    yield _answer(met, met.kind, judge(met.case))
    if met.kind == "material":
        with without_habits(met.stack.habit()):
            yield _answer(met, "left-out", judge(met.case))
    if met.kind in ALIKE:
        with all_faults_alike(met.tls):
            yield _answer(met, ALIKE[met.kind], judge(met.case))


@dataclass(frozen=True, slots=True)
class _Asked:
    stack: Stack
    running: Running
    fault: Fault
    play: Play
    tls: str
    world: World

    def cases(self, *, experiments: bool) -> Iterator[Met]:
        plain = self._case(experiments=False)
        accepted = _accepted(plain)
        yield self._met("material", plain, accepted=accepted)
        published = with_published(plain, ("issuers", "crls"), timeout=PATIENCE)
        yield self._met("published", published, accepted=accepted)
        named = measure.certificates(self.world.setup(self.fault.variant).trust)
        yield self._met("owner", plain.having(server_trust=named), accepted=accepted)
        both = published.having(server_trust=named)
        yield self._met("both", both, accepted=accepted)
        if experiments:
            again = self._case(experiments=True)
            yield self._met("experiments", again, accepted=_accepted(again))
        yield from self._from_the_wire()

    def _from_the_wire(self) -> Iterator[Met]:
        """Give what a capture alone would tell, with and without its key log."""
        tap = connect(self._call())
        readable = self._alone(tap)
        accepted = _accepted(readable)
        yield self._met("readable", readable, accepted=accepted)
        if accepted:  # of acceptance a sealed capture cannot tell
            return
        bare = replace(readable.need_trace(), client_chain=None, proved=False, asked=None)
        bare = replace(bare, asking_hidden=True, inferred=None, events=())
        ending = Case(target=self.running.target, trace=bare, at=datetime.now(UTC))
        yield self._met("ending", ending, accepted=False)
        if self.tls == "1.3":
            sealed = self._alone(replace(tap, secrets=Secrets(), library=()))
            yield self._met("sealed", sealed, accepted=False)

    def _met(self, kind: str, case: Case, *, accepted: bool) -> Met:
        return Met(self.stack, self.fault, self.tls, kind, case, accepted)

    def _call(self) -> measure.Call:
        call = measure.call_of(
            self.running, self.play, self.tls, self.world, answers=self.stack.answers
        )
        return replace(call, timeout=PATIENCE)

    def _alone(self, tap: Tap) -> Case:
        return Case(target=self.running.target, trace=follow(tap), at=datetime.now(UTC))

    def _case(self, *, experiments: bool) -> Case:
        identity = [Blob(Source("client.pem"), client_pem(self.play))]
        given = identity if self.play.identity else None
        beside = beside_pem(self.play)
        material = [Blob(Source("beside.pem"), beside)] if beside else []
        if set(self.play.call) - {"trust"}:
            return self._by_hand(given, material, experiments=experiments)
        report = mtlskit.diagnose(
            self.running.target,
            identity=given,
            trust=self._trust(),
            material=material,
            tls=self.tls,
            server_name=self.play.server_name,
            timeout=PATIENCE,
            experiments=experiments,
            request=self.stack.answers,
        )
        return report.case

    def _by_hand(
        self, given: list[Blob] | None, material: list[Blob], *, experiments: bool
    ) -> Case:
        """Make a call that offers something odd, as a client so configured would."""
        case = case_of(self.running.target, given, self._trust(), material, (), None)
        call = self._call()
        case = case.having(trace=follow(connect(call)), chosen=call.identity, at=datetime.now(UTC))
        if experiments:
            case = case.having(attempts=tuple(experiment.tried(case, call)))
        return case

    def _trust(self) -> list[Blob] | None:
        if "trust" in self.play.call:
            return None
        roots = self.play.trust
        roots = (self.world.server_root.certificate,) if roots is None else roots
        return [Blob(Source("trust.pem"), pem(roots))]


def _accepted(case: Case) -> bool:
    return case.trace is not None and case.trace.ended.outcome == "accepted"


def _answer(met: Met, mode: str, report: Report) -> Answer:
    opinions, fault, name = report.opinions, met.fault, met.stack.name
    said = tuple(one.cause for one in opinions if one.standing != "RULED_OUT")
    right = {"none"} if met.accepted else {fault.cause} | ALSO.get(fault.id, set())
    by_client = fault.id in _CLIENT_REFUSES or (name, fault.id) in _CLIENT_REFUSES_AT
    truth = "client" if by_client else "server"
    return Answer(
        stack=name,
        fault=fault.id,
        tls=met.tls,
        mode=mode,
        right=frozenset(right),
        said=said,
        ruled_out=frozenset(one.cause for one in opinions if one.standing == "RULED_OUT"),
        refused_by=report.refused_by,
        truth=None if met.accepted else truth,
        standing=opinions[0].standing if opinions else "",
        parties=report.diagnosis.parties,
        connections=1 + len(report.case.attempts),
        cause="none" if met.accepted else fault.cause,
        sign=_sign(met.tls, report),
    )


def _sign(tls: str, report: Report) -> tuple[object, ...]:
    trace = report.case.need_trace()
    sent = trace.inferred.sent_certificate if trace.inferred else None
    return (tls, *astuple(habits.sign_of(trace.ended)), sent)


@contextmanager
def without_habits(stack: str) -> Iterator[None]:
    """Leave one stack's rows out of the measured habits."""
    real: Callable[[], dict[str, list[habits._Row]]] = habits._rows  # noqa: SLF001 - it has no setting
    kept = {cause: [row for row in rows if row.stack != stack] for cause, rows in real().items()}
    habits._usual.cache_clear()  # noqa: SLF001 - as above
    habits._rows = lambda: kept  # noqa: SLF001 - as above
    try:
        yield
    finally:
        habits._rows = real  # noqa: SLF001 - as above
        habits._usual.cache_clear()  # noqa: SLF001 - as above


@contextmanager
def all_faults_alike(tls: str) -> Iterator[None]:
    """Have the kit take each staged fault for as frequent as any other, and no other cause at all.

    That is the world in which this program lives; support meets another one.
    """
    number = Counter(one.cause for one in ALL.values() if tls in one.tls)
    real = vocabulary.causes
    flat: Mapping[str, Cause] = {
        name: replace(one, prior=float(number[name]) or 1e-9) for name, one in real().items()
    }
    replaced = [
        module
        for module in list(sys.modules.values())
        if getattr(module, "causes", None) is real and module.__name__.startswith("mtlskit.")
    ]
    for module in replaced:
        module.causes = lambda: flat  # type: ignore[attr-defined]  # it has no setting
    try:
        yield
    finally:
        for module in replaced:
            module.causes = real  # type: ignore[attr-defined]  # as above


if __name__ == "__main__":
    sys.exit(main())
