"""How often the diagnosis is right on real servers: `.venv/bin/python bench/accuracy.py`.

Law: every fault of `mtlskit.lab.faults` is staged on every real server that is here, in each TLS
version, and the kit is given what a support engineer would have. What is right is the fault that
was staged, or `none` where the server took it; the kit never sees it. The tables of accuracy.md
are written by this program alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import mtlskit
from mtlskit import experiment
from mtlskit.case import Case
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.diagnosis import habits
from mtlskit.diagnosis.causes import causes
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL, Fault
from mtlskit.lab.pki import pem
from mtlskit.lab.stacks import STACKS, Running, Stack
from mtlskit.lab.world import Play, World, beside_pem, client_pem
from mtlskit.material import Blob, Secrets, Source, Tap
from mtlskit.report import Report, judge
from mtlskit.trace.handshake import follow

OUT = Path(__file__).with_name("accuracy.md")
PATIENCE = 4.0
MODES = {
    "material": "with the key material at hand, without experiments",
    "owner": "with the key material, and the CA certificates that the endpoint's owner named",
    "experiments": "with the key material at hand, with experiments",
    "readable": "without key material, the client's Certificate message readable",
    "ending": "where only the ending is known: alert or HTTP status, stage, TLS version",
    "sealed": "from a capture of TLS 1.3 without its key log",
    "left-out": "with the key material, this stack's habits left out",
}
# What names the same fact as the cause that was staged, where both are true of the connection.
ALSO = {
    "no_shared_sigalg": {"client.withheld-algorithm"},
    "ed25519_key": {"client.withheld-algorithm"},
    "p521_key": {"client.withheld-algorithm"},
    "secp256k1_key": {"client.withheld-algorithm", "client.profile"},
}
_CLIENT_REFUSES = {"server_untrusted", "server_name_mismatch"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the kit said of one fault on one stack in one TLS version.

    Attributes:
        right: the causes that are right; one, in most cases.
        said: the causes that it named, best first, without those that it ruled out.
        refused_by: the side that it named; `truth` is the side that did refuse.
        cause: the cause that was staged, or ``none`` where the server accepted.
        sign: what could be seen of the ending, for the best possible guess from it.
    """

    stack: str
    fault: str
    tls: str
    mode: str
    right: frozenset[str]
    said: tuple[str, ...]
    ruled_out: frozenset[str]
    refused_by: str | None
    truth: str | None
    standing: str
    connections: int
    cause: str
    sign: tuple[object, ...]

    @property
    def first(self) -> bool:
        """The right cause is first."""
        return bool(self.said) and self.said[0] in self.right

    @property
    def among_three(self) -> bool:
        """The right cause is among the first three."""
        return bool(self.right & set(self.said[:3]))

    @property
    def wrong_side(self) -> bool:
        """The other side is said to have refused, or to be the one that must act."""
        if self.refused_by not in {self.truth, None}:
            return True
        if not self.said or self.said[0] in {"none", "unknown"}:
            return False
        # What the two speak in common is a matter of both.
        both = any(one.startswith("protocol.") for one in (*self.right, self.said[0]))
        return not both and causes()[self.said[0]].party not in {
            causes()[one].party for one in self.right if one != "none"
        }

    @property
    def excluded(self) -> bool:
        """The right cause is among those ruled out."""
        return bool(self.right & self.ruled_out) and not self.right & set(self.said)


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
    text = "\n".join(written(answers))
    print(text)
    whole = not (chosen.stack or chosen.fault or chosen.no_experiments)
    if out := chosen.out or (OUT if whole else None):
        out.write_text(text + "\n", "utf-8")
    return 0


def run(name: str, faults: Sequence[str], *, experiments: bool) -> list[Answer]:
    """Run one stack; in a process of its own."""
    return list(answers_of(STACKS[name], [ALL[one] for one in faults], experiments=experiments))


def answers_of(stack: Stack, faults: Iterable[Fault], *, experiments: bool) -> Iterator[Answer]:
    """Stage the faults on a stack, and give what the kit says in every mode."""
    world = World()
    for running, fault in measure.staged(stack, world, faults):
        for tls in fault.tls:
            asked = _Asked(stack, running, fault, fault.play(world), tls, world)
            yield from asked.answers(experiments=experiments)


