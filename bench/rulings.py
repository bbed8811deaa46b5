"""How we, OpenSSL and cryptography rule on chains that are each broken in one known way.

Run `.venv/bin/python bench/rulings.py`: prints the tables and remakes them in README.md. Law: every
verdict that differs from ours has its reason beside it, or is counted as not explained.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mtlskit.certs import paths, rulings
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.path_rules import CODES
from mtlskit.certs.signed import read_crl
from mtlskit.lab.chains import Chain, chains
from mtlskit.material import Source

README = Path(__file__).with_name("README.md")
VERIFIERS = ("openssl", "cryptography")
HEADERS = ("reason", "chains", "first reason right", *VERIFIERS)


def main() -> None:
    """Judge every chain, and write the tables down."""
    found = [(chain, judged(chain)) for chain in chains()]
    text = f"{table(found)}\n\n{explanations(found)}"
    print(text)
    begin, end = "<!-- rulings: begin -->", "<!-- rulings: end -->"
    remade, places = re.subn(
        f"{begin}.*?{end}",
        lambda _: f"{begin}\n{text}\n{end}",
        README.read_text("utf-8"),
        flags=re.DOTALL,
    )
    if places != 1:
        raise SystemExit(f"README.md needs {begin} and {end} once.")
    README.write_text(remade, "utf-8")


def judged(chain: Chain) -> paths.PathSearch:
    """Ask the question that a chain of the lab poses."""
    return paths.search(
        _read(chain.leaf),
        map(_read, chain.others),
        map(_read, chain.anchors),
        role=chain.role,
        at=chain.at,
        name=chain.name,
        max_depth=chain.max_depth,
        crls=[read_crl(der, Source("list")) for der in chain.crls],
    )


def _read(der: bytes) -> Certificate:
    return read_certificate(der, Source("lab"))


def table(found: list[tuple[Chain, paths.PathSearch]]) -> str:
    """A row for each reason: how many chains, and who refused how many of them."""
    rows = [HEADERS, ("---",) * len(HEADERS), *_rows(found)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows(found: list[tuple[Chain, paths.PathSearch]]) -> Iterator[tuple[str, ...]]:
    for code in (None, *CODES):
        some = [(chain, one) for chain, one in found if chain.code == code]
        if some:
            right = sum(_right(chain, one) for chain, one in some)
            others = [_verdicts(name, [one for _, one in some]) for name in VERIFIERS]
            yield (code or "sound", str(len(some)), str(right), *others)


def _right(chain: Chain, found: paths.PathSearch) -> bool:
    if found.accepted or chain.code is None:
        return found.accepted and chain.code is None
    first = found.reasons[0]
    return (first.code, first.certificate.der) == (chain.code, chain.at_fault)


def _verdicts(verifier: str, found: list[paths.PathSearch]) -> str:
    names = {True: "accepts", False: "refuses", None: "cannot be asked for"}
    counted = Counter(names[rulings.ask(one.question)[verifier].accepted] for one in found)
    return ", ".join(f"{name} {number}" for name, number in sorted(counted.items()))


def explanations(found: list[tuple[Chain, paths.PathSearch]]) -> str:
    """Each explanation once, with the number of verdicts that it is for."""
    counted = Counter(
        (one.verifier, one.why or "not explained") for _, each in found for one in each.differences
    )
    lines = (
        f"- {name}, {number} verdicts: {why}" for (name, why), number in sorted(counted.items())
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
