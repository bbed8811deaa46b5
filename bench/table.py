"""What a benchmark hands back: rows that set us against a named peer, measured in the same run.

Law: a row is a ratio or a difference within one run, with its budget beside it. Plain seconds are
shown for orientation only, since they belong to one machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

Probe = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes:
        ours, peer: seconds, medians of the same run; or a size in words.
        budget: what must hold, in words.
        figure: the ratio or difference that the budget speaks of, in words.
    """

    what: str
    peer_name: str
    ours: float | str
    peer: float | str
    figure: str
    budget: str
    held: bool

    def cells(self) -> tuple[str, ...]:
        """Write the row's cells."""
        held = "yes" if self.held else "NO"
        return (self.what, _ms(self.ours), self.peer_name, _ms(self.peer), self.figure,
                self.budget, held)  # fmt: skip


HEADERS = ("what", "ours", "peer", "peer's", "figure", "budget", "held")


def markdown(rows: list[Row]) -> str:
    """Write the rows as a Markdown table."""
    lines = [HEADERS, tuple("---" for _ in HEADERS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def alternate(rounds: int, *probes: Probe) -> list[float]:
    """Run the probes in turns, so that a busy machine troubles all alike; return their medians.

    One round is run first and not counted.
    """
    results: list[list[float]] = [[] for _ in probes]
    for turn in range(rounds + 1):
        for values, probe in zip(results, probes, strict=True):
            value = probe()
            if turn:
                values.append(value)
    return [median(values) for values in results]


def _ms(figure: float | str) -> str:
    if isinstance(figure, str):
        return figure
    return f"{figure:.3g} s" if figure >= 1 else f"{figure * 1e3:.3g} ms"
