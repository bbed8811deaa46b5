"""How often an experiment proves what a client can mend: `.venv/bin/python bench/confirmed.py`.

Law: every fault of `mtlskit.lab.faults` that a client can mend with what it has is staged on every
real server that is here, in each TLS version. What mends it lies among the further material, as it
would on the engineer's desk: a renewed certificate, the right key store, the URL that the partner
published. The kit is not told which it is. The tables of confirmed.md are written by this program
alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from mtlskit import experiment
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.lab import measure
from mtlskit.lab.faults import ALL, Fault
from mtlskit.lab.pki import Issued, now, pem
from mtlskit.lab.stacks import STACKS, Running, Stack
from mtlskit.lab.world import CLIENT, DAY, HOST, Play, World, beside_pem, client_pem
from mtlskit.material import Blob, Source
from mtlskit.report import Report, judge
from mtlskit.trace.handshake import follow

OUT = Path(__file__).with_name("confirmed.md")
PATIENCE = 4.0
WRONG = "client.wrong-identity"
Files = list[Blob]
Beside = Callable[[World, Play], Files]


@dataclass(frozen=True, slots=True)
class Mend:
    """What lies beside the client's own files, and what is right to say if it helps.

    Attributes:
        what: in words, for the table.
        beside: makes the files.
        also: causes that are right beside the one that was staged.
    """

    what: str
    beside: Beside
    also: frozenset[str] = frozenset()


def _nothing(_world: World, _play: Play) -> Files:
    return []


def _issuers(_world: World, play: Play) -> Files:
    return [Blob(Source("beside.pem"), beside_pem(play))]


def _another(world: World, _play: Play) -> Files:
    """A key store with a certificate that is in order, of the CA that the server trusts."""
    return [*_decoys(world), _store("right.pem", world.issuing.client(CLIENT))]


def _of_rsa(world: World, _play: Play) -> Files:
    right = world.rsa_issuing.client(CLIENT, key="RSA 2048")
    return [*_decoys(world), _store("rsa.pem", right)]


def _decoys(world: World) -> Files:
    """Key stores that help nothing: of a CA that nobody knows, and one that is out of date."""
    late = world.issuing.client("CN=Old Client", not_before=now() - 9 * DAY, not_after=now() - DAY)
    return [_store("other.pem", world.elsewhere.client("CN=Other")), _store("old.pem", late)]


def _store(name: str, issued: Issued) -> Blob:
    return Blob(Source(name), client_pem(Play(issued)))


def _root_of_the_server(world: World, _play: Play) -> Files:
    return [Blob(Source("server-root.pem"), pem((world.server_root.certificate,)))]


_ANOTHER = Mend("another key store, of the CA that the server trusts", _another, frozenset({WRONG}))
_RENEWED = Mend("the renewed certificate, in a key store of its own", _another)
_USUAL = Mend("nothing: the usual is offered", _nothing)
_URL = Mend("the URL that the endpoint's owner published", _nothing)
MENDS: Mapping[str, Mend] = {
    "no_cert": Mend("the key store, which this call does not use", _another),
    "missing_intermediate": Mend("the intermediate's certificate", _issuers),
    "expired": _RENEWED,
    "not_yet_valid": replace(_RENEWED, what="the certificate before it, in a key store of its own"),
    "eku_server_only": _RENEWED,
    "ku_no_digsig": _RENEWED,
    "ku_keyenc_only": _RENEWED,
    "critical_ext": _RENEWED,
    "ca_true": _RENEWED,
    "huge_cert": _RENEWED,
    "rsa1024": _RENEWED,
    "sha1_sig": _RENEWED,
    "bad_cert_signature": _ANOTHER,
    "revoked": _ANOTHER,
    "expired_intermediate": _ANOTHER,
    "unrelated_ca": _ANOTHER,
    "unrelated_ca_with_root": _ANOTHER,
    "same_dn_ca": _ANOTHER,
    "same_dn_ca_with_root": _ANOTHER,
    "self_signed": _ANOTHER,
    "noca_issuer": _ANOTHER,
    "pathlen_violation": _ANOTHER,
    "name_constraint": _ANOTHER,
    "over_depth": _ANOTHER,
    "ed25519_key": replace(_ANOTHER, also=frozenset({"client.withheld-algorithm", WRONG})),
    "p521_key": replace(_ANOTHER, also=frozenset({"client.withheld-algorithm", WRONG})),
    "secp256k1_key": replace(
        _ANOTHER, also=frozenset({"client.withheld-algorithm", "client.profile", WRONG})
    ),
    "no_shared_sigalg": Mend(
        "a key store with an RSA key", _of_rsa, frozenset({"client.withheld-algorithm"})
    ),
    "client_tls10": _USUAL,
    "client_tls11": _USUAL,
    "tls_too_old": _USUAL,
    "tls_too_new": _USUAL,
    "no_shared_cipher": _USUAL,
    "alpn_mismatch": _USUAL,
    "sni_strict_mismatch": _URL,
    "sni_strict_absent": _URL,
    "sni_mismatch": _URL,
    "no_sni": _URL,
    "server_name_mismatch": _USUAL,
    "server_untrusted": Mend("the root of the server's CA", _root_of_the_server),
}
"""Every fault that a client can mend by itself, and what it has to mend it with."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one fault on one stack in one TLS version."""

    stack: str
    fault: str
    tls: str
    outcome: str
    confirmed: tuple[str, ...]
    right: frozenset[str]
    connections: int
    seconds: float

    @property
    def proved(self) -> bool:
        """An experiment confirmed the right cause, and no other."""
        return bool(self.confirmed) and set(self.confirmed) <= self.right

    @property
    def wrong(self) -> bool:
        """An experiment confirmed what was not staged."""
        return bool(set(self.confirmed) - self.right)


