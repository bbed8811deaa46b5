"""What it costs to save the report of a large case, and how large its files are.

200 certificates, 5 connections, 16 experiments, and the settings of an instance. CPU time. Peers:
writing as many bytes to the disk, where the report ends; for the size, the report of a small case.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from table import Row, alternate

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import settings_from
from mtlskit.lab import exports, scenes
from mtlskit.lab.diagnosed import diagnosed
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source
from mtlskit.report import Report, judge

ROUNDS = 7
CERTIFICATES, CONNECTIONS, EXPERIMENTS = 200, 5, 16
SIZE_BUDGET, TIME_BUDGET = 1_500_000, 1.0  # bytes of the HTML, and seconds of the saving


def measure() -> list[Row]:
    """Save the report of the large case, and of the small one, in turns."""
    small = _small()
    large = _large(small)
    with TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {one: path.stat().st_size for one, path in _written(large, folder).items()}
        plain = _written(small, folder)[".html"].stat().st_size
        saved, hidden, bare = alternate(
            ROUNDS,
            lambda: _seconds(large, folder),
            lambda: _seconds(large.redacted("names"), folder),
            lambda: _bare(folder, sum(sizes.values())),
        )
    said = f"{CERTIFICATES} certificates, {CONNECTIONS} connections, {EXPERIMENTS} experiments"
    size, peer = sizes[".html"], "the same bytes written"
    return [
        Row(f"`report.save`, {said}, settings", peer, saved, bare, f"{saved:.2f} s",
            "at most 1 s", saved <= TIME_BUDGET),
        Row("the same with all names hidden", peer, hidden, bare, f"{hidden:.2f} s",
            "at most 1 s", hidden <= TIME_BUDGET),
        Row("its HTML", "of a small case", f"{size / 1e6:.2f} MB", f"{plain / 1e6:.2f} MB",
            f"{size / plain:.1f}x", "at most 1.5 MB", size <= SIZE_BUDGET),
    ]  # fmt: skip


def _small() -> Report:
    with scenes.stage("client.chain-incomplete", tls="1.3") as staged:
        return diagnosed(staged)


def _large(small: Report) -> Report:
    """Make the large case of the small one, and judge it."""
    case, trace = small.case, small.case.trace
    if trace is None:
        raise SystemExit("The lab's failure left no connection to look at.")
    material = _certificates()
    world = exports.WORLDS["broken"]
    blob = Blob(Source("instance.xml"), exports.as_unload(world.records))
    tried = case.attempts * EXPERIMENTS
    return judge(
        case.having(
            trust=material[: CERTIFICATES // 2],
            material=material[CERTIFICATES // 2 :],
            traces=(trace,) * CONNECTIONS,
            attempts=tried[:EXPERIMENTS],
            settings=settings_from([read_export(blob)]),
            url=world.url,
        ),
        small.made,
    )


def _certificates() -> tuple[Certificate, ...]:
    root = Authority.root("CN=Root, O=Many")
    issued = (
        root.client(f"CN=client {number}, O=Many", key=root.key) for number in range(CERTIFICATES)
    )
    return tuple(
        read_certificate(one.der, Source(f"client-{number}.pem"))
        for number, one in enumerate(issued)
    )


def _written(report: Report, folder: Path) -> dict[str, Path]:
    return {path.suffix: path for path in report.save(folder / "report")}


def _seconds(report: Report, folder: Path) -> float:
    """Time one saving; a case is copied, so that nothing is remembered of it."""
    fresh = replace(report, case=replace(report.case))
    start = process_time()
    fresh.save(folder / "report")
    return process_time() - start


def _bare(folder: Path, size: int) -> float:
    start = process_time()
    (folder / "bare").write_bytes(b"x" * size)
    return process_time() - start