@dataclass(frozen=True, slots=True)
class _Asked:
    stack: Stack
    running: Running
    fault: Fault
    play: Play
    tls: str
    world: World

    def answers(self, *, experiments: bool) -> Iterator[Answer]:
        plain = self._report(experiments=False)
        accepted = plain.case.trace is not None and plain.outcome == "accepted"
        yield self._answer("material", plain, accepted=accepted)
        yield self._answer("owner", judge(self._with_the_owners(plain.case)), accepted=accepted)
        with without_habits(self.stack.habit()):
            yield self._answer("left-out", judge(plain.case), accepted=accepted)
        if experiments:
            again = self._report(experiments=True)
            yield self._answer("experiments", again, accepted=again.outcome == "accepted")
        yield from self._from_the_wire()

    def _with_the_owners(self, case: Case) -> Case:
        """Add the CA certificates that the endpoint's owner named, as most owners do."""
        trusted = self.world.setup(self.fault.variant).trust
        return case.having(material=(*case.material, *measure.certificates(trusted)))

    def _from_the_wire(self) -> Iterator[Answer]:
        """Judge what a capture alone would tell, with and without its key log."""
        tap = connect(self._call())
        readable = self._alone(tap)
        accepted = readable.outcome == "accepted"
        yield self._answer("readable", readable, accepted=accepted)
        if not accepted:
            trace = readable.case.need_trace()
            bare = replace(trace, client_chain=None, proved=False, asked=None, events=())
            bare = replace(bare, asking_hidden=True, inferred=None)
            ending = judge(Case(target=self.running.target, trace=bare, at=datetime.now(UTC)))
            yield self._answer("ending", ending, accepted=False)
        if self.tls == "1.3" and not accepted:  # of acceptance a sealed capture cannot tell
            sealed = self._alone(replace(tap, secrets=Secrets(), library=()))
            yield self._answer("sealed", sealed, accepted=False)

    def _call(self) -> measure.Call:
        call = measure.call_of(
            self.running, self.play, self.tls, self.world, answers=self.stack.answers
        )
        return replace(call, timeout=PATIENCE)

    def _alone(self, tap: Tap) -> Report:
        trace = follow(tap)
        return judge(Case(target=self.running.target, trace=trace, at=datetime.now(UTC)))

    def _report(self, *, experiments: bool) -> Report:
        identity = [Blob(Source("client.pem"), client_pem(self.play))]
        given = identity if self.play.identity else None
        beside = beside_pem(self.play)
        material = [Blob(Source("beside.pem"), beside)] if beside else []
        if set(self.play.call) - {"trust"}:
            return self._by_hand(given, material, experiments=experiments)
        return mtlskit.diagnose(
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

    def _by_hand(
        self, given: list[Blob] | None, material: list[Blob], *, experiments: bool
    ) -> Report:
        """Diagnose a call that offers something odd, as a client so configured would."""
        case = case_of(self.running.target, given, self._trust(), material, (), None)
        call = self._call()
        case = case.having(trace=follow(connect(call)), chosen=call.identity, at=datetime.now(UTC))
        if experiments:
            case = case.having(attempts=tuple(experiment.tried(case, call)))
        return judge(case)

    def _trust(self) -> list[Blob] | None:
        if "trust" in self.play.call:
            return None
        roots = self.play.trust
        roots = (self.world.server_root.certificate,) if roots is None else roots
        return [Blob(Source("trust.pem"), pem(roots))]

    def _answer(self, mode: str, report: Report, *, accepted: bool) -> Answer:
        opinions = report.opinions
        said = tuple(one.cause for one in opinions if one.standing != "RULED_OUT")
        ruled_out = frozenset(one.cause for one in opinions if one.standing == "RULED_OUT")
        right = {"none"} if accepted else {self.fault.cause} | ALSO.get(self.fault.id, set())
        truth = "client" if self.fault.id in _CLIENT_REFUSES else "server"
        return Answer(
            stack=self.stack.name,
            fault=self.fault.id,
            tls=self.tls,
            mode=mode,
            right=frozenset(right),
            said=said,
            ruled_out=ruled_out,
            refused_by=report.refused_by,
            truth=None if accepted else truth,
            standing=opinions[0].standing if opinions else "",
            connections=1 + len(report.case.attempts),
            cause="none" if accepted else self.fault.cause,
            sign=self._sign(report),
        )

    def _sign(self, report: Report) -> tuple[object, ...]:
        trace = report.case.need_trace()
        sent = trace.inferred.sent_certificate if trace.inferred else None
        return (self.tls, *astuple(habits.sign_of(trace.ended)), sent)


@contextmanager
def without_habits(stack: str) -> Iterator[None]:
    """Leave one stack's rows out of the measured habits."""
    real: Callable[[], dict[str, list[habits._Row]]] = habits._rows  # noqa: SLF001 - it has no setting
    kept = {cause: [row for row in rows if row.stack != stack] for cause, rows in real().items()}
    habits._rows = lambda: kept  # noqa: SLF001 - as above
    try:
        yield
    finally:
        habits._rows = real  # noqa: SLF001 - as above


def written(answers: Sequence[Answer]) -> Iterator[str]:
    """Write the page."""
    yield "# How often the diagnosis is right on real servers"
    yield ""
    yield (
        "Made by `bench/accuracy.py`. A case is one fault on one real server in one TLS version; "
        "what is right is the fault that was staged, or `none` where the server accepted."
    )
    yield ""
    yield (
        "The wrong side is blamed where the other side is said to have refused, or where another "
        "party is said to have to act (what the two speak in common is a matter of both)."
    )
    for mode, words in MODES.items():
        mine = [one for one in answers if one.mode == mode]
        if mine:
            yield from _section(words, mine)


def _section(words: str, answers: list[Answer]) -> Iterator[str]:
    yield from ("", f"## {words[0].upper()}{words[1:]}", "")
    yield "| stack | cases | right first | in first three | wrong side | right one ruled out |"
    yield "| --- | --- | --- | --- | --- | --- |"
    by_stack: dict[str, list[Answer]] = defaultdict(list)
    for one in answers:
        by_stack[one.stack].append(one)
    for name, mine in (*by_stack.items(), ("all", answers)):
        cells = [f"{100 * sum(getattr(one, key) for one in mine) / len(mine):.1f} %"
                 for key in ("first", "among_three")]  # fmt: skip
        cells += [str(sum(getattr(one, key) for one in mine)) for key in ("wrong_side", "excluded")]
        yield f"| {' | '.join((name, str(len(mine)), *cells))} |"
    if answers[0].mode in {"ending", "sealed"}:
        yield from _best_guess(answers)
    if answers[0].mode == "experiments":
        yield from _confirmed(answers)
    yield from _misses(answers)


def _best_guess(answers: list[Answer]) -> Iterator[str]:
    """Tell how often the best possible guess from these signs alone would be right."""
    bounds = []
    for by_stack in (False, True):
        seen: dict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
        for one in answers:
            seen[one.sign, one.stack if by_stack else ""][one.cause] += 1
        right = sum(counts.most_common(1)[0][1] for counts in seen.values())
        bounds.append(f"{100 * right / len(answers):.1f} %")
    yield ""
    yield (
        f"The best possible single guess from these signs is right in {bounds[0]} of the cases, "
        f"and in {bounds[1]} if the stack is known."
    )


def _confirmed(answers: list[Answer]) -> Iterator[str]:
    """Tell how often an experiment confirmed what was right, and what it cost."""
    refused = [one for one in answers if one.truth is not None]
    most = max(one.connections for one in answers)
    sure = sum(one.first and one.standing == "CONFIRMED" for one in refused)
    wrong = sum(not one.first and one.standing == "CONFIRMED" for one in answers)
    yield ""
    yield (
        f"An experiment confirmed the right cause in {sure} of {len(refused)} refusals, and a "
        f"wrong one in {wrong}. No diagnosis made more than {most} connections. Faults that an "
        "experiment confirmed, of the refusals that they led to:"
    )
    yield ""
    proved = Counter(one.fault for one in refused if one.first and one.standing == "CONFIRMED")
    of = Counter(one.fault for one in refused)
    for fault, count in sorted(proved.items()):
        yield f"- {fault}: {count} of {of[fault]}"


def _misses(answers: list[Answer]) -> Iterator[str]:
    missed = [one for one in answers if not one.first]
    if not missed:
        return
    yield from ("", "| fault | TLS | right | said first | second | stacks |")
    yield "| --- | --- | --- | --- | --- | --- |"
    where: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in missed:
        said = (*one.said, "-", "-")
        right = " or ".join(sorted(one.right)) + (" (ruled out)" if one.excluded else "")
        first = said[0] + (" (wrong side)" if one.wrong_side else "")
        where[one.fault, one.tls, right, first, said[1]].append(one.stack)
    for key in sorted(where):
        yield f"| {' | '.join((*key, ', '.join(sorted(set(where[key])))))} |"


if __name__ == "__main__":
    sys.exit(main())
