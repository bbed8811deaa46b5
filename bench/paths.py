"""What it costs to accept a chain, to explain a rejected one, and not to get lost in a maze.

Peer for accepting: the verifier of `cryptography`, with the same time, anchor and intermediate, as
a client's certificate (root, intermediate, leaf). Each of our searches is of a leaf that was never
seen before, with no signature remembered; beneath stands what the same chain costs when it is
asked about again. For the rest the budget is a time of the processor, and beside it stands what
that verifier's refusal costs.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from statistics import median
from time import process_time

from cryptography import x509
from cryptography.x509 import verification
from table import Row, alternate

from mtlskit.certs import paths, signing
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.lab.chains import Chain, chains
from mtlskit.lab.mazes import Maze, mazes
from mtlskit.lab.pki import Authority, Issued, new_key
from mtlskit.material import Source

ROUNDS = 31
BATCH = 20
ACCEPT_BUDGET = 3.0
EXPLAIN_BUDGET = 0.020  # seconds
MAZE_BUDGET = 0.300  # seconds
KINDS = ("RSA 2048", "EC P-256")
_SOURCE = Source("bench")
_PEER = "`cryptography`'s verifier"


def measure() -> list[Row]:
    """Compare CPU time."""
    rows = [row for kind in KINDS for row in _accepting(kind)]
    return [*rows, *_explaining(), *_mazes()]


def _accepting(kind: str) -> Iterator[Row]:
    root = Authority.root("CN=Bench Root", key=kind)
    issuing = root.intermediate("CN=Bench Issuing", key=kind)
    key = new_key(kind)
    made = (
        issuing.client(f"CN=Client {at}", san=[f"client-{at}.example"], key=key)
        for at in itertools.count()
    )
    others, anchors = [_read(issuing.der)], [_read(root.der)]
    leaves = [next(made) for _ in range((ROUNDS + 1) * BATCH)]
    fresh = iter([_read(one.der) for one in leaves])
    theirs = itertools.cycle(leaves)
    peer = _peer(root, issuing)

    def ours(leaf: Certificate) -> None:
        now = datetime.now(UTC)
        assert paths.search(leaf, others, anchors, role="client", at=now).accepted

    same = _read(leaves[0].der)
    new, again, bare = alternate(
        ROUNDS,
        lambda: _batch(lambda: (signing._verified.cache_clear(), ours(next(fresh)))),  # noqa: SLF001 - signatures anew
        lambda: _batch(lambda: ours(same)),
        lambda: _batch(lambda: peer(next(theirs))),
    )
    yield _ratio(f"accept a chain of three, {kind}", new, bare)
    yield _ratio(f"accept the same chain again, {kind}", again, bare)


def _ratio(what: str, ours: float, peer: float) -> Row:
    return Row(what, _PEER, ours, peer, f"{ours / peer:.2f}x", f"at most {ACCEPT_BUDGET:g}x",
               ours <= ACCEPT_BUDGET * peer)  # fmt: skip


def _peer(root: Authority, issuing: Authority) -> Callable[[Issued], None]:
    store = verification.Store([root.certificate])

    def verify(leaf: Issued) -> None:
        policy = verification.PolicyBuilder().store(store).time(datetime.now(UTC))
        # Loaded anew each time: what a certificate has once been asked it remembers.
        fresh = x509.load_der_x509_certificate(leaf.der)
        policy.build_client_verifier().verify(fresh, [issuing.certificate])

    return verify


def _explaining() -> Iterator[Row]:
    """Search every broken chain of the lab, with nothing remembered; also told as a page."""
    broken = [one for one in chains() if one.code is not None and not one.crls]
    str(_search(broken[0]))  # reads the tables, once in a process
    gc.collect()
    gc.freeze()  # the lab's own objects are not the subject
    searched = [_cold(lambda one=one: _search(one)) for one in broken]  # type: ignore[misc]  # mypy cannot tell a default in a lambda
    told = [_cold(lambda one=one: str(_search(one))) for one in broken]  # type: ignore[misc]  # mypy cannot tell a default in a lambda
    peer = median(_cold(lambda one=one: _refused(one)) for one in broken)  # type: ignore[misc]  # mypy cannot tell a default in a lambda
    for what, times in (("search", searched), ("search and print as text", told)):
        yield _worst(f"{len(broken)} rejected chains, {what}", times, peer, EXPLAIN_BUDGET)


def _worst(what: str, times: list[float], peer: float, budget: float) -> Row:
    slowest = max(times)
    return Row(f"{what}: median", _PEER, median(times), peer, f"slowest {slowest * 1e3:.3g} ms",
               f"slowest under {budget * 1e3:.0f} ms", slowest < budget)  # fmt: skip


def _mazes() -> Iterator[Row]:
    every = list(mazes())
    times = [_cold(lambda one=one: _lost(one)) for one in every]  # type: ignore[misc]  # mypy cannot tell a default in a lambda
    peer = median(_cold(lambda one=one: _refused(one)) for one in every)  # type: ignore[misc]  # mypy cannot tell a default in a lambda
    yield _worst(f"{len(every)} mazes", times, peer, MAZE_BUDGET)


def _search(chain: Chain) -> paths.PathSearch:
    leaf, others, anchors = _read(chain.leaf), _all(chain.others), _all(chain.anchors)
    return paths.search(leaf, others, anchors, role=chain.role, at=chain.at, name=chain.name,
                        max_depth=chain.max_depth)  # fmt: skip


def _lost(maze: Maze) -> paths.PathSearch:
    leaf, others, anchors = _read(maze.leaf), _all(maze.others), _all(maze.anchors)
    return paths.search(leaf, others, anchors, role="client", at=datetime.now(UTC))


def _refused(one: Chain | Maze) -> None:
    """Let the peer judge; it has no more than one reason, or none."""
    try:
        store = verification.Store([x509.load_der_x509_certificate(der) for der in one.anchors])
        leaf, *others = [x509.load_der_x509_certificate(der) for der in (one.leaf, *one.others)]
        policy = verification.PolicyBuilder().store(store).time(datetime.now(UTC))
        policy.build_client_verifier().verify(leaf, others)
    except (verification.VerificationError, x509.InvalidVersion, ValueError):
        pass


def _read(der: bytes) -> Certificate:
    return read_certificate(der, _SOURCE)


def _all(ders: Iterable[bytes]) -> list[Certificate]:
    return [_read(one) for one in ders]


def _batch(action: Callable[[], object]) -> float:
    start = process_time()
    for _ in range(BATCH):
        action()
    return (process_time() - start) / BATCH


def _cold(action: Callable[[], object]) -> float:
    """Measure once, with no signature remembered."""
    signing._verified.cache_clear()  # noqa: SLF001 - what a first question costs
    start = process_time()
    action()
    return process_time() - start
