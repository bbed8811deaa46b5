"""Who must act, as far as the evidence tells.

Law of this file: a party is named alone only where the evidence leaves hardly anything to the
others. While that is open, everyone is named between whom it is open; nobody is blamed by a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlskit.diagnosis.causes import Party
    from mtlskit.diagnosis.reason import Opinion

_WORTH_NAMING = 0.1
"""A party whose possible causes have less than this part of the weight is not named."""


def parties(opinions: Sequence[Opinion]) -> tuple[Party, ...]:
    """Return who may have to act, the likeliest first; () where nobody has to.

    Args:
        opinions: best first.
    """
    first = next((one for one in opinions if one.standing != "RULED_OUT"), None)
    if first is None or first.cause == "none":
        return ()
    if first.standing != "POSSIBLE" or first.cause == "unknown":
        return (first.party,)
    weights: dict[Party, float] = defaultdict(float)
    for one in opinions:
        if one.standing == "POSSIBLE":
            weights[one.party] += one.weight
    least = _WORTH_NAMING * sum(weights.values())
    others = sorted(weights, key=lambda party: -weights[party])
    return (first.party, *(one for one in others if one != first.party and weights[one] >= least))
