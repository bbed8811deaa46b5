"""What the settings have to do with a wrong certificate: two opinions that belong together.

Law of this file: nothing is weighed here. Where the wrong identity was sent, and the instance's
settings let any of several key stores be offered, the first says so and names the remedy of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mtlskit.material import Because
from mtlskit.rules.rule import Finding, Found

if TYPE_CHECKING:
    from mtlskit.diagnosis.reason import Opinion

_SENT = "client.wrong-identity"
_LETTING = ("instance.property-overrides-profile", "instance.several-keystores")
"""Settings that let the wrong key store be offered; the first that was found is told."""


def connected(opinion: Opinion, findings: Mapping[str, Finding]) -> Opinion:
    """Return the opinion with what the settings have to do with it; unchanged if nothing."""
    if opinion.cause != _SENT or opinion.standing not in ("CONFIRMED", "LIKELY"):
        return opinion
    verdicts = (findings[cause].verdict for cause in _LETTING if cause in findings)
    letting = next((one for one in verdicts if isinstance(one, Found)), None)
    if letting is None:
        return opinion
    told = Because("the instance's settings let it offer the wrong key store, too")
    remedy = (
        f"{opinion.remedy} On the instance its settings let the wrong key store be offered: "
        f"{letting.remedy}"
    )
    return replace(opinion, because=(*opinion.because, told, *letting.because), remedy=remedy)