def main() -> int:
    """Run the table, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", action="append", help="only this stack; may be repeated")
    parser.add_argument("--fault", action="append", help="only this fault; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="where to write; confirmed.md if all was run")
    chosen = parser.parse_args()
    stacks = [name for name, one in STACKS.items() if one.available()]
    stacks = [name for name in stacks if not chosen.stack or name in chosen.stack]
    faults = [name for name in MENDS if not chosen.fault or name in chosen.fault]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        jobs = [pool.submit(run, name, faults) for name in stacks]
        proofs = [proof for job in jobs for proof in job.result()]
    text = "\n".join(written(proofs))
    print(text)
    whole = not (chosen.stack or chosen.fault)
    if out := chosen.out or (OUT if whole else None):
        out.write_text(text + "\n", "utf-8")
    return 0


def run(name: str, faults: Sequence[str]) -> list[Proof]:
    """Run one stack; in a process of its own."""
    return list(proofs_of(STACKS[name], [ALL[one] for one in faults]))


def proofs_of(stack: Stack, faults: Iterable[Fault]) -> Iterator[Proof]:
    """Stage the faults on a stack, and diagnose each with what mends it beside."""
    world = World()
    for running, fault in measure.staged(stack, world, faults):
        play = fault.play(world)
        for tls in fault.tls:
            began = perf_counter()
            report = _report(stack, running, fault, play, tls, world)
            yield _proof(stack, fault, tls, report, perf_counter() - began)


def _report(  # noqa: PLR0913, PLR0917 - what is staged
    stack: Stack, running: Running, fault: Fault, play: Play, tls: str, world: World
) -> Report:
    """Call as the client of this fault does, and let the experiments run."""
    own = [Blob(Source("client.pem"), client_pem(play))] if play.identity else None
    beside = MENDS[fault.id].beside(world, play)
    case = case_of(running.target, own, _trust(play, world), beside, (), None)
    if MENDS[fault.id] is _URL:
        case = case.having(url=f"https://{HOST}:{running.target.port}/")
    call = measure.call_of(running, play, tls, world, answers=stack.answers)
    call = replace(call, timeout=PATIENCE, chain=None, identity=(case.identities or (None,))[0])
    case = case.having(trace=follow(connect(call)), chosen=call.identity, at=datetime.now(UTC))
    return judge(case.having(attempts=tuple(experiment.tried(case, call))))


def _trust(play: Play, world: World) -> Files | None:
    if "trust" in play.call:
        return None
    roots = (world.server_root.certificate,) if play.trust is None else play.trust
    return [Blob(Source("trust.pem"), pem(roots))]


def _proof(stack: Stack, fault: Fault, tls: str, report: Report, seconds: float) -> Proof:
    mend = MENDS[fault.id]
    return Proof(
        stack=stack.name,
        fault=fault.id,
        tls=tls,
        outcome=report.outcome,
        confirmed=tuple(one.cause for one in report.opinions if one.standing == "CONFIRMED"),
        right=frozenset({fault.cause}) | mend.also,
        connections=1 + len(report.case.attempts),
        seconds=seconds,
    )


def written(proofs: Sequence[Proof]) -> Iterator[str]:
    """Write the page."""
    failed = [one for one in proofs if one.outcome != "accepted"]
    proved = sum(one.proved for one in failed)
    yield "# How often an experiment proves what a client can mend"
    yield ""
    yield (
        "Made by `bench/confirmed.py`. A case is one fault on one real server in one TLS version, "
        "where the server did refuse it. What mends the fault lies among the further material, "
        "beside two key stores that help nothing. Proved means that one change turned the refusal "
        "into an acceptance (where the client had refused the server: that it no longer did), that "
        "the first call, "
        "repeated, was refused again, and that no other cause was confirmed."
    )
    yield ""
    yield (
        f"An experiment proved the right cause in {proved} of {len(failed)} cases "
        f"({_percent(proved, len(failed))}), and a wrong one in {sum(o.wrong for o in failed)}. "
        f"No diagnosis made more than {max((o.connections for o in proofs), default=0)} "
        "connections."
    )
    yield from _by_stack(failed)
    yield from _by_fault(failed)
    yield from _missed(failed)


def _by_stack(failed: list[Proof]) -> Iterator[str]:
    yield from ("", "| stack | cases | proved | a wrong cause proved | connections, mean |")
    yield "| --- | --- | --- | --- | --- |"
    groups: dict[str, list[Proof]] = defaultdict(list)
    for one in failed:
        groups[one.stack].append(one)
    for name, mine in (*groups.items(), ("all", failed)):
        mean = sum(one.connections for one in mine) / max(1, len(mine))
        cells = (_percent(sum(o.proved for o in mine), len(mine)), str(sum(o.wrong for o in mine)))
        yield f"| {' | '.join((name, str(len(mine)), *cells, f'{mean:.1f}'))} |"


def _by_fault(failed: list[Proof]) -> Iterator[str]:
    yield from ("", "| fault | what lies beside | cases | proved | as |", "| --- " * 5 + "|")
    for fault, mend in MENDS.items():
        mine = [one for one in failed if one.fault == fault]
        causes = Counter(cause for one in mine if one.proved for cause in one.confirmed)
        named = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
        proved = sum(one.proved for one in mine)
        yield f"| {fault} | {mend.what} | {len(mine)} | {proved} | {named or '-'} |"


def _missed(failed: list[Proof]) -> Iterator[str]:
    where: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in failed:
        if not one.proved:
            where[one.fault, one.tls, ", ".join(one.confirmed) or "-"].append(one.stack)
    if where:
        yield from ("", "Not proved:", "", "| fault | TLS | confirmed instead | stacks |")
        yield "| --- | --- | --- | --- |"
    for key in sorted(where):
        yield f"| {' | '.join((*key, ', '.join(sorted(where[key]))))} |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


if __name__ == "__main__":
    sys.exit(main())
